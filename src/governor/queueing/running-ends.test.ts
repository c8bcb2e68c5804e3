/** Ends in order, against a list that is sorted for each question. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { RunningEnds } from './running-ends.ts';

describe('RunningEnds', () => {
  it('equals a sorted list, also where jobs overrun', () => {
    const steps = fc.array(
      fc.record({ job: fc.nat(15), wait: fc.nat(3), length: fc.oneof(fc.nat(9), fc.constant(Infinity)) }),
      { maxLength: 60 },
    );
    checkProperty(
      fc.property(steps, (moves) => {
        const starts = new Map<number, { at: number; length: number }>();
        let now = 0;
        // A job that overruns is expected to run twice as long as until now.
        const expectEnd = (job: number, time: number): number => {
          const { at, length } = starts.get(job) as { at: number; length: number };
          return at + length >= time ? at + length : time + (time - at);
        };
        const known = new Map<number, number>();
        const ends = new RunningEnds(expectEnd);
        for (const { job, wait, length } of moves) {
          now += wait;
          if (starts.has(job)) {
            ends.remove(job);
            starts.delete(job);
            known.delete(job);
          } else {
            starts.set(job, { at: now, length });
            ends.add(job, now);
            known.set(job, expectEnd(job, now));
          }
          for (const [other, end] of known) if (end < now) known.set(other, expectEnd(other, now));
          const sorted = [...known].map(([other, endSeconds]) => ({ job: other, endSeconds }));
          sorted.sort((a, b) =>
            a.endSeconds < b.endSeconds ? -1 : a.endSeconds > b.endSeconds ? 1 : a.job - b.job,
          );
          expect([...ends.at(now)]).toEqual(sorted);
        }
      }),
    );
  });

  it('keeps its order where many start and end between two questions, and the same jobs again', () => {
    const endOf = (job: number): number => (job * 7919) % 1009;
    const ends = new RunningEnds(endOf);
    const runs = new Set<number>();
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 600 / (round + 1); i++) {
        const job = (i * 31 + round * 977) % 2000;
        if (runs.delete(job)) ends.remove(job);
        else {
          ends.add(job, 0);
          runs.add(job);
        }
      }
      const kept = [...runs].sort((a, b) => endOf(a) - endOf(b) || a - b);
      expect([...ends.at(0)].map(({ job }) => job)).toEqual(kept);
    }
  });

  it('forgets a job that does not run without an effect', () => {
    const ends = new RunningEnds(() => 5);
    ends.add(1, 0);
    ends.remove(2);
    expect([...ends.at(0)]).toEqual([{ job: 1, endSeconds: 5 }]);
  });
});
