import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { compareTurns, goesBefore } from './queue-order.ts';

/** Few values, so that equal keys are common, and the ends of the range. */
const priority = fc.constantFrom(-(2 ** 31), -1, 0, 1, 2 ** 31 - 1);
const small = fc.integer({ min: 0, max: 3 });
const key = fc.tuple(priority, small, small);

test('higher priority goes first, then the earlier time, then the smaller number', () => {
  expect(compareTurns(2, 9, 9, 1, 1, 1)).toBeLessThan(0);
  expect(compareTurns(1, 1, 9, 1, 2, 1)).toBeLessThan(0);
  expect(compareTurns(1, 1, 1, 1, 1, 2)).toBeLessThan(0);
  expect(compareTurns(1, 1, 1, 1, 1, 1)).toBe(0);
  expect(goesBefore(2, 9, 1, 1)).toBe(true);
  expect(goesBefore(1, 1, 1, 2)).toBe(true);
  expect(goesBefore(1, 1, 1, 1)).toBe(false);
});

test('the order is total, and both forms give the same', () => {
  checkProperty(
    fc.property(key, key, key, (x, y, z) => {
      const xy = Math.sign(compareTurns(...x, ...y));
      expect(Math.sign(compareTurns(...y, ...x)) + xy).toBe(0);
      expect(xy === 0).toBe(x.every((value, i) => value === y[i]));
      if (xy <= 0 && compareTurns(...y, ...z) <= 0) expect(compareTurns(...x, ...z)).toBeLessThanOrEqual(0);
      const [px, nx] = x;
      const [py, ny] = y;
      expect(goesBefore(px, nx, py, ny)).toBe(compareTurns(px, nx, 0, py, ny, 0) < 0);
      expect(goesBefore(px, nx, py, ny)).toBe(compareTurns(px, 0, nx, py, 0, ny) < 0);
    }),
    { numRuns: 1000 },
  );
});
