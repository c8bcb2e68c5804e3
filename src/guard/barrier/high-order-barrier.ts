/**
 * High-order control barrier functions with linear class-K functions, relative degree 1 to 3.
 *
 * A barrier b ≥ 0 that the input reaches only through its m-th derivative is kept by bounding the input so that
 * ψ_m ≥ 0, where ψ_0 = b and ψ_i = ψ̇_{i−1} + k_i ψ_{i−1}. With linear functions ψ_i is a fixed combination of b and its
 * derivatives, whose coefficients are the elementary symmetric polynomials of k_1 … k_i. The bound keeps b ≥ 0 only from
 * states where ψ_0 … ψ_{m−1} are ≥ 0 (`admits`), in continuous time, and while the input can follow it: sampling, dead time,
 * old readings and input limits need the margins and gains of `growth-filter.ts` and `heat-filter.ts`.
 *
 * @source Xiao & Belta, High-order control barrier functions, IEEE TAC 67(7), 2022; Nguyen & Sreenath 2016 for linear functions.
 */
import { assert } from '../../kernel/assert.ts';

/** Highest relative degree. */
export const RELATIVE_DEGREE_MAX = 3;

/** The linear class-K gains of a barrier, and the bound on the input that follows from them. */
export class HighOrderBarrier {
  /** m. */
  readonly relativeDegree: number;
  /** Row i: coefficients of b, ḃ, …, b^(i) in ψ_i. @shape [m + 1][i + 1] */
  private readonly rows: readonly Float64Array[];

  /** @param gains k_1 … k_m, 1/s, each positive and finite; 1 to 3 of them. */
  constructor(gains: readonly number[]) {
    assert(gains.length >= 1 && gains.length <= RELATIVE_DEGREE_MAX, 'a relative degree outside 1 to 3');
    const rows: Float64Array[] = [Float64Array.of(1)];
    for (const gain of gains) {
      assert(gain > 0 && gain < Number.POSITIVE_INFINITY, 'a class-K gain is not positive and finite');
      rows.push(nextRow(rows.at(-1) as Float64Array, gain));
    }
    this.relativeDegree = gains.length;
    this.rows = rows;
  }

  /**
   * @param derivatives b, ḃ, … up to b^(m−1). @shape [m]
   * @param order       i, 0 to m − 1.
   * @returns           ψ_i.
   */
  psi(derivatives: ArrayLike<number>, order: number): number {
    assert(order >= 0 && order < this.relativeDegree, 'ψ of an order that needs the input');
    const row = this.rows[order] as Float64Array;
    let sum = 0;
    for (let j = 0; j <= order; j++) sum += (row[j] as number) * (derivatives[j] as number);
    return sum;
  }

  /**
   * Checks the initial set: the bound keeps b ≥ 0 only from here.
   *
   * @param derivatives b, ḃ, … up to b^(m−1); NaN is not admitted. @shape [m]
   * @returns           The least order i with ψ_i < 0 (or NaN); −1 if the state is admitted.
   */
  admits(derivatives: ArrayLike<number>): number {
    for (let order = 0; order < this.relativeDegree; order++) {
      if (!(this.psi(derivatives, order) >= 0)) return order;
    }
    return -1;
  }

  /**
   * The bound on the input: it must be at most this if `gain` < 0, at least this if `gain` > 0.
   *
   * @param derivatives b, ḃ, … up to b^(m−1). @shape [m]
   * @param drift       b^(m) at input 0.
   * @param gain        Derivative of b^(m) by the input, not 0.
   * @cost              O(m).
   */
  bound(derivatives: ArrayLike<number>, drift: number, gain: number): number {
    assert(gain !== 0, 'an input without effect bounds nothing');
    const m = this.relativeDegree;
    const row = this.rows[m] as Float64Array;
    let sum = drift;
    for (let j = 0; j < m; j++) sum += (row[j] as number) * (derivatives[j] as number);
    return -sum / gain;
  }
}

/** ψ_{i+1} = ψ̇_i + k ψ_i: each coefficient moves up one derivative, and is added k times where it was. */
function nextRow(row: Float64Array, gain: number): Float64Array {
  const next = new Float64Array(row.length + 1);
  for (let j = 0; j < row.length; j++) {
    next[j + 1] = (next[j + 1] as number) + (row[j] as number);
    next[j] = (next[j] as number) + gain * (row[j] as number);
  }
  return next;
}
