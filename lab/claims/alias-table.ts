/**
 * Draws from a discrete distribution in constant time: the alias method, rebuilt in place without allocation.
 *
 * Invariants: column i keeps i with probability `keep[i]` and else yields `alias[i]`; columns of weight 0 are never
 * drawn. Only additions, multiplications and divisions: the same weights give the same table on every engine.
 *
 * @source Vose 1991, A linear algorithm for generating random numbers with a given distribution, IEEE TSE 17(9).
 */
import type { Random } from '../../src/kernel/random.ts';

/** A table for up to `capacity` outcomes. */
export class AliasTable {
  /** Outcomes of the last `build`; 0 before the first. */
  count = 0;
  /** Acceptance thresholds. @shape [capacity] in [0, 1] */
  private readonly keep: Float64Array;
  /** @shape [capacity] in [0, count) */
  private readonly alias: Int32Array;
  /** Columns that still have to be paired: the small ones from the left, the large ones from the right. */
  private readonly pending: Int32Array;

  /** @param capacity Most outcomes, ≥ 1. */
  constructor(capacity: number) {
    this.keep = new Float64Array(capacity);
    this.alias = new Int32Array(capacity);
    this.pending = new Int32Array(capacity);
  }

  /**
   * Prepares draws in proportion to weights. O(count).
   *
   * @param weights Finite, ≥ 0, not all 0. @shape [≥ count]
   * @param count   In [1, capacity].
   * @throws RangeError if there is nothing to draw from, or a weight is negative or not finite.
   */
  build(weights: Float64Array, count: number = weights.length): void {
    const { keep, alias, pending } = this;
    let total = 0;
    let heaviest = 0;
    for (let i = 0; i < count; i++) {
      const weight = weights[i] as number;
      if (!(weight >= 0)) throw new RangeError(`weight ${weight} of outcome ${i}: expected a number ≥ 0`);
      total += weight;
      if (weight > (weights[heaviest] as number)) heaviest = i;
    }
    if (!(total > 0 && total < Number.POSITIVE_INFINITY && count <= keep.length)) {
      throw new RangeError(`${count} weights of sum ${total}: expected a finite sum > 0 of ≤ ${keep.length}`);
    }
    this.count = count;
    let small = 0;
    let large = count;
    for (let i = 0; i < count; i++) {
      const share = ((weights[i] as number) * count) / total;
      keep[i] = share;
      if (share < 1) pending[small++] = i;
      else pending[--large] = i;
    }
    while (small > 0 && large < count) {
      const needy = pending[--small] as number;
      const giver = pending[large] as number;
      alias[needy] = giver;
      const rest = (keep[giver] as number) + (keep[needy] as number) - 1;
      keep[giver] = rest;
      if (rest < 1) {
        large++;
        pending[small++] = giver;
      }
    }
    // What rounding left over: large columns are full; a small one keeps itself unless it weighs nothing.
    while (large < count) keep[pending[large++] as number] = 1;
    while (small > 0) {
      const i = pending[--small] as number;
      if ((weights[i] as number) > 0) keep[i] = 1;
      else alias[i] = heaviest;
    }
  }

  /** @returns An outcome in [0, count). @param random Advanced by two draws. O(1). */
  draw(random: Random): number {
    const x = random.nextDouble() * this.count;
    const i = x | 0;
    return x - i < (this.keep[i] as number) ? i : (this.alias[i] as number);
  }
}
