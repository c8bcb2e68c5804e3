/** Drain times against a plain integration of the tax. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { AssertionFailure } from '../../kernel/assert.ts';
import { drainSecondsFlat, drainSecondsRamp } from './drain-time.ts';

test('a flat tax drains B̄/(τh − m), and never what the income covers', () => {
  // The slow tail of the theory: a holder of one slot at a tax of 0.1.
  expect(drainSecondsFlat(300, 0.1, 1)).toBeCloseTo(3000, 9);
  expect(drainSecondsFlat(300, 1, 4, 1)).toBe(100);
  expect(drainSecondsFlat(300, 0.1, 1, 0.1)).toBe(Number.POSITIVE_INFINITY);
});

test('a ramp drains when the tax paid on the way is the balance', () => {
  checkProperty(
    fc.property(
      fc.double({ min: 1, max: 1000, noNaN: true }),
      fc.integer({ min: 1, max: 32 }),
      fc.double({ min: 1e-3, max: 1, noNaN: true }),
      fc.double({ min: 0.05, max: 2, noNaN: true }),
      fc.double({ min: 1, max: 100, noNaN: true }),
      (balance, slots, start, rate, factor) => {
        const limit = start * factor;
        const seconds = drainSecondsRamp(balance, slots, { start, rate, limit });
        const steps = 20_000;
        const dt = seconds / steps;
        let paid = 0;
        for (let i = 0; i < steps; i++)
          paid += dt * slots * Math.min(start * Math.exp(rate * (i + 0.5) * dt), limit);
        expect(paid / balance).toBeCloseTo(1, 3);
      },
    ),
    { numRuns: 30 },
  );
});

test('without a limit it is (1/r) ln(1 + rB̄/(τ_0 h))', () => {
  expect(drainSecondsRamp(300, 2, { start: 0.01, rate: 0.5 })).toBeCloseTo(2 * Math.log(1 + 150 / 0.02), 9);
});

test.each<readonly [what: string, refused: () => unknown]>([
  ['a holder of nothing', () => drainSecondsFlat(1, 1, 0)],
  ['a limit below the start', () => drainSecondsRamp(1, 1, { start: 2, rate: 1, limit: 1 })],
  ['a ramp that does not rise', () => drainSecondsRamp(1, 1, { start: 2, rate: 0 })],
])('%s is refused', (_, refused) => {
  expect(refused).toThrow(AssertionFailure);
});
