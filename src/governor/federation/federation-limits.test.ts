import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { AssertionFailure } from '../../kernel/assert.ts';
import { DEMANDS_MAX } from '../../model/limits.ts';
import {
  INCARNATIONS_MAX,
  NUMBERS_PER_INCARNATION,
  numberOfIncarnation,
  PODS_PACKED_MAX,
  packLine,
} from './federation-limits.ts';

describe('numbers of incarnations', () => {
  test('rise from one incarnation to the next, and are exact up to the last', () => {
    const last = NUMBERS_PER_INCARNATION - 1;
    expect(numberOfIncarnation(1, 0)).toBe(numberOfIncarnation(0, last) + 1);
    const greatest = numberOfIncarnation(INCARNATIONS_MAX - 1, last);
    expect(greatest).toBe(Number.MAX_SAFE_INTEGER);
    expect(greatest - 1).toBe(numberOfIncarnation(INCARNATIONS_MAX - 1, last - 1));
  });

  test.each([
    [INCARNATIONS_MAX, 0],
    [-1, 0],
    [0, NUMBERS_PER_INCARNATION],
    [0, -1],
  ])('refuse incarnation %d with %d numbers given', (incarnation, made) => {
    expect(() => numberOfIncarnation(incarnation, made)).toThrow(AssertionFailure);
  });
});

test('demand and sizes of a line are distinguished, and are exact', () => {
  const near = (low: number, high: number): fc.Arbitrary<number> =>
    fc.constantFrom(low, low + 1, high - 1, high);
  const lines = fc.tuple(near(0, DEMANDS_MAX - 1), near(1, PODS_PACKED_MAX), near(0, PODS_PACKED_MAX));
  checkProperty(
    fc.property(lines, lines, (x, y) => {
      expect(packLine(...x) === packLine(...y)).toBe(x.join() === y.join());
      expect(Number.isSafeInteger(packLine(...x))).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
