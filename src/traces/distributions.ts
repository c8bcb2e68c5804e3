/**
 * The random variates of the workload generator, with the means that its offered load is computed from.
 *
 * Every function takes its randomness as an argument and documents its number of draws.
 */

/** The random numbers that the generators need; `Random` of the kernel provides them. */
export interface RandomSource {
  /** @returns A number in [0, 1). */
  nextFloat(): number;
}

/** Durations in seconds: a log-normal body and, with probability `tailShare`, a Pareto tail; cut at the maximum. */
export interface DurationDistribution {
  readonly medianSeconds: number;
  /** Standard deviation of the logarithm of the body. */
  readonly sigma: number;
  /** Probability of the tail, in [0, 1]. */
  readonly tailShare: number;
  /** Smallest value of the tail. */
  readonly tailSeconds: number;
  /** Exponent of the tail, > 1: P(X > x) = (tailSeconds / x)^tailAlpha. */
  readonly tailAlpha: number;
  /** Longer ones are cut to this. */
  readonly maxSeconds: number;
}

/** @returns An exponential variate of mean 1. One draw. */
export function drawExponential(random: RandomSource): number {
  return -Math.log(1 - random.nextFloat());
}

/** @returns A standard normal variate. Two draws (Box and Muller, cosine branch). */
export function drawNormal(random: RandomSource): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.nextFloat()));
  return radius * Math.cos(2 * Math.PI * random.nextFloat());
}

/** @returns A duration in seconds, in [1, maxSeconds], rounded to milliseconds. Two or three draws. */
export function drawDuration(duration: DurationDistribution, random: RandomSource): number {
  const isTail = random.nextFloat() < duration.tailShare;
  const seconds = isTail
    ? duration.tailSeconds * (1 - random.nextFloat()) ** (-1 / duration.tailAlpha)
    : duration.medianSeconds * Math.exp(duration.sigma * drawNormal(random));
  return Math.round(Math.min(Math.max(seconds, 1), duration.maxSeconds) * 1_000) / 1_000;
}

/**
 * @returns The mean of `drawDuration`, but for the lower bound of one second, whose effect on the mean is below one
 *   second.
 * @source Limited expected values of the log-normal and the Pareto distribution: Klugman, Panjer, Willmot,
 *   Loss Models, appendix A.
 */
export function meanDuration(duration: DurationDistribution): number {
  const { medianSeconds, sigma, tailShare, tailSeconds, tailAlpha, maxSeconds } = duration;
  const z = sigma === 0 ? Number.POSITIVE_INFINITY : Math.log(maxSeconds / medianSeconds) / sigma;
  const body =
    medianSeconds * Math.exp(sigma ** 2 / 2) * normalCdf(z - sigma) + maxSeconds * (1 - normalCdf(z));
  const cut = tailSeconds ** tailAlpha * maxSeconds ** (1 - tailAlpha);
  const tail = (tailSeconds * tailAlpha - cut) / (tailAlpha - 1);
  return (1 - tailShare) * (sigma === 0 ? medianSeconds : body) + tailShare * tail;
}

/**
 * @returns P(Z ≤ z) of the standard normal distribution, within 1e-7.
 * @source Abramowitz and Stegun 1964, Handbook of Mathematical Functions, 26.2.17.
 */
export function normalCdf(z: number): number {
  if (z < 0) return 1 - normalCdf(-z);
  if (z > 40) return 1;
  const t = 1 / (1 + 0.2316419 * z);
  const polynomial =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return 1 - (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
}

/** Draws indexes with given weights. Cost O(log n), one draw. */
export class WeightedChoice {
  /** @shape [weights] running sums, the last is 1. */
  private readonly cumulative: Float64Array;

  /** @param weights At least one, each ≥ 0, not all 0. */
  constructor(weights: readonly number[]) {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let sum = 0;
    this.cumulative = Float64Array.from(weights, (weight) => {
      sum += weight / total;
      return sum;
    });
    this.cumulative[weights.length - 1] = 1;
  }

  /** @returns An index with probability proportional to its weight. */
  draw(random: RandomSource): number {
    const u = random.nextFloat();
    let lower = 0;
    let upper = this.cumulative.length - 1;
    while (lower < upper) {
      const middle = (lower + upper) >>> 1;
      if ((this.cumulative[middle] as number) > u) upper = middle;
      else lower = middle + 1;
    }
    return lower;
  }
}
