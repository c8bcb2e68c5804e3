/**
 * The typical workload: the frequency of each demand, given once or learned from the arrivals.
 *
 * Learned counts decay: each arrival counts 1 and loses half its weight every `halfLifePods` arrivals. Growing weights
 * implement the decay (the newest arrival weighs more), so an arrival costs O(1).
 */

import { assert } from '../kernel/assert.ts';
import { grown } from '../kernel/grown.ts';
import type { Demand } from '../model/demand.ts';

/** A distribution of pod shapes: the expected arrivals. */
export interface TypicalWorkload {
  /** Distinct shapes. */
  readonly demands: readonly Demand[];
  /** Probability of each; sums to 1. @shape [demands] */
  readonly weights: readonly number[];
  /** Count of each, where the weights are shares of a count. @shape [demands] */
  readonly counts?: readonly number[];
}

/** Rescale before weights leave the comfortable range of doubles. */
const WEIGHT_MAX = 1e100;

/** Decayed counts of arrivals by demand. */
export class TypicalLearner {
  private readonly growth: number;
  private weight = 1;
  private total = 0;
  private readonly demands: Demand[] = [];
  /** By demand id. */
  private counts = new Float64Array(64);
  /** The distribution that `drift` is measured against, by demand id. */
  private reference = new Float64Array(64);

  /** Pods seen, not decayed. */
  seen = 0;

  /** @param halfLifePods Arrivals after which one counts half. > 0 */
  constructor(halfLifePods: number) {
    assert(halfLifePods > 0, 'a half-life of no arrivals');
    this.growth = 2 ** (1 / halfLifePods);
  }

  /** Counts an arrival of `pods` equal pods. O(1). */
  add(demand: Demand, pods: number): void {
    assert(pods > 0, 'an arrival of no pods');
    if (demand.id >= this.counts.length) this.grow(demand.id + 1);
    if (this.counts[demand.id] === 0) this.demands.push(demand);
    const amount = this.weight * pods;
    this.counts[demand.id] = (this.counts[demand.id] as number) + amount;
    this.total += amount;
    this.seen += pods;
    this.weight *= this.growth ** pods;
    if (this.weight > WEIGHT_MAX) this.rescale();
  }

  /** Total variation distance between the distribution now and at the last `settle`; 1 before the first. O(demands). */
  drift(): number {
    let sum = 0;
    for (const demand of this.demands) {
      const now = (this.counts[demand.id] as number) / this.total;
      sum += Math.abs(now - (this.reference[demand.id] as number));
    }
    return sum / 2;
  }

  /** @returns The distribution now, and makes it the reference of `drift`. O(demands). */
  settle(): TypicalWorkload {
    const weights: number[] = [];
    for (const demand of this.demands) {
      const weight = (this.counts[demand.id] as number) / this.total;
      weights.push(weight);
      this.reference[demand.id] = weight;
    }
    return { demands: this.demands.slice(), weights };
  }

  private rescale(): void {
    const scale = 1 / this.weight;
    for (const demand of this.demands) {
      // Never quite 0: a count of 0 means a demand not listed yet.
      this.counts[demand.id] = Math.max((this.counts[demand.id] as number) * scale, Number.MIN_VALUE);
    }
    this.total *= scale;
    this.weight = 1;
  }

  private grow(count: number): void {
    const n = Math.max(count, 2 * this.counts.length);
    this.counts = grown(this.counts, n);
    this.reference = grown(this.reference, n);
  }
}
