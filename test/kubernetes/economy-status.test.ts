/**
 * The economy's status on a real API server, as `kubectl get` shows it, and what autoscalers read of pods that wait: for quota, and for
 * room.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { CHART } from '../../deploy/render.ts';
import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { createNodes } from '../../lab/control-plane/nodes.ts';
import { startControlPlane } from '../../lab/control-plane/start.ts';
import type { HttpApiClient } from '../../src/drivers/kubernetes/client/http-client.ts';
import { STATUS_WRITES_MAX } from '../../src/drivers/kubernetes/economy/economy-status.ts';
import { at } from '../../src/drivers/kubernetes/writes/retrying-request.ts';
import { clientOf, describeWithControlPlane, kubectl } from './control-plane-fixture.ts';
import { TegChild } from './faults/teg-child.ts';

const SOON = { timeout: 60_000, interval: 250 };
/** Tenants beside the two that the tests look at. */
const CROWD = 198;

interface SeenStatus {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly status?: object;
}

describeWithControlPlane('the status of the economy on a real API server', ['kwok', 'kubectl'], () => {
  let plane: ControlPlane;
  let client: HttpApiClient;
  let folder: string;
  let teg: TegChild;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'teg-economy-'));
    plane = await startControlPlane({ kwok: true });
    client = clientOf(plane.kubeconfig);
    await kubectl(plane, ['apply', '-f', join(CHART, 'crds')]);
    const names = ['accounts', 'markets', 'tenants'].map((plural) => `crd/${plural}.teg.dev`);
    await kubectl(plane, ['wait', '--for=condition=Established', '--timeout=60s', ...names]);
    await createNodes(client, 2, {
      labels: { gpu: 'h100' },
      capacity: { cpu: '64', 'nvidia.com/gpu': '8' },
    });
    await apply('Market', 'default', {
      flavors: [{ name: 'h100', nodeSelector: { gpu: 'h100' }, unitsPerHour: { 'nvidia.com/gpu': 1 } }],
      halfLife: '168h',
    });
    const quota = (gpus: number) => ({ h100: { 'nvidia.com/gpu': gpus } });
    const team = (name: string) => ({ matchLabels: { team: name } });
    await apply('Tenant', 'nlp', { quota: quota(8), lend: quota(0), namespaces: team('nlp') });
    await apply('Tenant', 'vision', { quota: quota(8), namespaces: team('vision') });
    for (const name of ['nlp', 'vision']) await namespace(name);
    await start('enforce');
  }, 180_000);

  afterEach(({ task }) => {
    if (task.result?.state === 'fail') process.stderr.write(`${JSON.stringify(teg?.lines.slice(-20))}\n`);
  });

  afterAll(async () => {
    if (teg?.running) await teg.kill();
    await client?.close();
    await plane?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  async function start(mode: string): Promise<void> {
    if (teg?.running) await teg.kill();
    const config = { economy: { mode } };
    teg = new TegChild({
      kubeconfig: plane.kubeconfig,
      folder,
      config,
      onDeath: (what) => process.stderr.write(what),
    });
    await vi.waitFor(() => expect(teg.said('synced')).toHaveLength(1), SOON);
  }

  function apply(kind: string, name: string, spec: object): Promise<string> {
    const object = { apiVersion: 'teg.dev/v1alpha1', kind, metadata: { name }, spec };
    return kubectl(plane, ['apply', '--validate=strict', '-f', '-'], JSON.stringify(object));
  }

  async function must(path: string, body: object): Promise<void> {
    const { status, body: answer } = await client.request({ method: 'POST', path, body });
    expect(status, JSON.stringify(answer)).toBe(201);
  }

  async function namespace(name: string): Promise<void> {
    await must('/api/v1/namespaces', { metadata: { name, labels: { team: name } } });
    await vi.waitFor(async () => expect((await ask(`/api/v1/namespaces/${name}`)).status).toBe(200), SOON);
  }

  function ask(path: string) {
    return client.request({ method: 'GET', path });
  }

  async function pod(
    name: string,
    team: string,
    gpus: number,
    more: object = {},
    metadata: object = {},
  ): Promise<void> {
    const resources = { requests: { cpu: '1' }, limits: { 'nvidia.com/gpu': `${gpus}` } };
    await must(`/api/v1/namespaces/${team}/pods`, {
      metadata: { name, ...metadata },
      spec: { schedulerName: 'teg', containers: [{ name: 'c', image: 'i', resources }], ...more },
    });
  }

  async function scheduled(name: string, team: string): Promise<string> {
    const { body } = await ask(`/api/v1/namespaces/${team}/pods/${name}`);
    const conditions = (at(body, 'status', 'conditions') ?? []) as {
      type: string;
      status: string;
      reason?: string;
    }[];
    const found = conditions.find(({ type }) => type === 'PodScheduled');
    return `${found?.status} ${found?.reason ?? ''}`.trim();
  }

  /** Rows of a table by its headings. */
  async function table(...args: string[]): Promise<Record<string, string>[]> {
    const lines = (await kubectl(plane, ['get', ...args])).trimEnd().split('\n');
    const heads = [...(lines[0] ?? '').matchAll(/\S+\s*/g)];
    return lines
      .slice(1)
      .map((line) =>
        Object.fromEntries(
          heads.map(({ 0: head, index }) => [head.trim(), line.slice(index, index + head.length).trim()]),
        ),
      );
  }

  test('a pod that waits for quota is not ready for scheduling, one that waits for room unschedulable; tables say how many', async () => {
    for (let i = 0; i < 3; i++) await pod(`v${i}`, 'vision', 4);
    await pod('large', 'nlp', 16);
    await pod('broad', 'nlp', 1, { nodeSelector: { disk: 'none' } });
    // nlp lends nothing: the third pod waits for quota. No node has the label that `broad` wants.
    await vi.waitFor(async () => {
      expect(await scheduled('v2', 'vision')).toBe('False NotReadyForScheduling');
      expect(await scheduled('broad', 'nlp')).toBe('False Unschedulable');
    }, SOON);
    expect([await scheduled('v0', 'vision'), await scheduled('v1', 'vision')]).toEqual(['True', 'True']);
    await vi.waitFor(async () => {
      const rows = await table('tenants');
      expect(rows.find(({ NAME }) => NAME === 'vision')).toMatchObject({
        ...{ QUOTA: '8', USED: '8', BORROWED: '0', LENT: '0', WAITING: '1' },
      });
      expect(rows.find(({ NAME }) => NAME === 'nlp')).toMatchObject({
        USED: '0',
        WAITING: '2',
        SHARE: 'inf',
      });
      expect(await table('account', '-n', 'vision')).toMatchObject([
        { NAME: 'default', TENANT: 'vision', RUNNING: '2', WAITING: '1' },
      ]);
      expect(await table('market')).toMatchObject([
        { NAME: 'default', FLAVOR: 'h100', PRICE: '2', UTIL: '0.5' },
      ]);
    }, SOON);
    const { body } = await ask('/apis/teg.dev/v1alpha1/namespaces/vision/accounts/default');
    expect(at(body, 'status', 'waiting')).toMatchObject([
      { job: 'v2', rank: 1, pods: 1, needs: { 'nvidia.com/gpu': '4' }, reason: 'quota-used-up' },
    ]);
  }, 120_000);

  test('a tenant that cannot be used as it is says so with the path, and what was in force stays', async () => {
    await apply('Tenant', 'vision', {
      quota: { h100: { 'nvidia.com/gpu': 8 } },
      lend: { h100: { 'nvidia.com/gpu': 9 } },
      namespaces: { matchLabels: { team: 'vision' } },
    });
    await vi.waitFor(async () => {
      const { body } = await ask('/apis/teg.dev/v1alpha1/tenants/vision');
      expect(at(body, 'status', 'conditions')).toMatchObject([
        { type: 'Ready', status: 'False', reason: 'Invalid', message: expect.stringContaining('lend.h100') },
      ]);
      expect(at(body, 'status', 'quotaUsed')).toBe('8');
    }, SOON);
  }, 90_000);

  test(`200 tenants: all get their status, with at most ${STATUS_WRITES_MAX} writes in any second`, async () => {
    const versions = new Map<string, string>();
    const writes: number[] = [];
    const list = async (): Promise<readonly SeenStatus[]> => {
      const { body } = await ask('/apis/teg.dev/v1alpha1/tenants');
      return at(body, 'items') as readonly SeenStatus[];
    };
    const names = Array.from({ length: CROWD }, (_, i) => `crowd-${i}`);
    const objects = names.map((name) => ({
      apiVersion: 'teg.dev/v1alpha1',
      kind: 'Tenant',
      metadata: { name },
    }));
    await kubectl(
      plane,
      ['create', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
    );
    for (const { metadata } of await list()) versions.set(metadata.name, metadata.resourceVersion);
    const begin = Date.now();
    await vi.waitFor(
      async () => {
        const items = await list();
        for (const { metadata } of items) {
          if (versions.get(metadata.name) === metadata.resourceVersion) continue;
          versions.set(metadata.name, metadata.resourceVersion);
          writes.push(Date.now() - begin);
        }
        expect(items.filter(({ status }) => status !== undefined)).toHaveLength(CROWD + 2);
      },
      { timeout: 60_000, interval: 50 },
    );
    expect(writes.length).toBeGreaterThan(100);
    // What is seen in a second may have been written in a little more: the list is read at intervals.
    const inASecond = writes.map((from) => writes.filter((time) => time >= from && time < from + 900).length);
    expect(Math.max(...inASecond)).toBeLessThanOrEqual(STATUS_WRITES_MAX + 2);
  }, 120_000);
});
