import { describe, expect, test } from 'vitest';
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import type { PodEffect } from '../pod-events.ts';
import {
  bindings,
  group,
  members,
  node,
  pod,
  refusals,
  requests,
  TestCluster,
} from '../scheduler.fixtures.ts';

/** The use of all nodes, including zones and rules as far as they are visible. */
function accountsOf(cluster: TestCluster): unknown {
  const { state } = cluster.scheduler.internals;
  const { accounts, zones } = state;
  return {
    pods: [...accounts.pods],
    used: accounts.used.map((column) => [...column]),
    priorities: [...state.priorities],
    shown: zones.zones.map(({ cluster: field }) => [
      [...field.freeCpuMilli],
      [...field.freeMemoryMib],
      [...field.podCounts],
    ]),
    any: state.anyVersion,
    version: state.version,
    changes: state.changes.any,
  };
}

function released(effects: readonly PodEffect[]): readonly string[] {
  return effects.flatMap((effect) => (effect.kind === 'gang-release' ? effect.uids : []));
}

/** Nodes of two cores in racks r0, r1, …, n in each. */
function racks(...sizes: readonly number[]): TestCluster {
  const cluster = new TestCluster();
  sizes.forEach((size, rack) => {
    for (let i = 0; i < size; i++) {
      cluster.nodes(node(`r${rack}-${i}`, { cpuMilli: 2000, labels: { rack: `r${rack}` } }));
    }
  });
  return cluster;
}

