/**
 * Jobs whose memory outgrows what they request: drawn from quantiles that were measured of real pods, not copied from them.
 *
 * @source alibaba/clusterdata, cluster-trace-v2026-GenAI, pod_memory_util: 142 pods that are there for all of 22.8 h. Quantiles of
 *   their mean use as part of the limit, of peak ÷ mean, and, for the 27 pods whose peak is above 1.3 × their median, of the time
 *   spent above the middle between the two, and of the steepest rise in a minute.
 */
import { Random } from '../../src/kernel/random.ts';

/** One job. Amounts in MiB; times in seconds of its own progress, which stands still while it is frozen. */
export interface MemoryJob {
  readonly arrivalSeconds: number;
  readonly workSeconds: number;
  /** What the scheduler books: the limit over the overcommit. */
  readonly requestMib: number;
  /** Use outside the peak, and how much more in it. */
  readonly baseMib: number;
  readonly surplusMib: number;
  readonly peakAt: number;
  readonly peakSeconds: number;
  readonly riseSeconds: number;
}

/** A quantile function: its values at `LEVELS`, linear between them. */
type Quantiles = readonly [number, number, number, number, number, number, number, number];
const LEVELS: Quantiles = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1];
const MEAN_USE: Quantiles = [0.02, 0.06, 0.22, 0.57, 0.69, 0.82, 0.91, 0.93];
const PEAK_TO_MEAN: Quantiles = [1, 1.004, 1.018, 1.06, 1.13, 2.09, 4.45, 5];
/** Median and spread (of the logarithm) of peaks, s, and of the steepest rise, parts of the limit a minute. */
const PEAK_SECONDS = [285, 1.26] as const;
const RISE_A_MINUTE = [0.08, 0.65] as const;

/** Not from the trace, which has no amounts and no jobs: limits, run times, and how long a job takes to its base. */
const LIMITS_MIB: readonly number[] = [8192, 16_384, 16_384, 32_768, 65_536];
const WORK_SECONDS = [7200, 0.8] as const;
const WORK_SECONDS_LEAST = 600;
const WORK_SECONDS_MOST = 43_200;
const LOADING_SECONDS = 120;

/**
 * Jobs that book `load` of a capacity over a span, at times uniform in it; in the order of arrival.
 *
 * @param overcommit Sum of the limits over what is booked, ≥ 1.
 */
export function generateMemoryJobs(
  seed: number,
  overcommit: number,
  load: number,
  capacityMib: number,
  spanSeconds: number,
): MemoryJob[] {
  const random = new Random(seed, 15);
  const jobs: MemoryJob[] = [];
  for (let booked = 0; booked < load * capacityMib * spanSeconds; ) {
    const job = drawJob(random, overcommit, spanSeconds);
    booked += job.requestMib * job.workSeconds;
    jobs.push(job);
  }
  return jobs.sort((a, b) => a.arrivalSeconds - b.arrivalSeconds);
}

function drawJob(random: Random, overcommit: number, spanSeconds: number): MemoryJob {
  const limit = LIMITS_MIB[random.nextInt(LIMITS_MIB.length)] as number;
  const mean = quantile(MEAN_USE, random.nextDouble());
  const peak = Math.min(mean * quantile(PEAK_TO_MEAN, random.nextDouble()), 1);
  const drawn = logNormal(WORK_SECONDS, random);
  const workSeconds = Math.round(Math.min(Math.max(drawn, WORK_SECONDS_LEAST), WORK_SECONDS_MOST));
  return {
    arrivalSeconds: Math.floor(random.nextDouble() * spanSeconds),
    workSeconds,
    requestMib: Math.round(limit / overcommit),
    baseMib: mean * limit,
    surplusMib: (peak - mean) * limit,
    peakAt: random.nextDouble() * workSeconds,
    peakSeconds: logNormal(PEAK_SECONDS, random),
    riseSeconds: 1 + (60 * (peak - mean)) / logNormal(RISE_A_MINUTE, random),
  };
}

/** @returns MiB that a job needs at a point of its progress: it loads, and once rises to its peak and falls again. */
export function neededMib(job: MemoryJob, progress: number): number {
  const { baseMib, surplusMib, peakAt, peakSeconds, riseSeconds } = job;
  const loaded = Math.min(progress / LOADING_SECONDS, 1) * baseMib;
  const into = progress - peakAt;
  const left = peakSeconds + 2 * riseSeconds - into;
  const part = Math.min(Math.max(Math.min(into, left) / riseSeconds, 0), 1);
  return loaded + part * surplusMib;
}

function quantile(values: Quantiles, level: number): number {
  let i = 1;
  while (level > (LEVELS[i] as number)) i++;
  const from = LEVELS[i - 1] as number;
  const part = (level - from) / ((LEVELS[i] as number) - from);
  return (values[i - 1] as number) + part * ((values[i] as number) - (values[i - 1] as number));
}

function logNormal([median, spread]: readonly [number, number], random: Random): number {
  return median * Math.exp(spread * random.nextNormal());
}
