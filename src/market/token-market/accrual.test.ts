/** Rents that run up, to the micro-token. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { Accrual, rentFor } from './accrual.ts';

const HOUR = 3_600_000_000n;

test('are ⌊Σ rate × time⌋, however often they are read', () => {
  // Small rates, and such that need more than a double.
  const rate = fc.oneof(fc.nat(5_000_000), fc.integer({ min: 0, max: 2 ** 40 }));
  const step = fc.record({
    rate,
    elapsed: fc.oneof(fc.nat(5_000), fc.integer({ min: 0, max: 2 ** 38 })),
    isTaken: fc.boolean(),
  });
  checkProperty(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const accrual = new Accrual(2);
      let [time, exact, taken] = [0, 0n, 0];
      for (const { rate: next, elapsed, isTaken } of steps) {
        accrual.change(1, next - (accrual.rates[1] as number), time);
        time += elapsed;
        exact += BigInt(next) * BigInt(elapsed);
        if (isTaken) taken += accrual.take(1, time);
        expect(BigInt(taken + accrual.at(1, time))).toBe(exact / HOUR);
        expect(accrual.at(0, time)).toBe(0);
      }
    }),
    { numRuns: 500 },
  );
});

test('reserves are never too small', () => {
  checkProperty(
    fc.property(fc.nat(1e9), fc.nat(2 ** 31 - 1), (rate, micros) => {
      const exact = (BigInt(rate) * BigInt(micros) + HOUR - 1n) / HOUR;
      expect(Math.abs(rentFor(rate, micros) - Number(exact))).toBeLessThanOrEqual(1);
    }),
  );
});
