/** Statistics of a benchmark's runs: throughput as scheduler_perf defines it, quantiles, and summaries of repeats. */

/** Smallest, middle and largest of the repeats. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/**
 * Samples of throughput as scheduler_perf takes them: each second the pods bound since the sample before; the first
 * second with a bound pod only starts the count; a second without progress is merged into the next one with some, which
 * then counts once for every second it covers.
 *
 * Seconds that had begun but not ended at the last bind are not sampled, unless nothing had been bound in the seconds
 * before: a stall at the end counts.
 *
 * @param bindSeconds When pods were bound, seconds since the measurement began; ascending, ≥ 0.
 * @param intervalSeconds Seconds of a sample; scheduler_perf: 1.
 * @returns Pods per second of each sample; empty for runs of less than two or three seconds.
 * @source k8s.io/kubernetes v1.36.3 test/integration/scheduler_perf/util.go, throughputCollector.run
 */
export function throughputSamples(bindSeconds: ArrayLike<number>, intervalSeconds = 1): number[] {
  const samples: number[] = [];
  const end = bindSeconds.length === 0 ? 0 : (bindSeconds[bindSeconds.length - 1] as number);
  const fullTicks = Math.floor(end / intervalSeconds);
  let bound = 0;
  let before = -1;
  let beforeTick = 0;
  for (let tick = 1; tick <= fullTicks + 1; tick++) {
    if (tick > fullTicks && tick - beforeTick === 1) break;
    while (bound < bindSeconds.length && (bindSeconds[bound] as number) <= tick * intervalSeconds) bound++;
    if (bound === 0 || bound === before) continue;
    if (before >= 0) {
      const ticks = tick - beforeTick;
      const throughput = (bound - before) / (ticks * intervalSeconds);
      for (let i = 0; i < ticks; i++) samples.push(throughput);
    }
    before = bound;
    beforeTick = tick;
  }
  return samples;
}

/**
 * The nearest-rank quantile, as scheduler_perf's percentiles.
 *
 * @param ascending Sorted.
 * @param p In (0, 1].
 * @returns NaN of an empty list.
 */
export function quantile(ascending: ArrayLike<number>, p: number): number {
  return ascending[Math.ceil(ascending.length * p) - 1] ?? Number.NaN;
}

/**
 * @returns The middle one; of an even number the mean of the two in the middle; NaN of an empty list or where any is
 *   NaN.
 */
export function median(values: readonly number[]): number {
  if (values.length === 0 || values.some(Number.isNaN)) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted.length >> 1;
  const high = sorted[upper] as number;
  return sorted.length % 2 === 1 ? high : ((sorted[upper - 1] as number) + high) / 2;
}

/** @returns Extremes and median. Repeats without the figure (NaN) do not count; NaN if none has it. */
export function spreadOf(values: readonly number[]): Spread {
  const known = values.filter((value) => !Number.isNaN(value));
  if (known.length === 0) return { min: Number.NaN, median: Number.NaN, max: Number.NaN };
  return { min: Math.min(...known), median: median(known), max: Math.max(...known) };
}