describe('a gang', () => {
  test('is bound in one go', () => {
    const cluster = new TestCluster().nodes(node('a'), node('b'));
    cluster.group(group('g', 8));
    cluster.pods(...members('g', 8));
    const effects = cluster.step({ kind: 'decide', max: 1 });
    expect(Object.keys(bindings(effects))).toHaveLength(8);
    expect(effects[0]).toMatchObject({ group: 'core:default/g' });
    expect(cluster.scheduler.counters.gangsPlaced).toBe(1);
  });

  test('that does not fit is not bound, holds no room, and leaves no trace', () => {
    const cluster = new TestCluster().nodes(node('a'), node('b'));
    cluster.decide();
    cluster.group(group('g', 9));
    cluster.pods(...members('g', 9));
    const before = accountsOf(cluster);
    const effects = cluster.decide();
    expect(accountsOf(cluster)).toEqual(before);
    expect(bindings(effects)).toEqual({});
    expect(Object.keys(refusals(effects))).toHaveLength(9);
    expect(refusals(effects)['g-3']).toBe(
      '0/2 nodes are available: room is needed for several pods at once. pod group default/g needs 9 pods at once, 8 of 9 fit.',
    );
    expect(cluster.scheduler.hasWork).toBe(false);
    // Others get the room that it does not hold.
    cluster.pods(...Array.from({ length: 8 }, (_, i) => pod(`p${i}`)));
    expect(Object.keys(bindings(cluster.decide()))).toHaveLength(8);
  });

  test('starts with the fewest it needs; the others follow one by one', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.group(group('g', 3));
    cluster.pods(...members('g', 6));
    expect(Object.keys(bindings(cluster.decide()))).toEqual(['g-0', 'g-1', 'g-2', 'g-3']);
    expect(cluster.scheduler.explain('g-4')?.state).toBe('backing-off');
    cluster.nodes(node('b', { cpuMilli: 1000 }));
    expect(bindings(cluster.decide())).toEqual({ 'g-4': 'b' });
  });

  test('that needs fewer members at once is tried although one like it was refused', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 2000 }));
    cluster.group(group('g', 3));
    cluster.group(group('h', 2));
    cluster.pods(...members('g', 3), ...members('h', 3));
    expect(Object.keys(bindings(cluster.decide()))).toEqual(['h-0', 'h-1']);
  });

  test('waits for members and for its object, and says so after ten seconds', () => {
    const cluster = new TestCluster().nodes(node('a'));
    const all = members('g', 3);
    cluster.pods(...all.slice(0, 2));
    expect(cluster.decide()).toEqual([]);
    expect(refusals(cluster.wait(11).decide())['g-0']).toBe(
      'waiting for the pod group default/g: no such object',
    );
    cluster.group(group('g', 3));
    expect(refusals(cluster.wait(5).decide())['g-1']).toBe(
      'waiting for minCount pods from the pod group default/g: 2 of 3 exist',
    );
    expect(refusals(cluster.wait(100).decide())).toEqual({});
    cluster.pods(all[2] as (typeof all)[number]);
    expect(Object.keys(bindings(cluster.decide()))).toHaveLength(3);
    expect(cluster.attempts('g-0')).toBe(1);
  });

  test('counts gated members only once they are free', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.group(group('g', 2));
    const [first, second] = members('g', 2) as [ReturnType<typeof pod>, ReturnType<typeof pod>];
    cluster.pods(first, { ...second, gates: ['x'] });
    expect(bindings(cluster.decide())).toEqual({});
    cluster.update('g-1', { gates: [] });
    expect(bindings(cluster.decide())).toEqual({ 'g-0': 'a', 'g-1': 'a' });
  });

  test('reports members that exist and cannot be scheduled', () => {
    const cluster = new TestCluster({ waitingPodsMax: 2 }).nodes(node('a'));
    cluster.group(group('g', 5));
    const [a, b, c, d] = members('g', 4) as [PodDescription, PodDescription, PodDescription, PodDescription];
    cluster.pods(a, b, { ...c, gates: ['x'] }, d);
    cluster.pods(pod('e', { unsupported: ['this'] }, { group: 'core:default/g' }));
    cluster.decide();
    expect(refusals(cluster.wait(11).decide())['g-0']).toBe(
      'waiting for minCount pods from the pod group default/g: 2 of 5 exist, 1 more with scheduling gates (g-2), ' +
        '1 more that TEG does not schedule (e), 1 more beyond queue.waitingPodsMax (g-3)',
    );
    expect(cluster.scheduler.explain('g-0')?.group?.text).toMatch(
      /^2 of at least 5 members exist, 1 more with scheduling gates \(g-2\), /,
    );
  });

  test('that could preempt says that gangs do not, and no other member does', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.others('low', 'a', { requests: requests(4000) }, { priority: -1 });
    cluster.group(group('g', 2));
    const [first, second] = members('g', 2) as [PodDescription, PodDescription];
    cluster.pods(first, { ...second, template: { ...second.template, preemptionPolicy: 'Never' } });
    const told = refusals(cluster.decide());
    expect(told['g-0']).toBe(
      '0/1 nodes are available: 1 Insufficient cpu. pod group default/g needs 2 pods at once, 0 of 2 fit. preemption: not tried: gangs do not preempt.',
    );
    expect(told['g-1']).not.toContain('preempt');
    expect(cluster.scheduler.explain('g-0')?.preemption).toMatchObject({
      allowed: false,
      text: 'not tried: gangs do not preempt.',
    });
    expect(cluster.scheduler.explain('g-1')?.preemption).toBeNull();
  });

  test('whose refusal is known from another one gets its own name and number', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.group(group('g', 5));
    cluster.group(group('h', 6));
    cluster.pods(...members('g', 6), ...members('h', 6));
    const told = refusals(cluster.decide());
    expect(told['g-0']).toMatch(/ pod group default\/g needs 5 pods at once, 4 of 6 fit\.$/);
    expect(told['h-0']).toMatch(/ pod group default\/h needs 6 pods at once, 4 of 6 fit\.$/);
  });

  test('whose object is gone continues if it is placed, and waits if not', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.group(group('g', 2));
    cluster.pods(...members('g', 2));
    cluster.settle();
    cluster.step({ kind: 'group-gone', key: 'core:default/g' });
    cluster.pods(pod('g-9', {}, { group: 'core:default/g' }));
    expect(bindings(cluster.wait(100).decide())).toEqual({});
    cluster.group(group('g', 2));
    expect(bindings(cluster.decide())).toEqual({ 'g-9': 'a' });
  });

  test('of at least one is not a gang', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.group(group('g', 1));
    cluster.pods(...members('g', 6));
    expect(Object.keys(bindings(cluster.decide()))).toHaveLength(4);
  });

  test('that needs an unsupported feature is refused as long as it does', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.pods(...members('g', 2));
    expect(refusals(cluster.group(group('g', 2, { unsupported: ['disruptionMode'] })))).toEqual({
      'g-0': 'TEG does not schedule this pod group: not supported: disruptionMode',
      'g-1': 'TEG does not schedule this pod group: not supported: disruptionMode',
    });
    expect(cluster.decide()).toEqual([]);
    cluster.group(group('g', 2));
    expect(Object.keys(bindings(cluster.decide()))).toHaveLength(2);
  });

  test('is tried again when room comes, and not for every trifle', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.others('x', 'a', { requests: requests(1000) });
    cluster.others('y', 'a', { requests: requests(10) });
    cluster.group(group('g', 3));
    cluster.pods(...members('g', 3, { requests: requests(1500) }));
    cluster.decide();
    cluster.others('z', 'a', { requests: requests(0) });
    cluster.wait(10).decide();
    expect(cluster.attempts('g-0')).toBe(1);
    cluster.nodes(node('b'));
    expect(Object.keys(bindings(cluster.wait(10).decide()))).toHaveLength(3);
    expect(cluster.attempts('g-0')).toBe(2);
  });

  test('is one of many alike: a verdict on one is reused for the others', () => {
    const cluster = new TestCluster().nodes(node('a'));
    for (let i = 0; i < 5; i++) {
      cluster.group(group(`g${i}`, 6));
      cluster.pods(...members(`g${i}`, 6));
    }
    const said = refusals(cluster.decide());
    expect(Object.keys(said)).toHaveLength(30);
    for (let i = 0; i < 5; i++)
      expect(said[`g${i}-5`]).toMatch(`pod group default/g${i} needs 6 pods at once, 4 of 6 fit.`);
  });

  test('may have pods of several kinds', () => {
    const cluster = new TestCluster().nodes(node('a'), node('gpu', { extended: { 'nvidia.com/gpu': 1 } }));
    cluster.group(group('g', 3));
    const gpu = { requests: requests(100, 0, { 'nvidia.com/gpu': 1 }) };
    const of = { group: 'core:default/g' };
    cluster.pods(pod('driver', { requests: requests(3000) }, of), pod('w0', gpu, of), pod('w1', gpu, of));
    expect(bindings(cluster.decide())).toEqual({});
    cluster.nodes(node('more', { extended: { 'nvidia.com/gpu': 1 } }));
    expect(Object.keys(bindings(cluster.wait(1).decide()))).toHaveLength(3);
  });
});

