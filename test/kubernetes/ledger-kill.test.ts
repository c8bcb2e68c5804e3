/**
 * kill -9 of the leader at random moments under load, on a real API server with the ledger in a file: no token is lost or doubled,
 * every bound pod has one escrow, and the log verifies after each kill. 20 kills; `TEG_LEADER_KILLS` for another number.
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { CHART } from '../../deploy/render.ts';
import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { startControlPlane } from '../../lab/control-plane/start.ts';
import type { ApiClient, ApiRequest } from '../../src/drivers/kubernetes/client/api.ts';
import { Random } from '../../src/kernel/random.ts';
import { readBatch } from '../../src/market/batch.ts';
import { JobCharges } from '../../src/market/job-charges.ts';
import { RentAudit } from '../../src/market/token-market/rent-audit.ts';
import { verifyLedger } from '../../src/market/verify-ledger.ts';
import { SqliteLedgerStore } from '../../src/store/sqlite-ledger-store.ts';
import { clientOf, describeWithControlPlane, kubectl } from './control-plane-fixture.ts';
import { TegChild } from './faults/teg-child.ts';

const KILLS = Number(process.env.TEG_LEADER_KILLS ?? 20);
const GPU = 'nvidia.com/gpu';
const TEAMS = ['nlp', 'vision'];
const NODES = 4;
const QUOTA = 2 * NODES;

interface Pod {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly spec: { readonly nodeName?: string };
}

/** What the file says after a crash: read from a copy, with its write-ahead log. */
function readLedger(path: string, folder: string): { readonly open: string[]; readonly batches: number } {
  const copy = join(folder, 'copy.ledger');
  for (const end of ['', '-wal', '-shm']) {
    rmSync(`${copy}${end}`, { force: true });
    if (end !== '-shm' && existsSync(`${path}${end}`)) copyFileSync(`${path}${end}`, `${copy}${end}`);
  }
  const store = new SqliteLedgerStore(copy);
  const batches = [...store.read()];
  store.close();
  const { fault, ledger } = verifyLedger(batches, { audit: new RentAudit() });
  expect(fault).toBeUndefined();
  const names = ledger?.accounts.names ?? [];
  expect(names.reduce((sum, _, at) => sum + (ledger?.view(at).balance ?? 0n), 0n)).toBe(0n);
  const charges = new JobCharges();
  for (const { bytes, number } of batches) for (const _ of charges.read(readBatch(bytes, `batch ${number}`)));
  return { open: charges.runningJobs.map((name) => name.split('/')[2] ?? ''), batches: batches.length };
}

