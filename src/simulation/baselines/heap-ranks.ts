/** The element at the root of a binary heap among equals, by the order of insertion. */

/**
 * A heap built in place moves an element up only where it is strictly better, and the left child first; so of equal
 * best elements the first in pre-order ends at the root.
 *
 * @returns Pre-order ranks of places: of equals the least wins. @shape [count] a permutation of 0 … count − 1
 */
export function heapRanks(count: number): Int32Array {
  const ranks = new Int32Array(count);
  let rank = 0;
  const visit = (place: number): void => {
    if (place >= count) return;
    ranks[place] = rank++;
    visit(2 * place + 1);
    visit(2 * place + 2);
  };
  visit(0);
  return ranks;
}