describe('topology', () => {
  test('puts all members into one domain, and tries the next if one is too small', () => {
    const cluster = racks(3, 2);
    cluster.others('x', 'r0-0', { requests: requests(1500) });
    cluster.others('y', 'r0-1', { requests: requests(1500) });
    cluster.group(group('g', 4, { topologyKeys: ['rack'] }));
    cluster.pods(...members('g', 4));
    const nodes = Object.values(bindings(cluster.decide()));
    expect(nodes).toHaveLength(4);
    expect(new Set(nodes.map((name) => name.slice(0, 2)))).toEqual(new Set(['r1']));
  });

  test('takes the domain with most room of those that hold it', () => {
    const cluster = racks(2, 4, 3);
    cluster.group(group('g', 3, { topologyKeys: ['rack'] }));
    cluster.pods(...members('g', 3));
    const nodes = Object.values(bindings(cluster.decide()));
    expect(nodes).toHaveLength(3);
    for (const name of nodes) expect(name).toMatch(/^r1-/);
  });

  test('looks at the 64 domains with most room, however many there are', () => {
    const cluster = racks(...Array.from({ length: 70 }, (_, i) => (i === 69 ? 2 : 1)));
    cluster.group(group('g', 4, { topologyKeys: ['rack'] }));
    cluster.pods(...members('g', 4));
    expect(new Set(Object.values(bindings(cluster.decide())))).toEqual(new Set(['r69-0', 'r69-1']));
  });

  test('refuses a gang that no domain holds, though the cluster would', () => {
    const cluster = racks(1, 1);
    cluster.group(group('g', 3, { topologyKeys: ['rack'] }));
    cluster.pods(...members('g', 3));
    const effects = cluster.decide();
    expect(bindings(effects)).toEqual({});
    expect(refusals(effects)['g-0']).toMatch('needs 3 pods at once in one topology domain, 2 of 3 fit.');
  });

  test('changes for late members that wait when no member is left in it', () => {
    const cluster = racks(1, 1);
    cluster.others('full', 'r1-0', { requests: requests(2000) });
    cluster.group(group('g', 1, { topologyKeys: ['rack'] }));
    cluster.pods(...members('g', 1), pod('late', { requests: requests(2000) }, { group: 'core:default/g' }));
    expect(bindings(cluster.decide())).toEqual({ 'g-0': 'r0-0' });
    cluster.bindDone('g-0');
    cluster.others('theirs', 'r0-0', { requests: requests(500) });
    cluster.gone('full');
    expect(bindings(cluster.decide())).toEqual({});
    cluster.gone('g-0');
    expect(bindings(cluster.decide())).toEqual({ late: 'r1-0' });
  });

  test('binds late members to the domain of the first, and no other pod', () => {
    const cluster = racks(1, 1);
    cluster.group(group('g', 2, { topologyKeys: ['rack'] }));
    cluster.pods(...members('g', 2));
    const [rack] = Object.values(cluster.settle());
    cluster.pods(pod('late', {}, { group: 'core:default/g' }), pod('plain'));
    const effects = cluster.decide();
    expect(refusals(effects)).toEqual({
      late: "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were not in the pod group's topology domain. preemption: not tried for a member of a placed group.",
    });
    expect(Object.keys(bindings(effects))).toEqual(['plain']);
    cluster.gone('g-0');
    expect(bindings(cluster.decide())).toEqual({ late: rack });
  });

  test('of members alone leaves the line of their kind to others', () => {
    const cluster = racks(1, 1);
    cluster.group(group('g', 2, { topologyKeys: ['rack'] }));
    cluster.pods(...members('g', 2));
    const [rack] = Object.values(cluster.settle());
    const free = rack === 'r0-0' ? 'r1-0' : 'r0-0';
    cluster.others('x', free, { requests: requests(2000) });
    cluster.pods(pod('late', {}, { group: 'core:default/g' }), pod('plain', {}, { createdSeconds: 9 }));
    cluster.decide();
    cluster.gone('x');
    expect(bindings(cluster.decide())).toEqual({ plain: free });
  });
});

