/** Each rule of Kubernetes in a start from a snapshot: the scheduler's behaviour, by hand. */
import { describe, expect, test } from 'vitest';
import type { ApiObject } from '../../model/readers/read-object.ts';
import {
  aClaim,
  aGroup,
  aLocalVolume,
  aNode,
  aPod,
  drawSnapshot,
  near,
  placesOf,
  spreadOver,
  startFromObjects,
  withClaim,
} from './snapshots.fixtures.ts';

const ZONE = 'topology.kubernetes.io/zone';
const labelled = (app: string): object => ({ labels: { app } });
const inGroup = (podGroupName: string): object => ({ schedulingGroup: { podGroupName } });

/** @returns The nodes of the pods, and why the others have none. */
async function decided(
  ...items: ApiObject[]
): Promise<{ places: object; reasons: Record<string, string>; notes: readonly string[] }> {
  const { whatIf, warnings } = await startFromObjects(items);
  expect(whatIf.decidedBy).toBe('pod-scheduler');
  const reasons = Object.fromEntries((whatIf.reasons ?? []).map(({ pod, reason }) => [pod, reason]));
  return { places: placesOf(whatIf), reasons, notes: warnings };
}

describe('rules between pods and of nodes', () => {
  test('affinity: beside the pod that it looks for, or nowhere', async () => {
    const { places, reasons, notes } = await decided(
      aNode('n1'),
      aNode('n2'),
      aPod('db', { nodeName: 'n2' }, labelled('db')),
      aPod('web', near('podAffinity', 'db')),
      aPod('lost', near('podAffinity', 'nobody')),
    );
    expect(places).toEqual({ 'a/web': 'n2' });
    expect(reasons['a/lost']).toContain("didn't match pod affinity rules");
    expect(notes).toEqual([]);
  });

  test('anti-affinity: one a node, the third waits', async () => {
    const pods = ['x1', 'x2', 'x3'].map((name) => aPod(name, near('podAntiAffinity', 'x'), labelled('x')));
    const { places, reasons, notes } = await decided(aNode('n1'), aNode('n2'), ...pods);
    expect(Object.values(places).toSorted()).toEqual(['n1', 'n2']);
    expect(reasons['a/x3']).toContain("didn't match pod anti-affinity rules");
    expect(notes).toEqual([]);
  });

  test('spread: over zones, not where there is room alone', async () => {
    const pods = ['x1', 'x2', 'x3', 'x4'].map((name) => aPod(name, spreadOver('x'), labelled('x')));
    const { places, reasons, notes } = await decided(
      aNode('n1', { [ZONE]: 'z1' }),
      aNode('n2', { [ZONE]: 'z2' }, {}, { cpu: '1' }),
      ...pods,
    );
    expect(Object.values(places).toSorted()).toEqual(['n1', 'n1', 'n2']);
    expect(Object.values(reasons).join()).toContain("didn't match pod topology spread constraints");
    expect(notes).toEqual([]);
  });

  test('taints: only pods that tolerate them', async () => {
    const taints = [{ key: 'gpu', effect: 'NoSchedule' }];
    const { places, reasons } = await decided(
      aNode('n1', {}, { taints }),
      aPod('tolerant', { tolerations: [{ key: 'gpu', operator: 'Exists' }] }),
      aPod('plain'),
    );
    expect(places).toEqual({ 'a/tolerant': 'n1' });
    expect(reasons['a/plain']).toContain('untolerated taint');
  });

  test('several alternatives of node affinity: any of them, not the first alone', async () => {
    const term = (values: string[]): object => ({
      matchExpressions: [{ key: 'disk', operator: 'In', values }],
    });
    const nodeSelectorTerms = [term(['none']), { matchExpressions: [{ key: 'size', operator: 'Exists' }] }];
    const required = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } };
    const { places } = await decided(
      aNode('n1'),
      aNode('n2', { size: '1' }),
      aPod('p', { affinity: { nodeAffinity: required } }),
    );
    expect(places).toEqual({ 'a/p': 'n2' });
  });

  test('gates: a gated pod waits, and names the gate', async () => {
    const { places, reasons } = await decided(
      aNode('n1'),
      aPod('p', { schedulingGates: [{ name: 'quota' }] }),
    );
    expect(places).toEqual({});
    expect(reasons['a/p']).toContain('Scheduling is blocked due to non-empty scheduling gates');
  });
});

