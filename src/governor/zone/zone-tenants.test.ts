import { expect, test } from 'vitest';
import { TENANTS_MAX } from '../../model/limits.ts';
import { DEFAULT_TENANT } from '../../model/tenants.ts';
import { FirstFit, makeCluster } from './zone.fixtures.ts';
import { Zone } from './zone.ts';
import { type JobSubmittedEvent, ZoneEventKind } from './zone-events.ts';

function submission(job: number, tenant?: number): JobSubmittedEvent {
  const event = { kind: ZoneEventKind.JobSubmitted, job, demandId: 0, podCount: 1, gangMin: 1, priority: 0 };
  return tenant === undefined ? event : { ...event, tenant };
}

test('a job keeps its tenant, whatever becomes of it', () => {
  const cluster = makeCluster([0]);
  const zone = new Zone(cluster, new FirstFit(cluster));
  const tenants = [3, TENANTS_MAX - 1, 0, 70_000];
  let time = 0;
  for (const [job, tenant] of tenants.entries()) zone.step(submission(job, tenant), time++);
  for (let job = 4; job < 20; job++) zone.step(submission(job, 5), time++);
  zone.step(submission(20), time++);
  const said = (): number[] => tenants.map((_, job) => zone.tenantOf(job));
  expect(said()).toEqual(tenants);
  expect(zone.tenantOf(20)).toBe(DEFAULT_TENANT);
  expect(zone.waitingJobs).toBeGreaterThan(0);
  zone.step({ kind: ZoneEventKind.NodeDown, node: 0 }, time++);
  expect(said()).toEqual(tenants);
  zone.step({ kind: ZoneEventKind.NodeUp, node: 0 }, time++);
  zone.step({ kind: ZoneEventKind.JobFinished, job: 0 }, time++);
  zone.step({ kind: ZoneEventKind.JobCancelled, job: 1 }, time++);
  expect(said()).toEqual(tenants);
  expect(zone.explain(1)).toMatchObject({ tenant: TENANTS_MAX - 1, state: 'cancelled', reason: 'cancelled' });
  zone.step(submission(1, 8), time++);
  expect(zone.tenantOf(1)).toBe(8);
  zone.check();
});

test('a number that no table gives is refused, and nothing has happened', () => {
  const cluster = makeCluster([0]);
  const zone = new Zone(cluster, new FirstFit(cluster));
  for (const tenant of [TENANTS_MAX, -1, 0.5, Number.NaN]) {
    expect(() => zone.step(submission(0, tenant), 0)).toThrow(
      expect.objectContaining({ code: 'TEG_JOB_INVALID' }),
    );
  }
  expect(zone.counters.submitted).toBe(0);
  zone.check();
});
