/** Pods of Kubernetes files on emptied nodes: the pod scheduler decides, with every rule. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ApiObject } from '../../model/readers/read-object.ts';
import { loadInputs } from './inputs.ts';
import { compare } from './simulations.ts';
import {
  aClaim,
  aGroup,
  aLocalVolume,
  aNode,
  aPod,
  drawSnapshot,
  near,
  placeAgain,
  spreadOver,
  withClaim,
} from './snapshots.fixtures.ts';

const ZONE = 'topology.kubernetes.io/zone';
const LATER = { creationTimestamp: '2026-01-01T00:01:40Z' };
const labelled = (app: string): object => ({ labels: { app } });
const inGroup = (podGroupName: string): object => ({ schedulingGroup: { podGroupName } });
const SMALL = { cpu: '1' };

describe('rules', () => {
  test('affinity: beside a pod that is placed in the same run, or nowhere', async () => {
    const { whatIf, places, reasons, warnings } = await placeAgain([
      aNode('n1'),
      aNode('n2', { disk: 'ssd' }),
      aPod('web', near('podAffinity', 'db')),
      aPod('db', { nodeName: 'n1', nodeSelector: { disk: 'ssd' } }, labelled('db')),
      aPod('lost', near('podAffinity', 'nobody')),
    ]);
    expect(whatIf).toMatchObject({ decidedBy: 'pod-scheduler', kept: 0, pending: 3, pendingPlaced: 2 });
    expect(places).toEqual({ 'a/web': 'n2', 'a/db': 'n2' });
    expect(reasons['a/lost']).toContain("didn't match pod affinity rules");
    expect(warnings).toEqual([]);
  });

  test('anti-affinity: one a node, though two ran on one', async () => {
    const apart = { ...near('podAntiAffinity', 'x'), nodeName: 'n1' };
    const pods = ['x1', 'x2', 'x3'].map((name) => aPod(name, apart, labelled('x')));
    const { places, reasons, warnings } = await placeAgain([aNode('n1'), aNode('n2'), ...pods]);
    expect(Object.values(places).toSorted()).toEqual(['n1', 'n2']);
    expect(Object.values(reasons).join()).toContain("didn't match pod anti-affinity rules");
    expect(warnings).toEqual([]);
  });

  test('spread: over zones, not where there is room alone', async () => {
    const pods = ['x1', 'x2', 'x3', 'x4'].map((name) => aPod(name, spreadOver('x'), labelled('x')));
    const { places, reasons, warnings } = await placeAgain([
      aNode('n1', { [ZONE]: 'z1' }),
      aNode('n2', { [ZONE]: 'z2' }, {}, SMALL),
      ...pods,
    ]);
    expect(Object.values(places).toSorted()).toEqual(['n1', 'n1', 'n2']);
    expect(Object.values(reasons).join()).toContain("didn't match pod topology spread constraints");
    expect(warnings).toEqual([]);
  });

  test('taints: only pods that tolerate them; the others could never run', async () => {
    const { places, reasons, result } = await placeAgain([
      aNode('n1', {}, { taints: [{ key: 'gpu', effect: 'NoSchedule' }] }),
      aPod('tolerant', { tolerations: [{ key: 'gpu', operator: 'Exists' }] }),
      aPod('plain'),
    ]);
    expect(places).toEqual({ 'a/tolerant': 'n1' });
    expect(reasons['a/plain']).toContain('untolerated taint');
    expect(result.jobs).toMatchObject({ arrived: 2, running: 1, dropped: 1 });
  });

  test('gangs: all or none, also if members arrive one after the other', async () => {
    const member = (name: string, group: string, metadata: object = {}): ApiObject =>
      aPod(name, inGroup(group), metadata, { cpu: '3' });
    const { places, reasons, warnings } = await placeAgain([
      aNode('n1'),
      aNode('n2'),
      aGroup('three', 3),
      aGroup('two', 2),
      ...['t1', 't2', 't3'].map((name) => member(name, 'three')),
      member('d1', 'two'),
      member('d2', 'two', LATER),
    ]);
    expect(places).toEqual({ 'a/d1': expect.any(String), 'a/d2': expect.any(String) });
    expect(Object.keys(reasons).toSorted()).toEqual(['a/t1', 'a/t2', 'a/t3']);
    expect(warnings).toEqual([]);
  });

  test('priority: of pods that arrive together the most important is first, and nobody is preempted', async () => {
    const { whatIf, places } = await placeAgain([
      aNode('n1', {}, {}, SMALL),
      aPod('batch', { nodeName: 'n1', priority: 0 }),
      aPod('urgent', { priority: 1000 }),
    ]);
    expect(places).toEqual({ 'a/urgent': 'n1' });
    expect(whatIf).toMatchObject({ preempted: 0, waiting: ['a/batch'] });
  });

  test('preemption: a pod that arrives later takes the room of one of lower priority', async () => {
    const controller = [{ kind: 'ReplicaSet', name: 'batch', controller: true }];
    const { whatIf, result } = await placeAgain([
      aNode('n1', {}, {}, SMALL),
      aPod('batch', { priority: 0, terminationGracePeriodSeconds: 7 }, { ownerReferences: controller }),
      aPod('urgent', { priority: 1000 }, LATER),
    ]);
    expect(whatIf?.placements).toEqual([{ pod: 'a/urgent', node: 'n1', waitedSeconds: 107 }]);
    expect(whatIf?.victims).toEqual([
      { pod: 'a/batch', node: 'n1', by: 'a/urgent', atSeconds: 100, fate: 'waits', newNode: '' },
    ]);
    expect(result.jobs).toMatchObject({ arrived: 2, running: 1, waiting: 1 });
  });

  test('volumes: a pod goes where its volume is', async () => {
    const { places, reasons } = await placeAgain([
      aNode('n1'),
      aNode('n2'),
      ...aLocalVolume('n2'),
      aClaim('second', 'local'),
      aPod('first', withClaim('data')),
      aPod('second', withClaim('second')),
    ]);
    expect(places).toEqual({ 'a/first': 'n2' });
    expect(reasons['a/second']).toContain("didn't find available persistent volumes to bind");
  });
});

describe('inputs', () => {
  test('pods of another file arrive on the emptied nodes, with the objects of both', async () => {
    const { places, reasons, warnings } = await placeAgain(
      [aNode('n1'), aNode('n2'), ...aLocalVolume('n2'), aPod('own', { nodeName: 'n2' }, {}, { cpu: '4' })],
      {
        jobItems: [
          aNode('n3'),
          aGroup('g', 2),
          aPod('first', withClaim('data')),
          aPod('lone', inGroup('g')),
          aPod('apart', near('podAffinity', 'nobody')),
        ],
      },
    );
    expect(places).toEqual({ 'a/first': 'n2' });
    expect(Object.keys(reasons).toSorted()).toEqual(['a/apart', 'a/lone']);
    expect(warnings).not.toContainEqual(expect.stringContaining('ignored'));
  });

  test('attachments of pods that do not run count on no node', async () => {
    const drivers = [{ name: 'disk.csi', nodeID: 'n1', allocatable: { count: 1 } }];
    const attachment = {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'VolumeAttachment',
      metadata: { name: 'attached', uid: 'attached' },
      spec: { attacher: 'disk.csi', nodeName: 'n1', source: { persistentVolumeName: 'pv-old' } },
      status: { attached: true },
    };
    const old = {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'pv-old', uid: 'pv-old' },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        csi: { driver: 'disk.csi', volumeHandle: 'old' },
      },
    };
    const made = {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'made', uid: 'class' },
      provisioner: 'disk.csi',
      volumeBindingMode: 'WaitForFirstConsumer',
    };
    const csi = {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSINode',
      metadata: { name: 'n1', uid: 'csi' },
      spec: { drivers },
    };
    const { places, reasons } = await placeAgain([
      aNode('n1'),
      csi,
      made,
      old,
      attachment,
      ...['c1', 'c2'].map((name) => aClaim(name, 'made')),
      ...['c1', 'c2'].map((name) => aPod(name, withClaim(name))),
    ]);
    expect(Object.keys(places)).toHaveLength(1);
    expect(Object.values(reasons).join()).toContain('exceed max volume count');
  });

  test('a pod that has ended runs for its time, and counts as placed', async () => {
    const ended = {
      ...aPod('ended', { nodeName: 'n1' }),
      status: {
        phase: 'Succeeded',
        startTime: '2026-01-01T00:00:00Z',
        containerStatuses: [
          {
            state: {
              terminated: { startedAt: '2026-01-01T00:00:00Z', finishedAt: '2026-01-01T00:00:30Z' },
            },
          },
        ],
      },
    };
    const { whatIf, result } = await placeAgain([aNode('n1'), ended, aPod('runs', {}, LATER)]);
    expect(result.jobs).toMatchObject({ arrived: 2, finished: 1, running: 1 });
    expect(whatIf).toMatchObject({
      pending: 2,
      pendingPlaced: 2,
      pendingWaiting: 0,
      waiting: [],
      reasons: [],
    });
    expect(whatIf?.placements.map(({ pod }) => pod)).toEqual(['a/runs']);
  });

  test('pods that the horizon cuts off are not counted', async () => {
    const { whatIf, result } = await placeAgain([aNode('n1'), aPod('first'), aPod('later', {}, LATER)], {
      horizonSeconds: 50,
    });
    expect(result.jobs.arrived).toBe(1);
    expect(whatIf).toMatchObject({ pending: 1, pendingPlaced: 1, pendingWaiting: 0 });
  });

  test('virtual time begins with the first pod', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'teg-origin-'));
    const path = join(folder, 'cluster.json');
    const items = [aNode('n1'), aPod('later', {}, LATER), aPod('first')];
    writeFileSync(path, JSON.stringify({ kind: 'List', items }));
    try {
      const { world } = await loadInputs({ cluster: path, jobs: path, seed: 1, podScheduler: true });
      expect(world?.originSeconds).toBe(Date.parse('2026-01-01T00:00:00Z') / 1000);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('random clusters: every pod is placed or has a reason, and the books add up', async () => {
    let placed = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const { result, whatIf } = await placeAgain(drawSnapshot(seed), {
        failures: { mtbfSeconds: 1000, mttrSeconds: 100 },
        horizonSeconds: 1000,
      });
      const { arrived, finished, dropped, failed, running, waiting } = result.jobs;
      expect(finished + dropped + failed + running + waiting).toBe(arrived);
      expect(whatIf?.pendingPlaced).toBe(running);
      expect(whatIf?.placements.length).toBe(running);
      expect(whatIf?.reasons?.map(({ pod }) => pod)).toEqual(whatIf?.waiting);
      placed += running;
    }
    expect(placed).toBeGreaterThan(50);
  });
});

describe('cases that a zone still decides', () => {
  const items = [aNode('n1'), aPod('lone', inGroup('g')), aPod('web', near('podAffinity', 'nobody'))];
  const IGNORED = /gangs are ignored[\s\S]*affinity between pods is ignored/;

  test.each([
    [{ policy: 'fgd' }],
    [{ queue: 'strict-fifo' }],
    [{ typical: 'list' }],
    [{ retrySeconds: 30 }],
    [{ repeat: 2 }],
    [{ resample: true }],
    [{ zoneDecides: true }],
  ] as const)('%j: and ignored rules are reported', async (task) => {
    const { whatIf, warnings, result } = await placeAgain(items, { ...task, horizonSeconds: 10 });
    expect(whatIf).toBeUndefined();
    expect(result.jobs.running).toBe(result.jobs.arrived);
    expect(warnings.join('\n')).toMatch(IGNORED);
  });

  test('generated jobs', async () => {
    const { whatIf } = await placeAgain(items, { jobs: 'generated:5' });
    expect(whatIf).toBeUndefined();
  });

  test('teg compare', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'teg-compared-'));
    const path = join(folder, 'cluster.json');
    writeFileSync(path, JSON.stringify({ kind: 'List', items }));
    try {
      const common = { cluster: path, jobs: path, horizonSeconds: 10, seeds: [1], baseline: 'best-fit' };
      let warnings: readonly string[] = [];
      const { runs } = await compare(
        { ...common, policies: ['best-fit', 'teg'] },
        { workers: 1, onWarnings: (given) => (warnings = given) },
      );
      expect(runs.map(({ whatIf, jobs }) => [whatIf, jobs.running])).toEqual([
        [undefined, 2],
        [undefined, 2],
      ]);
      expect(warnings.join('\n')).toMatch(IGNORED);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
