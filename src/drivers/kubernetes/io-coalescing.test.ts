import { expect, test } from 'vitest';
import { IoCoalescer, type LoopPorts } from './io-coalescing.ts';

/** A loop whose time passes only on command. */
class FakeLoop implements LoopPorts {
  ms = 1000;
  readonly slept: number[] = [];
  private due: (() => void)[] = [];

  nowMs = (): number => this.ms;
  nextRound = (callback: () => void): void => void this.due.push(callback);
  sleep = (ms: number): void => {
    this.slept.push(ms);
    this.ms += ms;
  };

  /** Runs one round. @param ms Duration of the round. @returns True if there was work. */
  round(ms = 0): boolean {
    this.ms += ms;
    const due = this.due;
    this.due = [];
    for (const callback of due) callback();
    return due.length > 0;
  }

  /** Runs rounds until nothing is due. @returns Rounds. */
  rest(): number {
    let rounds = 0;
    while (this.round()) rounds++;
    return rounds;
  }
}

function coalescer(intervalMs: number): { loop: FakeLoop; io: IoCoalescer } {
  const loop = new FakeLoop();
  return { loop, io: new IoCoalescer(intervalMs, loop) };
}

test('arrivals close together make one pause up to the end of the interval, after two whole rounds', () => {
  const { loop, io } = coalescer(5);
  io.note();
  loop.round(0.5);
  io.note();
  loop.round(0.5);
  expect(loop.slept).toEqual([]);
  loop.round(0.5);
  expect(loop.slept).toEqual([3.5]);
  expect(loop.rest()).toBe(0);
  expect(io.pauses).toEqual({ count: 1, ms: 3.5 });
});

test('intervals are counted from the end of the pause before', () => {
  const { loop, io } = coalescer(5);
  for (let batch = 0; batch < 4; batch++) {
    io.note();
    io.note();
    io.note();
    for (let i = 0; i < 3; i++) loop.round(0.4);
  }
  expect(loop.ms).toBeCloseTo(1000 + 4 * 5);
  expect(io.pauses.count).toBe(4);
});

test('neither a single arrival nor two that are an interval apart cause a pause', () => {
  const { loop, io } = coalescer(5);
  io.note();
  loop.rest();
  loop.round(6);
  io.note();
  loop.round(5.1);
  io.note();
  loop.rest();
  expect(loop.slept).toEqual([]);
});

test('rounds that take longer than the interval are never followed by a pause', () => {
  const { loop, io } = coalescer(5);
  for (let i = 0; i < 30; i++) {
    for (let k = 0; k < 10; k++) io.note();
    loop.round(2);
  }
  expect(loop.slept).toEqual([]);
});

test('an interval of 0 switches it off: the loop is not even called', () => {
  const { loop, io } = coalescer(0);
  for (let k = 0; k < 10; k++) io.note();
  expect(loop.rest()).toBe(0);
});

test('on the real loop it blocks the thread for about the rest of the interval, and continues', async () => {
  const io = new IoCoalescer(40);
  const began = performance.now();
  io.note();
  io.note();
  while (io.pauses.count === 0) await new Promise((resolve) => setImmediate(resolve));
  // Timers of the machine may fire slightly early.
  expect(performance.now() - began).toBeGreaterThan(Math.min(io.pauses.ms, 40) - 2);
  expect(io.pauses.ms).toBeGreaterThan(0);
});
