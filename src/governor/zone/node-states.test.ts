import { describe, expect, test } from 'vitest';
import { stream } from '../../../test/support/random-cluster.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { DemandTable } from '../../model/demand.ts';
import type { NodeState } from '../../model/node-state.ts';
import { TegPolicy } from '../policy/teg-policy.ts';
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

describe('a report raises the price of a node', () => {
  const shortages: readonly NodeState[] = [{ pressure: ['memory'] }, { pressure: [], powerHeadroomWatts: 0 }];

  test.each(shortages)('%j: pods go elsewhere while another node has room', (state) => {
    const demands = new DemandTable();
    const whole = { cpuMilli: 1000, memoryMib: 1024, gpuCount: 1, gpuMilli: 1000, gpuModels: [] };
    const demandId = demands.intern(whole).id;
    const cluster = new ClusterState(demands);
    const spec = { cpuMilli: 64_000, memoryMib: 262_144, gpuCount: 8, gpuModel: 'A', podsMax: 110 };
    for (const name of ['a', 'b']) cluster.addNode({ ...spec, name });
    const zone = new Zone(cluster, new TegPolicy({ cluster, random: stream(1) }));
    let job = 0;
    const nodeOfNext = (): number => {
      job++;
      zone.step(
        { kind: ZoneEventKind.JobSubmitted, job, demandId, podCount: 1, gangMin: 1, priority: 0 },
        job,
      );
      let at = -1;
      zone.forEachPod(job, (_, node) => {
        at = node;
      });
      return at;
    };
    // It packs: the second pod goes to the node in use.
    const first = nodeOfNext();
    expect(nodeOfNext()).toBe(first);
    zone.step({ kind: ZoneEventKind.NodeState, node: first, state }, job);
    for (let i = 0; i < 8; i++) expect(nodeOfNext()).toBe(1 - first);
    // It is a price and no wall: with no room elsewhere the node is taken.
    expect(nodeOfNext()).toBe(first);
    zone.check();
    // The end of the shortage counts as well.
    zone.step({ kind: ZoneEventKind.JobFinished, job: 3, run: 1 }, job);
    expect(nodeOfNext()).toBe(1 - first);
    zone.step({ kind: ZoneEventKind.JobFinished, job: 4, run: 1 }, job);
    zone.step(
      { kind: ZoneEventKind.NodeState, node: first, state: { pressure: [], powerHeadroomWatts: 9 } },
      job,
    );
    zone.step({ kind: ZoneEventKind.NodeState, node: 1 - first, state }, job);
    expect(nodeOfNext()).toBe(first);
  });
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
