/**
 * A workload that fills a cluster and continues: jobs drawn from a mix until they request a multiple of its capacity.
 *
 * Arrivals are Poisson at a constant rate. Jobs stay forever, or for exponential times of a stated mean. Written
 * straight into typed arrays: 10^6 nodes take five million jobs.
 */
import { Random } from '../../kernel/random.ts';
import { TegError } from '../../model/errors.ts';
import { JobTable } from '../inputs/job-table.ts';

/** The volume and timing of arrivals. */
export interface SaturationOptions {
  /** Arriving GPU demand over the cluster's capacity; > 0. With lifetimes: offered load. */
  readonly load: number;
  /** Over how long; > 0. */
  readonly spanSeconds: number;
  /** Mean time that a job stays; Infinity: forever. */
  readonly lifetimeSeconds: number;
  readonly seed: number;
}

/** Streams of the seed. */
const STREAM_WORKLOAD = 31;
/** Most jobs of a workload. */
const JOBS_MAX = 50_000_000;

/**
 * @param mix              Jobs to draw from, uniformly with replacement; their times do not matter.
 * @param capacityGpuMilli Of the cluster; > 0.
 * @throws TegError TEG_JOB_INVALID if the mix requests no GPUs; TEG_LIMIT_REACHED beyond 50 million jobs.
 */
export function saturatingJobs(
  mix: JobTable,
  capacityGpuMilli: number,
  options: SaturationOptions,
): JobTable {
  const { load, spanSeconds, lifetimeSeconds, seed } = options;
  const random = new Random(seed, STREAM_WORKLOAD);
  const meanGpuMilli = gpuMilliPerJob(mix);
  const lifetimes = Number.isFinite(lifetimeSeconds) ? Math.max(1, spanSeconds / lifetimeSeconds) : 1;
  const count = Math.round((load * capacityGpuMilli * lifetimes) / meanGpuMilli);
  if (count > JOBS_MAX) {
    throw new TegError(
      'TEG_LIMIT_REACHED',
      `the workload would have ${count} jobs; expected at most ${JOBS_MAX}: request fewer nodes, a lower load or longer lifetimes`,
    );
  }
  const jobs = new JobTable(mix, ['job'], count, podsOf(mix, count));
  let at = 0;
  for (let job = 0; job < count; job++) {
    const row = random.nextInt(mix.count);
    jobs.submitSeconds[job] = at;
    jobs.durationSeconds[job] = Number.isFinite(lifetimeSeconds)
      ? lifetimeSeconds * random.nextExponential()
      : Number.POSITIVE_INFINITY;
    jobs.demandIds[job] = mix.demandIds[row] as number;
    jobs.podCounts[job] = mix.podCounts[row] as number;
    jobs.gangMins[job] = mix.gangMins[row] as number;
    jobs.tenantIds[job] = mix.tenantIds[row] as number;
    at += (spanSeconds / count) * random.nextExponential();
  }
  return jobs;
}

function gpuMilliPerJob(mix: JobTable): number {
  let sum = 0;
  for (let job = 0; job < mix.count; job++) {
    sum += mix.demandOf(job).gpuTotalMilli * (mix.podCounts[job] as number);
  }
  if (sum > 0) return sum / mix.count;
  throw new TegError(
    'TEG_JOB_INVALID',
    `none of the ${mix.count} jobs of the mix requests a GPU; expected some that do: name another mix`,
  );
}

function podsOf(mix: JobTable, count: number): number {
  return Math.ceil((mix.podTotal / mix.count) * count);
}
