/**
 * Backfilling disciplines, job by job against plain code, on random small worlds. `test/queues-metacentrum.test.ts` has large
 * ones.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { SLOTS, slotJobs } from './backfill.fixtures.ts';
import { plainConservative } from './conservative.oracle.ts';
import { type PlainJob, type PlainSchedule, plainEasy } from './easy.oracle.ts';
import type { DisciplineName } from './queue-names.ts';
import { runSlots, type SlotJob, startsOf } from './queues.fixtures.ts';

function withEstimates(jobs: readonly SlotJob[], knows: 'exact' | 'declared' | 'unknown'): PlainJob[] {
  return jobs.map((job) => ({
    ...job,
    estimateSeconds:
      knows === 'exact'
        ? job.durationSeconds
        : knows === 'declared'
          ? (job.requestedSeconds as number)
          : Number.POSITIVE_INFINITY,
  }));
}

/** Knowledge, and the number of worlds in which a job overtook another. */
function compareWithPlain(
  queue: DisciplineName,
  plain: (jobs: readonly PlainJob[], slots: number) => PlainSchedule,
): void {
  let promises = 0;
  for (const knows of ['exact', 'declared', 'unknown'] as const) {
    let overtakes = 0;
    checkProperty(
      fc.property(slotJobs, (jobs) => {
        const { starts, figures } = runSlots(jobs, SLOTS, queue, knows);
        const schedule = plain(withEstimates(jobs, knows), SLOTS);
        expect(starts).toEqual(schedule.starts);
        if (schedule.headOfLine > 0) {
          expect(figures.headOfLineToEnd).toBeCloseTo(schedule.headOfLine, 12);
          expect(figures.headOfLine).toBeCloseTo(schedule.headOfLineArriving, 12);
        }
        // A job of no length holds its slots through a pass in which they count as free already.
        if (knows === 'exact' && jobs.every(({ durationSeconds }) => durationSeconds > 0)) {
          expect(figures.promises?.kept).toBe(figures.promises?.made);
          promises += figures.promises?.made ?? 0;
        }
        const begun = starts.filter((start) => !Number.isNaN(start));
        if (begun.some((start, i) => i > 0 && start < (begun[i - 1] as number))) overtakes++;
      }),
      { numRuns: 150 },
    );
    expect(overtakes).toBeGreaterThan(10);
  }
  expect(promises).toBeGreaterThan(50);
}

describe('easy', () => {
  it('equals plain EASY job by job', () => compareWithPlain('easy', plainEasy));

  it('lets those jobs by that end before the head can start', () => {
    const jobs = [
      { submitSeconds: 0, durationSeconds: 10, slots: 3 },
      { submitSeconds: 1, durationSeconds: 10, slots: 4 },
      { submitSeconds: 2, durationSeconds: 9, slots: 1 },
      { submitSeconds: 2, durationSeconds: 8, slots: 1 },
      { submitSeconds: 3, durationSeconds: 50, slots: 1 },
    ];
    expect(startsOf(jobs, 4, 'easy')).toEqual([0, 10, 20, 2, 20]);
  });
});

describe('conservative', () => {
  it('equals plain conservative backfilling job by job', () =>
    compareWithPlain('conservative', plainConservative));
});
