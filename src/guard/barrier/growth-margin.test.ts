import { describe, expect, test } from 'vitest';
import { AssertionFailure } from '../../kernel/assert.ts';
import { type Bound, type GrowthBounds, growthMargin, guaranteeText, marginTerms } from './growth-margin.ts';

const measured = (value: number): Bound => ({ value, basis: 'measured' });
const assumed = (value: number): Bound => ({ value, basis: 'assumed' });

const BOUNDS: GrowthBounds = {
  tickSeconds: measured(0.005),
  staleSeconds: measured(0.001),
  deadSeconds: measured(0.004),
  lagSeconds: assumed(0.01),
  rateMax: assumed(1000),
  bypassRate: assumed(50),
  quantum: measured(0.25),
  rateError: measured(100),
  processors: measured(2),
  batch: measured(0.25),
  hugePageThreads: assumed(3),
};

describe('the margin of a growth filter', () => {
  test('is the sum of its terms', () => {
    expect(marginTerms(BOUNDS).map((term) => Number(term.amount.toFixed(6)))).toEqual([
      0.5, 1, 4, 1, 0.25, 0.5, 6,
    ]);
    expect(growthMargin(BOUNDS)).toBeCloseTo(13.25, 9);
  });

  test('costs one tick of growth for dead time if the commands in the pipe are counted', () => {
    expect(growthMargin(BOUNDS, true) - growthMargin(BOUNDS)).toBeCloseTo(1000 * (0.005 - 0.004), 9);
    const without = { ...BOUNDS, deadSeconds: measured(0) };
    expect(growthMargin(without, true)).toBe(growthMargin(without));
  });

  test('does not fall as a bound grows', () => {
    for (const key of Object.keys(BOUNDS) as (keyof GrowthBounds)[]) {
      const larger = { ...BOUNDS, [key]: assumed(2 * BOUNDS[key].value) };
      expect(growthMargin(larger), key).toBeGreaterThanOrEqual(growthMargin(BOUNDS));
    }
  });

  test('refuses a bound that is negative or not finite', () => {
    for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => growthMargin({ ...BOUNDS, quantum: assumed(value) })).toThrow(AssertionFailure);
    }
  });

  test('its guarantee states each constant and whether it was measured', () => {
    const text = guaranteeText(BOUNDS).join('\n');
    expect(text).toContain('ε = 13.25 MiB kept free = 0.5 (growth past the actuator until it is seen) + 1 (');
    expect(text).toContain('T = 0.005 s (measured)');
    expect(text).toContain('ū = 1000 MiB/s (assumed)');
    expect(text).toContain('w̄ = 50 MiB/s (assumed)');
    expect(text.match(/\((?:measured|assumed)\)/g)).toHaveLength(Object.keys(BOUNDS).length);
    expect(text).toContain('Not covered: growth past the actuator that lasts');
  });
});
