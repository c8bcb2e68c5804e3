import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { costOf, MICROS_PER_HOUR, QUANTITY_PER_UNIT_HOUR, tokensText } from './amounts.ts';
import { Decay, decayFactor, FACTOR_BITS, FRACTION_BITS } from './decay.ts';

const ONE = 1n << FACTOR_BITS;
const DAY = 24 * MICROS_PER_HOUR;
const elapsed = fc.integer({ min: 0, max: 400 * DAY });
const halfLife = fc.integer({ min: 1_000_000, max: 100 * DAY });

function sizeOf(value: bigint): bigint {
  return value < 0n ? -value : value;
}

describe('decayFactor', () => {
  test('whole halvings are shifts, and half a halving is 1/√2 to 100 bits', () => {
    expect(decayFactor(0, DAY)).toBe(ONE);
    expect(decayFactor(3 * DAY, DAY)).toBe(ONE >> 3n);
    expect(decayFactor(200 * DAY, DAY)).toBe(0n);
    // 1/√2 with 45 decimals.
    const known = (707106781186547524400844362104849039284835937n * ONE) / 10n ** 45n;
    expect(sizeOf(decayFactor(DAY / 2, DAY) - known)).toBeLessThan(1n << (FACTOR_BITS - 100n));
  });

  test('is 2 to that power, and intervals multiply', () => {
    checkProperty(
      fc.property(elapsed, elapsed, halfLife, (a, b, h) => {
        const factor = decayFactor(a, h);
        expect(Math.abs(Number(factor) / Number(ONE) - 2 ** (-a / h))).toBeLessThan(1e-12);
        const product = (factor * decayFactor(b, h)) >> FACTOR_BITS;
        // Exponents are cut to 96 bits; the rest is rounding.
        expect(sizeOf(product - decayFactor(a + b, h))).toBeLessThan(1n << 40n);
      }),
      { numRuns: 300 },
    );
  });
});

describe('Decay', () => {
  test('a mint alone settles at m/κ, from below', () => {
    const decay = new Decay(7 * DAY);
    const rate = 16_000_000;
    // ln 2 from its series, independent of the constant in the module.
    let ln2 = 0;
    for (let k = 60; k >= 1; k--) ln2 += 1 / (k * 2 ** k);
    const ceiling = (rate * 7 * 24) / ln2;
    expect(Math.abs(decay.ceilingOf(rate) - ceiling)).toBeLessThan(2);
    const late = decay.balanceAfter(0n, rate, 400 * DAY);
    expect(Number(late >> FRACTION_BITS)).toBeLessThanOrEqual(ceiling);
    expect(Number(late >> FRACTION_BITS)).toBeGreaterThan(ceiling - 2);
  });

  test('many small steps end where one step does, within 2^-31 of a micro-token a step', () => {
    checkProperty(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 10 * DAY }), { minLength: 1, maxLength: 30 }),
        fc.nat({ max: 2 ** 50 }),
        fc.nat({ max: 1e12 }),
        halfLife,
        (steps, start, rate, h) => {
          const decay = new Decay(h);
          const from = BigInt(start) << FRACTION_BITS;
          const once = decay.balanceAfter(
            from,
            rate,
            steps.reduce((sum, step) => sum + step, 0),
          );
          const stepwise = steps.reduce((balance, step) => decay.balanceAfter(balance, rate, step), from);
          expect(sizeOf(once - stepwise)).toBeLessThanOrEqual(2n * BigInt(steps.length));
        },
      ),
      { numRuns: 200 },
    );
  });

  test('what an amount loses is what is not kept', () => {
    const decay = new Decay(DAY);
    checkProperty(
      fc.property(fc.nat({ max: 2 ** 51 - 1 }), elapsed, (amount, time) => {
        const whole = BigInt(amount) << FRACTION_BITS;
        expect(
          sizeOf(whole - decay.lossOf(amount, time) - decay.balanceAfter(whole, 0, time)),
        ).toBeLessThanOrEqual(1n);
      }),
    );
  });
});

describe('amounts', () => {
  test('a cost is exact where doubles are not, and parts never cost more than the whole', () => {
    const amount = fc.nat({ max: 2 ** 45 });
    const price = fc.nat({ max: 20_000_000 });
    checkProperty(
      fc.property(amount, amount, price, (a, b, p) => {
        const exact = (BigInt(a) * BigInt(p)) / BigInt(QUANTITY_PER_UNIT_HOUR);
        expect(costOf(a, p)).toBe(Number(exact));
        expect(costOf(a, p) + costOf(b, p)).toBeLessThanOrEqual(costOf(a + b, p));
      }),
    );
    expect(costOf(QUANTITY_PER_UNIT_HOUR, 1_500_000)).toBe(1_500_000);
  });

  test('tokens are written with all their decimals', () => {
    expect([-1_234_500_000n, 0, 7, 12_345_678_901_234_567_890n].map(tokensText)).toEqual([
      '-1,234.500000',
      '0.000000',
      '0.000007',
      '12,345,678,901,234.567890',
    ]);
  });
});