describe('bindings that fail', () => {
  function placed(): TestCluster {
    const cluster = new TestCluster().nodes(node('a'), node('b'));
    cluster.group(group('g', 3));
    cluster.pods(...members('g', 3));
    cluster.decide();
    return cluster;
  }

  test('are repaired one by one while others of the gang are bound', () => {
    const cluster = placed();
    cluster.bindDone('g-0');
    cluster.bindDone('g-1');
    cluster.bindDone('g-2', 'failed');
    expect(cluster.decide()).toEqual([]);
    expect(Object.keys(bindings(cluster.wait(1.1).decide()))).toEqual(['g-2']);
    cluster.bindDone('g-2');
    expect(released(cluster.wait(1000).decide())).toEqual([]);
  });

  test('start the whole gang again if none succeeded, after the back-off', () => {
    const cluster = placed();
    for (const uid of ['g-0', 'g-1', 'g-2']) cluster.bindDone(uid, 'failed');
    expect(cluster.decide()).toEqual([]);
    const effects = cluster.wait(1.1).step({ kind: 'decide', max: 1 });
    expect(Object.keys(bindings(effects))).toHaveLength(3);
    expect(cluster.scheduler.counters.gangsPlaced).toBe(2);
  });

  test('release the gang if they cannot be repaired in time', () => {
    const cluster = placed();
    cluster.bindDone('g-0');
    cluster.bindDone('g-1');
    cluster.update('g-0', { nodeName: cluster.nodeOf('g-0') });
    cluster.update('g-1', { nodeName: cluster.nodeOf('g-1') });
    cluster.others('x', 'a', { requests: requests(4000) });
    cluster.others('y', 'b', { requests: requests(4000) });
    cluster.bindDone('g-2', 'no-node');
    expect(released(cluster.wait(59).decide())).toEqual([]);
    const effects = cluster.wait(2).decide();
    expect(released(effects)).toEqual(['g-0', 'g-1']);
    expect(effects).toContainEqual({
      kind: 'gang-release',
      group: 'core:default/g',
      uids: ['g-0', 'g-1'],
      message: 'pod group default/g is released: 2 of at least 3 pods could be bound within 60 s',
    });
    // Not every second from then on.
    expect(released(cluster.wait(30).decide())).toEqual([]);
    cluster.gone('g-0', 'g-1');
    cluster.gone('x', 'y');
    cluster.pods(...members('g', 2));
    expect(Object.keys(bindings(cluster.wait(1).decide()))).toHaveLength(3);
  });

  test('release no gang where that is turned off', () => {
    const cluster = new TestCluster({ gangRepairSeconds: 0 }).nodes(node('a', { cpuMilli: 2000 }));
    cluster.group(group('g', 2));
    cluster.pods(...members('g', 2));
    cluster.decide();
    cluster.bindDone('g-0');
    cluster.others('x', 'a');
    cluster.bindDone('g-1', 'failed');
    expect(released(cluster.wait(10_000).decide())).toEqual([]);
  });
});

