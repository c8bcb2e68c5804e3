/** Who starts next. */
import { expect, test } from 'vitest';
import { MICROS_PER_HOUR } from '../amounts.ts';
import { fairOrder } from './fair-order.ts';
import { TokenMarket } from './token-market.ts';

const HOUR = MICROS_PER_HOUR;

test.each(['Usage', 'Balance'] as const)(
  'by %s: the least served first, then those without mint; by balance those that cannot pay in between',
  (by) => {
    const market = new TokenMarket({
      flavors: [{ name: 'h100', capacityMilli: 100_000 }],
      tenants: [0, 1, 1, 1, 2].map((weight, i) => ({ name: `team-${i}`, quotaMilli: 0, weight })),
      halfLifeMicros: 24 * HOUR,
      order: by,
    });
    // Tenant 1 used much, tenant 2 a little, tenants 3 and 4 nothing.
    const leases = [market.started(1, 0, 60_000, 0), market.started(2, 0, 2_000, 0)];
    for (const lease of leases) market.ended(lease, 10 * HOUR);
    const ask = (tenant: number, rank = 0, cost = 1e6) => ({ tenant, cost, rank });
    const order = (...asks: ReturnType<typeof ask>[]): number[] =>
      fairOrder(market, asks, 10 * HOUR).map((at) => (asks[at] as { tenant: number }).tenant);
    expect(order(ask(0), ask(1), ask(2), ask(3))).toEqual([3, 2, 1, 0]);
    // By balance a job that is too dear for its tenant waits behind all that can be paid.
    expect(order(ask(3, 0, 1e12), ask(2))).toEqual(by === 'Balance' ? [2, 3] : [3, 2]);
    // Twice the weight, twice the mint: the same standing, and then rank decides.
    expect(market.standingOf(4, 10 * HOUR)).toBeCloseTo(market.standingOf(3, 10 * HOUR), 6);
    expect(market.levelShareOf(3, 10 * HOUR)).toBeGreaterThan(1);
    expect(market.levelShareOf(1, 10 * HOUR)).toBeLessThan(1);
    expect(order(ask(3, 5), ask(3, 4))).toEqual([3, 3]);
    expect(fairOrder(market, [ask(3, 5), ask(3, 4)], 10 * HOUR)).toEqual([1, 0]);
  },
);
