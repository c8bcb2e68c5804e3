import { describe, expect, test } from 'vitest';
import { certifiedGain, dampedStep, monotoneGain, moveProbability, stableGain } from './damped-step.ts';

/** |e| at the end of e ← e − η e(s rounds ago), and how often it changed sign. */
function loop(gain: number, delay: number, rounds: number): { size: number; turns: number } {
  const history = Array.from({ length: delay + 1 }, () => 1);
  let turns = 0;
  for (let k = 0; k < rounds && Math.abs(history[0] as number) < 1e6; k++) {
    const last = history.at(-1) as number;
    const next = last - gain * (history[history.length - 1 - delay] as number);
    // What is left at the precision of numbers has no sign to speak of.
    if (next * last < 0 && Math.abs(last) > 1e-12) turns++;
    history.push(next);
    history.shift();
  }
  return { size: Math.max(...history.map(Math.abs)), turns };
}

describe.each([0, 1, 2, 3, 5, 8, 20])('information %d rounds old', (delay) => {
  test('the stable gain is sharp', () => {
    expect(loop(0.97 * stableGain(delay), delay, 20_000).size).toBeLessThan(1e-3);
    expect(loop(1.03 * stableGain(delay), delay, 20_000).size).toBeGreaterThan(1e3);
  });

  test('the monotone gain does not overshoot, a larger one does', () => {
    expect(loop(0.98 * monotoneGain(delay), delay, 2000).turns).toBe(0);
    expect(loop(Math.min(1.2 * monotoneGain(delay), 1.9), delay, 2000).turns).toBeGreaterThan(0);
  });

  test('the certified gain is stable, within a factor π/2 of the largest', () => {
    expect(certifiedGain(delay)).toBeLessThanOrEqual(stableGain(delay));
    expect(stableGain(delay) / certifiedGain(delay)).toBeLessThanOrEqual(Math.PI / 2);
  });
});

test('the stable gains are 2, 1, 0.618, 0.445', () => {
  expect([0, 1, 2, 3].map((s) => Number(stableGain(s).toFixed(3)))).toEqual([2, 1, 0.618, 0.445]);
});

test('a damped step keeps the sum and makes linear prices meet at once', () => {
  // Prices 2x, 5x + 1, x + 3 at loads 1, 2, 3.
  const out = new Float64Array(3);
  const lambda = dampedStep(Float64Array.of(2, 11, 6), Float64Array.of(2, 5, 1), 1, out);
  expect(out.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 12);
  const [a, b, c] = out as unknown as [number, number, number];
  for (const price of [2 * (1 + a), 5 * (2 + b) + 1, 3 + c + 3]) expect(price).toBeCloseTo(lambda, 12);
});

describe('an agent', () => {
  test('moves only for a gain above the dead band', () => {
    expect(moveProbability(1, 2, 1, 1, 10, 0.5, 0)).toBe(0);
    expect(moveProbability(2, 1.5, 1, 1, 10, 0.5, 0.5)).toBe(0);
    expect(moveProbability(2, 1.4, 1, 1, 10, 0.5, 0.5)).toBeGreaterThan(0);
    expect(moveProbability(Number.NaN, 1, 1, 1, 10, 0.5, 0)).toBe(0);
  });

  test('takes its share of what would equalise the two', () => {
    // (6 − 2) / (3 + 1) = 1 unit of load would meet; 20 agents, half of the way, two nodes: 2 · 0.5 · 1 / 20.
    expect(moveProbability(6, 2, 3, 1, 20, 0.5, 0)).toBeCloseTo(0.05, 12);
    expect(moveProbability(600, 2, 0.1, 0.1, 1, 1, 0)).toBe(1);
  });
});
