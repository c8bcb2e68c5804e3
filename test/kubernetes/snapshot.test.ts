/**
 * `teg snapshot` of a real API server, and what can be asked of its file.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { startControlPlane } from '../../lab/control-plane/start.ts';
import type { ApiClient } from '../../src/drivers/kubernetes/client/api.ts';
import { readSnapshotFile } from '../../src/drivers/kubernetes/snapshot/object-events.ts';
import { takeSnapshot } from '../../src/drivers/kubernetes/snapshot/take-snapshot.ts';
import { clientOf, describeWithControlPlane } from './control-plane-fixture.ts';

const TEG = join(import.meta.dirname, '..', '..', 'bin', 'teg');
const SECRET = 'hunter2';

function teg(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, KUBECONFIG: undefined };
  const { status, stdout, stderr } = spawnSync(process.execPath, [TEG, ...args], {
    env,
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 2 ** 26,
  });
  return { status, stdout, stderr };
}

describeWithControlPlane('teg snapshot', [], () => {
  let plane: ControlPlane;
  let client: ApiClient;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'teg-snapshot-'));
    plane = await startControlPlane({});
    client = clientOf(plane.kubeconfig);
    await create('/api/v1/nodes', node('gpu-1', 4, [{ key: 'nvidia.com/gpu', effect: 'NoSchedule' }]));
    for (let i = 1; i <= 6; i++) await create('/api/v1/nodes', node(`cpu-${i}`, 0, []));
    await create('/apis/scheduling.k8s.io/v1/priorityclasses', { metadata: { name: 'gold' }, value: 1000 });
    await createPod('trains', { cpu: '1', 'nvidia.com/gpu': '3' }, { nodeName: 'gpu-1' });
    await createPod('waits', { cpu: '1', 'nvidia.com/gpu': '2' }, { schedulerName: 'teg' });
    await createPod('fits', { cpu: '2' }, { schedulerName: 'other' });
    await create('/apis/policy/v1/namespaces/default/poddisruptionbudgets', {
      metadata: { name: 'budget' },
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'x' } } },
    });
  }, 120_000);

  afterAll(async () => {
    await client?.close();
    await plane?.stop();
    rmSync(folder, { recursive: true });
  }, 60_000);

  async function create(path: string, body: unknown): Promise<void> {
    const answer = await client.request({ method: 'POST', path, body });
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  }

  function node(name: string, gpus: number, taints: readonly object[]): object {
    const allocatable = {
      cpu: '8',
      memory: '32Gi',
      pods: '110',
      ...(gpus > 0 && { 'nvidia.com/gpu': String(gpus) }),
    };
    return {
      metadata: { name, labels: { 'kubernetes.io/hostname': name } },
      spec: { taints },
      status: { capacity: allocatable, allocatable, conditions: [{ type: 'Ready', status: 'True' }] },
    };
  }

  function createPod(name: string, requests: Record<string, string>, spec: object): Promise<void> {
    const resources = {
      requests,
      limits: 'nvidia.com/gpu' in requests ? { 'nvidia.com/gpu': requests['nvidia.com/gpu'] } : {},
    };
    return create('/api/v1/namespaces/default/pods', {
      metadata: { name, annotations: { note: SECRET } },
      spec: {
        containers: [
          { name: 'c', image: SECRET, env: [{ name: 'A', value: SECRET }], args: [SECRET], resources },
        ],
        tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }],
        ...spec,
      },
    });
  }

  async function objectsOf(path: string): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for await (const { kind } of readSnapshotFile(path))
      counts[String(kind)] = (counts[String(kind)] ?? 0) + 1;
    return counts;
  }

  test('is a List with all objects and no secrets, packed or not, and takes pages', async () => {
    const path = join(folder, 'cluster.json.gz');
    const { status, stdout, stderr } = teg('snapshot', '--kubeconfig', plane.kubeconfig, '-o', path);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    expect(stderr).toMatch(/^.*cluster\.json\.gz: .*7 Node, .*1 PodDisruptionBudget, .*3 Pod\n$/);
    const text = gunzipSync(readFileSync(path)).toString();
    expect(text).not.toContain(SECRET);
    expect(JSON.parse(text)).toMatchObject({ kind: 'List', apiVersion: 'v1', teg: { snapshot: 1 } });
    expect(readdirSync(folder)).toEqual(['cluster.json.gz']);
    const counts = await objectsOf(path);
    expect(counts).toMatchObject({ Node: 7, Pod: 3, PodDisruptionBudget: 1 });
    expect(counts.PriorityClass).toBeGreaterThanOrEqual(1);
    expect(counts.Namespace).toBeGreaterThanOrEqual(1);

    let paged = '';
    const common = {
      server: plane.server,
      takenAtSeconds: JSON.parse(text).teg.takenAtSeconds,
      onWarning: (t: string) => expect.fail(t),
    };
    for await (const piece of takeSnapshot(client, { ...common, pageObjects: 2 })) paged += piece;
    expect(paged).toBe(text);

    const printed = teg('snapshot', '--kubeconfig', plane.kubeconfig);
    expect(printed.status).toBe(0);
    expect(JSON.parse(printed.stdout).items).toEqual(JSON.parse(text).items);
  });

  test('answers what-if questions', () => {
    const path = join(folder, 'what-if.json');
    expect(teg('snapshot', '--kubeconfig', plane.kubeconfig, '-o', path).status).toBe(0);
    const ask = (...args: string[]) => {
      const { status, stdout } = teg(
        'simulate',
        '--cluster',
        path,
        '--start-from-snapshot',
        '--json',
        ...args,
      );
      expect(status).toBe(0);
      return JSON.parse(stdout).whatIf;
    };
    expect(ask()).toMatchObject({ kept: 1, pending: 2, pendingPlaced: 1, waiting: ['default/waits'] });
    const more = ask('--add-nodes', '1*gpu-1');
    expect(more).toMatchObject({ kept: 1, pendingPlaced: 2 });
    expect(more.placements).toContainEqual({ pod: 'default/waits', node: 'gpu-1-copy-1', waitedSeconds: 0 });
  });

  test('and the live cluster explain a pod the same', () => {
    const path = join(folder, 'explain.json');
    expect(teg('snapshot', '--kubeconfig', plane.kubeconfig, '-o', path).status).toBe(0);
    const explain = (...source: string[]) => {
      const { status, stdout, stderr } = teg('explain', 'pod', 'default/waits', '--json', ...source);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const { sinceSeconds: _, seenSeconds: __, ...rest } = JSON.parse(stdout);
      return rest;
    };
    const fromFile = explain('--snapshot', path);
    expect(explain('--kubeconfig', plane.kubeconfig)).toEqual(fromFile);
    expect(fromFile).toMatchObject({ name: 'waits', node: '', nodesTotal: 7, nodesFeasible: 0 });
    expect(fromFile.nearest[0]).toMatchObject({
      node: 'gpu-1',
      lacks: [{ resource: 'nvidia.com/gpu', amount: 1 }],
    });
  });

  test('needs valid credentials', async () => {
    const path = join(folder, 'none.json');
    const nobody = clientOf(plane.kubeconfig, 'not-a-token');
    const pieces = takeSnapshot(nobody, { takenAtSeconds: 0, server: plane.server, onWarning: () => {} });
    await expect(Array.fromAsync(pieces)).rejects.toMatchObject({
      code: 'TEG_SERVER_FAILED',
      message: expect.stringContaining(`${plane.server}: got 401: Unauthorized, expected `),
    });
    await nobody.close();
    expect(existsSync(path)).toBe(false);
  });

  test('to a place that cannot be written, or from a server that is not there', () => {
    const bad = teg('snapshot', '--kubeconfig', plane.kubeconfig, '-o', '/no/such/folder/x.json');
    expect(bad).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining('TEG_OUTPUT_FAILED'),
    });
    const none = teg('snapshot', '--kubeconfig', join(folder, 'none'));
    expect(none).toMatchObject({ status: 2, stderr: expect.stringContaining('TEG_KUBE_CONFIG') });
  });
});
