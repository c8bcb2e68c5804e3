import { describe, expect, test } from 'vitest';
import type { PodDescription } from '../../model/kubernetes/pod.ts';
import { createConstraints } from './constraints/cluster-constraints.ts';
import { PodScheduler } from './pod-scheduler.ts';
import type { GroupFrame, PodFrame } from './pod-view.ts';
import { RandomLife, randomOptions } from './random-life.fixtures.ts';
import { GIB, group, members, node, pod, requests, TestCluster } from './scheduler.fixtures.ts';
import { PodState } from './state/pod-records.ts';

const LARGE = { requests: requests(64_000) };

function groupsOf(cluster: TestCluster): GroupFrame[] {
  const groups: GroupFrame[] = [];
  cluster.scheduler.view().forEachGroup((each) => groups.push(each));
  return groups;
}

test('a view is made once, and shows the state at each access', () => {
  const cluster = new TestCluster();
  const view = cluster.scheduler.view();
  expect([view.podCount, view.nodeCount, view.shapeCount, view.groupCount]).toEqual([0, 0, 0, 0]);
  cluster.nodes(node('a'), node('b'));
  cluster.pods(pod('p'), pod('whale', LARGE));
  cluster.settle();
  expect(cluster.scheduler.view()).toBe(view);
  expect([view.podCount, view.nodeCount, view.shapeCount]).toEqual([2, 2, 2]);
  expect(view.timeSeconds).toBe(cluster.timeSeconds);
  expect([view.podsIn(PodState.Bound), view.podsIn(PodState.Waiting), view.waitingCount]).toEqual([1, 1, 1]);
  expect(view.pod('whale')).toMatchObject({ state: PodState.Waiting, nodeName: '', attempts: 1 });
  expect(view.pod('whale')?.told).toContain('Insufficient cpu');
  expect(view.podNamed('default', 'p')).toBe(view.pod('p'));
  expect(view.podNamed('other', 'p')).toBeUndefined();
  expect(view.pod('nobody')).toBeUndefined();
  const zones: [string, number][] = [];
  view.forEachZone((name, nodes) => zones.push([name, nodes]));
  expect(zones.map(([, nodes]) => nodes)).toEqual([2]);
});

describe('a group', () => {
  test('waits for members, for its turn, for room, for the end of its pause', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.group(group('g', 5));
    const [first, ...others] = members('g', 5) as [PodDescription, ...PodDescription[]];
    cluster.pods(first);
    cluster.decide();
    expect(groupsOf(cluster)).toMatchObject([{ minCount: 5, members: 1, pending: 1, waitsFor: 'missing' }]);
    cluster.pods(...others);
    expect(groupsOf(cluster)).toMatchObject([{ pending: 5, waitsFor: 'queued' }]);
    cluster.decide();
    expect(groupsOf(cluster)).toMatchObject([{ pending: 5, placed: 0, waitsFor: 'room', started: false }]);
    cluster.nodes(node('b'));
    cluster.step({ kind: 'decide', max: 10 });
    expect(groupsOf(cluster)).toMatchObject([{ pending: 5, waitsFor: 'paused' }]);
    cluster.wait(10).settle();
    expect(groupsOf(cluster)).toMatchObject([{ placed: 5, bound: 5, pending: 0, started: true }]);
  });
});

test('counts of states are those of the pods visited, all through random lives', () => {
  for (const seed of [1, 2, 3]) {
    const scheduler = new PodScheduler(randomOptions(seed), createConstraints());
    const view = scheduler.view();
    const life = new RandomLife(seed, { nodes: 6, pods: 30, groups: 4, freshShapes: false });
    let compared = 0;
    for (let step = 0; step < 600; step++) {
      life.take(scheduler.step(life.next(), life.timeSeconds));
      if (step % 20 > 0) continue;
      const pods: PodFrame[] = [];
      view.forEachPod((each) => pods.push(each));
      expect(pods.length).toBe(view.podCount);
      for (const code of Object.values(PodState)) {
        expect(view.podsIn(code)).toBe(pods.filter(({ state }) => state === code).length);
      }
      compared += pods.length;
    }
    expect(compared).toBeGreaterThan(100);
  }
});

test('nodes that are gone and groups without members are not shown', () => {
  const cluster = new TestCluster().nodes(node('a'), node('b', { cpuMilli: 6000, memoryBytes: 8 * GIB }));
  cluster.pods(pod('p', { requests: requests(1000, 2 * GIB) }, { ours: false, nodeName: 'b' }));
  cluster.group(group('empty', 2));
  const view = cluster.scheduler.view();
  expect(groupsOf(cluster)).toEqual([]);
  cluster.step({ kind: 'node-gone', name: 'a' });
  expect([view.nodeCount, view.node('a')]).toEqual([1, undefined]);
  expect(view.node('b')).toMatchObject({ pods: 1, freeCpuMilli: 5000, freeMemoryBytes: 6 * GIB });
});
