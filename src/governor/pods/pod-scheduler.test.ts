import { describe, expect, test } from 'vitest';
import { bindings, GIB, node, pod, refusals, requests, TestCluster, taint } from './scheduler.fixtures.ts';

const VICTIMS = (nodes: number) =>
  `preemption: 0/${nodes} nodes are available: ${nodes} No preemption victims found for incoming pod.`;
const HELPLESS = (nodes: number) =>
  `preemption: 0/${nodes} nodes are available: ${nodes} Preemption is not helpful for scheduling.`;

describe('a pod', () => {
  test('is bound where it fits', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.pods(pod('p'));
    expect(cluster.wait(2).decide()).toEqual([
      {
        kind: 'bind',
        uid: 'p',
        namespace: 'default',
        name: 'p',
        node: 'a',
        claims: [],
        attempts: 1,
        waitedSeconds: 2,
        group: '',
      },
    ]);
    expect(cluster.decide()).toEqual([]);
  });

  test('fits to the byte, not to the MiB', () => {
    const cluster = new TestCluster().nodes(node('a', { memoryBytes: 3 * GIB + 1 }));
    cluster.pods(
      pod('p', { requests: requests(1, GIB) }),
      pod('q', { requests: requests(1, 2 * GIB + 2) }),
      pod('r', { requests: requests(1, 2 * GIB + 1) }),
    );
    const effects = cluster.decide();
    expect(bindings(effects)).toEqual({ p: 'a', r: 'a' });
    expect(refusals(effects)).toEqual({
      q: `0/1 nodes are available: 1 Insufficient memory. ${VICTIMS(1)}`,
    });
  });

  test('takes the whole of a node, not a thousandth of a core more', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 1999 }));
    cluster.pods(pod('p', { requests: requests(2000) }), pod('q', { requests: requests(1999) }));
    expect(bindings(cluster.decide())).toEqual({ q: 'a' });
  });

  test("counts towards a node's limit of pods, also if it requests nothing", () => {
    const cluster = new TestCluster().nodes(node('a', { podsMax: 2 }), node('none', { podsMax: 0 }));
    cluster.others('theirs', 'a', { requests: requests(0) });
    cluster.pods(pod('p', { requests: requests(0) }), pod('q', { requests: requests(0) }));
    const effects = cluster.decide();
    expect(bindings(effects)).toEqual({ p: 'a' });
    expect(refusals(effects)).toEqual({
      q: '0/2 nodes are available: 2 Too many pods. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.',
    });
  });

  test('fits an overcommitted node only if it needs none of the missing resources', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 1000 }));
    cluster.others('theirs', 'a', { requests: requests(3000, GIB) });
    cluster.pods(pod('p', { requests: requests(1) }), pod('q', { requests: requests(0, GIB) }));
    const effects = cluster.decide();
    expect(bindings(effects)).toEqual({ q: 'a' });
    expect(refusals(effects).p).toMatch('Insufficient cpu');
  });

  test('gets GPUs of the kind it names, and further resources', () => {
    const gpu = { 'nvidia.com/gpu': 2 };
    const cluster = new TestCluster().nodes(
      node('plain'),
      node('gpus', { extended: { 'nvidia.com/gpu': 4, 'example.com/nic': 1 } }),
    );
    cluster.pods(
      pod('p', { requests: requests(1, 0, gpu) }),
      pod('q', { requests: requests(1, 0, { ...gpu, 'example.com/nic': 1 }) }),
      pod('r', { requests: requests(1, 0, { 'example.com/nic': 1 }) }),
      pod('s', { requests: requests(1, 0, { 'amd.com/gpu': 1 }) }),
    );
    const effects = cluster.decide();
    expect(bindings(effects)).toEqual({ p: 'gpus', q: 'gpus' });
    expect(refusals(effects)).toEqual({
      r: '0/2 nodes are available: 2 Insufficient example.com/nic. preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.',
      s: `0/2 nodes are available: 2 Insufficient amd.com/gpu. ${HELPLESS(2)}`,
    });
  });

  test('keeps to nodes without GPUs where it needs none', () => {
    const cluster = new TestCluster().nodes(
      node('gpus', {
        cpuMilli: 8000,
        extended: { 'nvidia.com/gpu': 8 },
        labels: { 'nvidia.com/gpu.product': 'H100' },
      }),
      node('plain', { cpuMilli: 8000 }),
    );
    cluster.pods(...Array.from({ length: 7 }, (_, i) => pod(`p${i}`)));
    expect(new Set(Object.values(cluster.settle()))).toEqual(new Set(['plain']));
  });
});

