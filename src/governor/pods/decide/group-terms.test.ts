/** Priority, preemption policy and mode of disruption of a group: they stand before those of its pods. */
import { describe, expect, test } from 'vitest';
import { bindings, group, members, node, pod, TestCluster, victims } from '../scheduler.fixtures.ts';

/** A cluster of two nodes, four pods of a core each. */
function twoNodes(): TestCluster {
  return new TestCluster().nodes(node('a'), node('b'));
}

function priorityOf(cluster: TestCluster, uid: string): number | undefined {
  return cluster.scheduler.internals.state.pods.get(uid)?.priority;
}

describe('the priority of a group', () => {
  test('stands before that of its pods, whichever is known first', () => {
    for (const groupFirst of [true, false]) {
      const cluster = twoNodes();
      if (groupFirst) cluster.group(group('g', 2, { priority: 50 }));
      cluster.pods(...members('g', 2, {}, { priority: 7 }));
      if (!groupFirst) cluster.group(group('g', 2, { priority: 50 }));
      expect([0, 1].map((i) => priorityOf(cluster, `g-${i}`))).toEqual([50, 50]);
      cluster.group(group('g', 2));
      expect(priorityOf(cluster, 'g-0')).toBe(7);
    }
  });

  test('decides its turn, also when it changes while the group is in the queue', () => {
    const cluster = new TestCluster().nodes(node('a'));
    for (const name of ['x', 'y']) cluster.group(group(name, 3));
    cluster.pods(...members('x', 3, {}, { priority: 5 }), ...members('y', 3));
    cluster.group(group('y', 3, { priority: 10 }));
    expect(Object.keys(bindings(cluster.decide())).sort()).toEqual(['y-0', 'y-1', 'y-2']);
  });

  test('of 0 is one: a pod with a higher priority of its own preempts nobody in such a group', () => {
    const cluster = new TestCluster({ gangRepairSeconds: 0 }).nodes(node('a'));
    cluster.pods(...Array.from({ length: 4 }, (_, i) => pod(`p${i}`, {}, { priority: 1 })));
    cluster.settle();
    cluster.group(group('g', 1, { priority: 0 }));
    cluster.pods(...members('g', 1, {}, { priority: 100 }));
    expect(victims(cluster.decide())).toEqual([]);
    // The group's object is gone: its pod is tried with its own priority as soon as there is one that says so.
    cluster.group(group('g', 1));
    expect(victims(cluster.decide())).toHaveLength(1);
  });

  test('counts for running pods, too: they become victims when it is lowered', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.group(group('g', 4, { priority: 100 }));
    cluster.pods(...members('g', 4));
    cluster.settle();
    cluster.pods(pod('urgent', {}, { priority: 50 }));
    expect(victims(cluster.decide())).toEqual([]);
    cluster.group(group('g', 4, { priority: 10 }));
    expect(victims(cluster.decide())).toHaveLength(1);
  });

  test('reaches pods beyond the queue, and those that change their group', () => {
    const cluster = new TestCluster({ waitingPodsMax: 1 });
    cluster.pods(pod('first'), pod('second'), ...members('g', 1, {}, { priority: 3 }));
    cluster.group(group('g', 1, { priority: 9 }));
    expect(priorityOf(cluster, 'g-0')).toBe(9);
    cluster.update('g-0', { group: '' });
    expect(priorityOf(cluster, 'g-0')).toBe(3);
    cluster.update('second', { group: 'core:default/g' });
    expect(priorityOf(cluster, 'second')).toBe(9);
    cluster.step({ kind: 'group-gone', key: 'core:default/g' });
    expect(priorityOf(cluster, 'second')).toBe(0);
  });
});

