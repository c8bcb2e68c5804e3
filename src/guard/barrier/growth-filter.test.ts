import { describe, expect, test } from 'vitest';
import { AssertionFailure } from '../../kernel/assert.ts';
import { GrowthFilter, type GrowthFilterOptions } from './growth-filter.ts';

const OPTIONS: GrowthFilterOptions = {
  lagSeconds: 0.1,
  tickSeconds: 0.01,
  staleSeconds: 0,
  deadSeconds: 0,
  rateMax: 1000,
  margin: 0,
};
const filterWith = (changes: Partial<GrowthFilterOptions> = {}) =>
  new GrowthFilter({ ...OPTIONS, ...changes });

describe('a growth filter', () => {
  test('grants headroom less growth in flight over a tick, within what a group can take', () => {
    const filter = filterWith();
    expect(filter.allow(395, 0, 400, 0)).toBeCloseTo(500, 9);
    expect(filter.allow(395, 20, 400, 0)).toBeCloseTo(300, 9);
    expect(filter.allow(100, 0, 400, 0)).toBe(1000);
    expect(filter.allow(399, 20, 400, 0)).toBe(0);
    expect(filter.allow(450, 0, 400, 0)).toBe(0);
  });

  test('takes falling usage for none in flight: it may stop falling at once', () => {
    expect(filterWith().allow(395, -500, 400, 0)).toBeCloseTo(500, 9);
  });

  test('keeps its margin, and slows down for old readings and dead time', () => {
    expect(filterWith({ margin: 2 }).allow(395, 0, 400, 0)).toBeCloseTo(300, 9);
    expect(filterWith({ staleSeconds: 0.01 }).allow(395, 0, 400, 0)).toBeCloseTo(250, 9);
    expect(filterWith({ deadSeconds: 0.04 }).allow(395, 0, 400, 0)).toBeCloseTo(100, 9);
  });

  test('that predicts counts the commands in the pipe, at the times they were given', () => {
    const filter = filterWith({ deadSeconds: 0.02, predicts: true });
    expect(filter.allow(390, 0, 400, 0)).toBe(1000);
    // 10 ms at 1,000/s are on their way, and fill the rest.
    expect(filter.allow(390, 0, 400, 0.01)).toBe(0);
    // Ticks that come early do not push them out of the pipe.
    expect(filter.allow(390, 0, 400, 0.011)).toBe(0);
    expect(filter.allow(390, 0, 400, 0.029)).toBeCloseTo(900, 6);
    filter.frozen();
    expect(filter.allow(390, 0, 400, 0.029)).toBe(1000);
  });

  test.each([
    ['usage that is not a number', Number.NaN, 0, 400],
    ['usage that is infinite', Number.POSITIVE_INFINITY, 0, 400],
    ['negative usage', -1, 0, 400],
    ['a rate that is not a number', 10, Number.NaN, 400],
    ['a limit that is not a number', 10, 0, Number.NaN],
    ['a negative limit', 10, 0, -1],
  ])('grants nothing on %s, and cannot hold a limit', (_name, usage, growth, limit) => {
    expect(filterWith().allow(usage, growth, limit, 0)).toBe(0);
    expect(filterWith().checkLimit(usage, growth, limit, 0)).toBe('unreadable');
  });

  test('admits what can be held: usage, growth in flight and margin within the limit', () => {
    const filter = filterWith({ margin: 5 });
    expect(filter.checkLimit(295, 1000, 400, 0)).toBe('holds');
    expect(filter.checkLimit(295.1, 1000, 400, 0)).toBe('passed-by-growth-in-flight');
    const predicting = filterWith({ deadSeconds: 0.02, predicts: true });
    predicting.allow(0, 0, 400, 0);
    expect(predicting.checkLimit(390, 0, 400, 0.01)).toBe('holds');
    expect(predicting.checkLimit(390.1, 0, 400, 0.01)).toBe('passed-by-growth-in-flight');
  });

  test.each<[string, Partial<GrowthFilterOptions>]>([
    ['a tick of 0', { tickSeconds: 0 }],
    ['a negative lag', { lagSeconds: -1 }],
    ['a dead time that is infinite', { deadSeconds: Number.POSITIVE_INFINITY }],
    ['a negative margin', { margin: -1 }],
    ['a rate of 0', { rateMax: 0 }],
  ])('refuses %s', (_name, changes) => {
    expect(() => filterWith(changes)).toThrow(AssertionFailure);
  });
});
