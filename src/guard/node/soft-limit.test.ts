import { expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { SoftLimit, SoftLimitWatch } from './soft-limit.ts';

test('lies one to three times the growth of a freeze beyond line and usage, and is set seldom', () => {
  const random = new Random(14);
  const soft = new SoftLimit();
  let usage = 100;
  let changes = 0;
  for (let i = 0; i < 10_000; i++) {
    usage = Math.max(usage + random.nextDouble() * 2 - 0.9, 0);
    const line = usage + random.nextDouble();
    const isSet = soft.take(usage, line, 8);
    if (isSet !== undefined) changes++;
    expect(soft.position).toBeGreaterThanOrEqual(line + 8);
    expect(soft.position).toBeLessThanOrEqual(line + 24);
  }
  expect(changes).toBeLessThan(1000);
});

test('stays as it is while the usage is unknown, and ends with the line', () => {
  const soft = new SoftLimit();
  expect(soft.take(100, Number.POSITIVE_INFINITY, 8)).toBeUndefined();
  expect(soft.take(Number.NaN, 100, 8)).toBeUndefined();
  expect(soft.take(100, 100, 8)).toBe(116);
  expect(soft.take(Number.NaN, 100, 8)).toBeUndefined();
  expect(soft.position).toBe(116);
  expect(soft.take(Number.NaN, Number.POSITIVE_INFINITY, 8)).toBe(Number.POSITIVE_INFINITY);
  expect(soft.take(100, Number.POSITIVE_INFINITY, 8)).toBeUndefined();
});

test('a group at a soft limit is stuck after 5 s without progress, not before, and not below it', () => {
  const stuckAt = (usage: number, high: number | undefined, stalled: number): number => {
    const watch = new SoftLimitWatch({ stallSeconds: 5, frozenSecondsMax: 60, slack: 0.5 });
    for (let time = 0; time < 20; time += 0.25) if (watch.take(usage, high, stalled, time)) return time;
    return Number.NaN;
  };
  expect(stuckAt(99.5, 100, 0.63)).toBe(5);
  expect(stuckAt(200, 100, 1)).toBe(5);
  expect(stuckAt(99.4, 100, 1)).toBeNaN();
  // It makes progress: what is taken goes to swap; or nobody knows.
  expect(stuckAt(100, 100, 0.2)).toBeNaN();
  expect(stuckAt(100, 100, Number.NaN)).toBeNaN();
  for (const none of [undefined, Number.NaN, Number.POSITIVE_INFINITY])
    expect(stuckAt(100, none, 1)).toBeNaN();
});
