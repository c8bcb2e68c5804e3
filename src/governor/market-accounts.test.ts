/** Holds and releases pay rent, and the order of tenants follows. */
import { describe, expect, test } from 'vitest';
import { supplyOf } from '../market/ledger-check.ts';
import { marketSpec, quotaFlavor, tenantSpec } from '../market/tenants/spec.ts';
import { TenantTree } from '../market/tenants/tenant-tree.ts';
import { ClusterState } from '../model/cluster-state.ts';
import { type Demand, DemandTable } from '../model/demand.ts';
import { TenantTable } from '../model/tenants.ts';
import { newAsk } from './accounts.ts';
import { MarketAccounts } from './market-accounts.ts';
import { NodeFlavors } from './node-flavors.ts';
import { TenantAccounts } from './tenant-accounts.ts';

const HOUR = 3600;

function world(
  order: 'Usage' | 'Balance' = 'Usage',
  follows = true,
): {
  accounts: MarketAccounts;
  cluster: ClusterState;
  demand: (gpus: number) => Demand;
  tenant: (name: string) => number;
} {
  const demands = new DemandTable();
  const cluster = new ClusterState(demands);
  for (const gpuModel of ['H100', 'A100', 'H100']) {
    const gpus = { gpuCount: 8, gpuModel };
    cluster.addNode({
      name: `node-${cluster.nodeCount}`,
      cpuMilli: 64_000,
      memoryMib: 512_000,
      podsMax: 110,
      ...gpus,
    });
  }
  const table = new TenantTable();
  const flavors = [
    quotaFlavor('h100', { gpuModels: ['H100'] }),
    quotaFlavor('a100', { gpuModels: ['A100'], unitsPerHour: { core: 0, gib: 0, gpu: 0.5 } }),
  ];
  const specs = [tenantSpec('nlp', { quota: { h100: { gpuMilli: 4_000 } } }), tenantSpec('vision')];
  const tree = new TenantTree(marketSpec({ flavors, order, memorySeconds: 20 * HOUR }), specs, table);
  const tenants = new TenantAccounts(new NodeFlavors(cluster, tree.market), tree, table);
  const expectedSeconds = (holder: number): number => (holder === 9 ? HOUR / 2 : Number.NaN);
  const accounts = new MarketAccounts(tenants, tenants, {
    expectedSeconds,
    ...(follows ? { cluster } : {}),
  });
  return {
    accounts,
    cluster,
    demand: (gpuCount) =>
      demands.intern({ cpuMilli: 1_000, memoryMib: 1_024, gpuCount, gpuMilli: 1_000, gpuModels: [] }),
    tenant: (name) => table.find(name),
  };
}

