/** Gangs that save: T-29 on the market. */
import { expect, test } from 'vitest';
import { MICROS_PER_HOUR } from '../amounts.ts';
import { checkLedger } from '../ledger-check.ts';
import type { Saving } from './savings.ts';
import { TokenMarket } from './token-market.ts';

const HOUR = MICROS_PER_HOUR;

/** One tenant of four has a quarter of 100 GPUs; half-life a day: a balance holds 34.6 hours of its mint. */
function market(): TokenMarket {
  return new TokenMarket({
    flavors: [{ name: 'h100', capacityMilli: 100_000 }],
    tenants: Array.from({ length: 4 }, (_, i) => ({ name: `team-${i}`, quotaMilli: 0, weight: 1 })),
    halfLifeMicros: 24 * HOUR,
  });
}

/** @returns The time of the tick at which a saving is full. */
function untilFull(m: TokenMarket, saving: Saving): number {
  let time = 0;
  while (saving.fullMicros === Number.POSITIVE_INFINITY) {
    time += HOUR;
    m.advance(time);
  }
  return time;
}

test('a gang that costs twice what a balance can hold is paid for after P/m, in its reserve', () => {
  const m = market();
  const cost = 2 * (m.book.ceilings[0] as number);
  expect(m.affordableAt(0, cost, 0)).toBe(Number.POSITIVE_INFINITY);
  const saving = m.save(0, 7, cost, 0);
  const expected = (cost / (m.mints[0] as number)) * HOUR;
  m.advance(1.04 * expected);
  expect(saving.saved).toBe(cost);
  expect(saving.fullMicros / expected).toBeGreaterThan(1);
  expect(saving.fullMicros / expected).toBeLessThan(1.04);
  checkLedger(m.ledger);
});

test('its savings pay the rent until they are used up, then its tenant does', () => {
  const m = market();
  const cost = m.book.ceilings[0] as number;
  const saving = m.save(0, 7, 3 * cost, 0);
  const time = untilFull(m, saving);
  const lease = m.startedSaved(saving, 0, 80_000, time);
  const rate = m.leases.rates[lease] as number;
  const lasts = Math.floor((3 * cost) / rate);
  m.advance(time + lasts * HOUR);
  expect(m.book.paid[0]).toBeCloseTo(lasts * rate, -1);
  expect(m.book.owedAt(0, time + lasts * HOUR)).toBe(0);
  // Afterwards the rest is charged to the tenant, at the price of the day.
  m.advance(time + (lasts + 3) * HOUR);
  expect(saving.state).toBe('over');
  expect(m.book.charged[0]).toBeGreaterThan((lasts + 2) * rate * 0.9);
  m.ended(lease, time + (lasts + 3) * HOUR);
  expect(m.loads[0]).toBe(0);
  m.advance(time + (lasts + 5) * HOUR);
  checkLedger(m.ledger);
});

test('what is left when the gang ends early comes back, evaporated', () => {
  const m = market();
  const cost = m.book.ceilings[0] as number;
  const saving = m.save(0, 7, cost, 0);
  const time = untilFull(m, saving);
  const lease = m.startedSaved(saving, 0, 10_000, time);
  m.ended(lease, time + HOUR / 2);
  const account = m.book.accounts[0] as number;
  expect(m.ledger.accounts.reserved[account]).toBe(0);
  const paid = m.book.paid[0] as number;
  expect(paid).toBe(Math.floor((m.leases.rates[lease] as number) / 2));
  expect(m.balanceOf(0, time + HOUR / 2)).toBeLessThan(cost - paid);
  expect(m.balanceOf(0, time + HOUR / 2)).toBeGreaterThan(0.4 * cost);
  checkLedger(m.ledger);
});

test('a saving that is cancelled leaves no reserve', () => {
  const m = market();
  const saving = m.save(1, 7, 1e9, 0);
  m.advance(10 * HOUR);
  expect(saving.saved).toBeGreaterThan(0);
  m.cancelSaving(saving, 10 * HOUR);
  expect(m.ledger.accounts.reserved[m.book.accounts[1] as number]).toBe(0);
  const saved = m.balanceOf(1, 10 * HOUR);
  expect(saved / m.balanceOf(2, 10 * HOUR)).toBeCloseTo(1, 2);
});
