/**
 * Gangs that had started before this scheduler did, or of which it cannot know: no running pod is evicted, and no
 * member waits for ended ones.
 */
import { describe, expect, test } from 'vitest';
import type { PodEffect } from './pod-events.ts';
import { bindings, group, members, node, pod, TestCluster } from './scheduler.fixtures.ts';

const KEY = 'core:default/g';

function released(effects: readonly PodEffect[]): readonly string[] {
  return effects.flatMap((effect) => (effect.kind === 'gang-release' ? effect.uids : []));
}

/** A scheduler that starts now, and finds `running` members on node `a` and `ended` ones that have ended. */
function restarted(minCount: number, running: number, ended: number): TestCluster {
  const cluster = new TestCluster().nodes(node('a', { cpuMilli: 1000 * running }));
  cluster.group(group('g', minCount));
  cluster.pods(...members('g', running, {}, { nodeName: 'a' }));
  for (let i = 0; i < ended; i++) cluster.step({ kind: 'member-ended', uid: `ended-${i}`, group: KEY });
  return cluster;
}

const successor = (name = 'again') => pod(name, {}, { group: KEY });

describe('after a restart', () => {
  test('running members are not evicted, however long a successor waits for room', () => {
    const cluster = restarted(4, 2, 2);
    cluster.pods(successor());
    cluster.decide();
    expect(released(cluster.wait(1000).decide())).toEqual([]);
    expect(cluster.scheduler.explain('again')?.message).toMatch(
      /^0\/1 nodes are available: 1 Insufficient cpu\./,
    );
    cluster.gone('g-0');
    expect(bindings(cluster.decide())).toEqual({ again: 'a' });
  });

  test('a gang of which members were deleted meanwhile is not waited for', () => {
    const cluster = restarted(4, 2, 0);
    cluster.nodes(node('b'));
    cluster.pods(successor());
    expect(bindings(cluster.decide())).toEqual({ again: 'b' });
    expect(released(cluster.wait(1000).decide())).toEqual([]);
  });

  test('running members are not evicted when the gang needs more members than at its start', () => {
    const cluster = restarted(6, 4, 0);
    cluster.pods(successor());
    cluster.decide();
    expect(released(cluster.wait(1000).decide())).toEqual([]);
  });

  test('members count although their pod group comes later', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 3000 }));
    cluster.pods(...members('g', 2, {}, { nodeName: 'a' }), successor());
    expect(bindings(cluster.decide())).toEqual({});
    cluster.group(group('g', 4));
    expect(bindings(cluster.decide())).toEqual({ again: 'a' });
    cluster.pods(successor('more'));
    cluster.decide();
    expect(released(cluster.wait(1000).decide())).toEqual([]);
  });

  test('members on an unknown or lost node count as running', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 1000 }));
    cluster.group(group('g', 3));
    cluster.pods(...members('g', 2, {}, { nodeName: 'lost' }), successor(), successor('more'));
    expect(Object.keys(bindings(cluster.decide()))).toHaveLength(1);
    expect(released(cluster.wait(1000).decide())).toEqual([]);
  });

  test('a replica that watched another one bind half of a gang releases nothing when it leads', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 2000 }));
    cluster.group(group('g', 4));
    cluster.pods(...members('g', 4));
    cluster.update('g-0', { nodeName: 'a' });
    cluster.update('g-1', { nodeName: 'a' });
    expect(released(cluster.wait(1000).decide())).toEqual([]);
  });
});

describe('while the scheduler runs', () => {
  /** A gang of four that was started here. */
  function started(): TestCluster {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.group(group('g', 4));
    cluster.pods(...members('g', 4));
    cluster.settle();
    return cluster;
  }

  test.each([
    ['raised', (cluster: TestCluster) => cluster.group(group('g', 6))],
    ['lowered', (cluster: TestCluster) => cluster.group(group('g', 2))],
    [
      'that of a new object',
      (cluster: TestCluster) => {
        cluster.step({ kind: 'group-gone', key: KEY });
        cluster.group(group('g', 6, { uid: 'another' }));
      },
    ],
  ])('minCount %s: running members stay, new ones are decided alone', (_, change) => {
    const cluster = started();
    change(cluster);
    cluster.pods(successor());
    cluster.decide();
    expect(released(cluster.wait(1000).decide())).toEqual([]);
    cluster.nodes(node('b'));
    expect(bindings(cluster.decide())).toEqual({ again: 'b' });
  });

  test('an object that is made again with a larger minCount before all are bound releases no member', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.group(group('g', 4));
    cluster.pods(...members('g', 4));
    cluster.decide();
    for (const uid of ['g-0', 'g-1', 'g-2', 'g-3']) {
      if (uid === 'g-3') cluster.step({ kind: 'group-gone', key: KEY });
      cluster.bindDone(uid);
    }
    cluster.group(group('g', 6));
    cluster.pods(successor());
    cluster.decide();
    expect(released(cluster.wait(1000).decide())).toEqual([]);
  });
});

