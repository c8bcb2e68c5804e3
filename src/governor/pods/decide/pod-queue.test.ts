import { describe, expect, test } from 'vitest';
import type { PodAffinityTerm } from '../../../model/kubernetes/pod.ts';
import type { PodEvent } from '../pod-events.ts';
import {
  bindings,
  node,
  pod,
  refusals,
  requests,
  selector,
  TestCluster,
  taint,
} from '../scheduler.fixtures.ts';
import { PodState } from '../state/pod-records.ts';

const LARGE = { requests: requests(9000) };

function inOrder(cluster: TestCluster): string[] {
  return Object.keys(bindings(cluster.decide()));
}

describe('the order', () => {
  test('is that of priority, then of creation, then of arrival', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 100_000 }));
    cluster.pods(
      pod('late', {}, { createdSeconds: 9 }),
      pod('first', {}, { createdSeconds: 5 }),
      pod('second', {}, { createdSeconds: 5 }),
      pod('high', {}, { createdSeconds: 99, priority: 1 }),
      pod('low', {}, { createdSeconds: 1, priority: -1 }),
    );
    expect(inOrder(cluster)).toEqual(['high', 'first', 'second', 'late', 'low']);
  });

  test('holds for pods that wait for the same room', () => {
    const cluster = new TestCluster();
    cluster.pods(
      pod('b', {}, { createdSeconds: 2 }),
      pod('a', {}, { createdSeconds: 1 }),
      pod('c', {}, { priority: 1 }),
    );
    cluster.decide();
    cluster.nodes(node('n', { cpuMilli: 2000 }));
    expect(inOrder(cluster)).toEqual(['c', 'a']);
  });

  test('lets no fitting pod wait for one that does not fit', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.pods(pod('huge', LARGE, { priority: 1000 }), pod('p'));
    expect(inOrder(cluster)).toEqual(['p']);
    cluster.pods(pod('q'));
    expect(inOrder(cluster)).toEqual(['q']);
    expect(cluster.attempts('huge')).toBe(1);
  });

  test('decides the requested number at a time', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 100_000 }));
    cluster.pods(...Array.from({ length: 5 }, (_, i) => pod(`p${i}`)));
    expect(cluster.step({ kind: 'decide', max: 2 })).toHaveLength(2);
    expect(cluster.scheduler.hasWork).toBe(true);
    expect(cluster.step({ kind: 'decide', max: 0 })).toHaveLength(0);
    expect(cluster.step({ kind: 'decide', max: 9 })).toHaveLength(3);
  });
});

describe('a back-off', () => {
  test('doubles up to its most, with a jitter of half of it', () => {
    const cluster = new TestCluster({ backoffSecondsFirst: 1, backoffSecondsMax: 6 }).nodes(node('a'));
    cluster.pods(pod('p'));
    const waits: number[] = [];
    for (let i = 0; i < 8; i++) {
      expect(bindings(cluster.decide())).toEqual({ p: 'a' });
      cluster.bindDone('p', 'failed');
      const wait = cluster.scheduler.dueSeconds - cluster.timeSeconds;
      waits.push(wait);
      expect(cluster.wait(wait * 0.99).decide()).toEqual([]);
      cluster.wait(wait * 0.02);
    }
    [1, 2, 4, 6, 6, 6, 6, 6].forEach((most, i) => {
      expect(waits[i]).toBeGreaterThanOrEqual(most / 2);
      expect(waits[i]).toBeLessThanOrEqual(most);
    });
    expect(new Set(waits.map((wait) => wait.toFixed(4))).size).toBe(8);
  });

  test('does not block other pods', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 100_000 }));
    cluster.pods(pod('p', {}, { priority: 9 }));
    cluster.decide();
    cluster.bindDone('p', 'failed');
    cluster.pods(pod('q'));
    expect(inOrder(cluster)).toEqual(['q']);
  });
});

