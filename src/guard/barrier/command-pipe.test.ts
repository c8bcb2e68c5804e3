import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { AssertionFailure } from '../../kernel/assert.ts';
import { CommandPipe, PIPE_COMMANDS_MAX } from './command-pipe.ts';

describe('a pipe of commands', () => {
  test('holds the growth that was commanded in the last d seconds, whatever the ticks', () => {
    const ticks = fc.array(fc.record({ rate: fc.nat(1000), wait: fc.integer({ min: 1, max: 400 }) }), {
      minLength: 1,
      maxLength: 40,
    });
    checkProperty(
      fc.property(fc.record({ ticks, dead: fc.integer({ min: 0, max: 1500 }) }), ({ ticks: list, dead }) => {
        const pipe = new CommandPipe(dead, 64);
        let now = 0;
        const course: { from: number; to: number; rate: number }[] = [];
        for (const { rate, wait } of list) {
          pipe.push(rate, now);
          course.push({ from: now, to: now + wait, rate });
          now += wait;
          const expected = course.reduce(
            (sum, c) => sum + c.rate * Math.max(0, c.to - Math.max(c.from, now - dead)),
            0,
          );
          expect(pipe.inFlight(now)).toBe(expected);
        }
      }),
    );
  });

  test('at its limit, merges further commands into the last at the higher rate', () => {
    const pipe = new CommandPipe(10, 2);
    pipe.push(1, 0);
    pipe.push(2, 1);
    pipe.push(5, 2);
    pipe.push(3, 3);
    // 1 for a second, then 5 since second 1: never less than what was commanded.
    expect(pipe.inFlight(4)).toBe(1 + 5 * 3);
  });

  test('is empty at first, and after a freeze', () => {
    const pipe = new CommandPipe(10, 2);
    expect(pipe.inFlight(5)).toBe(0);
    pipe.push(7, 5);
    expect(pipe.inFlight(6)).toBe(7);
    pipe.clear();
    expect(pipe.inFlight(6)).toBe(0);
  });

  test('refuses what is out of bounds', () => {
    expect(() => new CommandPipe(-1, 4)).toThrow(AssertionFailure);
    expect(() => new CommandPipe(Number.NaN, 4)).toThrow(AssertionFailure);
    expect(() => new CommandPipe(1, 0)).toThrow(AssertionFailure);
    expect(() => new CommandPipe(1, PIPE_COMMANDS_MAX + 1)).toThrow(AssertionFailure);
    const pipe = new CommandPipe(1, PIPE_COMMANDS_MAX);
    pipe.push(1, 5);
    expect(() => pipe.push(1, 4)).toThrow(AssertionFailure);
  });
});
