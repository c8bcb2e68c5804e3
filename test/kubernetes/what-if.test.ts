/**
 * A recorded live run, simulated again from the snapshot that was taken before it: the same pods on the same nodes.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { startControlPlane } from '../../lab/control-plane/start.ts';
import { near, spreadOver } from '../../src/drivers/embedded/snapshots.fixtures.ts';
import type { ApiClient } from '../../src/drivers/kubernetes/client/api.ts';
import { clientOf, describeWithControlPlane } from './control-plane-fixture.ts';
import { RunningTeg, runTeg } from './teg-command.ts';

const PODS = '/api/v1/namespaces/default/pods';
const GROUPS = '/apis/scheduling.k8s.io/v1alpha2/namespaces/default/podgroups';
const ZONE = 'topology.kubernetes.io/zone';
const HOST = 'kubernetes.io/hostname';
const GPU = 'nvidia.com/gpu';
const TOLERANT = { tolerations: [{ key: 'gpu', operator: 'Exists' }] };

interface LivePod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly message?: string }[] };
}

describeWithControlPlane('what-if and a live run', [], () => {
  let plane: ControlPlane;
  let client: ApiClient;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'teg-what-if-live-'));
    plane = await startControlPlane({});
    client = clientOf(plane.kubeconfig);
    await fill();
  }, 120_000);

  afterAll(async () => {
    await client?.close();
    await plane?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  async function create(path: string, body: object): Promise<void> {
    const answer = await client.request({ method: 'POST', path, body });
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  }

  async function addNode(name: string, labels: object, spec: object, more: object = {}): Promise<void> {
    const allocatable = { cpu: '4', memory: '16Gi', pods: '110', ...more };
    const status = { capacity: allocatable, allocatable, conditions: [{ type: 'Ready', status: 'True' }] };
    await create('/api/v1/nodes', { metadata: { name, labels: { [HOST]: name, ...labels } }, spec, status });
  }

  async function addPods(
    count: number,
    prefix: string,
    spec: object,
    resources: object = { cpu: '500m' },
  ): Promise<void> {
    const limits = GPU in resources ? { [GPU]: resources[GPU] } : {};
    const containers = [{ name: 'c', image: 'x', resources: { requests: resources, limits } }];
    for (let i = 0; i < count; i++) {
      const metadata = { name: `${prefix}-${i}`, labels: { app: prefix } };
      await create(PODS, {
        metadata,
        spec: { schedulerName: 'teg', terminationGracePeriodSeconds: 0, containers, ...spec },
      });
    }
  }

  async function addGang(name: string, minCount: number, count: number, cpu: string): Promise<void> {
    const spec = { schedulingPolicy: { gang: { minCount } } };
    await create(GROUPS, {
      apiVersion: 'scheduling.k8s.io/v1alpha2',
      kind: 'PodGroup',
      metadata: { name },
      spec,
    });
    await addPods(count, name, { schedulingGroup: { podGroupName: name } }, { cpu });
  }

  /** Something of everything: what runs, and what waits. All of one scheduler: its watch of others' pods answers before or after that of its own. */
  async function fill(): Promise<void> {
    for (let i = 0; i < 12; i++)
      await addNode(`n${i}`, { [ZONE]: `z${i % 3}` }, i === 11 ? { unschedulable: true } : {});
    const taints = [{ key: 'gpu', value: '', effect: 'NoSchedule' }];
    for (let i = 0; i < 3; i++) await addNode(`gpu-${i}`, { [ZONE]: `z${i}` }, { taints }, { [GPU]: '4' });
    await addNode('old', { pool: 'old' }, {}, { cpu: '1' });
    await addPods(1, 'batch', { nodeName: 'old', priority: 0 }, { cpu: '1' });
    await addPods(2, 'cache', { nodeName: 'n4' });
    await addPods(3, 'busy', { nodeName: 'n0' });
    await addPods(20, 'plain', {}, { cpu: '300m', memory: '1Gi' });
    await addPods(3, 'important', { priority: 100 }, { cpu: '1500m' });
    await addPods(5, 'apart', near('podAntiAffinity', 'apart'), { cpu: '200m' });
    await addPods(3, 'beside', near('podAffinity', 'cache', ZONE), { cpu: '700m' });
    await addPods(7, 'spread', spreadOver('spread'), { cpu: '250m' });
    await addPods(4, 'soft', spreadOver('soft', 'ScheduleAnyway'), { cpu: '100m' });
    await addPods(6, 'trains', TOLERANT, { cpu: '500m', [GPU]: '2' });
    await addPods(2, 'shut-out', {}, { cpu: '100m', [GPU]: '1' });
    await addGang('ring', 4, 4, '1200m');
    await addGang('part', 3, 5, '800m');
    await addGang('too-large', 9, 9, '3900m');
    await addPods(1, 'lone', { schedulingGroup: { podGroupName: 'missing' } });
    await addPods(1, 'gated', { schedulingGates: [{ name: 'example.com/quota' }] });
    await addPods(1, 'urgent', { priority: 1000, nodeSelector: { pool: 'old' } }, { cpu: '1' });
  }

  async function livePods(): Promise<readonly LivePod[]> {
    const { body } = await client.request({ method: 'GET', path: PODS });
    return (body as { items: readonly LivePod[] }).items;
  }

  /** Lets a scheduler work until nothing has changed for five seconds, and the missing group was reported. */
  async function schedule(log: string): Promise<readonly LivePod[]> {
    const config = join(folder, 'teg.yaml');
    writeFileSync(
      config,
      stringify({
        apiVersion: 'teg.dev/v1alpha1',
        kind: 'SchedulerConfiguration',
        server: { bindAddress: '127.0.0.1', port: 0, insecureLoopback: true },
      }),
    );
    const teg = new RunningTeg(['scheduler', '--config', config, '--record', log], {
      kubeconfig: plane.kubeconfig,
      folder,
    });
    try {
      let before = '';
      for (let quiet = 0; quiet < 5; quiet++) {
        await delay(1000);
        const now = await livePods();
        const isTold = now.some(({ status }) =>
          status.conditions?.some(({ message }) => message?.includes('missing')),
        );
        const said = JSON.stringify(now.map(({ metadata, spec }) => [metadata.name, spec.nodeName]));
        if (said !== before || !isTold) quiet = -1;
        before = said;
      }
      return await livePods();
    } finally {
      expect((await teg.stop()).code).toBe(0);
    }
  }

  test('place the same pods on the same nodes', async () => {
    const snapshot = join(folder, 'before.json.gz');
    const log = join(folder, 'decisions.log.gz');
    const names = new Set(
      (await livePods())
        .filter(({ spec }) => spec.nodeName === undefined)
        .map(({ metadata }) => metadata.name),
    );
    expect((await runTeg(['snapshot', '--kubeconfig', plane.kubeconfig, '-o', snapshot])).code).toBe(0);
    const live = await schedule(log);
    const replayed = await runTeg(['replay', log, '--json']);
    expect(JSON.parse(replayed.stdout)).toMatchObject({ identical: true });

    const { code, stdout, stderr } = await runTeg([
      'simulate',
      '--cluster',
      snapshot,
      '--start-from-snapshot',
      '--json',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { whatIf } = JSON.parse(stdout);
    const simulated = Object.fromEntries(
      whatIf.placements.map((each: { pod: string; node: string }) => [each.pod, each.node]),
    );
    const placed = live.filter(
      ({ metadata, spec }) => names.has(metadata.name) && spec.nodeName !== undefined,
    );
    const real = Object.fromEntries(
      placed.map(({ metadata, spec }) => [`default/${metadata.name}`, spec.nodeName as string]),
    );
    // Pods that merely prefer to be spread are equal, and so were two of their nodes once: there the set of nodes counts.
    expect(exactOf(simulated)).toEqual(exactOf(real));
    expect(softNodesOf(simulated)).toEqual(softNodesOf(real));
    expect(placed.length).toBeGreaterThan(50);
    expect(names.size - placed.length).toBeGreaterThan(10);

    const gone = ['batch-0'].filter((name) => !live.some(({ metadata }) => metadata.name === name));
    expect(whatIf.victims.map(({ pod }: { pod: string }) => pod)).toEqual(
      gone.map((name) => `default/${name}`),
    );
    expect(gone).toHaveLength(1);
    const reasons = Object.fromEntries(
      whatIf.reasons.map((each: { pod: string; reason: string }) => [each.pod, each.reason]),
    );
    expect(Object.keys(reasons)).toHaveLength(names.size - placed.length);
    expect(reasons['default/lone-0']).toContain('missing');
  }, 120_000);
});

const SOFT = 'default/soft-';

/** @returns The placements of all pods but those that prefer to be spread. */
function exactOf(placements: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(placements).filter(([pod]) => !pod.startsWith(SOFT)));
}

/** @returns The nodes of the pods that prefer to be spread, sorted. */
function softNodesOf(placements: Readonly<Record<string, string>>): string[] {
  return Object.entries(placements)
    .filter(([pod]) => pod.startsWith(SOFT))
    .map(([, node]) => node)
    .sort();
}
