import { describe, expect, test } from 'vitest';
import { AssertionFailure } from '../../kernel/assert.ts';
import { GrowthLine } from './growth-line.ts';

const lineOf = (): GrowthLine => new GrowthLine({ tickSeconds: 0.01, slack: 0.5, room: 1 });

test('without a limit nothing is held, whatever grows', () => {
  const line = lineOf();
  for (let usage = 0; usage < 1e6; usage += 1000)
    expect(line.take(usage, Number.POSITIVE_INFINITY, usage)).toBe(false);
  expect(line.position).toBe(Number.POSITIVE_INFINITY);
});

test('without a grant it holds what grows by more than the slack, and nothing else', () => {
  const line = lineOf();
  expect(line.take(100, 0, 0)).toBe(false);
  expect(line.take(100.5, 0, 1)).toBe(false);
  expect(line.take(100.6, 0, 2)).toBe(true);
  expect(line.heldSince).toBe(2);
});

test('the line falls with what is given back', () => {
  const line = lineOf();
  line.take(100, 0, 0);
  line.take(50, 0, 1);
  expect(line.take(51, 0, 2)).toBe(true);
});

test('a held group goes on when the grant makes room', () => {
  const line = lineOf();
  line.take(100, 0, 0);
  expect(line.take(102, 0, 1)).toBe(true);
  expect(line.take(102, 99, 2)).toBe(true);
  expect(line.take(102, 100, 3)).toBe(false);
  expect(line.position).toBe(103);
});

test('a usage that cannot be read changes nothing', () => {
  const line = lineOf();
  line.take(100, 0, 0);
  expect(line.take(Number.NaN, 0, 1)).toBe(false);
  expect(line.position).toBe(100);
  line.take(200, 0, 2);
  expect(line.take(Number.NaN, 1000, 3)).toBe(true);
});

describe('a plant that takes all it is given', () => {
  test.each([5, 20, 100, 200, 500])('grows at the commanded rate: %i MiB/s', (rate) => {
    const line = lineOf();
    let usage = 100;
    line.take(usage, rate, 0);
    for (let tick = 1; tick <= 1000; tick++) {
      // It reaches its line within the tick, and is stopped there.
      usage = line.position;
      line.take(usage, rate, tick * 0.01);
    }
    expect((usage - 100) / 10).toBeCloseTo(rate, 6);
  });
});

test('refuses a line of no tick or no room', () => {
  expect(() => new GrowthLine({ tickSeconds: 0, slack: 0, room: 1 })).toThrow(AssertionFailure);
  expect(() => new GrowthLine({ tickSeconds: 1, slack: 0, room: 0 })).toThrow(AssertionFailure);
});
