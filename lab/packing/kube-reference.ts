/** TEG's policies on the sequences that a real kube-scheduler packed, beside its results. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PolicyEntry } from '../../src/governor/policy/policy.ts';
import { TegError } from '../../src/model/errors.ts';
import type { JobSpec } from '../../src/model/job.ts';
import { GPU_MILLI, GPUS_PER_NODE_MAX, type NodeSpec } from '../../src/model/node.ts';
import { runPacking } from '../../src/simulation/packing/packing.ts';
import { csvInteger, readCsvRecords } from './csv-records.ts';

/** Output of `teg bench packing --kube-reference --json` for a run. */
export interface KubeReferenceRow {
  /** Sequence, for example `default-42`. */
  readonly sequence: string;
  readonly policy: string;
  readonly seed: number;
  /** Pods placed. */
  readonly bound: number;
  /** GPUs and CPU in use at the end, in percent. */
  readonly gpuPercent: number;
  readonly cpuPercent: number;
  /** Strategy of the real kube-scheduler that this policy models; '' for a policy of another kind. */
  readonly strategy: string;
  /** The real scheduler's result; null for a policy of another kind. */
  readonly realGpuPercent: number | null;
  readonly realCpuPercent: number | null;
}

/** Sequences are named by list and seed. */
const SEQUENCE = /^(.+-\d+)\.csv(?:\.gz)?$/;

/** A sequence before it is read, with the real scheduler's result. Plain data. */
export interface KubeSequenceFile {
  readonly name: string;
  readonly path: string;
  /** By strategy. */
  readonly real: ReadonlyMap<string, { readonly gpuPercent: number; readonly cpuPercent: number }>;
}

/** @returns The sequences of a folder in order of name. @throws TegError TEG_REFERENCE_MISSING; as the readers. */
export function findKubeSequences(folder: string): KubeSequenceFile[] {
  const path = join(folder, 'results.csv');
  if (!existsSync(path)) {
    throw new TegError(
      'TEG_REFERENCE_MISSING',
      `got no results.csv in '${folder}', expected the results of kube-scheduler there: check --kube-reference`,
    );
  }
  const results = readCsvRecords(path, ['workload', 'seed', 'strategy', 'gpu_percent', 'cpu_percent']);
  const files = readdirSync(folder)
    .sort()
    .filter((file) => SEQUENCE.test(file));
  return files.map((file) => {
    const name = SEQUENCE.exec(file)?.[1] ?? file;
    const mine = results.filter((record) => `${record.workload}-${record.seed}` === name);
    const real = new Map(
      mine.map((record) => [
        record.strategy ?? '',
        { gpuPercent: Number(record.gpu_percent), cpuPercent: Number(record.cpu_percent) },
      ]),
    );
    return { name, path: join(folder, file), real };
  });
}

/** @returns The pods of a sequence in the order of arrival. @throws TegError as the readers. */
export function readKubeSequence(path: string): JobSpec[] {
  return readCsvRecords(path, ['cpu_milli', 'memory_mib', 'gpus']).map((record, i) => {
    const gpuCount = csvInteger(path, record, i + 1, 'gpus', GPUS_PER_NODE_MAX);
    return {
      id: `pod-${i}`,
      tenant: '',
      priority: 0,
      submitSeconds: 0,
      durationSeconds: Number.POSITIVE_INFINITY,
      requestedSeconds: Number.NaN,
      podCount: 1,
      gangMin: 1,
      cpuMilli: csvInteger(path, record, i + 1, 'cpu_milli', 2 ** 31 - 1),
      memoryMib: csvInteger(path, record, i + 1, 'memory_mib', 2 ** 31 - 1),
      gpuCount,
      gpuMilli: gpuCount === 0 ? 0 : GPU_MILLI,
      gpuModels: [],
    };
  });
}

/** @returns The strategy of the real kube-scheduler that a policy models, or ''. */
function strategyOf(policy: string): string {
  if (policy.startsWith('kube-scheduler-most-allocated')) return 'MostAllocated';
  return policy.startsWith('kube-scheduler') ? 'LeastAllocated' : '';
}

/** The run and its sequence. */
export interface KubeRun {
  readonly sequence: KubeSequenceFile;
  readonly jobs: readonly JobSpec[];
  readonly policy: PolicyEntry;
  readonly seed: number;
  readonly typical: 'list' | 'learned';
}

/** Packs one sequence in file order. */
export function runKubeSequence(nodes: readonly NodeSpec[], run: KubeRun): KubeReferenceRow {
  const { sequence, jobs, policy, seed, typical } = run;
  const order = Int32Array.from(jobs, (_, row) => row);
  const result = runPacking({ nodes, jobs, order, createPolicy: policy.create, typical, seed });
  const strategy = strategyOf(policy.name);
  const real = sequence.real.get(strategy);
  return {
    sequence: sequence.name,
    policy: policy.name,
    seed,
    bound: result.arrivals - result.dropped,
    gpuPercent: Math.round(result.finalGpuPercent * 100) / 100,
    cpuPercent: Math.round(result.finalCpuPercent * 100) / 100,
    strategy,
    realGpuPercent: real?.gpuPercent ?? null,
    realCpuPercent: real?.cpuPercent ?? null,
  };
}
