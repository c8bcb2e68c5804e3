import { describe, expect, test } from 'vitest';
import { AssertionFailure } from '../../kernel/assert.ts';
import { filterLag, GrowthEstimator } from './growth-estimator.ts';

const estimatorWith = (weight: number) => new GrowthEstimator({ weight, staleSeconds: 0.05 });

describe('an estimator of growth', () => {
  test('has no rate before two readings', () => {
    const estimator = estimatorWith(1);
    expect([estimator.usageAt(0), estimator.growthAt(0)]).toEqual([Number.NaN, Number.NaN]);
    estimator.read(100, 0);
    expect([estimator.usageAt(0), estimator.growthAt(0)]).toEqual([100, Number.NaN]);
    estimator.read(101, 0.01);
    expect(estimator.growthAt(0.01)).toBeCloseTo(100, 9);
  });

  test('filters differences, and converges to a steady rate', () => {
    const estimator = estimatorWith(0.2);
    estimator.read(0, 0);
    estimator.read(0, 0.01);
    estimator.read(1, 0.02);
    expect(estimator.growthAt(0.02)).toBeCloseTo(20, 9);
    for (let i = 3; i < 100; i++) estimator.read(i - 1, i / 100);
    expect(estimator.growthAt(0.99)).toBeCloseTo(100, 6);
  });

  test('divides the error of batches by the weight, where plain differences show q/T', () => {
    const largest = (weight: number): number => {
      const estimator = new GrowthEstimator({ weight, staleSeconds: 1 });
      let most = 0;
      for (let i = 0; i < 2000; i++) {
        estimator.read(0.5 * Math.floor((0.001 * i * 100) / 0.5), i * 0.001);
        if (i > 500) most = Math.max(most, Math.abs(estimator.growthAt(i * 0.001) - 100));
      }
      return most;
    };
    expect(largest(1)).toBeGreaterThan(390);
    expect(largest(0.2)).toBeLessThan(100);
  });

  test('a reading that is too old counts as none', () => {
    const estimator = estimatorWith(1);
    estimator.read(100, 0);
    estimator.read(101, 0.01);
    expect(estimator.usageAt(0.06)).toBe(101);
    expect([estimator.usageAt(0.0601), estimator.growthAt(0.0601)]).toEqual([Number.NaN, Number.NaN]);
  });

  test.each([
    ['not-a-number', Number.NaN, 1],
    ['not-a-number', 5, Number.NaN],
    ['not-a-number', Number.POSITIVE_INFINITY, 1],
    ['negative', -1, 1],
    ['older-than-the-last', 5, -0.5],
  ])('refuses a reading that is %s, says so, and keeps its estimate', (fault, usage, takenAt) => {
    const estimator = estimatorWith(1);
    estimator.read(100, 0);
    estimator.read(101, 0.01);
    estimator.read(usage, takenAt);
    expect(estimator.faultOfLast).toBe(fault);
    expect([estimator.usageAt(0.01), estimator.growthAt(0.01)]).toEqual([101, expect.closeTo(100, 9)]);
    estimator.read(102, 0.02);
    expect(estimator.faultOfLast).toBeUndefined();
  });

  test('two readings of one instant do not make a rate', () => {
    const estimator = estimatorWith(1);
    estimator.read(100, 0);
    estimator.read(101, 0.01);
    estimator.read(109, 0.01);
    expect([estimator.usageAt(0.01), estimator.growthAt(0.01)]).toEqual([109, expect.closeTo(100, 9)]);
  });

  test('forgets its past when the group is frozen or thawed', () => {
    const estimator = estimatorWith(0.2);
    estimator.read(0, 0);
    estimator.read(100, 0.01);
    estimator.restart();
    estimator.read(100, 0.02);
    expect(estimator.growthAt(0.02)).toBeNaN();
    estimator.read(100, 0.03);
    expect(estimator.growthAt(0.03)).toBe(0);
  });

  test('states the lag that its filter adds', () => {
    expect(filterLag(1, 0.01)).toBe(0);
    expect(filterLag(0.2, 0.005)).toBeCloseTo(0.02, 12);
    expect(() => filterLag(0, 0.01)).toThrow(AssertionFailure);
    expect(() => estimatorWith(0)).toThrow(AssertionFailure);
    expect(() => estimatorWith(1.01)).toThrow(AssertionFailure);
    expect(() => new GrowthEstimator({ weight: 1, staleSeconds: 0 })).toThrow(AssertionFailure);
  });
});