describe('a pod that nothing fits', () => {
  /** Its attempts after each change. */
  function attemptsAfter(cluster: TestCluster, uid: string, changes: readonly (() => unknown)[]): number[] {
    return changes.map((change) => {
      change();
      cluster.decide();
      return cluster.attempts(uid);
    });
  }

  test('is tried when a node changes so that it fits, and at no other change', () => {
    const cluster = new TestCluster().nodes(node('a'), node('b', { cpuMilli: 500 }));
    cluster.others('x', 'a', { requests: requests(3000) });
    cluster.others('y', 'a', { requests: requests(500) });
    cluster.others('z', 'b', { requests: requests(300) });
    cluster.pods(pod('p', { requests: requests(2000) }));
    const attempts = attemptsAfter(cluster, 'p', [
      () => undefined,
      () => cluster.gone('y'),
      () => cluster.gone('z'),
      () => cluster.nodes(node('c', { cpuMilli: 1999 })),
      () => cluster.nodes(node('c', { cpuMilli: 1999, labels: { a: 'b' } })),
      () => cluster.nodes(node('d', { taints: [taint('k')] })),
      () => cluster.step({ kind: 'node-gone', name: 'b' }),
      () => cluster.pods(pod('other', LARGE)),
      () => cluster.wait(1000),
      () => cluster.step({ kind: 'claim-gone', key: 'default/x' }),
      () => cluster.nodes(node('d')),
    ]);
    expect(attempts).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2]);
    expect(cluster.nodeOf('p')).toBe('d');
  });

  test('is tried once for each of its kind that finds room', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 4000 }));
    cluster.others('x', 'a', { requests: requests(4000) });
    const names = Array.from({ length: 50 }, (_, i) => `p${String(i).padStart(2, '0')}`);
    cluster.pods(...names.map((name) => pod(name)));
    cluster.decide();
    cluster.gone('x');
    expect(inOrder(cluster)).toEqual(['p00', 'p01', 'p02', 'p03']);
    expect(names.map((name) => cluster.attempts(name))).toEqual([2, 2, 2, 2, 2, ...Array(45).fill(1)]);
  });

  test('passes its wake-up on if it is gone before it was decided', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 1000 }));
    cluster.others('x', 'a');
    cluster.pods(pod('p'), pod('q'), pod('first', LARGE, { priority: 1 }));
    cluster.decide();
    cluster.gone('x');
    // Woken, but another pod's turn comes first, and then it is gone.
    cluster.pods(pod('second', LARGE, { priority: 1 }));
    cluster.step({ kind: 'decide', max: 1 });
    cluster.gone('p');
    expect(bindings(cluster.decide())).toEqual({ q: 'a' });
  });

  test('is tried when pods come or go that its rules look at', () => {
    const near: PodAffinityTerm = {
      topologyKey: 'kubernetes.io/hostname',
      selector: selector('app', 'db'),
      namespaces: ['default'],
      namespaceSelector: undefined,
    };
    const cluster = new TestCluster().nodes(node('a'), node('b'));
    cluster.pods(pod('near', { affinity: [near] }));
    cluster.others('enemy', 'a', { labels: { app: 'db' } });
    cluster.others('enemy-too', 'b', { labels: { app: 'db' } });
    cluster.pods(pod('far', { antiAffinity: [near], requests: requests(10) }));
    expect(bindings(cluster.decide())).toHaveProperty('near');
    const attempts = attemptsAfter(cluster, 'far', [
      () => cluster.others('x', 'a', { labels: { app: 'web' } }),
      () => cluster.gone('x'),
      () => cluster.gone('enemy-too'),
    ]);
    // It does not lack the room that x held.
    expect(attempts).toEqual([1, 1, 2]);
    expect(cluster.nodeOf('far')).toBe('b');
  });

  test('that others keep away by their anti-affinity is tried when they are gone', () => {
    const away: PodAffinityTerm = {
      topologyKey: 'zone',
      selector: selector('app', 'web'),
      namespaces: ['default'],
      namespaceSelector: undefined,
    };
    const labels = { zone: 'z' };
    const cluster = new TestCluster().nodes(node('a', { labels }), node('b', { labels }));
    cluster.others('hermit', 'a', { antiAffinity: [away] });
    cluster.pods(pod('p', { labels: { app: 'web' } }));
    expect(refusals(cluster.decide()).p).toMatch(
      "2 node(s) didn't satisfy existing pods anti-affinity rules",
    );
    cluster.others('x', 'a', { requests: requests(4000) });
    cluster.gone('hermit');
    expect(bindings(cluster.decide())).toEqual({ p: 'b' });
  });

  test('waits for its claim', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.pods(pod('p', { claims: ['data'] }), pod('q', { claims: ['other'] }));
    expect(refusals(cluster.decide()).p).toBe(
      '0/1 nodes are available: persistentvolumeclaim "data" not found. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
    );
    const unbound = { volumeName: '', bound: false, unusable: false, selectedNode: '', className: 'local' };
    cluster.step({
      kind: 'storage-class',
      storageClass: {
        name: 'local',
        waitForFirstConsumer: true,
        provisioner: 'example.com/csi',
        allowedTopologies: undefined,
      },
    });
    cluster.step({
      kind: 'claim',
      claim: { key: 'default/data', uid: 'data', ...unbound, accessModes: ['ReadWriteOnce'], bytes: 1 },
    });
    const effects = cluster.decide();
    expect(bindings(effects)).toEqual({ p: 'a' });
    expect(effects[0]).toMatchObject({ claims: [{ claim: 'data', volume: '' }] });
  });

  const claim = {
    key: 'default/data',
    uid: 'data',
    volumeName: '',
    className: 'local',
    bound: false,
    unusable: false,
    selectedNode: '',
    accessModes: ['ReadWriteOnce'],
    bytes: 1,
  };
  const storageClass = {
    name: 'local',
    waitForFirstConsumer: true,
    provisioner: 'kubernetes.io/no-provisioner',
    allowedTopologies: undefined,
  };
  const volume = {
    name: 'v',
    nodeTerms: undefined,
    labels: {},
    className: 'local',
    claim: '',
    claimUid: '',
    accessModes: ['ReadWriteOnce'],
    bytes: 1,
    available: true,
    driver: '',
    handle: '',
  };
  const disk = {
    ...volume,
    claim: 'default/data',
    claimUid: 'data',
    driver: 'csi',
    handle: 'h',
    available: false,
  };
  const bound = { ...claim, bound: true, volumeName: 'v' };
  const made = { ...storageClass, provisioner: 'csi' };
  const capacity = { key: 'csi/c', className: 'local', nodes: [] };

  test.each<[string, PodEvent[], PodEvent]>([
    ['a volume that appears', [{ kind: 'claim', claim }], { kind: 'volume', volume }],
    [
      'a volume that is released from another claim',
      [
        { kind: 'claim', claim },
        { kind: 'volume', volume: { ...volume, claim: 'default/other', claimUid: 'x', available: false } },
      ],
      { kind: 'volume', volume },
    ],
    [
      'a provisioner',
      [{ kind: 'claim', claim }],
      { kind: 'storage-class', storageClass: { ...storageClass, provisioner: 'csi' } },
    ],
    [
      'a higher limit of the node',
      [
        { kind: 'claim', claim: bound },
        { kind: 'volume', volume: disk },
        { kind: 'volume-limits', limits: { name: 'a', limits: { csi: 0 } } },
      ],
      { kind: 'volume-limits', limits: { name: 'a', limits: { csi: 1 } } },
    ],
    [
      'a volume that is detached from the node',
      [
        { kind: 'claim', claim: bound },
        { kind: 'volume', volume: disk },
        { kind: 'volume', volume: { ...disk, name: 'w', handle: 'w', claim: 'default/w' } },
        { kind: 'volume-limits', limits: { name: 'a', limits: { csi: 1 } } },
        { kind: 'volume-attachment', attachment: { name: 'at', node: 'a', attacher: 'csi', volume: 'w' } },
      ],
      { kind: 'volume-attachment-gone', name: 'at' },
    ],
    [
      'storage that is freed',
      [
        { kind: 'claim', claim },
        { kind: 'storage-class', storageClass: made },
        { kind: 'csi-driver', driver: { name: 'csi', tracksCapacity: true } },
        { kind: 'storage-capacity', capacity: { ...capacity, bytes: 0 } },
      ],
      { kind: 'storage-capacity', capacity: { ...capacity, bytes: 5 } },
    ],
    [
      'a driver that no longer reports its remaining storage',
      [
        { kind: 'claim', claim },
        { kind: 'storage-class', storageClass: made },
        { kind: 'csi-driver', driver: { name: 'csi', tracksCapacity: true } },
      ],
      { kind: 'csi-driver', driver: { name: 'csi', tracksCapacity: false } },
    ],
  ])('is woken by %s', (_, before, event) => {
    const cluster = new TestCluster().nodes(node('a'));
    for (const one of [{ kind: 'storage-class', storageClass } as const, ...before]) cluster.step(one);
    cluster.pods(pod('p', { claims: ['data'] }));
    expect(refusals(cluster.decide()).p).toMatch(/^0\/1 nodes are available/);
    expect(bindings(cluster.decide())).toEqual({});
    cluster.step(event);
    expect(bindings(cluster.decide())).toEqual({ p: 'a' });
  });
});

