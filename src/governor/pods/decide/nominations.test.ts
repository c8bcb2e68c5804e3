import { describe, expect, test } from 'vitest';
import type { PodEffect } from '../pod-events.ts';
import { bindings, node, pod, requests, TestCluster, victims } from '../scheduler.fixtures.ts';
import type { PodRecord } from '../state/pod-records.ts';

const HIGH = { priority: 10 };

/** Nominations to be written, by pod. */
function nominations(effects: readonly PodEffect[]): Record<string, string> {
  return Object.fromEntries(
    effects.flatMap((effect) => (effect.kind === 'nominate' ? [[effect.uid, effect.node]] : [])),
  );
}

/** The record of a known pod. */
function recordIn(cluster: TestCluster, uid: string): PodRecord {
  return cluster.scheduler.internals.state.pods.get(uid) as PodRecord;
}

/** Two nodes, each full of one pod of priority 1. */
function twoFullNodes(): TestCluster {
  const cluster = new TestCluster().nodes(node('a'), node('b'));
  for (const name of ['a', 'b']) {
    cluster.others(`on-${name}`, name, { requests: requests(4000) }, { priority: 1, startedSeconds: 1 });
  }
  return cluster;
}

describe('a node that others nominate a pod to', () => {
  test('is where the pod goes, also if it is nominated after it was first seen', () => {
    const cluster = new TestCluster().nodes(...['a', 'b', 'c', 'd'].map((name) => node(name)));
    const names = ['a', 'b', 'c', 'd'];
    cluster.pods(...names.map((name) => pod(`p-${name}`, {}, { gates: ['hold'] })));
    cluster.decide();
    for (const name of names) cluster.update(`p-${name}`, { nominatedNodeName: name });
    for (const name of names) cluster.update(`p-${name}`, { gates: [] });
    expect(cluster.settle()).toEqual({ 'p-a': 'a', 'p-b': 'b', 'p-c': 'c', 'p-d': 'd' });
  });

  test('keeps its room from pods of lower and of the same priority', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 1000 }));
    cluster.pods(
      pod('early', {}, { createdSeconds: 1 }),
      pod('late', {}, { createdSeconds: 2, nominatedNodeName: 'a' }),
    );
    expect(cluster.settle()).toEqual({ late: 'a' });
  });

  test('has the pod tried there at once if it waits, and its room is free when that is taken back', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 1000 }), node('b', { cpuMilli: 1000 }));
    cluster.pods(pod('late', {}, { createdSeconds: 9, nominatedNodeName: 'a' }));
    cluster.others('on-a', 'a');
    cluster.others('on-b', 'b');
    cluster.pods(pod('early', {}, { createdSeconds: 1 }));
    cluster.decide();
    cluster.update('late', { nominatedNodeName: 'b' });
    expect(recordIn(cluster, 'late').nominated).toBe(1);
    cluster.decide();
    cluster.gone('on-b');
    expect(bindings(cluster.decide())).toEqual({ late: 'b' });
    cluster.bindDone('late', 'gone');
    cluster.gone('late');
    expect(bindings(cluster.decide())).toEqual({ early: 'b' });
  });

  test('may come later than the nomination', () => {
    const cluster = new TestCluster();
    cluster.pods(
      pod('p', {}, { nominatedNodeName: 'new', createdSeconds: 9 }),
      pod('q', {}, { createdSeconds: 1 }),
    );
    cluster.decide();
    cluster.nodes(node('new', { cpuMilli: 1000 }));
    expect(bindings(cluster.decide())).toEqual({ p: 'new' });
  });

  test('may come later than the nomination of a pod that is not tried for now', () => {
    const cluster = new TestCluster().nodes(node('full', { cpuMilli: 1000 }));
    cluster.pods(pod('p', {}, { createdSeconds: 1 }));
    cluster.decide();
    cluster.others('x', 'full');
    cluster.bindDone('p', 'failed');
    cluster.pods(pod('q'));
    cluster.update('p', { nominatedNodeName: 'new' });
    cluster.nodes(node('new', { cpuMilli: 1000 }));
    expect(bindings(cluster.decide())).toEqual({});
    expect(bindings(cluster.wait(1.1).decide())).toEqual({ p: 'new' });
  });

  test('is not cleared by us: not after a restart, not where nothing helps, not where an eviction failed', () => {
    const cluster = new TestCluster().nodes(node('a', { unschedulable: true }), node('b', { cpuMilli: 500 }));
    const said = [...cluster.pods(pod('p', {}, { ...HIGH, nominatedNodeName: 'a' })), ...cluster.decide()];
    cluster.update('p', { nominatedNodeName: 'b' });
    said.push(...cluster.decide(), ...cluster.step({ kind: 'node-gone', name: 'b' }), ...cluster.decide());
    said.push(...cluster.update('p', { gates: ['hold'] }), ...cluster.update('p', { deleting: true }));
    expect(nominations(said)).toEqual({});
  });

  test('keeps no room that the pod cannot use, until the node changes', () => {
    const cluster = new TestCluster().nodes(node('a', { unschedulable: true, cpuMilli: 1000 }));
    cluster.pods(pod('p', {}, { nominatedNodeName: 'a' }));
    cluster.decide();
    expect(recordIn(cluster, 'p')).toMatchObject({ nominated: -1, expected: 'a' });
    cluster.nodes(node('a', { cpuMilli: 1000 }));
    cluster.pods(pod('older', {}, { createdSeconds: -1 }));
    expect(bindings(cluster.decide())).toEqual({ p: 'a' });
  });

  test('is replaced by one that others leave for', () => {
    const cluster = twoFullNodes();
    cluster.others('boss', 'c', {}, { priority: 99 });
    cluster.nodes(node('c', { cpuMilli: 1000 }));
    const said = cluster.pods(pod('p', { requests: requests(4000) }, { ...HIGH, nominatedNodeName: 'c' }));
    said.push(...cluster.decide());
    const [victim] = victims(said) as [string];
    const target = victim.replace('on-', '');
    expect(nominations(said)).toEqual({ p: target });
    // The others' old nomination arrives late, then ours, then nothing is ours any more.
    cluster.update('p', { nominatedNodeName: 'c' });
    cluster.update('p', { nominatedNodeName: target });
    expect(recordIn(cluster, 'p')).toMatchObject({ ownNode: target, foreignNode: '', unseenNodes: [] });
    cluster.update('p', { nominatedNodeName: 'c' });
    expect(recordIn(cluster, 'p')).toMatchObject({ ownNode: '', foreignNode: 'c' });
  });
});

