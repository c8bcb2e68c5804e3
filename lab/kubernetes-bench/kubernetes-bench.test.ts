import { describe, expect, test } from 'vitest';
import { NO_FIGURES } from './bench-run.ts';
import { alternatingOrder, combineRepeats } from './kubernetes-bench.ts';

test('every second turn goes the other way round', () => {
  expect(alternatingOrder(['teg', 'stock'], 3)).toEqual(['teg', 'stock', 'stock', 'teg', 'teg', 'stock']);
  expect(alternatingOrder(['stock'], 2)).toEqual(['stock', 'stock']);
  expect(alternatingOrder(['a', 'b', 'c'], 2)).toEqual(['a', 'b', 'c', 'c', 'b', 'a']);
});

describe('repeats', () => {
  test('come to medians and extremes', () => {
    const repeats = [300, 340, 310].map((podsPerSecond) => ({ ...NO_FIGURES, podsPerSecond, bound: 100 }));
    const row = combineRepeats(repeats);
    expect(row.podsPerSecond).toBe(310);
    expect(row.repeats).toBe(3);
    expect(row.spread).toEqual({
      podsPerSecond: { min: 300, median: 310, max: 340 },
      bound: { min: 100, median: 100, max: 100 },
    });
    expect(row.timeToFirstBind).toBeNaN();
  });

  test('that all failed come to nothing', () => {
    const row = combineRepeats([]);
    expect(row.repeats).toBe(0);
    expect(row.spread).toEqual({});
    expect(Object.keys(NO_FIGURES).every((name) => Number.isNaN(row[name as keyof typeof row]))).toBe(true);
  });
});
