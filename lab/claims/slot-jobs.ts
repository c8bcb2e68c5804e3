/**
 * The made-up workload of queues: 256 slots at a load of 0.9; 92 % of jobs hold 1 to 8 slots, 8 % 32 to 128; log-normal
 * run times; users whose runs differ from each other's; limits of 1 to 3 times the run.
 */
import type { Random } from '../../src/kernel/random.ts';
import { mean } from '../../src/kernel/statistics.ts';
import type { JobSpec } from '../../src/model/job.ts';
import type { NodeSpec } from '../../src/model/node.ts';

/** Slots of the cluster. */
export const SLOTS = 256;
const LOAD = 0.9;
const LARGE_SHARE = 0.08;
/** Equally likely. */
const SMALL_SLOTS = [1, 2, 4, 8] as const;
const LARGE_SLOTS = [32, 64, 128] as const;
/** Jobs of more slots than this are large. */
export const SMALL_SLOTS_MOST = 8;
/** Run times: log-normal with a mean of an hour and σ 1.5: between users, and between the runs of one. */
const RUN_MEAN_SECONDS = 3600;
const USER_SIGMA = 0.9;
const RUN_SIGMA = 1.2;
const USERS = 40;
const OVERESTIMATE_MOST = 3;

/** A job that needs some slots at once, of whatever a slot is. */
export type SlotJob = Omit<JobSpec, 'cpuMilli' | 'gpuCount' | 'gpuMilli' | 'podCount' | 'gangMin'> & {
  readonly slots: number;
};

/** @returns The slots as nodes of one CPU that take one pod. @shape [SLOTS] */
export function slotNodes(): NodeSpec[] {
  const slot = { cpuMilli: 1000, memoryMib: 0, gpuCount: 0, gpuModel: '', podsMax: 1 };
  return Array.from({ length: SLOTS }, (_, i) => ({ ...slot, name: `slot-${i}` }));
}

/** @returns The jobs as gangs of one pod a slot. @shape [jobs] */
export function slotGangs(jobs: readonly SlotJob[]): JobSpec[] {
  const pod = { cpuMilli: 1000, gpuCount: 0, gpuMilli: 0 };
  return jobs.map(({ slots, ...job }) => ({ ...job, ...pod, podCount: slots, gangMin: slots }));
}

/** @returns Jobs of 40 users in 8 tenants, with Poisson arrivals, in order. @param random Advanced by some draws a job. */
export function slotJobs(random: Random, count: number): SlotJob[] {
  const medians = Array.from({ length: USERS }, () => Math.exp(USER_SIGMA * random.nextNormal()));
  const scale = RUN_MEAN_SECONDS / Math.exp(RUN_SIGMA ** 2 / 2) / mean(medians);
  const slotsMean = (1 - LARGE_SHARE) * mean(SMALL_SLOTS) + LARGE_SHARE * mean(LARGE_SLOTS);
  const gapMean = (slotsMean * RUN_MEAN_SECONDS) / (LOAD * SLOTS);
  let submitSeconds = 0;
  return Array.from({ length: count }, (_, i) => {
    submitSeconds += gapMean * random.nextExponential();
    const sizes: readonly number[] = random.nextDouble() < LARGE_SHARE ? LARGE_SLOTS : SMALL_SLOTS;
    const user = random.nextInt(USERS);
    const durationSeconds = scale * (medians[user] as number) * Math.exp(RUN_SIGMA * random.nextNormal());
    return {
      id: `j${i}`,
      tenant: `t${user % 8}`,
      user: `u${user}`,
      priority: 0,
      memoryMib: 0,
      gpuModels: [],
      submitSeconds,
      durationSeconds,
      requestedSeconds: durationSeconds * (1 + (OVERESTIMATE_MOST - 1) * random.nextDouble()),
      slots: sizes[random.nextInt(sizes.length)] as number,
    };
  });
}
