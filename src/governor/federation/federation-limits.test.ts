import { describe, expect, test } from 'vitest';
import { AssertionFailure } from '../../kernel/assert.ts';
import { INCARNATIONS_MAX, NUMBERS_PER_INCARNATION, numberOfIncarnation } from './federation-limits.ts';

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
