import fc from 'fast-check';
import { solveQP } from 'quadprog';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { AssertionFailure } from '../../kernel/assert.ts';
import { type CapProblem, coupledCaps, oneCap } from './coupled-caps.ts';

/** The same problem by a dual active-set solver (Goldfarb and Idnani); its arrays begin at 1. */
function byActiveSet(
  { wanted, weights, shares, low, high }: CapProblem,
  bound: number,
  ranges = true,
): number[] {
  const n = wanted.length;
  const ends = ranges ? 2 * n : 0;
  const matrix = (rows: number, columns: number): number[][] =>
    Array.from({ length: rows + 1 }, () => new Array<number>(columns + 1).fill(0));
  const quadratic = matrix(n, n);
  const linear = new Array<number>(n + 1).fill(0);
  const sides = matrix(n, 1 + ends);
  const least = new Array<number>(2 + ends).fill(0);
  least[1] = -bound;
  for (let i = 1; i <= n; i++) {
    (quadratic[i] as number[])[i] = weights[i - 1] as number;
    linear[i] = (weights[i - 1] as number) * (wanted[i - 1] as number);
    const side = sides[i] as number[];
    side[1] = -(shares[i - 1] as number);
    if (!ranges) continue;
    side[1 + i] = 1;
    side[1 + n + i] = -1;
    least[1 + i] = low[i - 1] as number;
    least[1 + n + i] = -(high[i - 1] as number);
  }
  const { solution, message } = solveQP(quadratic, linear, sides, least, 0);
  // It answers an inconsistent problem with a solution as well: only the message counts.
  if (message !== '') throw new Error(message);
  return solution.slice(1);
}

const problems = fc
  .array(
    fc.record({
      wanted: fc.integer({ min: 0, max: 800 }),
      weight: fc.integer({ min: 1, max: 100 }),
      share: fc.integer({ min: 1, max: 20 }),
      low: fc.integer({ min: 0, max: 100 }),
      // Ranges of one point are two contradicting sides for the solver, which then errs by more than the tolerance.
      width: fc.integer({ min: 1, max: 600 }),
    }),
    { minLength: 1, maxLength: 64 },
  )
  .chain((inputs) => fc.record({ inputs: fc.constant(inputs), tightness: fc.integer({ min: 1, max: 120 }) }))
  .map(({ inputs, tightness }) => {
    const column = (of: (input: (typeof inputs)[number]) => number): Float64Array =>
      Float64Array.from(inputs, of);
    const problem: CapProblem = {
      wanted: column((input) => input.wanted),
      weights: column((input) => input.weight / 10),
      shares: column((input) => input.share / 10),
      low: column((input) => input.low),
      high: column((input) => input.low + input.width),
    };
    const floor = sum(problem, problem.low);
    return { problem, bound: floor + (tightness / 100) * (sum(problem, problem.high) - floor) };
  });

function sum({ shares }: CapProblem, inputs: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < inputs.length; i++) total += (shares[i] as number) * (inputs[i] as number);
  return total;
}

describe('coupled caps', () => {
  test('are those of a dual active-set solver, and never past the bound', () => {
    checkProperty(
      fc.property(problems, ({ problem, bound }) => {
        const out = new Float64Array(problem.wanted.length);
        const outcome = coupledCaps(problem, bound, out);
        if (outcome === 'infeasible') return;
        expect(sum(problem, out)).toBeLessThanOrEqual(bound);
        const expected = byActiveSet(problem, bound);
        for (let i = 0; i < out.length; i++)
          expect(Math.abs((out[i] as number) - (expected[i] as number))).toBeLessThan(
            1e-9 * Math.max(1, Math.abs(expected[i] as number)),
          );
      }),
    );
  });

  test('leave wishes alone that fit', () => {
    const problem = problemOf([10, 20], { low: [0, 0], high: [100, 15] });
    const out = new Float64Array(2);
    expect(coupledCaps(problem, 25, out)).toBe('free');
    expect([...out]).toEqual([10, 15]);
  });

  test('meet a bound that is exactly the sum of the floors', () => {
    const problem = problemOf([10, 20], { low: [1, 2], high: [100, 100] });
    const out = new Float64Array(2);
    expect(coupledCaps(problem, 3, out)).toBe('binds');
    expect([...out]).toEqual([1, 2]);
  });

  test('report a bound below the floors, and a bound that is not a number, with all inputs at their floors', () => {
    const problem = problemOf([10, 20], { low: [1, 2], high: [100, 100] });
    for (const bound of [2.999, Number.NaN]) {
      const out = new Float64Array(2);
      expect(coupledCaps(problem, bound, out)).toBe('infeasible');
      expect([...out]).toEqual([1, 2]);
    }
  });

  test('do not move an input that has no share in the sum', () => {
    const problem = {
      ...problemOf([10, 20], { low: [1, 2], high: [100, 100] }),
      shares: Float64Array.of(0, 1),
    };
    const out = new Float64Array(2);
    expect(coupledCaps(problem, 5, out)).toBe('binds');
    expect(out[0]).toBe(10);
    expect(out[1]).toBeCloseTo(5, 9);
  });

  test('refuse arrays of other inputs', () => {
    expect(() => coupledCaps(problemOf([1], { low: [0], high: [1] }), 1, new Float64Array(2))).toThrow(
      AssertionFailure,
    );
  });
});

describe('one cap without ranges', () => {
  test('is the closed form of the same problem', () => {
    checkProperty(
      fc.property(problems, ({ problem, bound }) => {
        const out = new Float64Array(problem.wanted.length);
        const binds = oneCap(problem, bound, out);
        expect(binds).toBe(sum(problem, problem.wanted) > bound);
        expect(sum(problem, out)).toBeLessThanOrEqual(
          bound + 1e-9 * Math.max(1, Math.abs(bound), sum(problem, problem.wanted)),
        );
        const expected = byActiveSet(problem, bound, false);
        for (let i = 0; i < out.length; i++)
          expect(Math.abs((out[i] as number) - (expected[i] as number))).toBeLessThan(
            1e-9 * Math.max(1, Math.abs(expected[i] as number)),
          );
      }),
    );
  });
});

function problemOf(wanted: number[], { low, high }: { low: number[]; high: number[] }): CapProblem {
  const ones = new Float64Array(wanted.length).fill(1);
  return {
    wanted: Float64Array.from(wanted),
    weights: ones,
    shares: ones,
    low: Float64Array.from(low),
    high: Float64Array.from(high),
  };
}
