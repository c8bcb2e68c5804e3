/**
 * Small statistics: means, moments in one pass, Student-t intervals of means and of paired differences.
 */
import { assert } from './assert.ts';

/** Count, mean, variance and extremes of numbers seen one at a time. */
export class Welford {
  count = 0;
  mean = 0;
  min = Infinity;
  max = -Infinity;
  private squares = 0;

  /** Counts one finite number. */
  add(x: number): void {
    assert(Number.isFinite(x), 'a number that is not finite has no mean');
    this.count++;
    const delta = x - this.mean;
    this.mean += delta / this.count;
    this.squares += delta * (x - this.mean);
    if (x < this.min) this.min = x;
    if (x > this.max) this.max = x;
  }

  /** Sample variance (divided by count − 1); 0 below two numbers. */
  get variance(): number {
    return this.count < 2 ? 0 : this.squares / (this.count - 1);
  }

  /** Sample standard deviation. */
  get deviation(): number {
    return Math.sqrt(this.variance);
  }

  /** Adds the numbers that another one has seen. @source Chan, Golub, LeVeque 1983. */
  merge(other: Welford): void {
    assert(other !== this, 'moments are merged with themselves');
    if (other.count === 0) return;
    const count = this.count + other.count;
    const delta = other.mean - this.mean;
    this.squares += other.squares + (delta * delta * this.count * other.count) / count;
    this.mean += (delta * other.count) / count;
    this.count = count;
    this.min = Math.min(this.min, other.min);
    this.max = Math.max(this.max, other.max);
  }
}

/** @returns The arithmetic mean of numbers that are at hand; NaN of none. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum / values.length;
}

/** @returns The number with at most `digits` digits after the point, for reports. @param digits In [0, 15]. */
export function rounded(value: number, digits: number): number {
  assert(digits >= 0 && digits <= 15, 'digits beyond those of a double');
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}

/** A mean and the interval that holds the true mean with a stated confidence. */
export interface MeanInterval {
  readonly count: number;
  readonly mean: number;
  readonly deviation: number;
  /** Equal to `mean` ± the half width; both are NaN below two numbers: nothing is known about the spread. */
  readonly low: number;
  readonly high: number;
}

/**
 * The Student-t confidence interval of a mean: exact for independent normal numbers, close for a handful of runs.
 *
 * @param values Independent results, for example one a seed.
 * @param level  Confidence in (0, 1), for example 0.95.
 */
export function meanInterval(values: ArrayLike<number>, level = 0.95): MeanInterval {
  assert(level > 0 && level < 1, 'a confidence outside (0, 1)');
  const w = new Welford();
  for (let i = 0; i < values.length; i++) w.add(values[i] as number);
  const { count, mean, deviation } = w;
  if (count < 2) return { count, mean, deviation, low: Number.NaN, high: Number.NaN };
  const half = (studentQuantile((1 + level) / 2, count - 1) * deviation) / Math.sqrt(count);
  return { count, mean, deviation, low: mean - half, high: mean + half };
}

/**
 * The interval of the mean of values[i] − baselines[i]. Why paired: both saw the same arrivals, so what the arrivals
 * do to both cancels, and far fewer seeds tell two policies apart.
 *
 * @throws AssertionFailure if the lengths differ.
 */
export function pairedInterval(
  values: ArrayLike<number>,
  baselines: ArrayLike<number>,
  level = 0.95,
): MeanInterval {
  assert(values.length === baselines.length, 'pairs of which one half is missing');
  const differences = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) differences[i] = (values[i] as number) - (baselines[i] as number);
  return meanInterval(differences, level);
}

/**
 * Quantile of Student's t distribution.
 *
 * @param p       Probability in (0, 1).
 * @param degrees Degrees of freedom, > 0.
 * @returns       t with P(T ≤ t) = p, to a relative 1e−12 or so. By bisection on the exact distribution: never hot.
 */
export function studentQuantile(p: number, degrees: number): number {
  assert(p > 0 && p < 1, 'a probability outside (0, 1) has no quantile');
  assert(degrees > 0, 'no degrees of freedom');
  if (p === 0.5) return 0;
  if (p < 0.5) return -studentQuantile(1 - p, degrees);
  let upper = 1;
  while (studentDistribution(upper, degrees) < p && upper < 1e300) upper *= 2;
  let lower = 0;
  for (let i = 0; i < 200 && upper - lower > 1e-14 * upper; i++) {
    const middle = (lower + upper) / 2;
    if (studentDistribution(middle, degrees) < p) lower = middle;
    else upper = middle;
  }
  return (lower + upper) / 2;
}

/** @returns P(T ≤ t) of Student's t distribution with `degrees` > 0 degrees of freedom. */
export function studentDistribution(t: number, degrees: number): number {
  assert(degrees > 0, 'no degrees of freedom');
  const tail = 0.5 * regularizedBeta(degrees / (degrees + t * t), degrees / 2, 0.5);
  return t >= 0 ? 1 - tail : tail;
}

/**
 * The regularised incomplete beta function I_x(a, b), x in [0, 1], a, b > 0.
 *
 * @source Continued fraction, NIST DLMF 8.17.22, evaluated by Lentz's method.
 */
export function regularizedBeta(x: number, a: number, b: number): number {
  assert(a > 0 && b > 0 && !Number.isNaN(x), 'the incomplete beta function outside its domain');
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return (front * betaFraction(x, a, b)) / a;
  return 1 - (front * betaFraction(1 - x, b, a)) / b;
}

function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  let c = 1;
  let d = 1 / guard(1 - ((a + b) * x) / (a + 1), tiny);
  let h = d;
  for (let m = 1; m <= 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / guard(1 + even * d, tiny);
    c = guard(1 + even / c, tiny);
    h *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / guard(1 + odd * d, tiny);
    c = guard(1 + odd / c, tiny);
    h *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return h;
}

function guard(x: number, tiny: number): number {
  return Math.abs(x) < tiny ? tiny : x;
}

const LANCZOS: readonly number[] = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** @returns ln Γ(x), x > 0, to about 1e−14. @source Lanczos 1964, with g = 7 and nine terms (Godfrey's). */
export function logGamma(x: number): number {
  assert(x > 0, 'the logarithm of the gamma function outside its domain');
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  let sum = LANCZOS[0] as number;
  for (let i = 1; i < LANCZOS.length; i++) sum += (LANCZOS[i] as number) / (x - 1 + i);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}