describe('the preemption policy of a group', () => {
  test('stands before that of its pods', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.pods(...Array.from({ length: 4 }, (_, i) => pod(`p${i}`)));
    cluster.settle();
    cluster.group(group('g', 1, { priority: 9, preemptionPolicy: 'Never' }));
    cluster.pods(...members('g', 1));
    expect(victims(cluster.decide())).toEqual([]);
    cluster.group(group('g', 1, { priority: 9, preemptionPolicy: 'PreemptLowerPriority' }));
    expect(victims(cluster.decide())).toHaveLength(1);
  });

  test('allows what its pods forbid', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.pods(...Array.from({ length: 4 }, (_, i) => pod(`p${i}`)));
    cluster.settle();
    const [member] = members('g', 1, { preemptionPolicy: 'Never' }, { priority: 9 });
    if (member === undefined) throw new Error('no member');
    cluster.pods(member);
    cluster.group(group('g', 1));
    expect(victims(cluster.decide())).toEqual([]);
    cluster.group(group('g', 1, { preemptionPolicy: 'PreemptLowerPriority' }));
    expect(victims(cluster.decide())).toHaveLength(1);
  });
});

describe('a group that is disrupted as a whole', () => {
  function running(more: object): TestCluster {
    const cluster = twoNodes();
    cluster.group(group('g', 8, { disruption: 'all', ...more }));
    cluster.pods(...members('g', 8).map((each, i) => ({ ...each, priority: i === 7 ? 60 : 0 })));
    cluster.settle();
    cluster.pods(pod('urgent', {}, { priority: 50 }));
    return cluster;
  }

  test('loses all its pods, on all nodes, to one that needs the room of one', () => {
    const effects = running({ priority: 5 }).decide();
    expect(victims(effects)).toHaveLength(8);
    const nodes = effects.flatMap((effect) => (effect.kind === 'evict' ? [effect.node] : []));
    expect(new Set(nodes)).toEqual(new Set(['a', 'b']));
  });

  test('loses none where one of them has a higher priority', () => {
    expect(victims(running({}).decide())).toEqual([]);
  });

  test('loses one by one in the other mode', () => {
    expect(victims(running({ priority: 5, disruption: 'single' }).decide())).toHaveLength(1);
  });
});

describe('a minimum that changes', () => {
  test('while the group waits: lowered it starts, raised it waits for more', () => {
    const cluster = twoNodes();
    cluster.group(group('g', 5));
    cluster.pods(...members('g', 4));
    expect(bindings(cluster.decide())).toEqual({});
    cluster.group(group('g', 6));
    expect(bindings(cluster.decide())).toEqual({});
    cluster.group(group('g', 4));
    expect(Object.keys(bindings(cluster.decide()))).toHaveLength(4);
  });

  test('while the group fits nowhere: the fewest that it needs now start', () => {
    const cluster = twoNodes();
    cluster.group(group('g', 9));
    cluster.pods(...members('g', 9));
    expect(bindings(cluster.decide())).toEqual({});
    cluster.group(group('g', 8));
    cluster.wait(2);
    expect(Object.keys(bindings(cluster.decide()))).toHaveLength(8);
  });

  test('while its pods are being bound: raised, the ones on their way stay', () => {
    const cluster = twoNodes();
    cluster.group(group('g', 4));
    cluster.pods(...members('g', 4));
    expect(Object.keys(bindings(cluster.decide()))).toHaveLength(4);
    cluster.group(group('g', 6));
    for (let i = 0; i < 4; i++) cluster.bindDone(`g-${i}`);
    expect(bindings(cluster.decide())).toEqual({});
    cluster.pods(...members('g', 6).slice(4));
    expect(Object.keys(bindings(cluster.decide())).sort()).toEqual(['g-4', 'g-5']);
  });

  test('while it runs: raised, nobody leaves, and new members start one by one', () => {
    const cluster = twoNodes();
    cluster.group(group('g', 4));
    cluster.pods(...members('g', 4));
    cluster.settle();
    cluster.group(group('g', 8));
    cluster.wait(200);
    expect(cluster.decide()).toEqual([]);
    cluster.pods(...members('g', 5).slice(4));
    expect(Object.keys(bindings(cluster.decide()))).toEqual(['g-4']);
  });
});
