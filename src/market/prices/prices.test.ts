/** Prices, quotes, times to save, and level shares. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { DUAL, Dual } from '../../physics/dual.ts';
import { reciprocal } from '../../physics/price-functions.ts';
import { affordableAfter, decayed, halvings, settledBalance } from './half-life.ts';
import { levelShare } from './level-share.ts';
import { baseAt, type PriceRule, priceOf, quotedPrice } from './unit-price.ts';

const RULE: PriceRule = { base: 111_111, cap: 20 };

describe('the price of a flavour', () => {
  test('is base × 1/(1 − ρ) with its derivative, as a dual number computes them, up to the cap', () => {
    checkProperty(
      fc.property(fc.nat(1e6), fc.integer({ min: 1, max: 1e6 }), (load, capacity) => {
        const price = priceOf(RULE, load, capacity);
        if (load >= 0.95 * capacity) {
          expect(price).toEqual(new Dual(20 * RULE.base, 0));
          return;
        }
        const rho = DUAL.divide(new Dual(load, 1), DUAL.constant(capacity));
        const exact = DUAL.multiply(DUAL.constant(RULE.base), reciprocal(DUAL, rho));
        expect(price.value / exact.value).toBeCloseTo(1, 12);
        expect(price.slope / exact.slope).toBeCloseTo(1, 12);
      }),
    );
  });

  test('is base when idle, and rents equal mint at the load that the base was made for', () => {
    expect(priceOf(RULE, 0, 100).value).toBe(RULE.base);
    for (const load of [0.5, 0.8, 0.9]) {
      const { value } = priceOf({ base: baseAt(load), cap: 100 }, 1_000 * load, 1_000);
      expect((value * load) / 1e6).toBeCloseTo(1, 5);
    }
  });

  test('is the cap without capacity, or above it', () => {
    expect(priceOf(RULE, 0, 0).value).toBe(20 * RULE.base);
    expect(quotedPrice(RULE, 12, 10, 4)).toBe(20 * RULE.base);
  });
});

describe('a quote', () => {
  test('is read where the load will be, and never above the cap', () => {
    checkProperty(
      fc.property(fc.nat(1_000), fc.nat(1_000), fc.nat(1_000), (load, own, more) => {
        const { value, slope } = priceOf(RULE, load, 1_000);
        const quote = quotedPrice(RULE, load, 1_000, own);
        expect(quote).toBe(Math.round(Math.min(20 * RULE.base, value + own * slope)));
        expect(quotedPrice(RULE, load, 1_000, own + more)).toBeGreaterThanOrEqual(quote);
        expect(quotedPrice(RULE, load + more, 1_000, own)).toBeGreaterThanOrEqual(quote);
      }),
    );
    expect(quotedPrice(RULE, 500, 1_000, 0)).toBe(222_222);
    // ρ = .5: p = 2 base, p' = 4 base / C.
    expect(quotedPrice(RULE, 500, 1_000, 250)).toBe(333_333);
  });
});

test('halvings are those of Math.pow to the last digits, and exact for whole numbers', () => {
  for (let n = 0; n <= 1_074; n++) expect(halvings(n)).toBe(2 ** -n);
  expect([halvings(1_076), halvings(Number.POSITIVE_INFINITY)]).toEqual([0, 0]);
  checkProperty(
    fc.property(fc.double({ min: 0, max: 1_000, noNaN: true }), (x) => {
      expect(Math.abs(halvings(x) / 2 ** -x - 1)).toBeLessThan(3e-16 * (1 + x));
    }),
    { numRuns: 1_000 },
  );
  expect(decayed(8, 6, 2)).toBe(1);
  expect(settledBalance(0, 10, 5, 5)).toBe(5);
});

describe('the time to save for a price', () => {
  test('is the first at which the balance reaches it', () => {
    const draws = fc.record({
      balance: fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      price: fc.double({ min: 0, max: 1e9, noNaN: true }),
      ceiling: fc.double({ min: 0, max: 1e9, noNaN: true }),
      halfLife: fc.integer({ min: 1e6, max: 1e12 }),
    });
    checkProperty(
      fc.property(draws, ({ balance, price, ceiling, halfLife }) => {
        const time = affordableAfter(balance, price, ceiling, halfLife);
        if (balance >= price) expect(time).toBe(0);
        else if (price >= ceiling) expect(time).toBe(Number.POSITIVE_INFINITY);
        else if (time < Number.POSITIVE_INFINITY) {
          expect(settledBalance(balance, ceiling, time, halfLife)).toBeGreaterThanOrEqual(price);
          if (time > 0) expect(settledBalance(balance, ceiling, time - 1, halfLife)).toBeLessThan(price);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('is that of the theory', () => {
    // κ = .01 an hour: 28.8, 69.3 and 230 hours for a quarter, a half and nine tenths of m/κ.
    const halfLife = 100 * Math.LN2 * 3.6e9;
    const hours = [0.25, 0.5, 0.9].map((part) => affordableAfter(0, part * 1e9, 1e9, halfLife) / 3.6e9);
    expect(hours.map((value) => Math.round(10 * value) / 10)).toEqual([28.8, 69.3, 230.3]);
    expect(affordableAfter(5, 5, 1e9, halfLife)).toBe(0);
    expect(affordableAfter(0, 1e9, 1e9, halfLife)).toBe(Number.POSITIVE_INFINITY);
  });
});

test('a level share is above 1 for who had less than its part', () => {
  expect(levelShare(1, 4, 10, 40)).toBe(1);
  expect(levelShare(1, 4, 5, 40)).toBe(2);
  expect(levelShare(0, 4, 5, 40)).toBe(0);
  expect(levelShare(1, 4, 0, 40)).toBe(Number.POSITIVE_INFINITY);
});