describe('volumes', () => {
  test('a pod goes where its volume is, and one without a volume waits', async () => {
    const { places, reasons, notes } = await decided(
      aNode('n1'),
      aNode('n2'),
      ...aLocalVolume('n2'),
      aClaim('second', 'local'),
      aPod('first', withClaim('data')),
      aPod('second', withClaim('second')),
    );
    expect(places).toEqual({ 'a/first': 'n2' });
    expect(reasons['a/second']).toContain("didn't find available persistent volumes to bind");
    expect(notes).toEqual([]);
  });

  test('a claim that was bound binds the next pod that uses it', async () => {
    const created = { creationTimestamp: '2026-01-02T00:00:00Z' };
    const { places } = await decided(
      aNode('n1'),
      aNode('n2', {}, {}, { cpu: '1' }),
      ...aLocalVolume('n2'),
      aPod('first', withClaim('data')),
      aPod('next', withClaim('data'), created),
    );
    // n2 is full: the second may not go to n1, although that has room.
    expect(places).toEqual({ 'a/first': 'n2' });
  });
});

describe('priorities and preemption', () => {
  test('a pod of higher priority takes the room of one that runs, after its grace period', async () => {
    const { whatIf } = await startFromObjects([
      aNode('n1', {}, {}, { cpu: '1' }),
      aPod('batch', { nodeName: 'n1', priority: 0, terminationGracePeriodSeconds: 7 }),
      aPod('urgent', { priority: 1000 }),
    ]);
    expect(whatIf).toMatchObject({ kept: 1, pending: 1, pendingPlaced: 1, preempted: 1 });
    expect(whatIf.placements).toEqual([{ pod: 'a/urgent', node: 'n1', waitedSeconds: 7 }]);
    expect(whatIf.victims).toEqual([
      { pod: 'a/batch', node: 'n1', by: 'a/urgent', atSeconds: 0, fate: 'gone', newNode: '' },
    ]);
    expect([whatIf.before.cpu, whatIf.after.cpu]).toEqual([1, 1]);
  });

  test('a victim with a controller comes back, elsewhere if there is room', async () => {
    const ownerReferences = [{ kind: 'ReplicaSet', name: 'rs', controller: true }];
    const pinned = { nodeSelector: { 'kubernetes.io/hostname': 'n1' } };
    const ask = async (cpu: string) => {
      const { whatIf, result } = await startFromObjects([
        aNode('n1', {}, {}, { cpu: '1' }),
        aNode('n2', {}, {}, { cpu }),
        aPod('batch', { nodeName: 'n1' }, { ownerReferences }),
        aPod('urgent', { priority: 1000, ...pinned }),
      ]);
      expect(result.jobs.requeues).toBe(1);
      return whatIf.victims?.map(({ fate, newNode }) => [fate, newNode]);
    };
    expect(await ask('1')).toEqual([['placed', 'n2']]);
    expect(await ask('500m')).toEqual([['waits', '']]);
  });

  test('among those that wait the most important goes first', async () => {
    const { places, reasons } = await decided(
      aNode('n1', {}, {}, { cpu: '1' }),
      aPod('early', { priority: 1 }),
      aPod('late', { priority: 2, preemptionPolicy: 'Never' }, { creationTimestamp: '2026-01-09T00:00:00Z' }),
    );
    expect(places).toEqual({ 'a/late': 'n1' });
    expect(reasons['a/early']).toContain('Insufficient cpu');
  });
});