describe('a gang whose other members have ended', () => {
  function ended(...uids: readonly string[]): TestCluster {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.group(group('g', 4));
    cluster.pods(...members('g', 4));
    cluster.settle();
    for (const uid of uids) {
      // As reported by two watches, in either order.
      if (uid === 'g-1') cluster.gone(uid);
      cluster.step({ kind: 'member-ended', uid, group: KEY });
      cluster.gone(uid);
    }
    return cluster;
  }

  test('has started: the successor of the last one is placed alone, a moment later', () => {
    const cluster = ended('g-0', 'g-1', 'g-2', 'g-3');
    cluster.pods(successor());
    expect(bindings(cluster.decide())).toEqual({});
    expect(bindings(cluster.wait(1.1).decide())).toEqual({ again: 'a' });
    expect(released(cluster.wait(1000).decide())).toEqual([]);
  });

  test('starts at once as a whole if enough successors come', () => {
    const cluster = ended('g-0', 'g-1', 'g-2', 'g-3');
    cluster.others('x', 'a');
    for (const name of ['n-0', 'n-1', 'n-2', 'n-3']) {
      cluster.pods(successor(name));
      expect(bindings(cluster.wait(0.1).decide())).toEqual({});
    }
    expect(bindings(cluster.wait(1000).decide())).toEqual({});
    cluster.gone('x');
    expect(Object.keys(bindings(cluster.wait(1).decide()))).toHaveLength(4);
  });

  test('waits alone for room, and is gathered when the whole gang comes back', () => {
    const cluster = ended('g-0', 'g-1', 'g-2', 'g-3');
    cluster.others('x', 'a', { requests: { cpuMilli: 4000, memoryBytes: 0, extended: {} } });
    cluster.pods(successor('n-0'));
    cluster.wait(1.1).decide();
    expect(cluster.scheduler.explain('n-0')?.message).toMatch(/Insufficient cpu/);
    cluster.pods(successor('n-1'), successor('n-2'), successor('n-3'));
    cluster.wait(5).decide();
    expect(cluster.scheduler.explain('n-0')?.message).toMatch(/needs 4 pods at once/);
  });

  test('has its moment again whenever the last member that ran ends', () => {
    const cluster = ended('g-0', 'g-1', 'g-2', 'g-3');
    cluster.pods(successor('n-0'));
    expect(bindings(cluster.wait(1.1).decide())).toEqual({ 'n-0': 'a' });
    cluster.bindDone('n-0');
    cluster.others('x', 'a', { requests: { cpuMilli: 3000, memoryBytes: 0, extended: {} } });
    cluster.pods(successor('m-0'));
    cluster.wait(5).decide();
    cluster.step({ kind: 'member-ended', uid: 'n-0', group: KEY });
    cluster.gone('n-0');
    expect(bindings(cluster.decide())).toEqual({});
    expect(bindings(cluster.wait(1.1).decide())).toEqual({ 'm-0': 'a' });
  });

  test('is forgotten with the objects of its members', () => {
    const cluster = ended('g-0', 'g-1', 'g-2', 'g-3');
    for (const uid of ['g-0', 'g-1', 'g-2', 'g-3']) cluster.step({ kind: 'ended-gone', uid });
    cluster.pods(successor());
    expect(bindings(cluster.wait(5).decide())).toEqual({});
    cluster.gone('again');
    cluster.step({ kind: 'group-gone', key: KEY });
    expect(cluster.scheduler.view().groupCount).toBe(0);
  });

  test('is known by its ended members alone, whose object may be gone', () => {
    const cluster = ended('g-0', 'g-1', 'g-2', 'g-3');
    cluster.step({ kind: 'group-gone', key: KEY });
    cluster.pods(successor());
    expect(bindings(cluster.wait(5).decide())).toEqual({});
    cluster.group(group('g', 4));
    expect(bindings(cluster.wait(2).decide())).toEqual({ again: 'a' });
  });
});

describe('repair', () => {
  test('gets its time from when the gang broke, whatever is reported of its members meanwhile', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 2000 }));
    cluster.group(group('g', 2));
    cluster.pods(...members('g', 2));
    cluster.decide();
    cluster.bindDone('g-0');
    cluster.others('x', 'a');
    cluster.bindDone('g-1', 'failed');
    cluster.wait(40).decide();
    cluster.update('g-0', { nodeName: 'a', startedSeconds: 1 });
    expect(released(cluster.wait(19).decide())).toEqual([]);
    expect(released(cluster.wait(2).decide())).toEqual(['g-0']);
  });
});
