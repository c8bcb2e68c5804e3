/**
 * The economy's status on a real API server, as `kubectl get` shows it, and what autoscalers read of pods that wait: for quota, and for
 * room.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createNodes } from '../../lab/control-plane/nodes.ts';
import { STATUS_WRITES_MAX } from '../../src/drivers/kubernetes/economy/economy-status.ts';
import { at } from '../../src/drivers/kubernetes/writes/retrying-request.ts';
import { describeWithControlPlane, kubectl } from './control-plane-fixture.ts';
import { explainFailures, TestCluster } from './test-cluster.ts';

const SOON = { timeout: 60_000, interval: 250 };
/** Tenants beside the two that the tests look at. */
const CROWD = 198;

interface SeenStatus {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly status?: object;
}

describeWithControlPlane('the status of the economy on a real API server', ['kwok', 'kubectl'], () => {
  let cluster: TestCluster;

  explainFailures(() => cluster?.child);

  beforeAll(async () => {
    cluster = await TestCluster.start({ kwok: true });
    await cluster.defineEconomy();
    await createNodes(cluster.client, 2, {
      labels: { gpu: 'h100' },
      capacity: { cpu: '64', 'nvidia.com/gpu': '8' },
    });
    await cluster.applyMarket();
    const quota = (gpus: number) => ({ h100: { 'nvidia.com/gpu': gpus } });
    await cluster.addTenant('nlp', { quota: quota(8), lend: quota(0) });
    await cluster.addTenant('vision', { quota: quota(8) });
    await cluster.restart({ economy: { mode: 'enforce' } });
  }, 180_000);

  afterAll(() => cluster?.stop(), 60_000);

  function ask(path: string): Promise<unknown> {
    return cluster.must('GET', path);
  }

  async function pod(name: string, namespace: string, gpus: number, more: object = {}): Promise<void> {
    const resources = { requests: { cpu: '1' }, limits: { 'nvidia.com/gpu': `${gpus}` } };
    await cluster.addPod({ namespace, name }, resources, more);
  }

  async function scheduled(name: string, team: string): Promise<string> {
    const body = await ask(`/api/v1/namespaces/${team}/pods/${name}`);
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
    const lines = (await kubectl(cluster.plane, ['get', ...args])).trimEnd().split('\n');
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
    const body = await ask('/apis/teg.dev/v1alpha1/namespaces/vision/accounts/default');
    expect(at(body, 'status', 'waiting')).toMatchObject([
      { job: 'v2', rank: 1, pods: 1, needs: { 'nvidia.com/gpu': '4' }, reason: 'quota-used-up' },
    ]);
  }, 120_000);

  test('a tenant that cannot be used as it is says so with the path, and what was in force stays', async () => {
    await cluster.apply('Tenant', 'vision', {
      quota: { h100: { 'nvidia.com/gpu': 8 } },
      lend: { h100: { 'nvidia.com/gpu': 9 } },
      namespaces: { matchLabels: { team: 'vision' } },
    });
    await vi.waitFor(async () => {
      const body = await ask('/apis/teg.dev/v1alpha1/tenants/vision');
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
      const body = await ask('/apis/teg.dev/v1alpha1/tenants');
      return at(body, 'items') as readonly SeenStatus[];
    };
    const names = Array.from({ length: CROWD }, (_, i) => `crowd-${i}`);
    const objects = names.map((name) => ({
      apiVersion: 'teg.dev/v1alpha1',
      kind: 'Tenant',
      metadata: { name },
    }));
    await kubectl(
      cluster.plane,
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
