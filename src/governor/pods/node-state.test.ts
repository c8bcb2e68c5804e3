import { describe, expect, test } from 'vitest';
import { nodeOf } from '../../model/readers/read-node.ts';
import { bindings, node, pod, requests, TestCluster } from './scheduler.fixtures.ts';

/** A node object with conditions. */
function object(...conditions: readonly [string, string][]): object {
  return {
    metadata: { name: 'n', uid: 'u' },
    status: {
      allocatable: { cpu: '4', memory: '8Gi', pods: '110' },
      conditions: conditions.map(([type, status]) => ({ type, status })),
    },
  };
}

describe('pressure of a node', () => {
  test('is read from its conditions: the true ones, in the order of the kinds', () => {
    expect(nodeOf(object(['Ready', 'True'], ['MemoryPressure', 'False']))).not.toHaveProperty('pressure');
    expect(nodeOf(object(['DiskPressure', 'Unknown']))).not.toHaveProperty('pressure');
    const all = object(['PIDPressure', 'True'], ['DiskPressure', 'True'], ['MemoryPressure', 'True']);
    expect(nodeOf(all).pressure).toEqual(['memory', 'disk', 'pid']);
    expect(nodeOf(object(['DiskPressure', 'True'])).pressure).toEqual(['disk']);
    expect(nodeOf(object(['PIDPressure', 'True'], ['MemoryPressure', 'False'])).pressure).toEqual(['pid']);
  });

  test('is read from the conditions of a guard as well', () => {
    const short = nodeOf(object(['MemoryPressure', 'False'], ['MemoryGuardPressure', 'True']));
    expect(short.pressure).toEqual(['memory']);
    expect(short).not.toHaveProperty('powerHeadroomWatts');
    const capped = nodeOf(object(['PowerGuardPressure', 'True'], ['MemoryGuardPressure', 'Unknown']));
    expect(capped).toMatchObject({ powerHeadroomWatts: 0 });
    expect(capped).not.toHaveProperty('pressure');
  });

  test.each([{ pressure: ['memory'] as const }, { powerHeadroomWatts: 0 }])(
    'a condition of the node, %j, sends pods elsewhere and wakes nobody',
    (state) => {
      const cluster = new TestCluster().nodes(node('a'), node('b'));
      cluster.pods(pod('first'), pod('whale', { requests: requests(64_000) }));
      const used = bindings(cluster.decide()).first as string;
      const other = used === 'a' ? 'b' : 'a';
      cluster.nodes(node(used, state));
      expect(cluster.scheduler.hasWork).toBe(false);
      expect(cluster.scheduler.view().node(used)?.state).toEqual({ pressure: [], ...state });
      cluster.pods(pod('second'));
      expect(bindings(cluster.decide())).toEqual({ second: other });
      cluster.nodes(node(used), node(other, state));
      cluster.pods(pod('third'));
      expect(bindings(cluster.decide())).toEqual({ third: used });
    },
  );

  test("is shown with a guard's report of it, and is cleared by the next one", () => {
    const cluster = new TestCluster().nodes(node('a', { pressure: ['disk'] }), node('b'));
    const view = cluster.scheduler.view();
    expect(view.node('a')).toMatchObject({ name: 'a', pods: 0, state: { pressure: ['disk'] } });
    cluster.step({
      kind: 'node-state',
      name: 'a',
      state: { pressure: ['memory', 'disk'], powerHeadroomWatts: 120 },
    });
    expect(view.node('a')?.state).toEqual({ pressure: ['memory', 'disk'], powerHeadroomWatts: 120 });
    cluster.nodes(node('a'));
    cluster.step({ kind: 'node-state', name: 'a', state: { pressure: [], powerHeadroomWatts: 0 } });
    expect(view.node('a')?.state).toEqual({ pressure: [], powerHeadroomWatts: 0 });
    cluster.step({ kind: 'node-state', name: 'nobody', state: { pressure: ['pid'] } });
    const seen: [string, readonly string[]][] = [];
    view.forEachNode(({ name, state }) => seen.push([name, state.pressure]));
    expect(seen).toEqual([
      ['a', []],
      ['b', []],
    ]);
    // Another node of that name is not the reported one.
    cluster.step({ kind: 'node-gone', name: 'a' });
    expect(view.node('a')).toBeUndefined();
    cluster.nodes(node('a'));
    expect(view.node('a')?.state).toEqual({ pressure: [] });
  });

  test.each([
    [{ pressure: ['memory'] as const, powerHeadroomWatts: 500 }],
    [{ pressure: [], powerHeadroomWatts: 0 }],
  ])('%j sends pods elsewhere while another node has room', (state) => {
    const cluster = new TestCluster().nodes(node('a'), node('b'));
    cluster.pods(pod('first'), pod('second'));
    const [used] = Object.values(bindings(cluster.decide())) as [string, string];
    const other = used === 'a' ? 'b' : 'a';
    cluster.step({ kind: 'node-state', name: used, state });
    cluster.pods(pod('third'));
    expect(cluster.scheduler.explain('third')?.candidates.map((each) => each.node)).toEqual([other, used]);
    expect(bindings(cluster.decide())).toEqual({ third: other });
    // A new description of the node keeps the report.
    cluster.nodes(node(used, { cpuMilli: 128_000 }));
    cluster.pods(pod('fourth'));
    expect(bindings(cluster.decide())).toEqual({ fourth: other });
    cluster.step({ kind: 'node-gone', name: other });
    cluster.pods(pod('fifth'));
    expect(bindings(cluster.decide())).toEqual({ fifth: used });
  });

  test('neither wakes nor moves a pod, and is explained', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.pods(pod('whale', { requests: requests(64_000) }));
    cluster.decide();
    expect(cluster.attempts('whale')).toBe(1);
    cluster.nodes(node('a', { pressure: ['memory'] }));
    cluster.step({ kind: 'node-state', name: 'a', state: { pressure: ['pid'], powerHeadroomWatts: 9 } });
    expect(cluster.scheduler.hasWork).toBe(false);
    cluster.pods(pod('p'));
    const state = { pressure: ['memory', 'pid'], powerHeadroomWatts: 9 };
    expect(cluster.scheduler.explain('p')?.candidates).toMatchObject([{ node: 'a', state }]);
    expect(bindings(cluster.decide())).toEqual({ p: 'a' });
    expect(cluster.attempts('whale')).toBe(1);
    // A change that decisions read still wakes it.
    cluster.nodes(node('a', { pressure: ['memory'], cpuMilli: 128_000 }));
    expect(bindings(cluster.decide())).toEqual({ whale: 'a' });
  });
});
