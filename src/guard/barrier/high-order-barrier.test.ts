import { describe, expect, test } from 'vitest';
import { AssertionFailure } from '../../kernel/assert.ts';
import { HighOrderBarrier, RELATIVE_DEGREE_MAX } from './high-order-barrier.ts';

describe('a high-order barrier', () => {
  test('of degree 1 bounds the first derivative: ḃ + k b ≥ 0', () => {
    const barrier = new HighOrderBarrier([2]);
    // b = 3, ḃ = 5 − u: u ≤ 5 + 2 · 3.
    expect(barrier.bound([3], 5, -1)).toBe(11);
  });

  test('of degree 2 has the coefficients k1 + k2 and k1 k2', () => {
    const barrier = new HighOrderBarrier([2, 3]);
    // b = 1, ḃ = −1: ψ1 = −1 + 2; b̈ = 7 − 2u, so 7 − 2u − 5 + 6 ≥ 0.
    expect(barrier.psi([1, -1], 1)).toBe(1);
    expect(barrier.bound([1, -1], 7, -2)).toBe(4);
  });

  test('of degree 3 has the elementary symmetric polynomials of its gains', () => {
    const barrier = new HighOrderBarrier([2, 3, 4]);
    expect(barrier.bound([1, 0, 0], 0, -1)).toBe(24);
    expect(barrier.bound([0, 1, 0], 0, -1)).toBe(26);
    expect(barrier.bound([0, 0, 1], 0, -1)).toBe(9);
    expect(barrier.psi([1, 1, 1], 2)).toBe(6 + 5 + 1);
  });

  test('an input that raises the barrier gets a lower bound', () => {
    const barrier = new HighOrderBarrier([2]);
    expect(barrier.bound([3], 5, 1)).toBe(-11);
  });

  test('admits a state if every ψ below the input is ≥ 0, and names the first that is not', () => {
    const barrier = new HighOrderBarrier([2, 3, 4]);
    expect(barrier.admits([1, -2, 6])).toBe(-1);
    expect(barrier.admits([0, 0, 0])).toBe(-1);
    expect(barrier.admits([-1e-12, 5, 5])).toBe(0);
    expect(barrier.admits([1, -2.1, 100])).toBe(1);
    expect(barrier.admits([1, -2, 3.9])).toBe(2);
    expect(barrier.admits([1, Number.NaN, 0])).toBe(1);
  });

  test.each([[[]], [[1, 1, 1, 1]], [[0]], [[-1]], [[Number.POSITIVE_INFINITY]], [[Number.NaN]]])(
    'refuses the gains %j',
    (gains) => {
      expect(() => new HighOrderBarrier(gains)).toThrow(AssertionFailure);
    },
  );

  test('refuses an input without effect, and ψ of the order of the input', () => {
    const barrier = new HighOrderBarrier([1]);
    expect(() => barrier.bound([1], 0, 0)).toThrow(AssertionFailure);
    expect(() => barrier.psi([1, 1], 1)).toThrow(AssertionFailure);
    expect(RELATIVE_DEGREE_MAX).toBe(3);
  });
});
