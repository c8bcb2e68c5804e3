import { expect, test } from 'vitest';
import { microTimeText, secondTime } from './api-time.ts';
import { systemWriteClock, Waits } from './write-clock.ts';
import { VirtualClock } from './writes.fixtures.ts';

test('the machine’s clock advances, calls back in time, and not after a cancellation', async () => {
  const clock = systemWriteClock();
  const started = clock.nowSeconds();
  let cancelled = false;
  clock.setTimer(0.001, () => {
    cancelled = true;
  })();
  // Its timers do not keep a process alive; here something has to.
  const keep = setTimeout(() => {}, 1000);
  await new Promise<void>((resolve) => clock.setTimer(0.02, resolve));
  clearTimeout(keep);
  expect(clock.nowSeconds() - started).toBeGreaterThan(0.018);
  expect(Math.abs(clock.wallSeconds() - Date.now() / 1000)).toBeLessThan(5);
  expect(cancelled).toBe(false);
});

test('waits end by themselves, or all at once', async () => {
  const clock = new VirtualClock();
  const waits = new Waits(clock);
  const ends: string[] = [];
  void waits.wait(1).then(() => ends.push('one'));
  void waits.wait(100).then(() => ends.push('hundred'));
  expect(waits.count).toBe(2);
  await clock.advance(1);
  expect(ends).toEqual(['one']);
  waits.endAll();
  await clock.advance(0);
  expect(ends).toEqual(['one', 'hundred']);
  expect([waits.count, clock.next]).toEqual([0, Number.POSITIVE_INFINITY]);
});

test('times as the API writes them', () => {
  expect(microTimeText(1_700_000_000.123456)).toBe('2023-11-14T22:13:20.123456Z');
  expect(microTimeText(0.000007)).toBe('1970-01-01T00:00:00.000007Z');
  expect(microTimeText(1_700_000_000.9)).toBe('2023-11-14T22:13:20.900000Z');
  expect(microTimeText(1_700_000_001)).toBe('2023-11-14T22:13:21.000000Z');
  expect(secondTime(1_700_000_000.9)).toBe('2023-11-14T22:13:20Z');
});