describe('nodes', () => {
  test('whose GPUs appear later are used then', () => {
    const cluster = new TestCluster().nodes(node('a'), node('b'));
    cluster.pods(pod('p', { requests: requests(1, 0, { 'nvidia.com/gpu': 1 }) }));
    expect(bindings(cluster.decide())).toEqual({});
    cluster.nodes(
      node('b', { extended: { 'nvidia.com/gpu': 1 }, labels: { 'nvidia.com/gpu.product': 'T4' } }),
    );
    expect(bindings(cluster.decide())).toEqual({ p: 'b' });
    expect(cluster.attempts('p')).toBe(2);
  });

  test('that shrink below their use take nothing until pods are gone', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.pods(pod('p', { requests: requests(3000) }));
    cluster.settle();
    cluster.nodes(node('a', { cpuMilli: 2000 }));
    cluster.pods(pod('q', { requests: requests(500) }));
    expect(bindings(cluster.decide())).toEqual({});
    cluster.gone('p');
    expect(bindings(cluster.decide())).toEqual({ q: 'a' });
  });

  test('that go and come back have the pods that they had', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.others('theirs', 'a', { requests: requests(3000) });
    cluster.step({ kind: 'node-gone', name: 'a' });
    cluster.step({ kind: 'node-gone', name: 'a' });
    cluster.nodes(node('other', { cpuMilli: 100 }), node('a'));
    cluster.pods(pod('p', { requests: requests(2000) }), pod('q', { requests: requests(1000) }));
    expect(bindings(cluster.decide())).toEqual({ q: 'a' });
  });

  test('use the slots of those that are gone', () => {
    const cluster = new TestCluster();
    for (let round = 0; round < 20; round++) {
      const name = `node-${round}`;
      cluster.nodes(node(name, { cpuMilli: 1000 * (1 + (round % 3)) }));
      cluster.pods(pod(`p${round}`));
      expect(bindings(cluster.decide())).toEqual({ [`p${round}`]: name });
      cluster.bindDone(`p${round}`);
      cluster.gone(`p${round}`);
      cluster.step({ kind: 'node-gone', name });
    }
    expect(cluster.scheduler.internals.state.slots.count).toBe(1);
  });

  test('that are not known yet count the pods they have when they come', () => {
    const cluster = new TestCluster();
    cluster.others('theirs', 'late', { requests: requests(3500) });
    cluster.pods(pod('p'), pod('q', { requests: requests(500) }));
    expect(refusals(cluster.decide())).toEqual({
      p: 'no nodes available to schedule pods',
      q: 'no nodes available to schedule pods',
    });
    cluster.nodes(node('late'));
    expect(bindings(cluster.decide())).toEqual({ q: 'late' });
    cluster.gone('theirs');
    expect(bindings(cluster.decide())).toEqual({ p: 'late' });
  });

  test('that are cordoned or tainted take only pods that tolerate it', () => {
    const cluster = new TestCluster().nodes(
      node('cordoned', { unschedulable: true }),
      node('tainted', { taints: [taint('k', 'NoExecute')] }),
      node('soft', { taints: [taint('k', 'PreferNoSchedule')], podsMax: 1 }),
    );
    const tolerate = (key: string) => [{ key, operator: 'Exists' as const, value: '', effect: '' as const }];
    cluster.pods(
      pod('p'),
      pod('q'),
      pod('r', { tolerations: tolerate('k') }),
      pod('s', { tolerations: tolerate('node.kubernetes.io/unschedulable') }),
    );
    expect(bindings(cluster.decide())).toMatchObject({ p: 'soft', r: 'tainted', s: 'cordoned' });
    expect(cluster.nodeOf('q')).toBe('');
  });
});

