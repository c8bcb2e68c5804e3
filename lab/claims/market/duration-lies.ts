/** What a tenant gains that declares other run times than its jobs have, on a cluster of slots. */
import type { Random } from '../../../src/kernel/random.ts';
import { MICROS_PER_HOUR } from '../../../src/market/amounts.ts';
import type { TenantOrderKind } from '../../../src/market/token-market/market-options.ts';
import { SlotCluster } from './slot-cluster.ts';

const HOUR = MICROS_PER_HOUR;
const DAY = 24 * HOUR;
const GPUS = 40;
const TENANTS = 4;
const DAYS = 10;
/** A job more or less at the end of a run is a hundredth of it. */
const RUNS = 6;
/** Work of each tenant over its share. */
const DEMAND = 1.3;
const RUN_MICROS = 2 * HOUR;

/** Declared over true run time. */
export const DURATION_LIES: readonly number[] = [0.01, 0.1, 10];

/**
 * @param factor Declared over true run time of the first tenant's jobs.
 * @returns GPU-time that it gets in ten half-lives, over that with the truth; over some runs.
 */
export function durationGain(random: Random, factor: number, order: TenantOrderKind): number {
  let [lying, honest] = [0, 0];
  for (let run = 0; run < RUNS; run++) {
    lying += usedWith(random.fork(run), factor, order);
    honest += usedWith(random.fork(run), 1, order);
  }
  return lying / honest;
}

function usedWith(random: Random, factor: number, order: TenantOrderKind): number {
  const draws = random.fork(0);
  const tenants = Array.from({ length: TENANTS }, (_, i) => ({
    name: `team-${i}`,
    quotaMilli: 0,
    weight: 1,
  }));
  const cluster = new SlotCluster(GPUS, {
    ...{ tenants, order, halfLifeMicros: DAY, memoryMicros: 2 * DAY, rentPeriodMicros: HOUR / 2 },
  });
  // Jobs of 1 to 4 GPUs, of 1 to 3 hours.
  const meanGpus = 2.5;
  const step = (meanGpus * RUN_MICROS * TENANTS) / (GPUS * DEMAND);
  for (let tenant = 0; tenant < TENANTS; tenant++) {
    for (let time = 0; time < DAYS * DAY; time += Math.round(step)) {
      const runMicros = HOUR + Math.round(RUN_MICROS * draws.nextFloat());
      const declaredMicros = Math.max(1, Math.round(runMicros * (tenant === 0 ? factor : 1)));
      cluster.submit(tenant, { gpus: 1 + draws.nextInt(4), runMicros, declaredMicros }, time);
    }
  }
  cluster.runTo(DAYS * DAY);
  return cluster.used[0] as number;
}