describe('gangs', () => {
  const members = (group: string, count: number): ApiObject[] =>
    Array.from({ length: count }, (_, i) => aPod(`${group}-${i}`, inGroup(group)));

  test('all at once or not at all', async () => {
    const { places, reasons, notes } = await decided(
      aNode('n1'),
      aGroup('large', 5),
      aGroup('small', 3),
      ...members('large', 5),
      ...members('small', 3),
    );
    expect(places).toEqual({ 'a/small-0': 'n1', 'a/small-1': 'n1', 'a/small-2': 'n1' });
    expect(reasons['a/large-0']).toContain('pod group a/large needs 5 pods at once, 4 of 5 fit');
    expect(notes).toEqual([]);
  });

  test('a pod whose PodGroup is missing waits for it', async () => {
    const { whatIf, result } = await startFromObjects([aNode('n1'), aPod('lone', inGroup('g'))]);
    expect(whatIf.placements).toEqual([]);
    expect(whatIf.reasons).toEqual([
      { pod: 'a/lone', reason: expect.stringMatching(/waiting for.*pod ?group.*g/i) },
    ]);
    // Time that only passes until the scheduler reports does not count.
    expect(result.endSeconds).toBe(0);
  });

  test('gangs of a table of jobs start whole, beside the pods of the cluster', async () => {
    const rows = ['ring,0,50,1000,1,3,3', 'wide,0,Infinity,1000,1,9,9', 'last,10,Infinity,1000,1,1,1'];
    const items = [aNode('n1'), aPod('runs', { nodeName: 'n1' })];
    const { result, whatIf } = await startFromObjects(items, { jobRows: rows });
    expect(whatIf).toMatchObject({ kept: 1, pending: 0, decidedBy: 'pod-scheduler' });
    // The last one waits for the ring: one core is left of four, and the ring needs three.
    expect(result.jobs).toMatchObject({ arrived: 4, finished: 1, dropped: 1, running: 2 });
    expect(result.endSeconds).toBe(50);
    expect(result.wait?.max).toBe(40);
  });
});

describe('pods that come and go', () => {
  test('a pod that was being deleted leaves at its time, and its room is taken', async () => {
    const { whatIf } = await startFromObjects([
      aNode('n1', {}, {}, { cpu: '1' }),
      // Recorded when the last pod was made, one minute before its end.
      aPod('old', { nodeName: 'n1' }, { deletionTimestamp: '2026-01-01T00:02:00Z' }),
      aPod('new', {}, { creationTimestamp: '2026-01-01T00:01:00Z' }),
    ]);
    expect(whatIf.placements).toEqual([{ pod: 'a/new', node: 'n1', waitedSeconds: 60 }]);
    expect(whatIf.victims).toEqual([]);
  });

  test('pods of a node that is removed wait again, in their group', async () => {
    const members = ['m0', 'm1'].map((name) =>
      aPod(name, { nodeName: name === 'm0' ? 'n1' : 'n2', ...inGroup('g') }),
    );
    const { whatIf } = await startFromObjects([aNode('n1'), aNode('n2'), aGroup('g', 2), ...members], {
      whatIf: { removeNodes: ['n2'] },
    });
    // The gang has started: its member is decided on its own.
    expect(whatIf).toMatchObject({ kept: 1, pending: 1, pendingPlaced: 1 });
    expect(placesOf(whatIf)).toEqual({ 'a/m1': 'n1' });
  });

  test('a copy of a node has the volume limits of that, and its DaemonSet with it', async () => {
    const ownerReferences = [{ kind: 'DaemonSet', name: 'agent', controller: true }];
    const csi = {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSINode',
      metadata: { name: 'n1', uid: 'csi' },
      spec: { drivers: [{ name: 'disk.csi', nodeID: 'n1', allocatable: { count: 1 } }] },
    };
    const made = {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'made', uid: 'class' },
      provisioner: 'disk.csi',
      volumeBindingMode: 'WaitForFirstConsumer',
    };
    const claims = ['c1', 'c2', 'c3'];
    const { whatIf } = await startFromObjects(
      [
        aNode('n1'),
        csi,
        made,
        aPod('agent', { nodeName: 'n1' }, { ownerReferences }),
        ...claims.map((name) => aClaim(name, 'made')),
        ...claims.map((name) => aPod(name, withClaim(name))),
      ],
      { whatIf: { addNodes: [{ count: 1, node: 'n1' }] } },
    );
    expect(whatIf).toMatchObject({ kept: 2, pendingPlaced: 2, pendingWaiting: 1 });
    expect(Object.values(placesOf(whatIf)).toSorted()).toEqual(['n1', 'n1-copy-1']);
    expect(whatIf.reasons?.[0]?.reason).toContain('exceed max volume count');
  });

  test('manifests: limits stand for requests, a class for its priority, names for uids', async () => {
    const bare = (name: string, spec: object): ApiObject => ({ kind: 'Pod', metadata: { name }, spec });
    const asks = (cpu: string): object => ({ containers: [{ name: 'c', resources: { limits: { cpu } } }] });
    const { places, reasons } = await decided(
      { kind: 'PriorityClass', metadata: { name: 'gold' }, value: 10 },
      { kind: 'Node', metadata: { name: 'n1' }, status: { capacity: { cpu: '4', memory: '8Gi' } } },
      bare('plain', asks('3')),
      bare('gold', { ...asks('3'), priorityClassName: 'gold' }),
    );
    expect(places).toEqual({ 'default/gold': 'n1' });
    expect(reasons['default/plain']).toContain('Insufficient cpu');
  });
});

