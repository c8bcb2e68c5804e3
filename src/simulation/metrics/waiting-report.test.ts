/** Waiting jobs at the end of a run. */
import { expect, test } from 'vitest';
import { Reason } from '../../governor/zone/zone-events.ts';
import { DemandTable } from '../../model/demand.ts';
import { JobTableBuilder } from '../inputs/job-table.ts';
import { WAITING_LISTED_MAX, waitingReport } from './waiting-report.ts';

test('are in order of priority and arrival, name other jobs by their ids, and are listed up to a limit', () => {
  const builder = new JobTableBuilder(new DemandTable());
  const count = WAITING_LISTED_MAX + 5;
  for (let i = 0; i < count; i++) {
    builder.add({
      ...{ id: `job-${i}`, tenant: 'a', priority: i === 2 ? 5 : 0, submitSeconds: i, durationSeconds: 1 },
      ...{ cpuMilli: 1000, memoryMib: 0, gpuCount: 0, gpuMilli: 0, gpuModels: [] },
      ...{ requestedSeconds: Number.NaN, podCount: 1, gangMin: 1 },
    });
  }
  const zone = {
    forEachWaitingJob: (visit: (job: number) => void) => {
      for (let job = count - 1; job >= 0; job--) visit(job);
    },
    reasonOf: () => Reason.NoFit,
    refusalOf: (job: number) => (job === 1 ? { code: 'room-reserved', data: { forJob: 2 } } : undefined),
  };
  const report = waitingReport(zone, builder.build(), 5000);
  expect(report.count).toBe(count);
  expect(report.jobs).toHaveLength(WAITING_LISTED_MAX);
  expect(report.jobs.slice(0, 4).map(({ id, position }) => [id, position])).toEqual([
    ['job-2', 0],
    ['job-0', 1],
    ['job-1', 2],
    ['job-3', 3],
  ]);
  expect(report.jobs[2]).toMatchObject({
    ...{ code: 'room-reserved', data: { forJob: 'job-2' }, waitedSeconds: 4999, tenant: 'a' },
  });
});
