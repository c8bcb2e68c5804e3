import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { type Alternatives, anticipate } from './anticipated.ts';

const row = fc.record({
  price: fc.double({ min: 0, max: 10, noNaN: true }),
  slope: fc.double({ min: 0.01, max: 10, noNaN: true }),
  count: fc.integer({ min: 1, max: 1000 }),
});
const rows = fc.array(row, { minLength: 1, maxLength: 12 });
const mass = fc.double({ min: 1e-3, max: 1e4, noNaN: true });

function classesOf(list: readonly { price: number; slope: number; count: number }[]): Alternatives {
  return {
    prices: Float64Array.from(list, (r) => r.price),
    slopes: Float64Array.from(list, (r) => r.slope),
    counts: Float64Array.from(list, (r) => r.count),
  };
}

/** The objective that the shares minimise. */
function objective(c: Alternatives, m: number, t: number, pi: Float64Array): number {
  return pi.reduce((sum, p, k) => {
    const g = c.counts[k] as number;
    // The quotient of a tiny share would round to 0, whose logarithm times 0 is not a number.
    const entropy = p > 0 ? t * p * (Math.log(p) - Math.log(g)) : 0;
    return sum + p * (c.prices[k] as number) + (m * (c.slopes[k] as number) * p * p) / (2 * g) + entropy;
  }, 0);
}

describe.each([0, 0.01, 0.5, 20])('at T = %d', (t) => {
  test('prices meet where anything goes, and are higher where nothing does', () => {
    checkProperty(
      fc.property(rows, mass, (list, m) => {
        const c = classesOf(list);
        const pi = new Float64Array(list.length);
        const nu = anticipate(c, m, t, pi);
        expect(pi.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
        pi.forEach((p, k) => {
          const g = c.counts[k] as number;
          expect(p).toBeGreaterThanOrEqual(0);
          if (p < 1e-12) {
            if (t === 0) expect(c.prices[k]).toBeGreaterThan(nu - 1e-6 * (1 + nu));
            return;
          }
          const price = (c.prices[k] as number) + ((c.slopes[k] as number) * m * p) / g;
          const meets = price + (t > 0 ? t * Math.log(p / g) : 0);
          expect(Math.abs(meets - nu)).toBeLessThan(1e-6 * (1 + Math.abs(nu)));
        });
      }),
    );
  });

  test('no other shares do better', () => {
    checkProperty(
      fc.property(
        rows,
        mass,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 12, maxLength: 12 }),
        (list, m, other) => {
          const c = classesOf(list);
          const best = new Float64Array(list.length);
          anticipate(c, m, t, best);
          const raw = best.map((p, k) => p + (other[k] as number) ** 4 * 0.1);
          const total = raw.reduce((a, b) => a + b, 0);
          const mixed = raw.map((p) => p / total);
          const least = objective(c, m, t, best);
          expect(objective(c, m, t, mixed)).toBeGreaterThanOrEqual(least - 1e-9 * (1 + Math.abs(least)));
        },
      ),
    );
  });
});

test('a single decider goes to the cheapest class, a crowd spreads by room over slope', () => {
  const c = classesOf([
    { price: 1, slope: 1, count: 10 },
    { price: 2, slope: 1, count: 10 },
  ]);
  const pi = new Float64Array(2);
  anticipate(c, 1e-9, 0, pi);
  expect([...pi]).toEqual([1, 0]);
  anticipate(c, 1e9, 0, pi);
  expect(pi[0]).toBeCloseTo(0.5, 6);
  // Water-filling by hand: 30 units on 20 nodes at 1 and 2 meet at 3.
  expect(anticipate(c, 30, 0, pi)).toBeCloseTo(3, 9);
  expect(pi[0]).toBeCloseTo(20 / 30, 9);
});
