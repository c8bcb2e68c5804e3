import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { EventQueue } from './event-queue.ts';
import { Random } from './random.ts';
import { TimeHeap } from './time-heap.ts';

/** What an event queue means, in the simplest form: a list kept in order of (time, push). */
class SortedList {
  readonly entries: { time: number; id: number }[] = [];

  push(time: number, id: number): void {
    let at = this.entries.length;
    while (at > 0 && (this.entries[at - 1]?.time ?? 0) > time) at--;
    this.entries.splice(at, 0, { time, id });
  }
}

/** Times of very different kinds: equal, clustered, far away, negative, tiny differences. */
const times = fc.oneof(
  fc.constantFrom(0, 1, 1, 2, 1e9, -5, 0.1 + 0.2, 0.3),
  fc.integer({ min: 0, max: 50 }),
  fc.double({ min: -1e3, max: 1e3, noNaN: true }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const operation = fc.oneof(
  { weight: 5, arbitrary: times },
  { weight: 4, arbitrary: fc.constant('pop' as const) },
  { weight: 1, arbitrary: fc.constant('peek' as const) },
);

describe('EventQueue', () => {
  test('agrees with a sorted list on any pushes and pops', () => {
    checkProperty(
      fc.property(fc.array(operation, { maxLength: 600, size: 'max' }), (operations) => {
        const queue = new EventQueue();
        const list = new SortedList();
        operations.forEach((op, i) => {
          if (op === 'pop') {
            const expected = list.entries.shift();
            expect(queue.pop()).toBe(expected?.id ?? -1);
            if (expected !== undefined) expect(queue.time).toBe(expected.time);
          } else if (op === 'peek') {
            expect(queue.peekTime()).toBe(list.entries[0]?.time ?? Number.POSITIVE_INFINITY);
          } else {
            queue.push(op, i);
            list.push(op, i);
          }
          expect(queue.size).toBe(list.entries.length);
        });
        for (const { id } of list.entries) expect(queue.pop()).toBe(id);
        expect(queue.pop()).toBe(-1);
      }),
      { numRuns: 300 },
    );
  });

  test.each(['exponential', 'heavy-tailed', 'changing scale', 'all equal', 'integer'] as const)(
    'agrees with a heap in a long simulation with growing and shrinking backlog: %s times',
    (spread) => {
      const random = new Random(3);
      const queue = new EventQueue();
      const heap = new TimeHeap();
      let now = 0;
      let sequence = 0;
      let checked = 0;
      for (let i = 0; i < 300_000; i++) {
        // The backlog swells to tens of thousands and drains again, so the ring is rebuilt both ways.
        const growing = Math.sin(i / 30_000) > 0;
        if (heap.size === 0 || random.nextFloat() < (growing ? 0.7 : 0.3)) {
          const time = now + increment(spread, random, i);
          queue.push(time, sequence);
          heap.push(time, sequence, sequence);
          sequence++;
        } else {
          now = heap.times[0] as number;
          const id = heap.pop();
          if (queue.pop() !== id || queue.time !== now) expect.fail(`popped another event than ${id}`);
          checked++;
        }
      }
      expect(queue.size).toBe(heap.size);
      expect(checked).toBeGreaterThan(100_000);
    },
  );

  test('refuses what it cannot order and what it has no room for', () => {
    const queue = new EventQueue(2);
    expect(() => queue.push(Number.NaN, 1)).toThrow(RangeError);
    expect(() => queue.push(Number.POSITIVE_INFINITY, 1)).toThrow(RangeError);
    queue.push(1, 1);
    queue.push(2, 2);
    expect(() => queue.push(3, 3)).toThrow(/at most 2/);
    expect([queue.pop(), queue.pop(), queue.pop()]).toEqual([1, 2, -1]);
    expect(() => new EventQueue(0)).toThrow(RangeError);
  });
});

function increment(spread: string, random: Random, i: number): number {
  const u = random.nextDouble();
  if (spread === 'exponential') return -Math.log(1 - u);
  if (spread === 'heavy-tailed') return (1 - u) ** -3;
  if (spread === 'changing scale') return u * 10 ** (6 * Math.sin(i / 50_000));
  if (spread === 'all equal') return 0;
  return Math.floor(u * 20);
}
