import { describe, expect, test } from 'vitest';
import { AssertionFailure } from '../../kernel/assert.ts';
import { HeatFilter, type HeatFilterOptions } from './heat-filter.ts';

const OPTIONS: HeatFilterOptions = {
  capacity: 500,
  lagSeconds: 1,
  coolingSeconds: 50,
  gain: 0.5,
  margin: 1,
  powerMin: 200,
  powerMax: 700,
};
const filterWith = (changes: Partial<HeatFilterOptions> = {}) => new HeatFilter({ ...OPTIONS, ...changes });

describe('a heat filter', () => {
  test('grants the heat that leaves, and what the headroom still takes', () => {
    // ψ = (1 + 1/50)(87 − 1 − 85.9) − 0.05 = 0.052; 500 + 500 · 1 · 0.5 · 0.052.
    expect(filterWith().allow(85.9, 0.05, 500, 87)).toBeCloseTo(513, 6);
  });

  test('stays within the range of the cap', () => {
    expect(filterWith().allow(40, 0, 60, 87)).toBe(700);
    expect(filterWith().allow(95, 1, 500, 87)).toBe(200);
  });

  test.each([
    [Number.NaN, 0, 500, 87],
    [80, Number.NaN, 500, 87],
    [80, 0, Number.NaN, 87],
    [80, 0, 500, Number.POSITIVE_INFINITY],
  ])('grants the least power on readings that are none: %s %s %s %s', (celsius, slope, flow, limit) => {
    expect(filterWith().allow(celsius, slope, flow, limit)).toBe(200);
  });

  test('admits a state from which the limit can be held', () => {
    expect(filterWith().admits(80, 6, 87)).toBe(true);
    expect(filterWith().admits(80, 6.13, 87)).toBe(false);
    expect(filterWith().admits(86.1, -100, 87)).toBe(false);
    expect(filterWith().admits(Number.NaN, 0, 87)).toBe(false);
  });

  test.each<Partial<HeatFilterOptions>>([
    { capacity: 0 },
    { lagSeconds: 0 },
    { coolingSeconds: -1 },
    { gain: Number.NaN },
    { margin: -1 },
    { powerMin: 800 },
  ])('refuses %j', (changes) => {
    expect(() => filterWith(changes)).toThrow(AssertionFailure);
  });
});