describe('accounts with a market', () => {
  test('mint the units of the cluster, by quota and weight', () => {
    const { accounts } = world();
    const { market } = accounts;
    // 16 H100 at 1 and 8 A100 at .5; quota 4, and the rest in two equal parts; `default` has weight 0.
    expect([...market.capacities]).toEqual([16_000, 4_000]);
    const names = ['nlp', 'vision', 'default'].map((name) => market.ledger.accounts.find(name));
    const rates = names.map((account) => market.ledger.view(account).mintRate / 1e6);
    expect(rates[0]).toBeCloseTo(12, 9);
    expect(rates.slice(1)).toEqual([8, 0]);
  });

  test('hold and release pods as leases on their flavour', () => {
    const { accounts, demand, tenant } = world();
    const { market } = accounts;
    const ask = newAsk();
    ask.tenant = tenant('nlp');
    expect(accounts.admit(ask, 0)).toBeUndefined();
    accounts.onHold(tenant('nlp'), 7, demand(2), 0, 0);
    accounts.onHold(tenant('nlp'), 7, demand(4), 0, 0);
    accounts.onHold(tenant('nlp'), 7, demand(2), 1, 0);
    expect([...market.loads]).toEqual([6_000, 1_000]);
    expect(market.leases.count).toBe(3);
    // In any order; a pod that costs nothing has no lease.
    accounts.onHold(tenant('vision'), 8, demand(0), 0, 0);
    accounts.onRelease(tenant('nlp'), 7, demand(4), 0, HOUR);
    expect([...market.loads]).toEqual([2_000, 1_000]);
    accounts.onRelease(tenant('vision'), 8, demand(0), 0, HOUR);
    accounts.onRelease(tenant('nlp'), 7, demand(2), 1, HOUR);
    accounts.onRelease(tenant('nlp'), 7, demand(2), 0, HOUR);
    expect([...market.loads, market.leases.count]).toEqual([0, 0, 0]);
    expect(() => accounts.onRelease(tenant('nlp'), 7, demand(2), 0, HOUR)).toThrow('than it held');
  });

  test('end the lease on the flavour of the pod, where another costs as much', () => {
    const { accounts, demand, tenant } = world();
    const nlp = tenant('nlp');
    // Two H100 and four A100 are two units each.
    accounts.onHold(nlp, 7, demand(2), 0, 0);
    accounts.onHold(nlp, 7, demand(4), 1, 0);
    accounts.onRelease(nlp, 7, demand(2), 0, HOUR);
    expect([...accounts.market.loads]).toEqual([0, 2_000]);
    accounts.onRelease(nlp, 7, demand(4), 1, HOUR);
    expect([...accounts.market.loads]).toEqual([0, 0]);
  });

  test('know the leases of holders with hundreds of pods', () => {
    const { accounts, demand, tenant } = world();
    const pods = Array.from({ length: 300 }, (_, pod) => 7 + (pod % 2));
    for (const holder of pods) accounts.onHold(tenant('nlp'), holder, demand(1), 0, 0);
    expect(accounts.market.leases.count).toBe(300);
    for (const holder of pods) accounts.onRelease(tenant('nlp'), holder, demand(1), 0, HOUR);
    expect([...accounts.market.loads, accounts.market.leases.count]).toEqual([0, 0, 0]);
  });

  test('order tenants by what they had for their share, from the start on', () => {
    const { accounts, demand, tenant } = world();
    const shares = (time: number): number[] =>
      ['nlp', 'vision', 'default', 'unknown'].map((name) =>
        accounts.shareOf(name === 'unknown' ? 99 : tenant(name), time),
      );
    expect(shares(0)[0]).toBeCloseTo(0, 9);
    accounts.onHold(tenant('vision'), 1, demand(4), 0, 0);
    const [nlp, vision, fallback, unknown] = shares(0) as [number, number, number, number];
    expect(vision).toBeGreaterThan(nlp);
    expect(nlp).toBeCloseTo(0, 9);
    expect([fallback, unknown]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
    accounts.onRelease(tenant('vision'), 1, demand(4), 0, 10 * HOUR);
    expect(shares(10 * HOUR)[1]).toBeGreaterThan(shares(10 * HOUR)[0] as number);
    // 4 of 8 units for 10 hours; nothing of it fades.
    expect((shares(1e4 * HOUR)[1] as number) - (shares(1e4 * HOUR)[0] as number)).toBeCloseTo(5, 9);
  });

  test('remember what a tenant is behind up to a bound', () => {
    const { accounts, demand, tenant } = world();
    const lead = (time: number): number =>
      accounts.shareOf(tenant('vision'), time) - accounts.shareOf(tenant('nlp'), time);
    accounts.onHold(tenant('vision'), 1, demand(8), 0, 0);
    // What runs counts for an hour to come.
    expect(lead(0)).toBeCloseTo(1, 9);
    expect(lead(10 * HOUR)).toBeCloseTo(11, 9);
    expect(lead(100 * HOUR)).toBeCloseTo(21, 9);
    accounts.onRelease(tenant('vision'), 1, demand(8), 0, 100 * HOUR);
    expect(lead(100 * HOUR)).toBeCloseTo(20, 9);
  });

  test('count what runs alike, whatever it declares', () => {
    const { accounts, demand, tenant } = world();
    accounts.onHold(tenant('vision'), 8, demand(4), 0, 0);
    const unknown = accounts.shareOf(tenant('vision'), 0);
    accounts.onRelease(tenant('vision'), 8, demand(4), 0, 0);
    accounts.onHold(tenant('vision'), 9, demand(4), 0, 0);
    expect(accounts.shareOf(tenant('vision'), 0)).toBe(unknown);
  });

  test('by balance: usage is forgotten with the half-life', () => {
    const { accounts, demand, tenant } = world('Balance');
    const lead = (time: number): number =>
      accounts.shareOf(tenant('vision'), time) - accounts.shareOf(tenant('nlp'), time);
    accounts.onHold(tenant('vision'), 1, demand(4), 0, 0);
    accounts.onRelease(tenant('vision'), 1, demand(4), 0, 10 * HOUR);
    expect(lead(10 * HOUR)).toBeGreaterThan(0.5);
    expect(lead(1e4 * HOUR)).toBeCloseTo(0, 2);
  });

  test('by balance: what is expected to end soon sets less aside', () => {
    const { accounts, demand, tenant } = world('Balance');
    accounts.onHold(tenant('vision'), 8, demand(4), 0, 0);
    const whole = accounts.shareOf(tenant('vision'), 0);
    accounts.onRelease(tenant('vision'), 8, demand(4), 0, 0);
    accounts.onHold(tenant('vision'), 9, demand(4), 0, 0);
    expect(accounts.shareOf(tenant('vision'), 0) / whole).toBeCloseTo(0.5, 6);
  });

  test('follow nodes that go down and come back: price at once, mint once a minute, supply with it', () => {
    const { accounts, cluster, demand, tenant } = world();
    const { market } = accounts;
    const mints = (): number[] => [...market.mints].map((mint) => mint / 1e6);
    const price = (): number => market.quotedPrice(0, 0);
    accounts.onHold(tenant('vision'), 1, demand(8), 0, 0);
    const [before, minted] = [price(), mints()];
    cluster.setUp(2, false);
    // Seen at the next call, of whatever tenant: 8 of 8 H100 are taken, and 12 units are there instead of 20.
    accounts.shareOf(tenant('nlp'), HOUR);
    expect([...market.capacities]).toEqual([8_000, 4_000]);
    expect(price()).toBeGreaterThan(5 * before);
    expect(mints().reduce((sum, mint) => sum + mint)).toBeCloseTo(12, 9);
    // Quotas first: nlp keeps its 4, and the rest is by weight.
    expect(mints().map((mint) => Math.round(mint))).toEqual([8, 4, 0]);
    const balances = (at: number): number => {
      accounts.settle(at);
      market.ledger.settle(at * 1e6);
      const { available, bound } = supplyOf(market.ledger);
      expect(available <= bound).toBe(true);
      return Number(available);
    };
    // Back within the minute: the price falls at once, mint follows later, and both are as before.
    cluster.setUp(2, true);
    accounts.shareOf(tenant('nlp'), HOUR + 30);
    expect(price()).toBe(before);
    expect(mints().map((mint) => Math.round(mint))).toEqual([8, 4, 0]);
    accounts.shareOf(tenant('nlp'), HOUR + 60);
    expect(mints()).toEqual(minted);
    accounts.onRelease(tenant('vision'), 1, demand(8), 0, HOUR + 60);
    // For 100 half-lives each: the supply settles at m/κ of what is up.
    const whole = balances(1e8);
    for (const node of [0, 1, 2]) cluster.setUp(node, false);
    accounts.settle(1e8 + HOUR);
    expect([...market.capacities]).toEqual([0, 0]);
    // Quotas are minted even then: 4 of 20 units.
    expect(balances(2e8) / whole).toBeCloseTo(4 / 20, 6);
  });

  test('do not follow nodes that a pass keeps closed: they are up', () => {
    const { accounts, cluster, demand, tenant } = world();
    const { market } = accounts;
    accounts.onHold(tenant('vision'), 1, demand(4), 0, 0);
    const before = [[...market.capacities], [...market.mints], market.quotedPrice(0, 0)];
    cluster.setClosed(2, true);
    expect(cluster.fits(2, demand(1))).toBe(false);
    accounts.shareOf(tenant('nlp'), HOUR);
    // Nor where another node goes down meanwhile.
    cluster.setUp(1, false);
    accounts.shareOf(tenant('nlp'), HOUR);
    const [all] = before as [number[]];
    const lost = all.map((capacity, flavor) => capacity - (market.capacities[flavor] as number));
    expect(() => cluster.setUp(2, false)).toThrow(/closed/);
    cluster.setUp(1, true);
    expect(lost.filter((milli) => milli > 0)).toHaveLength(1);
    cluster.setClosed(2, false);
    accounts.shareOf(tenant('nlp'), HOUR + 60);
    expect([[...market.capacities], [...market.mints], market.quotedPrice(0, 0)]).toEqual(before);
    expect(() => cluster.setClosed(2, false)).toThrow(/not closed/);
  });

  test('are bit for bit as without following while no node fails', () => {
    const run = (follows: boolean): unknown => {
      const { accounts, demand, tenant } = world('Balance', follows);
      for (let at = 0; at < 40; at++) {
        accounts.onHold(tenant(at % 3 === 0 ? 'nlp' : 'vision'), at, demand(1 + (at % 4)), at % 2, at * HOUR);
        accounts.shareOf(tenant('nlp'), at * HOUR + 1);
      }
      accounts.settle(41 * HOUR);
      const { market } = accounts;
      const { ledger } = market;
      return [[...market.mints], [...market.capacities], ledger.transfers.lastPosition, supplyOf(ledger)];
    };
    expect(run(true)).toEqual(run(false));
  });
});
