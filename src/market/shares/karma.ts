/**
 * Karma: shares with a memory, by credits. In each quantum a tenant has a part of its fair share for certain; what it does not
 * use of it is lent and earns credits; the rest of the capacity belongs to all, and the richest borrow first, at one credit a
 * slice.
 *
 * Convention. `guaranteed` is the part of the fair share that is certain: α in the paper's text. The authors' code calls its
 * complement alpha, the part that is shared. Here 0 means that everything is borrowed.
 *
 * @source Vuppalapati et al. 2023, Karma: Resource allocation for dynamic demands (OSDI), algorithm 1. Weights: by prices in
 * credits that
 *         are inverse to the fair share, as in its section on weighted fairness.
 */
import { assert } from '../../kernel/assert.ts';
import { richestFirst } from './richest-first.ts';

/** What a Karma is made with. */
export interface KarmaOptions {
  /** Slices that each tenant has a right to, finite and > 0; together the capacity. @shape [tenants] */
  readonly fairShares: readonly number[];
  /** In [0, 1]; times each fair share a whole number of slices. */
  readonly guaranteed: number;
  /** Of each tenant at the start, or by tenant; where one runs out, capacity may stay idle. */
  readonly credits: number | ArrayLike<number>;
}

/** Credits of some tenants. Single writer: `quantum`. */
export class Karma {
  /** To be read only. @shape [tenants] */
  readonly credits: Float64Array;
  private readonly certain: Float64Array;
  /** Credits for a borrowed slice: 1 if all fair shares are equal. */
  private readonly prices: Float64Array;
  private readonly income: number;
  private readonly capacity: number;

  constructor({ fairShares, guaranteed, credits }: KarmaOptions) {
    assert(guaranteed >= 0 && guaranteed <= 1, 'a guaranteed part out of [0, 1]');
    assert(
      fairShares.every((share) => share > 0 && Number.isFinite(share)),
      'a fair share is not positive',
    );
    const capacity = fairShares.reduce((sum, share) => sum + share, 0);
    const mean = capacity / fairShares.length;
    this.capacity = Math.round(capacity);
    this.credits = Float64Array.from(fairShares, (_, i) =>
      typeof credits === 'number' ? credits : (credits[i] as number),
    );
    this.certain = Float64Array.from(fairShares, (share) => guaranteed * share);
    assert(this.certain.every(Number.isInteger), 'a guaranteed share is not a whole number of slices');
    this.prices = Float64Array.from(fairShares, (share) => mean / share);
    this.income = (1 - guaranteed) * mean;
  }

  /**
   * Shares one quantum out.
   *
   * @param demands Slices wanted, integers ≥ 0. @shape [tenants]
   * @returns Slices by tenant, the caller's. O(tenants).
   */
  quantum(demands: ArrayLike<number>): Float64Array {
    const { credits, certain, prices, income } = this;
    const count = credits.length;
    assert(demands.length === count, 'a demand for each tenant');
    const shares = new Float64Array(count);
    const wants = new Float64Array(count);
    const offers = new Float64Array(count);
    let lent = 0;
    let free = this.capacity;
    for (let tenant = 0; tenant < count; tenant++) {
      const demand = demands[tenant] as number;
      const own = certain[tenant] as number;
      credits[tenant] = (credits[tenant] as number) + income;
      shares[tenant] = Math.min(demand, own);
      wants[tenant] = Math.max(0, demand - own);
      offers[tenant] = Math.max(0, own - demand);
      lent += offers[tenant] as number;
      free -= own;
    }
    const taken = new Float64Array(count);
    const borrowed = richestFirst({ keys: credits, steps: prices, wants }, lent + free, 0, taken);
    // What was lent goes first, from the poorest lender on, whom it makes richer.
    const poverty = credits.map((value) => -value);
    const used = new Float64Array(count);
    richestFirst(
      { keys: poverty, steps: prices, wants: offers },
      Math.min(borrowed, lent),
      Number.NEGATIVE_INFINITY,
      used,
    );
    for (let tenant = 0; tenant < count; tenant++) {
      const slices = taken[tenant] as number;
      shares[tenant] = (shares[tenant] as number) + slices;
      const change = (used[tenant] as number) - slices;
      credits[tenant] = (credits[tenant] as number) + change * (prices[tenant] as number);
    }
    return shares;
  }
}
