/** Conservative backfilling where jobs are cancelled: slot worlds have none. */
import { expect, test } from 'vitest';
import { FirstFit, makeCluster } from '../../governor/zone/zone.fixtures.ts';
import { Zone } from '../../governor/zone/zone.ts';
import { JobState, ZoneEventKind } from '../../governor/zone/zone-events.ts';
import { RuntimeEstimates } from '../../market/runtimes/runtime-estimates.ts';
import { ConservativeQueue } from './conservative-queue.ts';

test('reservations move forward when a job before them is cancelled', () => {
  // Four GPUs. Demand 4: one GPU.
  const cluster = makeCluster([2]);
  const queue = new ConservativeQueue(cluster, new RuntimeEstimates());
  const zone = new Zone(cluster, new FirstFit(cluster), {}, undefined, queue);
  const jobs = [
    [0, 3, 100],
    [1, 4, 50],
    [2, 1, 200],
  ] as const;
  for (const [job, pods, expectedSeconds] of jobs) {
    const event = { job, demandId: 4, podCount: pods, gangMin: pods, priority: 0, expectedSeconds };
    zone.step({ kind: ZoneEventKind.JobSubmitted, ...event }, 0);
  }
  zone.step({ kind: ZoneEventKind.Tick }, 0);
  expect([1, 2].map((job) => zone.stateOf(job))).toEqual([JobState.Waiting, JobState.Waiting]);
  zone.step({ kind: ZoneEventKind.JobCancelled, job: 1 }, 1);
  zone.step({ kind: ZoneEventKind.Tick }, 1);
  expect(zone.stateOf(2)).toBe(JobState.Running);
});
