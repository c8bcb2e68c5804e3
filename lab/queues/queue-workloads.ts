/**
 * The workloads of `teg bench queues`: two that are made up, always there (`lab/claims/slot-jobs.ts`), and two
 * published ones.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../src/kernel/random.ts';
import { TegError } from '../../src/model/errors.ts';
import type { JobSpec } from '../../src/model/job.ts';
import type { NodeSpec } from '../../src/model/node.ts';
import { readJobs, readNodes } from '../../src/traces/read.ts';
import { SLOTS, SMALL_SLOTS_MOST, slotGangs, slotJobs, slotNodes } from '../claims/slot-jobs.ts';
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

const GPUS_PER_NODE = 8;

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
    nodes: slotNodes(),
    jobs: slotGangs(slotJobs(new Random(seed), jobs)),
    arrivalSpeed: 1,
    smallMost: SMALL_SLOTS_MOST,
  }),
  gpus: async (_traces, seed, jobs) => ({
    nodes: Array.from({ length: SLOTS / GPUS_PER_NODE }, (_, i) => gpuNode(i)),
    jobs: slotJobs(new Random(seed), jobs).map(({ slots, ...job }) => {
      // Sizes are powers of two: whole nodes, or a part of one.
      const pods = Math.ceil(slots / GPUS_PER_NODE);
      const gpuCount = pods === 1 ? slots : GPUS_PER_NODE;
      return { ...job, cpuMilli: 0, gpuCount, gpuMilli: 1000, podCount: pods, gangMin: pods };
    }),
    arrivalSpeed: 1,
    smallMost: SMALL_SLOTS_MOST,
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

function gpuNode(index: number): NodeSpec {
  const name = `gpu-${index}`;
  return { name, cpuMilli: 0, memoryMib: 0, gpuCount: GPUS_PER_NODE, gpuModel: 'any', podsMax: 110 };
}
