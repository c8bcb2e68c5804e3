import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from '../../../../test/support/properties.ts';
import { LatencyWindow } from './latency-window.ts';

const options = { min: 4, max: 64, fineSeconds: 0.05 };

function feed(window: LatencyWindow, latency: number, count: number, full = true): void {
  for (let i = 0; i < count; i++) window.sample(latency, full);
}

test('grows to its maximum while latency stays and it is used up', () => {
  const window = new LatencyWindow(options);
  expect(window.size).toBe(32);
  feed(window, 0.02, 2000);
  expect(window.size).toBe(64);
});

test('does not grow while it is not used up', () => {
  const window = new LatencyWindow(options);
  feed(window, 0.02, 2000, false);
  expect(window.size).toBe(32);
});

test('shrinks to its minimum when the median is more than twice its floor, and comes back', () => {
  const window = new LatencyWindow(options);
  feed(window, 0.04, 500);
  feed(window, 0.2, 500);
  expect(window.size).toBe(4);
  feed(window, 0.04, 5000);
  expect(window.size).toBe(64);
});

test('a latency that is fine never shrinks it, however low the floor is', () => {
  const window = new LatencyWindow(options);
  feed(window, 0.001, 500);
  feed(window, 0.049, 500);
  expect(window.size).toBe(64);
});

test('a server that became slower for good is used fully again', () => {
  const window = new LatencyWindow(options);
  feed(window, 0.04, 500);
  feed(window, 0.3, 20_000);
  expect(window.size).toBe(64);
});

test('stays within its bounds whatever comes', () => {
  checkProperty(
    fc.property(
      fc.array(fc.oneof(fc.constant(-1), fc.double({ min: 0, max: 10, noNaN: true })), { maxLength: 500 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 0, max: 100 }),
      (samples, min, more) => {
        const window = new LatencyWindow({ min, max: min + more, fineSeconds: 0.1 });
        for (const sample of samples) {
          if (sample < 0) window.shrink();
          else window.sample(sample, true);
          expect(window.size).toBeGreaterThanOrEqual(min);
          expect(window.size).toBeLessThanOrEqual(min + more);
          expect(Number.isInteger(window.size)).toBe(true);
        }
      },
    ),
  );
});
