/**
 * The distinct kinds of jobs of a workload: same demand, same number of pods, same gang.
 *
 * Why: the accounts of a simulation (a job's use, its size class, the number of waiting jobs of its kind) depend on the
 * kind alone, so the hot loop reads a few small columns instead of objects.
 */
import type { Demand } from '../../model/demand.ts';
import type { JobTable } from '../inputs/job-table.ts';
import type { SimulationResult } from './result.ts';

/** The size classes of reports, by the GPUs of the whole job; the index is the class number. */
export const SIZE_CLASSES: readonly SimulationResult['bySize'][number]['size'][] = [
  'cpu-only',
  'gpu-share',
  'gpu-1',
  'gpu-2-8',
  'gpu-over-8',
];

/** Kinds of jobs in columns. @shape every array but shapeIds [count] */
export interface JobShapes {
  readonly count: number;
  /** @shape [jobs] the kind of each job. */
  readonly shapeIds: Int32Array;
  readonly demands: readonly Demand[];
  readonly podCounts: Int32Array;
  readonly gangMins: Int32Array;
  /** Index into SIZE_CLASSES. */
  readonly sizeClasses: Uint8Array;
  /** Resources of one pod. */
  readonly podGpuMilli: Float64Array;
  readonly podCpuMilli: Float64Array;
  readonly podMemoryMib: Float64Array;
}

/** @returns The kinds of a table's jobs, numbered as they first appear. O(jobs). */
export function jobShapes(table: JobTable): JobShapes {
  const shapeIds = new Int32Array(table.count);
  const firstJobs: number[] = [];
  const byKey = new Map<string | number, number>();
  for (let job = 0; job < table.count; job++) {
    const key = shapeKey(table, job);
    let shape = byKey.get(key);
    if (shape === undefined) {
      shape = firstJobs.length;
      byKey.set(key, shape);
      firstJobs.push(job);
    }
    shapeIds[job] = shape;
  }
  const demands = firstJobs.map((job) => table.demandOf(job));
  return {
    count: firstJobs.length,
    shapeIds,
    demands,
    podCounts: Int32Array.from(firstJobs, (job) => table.podCounts[job] as number),
    gangMins: Int32Array.from(firstJobs, (job) => table.gangMins[job] as number),
    sizeClasses: Uint8Array.from(firstJobs, (job, i) =>
      sizeClassOf(demands[i] as Demand, table.podCounts[job] as number),
    ),
    podGpuMilli: Float64Array.from(demands, (demand) => demand.gpuTotalMilli),
    podCpuMilli: Float64Array.from(demands, (demand) => demand.cpuMilli),
    podMemoryMib: Float64Array.from(demands, (demand) => demand.memoryMib),
  };
}

/** Single pods, the bulk of every workload, get a number: text keys cost three times as much. */
function shapeKey(table: JobTable, job: number): string | number {
  const demandId = table.demandIds[job] as number;
  const podCount = table.podCounts[job] as number;
  return podCount === 1 ? demandId : `${demandId},${podCount},${table.gangMins[job]}`;
}

/** @returns The size class of a job, as an index into SIZE_CLASSES. */
export function sizeClassOf(demand: Demand, podCount: number): number {
  const gpuMilli = demand.gpuTotalMilli * podCount;
  if (gpuMilli === 0) return 0;
  if (gpuMilli < 1000) return 1;
  if (gpuMilli === 1000) return 2;
  return gpuMilli <= 8000 ? 3 : 4;
}