describe('a decided pod', () => {
  test('counts at once, and so do pods of other schedulers', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.others('theirs', 'a', { requests: requests(2000) });
    cluster.pods(pod('p', { requests: requests(1500) }), pod('q'));
    expect(bindings(cluster.decide())).toEqual({ p: 'a' });
    // Another scheduler binds beyond the capacity: counted, not refused.
    cluster.others('more', 'a', { requests: requests(5000) });
    cluster.gone('theirs');
    expect(bindings(cluster.decide())).toEqual({});
    cluster.gone('more');
    expect(bindings(cluster.decide())).toEqual({ q: 'a' });
  });

  test('is bound once the server says so, or the watch is faster', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.pods(pod('p'), pod('q'));
    cluster.decide();
    cluster.bindDone('p');
    cluster.update('q', { nodeName: 'a' });
    cluster.bindDone('q', 'conflict');
    expect(cluster.scheduler.explain('p')?.state).toBe('bound');
    expect(cluster.scheduler.explain('q')?.state).toBe('bound');
    expect(cluster.decide()).toEqual([]);
    expect(cluster.scheduler.counters).toMatchObject({ scheduled: 2, bound: 1, notBound: 1 });
  });

  test('that updates from before the binding speak of stays where it is', () => {
    const cluster = new TestCluster().nodes(node('a'));
    const p = pod('p');
    cluster.pods(p);
    cluster.decide();
    cluster.pods(p);
    cluster.bindDone('p');
    cluster.pods({ ...p, template: { ...p.template, labels: { stale: 'yes' } } });
    expect(cluster.nodeOf('p')).toBe('a');
    expect(cluster.decide()).toEqual([]);
  });

  test.each(['failed', 'conflict', 'no-node'] as const)(
    'gives its room back on %s, and is tried again later',
    (outcome) => {
      const cluster = new TestCluster().nodes(node('a', { cpuMilli: 1000 }));
      cluster.pods(pod('p', {}, { priority: 1 }), pod('q'));
      expect(bindings(cluster.decide())).toEqual({ p: 'a' });
      cluster.bindDone('p', outcome);
      expect(bindings(cluster.decide())).toEqual({ q: 'a' });
      cluster.bindDone('q');
      expect(bindings(cluster.wait(1).decide())).toEqual({});
      cluster.gone('q');
      expect(bindings(cluster.wait(1).decide())).toEqual({ p: 'a' });
    },
  );

  test('that is gone gives its room back, and is forgotten with its event', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 1000 }));
    cluster.pods(pod('p', {}, { priority: 1 }), pod('q'));
    cluster.decide();
    cluster.bindDone('p', 'gone');
    expect(bindings(cluster.decide())).toEqual({ q: 'a' });
    cluster.gone('p');
    expect(cluster.scheduler.podCount).toBe(1);
    cluster.bindDone('p', 'gone');
    cluster.gone('p');
  });

  test('that another scheduler bound elsewhere counts there', () => {
    const cluster = new TestCluster().nodes(node('a'), node('b'));
    cluster.pods(pod('p'));
    const [there] = Object.values(bindings(cluster.decide()));
    const elsewhere = there === 'a' ? 'b' : 'a';
    cluster.update('p', { nodeName: elsewhere });
    cluster.bindDone('p', 'conflict');
    expect(cluster.nodeOf('p')).toBe(elsewhere);
  });

  test('has ended, holds nothing', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 1000 }));
    cluster.pods(pod('p'));
    cluster.settle();
    cluster.pods(pod('q'));
    expect(bindings(cluster.decide())).toEqual({});
    cluster.update('p', { ended: true });
    expect(bindings(cluster.decide())).toEqual({ q: 'a' });
  });

  test('that is being deleted holds its room until it is gone', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 1000 }));
    cluster.pods(pod('p'));
    cluster.settle();
    cluster.update('p', { deleting: true });
    cluster.pods(pod('q'), pod('r', {}, { deleting: true }));
    expect(bindings(cluster.decide())).toEqual({});
    cluster.gone('p');
    expect(bindings(cluster.decide())).toEqual({ q: 'a' });
  });
});

describe('stillHolds', () => {
  function decided(): TestCluster {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.pods(pod('p'));
    cluster.decide();
    return cluster;
  }

  test('is true for decided pods, and for no others', () => {
    const { scheduler } = decided();
    expect(scheduler.stillHolds('p', 'a')).toBe(true);
    expect(scheduler.stillHolds('p', 'b')).toBe(false);
    expect(scheduler.stillHolds('q', 'a')).toBe(false);
  });

  const changes: [string, (cluster: TestCluster) => void, boolean][] = [
    ['the node is gone', (cluster) => cluster.step({ kind: 'node-gone', name: 'a' }), false],
    ['the node is cordoned', (cluster) => cluster.nodes(node('a', { unschedulable: true })), false],
    ['the node is tainted', (cluster) => cluster.nodes(node('a', { taints: [taint('k')] })), false],
    [
      'a soft taint came',
      (cluster) => cluster.nodes(node('a', { taints: [taint('k', 'PreferNoSchedule')] })),
      true,
    ],
    ['the node has shrunk', (cluster) => cluster.nodes(node('a', { cpuMilli: 900 })), false],
    ['another pod took the room', (cluster) => cluster.others('x', 'a', { requests: requests(3001) }), false],
    [
      'another pod took other room',
      (cluster) => cluster.others('x', 'a', { requests: requests(3000, 99 * GIB) }),
      true,
    ],
    ['the pod is being deleted', (cluster) => cluster.update('p', { deleting: true }), false],
    ['the pod is gone', (cluster) => cluster.gone('p'), false],
    ['the pod is bound', (cluster) => cluster.bindDone('p'), false],
  ];
  test.each(changes)('where %s', (_, change, holds) => {
    const cluster = decided();
    change(cluster);
    expect(cluster.scheduler.stillHolds('p', 'a')).toBe(holds);
  });
});

test('a pod that is being deleted is not queued again when its binding failed', () => {
  const cluster = new TestCluster().nodes(node('a'));
  cluster.pods(pod('p'));
  expect(bindings(cluster.decide())).toEqual({ p: 'a' });
  cluster.update('p', { deleting: true });
  cluster.bindDone('p', 'failed');
  expect(bindings(cluster.wait(60).decide())).toEqual({});
  expect(cluster.scheduler.view().waitingCount).toBe(0);
});
