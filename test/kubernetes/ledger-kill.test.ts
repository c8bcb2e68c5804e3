/**
 * kill -9 of the leader at random moments under load, on a real API server with the ledger in a file: no token is lost or doubled,
 * every bound pod has one escrow, the log verifies, and a gang that a kill left bound in part is made whole, or released, by the next
 * leader. 20 kills; `TEG_LEADER_KILLS` for another number.
 */
import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Random } from '../../src/kernel/random.ts';
import { readBatch } from '../../src/market/batch.ts';
import { JobCharges } from '../../src/market/job-charges.ts';
import { RentAudit } from '../../src/market/token-market/rent-audit.ts';
import { verifyLedger } from '../../src/market/verify-ledger.ts';
import { SqliteLedgerStore } from '../../src/store/sqlite-ledger-store.ts';
import { describeWithControlPlane } from './control-plane-fixture.ts';
import { TegChild } from './faults/teg-child.ts';
import { LeaderLoad } from './leader-load.ts';
import { boundAmong, TestCluster } from './test-cluster.ts';

const KILLS = Number(process.env.TEG_LEADER_KILLS ?? 20);
const GPU = 'nvidia.com/gpu';
const TEAMS = ['nlp', 'vision'];
const NODES = 4;
const QUOTA = 2 * NODES;
/** A kill comes at most this long after the leader began, ms. */
const LEADS_MS = 1_200;
/** A gang that a kill left bound in part is whole, or not bound, when the next leader has led this long, ms. */
const HALF_MS = 20_000;

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
  let cluster: TestCluster;
  let path: string;
  let teg: TegChild | undefined;

  beforeAll(async () => {
    cluster = await TestCluster.start();
    path = join(cluster.folder, 'leader.ledger');
    await cluster.defineEconomy();
    await cluster.applyMarket({ tokens: true });
    // Borrowers give way at once: at rest nobody is below its quota.
    const spec = { quota: { h100: { [GPU]: QUOTA } }, preemption: { minRuntime: '0s' } };
    for (const name of TEAMS) await cluster.addTenant(name, spec);
    for (let at = 0; at < NODES; at++) {
      await cluster.addNode(`n${at}`, { cpu: '64', memory: '64Gi', [GPU]: '4' }, { gpu: 'h100' });
    }
  }, 180_000);

  afterAll(async () => {
    await teg?.kill();
    await cluster?.stop();
  }, 60_000);

  /** Starts a scheduler. @returns It, when it leads. */
  async function lead(): Promise<TegChild> {
    const child = new TegChild({
      ...{ kubeconfig: cluster.plane.kubeconfig, folder: cluster.folder },
      config: {
        leaderElection: { leaderElect: true, leaseDuration: '3s', renewDeadline: '2s', retryPeriod: '500ms' },
        economy: { mode: 'enforce', ledger: { path } },
        // One after the other, so that kills come between the bindings of a gang.
        clientConnection: { bindsInFlightMax: 1 },
      },
    });
    teg = child;
    await vi.waitFor(() => expect(child.said('ledger opened').length).toBe(1), {
      timeout: 30_000,
      interval: 20,
    });
    return child;
  }

  /** Each bound pod has one escrow in the file, which was stored before the binding was sent. @returns Batches of the file. */
  async function checkEscrows(): Promise<number> {
    const { open, batches } = readLedger(path, cluster.folder);
    expect(new Set(open).size).toBe(open.length);
    const known = new Set(open);
    const missing = boundAmong(await cluster.pods()).filter(({ metadata }) => !known.has(metadata.uid));
    expect(missing.map(({ metadata }) => metadata.name)).toEqual([]);
    return batches;
  }

  /** Until a moment that `random` says, or until some gang is bound in part. */
  async function untilKill(load: LeaderLoad, random: Random, aimed: boolean): Promise<void> {
    const until = performance.now() + random.nextInt(LEADS_MS) + (aimed ? LEADS_MS : 0);
    while (performance.now() < until) {
      if (aimed && load.halves(await cluster.pods()).length > 0) return;
      await delay(aimed ? 0 : until - performance.now());
    }
  }

  /** No gang is bound in part; each team has its quota. */
  async function checkRest(load: LeaderLoad): Promise<void> {
    const all = await cluster.pods();
    expect(await load.complete(all)).toBe(false);
    expect(load.halves(all)).toEqual([]);
    for (const team of TEAMS) {
      const own = all.filter(({ metadata }) => metadata.namespace === team);
      expect(boundAmong(own).length, team).toBeGreaterThanOrEqual(QUOTA);
    }
  }

  test(`${KILLS} kills: one escrow for each bound pod, no gang is left bound in part, and the log verifies`, {
    timeout: 120_000 + 20_000 * KILLS,
  }, async () => {
    const random = new Random(7);
    const load = new LeaderLoad({ cluster, random, teams: TEAMS, podsMax: 3 * QUOTA, boundMin: QUOTA });
    const running = load.run();
    const counts = { underWay: 0, halves: 0 };
    let batches = 0;
    let halves: string[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const child = await lead();
      await vi.waitFor(
        async () => {
          const still = load.halves(await cluster.pods());
          expect(halves.filter((gang) => still.includes(gang))).toEqual([]);
        },
        { timeout: HALF_MS, interval: 50 },
      );
      await untilKill(load, random, kill % 2 === 0);
      await child.kill();
      const found = await checkEscrows();
      halves = load.halves(await cluster.pods());
      counts.halves += halves.length;
      if (found > batches) counts.underWay++;
      batches = found;
    }
    load.finish();
    await running;
    process.stdout.write(`bound in part at a kill: ${counts.halves} gangs; ended: ${load.ended}\n`);
    // The others came before their leader had stored anything.
    expect(counts.underWay).toBeGreaterThan(KILLS / 4);
    expect(counts.halves).toBeGreaterThan(0);
    expect(load.ended).toBeGreaterThan(0);
    const last = await lead();
    const soon = { timeout: 60_000, interval: 250 };
    await vi.waitFor(async () => expect(load.halves(await cluster.pods())).toEqual([]), soon);
    // Of a gang that a quota covers in part nothing is evicted, so that others may be below theirs: gangs first, then single pods.
    await load.removeSingles();
    await vi.waitFor(async () => expect(load.waiting(await cluster.pods())).toEqual([]), soon);
    await load.addSingles(2 * QUOTA);
    await vi.waitFor(() => checkRest(load), soon);
    await delay(2_000);
    expect(await last.stop()).toBe(0);
    // The pods that run, and no others, pay rent.
    const bound = boundAmong(await cluster.pods()).map(({ metadata }) => metadata.uid);
    expect(readLedger(path, cluster.folder).open.sort()).toEqual(bound.sort());
  });
});
