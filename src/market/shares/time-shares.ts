/**
 * Fair shares by weight and past usage, as KAI-Scheduler divides a resource among queues.
 *
 *     first       each gets what it deserves, as far as it requests it
 *     the rest    in rounds, among those that request more, by max(W′ + k·(W′ − U′), 0), normalised
 *
 * W′ is a queue's part of the weights of those that request more, U′ its part of the cluster's capacity over time. k = 0: by
 * weight alone. Amounts are divided as fine as they come; KAI itself rounds shares to whole units.
 *
 * @source KAI-Scheduler, time-based fair share and resource division; written from their definition.
 */
import { assert } from '../../kernel/assert.ts';

/** More than the rounds of any division: each but the last satisfies a queue. */
const ROUNDS_BEYOND = 1;

/** Sibling queues and one resource. All columns are of one length. */
export interface SiblingQueues {
  /** What its quota gives it, ≥ 0. */
  readonly deserved: ArrayLike<number>;
  /** What it holds and waits for, ≥ 0. */
  readonly requests: ArrayLike<number>;
  /** ≥ 0. */
  readonly weights: ArrayLike<number>;
  /** Part of the capacity that it used over time, in [0, 1]. */
  readonly usages: ArrayLike<number>;
}

/**
 * Divides an amount.
 *
 * @param k ≥ 0: how much past usage counts.
 * @returns Shares, the caller's. Less than the amount altogether if all that request more have no weight left. O(queues²).
 */
export function timeShares(amount: number, queues: SiblingQueues, k: number): Float64Array {
  const { deserved, requests } = queues;
  const count = requests.length;
  assert(deserved.length === count && queues.weights.length === count, 'columns of queues differ in length');
  const shares = new Float64Array(count);
  let left = amount;
  for (let i = 0; i < count; i++) {
    shares[i] = Math.min(deserved[i] as number, requests[i] as number);
    left -= shares[i] as number;
  }
  for (let round = 0; round < count + ROUNDS_BEYOND && left > 0; round++) {
    const weights = roundWeights(queues, shares, k);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    if (sum === 0) break;
    const given = left;
    let isSatisfied = false;
    for (let i = 0; i < count; i++) {
      const part = (given * (weights[i] as number)) / sum;
      const wanted = (requests[i] as number) - (shares[i] as number);
      isSatisfied ||= part > 0 && wanted <= part;
      const more = Math.min(part, wanted);
      if (more <= 0) continue;
      shares[i] = (shares[i] as number) + more;
      left -= more;
    }
    if (!isSatisfied) break;
  }
  return shares;
}

/** @returns max(W′ + k·(W′ − U′), 0) of those that request more than their share so far, else 0. */
function roundWeights(
  { requests, weights, usages }: SiblingQueues,
  shares: Float64Array,
  k: number,
): Float64Array {
  const result = new Float64Array(shares.length);
  let total = 0;
  for (let i = 0; i < shares.length; i++)
    if ((requests[i] as number) > (shares[i] as number)) total += weights[i] as number;
  if (total === 0) return result;
  for (let i = 0; i < shares.length; i++) {
    if (!((requests[i] as number) > (shares[i] as number)) || weights[i] === 0) continue;
    const weight = (weights[i] as number) / total;
    result[i] = Math.max(0, weight + k * (weight - (usages[i] as number)));
  }
  return result;
}