describe('our own nomination', () => {
  test('is recognised when it comes back late, also after it was withdrawn', () => {
    const cluster = twoFullNodes();
    cluster.pods(pod('p', { requests: requests(4000) }, HIGH));
    const first = cluster.decide();
    const { p: target } = nominations(first) as { p: string };
    const [victim] = victims(first) as [string];
    expect(nominations(cluster.step({ kind: 'evict-done', uid: victim, done: false }))).toEqual({ p: '' });
    cluster.update('p', { nominatedNodeName: target });
    expect(recordIn(cluster, 'p')).toMatchObject({ nominated: -1, ownNode: '', foreignNode: '' });
    cluster.update('p', { nominatedNodeName: '' });
    expect(recordIn(cluster, 'p')).toMatchObject({
      nominated: -1,
      ownNode: '',
      foreignNode: '',
      unseenNodes: [],
    });
  });

  test('that others clear is theirs to clear', () => {
    const cluster = twoFullNodes();
    cluster.pods(pod('p', { requests: requests(4000) }, HIGH));
    const { p: target } = nominations(cluster.decide()) as { p: string };
    cluster.update('p', { nominatedNodeName: target });
    cluster.update('p', { nominatedNodeName: '' });
    expect(recordIn(cluster, 'p').ownNode).toBe('');
    cluster.decide();
  });

  test('is cleared with a binding that failed', () => {
    const cluster = twoFullNodes();
    cluster.pods(pod('p', { requests: requests(4000) }, HIGH));
    const first = cluster.decide();
    const [victim] = victims(first) as [string];
    cluster.gone(victim);
    expect(bindings(cluster.decide())).toEqual({ p: victim.replace('on-', '') });
    expect(nominations(cluster.bindDone('p', 'failed'))).toEqual({ p: '' });
  });

  test('ends where the node cannot take the pod any more, though victims leave still', () => {
    const cluster = twoFullNodes();
    cluster.pods(pod('p', { requests: requests(4000) }, HIGH));
    const [victim] = victims(cluster.decide()) as [string];
    const [target, other] = victim === 'on-a' ? ['a', 'b'] : ['b', 'a'];
    cluster.update(victim, { deleting: true, preempted: true });
    cluster.nodes(node(target as string, { unschedulable: true }));
    const said = cluster.decide();
    expect(victims(said)).toEqual([`on-${other}`]);
    expect(nominations(said)).toEqual({ p: other });
  });

  test('ends with its node: the pod has others leave for it elsewhere, at once', () => {
    const cluster = twoFullNodes();
    cluster.pods(pod('p', { requests: requests(4000) }, HIGH));
    const [victim] = victims(cluster.decide()) as [string];
    const [target, other] = victim === 'on-a' ? ['a', 'b'] : ['b', 'a'];
    const said = [...cluster.step({ kind: 'node-gone', name: target as string })];
    said.push(...cluster.decide());
    expect(victims(said)).toEqual([`on-${other}`]);
    expect(nominations(said)).toEqual({ p: other });
  });

  test('holds the pod back only while victims of preemption leave', () => {
    const cluster = new TestCluster().nodes(node('a'), node('b'));
    // It leaves on its own, and slowly: a pod that waits for it may have another, less important pod evicted.
    cluster.others(
      'slow',
      'a',
      { requests: requests(4000) },
      { priority: 5, startedSeconds: 1, deleting: true },
    );
    cluster.others('boss', 'b', { requests: requests(4000) }, { priority: 50 });
    cluster.pods(pod('p', { requests: requests(4000) }, HIGH));
    const first = cluster.decide();
    expect(victims(first)).toEqual([]);
    expect(nominations(first)).toEqual({ p: 'a' });
    cluster.gone('boss');
    cluster.others('idle', 'b', { requests: requests(4000) }, { priority: 0 });
    const said = cluster.decide();
    expect(victims(said)).toEqual(['idle']);
    expect(nominations(said)).toEqual({ p: 'b' });
  });

  test('of another scheduler process is respected: its victims are known by their status', () => {
    const cluster = twoFullNodes();
    cluster.update('on-a', { deleting: true, preempted: true });
    cluster.pods(pod('p', { requests: requests(4000) }, { ...HIGH, nominatedNodeName: 'a' }));
    expect(victims(cluster.decide())).toEqual([]);
    cluster.gone('on-a');
    expect(bindings(cluster.decide())).toEqual({ p: 'a' });
  });

  test('does not go back and forth between nodes that are alike', () => {
    const cluster = new TestCluster().nodes(node('a'), node('b'));
    for (const name of ['a', 'b']) {
      cluster.others(`on-${name}`, name, { requests: requests(4000) }, { priority: 1, deleting: true });
    }
    cluster.pods(pod('p', { requests: requests(4000) }, HIGH));
    const { p: target } = nominations(cluster.decide()) as { p: string };
    for (let i = 0; i < 5; i++) {
      cluster.others(`x${i}`, 'elsewhere');
      cluster.nodes(node('a', { labels: { turn: `${i}` } }), node('b', { labels: { turn: `${i}` } }));
      expect(nominations(cluster.decide())).toEqual({});
    }
    expect(recordIn(cluster, 'p').ownNode).toBe(target);
  });
});