describe('a gang that has started', () => {
  test('is not released when members end, and their successors are decided one by one', () => {
    const cluster = new TestCluster().nodes(node('a'), node('b'));
    cluster.group(group('g', 4));
    cluster.pods(...members('g', 4));
    cluster.settle();
    cluster.update('g-0', { ended: true });
    cluster.gone('g-1', 'g-2');
    expect(released(cluster.wait(1000).decide())).toEqual([]);
    cluster.pods(pod('again', {}, { group: 'core:default/g' }));
    expect(Object.keys(bindings(cluster.decide()))).toEqual(['again']);
    expect(released(cluster.wait(1000).decide())).toEqual([]);
  });

  test('is a gang again once no member is left', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.group(group('g', 2));
    cluster.pods(...members('g', 2));
    cluster.settle();
    cluster.gone('g-0', 'g-1');
    cluster.pods(pod('n-0', {}, { group: 'core:default/g' }));
    expect(bindings(cluster.decide())).toEqual({});
    cluster.pods(pod('n-1', {}, { group: 'core:default/g' }));
    expect(Object.keys(bindings(cluster.decide()))).toHaveLength(2);
  });

  test('that is found half done after a restart is not released unless a member waits', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.group(group('g', 3));
    cluster.pods(...members('g', 2, {}, { nodeName: 'a' }));
    expect(released(cluster.wait(1000).decide())).toEqual([]);
    cluster.pods(pod('g-2', {}, { group: 'core:default/g' }));
    expect(bindings(cluster.decide())).toEqual({ 'g-2': 'a' });
  });
});

describe('the group of a pod', () => {
  test('can change with its label', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.group(group('g', 2));
    cluster.group(group('h', 1));
    cluster.pods(...members('g', 1));
    expect(bindings(cluster.decide())).toEqual({});
    cluster.update('g-0', { group: 'core:default/h' });
    expect(bindings(cluster.decide())).toEqual({ 'g-0': 'a' });
    cluster.step({ kind: 'group-gone', key: 'core:default/g' });
    expect(cluster.scheduler.view().groupCount).toBe(1);
  });
});

test('a gang is not refused for what another shape was that had its number before', () => {
  const cluster = new TestCluster().nodes(node('a'));
  cluster.group(group('large', 2));
  cluster.pods(...members('large', 2, { requests: requests(3000) }));
  expect(bindings(cluster.decide())).toEqual({});
  cluster.gone('large-0', 'large-1');
  cluster.group(group('small', 2));
  cluster.pods(...members('small', 2, { requests: requests(2000) }));
  expect(bindings(cluster.decide())).toEqual({ 'small-0': 'a', 'small-1': 'a' });
});
