/**
 * The workloads of `teg bench queues`: two that are made up, always there, and two published ones.
 *
 * The made-up ones have 256 slots at a load of 0.9; 92 % of jobs hold 1 to 8 slots, 8 % 32 to 128; log-normal run times;
 * users whose runs differ from each other's; limits of 1 to 3 times the run.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../src/kernel/random.ts';
import { mean } from '../../src/kernel/statistics.ts';
import { TegError } from '../../src/model/errors.ts';
import type { JobSpec } from '../../src/model/job.ts';
import type { NodeSpec } from '../../src/model/node.ts';
import { readJobs, readNodes } from '../../src/traces/read.ts';
import type { QueueWorkloadName } from './queue-workload-names.ts';

/** Nodes, jobs, and which of them count as large. */
export interface QueueWorkload {
  readonly nodes: readonly NodeSpec[];
  readonly jobs: readonly JobSpec[];
  /** Factor by which arrivals come faster than recorded. */
  readonly arrivalSpeed: number;
  /** Jobs of more GPUs (CPUs, where there are no GPUs) than this are large. */
  readonly smallMost: number;
}

/** Files of the published workloads, below the folder of traces. */
const FILES: Readonly<Partial<Record<QueueWorkloadName, readonly string[]>>> = {
  philly: ['philly-2017/jobs.csv.gz'],
  metacentrum: ['metacentrum-2013/jobs.csv.gz', 'metacentrum-2013/machines.csv.gz'],
};

/** What `teg bench queues` says about each. */
export const QUEUE_WORKLOAD_TITLES: Readonly<Record<QueueWorkloadName, string>> = {
  slots: '256 nodes of one slot, load 0.9; large: 32–128 slots, 8 % of jobs',
  gpus: '32 nodes of 8 GPUs, the same jobs as gangs of whole nodes; large: 32–128 GPUs',
  philly: 'Microsoft Philly 2017 on 80 nodes of 8 GPUs; large: over 8 GPUs, 289 of 82,247 jobs; no limits',
  metacentrum:
    'MetaCentrum 2013 on its 68 machines, arrivals 1.25 times as fast; large: over 64 CPUs, 355 of 17,897 jobs',
};

/** Jobs of a made-up workload; of a published one all are read. */
const JOBS = 12_000;
/** Jobs of every workload with `--quick`. */
const JOBS_QUICK = 600;

const SLOTS = 256;
const LOAD = 0.9;
const LARGE_SHARE = 0.08;
/** Equally likely. */
const SMALL_SLOTS = [1, 2, 4, 8] as const;
const LARGE_SLOTS = [32, 64, 128] as const;
const GPUS_PER_NODE = 8;
/** Run times: log-normal with a mean of an hour and σ 1.5: between users, and between the runs of one. */
const RUN_MEAN_SECONDS = 3600;
const USER_SIGMA = 0.9;
const RUN_SIGMA = 1.2;
const USERS = 40;
const OVERESTIMATE_MOST = 3;

/** Nodes that suit Philly's load: about three fifths of its GPUs are in use while jobs arrive, and bursts wait. */
const PHILLY_NODES = 80;

/** @returns The missing files of a workload; none: it can be loaded. */
export function missingFiles(name: QueueWorkloadName, traces: string): readonly string[] {
  return (FILES[name] ?? []).map((file) => join(traces, file)).filter((file) => !existsSync(file));
}

/**
 * Loads a workload.
 *
 * @param quick True: a few hundred jobs.
 * @throws TegError TEG_INPUT_NOT_FOUND if its files are missing.
 */
export async function loadQueueWorkload(
  name: QueueWorkloadName,
  traces: string,
  seed: number,
  quick: boolean,
): Promise<QueueWorkload> {
  const [missing] = missingFiles(name, traces);
  if (missing !== undefined) {
    throw new TegError('TEG_INPUT_NOT_FOUND', `got no ${missing}, expected it: name its folder by --traces`);
  }
  const workload = await WORKLOADS[name](traces, seed, quick ? JOBS_QUICK : JOBS);
  return quick ? { ...workload, jobs: workload.jobs.slice(0, JOBS_QUICK) } : workload;
}

const WORKLOADS: Readonly<
  Record<QueueWorkloadName, (traces: string, seed: number, jobs: number) => Promise<QueueWorkload>>
> = {
  slots: async (_traces, seed, jobs) => ({
    nodes: Array.from({ length: SLOTS }, (_, i) => ({ ...node(`slot-${i}`, 1000), podsMax: 1 })),
    jobs: madeUpJobs(seed, jobs).map(({ slots, ...job }) => ({
      ...job,
      cpuMilli: 1000,
      gpuCount: 0,
      gpuMilli: 0,
      podCount: slots,
      gangMin: slots,
    })),
    arrivalSpeed: 1,
    smallMost: SMALL_SLOTS[3],
  }),
  gpus: async (_traces, seed, jobs) => ({
    nodes: Array.from({ length: SLOTS / GPUS_PER_NODE }, (_, i) => gpuNode(i)),
    jobs: madeUpJobs(seed, jobs).map(({ slots, ...job }) => {
      // Sizes are powers of two: whole nodes, or a part of one.
      const pods = Math.ceil(slots / GPUS_PER_NODE);
      const gpuCount = pods === 1 ? slots : GPUS_PER_NODE;
      return { ...job, cpuMilli: 0, gpuCount, gpuMilli: 1000, podCount: pods, gangMin: pods };
    }),
    arrivalSpeed: 1,
    smallMost: SMALL_SLOTS[3],
  }),
  philly: async (traces) => {
    const [file = ''] = FILES.philly ?? [];
    const assume = { phillyCpuMilliPerGpu: 0, phillyMemoryMibPerGpu: 0 };
    const jobs = await readJobs(join(traces, file), { assume });
    return {
      nodes: Array.from({ length: PHILLY_NODES }, (_, i) => gpuNode(i)),
      jobs,
      arrivalSpeed: 1,
      smallMost: 8,
    };
  },
  metacentrum: async (traces) => {
    const [jobs = '', machines = ''] = FILES.metacentrum ?? [];
    return {
      nodes: await readNodes(join(traces, machines)),
      jobs: await readJobs(join(traces, jobs), { skipBad: 2 }),
      arrivalSpeed: 1.25,
      smallMost: 64,
    };
  },
};

function node(name: string, cpuMilli: number): NodeSpec {
  return { name, cpuMilli, memoryMib: 0, gpuCount: 0, gpuModel: '', podsMax: 110 };
}

function gpuNode(index: number): NodeSpec {
  return { ...node(`gpu-${index}`, 0), gpuCount: GPUS_PER_NODE, gpuModel: 'any' };
}

type MadeUpJob = Omit<JobSpec, 'cpuMilli' | 'gpuCount' | 'gpuMilli' | 'podCount' | 'gangMin'> & {
  readonly slots: number;
};

/** Poisson arrivals. */
function madeUpJobs(seed: number, count: number): MadeUpJob[] {
  const random = new Random(seed);
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
