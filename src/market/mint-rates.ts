/**
 * Who mints how much: quota + weight × surplus, by tenant and never by identity, so that splitting a tenant gains nothing.
 */
import { TegError } from '../model/errors.ts';
import { isNatural } from './amounts.ts';

/** What a tenant's mint follows from. */
export interface MintShare {
  /** Its quota in micro-units: what a unit-hour at price 1 costs in micro-tokens an hour. An integer ≥ 0. */
  readonly quota: number;
  /** Its share of what no quota covers; finite, ≥ 0. */
  readonly weight: number;
}

/**
 * Shares a capacity out. The surplus is rounded by largest remainder, so that the whole capacity is minted, to the micro-token.
 *
 * @param capacity Micro-units of the cluster: an integer ≥ 0. Quotas may exceed it; then there is no surplus.
 * @returns Micro-tokens an hour by tenant. O(n log n).
 * @throws TegError TEG_CONFIG_INVALID for a quota or weight out of bounds.
 */
export function mintRates(shares: readonly MintShare[], capacity: number): number[] {
  let quotas = 0;
  let weights = 0;
  for (const { quota, weight } of shares) {
    if (!isNatural(quota) || !Number.isFinite(weight) || weight < 0) {
      throw new TegError(
        'TEG_CONFIG_INVALID',
        `got quota ${quota} and weight ${weight}, expected an integer ≥ 0 of micro-units and a finite weight ≥ 0`,
      );
    }
    quotas += quota;
    weights += weight;
  }
  const surplus = Math.max(0, capacity - quotas);
  if (weights === 0 || surplus === 0) return shares.map(({ quota }) => quota);
  const exact = shares.map(({ weight }) => (surplus * weight) / weights);
  const rates = exact.map(Math.floor);
  const order = exact
    .map((value, tenant) => ({ tenant, rest: value - Math.floor(value) }))
    .filter(({ tenant }) => (shares[tenant] as MintShare).weight > 0)
    .sort((a, b) => b.rest - a.rest || a.tenant - b.tenant);
  let left = surplus - rates.reduce((sum, rate) => sum + rate, 0);
  for (let at = 0; left > 0; at = (at + 1) % order.length, left--) {
    const tenant = order[at]?.tenant as number;
    rates[tenant] = (rates[tenant] as number) + 1;
  }
  return rates.map((rate, tenant) => rate + (shares[tenant] as MintShare).quota);
}