describeWithControlPlane('the ledger of a leader that is killed', ['kubectl'], () => {
  let plane: ControlPlane;
  let client: ApiClient;
  let folder: string;
  let teg: TegChild | undefined;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'teg-ledger-kill-'));
    plane = await startControlPlane();
    client = clientOf(plane.kubeconfig);
    await kubectl(plane, ['apply', '-f', join(CHART, 'crds')]);
    const names = ['markets', 'tenants', 'accounts'].map((name) => `crd/${name}.teg.dev`);
    await kubectl(plane, ['wait', '--for=condition=Established', '--timeout=60s', ...names]);
    await apply('Market', 'default', {
      flavors: [{ name: 'h100', nodeSelector: { gpu: 'h100' }, unitsPerHour: { [GPU]: 1 } }],
      halfLife: '168h',
      tokens: true,
    });
    for (const name of TEAMS) {
      await must('POST', '/api/v1/namespaces', { metadata: { name, labels: { team: name } } });
      await apply('Tenant', name, {
        quota: { h100: { [GPU]: QUOTA } },
        // Borrowers give way at once: at rest nobody is below its quota.
        preemption: { minRuntime: '0s' },
        namespaces: { matchLabels: { team: name } },
      });
    }
    for (let at = 0; at < NODES; at++) {
      await must('POST', '/api/v1/nodes', {
        metadata: { name: `n${at}`, labels: { 'kubernetes.io/hostname': `n${at}`, gpu: 'h100' } },
        status: { allocatable: { cpu: '64', memory: '64Gi', pods: '110', [GPU]: '4' } },
      });
    }
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

  async function pods(): Promise<readonly Pod[]> {
    return ((await must('GET', '/api/v1/pods')) as { items: Pod[] }).items;
  }

  async function addPod(namespace: string, name: string): Promise<void> {
    const resources = { requests: { cpu: '1', [GPU]: '1' }, limits: { [GPU]: '1' } };
    await must('POST', `/api/v1/namespaces/${namespace}/pods`, {
      metadata: { name },
      spec: {
        schedulerName: 'teg',
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'c', image: 'x', resources }],
      },
    });
  }

  function bound(all: readonly Pod[]): Pod[] {
    return all.filter(({ spec }) => (spec.nodeName ?? '') !== '');
  }

  function start(path: string): TegChild {
    return new TegChild({
      ...{ kubeconfig: plane.kubeconfig, folder },
      config: {
        leaderElection: { leaderElect: true, leaseDuration: '3s', renewDeadline: '2s', retryPeriod: '500ms' },
        economy: { mode: 'enforce', ledger: { path } },
      },
    });
  }

  test(`${KILLS} kills: each bound pod has one escrow, and the log verifies`, {
    timeout: 120_000 + 20_000 * KILLS,
  }, async () => {
    const path = join(folder, 'leader.ledger');
    const rng = new Random(7);
    let made = 0;
    let batches = 0;
    let isOver = false;
    const load = (async (): Promise<void> => {
      while (!isOver) {
        const all = await pods();
        const team = TEAMS[rng.nextInt(TEAMS.length)] as string;
        if (all.length < 2 * QUOTA + 4) await addPod(team, `p-${made++}`);
        const running = bound(all);
        const victim = running[rng.nextInt(Math.max(1, running.length))];
        if (victim !== undefined && running.length > QUOTA && rng.nextInt(2) === 0) {
          const { namespace, name } = victim.metadata;
          await must('DELETE', `/api/v1/namespaces/${namespace}/pods/${name}`);
        }
        await delay(30);
      }
    })();
    const kills = { underWay: 0 };
    for (let kill = 0; kill < KILLS; kill++) {
      teg = start(path);
      const child = teg;
      await vi.waitFor(() => expect(child.said('ledger opened').length).toBe(1), {
        timeout: 30_000,
        interval: 20,
      });
      await delay(rng.nextInt(1_200));
      await child.kill();
      const found = readLedger(path, folder);
      expect(new Set(found.open).size).toBe(found.open.length);
      // A binding was sent only after its escrow was stored.
      const open = new Set(found.open);
      const missing = bound(await pods()).filter(({ metadata }) => !open.has(metadata.uid));
      expect(missing.map(({ metadata }) => metadata.name)).toEqual([]);
      if (found.batches > batches) kills.underWay++;
      batches = found.batches;
    }
    isOver = true;
    await load;
    // The others came before their leader had stored anything.
    expect(kills.underWay).toBeGreaterThan(KILLS / 4);
    // At rest: the pods that run, and no others, pay rent. Nobody waits while its quota has room.
    teg = start(path);
    const last = teg;
    await vi.waitFor(() => expect(last.said('ledger opened').length).toBe(1), { timeout: 30_000 });
    await vi.waitFor(
      async () => {
        const all = await pods();
        for (const team of TEAMS) {
          const own = all.filter(({ metadata }) => metadata.namespace === team);
          expect(bound(own).length).toBeGreaterThanOrEqual(Math.min(own.length, QUOTA));
        }
      },
      { timeout: 90_000, interval: 500 },
    );
    await delay(2_000);
    expect(await last.stop()).toBe(0);
    const running = bound(await pods()).map(({ metadata }) => metadata.uid);
    expect(readLedger(path, folder).open.sort()).toEqual(running.sort());
  });
});