describe('reports', () => {
  test('are the stock text, sent once as long as it stays the same', () => {
    const cluster = new TestCluster().nodes(
      node('a', { cpuMilli: 1000 }),
      node('b', { cpuMilli: 1000, podsMax: 0 }),
      node('c', { unschedulable: true }),
      node('d', { taints: [taint('k')] }),
    );
    cluster.pods(pod('p', { ...LARGE, nodeSelector: {} }));
    const first = cluster.decide();
    expect(first).toEqual([
      {
        kind: 'unschedulable',
        uid: 'p',
        namespace: 'default',
        name: 'p',
        message:
          '0/4 nodes are available: 1 Too many pods, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, 2 Insufficient cpu. preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.',
        reason: 'Unschedulable',
        plugins: ['NodeResourcesFit', 'NodeUnschedulable', 'TaintToleration'],
        generation: 1,
        renewed: false,
      },
    ]);
    // Tried again in vain: the same report is not repeated.
    cluster.nodes(node('e', { cpuMilli: 9000 }));
    cluster.others('x', 'e');
    expect(refusals(cluster.decide())).toEqual({});
    cluster.step({ kind: 'namespace', name: 'x', labels: {} });
    expect(Object.keys(refusals(cluster.decide()))).toEqual(['p']);
    cluster.step({ kind: 'namespace', name: 'y', labels: {} });
    expect(refusals(cluster.decide())).toEqual({});
    expect(cluster.attempts('p')).toBe(3);
  });

  test('of a pod with an unsupported requirement names it, and the pod is left alone', () => {
    const cluster = new TestCluster().nodes(node('a'));
    const said = cluster.pods(
      pod('p', { unsupported: ['dynamic resource claims (spec.resourceClaims)', 'x'] }),
    );
    expect(refusals(said)).toEqual({
      p: 'TEG does not schedule this pod: not supported: dynamic resource claims (spec.resourceClaims), x',
    });
    expect(cluster.decide()).toEqual([]);
    expect(cluster.update('p', {})).toEqual([]);
    expect(cluster.attempts('p')).toBe(0);
  });
});

