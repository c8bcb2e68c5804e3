/** How long a tenant catches up after another one had everything, on a cluster of slots. */
import type { Random } from '../../../src/kernel/random.ts';
import { MICROS_PER_HOUR } from '../../../src/market/amounts.ts';
import type { TenantOrderKind } from '../../../src/market/token-market/market-options.ts';
import { SlotCluster } from './slot-cluster.ts';

const HOUR = MICROS_PER_HOUR;
const DAY = 24 * HOUR;
const GPUS = 50;

/** Half-lives, or memories, with rent periods of 20 s, 10 min and 1 h. */
export const CATCH_UPS = [
  { name: '1 h', halfLife: HOUR, period: HOUR / 180 },
  { name: '1 d', halfLife: DAY, period: HOUR / 6 },
  { name: '7 d', halfLife: 7 * DAY, period: HOUR },
] as const;

/** Times of a run, µs. */
export interface CatchUpTimes {
  readonly halfLife: number;
  readonly memory: number;
  readonly period: number;
  /** For how long the first tenant has everything. */
  readonly alone: number;
}

/**
 * One tenant alone for a time, then a second one of equal right with as much work. @returns How long until the first one starts
 * again, µs.
 */
export function catchUp(
  { halfLife, memory, period, alone }: CatchUpTimes,
  random: Random,
  order: TenantOrderKind | 'arrival',
): number {
  const tenants = [0, 1].map((i) => ({ name: `team-${i}`, quotaMilli: 0, weight: 1 }));
  const isByArrival = order === 'arrival';
  const cluster = new SlotCluster(
    GPUS,
    {
      ...{ tenants, halfLifeMicros: halfLife, memoryMicros: memory, rentPeriodMicros: period },
      order: isByArrival ? 'Balance' : order,
    },
    isByArrival ? 'arrival' : 'market',
  );
  const jobs = (tenant: number, count: number, time: number): void => {
    for (let job = 0; job < count; job++)
      cluster.submit(tenant, { gpus: 1, runMicros: 1 + Math.round(2 * period * random.nextFloat()) }, time);
  };
  const rounds = Math.ceil(alone / period);
  jobs(0, 2 * rounds * GPUS, 0);
  jobs(1, 2 * rounds * GPUS, alone);
  let first = Number.POSITIVE_INFINITY;
  cluster.onStart = (tenant) => {
    if (tenant === 0 && cluster.now > alone) first = Math.min(first, cluster.now);
  };
  cluster.runTo(1.65 * alone);
  return first - alone;
}
