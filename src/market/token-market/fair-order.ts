/**
 * Who starts next, by the order of the market: the one that had least for its share, or, by balance, those first that can pay;
 * equal ones by rank.
 *
 * Rank alone (the time since which a job could be paid for) would let a tenant that saved for days put all its jobs in front of
 * everybody's. Rank is for champions, one a contention domain: `Saving.fullMicros`, `TokenMarket.affordableAt`.
 */
import type { TokenMarket } from './token-market.ts';

/** A tenant's next job. */
export interface FairAsk {
  readonly tenant: number;
  /** Micro-tokens that its start sets aside; `TokenMarket.costOf`. */
  readonly cost: number;
  /** Since when it could be paid for, or any other rank: the smaller goes first. */
  readonly rank: number;
}

/** Idle capacity only: a tenant that mints nothing comes after all others, whatever it has. */
const FairClass = { Paying: 0, Owing: 1, IdleOnly: 2 } as const;

/**
 * Orders tenants for starting. Those behind the first class may have what is idle, and nobody is evicted for them.
 *
 * @param asks One for each tenant that waits. @returns Indexes of `asks`, the first one to start in front. O(n log n).
 */
export function fairOrder(market: TokenMarket, asks: readonly FairAsk[], timeMicros: number): number[] {
  const classes = new Uint8Array(asks.length);
  const standings = new Float64Array(asks.length);
  for (const [at, { tenant, cost }] of asks.entries()) {
    const isMinting = (market.mints[tenant] as number) > 0;
    market.advance(timeMicros);
    const isPaying = isMinting && (market.order === 'Usage' || market.canAfford(tenant, cost, timeMicros));
    classes[at] = isPaying ? FairClass.Paying : isMinting ? FairClass.Owing : FairClass.IdleOnly;
    standings[at] = isMinting ? market.standingOf(tenant, timeMicros) : market.balanceOf(tenant, timeMicros);
  }
  return asks
    .map((_, at) => at)
    .sort(
      (a, b) =>
        (classes[a] as number) - (classes[b] as number) ||
        (standings[b] as number) - (standings[a] as number) ||
        (asks[a] as FairAsk).rank - (asks[b] as FairAsk).rank ||
        (asks[a] as FairAsk).tenant - (asks[b] as FairAsk).tenant,
    );
}
