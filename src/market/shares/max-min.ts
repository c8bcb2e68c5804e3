/**
 * Max-min fair shares in whole slices: nobody can have more without someone who has no more having less.
 *
 * No memory: what a tenant had in earlier quanta changes nothing.
 */
import { assert } from '../../kernel/assert.ts';
import { richestFirst } from './richest-first.ts';

/**
 * Shares a capacity out.
 *
 * @param demands  Slices wanted, integers ≥ 0. @shape [tenants]
 * @param capacity Slices, an integer ≥ 0.
 * @param weights  Finite, ≥ 0; of weight 0: only what all others leave. @shape [tenants]; all 1 if not given.
 * @returns Slices by tenant; where they do not come out even, smaller indexes have one more. O(tenants).
 */
export function maxMinShares(
  demands: ArrayLike<number>,
  capacity: number,
  weights?: ArrayLike<number>,
): Float64Array {
  const count = demands.length;
  assert(weights === undefined || weights.length === count, 'a weight for each tenant');
  const keys = new Float64Array(count);
  const steps = new Float64Array(count).fill(1);
  const wants = new Float64Array(count);
  const idle = new Float64Array(count);
  for (let tenant = 0; tenant < count; tenant++) {
    const weight = weights === undefined ? 1 : (weights[tenant] as number);
    if (weight > 0) steps[tenant] = 1 / weight;
    (weight > 0 ? wants : idle)[tenant] = demands[tenant] as number;
  }
  const shares = new Float64Array(count);
  const given = richestFirst({ keys, steps, wants }, capacity, Number.NEGATIVE_INFINITY, shares);
  if (given === capacity) return shares;
  const rest = new Float64Array(count);
  richestFirst({ keys, steps, wants: idle }, capacity - given, Number.NEGATIVE_INFINITY, rest);
  for (let tenant = 0; tenant < count; tenant++)
    shares[tenant] = (shares[tenant] as number) + (rest[tenant] as number);
  return shares;
}
