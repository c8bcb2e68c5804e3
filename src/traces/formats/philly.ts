/**
 * Philly: deep-learning training jobs of a Microsoft cluster, 2017.
 *
 * @source https://github.com/msr-fiddle/philly-traces; Jeon et al., ATC 2019; the table of ElasticFlow, ASPLOS 2023,
 *   https://github.com/pkusys/ElasticFlow.
 */
import type { JobSpec } from '../../model/job.ts';
import { GPU_MILLI } from '../../model/node.ts';
import { findJobProblem } from '../../model/validate.ts';
import type { ReadContext } from '../context.ts';
import type { CsvFormat } from '../csv.ts';

/** Most GPUs that one job may request. */
export const GPUS_PER_JOB_MAX = 1_000_000;

/** The pods that a number of GPUs is converted to. */
type Gang = Pick<
  JobSpec,
  'cpuMilli' | 'memoryMib' | 'gpuCount' | 'gpuMilli' | 'gpuModels' | 'podCount' | 'gangMin'
>;

/**
 * Prepares the step from a number of GPUs to a gang that starts together; CPU and memory are assumed (`TraceDefaults`),
 * which is a warning.
 */
export function gpuGang(context: ReadContext): (gpuTotal: number) => Gang {
  const { gpusPerPodMax, phillyCpuMilliPerGpu, phillyMemoryMibPerGpu } = context.assume;
  context.warn(
    `no CPU or memory in this trace: ${phillyCpuMilliPerGpu} milli-cores and ${phillyMemoryMibPerGpu} MiB a GPU are assumed`,
  );
  return (gpuTotal) => {
    const gpuCount = largestDivisor(gpuTotal, gpusPerPodMax);
    const podCount = gpuCount === 0 ? 1 : gpuTotal / gpuCount;
    return {
      cpuMilli: Math.max(1, gpuCount) * phillyCpuMilliPerGpu,
      memoryMib: Math.max(1, gpuCount) * phillyMemoryMibPerGpu,
      gpuCount,
      gpuMilli: gpuCount === 0 ? 0 : GPU_MILLI,
      gpuModels: [],
      podCount,
      gangMin: podCount,
    };
  };
}

/** One row a job: a gang of GPUs that start together. */
export const PHILLY_JOBS: CsvFormat<JobSpec> = {
  findProblem: findJobProblem,
  columns: ['job', 'submit_s', 'duration_s', 'num_gpus', 'tenant'],
  columnOf: { id: 'job', gpuCount: 'num_gpus', podCount: 'num_gpus' },
  prepare(column, context) {
    const job = column('job');
    const submit = column('submit_s');
    const duration = column('duration_s');
    const gpus = column('num_gpus');
    const tenant = column('tenant');
    const user = column('user');
    const requested = column('requested_s');
    const toGang = gpuGang(context);
    return (row) => ({
      id: row.name(job),
      tenant: row.text(tenant),
      priority: 0,
      ...toGang(row.integer(gpus, 0, GPUS_PER_JOB_MAX)),
      submitSeconds: row.seconds(submit),
      durationSeconds: row.decimal(duration, 0, Number.MAX_VALUE),
      requestedSeconds: row.isEmpty(requested) ? Number.NaN : row.decimal(requested, 0, Number.MAX_VALUE),
      ...(row.isEmpty(user) ? {} : { user: row.text(user) }),
    });
  },
};

/** The table that ElasticFlow publishes of it: jobs without names, submitted at local times; times count from the first row. */
export const PHILLY_ELASTICFLOW: CsvFormat<JobSpec> = {
  findProblem: findJobProblem,
  columns: ['timestamp', 'duration', 'num_gpus', 'gpu_time', 'cluster'],
  columnOf: { gpuCount: 'num_gpus', podCount: 'num_gpus' },
  prepare(column, context) {
    const submit = column('timestamp');
    const duration = column('duration');
    const gpus = column('num_gpus');
    const cluster = column('cluster');
    const toGang = gpuGang(context);
    let origin = Number.NaN;
    return (row) => {
      const seconds = clockSeconds(row.text(submit));
      if (Number.isNaN(seconds)) throw row.bad(submit, 'a time such as 2017-10-09 07:01:55');
      if (Number.isNaN(origin)) origin = seconds;
      return {
        id: `row-${row.line}`,
        tenant: row.text(cluster),
        priority: 0,
        ...toGang(row.integer(gpus, 0, GPUS_PER_JOB_MAX)),
        submitSeconds: seconds - origin,
        durationSeconds: row.decimal(duration, 0, Number.MAX_VALUE),
        requestedSeconds: Number.NaN,
      };
    };
  },
};

/** @returns Seconds of a time such as `2017-10-07 01:11:39`, read as UTC; NaN if it is not one. */
export function clockSeconds(text: string): number {
  const match = /^(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2}):(\d{2})$/.exec(text);
  if (match === null) return Number.NaN;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const isTime =
    month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour < 24 && minute < 60 && second < 61;
  return isTime ? Date.UTC(year, month - 1, day, hour, minute, second) / 1_000 : Number.NaN;
}

/** @returns The largest divisor of `n` that is at most `limit` (≥ 1); 0 for 0. Cost O(limit). */
export function largestDivisor(n: number, limit: number): number {
  if (n <= limit) return n;
  for (let divisor = limit; divisor > 1; divisor--) if (n % divisor === 0) return divisor;
  return 1;
}
