/** The detector's arithmetic. How well it distinguishes is T-21. */
import { describe, expect, test } from 'vitest';
import { AssertionFailure } from '../../kernel/assert.ts';
import { Random } from '../../kernel/random.ts';
import { EarlyWarning, type EarlyWarningSigns, kendallTrend } from './early-warning.ts';

/** @returns The signs after all samples. */
function signsOf(samples: readonly (readonly [psi: number, load: number])[]): EarlyWarningSigns {
  const detector = new EarlyWarning();
  for (const [psi, load] of samples) detector.add(psi, load);
  return detector.signs as EarlyWarningSigns;
}

test('Kendall’s τ of a series with its order', () => {
  expect(kendallTrend([1, 2, 3, 4])).toBe(1);
  expect(kendallTrend([4, 3, 2, 1])).toBe(-1);
  expect(kendallTrend([1, 3, 2, 4])).toBeCloseTo(4 / 6, 12);
  expect(kendallTrend([1, 1, 1])).toBe(0);
  expect(kendallTrend([1])).toBe(0);
});

describe('a detector', () => {
  const noise = (random: Random, keep: number, count: number): number[] => {
    let x = 0;
    return Array.from({ length: count }, () => (x = keep * x + random.nextNormal()));
  };

  test('has no signs before five windows', () => {
    const detector = new EarlyWarning();
    for (let k = 0; k < 139; k++) detector.add(k % 2, 0);
    expect(detector.signs).toBeUndefined();
    detector.add(1, 0);
    expect(detector.signs).toBeDefined();
  });

  test('measures the autocorrelation of the last window', () => {
    const random = new Random(4);
    for (const keep of [0, 0.5, 0.8]) {
      const means = Array.from(
        { length: 200 },
        () => signsOf(noise(random, keep, 150).map((x) => [x, 0])).autocorrelation,
      );
      // A window of 100 is some 0.04 short of it.
      expect(means.reduce((sum, x) => sum + x, 0) / 200).toBeGreaterThan(keep - 0.08);
      expect(means.reduce((sum, x) => sum + x, 0) / 200).toBeLessThan(keep + 0.01);
    }
    expect(signsOf(Array.from({ length: 150 }, (_, k) => [k % 2, 0])).autocorrelation).toBeCloseTo(-0.99, 2);
  });

  test('takes out time and load exactly, so that both leave the signs alone', () => {
    const x = noise(new Random(5), 0.5, 400);
    const load = noise(new Random(6), 0.9, 400);
    const plain = signsOf(x.map((value, k) => [value, load[k] as number]));
    const shifted = signsOf(
      x.map((value, k) => [value + 3 * (load[k] as number) + 0.2 * k - 7, load[k] as number]),
    );
    expect(shifted.autocorrelation).toBeCloseTo(plain.autocorrelation, 9);
    expect(shifted.varianceRatio).toBeCloseTo(plain.varianceRatio, 9);
    expect(shifted.varianceTrend).toBe(plain.varianceTrend);
  });

  test('sees a variance that grows tenfold', () => {
    const x = noise(new Random(7), 0, 400).map((value, k) => value * (1 + (2.16 * k) / 400));
    const { varianceRatio, varianceTrend, isWarning } = signsOf(x.map((value) => [value, 0]));
    expect(varianceRatio).toBeGreaterThan(2);
    expect(varianceTrend).toBeGreaterThan(0.7);
    // Without a longer memory it is not a warning.
    expect(isWarning).toBe(false);
  });

  test('warns of a memory that gets long, not of one that only gets longer', () => {
    /** Noise that grows to twice its size, and whose memory goes from one length to another. */
    const growing = (from: number, to: number): EarlyWarningSigns => {
      const random = new Random(11);
      let x = 0;
      return signsOf(
        Array.from({ length: 400 }, (_, k) => {
          const done = k / 400;
          x = (from + (to - from) * done) * x + (1 + done) * random.nextNormal();
          return [x, 0] as const;
        }),
      );
    };
    expect(growing(0.3, 0.95).isWarning).toBe(true);
    const short = growing(-0.6, 0.5);
    expect(Math.min(short.autocorrelationTrend, short.varianceTrend)).toBeGreaterThan(0.2);
    expect(short.varianceRatio).toBeGreaterThan(1.5);
    expect(short.isWarning).toBe(false);
  });

  test('is calm about a constant, and about a load that is a straight line', () => {
    expect(signsOf(Array.from({ length: 200 }, () => [0, 0]))).toEqual({
      autocorrelation: 0,
      varianceRatio: 1,
      autocorrelationTrend: 0,
      varianceTrend: 0,
      isWarning: false,
    });
    const x = noise(new Random(8), 0.5, 200);
    const line = signsOf(x.map((value, k) => [value, 0.001 * k]));
    expect(line.autocorrelation).toBeCloseTo(signsOf(x.map((value) => [value, 0])).autocorrelation, 6);
  });

  test('forgets what is older than its history', () => {
    const loud = noise(new Random(9), 0.9, 300);
    const quiet = noise(new Random(10), 0, 410);
    const all = signsOf([...loud, ...quiet].map((value) => [value, 0]));
    const rest = signsOf(quiet.slice(-400).map((value) => [value, 0]));
    expect(all.autocorrelation).toBeCloseTo(rest.autocorrelation, 12);
    expect(all.varianceRatio).toBeCloseTo(rest.varianceRatio, 12);
    expect([all.autocorrelationTrend, all.varianceTrend]).toEqual([
      rest.autocorrelationTrend,
      rest.varianceTrend,
    ]);
  });

  test('refuses windows that are too short', () => {
    expect(() => new EarlyWarning({ window: 9 })).toThrow(AssertionFailure);
    expect(() => new EarlyWarning({ historyMax: 4 })).toThrow(AssertionFailure);
  });
});
