/** A fair queue in a zone: what slot worlds do not reach. */
import { expect, test } from 'vitest';
import { FirstFit, makeCluster } from '../../../governor/zone/zone.fixtures.ts';
import { Zone } from '../../../governor/zone/zone.ts';
import { ZoneEventKind } from '../../../governor/zone/zone-events.ts';
import { createFairQueue } from './fair-queues.ts';

test('a queue that shares by the minute asks for no pass once its last waiting job is cancelled', () => {
  // Four GPUs. Demand 4: one GPU.
  const cluster = makeCluster([2]);
  const zone = new Zone(
    cluster,
    new FirstFit(cluster),
    {},
    undefined,
    createFairQueue('max-min', cluster, undefined),
  );
  for (const job of [0, 1]) {
    const event = { job, demandId: 4, podCount: 4, gangMin: 4, priority: 0 };
    zone.step({ kind: ZoneEventKind.JobSubmitted, ...event }, 0);
  }
  zone.step({ kind: ZoneEventKind.Tick }, 0);
  expect(zone.runningJobs).toBe(1);
  expect(zone.dueSeconds).toBe(60);
  zone.step({ kind: ZoneEventKind.JobCancelled, job: 1 }, 1);
  expect(zone.dueSeconds).toBe(Number.POSITIVE_INFINITY);
});
