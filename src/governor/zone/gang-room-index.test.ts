import { expect, test } from 'vitest';
import type { Demand } from '../../model/demand.ts';
import { FirstFit, makeCluster } from './zone.fixtures.ts';
import { Zone } from './zone.ts';
import { JobState, type ZoneEvent, ZoneEventKind } from './zone-events.ts';

/** A job of one pod of `POD_KINDS[demandId]`. */
function submission(job: number, demandId: number): Extract<ZoneEvent, { demandId: number }> {
  return { kind: ZoneEventKind.JobSubmitted, job, demandId, podCount: 1, gangMin: 1, priority: 0 };
}

/** Misses some nodes, whatever room they have. */
class Blind extends FirstFit {
  override readonly name: string = 'blind';
  readonly hidden = new Set<number>();

  override choose(demand: Demand): number {
    return this.take(demand, this.fitting(demand).find((node) => !this.hidden.has(node)) ?? -1);
  }
}

test('a gang that the policy declined although there was room is tried again when a node gets room', () => {
  // Pods of three cores on nodes of four: one a node.
  const cluster = makeCluster([0, 0, 0]);
  const policy = new Blind(cluster);
  const zone = new Zone(cluster, policy);
  zone.step(submission(0, 1), 0);
  policy.hidden.add(1);
  zone.step({ ...submission(1, 1), podCount: 2, gangMin: 2 }, 1);
  expect(zone.stateOf(1)).toBe(JobState.Waiting);
  // It finds nodes again; but no change has caused another try of the gang.
  policy.hidden.clear();
  zone.step({ kind: ZoneEventKind.Tick }, 2);
  expect(zone.stateOf(1)).toBe(JobState.Waiting);
  zone.step({ kind: ZoneEventKind.JobFinished, job: 0, run: zone.runOf(0) }, 3);
  expect(zone.stateOf(1)).toBe(JobState.Running);
  zone.check();
});

test('a declined gang is not tried for a node that got room, but none for a member of it', () => {
  const cluster = makeCluster([0, 0, 0]);
  const policy = new Blind(cluster);
  const zone = new Zone(cluster, policy);
  // Node 0 has three cores of four in use: the end of a pod of one core leaves too little for a member.
  zone.step(submission(0, 0), 0);
  zone.step({ ...submission(2, 0), podCount: 2, gangMin: 2 }, 0);
  policy.hidden.add(1);
  zone.step({ ...submission(1, 1), podCount: 2, gangMin: 2 }, 1);
  expect(zone.stateOf(1)).toBe(JobState.Waiting);
  policy.hidden.clear();
  zone.step({ kind: ZoneEventKind.JobFinished, job: 0, run: zone.runOf(0) }, 2);
  expect(zone.stateOf(1)).toBe(JobState.Waiting);
  zone.step({ kind: ZoneEventKind.JobFinished, job: 2, run: zone.runOf(2) }, 3);
  expect(zone.stateOf(1)).toBe(JobState.Running);
  zone.check();
});
