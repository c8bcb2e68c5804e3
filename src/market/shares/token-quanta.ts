/**
 * The token rule at unit price, in quanta: balances evaporate, everyone mints its fair share, and each slice goes to the largest
 * balance and costs one token.
 *
 * No capacity stays idle: balances may fall below 0 here, where the ledger's may not. Between two rules that are known: with an
 * endless half-life it is Karma in which nothing is guaranteed, and with none max-min fairness (claim T-28).
 */
import { assert } from '../../kernel/assert.ts';
import { richestFirst } from './richest-first.ts';

/** What the rule is made with. */
export interface TokenQuantaOptions {
  /** Slices that each tenant has a right to, finite and > 0. @shape [tenants] */
  readonly fairShares: readonly number[];
  /** Of the system, an integer ≥ 0. */
  readonly capacity: number;
  /** Part of a balance that is left after a quantum, in [0, 1]: 2^(−quantum / half-life). Default 1: nothing evaporates. */
  readonly kept?: number;
  /** Quanta of its share that a tenant may be ahead of the poorest, > 0: the market's order by usage. Default Infinity. */
  readonly memory?: number;
}

/** Balances of some tenants. Single writer: `quantum`. */
export class TokenQuanta {
  /** To be read only. @shape [tenants] */
  readonly balances: Float64Array;
  private readonly options: Required<TokenQuantaOptions>;
  /** Tokens for a slice: 1 if all fair shares are equal, so that who has its share pays what the others pay. */
  private readonly prices: Float64Array;
  private readonly income: number;

  constructor(options: TokenQuantaOptions) {
    const { fairShares, kept = 1, memory = Number.POSITIVE_INFINITY } = options;
    assert(kept >= 0 && kept <= 1, 'a part out of [0, 1]');
    assert(memory > 0, 'a memory of nothing');
    const mean = fairShares.reduce((sum, share) => sum + share, 0) / fairShares.length;
    this.options = { ...options, kept, memory };
    this.income = mean;
    this.balances = new Float64Array(fairShares.length);
    this.prices = Float64Array.from(fairShares, (share) => mean / share);
  }

  /** Shares one quantum out. @param demands Slices wanted, integers ≥ 0. @shape [tenants] @returns Slices by tenant. */
  quantum(demands: ArrayLike<number>): Float64Array {
    const { balances, prices, income } = this;
    const { capacity, kept, memory } = this.options;
    assert(demands.length === balances.length, 'a demand for each tenant');
    for (let tenant = 0; tenant < balances.length; tenant++)
      balances[tenant] = (balances[tenant] as number) * kept + income;
    if (memory < Number.POSITIVE_INFINITY) {
      const most = balances.reduce((least, balance) => Math.min(least, balance)) + memory * income;
      for (let tenant = 0; tenant < balances.length; tenant++)
        balances[tenant] = Math.min(most, balances[tenant] as number);
    }
    const shares = new Float64Array(balances.length);
    // By the middle of a slice: by its beginning, each part of a split tenant would round its own way up.
    const keys = balances.map((balance, tenant) => balance - (prices[tenant] as number) / 2);
    richestFirst({ keys, steps: prices, wants: demands }, capacity, Number.NEGATIVE_INFINITY, shares);
    for (let tenant = 0; tenant < balances.length; tenant++)
      balances[tenant] =
        (balances[tenant] as number) - (shares[tenant] as number) * (prices[tenant] as number);
    return shares;
  }
}
