import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { StepLattice } from './step-lattice.ts';

/** All points up to `end`, by walking. */
function points(lattice: StepLattice, end: number): number[] {
  const found = [0];
  for (let at = 0; at < end; ) {
    at = lattice.above(at);
    found.push(at);
  }
  return found;
}

describe('StepLattice', () => {
  test('has round points: quarters of each octave for e = 1/4, powers of two for e = 1', () => {
    expect(points(new StepLattice(1, 0.25), 40)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40,
    ]);
    expect(points(new StepLattice(125, 0.25), 2000).slice(-5)).toEqual([1000, 1250, 1500, 1750, 2000]);
    expect(points(new StepLattice(1, 1), 100)).toEqual([0, 1, 2, 4, 8, 16, 32, 64, 128]);
  });

  test('rounds down to a point, less than one gap, and the gap is at most e or one unit', () => {
    const arbitrary = fc.tuple(
      fc.constantFrom(1, 64, 125),
      fc.constantFrom(1, 0.5, 0.25, 0.125, 1 / 1024),
      fc.oneof(fc.maxSafeInteger().map(Math.abs), fc.integer({ min: 0, max: 300_000 })),
    );
    checkProperty(
      fc.property(arbitrary, ([unit, e, number]) => {
        const value = Math.min(number, 2 ** 52);
        const lattice = new StepLattice(unit, e);
        const floor = lattice.floorOf(value);
        const above = lattice.above(value);
        expect(floor).toBeLessThanOrEqual(value);
        expect(above).toBeGreaterThan(value);
        expect(above - floor).toBeLessThanOrEqual(Math.max(unit, e * floor));
        expect(lattice.floorOf(floor)).toBe(floor);
        expect(lattice.floorOf(above)).toBe(above);
        expect(Number.isInteger(floor)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('rounds fractions down', () => {
    const lattice = new StepLattice(1, 0.25);
    expect([0, 0.9, 1.5, 8.99, 9.99].map((value) => lattice.floorOf(value))).toEqual([0, 0, 1, 8, 8]);
  });

  test('refuses units and coarsenesses that it cannot keep', () => {
    for (const [unit, e] of [
      [0, 0.5],
      [1.5, 0.5],
      [1, 0.3],
      [1, 2],
      [1, 2 ** -11],
      [1, 0],
    ] as const) {
      expect(() => new StepLattice(unit, e)).toThrow(/assertion failed/);
    }
  });
});
