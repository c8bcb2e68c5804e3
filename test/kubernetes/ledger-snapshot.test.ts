/**
 * kill -9 of a leader without a ledger file, on a real API server: the next one's balances are those of the snapshots in its tenants'
 * statuses, and it says what it forgot; a snapshot that was edited by hand is refused.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { CHART } from '../../deploy/render.ts';
import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { startControlPlane } from '../../lab/control-plane/start.ts';
import type { ApiClient, ApiRequest } from '../../src/drivers/kubernetes/client/api.ts';
import { at } from '../../src/drivers/kubernetes/writes/retrying-request.ts';
import { clientOf, describeWithControlPlane, kubectl } from './control-plane-fixture.ts';
import { TegChild } from './faults/teg-child.ts';

const GPU = 'nvidia.com/gpu';
const TEAMS = ['nlp', 'vision'];
const API = '/apis/teg.dev/v1alpha1';
const SOON = { timeout: 60_000, interval: 200 };

describeWithControlPlane('balances without a ledger file', ['kubectl'], () => {
  let plane: ControlPlane;
  let client: ApiClient;
  let folder: string;
  let teg: TegChild | undefined;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'teg-ledger-snapshot-'));
    plane = await startControlPlane();
    client = clientOf(plane.kubeconfig);
    await kubectl(plane, ['apply', '-f', join(CHART, 'crds')]);
    const names = ['markets', 'tenants', 'accounts'].map((name) => `crd/${name}.teg.dev`);
    await kubectl(plane, ['wait', '--for=condition=Established', '--timeout=60s', ...names]);
    const flavors = [{ name: 'h100', nodeSelector: { gpu: 'h100' }, unitsPerHour: { [GPU]: 1 } }];
    await apply('Market', 'default', { flavors, halfLife: '168h', tokens: true });
    for (const name of TEAMS) {
      await must('POST', '/api/v1/namespaces', { metadata: { name, labels: { team: name } } });
      const namespaces = { matchLabels: { team: name } };
      await apply('Tenant', name, { quota: { h100: { [GPU]: 4 } }, namespaces });
    }
    await must('POST', '/api/v1/nodes', {
      metadata: { name: 'n0', labels: { 'kubernetes.io/hostname': 'n0', gpu: 'h100' } },
      status: { allocatable: { cpu: '64', memory: '64Gi', pods: '110', [GPU]: '8' } },
    });
  }, 180_000);

  afterAll(async () => {
    await teg?.kill();
    await client?.close();
    await plane?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  async function must(method: ApiRequest['method'], path: string, body?: unknown): Promise<unknown> {
    const answer = await client.request({ method, path, ...(body === undefined ? {} : { body }) });
    expect(answer.status, `${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body;
  }

  async function apply(kind: string, name: string, spec: object): Promise<void> {
    const object = { apiVersion: 'teg.dev/v1alpha1', kind, metadata: { name }, spec };
    await kubectl(plane, ['apply', '--validate=strict', '-f', '-'], JSON.stringify(object));
  }

  async function snapshotOf(tenant: string): Promise<Record<string, number>> {
    const found = at(await must('GET', `${API}/tenants/${tenant}`), 'status', 'snapshot');
    expect(found, tenant).toMatchObject({ balance: expect.any(Number), check: expect.any(String) });
    return found as Record<string, number>;
  }

  async function lead(): Promise<Record<string, unknown>> {
    teg = new TegChild({
      ...{ kubeconfig: plane.kubeconfig, folder },
      config: {
        leaderElection: { leaderElect: true, leaseDuration: '3s', renewDeadline: '2s', retryPeriod: '500ms' },
        economy: { mode: 'enforce' },
      },
    });
    const child = teg;
    await vi.waitFor(() => expect(child.said('ledger rebuilt')).toHaveLength(1), SOON);
    return child.said('ledger rebuilt')[0] as Record<string, unknown>;
  }

  test('kill -9: the next leader goes on from the snapshots, and says what it forgot', {
    timeout: 180_000,
  }, async () => {
    expect(await lead()).toMatchObject({ source: 'None', begun: 2 });
    const resources = { requests: { cpu: '1', [GPU]: '2' }, limits: { [GPU]: '2' } };
    await must('POST', '/api/v1/namespaces/nlp/pods', {
      metadata: { name: 'p' },
      spec: { schedulerName: 'teg', containers: [{ name: 'c', image: 'x', resources }] },
    });
    await vi.waitFor(async () => expect((await snapshotOf('nlp')).reserved).toBeGreaterThan(0), SOON);
    const before = await snapshotOf('nlp');
    await snapshotOf('vision');
    await teg?.kill();
    // A hand that edits a snapshot: the API server refuses what is below 0, the digest finds the rest.
    const edit = (balance: number) =>
      client.request({
        method: 'PATCH',
        path: `${API}/tenants/vision/status`,
        contentType: 'application/merge-patch+json',
        body: { status: { snapshot: { balance } } },
      });
    expect((await edit(-5)).status).toBe(422);
    expect((await edit(999_000_000)).status).toBe(200);
    const report = await lead();
    expect(report).toMatchObject({ source: 'Snapshot', restored: 1, begun: 1, escrows: 1 });
    expect(report.oldestSeconds).toBeGreaterThan(0);
    expect(report.refused).toEqual([expect.stringMatching(/^Tenant vision: status\.snapshot\.check/)]);
    await vi.waitFor(async () => {
      expect(at(await must('GET', `${API}/markets/default`), 'status', 'ledger')).toMatchObject({
        ...{ source: 'Snapshot', restored: 1, begun: 1, escrows: 1 },
      });
      const { items } = (await must('GET', '/apis/events.k8s.io/v1/namespaces/default/events')) as {
        items: { reason: string; type: string; regarding: { kind: string } }[];
      };
      const told = items.filter(({ reason }) => reason === 'LedgerRebuilt');
      expect(told.map(({ type, regarding }) => [type, regarding.kind])).toContainEqual(['Warning', 'Market']);
      // Written by the new leader: a hundredth, and what the rent of 2 GPUs and the mint of 4 make in a minute.
      const { tokens } = { tokens: Number(at(await must('GET', `${API}/tenants/nlp`), 'status', 'balance')) };
      const was = (before.balance as number) / 1e6;
      expect(Math.abs(tokens - was)).toBeLessThan(0.01 * was + 0.2);
    }, SOON);
  });
});
