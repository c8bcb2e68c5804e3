/** Measures of how evenly something is shared out. */
import { assert } from '../../kernel/assert.ts';

/**
 * Jain's index: (Σx)² / (n·Σx²).
 *
 * @param values Finite, ≥ 0, at least one.
 * @returns In [1/n, 1]; 1: all have the same, 1/n: one has all. 1 if all are 0.
 * @source Jain, Chiu, Hawe 1984, A quantitative measure of fairness and discrimination (DEC-TR-301).
 */
export function jainIndex(values: ArrayLike<number>): number {
  assert(values.length > 0, 'an index of nothing');
  let [sum, squares] = [0, 0];
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number;
    sum += value;
    squares += value * value;
  }
  return squares === 0 ? 1 : (sum * sum) / (values.length * squares);
}