describe('jobs of a table', () => {
  test('are pods: their GPUs are those of the cluster, shares count whole, which is said', async () => {
    const amd = { 'amd.com/gpu': '2' };
    const { result, warnings } = await startFromObjects([aNode('n1', {}, {}, amd)], {
      jobRows: ['a,0,10,100,1,1,1,1,1000', 'b,0,10,100,1,1,1,1,500', 'c,0,10,100,1,1,1,1,500'],
    });
    expect(result.jobs).toMatchObject({ arrived: 3, finished: 3 });
    // The third has no device before one of the first two ends.
    expect(result.endSeconds).toBe(20);
    expect(warnings).toContain('shares of a GPU count as a whole one: jobs (2 times)');
  });
});

describe('cases that a zone still decides', () => {
  const items = [aNode('n1'), aPod('lone', inGroup('g')), aPod('web', near('podAffinity', 'nobody'))];

  test.each([
    [{ policy: 'fgd' }],
    [{ policy: 'kube-scheduler' }],
    [{ queue: 'strict-fifo' }],
    [{ typical: 'list' }],
    [{ retrySeconds: 30 }],
  ] as const)('%j: and ignored rules are reported', async (task) => {
    const { whatIf, warnings } = await startFromObjects(items, task);
    expect(whatIf).toMatchObject({ decidedBy: 'zone', pendingPlaced: 2 });
    expect(warnings.join('\n')).toMatch(/gangs are ignored[\s\S]*affinity between pods is ignored/);
  });
});

describe('nodes that fail', () => {
  test('their pods come back and are decided on again, and nothing stays behind', async () => {
    const pods = Array.from({ length: 4 }, (_, i) =>
      aPod(`p${i}`, near('podAntiAffinity', 'x'), labelled('x')),
    );
    const nodes = Array.from({ length: 4 }, (_, i) => aNode(`n${i}`));
    const { result, whatIf } = await startFromObjects([...nodes, ...pods], {
      jobRows: Array.from(
        { length: 200 },
        (_, i) => `j${i},${i * 100},300,1000,1,${1 + (i % 3)},${1 + (i % 3)}`,
      ),
      failures: { mtbfSeconds: 5000, mttrSeconds: 500 },
      horizonSeconds: 40_000,
    });
    expect(result.nodes.failures).toBeGreaterThan(10);
    expect(result.jobs.requeues).toBeGreaterThan(10);
    const { running, waiting, arrived, finished, failed, dropped } = result.jobs;
    expect(running + waiting + finished + failed + dropped).toBe(arrived);
    expect(finished).toBe(200);
    expect(new Set(whatIf.placements.map(({ node }) => node)).size).toBe(whatIf.placements.length);
  });

  test.each(['requeue', 'fail'] as const)(
    'random clusters, jobs, victims and failures: the books add up (%s)',
    async (lostPods) => {
      const seen = { victims: 0, lost: 0 };
      for (let seed = 1; seed <= 6; seed++) {
        const { result, whatIf } = await startFromObjects(drawSnapshot(seed), {
          jobRows: Array.from({ length: 100 }, (_, i) => {
            const pods = 1 + (i % 4);
            return `j${i},${(i * 37) % 3000},${50 + ((i * 91) % 400)},${500 + (i % 5) * 500},1,${pods},${pods}`;
          }),
          failures: { mtbfSeconds: 20_000, mttrSeconds: 500 },
          horizonSeconds: 10_000,
          lostPods,
        });
        const { arrived, finished, dropped, failed, running, waiting, requeues } = result.jobs;
        expect(finished + dropped + failed + running + waiting).toBe(arrived);
        const { gpu, cpu, memory } = result.allocation;
        for (const share of [gpu ?? 0, cpu, memory, whatIf.after.cpu, whatIf.after.memory]) {
          expect(share).toBeGreaterThanOrEqual(0);
          expect(share).toBeLessThanOrEqual(1);
        }
        seen.victims += whatIf.preempted ?? 0;
        seen.lost += requeues + failed;
      }
      expect(seen.victims).toBeGreaterThan(5);
      expect(seen.lost).toBeGreaterThan(20);
    },
  );
});
