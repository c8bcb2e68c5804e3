import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { REAL } from './algebra.ts';
import { DUAL, Dual, differentiate } from './dual.ts';
import {
  barrier,
  doubleWell,
  polynomial,
  reciprocal,
  reciprocalPrice,
  reciprocalSlope,
  smoothedFreeEnergy,
} from './price-functions.ts';

const number = fc.double({ min: -5, max: 5, noNaN: true });
const positive = fc.double({ min: 0.1, max: 5, noNaN: true });

describe('dual numbers', () => {
  test('keep the rules of differentiation', () => {
    checkProperty(
      fc.property(number, number, positive, number, (a, da, b, db) => {
        const x = new Dual(a, da);
        const y = new Dual(b, db);
        expect(DUAL.add(x, y)).toEqual(new Dual(a + b, da + db));
        expect(DUAL.subtract(x, y)).toEqual(new Dual(a - b, da - db));
        expect(DUAL.multiply(x, y).slope).toBeCloseTo(da * b + a * db, 9);
        expect(DUAL.divide(x, y).slope).toBeCloseTo((da * b - a * db) / (b * b), 9);
        expect(DUAL.log(y).slope).toBeCloseTo(db / b, 9);
        expect(DUAL.exp(x).slope).toBeCloseTo(Math.exp(a) * da, 6);
      }),
    );
  });

  test('a constant has no slope', () => {
    expect(DUAL.constant(3)).toEqual(new Dual(3, 0));
  });

  test('give the values that plain numbers give', () => {
    checkProperty(
      fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), (x) => {
        expect(differentiate((q) => barrier(DUAL, q), x).value).toBe(barrier(REAL, x));
        expect(differentiate((q) => reciprocal(DUAL, q), x).value).toBe(reciprocal(REAL, x));
        expect(differentiate((q) => doubleWell(DUAL, q), x).value).toBe(doubleWell(REAL, x));
      }),
    );
  });
});

describe('prices', () => {
  test('have the slopes of their closed forms', () => {
    for (const rho of [0, 0.3, 0.7, 0.95]) {
      expect(differentiate((q) => barrier(DUAL, q), rho)).toMatchObject({
        value: expect.closeTo(-Math.log(1 - rho), 12),
        slope: expect.closeTo(1 / (1 - rho), 10),
      });
      expect(differentiate((q) => reciprocal(DUAL, q), rho).slope).toBeCloseTo(1 / (1 - rho) ** 2, 8);
    }
    const { value, slope } = differentiate((q) => polynomial(DUAL, [1, 2, 3], q), 2);
    expect([value, slope]).toEqual([17, 14]);
    expect(differentiate((q) => doubleWell(DUAL, q), 0.5).slope).toBeCloseTo(-1.5, 12);
  });

  test('by load and capacity are those by share', () => {
    expect(reciprocalPrice(30, 40)).toBe(4);
    // d/dL of C/(C − L): the slope by share over the capacity.
    expect(reciprocalSlope(30, 40)).toBeCloseTo(16 / 40, 12);
  });

  test('the smoothed free energy of one class is its level, less T ln g, at its centre', () => {
    const at = smoothedFreeEnergy(REAL, [2], [0.7], [10], 0.5, 0.3, 2);
    expect(at).toBeCloseTo(0.7 - 0.5 * Math.log(10), 12);
    // And a parabola T (q − c)² / 2w² around it.
    expect(smoothedFreeEnergy(REAL, [2], [0.7], [10], 0.5, 0.3, 2.3) - at).toBeCloseTo(0.25, 12);
  });
});
