import fc from 'fast-check';
import * as reference from 'simple-statistics';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { Random } from './random.ts';
import {
  logGamma,
  mean,
  meanInterval,
  pairedInterval,
  regularizedBeta,
  rounded,
  studentDistribution,
  studentQuantile,
  Welford,
} from './statistics.ts';

const numbers = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 2, maxLength: 50 });

test('a mean is that of all numbers, and of none unknown', () => {
  expect(mean([1, 2, 6])).toBe(3);
  expect(mean(Float64Array.of(-1, 1))).toBe(0);
  expect(mean([])).toBeNaN();
});

test('a number is rounded to the given number of digits', () => {
  expect(rounded(1234.5678, 2)).toBe(1234.57);
  expect(rounded(-0.125, 2)).toBe(-0.12);
  expect(rounded(1e300, 3)).toBe(1e300);
  expect(rounded(2.5, 0)).toBe(3);
  expect(() => rounded(1, 16)).toThrow('digits');
});

describe('Welford', () => {
  test('agrees with the two-pass formulas', () => {
    checkProperty(
      fc.property(numbers, (xs) => {
        const w = new Welford();
        for (const x of xs) w.add(x);
        expect(Math.abs(w.mean - reference.mean(xs))).toBeLessThan(1e-6);
        const variance = reference.sampleVariance(xs);
        expect(Math.abs(w.variance - variance)).toBeLessThanOrEqual(1e-9 * variance + 1e-9);
      }),
    );
  });

  test('merging halves equals the whole', () => {
    checkProperty(
      fc.property(numbers, numbers, (a, b) => {
        const left = new Welford();
        const right = new Welford();
        const whole = new Welford();
        for (const x of a) left.add(x);
        for (const x of b) right.add(x);
        for (const x of [...a, ...b]) whole.add(x);
        left.merge(right);
        expect(left.count).toBe(whole.count);
        expect(Math.abs(left.mean - whole.mean)).toBeLessThan(1e-6);
        expect(Math.abs(left.variance - whole.variance)).toBeLessThanOrEqual(1e-9 * whole.variance + 1e-9);
        expect([left.min, left.max]).toEqual([whole.min, whole.max]);
      }),
    );
  });
});

describe("Student's t", () => {
  // Two-sided 95 % and 99 % points as printed in every table (NIST/SEMATECH handbook 1.3.6.7.2).
  test.each([
    [0.975, 1, 12.706],
    [0.975, 2, 4.303],
    [0.975, 4, 2.776],
    [0.975, 9, 2.262],
    [0.975, 30, 2.042],
    [0.995, 9, 3.25],
    [0.95, 5, 2.015],
    [0.975, 1e6, 1.96],
  ])('p %d with %d degrees is %d', (p, degrees, t) => {
    expect(studentQuantile(p, degrees)).toBeCloseTo(t, 3);
    expect(studentQuantile(1 - p, degrees)).toBeCloseTo(-t, 3);
  });

  test('the quantile inverts the distribution', () => {
    checkProperty(
      fc.property(
        fc.double({ min: 0.001, max: 0.999, noNaN: true }),
        fc.integer({ min: 1, max: 200 }),
        (p, n) => {
          expect(studentDistribution(studentQuantile(p, n), n)).toBeCloseTo(p, 9);
        },
      ),
    );
  });

  test('its ingredients have their known values', () => {
    expect(logGamma(5)).toBeCloseTo(Math.log(24), 12);
    expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.PI) / 2, 12);
    expect(regularizedBeta(0.3, 2, 3)).toBeCloseTo(0.3483, 10);
    expect(regularizedBeta(0.7, 3, 2) + regularizedBeta(0.3, 2, 3)).toBeCloseTo(1, 12);
  });
});

describe('intervals', () => {
  test('a worked example: mean 3, deviation sqrt(2.5), five numbers', () => {
    const got = meanInterval([1, 2, 3, 4, 5]);
    expect(got.mean).toBe(3);
    expect(got.low).toBeCloseTo(3 - (2.7764451 * Math.sqrt(2.5)) / Math.sqrt(5), 6);
    expect(got.high - got.mean).toBeCloseTo(got.mean - got.low, 12);
  });

  test('one number has no interval', () => {
    expect(meanInterval([4]).low).toBeNaN();
    expect(meanInterval([4]).mean).toBe(4);
  });

  test('covers the true mean in about 95 of 100 experiments', () => {
    const random = new Random(3);
    let covered = 0;
    for (let i = 0; i < 4000; i++) {
      const { low, high } = meanInterval(Array.from({ length: 5 }, () => random.nextNormal() + 7));
      if (low <= 7 && 7 <= high) covered++;
    }
    expect(covered / 4000).toBeGreaterThan(0.937);
    expect(covered / 4000).toBeLessThan(0.963);
  });

  test('pairing removes what both sides share', () => {
    const shared = [100, 900, 400, 700, 250];
    const noise = [0.1, -0.1, 0.05, 0, -0.05];
    const better = shared.map((x, i) => x + 2 + (noise[i] as number));
    const paired = pairedInterval(better, shared);
    expect(paired.low).toBeGreaterThan(1.8);
    expect(paired.high).toBeLessThan(2.2);
    expect(() => pairedInterval([1], [1, 2])).toThrow('one half is missing');
  });
});
