import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from '../../../../test/support/properties.ts';
import { ASKED_SECONDS_MAX, Backoff } from './backoff.ts';

test('waits double up to the longest, spread by half, and begin again after a success', () => {
  for (const [random, factor] of [
    [0, 0.5],
    [0.5, 1],
    [1 - 2 ** -20, 1.5],
  ] as const) {
    const backoff = new Backoff({ firstSeconds: 1, longestSeconds: 10, random: () => random });
    const waits = Array.from({ length: 6 }, () => backoff.fail());
    for (const [at, wait] of [1, 2, 4, 8, 10, 10].entries()) expect(waits[at]).toBeCloseTo(wait * factor, 4);
    expect(backoff.failures).toBe(6);
    backoff.succeed();
    expect(backoff.failures).toBe(0);
    expect(backoff.fail()).toBeCloseTo(factor, 4);
  }
});

test('never less than the server requested (up to a minute), never above 1.5 times that or the longest', () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  checkProperty(
    fc.property(
      fc.nat(5000),
      fc.double({ min: 0, max: 1e9, noNaN: true }),
      random,
      (failures, asked, draw) => {
        const backoff = new Backoff({ firstSeconds: 0.2, longestSeconds: 30, random: () => draw });
        let wait = backoff.fail(asked);
        for (let i = 0; i < failures % 50; i++) wait = backoff.fail(asked);
        expect(wait).toBeGreaterThanOrEqual(Math.max(0.1, Math.min(ASKED_SECONDS_MAX, asked)));
        expect(wait).toBeLessThanOrEqual(1.5 * Math.max(30, Math.min(ASKED_SECONDS_MAX, asked)));
      },
    ),
  );
});
