import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { median, quantile, spreadOf, throughputSamples } from './bench-statistics.ts';

/** `counts[i]` binds spread over second i. */
function binds(...counts: number[]): number[] {
  return counts.flatMap((count, second) =>
    Array.from({ length: count }, (_, k) => second + (k + 0.5) / count),
  );
}

describe('samples of throughput', () => {
  test('the first second with a bound pod starts the count, and the last begun second is none', () => {
    expect(throughputSamples(binds(50, 300, 320, 310, 7))).toEqual([300, 320, 310]);
    expect(throughputSamples(binds(0, 0, 50, 300, 320, 7))).toEqual([300, 320]);
  });

  test('a second without progress is merged into the next and counts as often as it lasted', () => {
    expect(throughputSamples(binds(10, 300, 0, 200, 5))).toEqual([300, 100, 100]);
    expect(throughputSamples(binds(10, 0, 0, 30, 9))).toEqual([10, 10, 10]);
  });

  test('a stall before the last pod counts although its second has not ended', () => {
    expect(throughputSamples([...binds(10, 300), 9.5])).toEqual([300, ...new Array(8).fill(1 / 8)]);
  });

  test('too short a run has none', () => {
    expect(throughputSamples([])).toEqual([]);
    expect(throughputSamples(binds(500))).toEqual([]);
    expect(throughputSamples(binds(500, 20))).toEqual([]);
  });

  test('other intervals', () => {
    expect(throughputSamples([0.1, 0.6, 0.7, 1.2, 1.3, 1.6], 0.5)).toEqual([4, 4]);
  });

  test('never count more pods than were bound, nor more seconds than there were', () => {
    const times = fc.array(fc.double({ min: 0, max: 40, noNaN: true }), { maxLength: 60 });
    checkProperty(
      fc.property(times, (values) => {
        const sorted = Float64Array.from(values).sort();
        const samples = throughputSamples(sorted);
        const pods = samples.reduce((sum, value) => sum + value, 0);
        expect(pods).toBeLessThanOrEqual(sorted.length + 1e-9);
        expect(samples.length).toBeLessThanOrEqual(Math.ceil(sorted.at(-1) ?? 0));
        expect(samples.every((value) => value > 0)).toBe(true);
      }),
    );
  });
});

test('quantiles by nearest rank', () => {
  const values = Array.from({ length: 100 }, (_, i) => i + 1);
  expect([0.5, 0.99, 1, 0.001].map((p) => quantile(values, p))).toEqual([50, 99, 100, 1]);
  expect(quantile([7], 0.99)).toBe(7);
  expect(quantile([], 0.5)).toBeNaN();
});

test('medians and spreads', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 9, 2])).toBe(3);
  expect(median([1, Number.NaN])).toBeNaN();
  expect(spreadOf([3, 1, 2])).toEqual({ min: 1, median: 2, max: 3 });
  expect(spreadOf([3, Number.NaN, 1])).toEqual({ min: 1, median: 2, max: 3 });
  expect(spreadOf([])).toEqual({ min: Number.NaN, median: Number.NaN, max: Number.NaN });
});
