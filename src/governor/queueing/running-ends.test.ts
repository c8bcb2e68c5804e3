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

  it('keeps its order through many blocks', () => {
    const ends = new RunningEnds((job) => (job * 7919) % 1009);
    for (let job = 0; job < 2000; job++) ends.add(job, 0);
    for (let job = 0; job < 2000; job += 3) ends.remove(job);
    const kept = Array.from({ length: 2000 }, (_, job) => job).filter((job) => job % 3 !== 0);
    kept.sort((a, b) => ((a * 7919) % 1009) - ((b * 7919) % 1009) || a - b);
    expect([...ends.at(0)].map(({ job }) => job)).toEqual(kept);
  });

  it('forgets a job that does not run without an effect', () => {
    const ends = new RunningEnds(() => 5);
    ends.add(1, 0);
    ends.remove(2);
    expect([...ends.at(0)]).toEqual([{ job: 1, endSeconds: 5 }]);
  });
});
