/**
 * Philly: deep-learning training jobs of a Microsoft cluster, 2017.
 *
 * @source https://github.com/msr-fiddle/philly-traces; Jeon et al., ATC 2019.
 */
import type { JobSpec } from '../../model/job.ts';
import { GPU_MILLI } from '../../model/node.ts';
import { findJobProblem } from '../../model/validate.ts';
import type { CsvFormat } from '../csv.ts';

/** Most GPUs of one job that a row may ask for. */
const GPUS_PER_JOB_MAX = 1_000_000;

/** One row a job: a gang of GPUs that start together; CPU and memory are assumed (`TraceDefaults`). */
export const PHILLY_JOBS: CsvFormat<JobSpec> = {
  findProblem: findJobProblem,
  columns: ['job', 'submit_s', 'duration_s', 'num_gpus', 'tenant'],
  prepare(column, context) {
    const job = column('job');
    const submit = column('submit_s');
    const duration = column('duration_s');
    const gpus = column('num_gpus');
    const tenant = column('tenant');
    const { gpusPerPodMax, phillyCpuMilliPerGpu, phillyMemoryMibPerGpu } = context.assume;
    context.warn(
      `no CPU or memory in this trace: ${phillyCpuMilliPerGpu} milli-cores and ${phillyMemoryMibPerGpu} MiB a GPU are assumed`,
    );
    return (row) => {
      const gpuTotal = row.integer(gpus, 0, GPUS_PER_JOB_MAX);
      const gpuCount = largestDivisor(gpuTotal, gpusPerPodMax);
      const podCount = gpuCount === 0 ? 1 : gpuTotal / gpuCount;
      return {
        id: row.name(job),
        tenant: row.text(tenant),
        priority: 0,
        cpuMilli: Math.max(1, gpuCount) * phillyCpuMilliPerGpu,
        memoryMib: Math.max(1, gpuCount) * phillyMemoryMibPerGpu,
        gpuCount,
        gpuMilli: gpuCount === 0 ? 0 : GPU_MILLI,
        gpuModels: [],
        submitSeconds: row.seconds(submit),
        durationSeconds: row.decimal(duration, 0, Number.MAX_VALUE),
        requestedSeconds: Number.NaN,
        podCount,
        gangMin: podCount,
      };
    };
  },
};

/** @returns The largest divisor of `n` that is at most `limit` (≥ 1); 0 for 0. Cost O(limit). */
export function largestDivisor(n: number, limit: number): number {
  if (n <= limit) return n;
  for (let divisor = limit; divisor > 1; divisor--) if (n % divisor === 0) return divisor;
  return 1;
}
