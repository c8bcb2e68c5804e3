import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../../test/support/properties.ts';
import { RateMeter } from './rate-meter.ts';

describe('a rate meter', () => {
  test('shows nothing before the first event', () => {
    const meter = new RateMeter(4);
    expect(meter.perSecond(0)).toBe(0);
    expect(meter.perSecond(1e9)).toBe(0);
  });

  test('shows a steady stream as it is, from its first seconds on', () => {
    checkProperty(
      fc.property(fc.integer({ min: 4, max: 500 }), fc.constantFrom(1, 4, 40), (rate, meanSeconds) => {
        const meter = new RateMeter(meanSeconds);
        for (let i = 0; i <= rate * meanSeconds * 12; i++) {
          meter.count(i / rate);
          // Right after an event up to one more than the mean is counted: 1/τ a second, and more after a short
          // observation.
          const seen = meanSeconds * -Math.expm1(-i / rate / meanSeconds);
          if (i >= 8 && seen >= meanSeconds / 16)
            expect(Math.abs(meter.perSecond(i / rate) - rate)).toBeLessThanOrEqual(1 / seen);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('forgets: after silence of k mean times, at most e^−k of it is left', () => {
    const meter = new RateMeter(4);
    for (let i = 0; i < 400; i++) meter.count(i / 10);
    const before = meter.perSecond(39.9);
    expect(before).toBeCloseTo(10, 0);
    expect(meter.perSecond(39.9 + 4)).toBeCloseTo(before / Math.E, 3);
    expect(meter.perSecond(39.9 + 40)).toBeLessThan(before * 1e-4);
  });

  test('follows a change of rate', () => {
    const meter = new RateMeter(1);
    for (let i = 0; i < 100; i++) meter.count(i / 10);
    for (let i = 0; i < 1000; i++) meter.count(10 + i / 100);
    expect(meter.perSecond(20)).toBeGreaterThan(98);
    expect(meter.perSecond(20)).toBeLessThan(102);
  });

  test('one event, or a burst at one instant, does not look like an unbounded rate', () => {
    const meter = new RateMeter(4);
    meter.count(100);
    expect(meter.perSecond(100)).toBe(1 / 0.25);
    for (let i = 0; i < 9; i++) meter.count(100);
    expect(meter.perSecond(100)).toBe(10 / 0.25);
  });

  test('reading changes nothing', () => {
    const [read, unread] = [new RateMeter(2), new RateMeter(2)];
    for (let i = 0; i < 50; i++) {
      read.count(i);
      unread.count(i);
      for (let k = 0; k < 3; k++) read.perSecond(i + k);
    }
    expect(read.perSecond(60)).toBe(unread.perSecond(60));
  });
});
