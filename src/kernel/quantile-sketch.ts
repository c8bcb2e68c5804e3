/**
 * Quantiles of very many numbers in bounded memory: counts in buckets whose width grows with the value.
 *
 * A bucket is one of 256 equal parts of an octave [2^e, 2^(e+1)), found from the bits of the number, so no logarithm is
 * taken and the answer is the same on every machine. A quantile is reported as its bucket's lower edge: at most
 * QUANTILE_RELATIVE_ERROR too small, never too large, and exact for integers up to 256. Sketches merge: the quantiles
 * of a merged sketch do not depend on how the numbers were divided.
 * Not here: quantiles of negative numbers (they count as zero).
 *
 * @source The error guarantee is DDSketch's (Masson, Rim, Lee, VLDB 2019); the buckets are HdrHistogram's.
 */
import { assert } from './assert.ts';

/** Parts of an octave, as a power of two. */
const PART_BITS = 8;
const PARTS = 1 << PART_BITS;
/** Smallest exponent kept apart from zero: 2^−20 ≈ 10^−6. */
const EXPONENT_MIN = -20;
/** Octaves kept: up to 2^44 ≈ 1.8·10^13. */
const OCTAVES = 64;
const BUCKETS = OCTAVES * PARTS;
/** Where the bucket numbers begin in the upper half of a double. */
const INDEX_BASE = (EXPONENT_MIN + 1023) << PART_BITS;

/** Largest relative error of a quantile that lies in [2^−20, 2^44). */
export const QUANTILE_RELATIVE_ERROR: number = 1 / PARTS;

/** The buckets that are not empty, as plain numbers: the form that travels between threads and into files. */
export interface QuantileSketchState {
  readonly count: number;
  readonly zeroCount: number;
  readonly sum: number;
  /** Infinity if empty. */
  readonly min: number;
  /** −Infinity if empty. */
  readonly max: number;
  /** Ascending bucket numbers. @shape [buckets] */
  readonly buckets: readonly number[];
  /** Count of numbers in each. @shape [buckets] */
  readonly counts: readonly number[];
}

/** A mergeable sketch of a distribution of non-negative numbers. 128 KiB; one insert is some 12 ns. */
export class QuantileSketch {
  count = 0;
  sum = 0;
  /** Exact. */
  min = Infinity;
  /** Exact. */
  max = -Infinity;
  private zeroCount = 0;
  private readonly counts = new Float64Array(BUCKETS);
  private readonly asDouble = new Float64Array(1);
  private readonly asWords = new Int32Array(this.asDouble.buffer);

  /** Counts one number. Below 2^−20 (and negative, and NaN) it counts as zero, from 2^44 on as in the last bucket. */
  insert(value: number): void {
    this.count++;
    if (!(value >= 9.5367431640625e-7)) {
      this.zeroCount++;
      const kept = value > 0 ? value : 0;
      this.sum += kept;
      if (kept < this.min) this.min = kept;
      if (kept > this.max) this.max = kept;
      return;
    }
    this.sum += value;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    this.asDouble[0] = value;
    const bucket = ((this.asWords[1] as number) >> (20 - PART_BITS)) - INDEX_BASE;
    const index = bucket < BUCKETS ? bucket : BUCKETS - 1;
    this.counts[index] = (this.counts[index] as number) + 1;
  }

  /** Arithmetic mean; 0 if empty. */
  get mean(): number {
    return this.count === 0 ? 0 : this.sum / this.count;
  }

  /**
   * @param q In [0, 1].
   * @returns The value of rank ⌈q·count⌉ (at least 1), within QUANTILE_RELATIVE_ERROR, and never outside [min, max];
   *          NaN if the sketch is empty. O(buckets).
   */
  quantile(q: number): number {
    assert(q >= 0 && q <= 1, 'a quantile outside [0, 1]');
    if (this.count === 0) return Number.NaN;
    if (q >= 1) return this.max;
    let left = Math.max(1, Math.ceil(q * this.count)) - this.zeroCount;
    if (left <= 0) return Math.max(0, this.min);
    for (let i = 0; i < BUCKETS; i++) {
      left -= this.counts[i] as number;
      if (left <= 0) return Math.min(this.max, Math.max(this.min, lowerEdge(i)));
    }
    return this.max;
  }

  /** @returns The share of numbers that are at most `value`, to within one bucket. */
  rankOf(value: number): number {
    assert(!Number.isNaN(value), 'the rank of NaN');
    if (this.count === 0) return 0;
    if (value >= this.max) return 1;
    let below = value >= 0 ? this.zeroCount : 0;
    for (let i = 0; i < BUCKETS && lowerEdge(i) <= value; i++) below += this.counts[i] as number;
    return below / this.count;
  }

  /** Adds another sketch's numbers to this one. */
  merge(other: QuantileSketch): void {
    assert(other !== this, 'a sketch is merged with itself');
    this.count += other.count;
    this.zeroCount += other.zeroCount;
    this.sum += other.sum;
    if (other.min < this.min) this.min = other.min;
    if (other.max > this.max) this.max = other.max;
    for (let i = 0; i < BUCKETS; i++) {
      this.counts[i] = (this.counts[i] as number) + (other.counts[i] as number);
    }
  }

  /** @returns Its non-empty buckets. */
  toState(): QuantileSketchState {
    const buckets: number[] = [];
    const counts: number[] = [];
    for (let i = 0; i < BUCKETS; i++) {
      const c = this.counts[i] as number;
      if (c === 0) continue;
      buckets.push(i);
      counts.push(c);
    }
    const { count, zeroCount, sum, min, max } = this;
    assert(count === 0 || min <= max, 'extremes of a sketch in the wrong order');
    return { count, zeroCount, sum, min, max, buckets, counts };
  }

  /** @returns The sketch that `toState` described. */
  static fromState(state: QuantileSketchState): QuantileSketch {
    const sketch = new QuantileSketch();
    sketch.count = state.count;
    sketch.zeroCount = state.zeroCount;
    sketch.sum = state.sum;
    sketch.min = state.min;
    sketch.max = state.max;
    assert(
      state.buckets.length === state.counts.length,
      'a bucket without a count, or a count without a bucket',
    );
    let before = -1;
    let counted = state.zeroCount;
    for (let i = 0; i < state.buckets.length; i++) {
      const bucket = state.buckets[i] as number;
      assert(bucket > before && bucket < BUCKETS, 'buckets of a sketch do not ascend, or are out of bounds');
      sketch.counts[bucket] = state.counts[i] as number;
      counted += state.counts[i] as number;
      before = bucket;
    }
    assert(counted === state.count, 'the counts of a sketch do not add up');
    return sketch;
  }
}

/** The smallest number of a bucket. */
function lowerEdge(bucket: number): number {
  const exponent = (bucket >> PART_BITS) + EXPONENT_MIN;
  const part = bucket & (PARTS - 1);
  return 2 ** exponent * (1 + part / PARTS);
}
