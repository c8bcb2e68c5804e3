/**
 * kill -9 of a leader without a ledger file, on a real API server: the next one's balances are those of the snapshots in its tenants'
 * statuses, and it says what it forgot; a snapshot that was edited by hand is refused.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { at } from '../../src/drivers/kubernetes/writes/retrying-request.ts';
import { describeWithControlPlane } from './control-plane-fixture.ts';
import { TegChild } from './faults/teg-child.ts';
import { TestCluster } from './test-cluster.ts';

const GPU = 'nvidia.com/gpu';
const TEAMS = ['nlp', 'vision'];
const API = '/apis/teg.dev/v1alpha1';
const SOON = { timeout: 60_000, interval: 200 };

describeWithControlPlane('balances without a ledger file', ['kubectl'], () => {
  let cluster: TestCluster;
  let teg: TegChild | undefined;

  beforeAll(async () => {
    cluster = await TestCluster.start();
    await cluster.defineEconomy();
    await cluster.applyMarket({ tokens: true });
    for (const name of TEAMS) await cluster.addTenant(name, { quota: { h100: { [GPU]: 4 } } });
    await cluster.addNode('n0', { cpu: '64', memory: '64Gi', [GPU]: '8' }, { gpu: 'h100' });
  }, 180_000);

  afterAll(async () => {
    await teg?.kill();
    await cluster?.stop();
  }, 60_000);

  async function snapshotOf(tenant: string): Promise<Record<string, number>> {
    const found = at(await cluster.must('GET', `${API}/tenants/${tenant}`), 'status', 'snapshot');
    expect(found, tenant).toMatchObject({ balance: expect.any(Number), check: expect.any(String) });
    return found as Record<string, number>;
  }

  async function lead(): Promise<Record<string, unknown>> {
    teg = new TegChild({
      ...{ kubeconfig: cluster.plane.kubeconfig, folder: cluster.folder },
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
    await cluster.addPod({ namespace: 'nlp', name: 'p' }, resources);
    await vi.waitFor(async () => expect((await snapshotOf('nlp')).reserved).toBeGreaterThan(0), SOON);
    const before = await snapshotOf('nlp');
    await snapshotOf('vision');
    await teg?.kill();
    // A hand that edits a snapshot: the API server refuses what is below 0, the digest finds the rest.
    const edit = (balance: number) =>
      cluster.client.request({
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
      expect(at(await cluster.must('GET', `${API}/markets/default`), 'status', 'ledger')).toMatchObject({
        ...{ source: 'Snapshot', restored: 1, begun: 1, escrows: 1 },
      });
      const { items } = (await cluster.must('GET', '/apis/events.k8s.io/v1/namespaces/default/events')) as {
        items: { reason: string; type: string; regarding: { kind: string } }[];
      };
      const told = items.filter(({ reason }) => reason === 'LedgerRebuilt');
      expect(told.map(({ type, regarding }) => [type, regarding.kind])).toContainEqual(['Warning', 'Market']);
      // Written by the new leader: a hundredth, and what the rent of 2 GPUs and the mint of 4 make in a minute.
      const { tokens } = {
        tokens: Number(at(await cluster.must('GET', `${API}/tenants/nlp`), 'status', 'balance')),
      };
      const was = (before.balance as number) / 1e6;
      expect(Math.abs(tokens - was)).toBeLessThan(0.01 * was + 0.2);
    }, SOON);
  });
});
