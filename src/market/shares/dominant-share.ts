/**
 * Dominant shares: the largest part that a tenant has of any resource, over its weight.
 *
 *     DRF                    max over resources of  used ÷ capacity                                       ÷ weight
 *     Kueue's fair sharing   max over resources of  (used + request − nominal)⁺ ÷ what can be lent         ÷ weight
 *
 * @source Ghodsi et al. 2011, Dominant Resource Fairness (NSDI); Kueue, KEP-1714 Fair Sharing. Written from their definitions.
 */

/** Amounts of some resources. @shape [resources] */
type ResourceAmounts = ArrayLike<number>;

/**
 * @param capacity Of the cluster; resources that it has none of count for nothing.
 * @param weight   ≥ 0. @returns ≥ 0; Infinity for weight 0. O(resources).
 */
export function dominantShare(used: ResourceAmounts, capacity: ResourceAmounts, weight: number): number {
  if (weight === 0) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let k = 0; k < capacity.length; k++)
    if ((capacity[k] as number) > 0)
      largest = Math.max(largest, (used[k] as number) / (capacity[k] as number));
  return largest / weight;
}

/**
 * @param request  Of the job that would start. @param nominal What the tenant has of its own.
 * @param lendable What there is for the tenant's parent and all below it, of its own and by loans.
 * @returns 0 if nothing is borrowed; Infinity if something is, at weight 0. O(resources).
 */
export function borrowedShare(
  used: ResourceAmounts,
  request: ResourceAmounts,
  nominal: ResourceAmounts,
  lendable: ResourceAmounts,
  weight: number,
): number {
  let largest = 0;
  let borrows = false;
  for (let k = 0; k < lendable.length; k++) {
    const borrowed = (used[k] as number) + (request[k] as number) - (nominal[k] as number);
    if (!(borrowed > 0)) continue;
    borrows = true;
    const most = lendable[k] as number;
    if (most > 0) largest = Math.max(largest, borrowed / most);
  }
  if (!borrows) return 0;
  return weight === 0 ? Number.POSITIVE_INFINITY : largest / weight;
}
