import { expect, test } from 'vitest';
import { NodeStates } from './node-states.ts';
import { FirstFit, makeCluster } from './zone.fixtures.ts';
import { Zone } from './zone.ts';
import { type ZoneEvent, ZoneEventKind } from './zone-events.ts';

const REPORT: ZoneEvent = {
  kind: ZoneEventKind.NodeState,
  node: 1,
  state: { pressure: ['memory', 'pid'], powerHeadroomWatts: 250 },
};

function submission(job: number): ZoneEvent {
  return { kind: ZoneEventKind.JobSubmitted, job, demandId: 0, podCount: 4, gangMin: 4, priority: 0 };
}

test('a report is kept and shown, replaces the last one, and changes no decision', () => {
  const digests = [false, true].map((reports) => {
    const cluster = makeCluster([0, 0, 0]);
    const zone = new Zone(cluster, new FirstFit(cluster));
    let digest = 0;
    for (let job = 0; job < 5; job++) {
      if (reports) expect(zone.step(REPORT, job).length).toBe(0);
      digest = zone.step(submission(job), job).hash(digest);
    }
    if (!reports) return digest;
    const view = zone.view();
    expect(view.nodeStateOf(1)).toEqual({ pressure: ['memory', 'pid'], powerHeadroomWatts: 250 });
    expect([0, 2].map((node) => view.nodeStateOf(node))).toEqual([{ pressure: [] }, { pressure: [] }]);
    const { pods } = view.explain(1) as { pods?: readonly object[] };
    expect(pods).toContainEqual({
      node: 'node-1',
      gpuMask: 0,
      state: { pressure: ['memory', 'pid'], powerHeadroomWatts: 250 },
    });
    zone.step({ ...REPORT, state: { pressure: [] } } as ZoneEvent, 9);
    expect(view.nodeStateOf(1)).toEqual({ pressure: [] });
    zone.step({ ...REPORT, state: { pressure: [], powerHeadroomWatts: 0 } } as ZoneEvent, 9);
    expect(view.nodeStateOf(1)).toEqual({ pressure: [], powerHeadroomWatts: 0 });
    expect(() => zone.step({ ...REPORT, node: 3 } as ZoneEvent, 10)).toThrow(
      /names node 3; expected an index in \[0, 3\)/,
    );
    return digest;
  });
  expect(digests[0]).not.toBe(0);
  expect(digests[1]).toBe(digests[0]);
});

test("a view shows the zone's state", () => {
  const cluster = makeCluster([0]);
  const zone = new Zone(cluster, new FirstFit(cluster));
  const view = zone.view();
  for (let job = 0; job < 2; job++) zone.step(submission(job), 1);
  expect([view.steps, view.timeSeconds, view.nodeCount]).toEqual([2, 1, 1]);
  expect([view.runningJobs, view.runningPods, view.waitingJobs]).toEqual([1, 4, 1]);
  const waiting: number[] = [];
  view.forEachWaitingJob((job) => waiting.push(job));
  expect(waiting).toEqual([1]);
});

test('a report outlives the growth of the columns', () => {
  const states = new NodeStates();
  states.set(1, { pressure: ['disk'], powerHeadroomWatts: 250 });
  states.set(2, { pressure: [], powerHeadroomWatts: 0 });
  states.set(1000, { pressure: ['pid'] });
  expect([1, 2, 3, 1000].map((node) => states.of(node))).toEqual([
    { pressure: ['disk'], powerHeadroomWatts: 250 },
    { pressure: [], powerHeadroomWatts: 0 },
    { pressure: [] },
    { pressure: ['pid'] },
  ]);
});