describe('a gated pod', () => {
  test('is not tried before its last gate is gone, and waits only from then', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.pods(pod('p', {}, { gates: ['x', 'y'] }));
    expect(cluster.decide()).toEqual([]);
    cluster.wait(10).update('p', { gates: ['y'] });
    expect(cluster.decide()).toEqual([]);
    expect(cluster.scheduler.view().podsIn(PodState.Gated)).toBe(1);
    cluster.wait(10).update('p', { gates: [] });
    expect(cluster.wait(3).decide()).toMatchObject([{ kind: 'bind', waitedSeconds: 3 }]);
  });
});

describe('the limit of waiting pods', () => {
  test('keeps the rest out, says so, and lets them in by their turn', () => {
    const cluster = new TestCluster({ waitingPodsMax: 2 });
    cluster.pods(pod('p', LARGE), pod('q', LARGE));
    const said = cluster.pods(pod('low'), pod('high', {}, { priority: 5 }));
    expect(refusals(said)).toEqual({
      low: "TEG's queue is full: 2 pods wait; raise queue.waitingPodsMax",
      high: "TEG's queue is full: 2 pods wait; raise queue.waitingPodsMax",
    });
    cluster.nodes(node('a'));
    expect(bindings(cluster.decide())).toEqual({});
    const view = cluster.scheduler.view();
    expect([view.podsIn(PodState.Waiting), view.podsIn(PodState.OverLimit)]).toEqual([2, 2]);
    expect(cluster.scheduler.hasWork).toBe(false);
    cluster.gone('p');
    expect(cluster.scheduler.hasWork).toBe(true);
    expect(inOrder(cluster)).toEqual(['high', 'low']);
  });
});
