import { describe, expect, test } from 'vitest';
import { GeometricLattice, latticeUnit } from './lattice.ts';

describe('GeometricLattice', () => {
  test.each([
    [1000, 128_000],
    [1000, 96_500],
    [500, 61_000],
    [4000, 1_000_000],
    [1, 5],
  ])('unit %i up to %i: the index is that of the largest point not above the value', (unit, upper) => {
    const lattice = new GeometricLattice(unit, upper);
    const { points } = lattice;
    expect(points.at(-1)).toBeGreaterThanOrEqual(upper);
    expect(points.at(-2)).toBeLessThan(upper);
    for (let value = 0; value < 1.2 * upper; value += Math.max(1, Math.floor(upper / 5000))) {
      const index = lattice.indexOf(value);
      expect(points[index]).toBeLessThanOrEqual(value);
      if (index < points.length - 1) expect(points[index + 1]).toBeGreaterThan(value);
    }
  });

  test('a step is at most an eighth of the value beyond the first 16 units', () => {
    const { points } = new GeometricLattice(1000, 1_000_000);
    for (let i = 17; i < points.length; i++) {
      const step = (points[i] as number) - (points[i - 1] as number);
      expect(step / (points[i - 1] as number)).toBeLessThanOrEqual(1 / 8);
    }
  });

  test('the unit follows the largest node', () => {
    expect(latticeUnit(128_000)).toBe(1000);
    expect(latticeUnit(96_000)).toBe(1000);
    expect(latticeUnit(8000)).toBe(50);
    expect(latticeUnit(512_000)).toBe(4000);
    expect(latticeUnit(0)).toBe(1);
  });

  test.each([2000, 4000, 8000, 16_000, 64_000, 96_000, 128_000])(
    'the rest of a node of %i milli-cores after whole cores is not rounded below a whole core that fits',
    (capacity) => {
      const { points } = new GeometricLattice(latticeUnit(capacity), capacity);
      const lattice = new GeometricLattice(latticeUnit(capacity), capacity);
      for (const share of [1, 2, 4]) {
        if (capacity / share < 1000) continue;
        expect(points[lattice.indexOf(capacity / share)], `1/${share} of it`).toBe(capacity / share);
      }
    },
  );
});
