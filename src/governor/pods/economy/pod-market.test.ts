/** Tokens in the pod scheduler: rent, affordability, and a market that outlives its accounts. */
import { describe, expect, test } from 'vitest';
import { readBatch } from '../../../market/batch.ts';
import { type ChainedBatch, HashChain } from '../../../market/hash-chain.ts';
import { JobCharges } from '../../../market/job-charges.ts';
import { Ledger } from '../../../market/ledger.ts';
import type { EconomyMode, PodTenantSpec } from '../../../market/tenants/economy-description.ts';
import type { MarketSpec } from '../../../market/tenants/spec.ts';
import { RentAudit } from '../../../market/token-market/rent-audit.ts';
import { finishMarket } from '../../../market/token-market/unfinished-market.ts';
import { verifyLedger } from '../../../market/verify-ledger.ts';
import { refusals, TestCluster } from '../scheduler.fixtures.ts';
import { gpuNode, gpuPodOf, labelledMarket, setEconomy, teamTenant } from './economy.fixtures.ts';

const HOUR = 3_600;
const MARKET: MarketSpec = { ...labelledMarket('h100'), tokens: true };
/** Quotas of 2 and 6 of 8 GPUs. */
const TENANTS: readonly PodTenantSpec[] = [teamTenant('nlp', { h100: 2 }), teamTenant('vision', { h100: 6 })];

/** Eight GPUs, and tenants that have some micro-tokens. */
function clusterWith(
  balances: Record<string, number> | undefined,
  mode: EconomyMode = 'enforce',
): TestCluster {
  const cluster = new TestCluster().nodes(gpuNode('n1', 'h100'));
  if (balances !== undefined) cluster.step({ kind: 'balances', balances });
  setEconomy(cluster, mode, MARKET, TENANTS);
  return cluster;
}

function podsOf(namespace: string, count: number, first = 0): ReturnType<typeof gpuPodOf>[] {
  return Array.from({ length: count }, (_, i) => gpuPodOf(`${namespace}-${first + i}`, namespace));
}

/** Tokens that a tenant has, reserves, spends and mints an hour. */
function tokensOf(cluster: TestCluster, name: string): Record<string, number> {
  const { economy } = cluster.scheduler.internals.state;
  const tokens = economy.market?.tokensOf(economy.books?.table.find(name) ?? -1, cluster.timeSeconds);
  return Object.fromEntries(Object.entries(tokens ?? {}).map(([key, micros]) => [key, micros / 1e6]));
}

/** Names of the pods whose rent runs, by a log. */
function openPods(log: readonly ChainedBatch[]): string[] {
  const charges = new JobCharges();
  for (const { bytes, number } of log) for (const _ of charges.read(readBatch(bytes, `batch ${number}`)));
  return charges.runningJobs.sort();
}

describe('tokens in the pod scheduler', () => {
  test('mint follows quota and surplus; an account begins with a day of it', () => {
    const cluster = clusterWith(undefined);
    cluster.decide();
    expect(tokensOf(cluster, 'nlp')).toEqual({ available: 48, reserved: 0, spend: 0, mint: 2 });
    expect(tokensOf(cluster, 'vision').mint).toBe(6);
    // Nodes come: what no quota covers is shared by weight, within a minute.
    cluster.wait(61).nodes(gpuNode('n2', 'h100'));
    cluster.pods(gpuPodOf('p', 'nlp'));
    cluster.decide();
    cluster.wait(61).decide();
    expect(tokensOf(cluster, 'nlp').mint).toBeGreaterThan(2);
  });

  test('a waiting job is quoted with its own demand, and when it can be paid; asking changes nothing', () => {
    const cluster = clusterWith({ nlp: 100_000, vision: 0 });
    cluster.pods(...podsOf('nlp', 8));
    cluster.settle();
    const frame = () => cluster.scheduler.view().economy();
    const [first] = frame()?.namespaces.find(({ name }) => name === 'nlp')?.jobs ?? [];
    const { price = 0 } = frame()?.flavors[0] ?? {};
    expect(first?.reason.code).toBe('price-too-high');
    expect(first?.quote?.price).toBeGreaterThanOrEqual(price);
    expect(first?.quote?.isAffordable).toBe(false);
    expect(first?.quote?.affordableAtSeconds).toBeGreaterThan(cluster.timeSeconds);
    expect(frame()).toEqual(frame());
    expect(frame()?.ledger?.leases).toBe(8 - (frame()?.namespaces[0]?.waiting ?? 0));
  });

  test('what was spent of a budget goes on in the same period, and is forgotten in another', () => {
    const spent = (periodEndsSeconds: number): number | undefined => {
      const cluster = new TestCluster().nodes(gpuNode('n1', 'h100'));
      cluster.step({ kind: 'balances', balances: {}, spent: { nlp: { tokens: 3, periodEndsSeconds } } });
      const budget = { tokens: 10, periodSeconds: HOUR, onEmpty: 'Wait' as const };
      setEconomy(cluster, 'enforce', MARKET, [teamTenant('nlp', { h100: 2 }, { budget })]);
      cluster.decide();
      return cluster.scheduler.view().economy()?.tenants[0]?.budget?.spent;
    };
    const ends = HOUR * (Math.floor(new TestCluster().timeSeconds / HOUR) + 1);
    expect(spent(ends)).toBe(3);
    expect(spent(ends - HOUR)).toBe(0);
  });

  test('what runs pays rent by the second at its quote, and is set aside at the start', () => {
    const cluster = clusterWith({ nlp: 10e6, vision: 10e6 });
    cluster.pods(...podsOf('nlp', 2));
    cluster.settle();
    const { reserved = 0, spend = 0 } = tokensOf(cluster, 'nlp');
    expect(spend).toBeGreaterThan(0);
    expect(reserved).toBeCloseTo(spend, 5);
    cluster.gone('nlp-0', 'nlp-1');
    cluster.wait(HOUR).decide();
    expect(tokensOf(cluster, 'nlp')).toMatchObject({ reserved: 0, spend: 0 });
  });

  test('figures that are read after a rent is due leave it to be paid at its time', () => {
    const run = (reads: boolean): Record<string, number> => {
      const cluster = clusterWith({ nlp: 10e6, vision: 10e6 });
      cluster.pods(...podsOf('nlp', 2));
      cluster.settle();
      // Beyond the next rent, and nothing has asked the market yet.
      cluster.wait(1.5 * HOUR).step({ kind: 'namespace', name: 'elsewhere', labels: {} });
      if (reads)
        expect(cluster.scheduler.view().economy()?.tenants[0]?.tokens?.spendPerHour).toBeGreaterThan(0);
      cluster.decide();
      cluster.gone('nlp-0', 'nlp-1');
      cluster.wait(HOUR).decide();
      return tokensOf(cluster, 'nlp');
    };
    expect(run(true)).toEqual(run(false));
  });

  test('beyond its quota a tenant gets what it can pay for: the rest waits for its price, and starts later', () => {
    const cluster = clusterWith({ nlp: 100_000, vision: 0 });
    cluster.pods(...podsOf('nlp', 8));
    const effects = cluster.decide();
    const started = effects.filter(({ kind }) => kind === 'bind').length;
    for (const effect of effects) {
      if (effect.kind !== 'bind') continue;
      cluster.bindDone(effect.uid);
      cluster.update(effect.uid, { nodeName: effect.node });
    }
    expect(started).toBeGreaterThanOrEqual(2);
    expect(started).toBeLessThan(8);
    const waiting = Object.values(refusals(effects));
    expect(waiting[0]).toContain('price-too-high');
    expect(waiting[0]).toMatch(/tenant nlp, flavor h100, needTokens [\d.]+, availableTokens/);
    // Three end: the price falls, tokens come back, and the next one starts by itself.
    const before = cluster.scheduler.counters.scheduled;
    cluster.gone('nlp-0', 'nlp-1', 'nlp-2');
    for (let turn = 0; turn < 24 && cluster.scheduler.counters.scheduled === before; turn++) {
      expect(cluster.scheduler.dueSeconds).toBeLessThan(Number.POSITIVE_INFINITY);
      cluster.timeSeconds = Math.max(cluster.timeSeconds + 600, cluster.scheduler.dueSeconds);
      cluster.settle();
    }
    expect(cluster.scheduler.counters.scheduled).toBeGreaterThan(before);
    // Its own quota is never too dear.
    cluster.gone('nlp-3', 'nlp-4');
    cluster.pods(...podsOf('vision', 2));
    expect(Object.keys(cluster.settle())).toContain('vision-0');
  });

  test('observe admits what could not be paid, and counts it', () => {
    const cluster = clusterWith({ nlp: 0, vision: 0 }, 'observe');
    cluster.pods(...podsOf('nlp', 8));
    expect(Object.keys(cluster.settle())).toHaveLength(8);
    expect(cluster.scheduler.internals.state.economy.counters.refused).toBeGreaterThan(0);
    expect(tokensOf(cluster, 'nlp').spend).toBeGreaterThan(2);
  });

  test('other quotas and tenants, and a market without tokens for a while, keep balances and what runs', () => {
    const cluster = clusterWith({ nlp: 50e6, vision: 50e6 });
    cluster.pods(...podsOf('nlp', 2));
    cluster.settle();
    const before = tokensOf(cluster, 'nlp');
    setEconomy(cluster, 'enforce', MARKET, [
      teamTenant('nlp', { h100: 4 }),
      teamTenant('vision', { h100: 4 }),
    ]);
    cluster.decide();
    expect(tokensOf(cluster, 'nlp')).toMatchObject({ spend: before.spend, mint: 4 });
    setEconomy(cluster, 'enforce', MARKET, [...TENANTS, teamTenant('speech', {})]);
    cluster.decide();
    expect(tokensOf(cluster, 'nlp').spend).toBeCloseTo(before.spend ?? 0, 1);
    setEconomy(cluster, 'enforce', { ...MARKET, tokens: false }, TENANTS);
    cluster.decide();
    expect(tokensOf(cluster, 'nlp')).toEqual({});
    setEconomy(cluster, 'enforce', { ...MARKET, halfLifeSeconds: 100 * HOUR }, TENANTS);
    cluster.decide();
    expect(tokensOf(cluster, 'nlp').available).toBeGreaterThan(49);
    expect(tokensOf(cluster, 'nlp').available).toBeLessThan(50.1);
  });

  test('a logged ledger has each pod once, by name, and goes on after a break', () => {
    const log: ChainedBatch[] = [];
    const chain = new HashChain();
    const onBatch = (batch: { number: number; bytes: Uint8Array<ArrayBuffer> }): void => {
      log.push(chain.append(batch));
    };
    const ledger = new Ledger({ halfLifeMicros: 168 * HOUR * 1e6, onBatch });
    const first = new TestCluster().nodes(gpuNode('n1', 'h100'));
    first.scheduler.useLedger(ledger);
    first.step({ kind: 'balances', balances: {} });
    setEconomy(first, 'enforce', MARKET, TENANTS);
    first.pods(...podsOf('nlp', 3));
    const placed = first.settle();
    expect(Object.keys(placed)).toHaveLength(3);
    expect(openPods(log)).toEqual(['nlp/nlp-0/nlp-0', 'nlp/nlp-1/nlp-1', 'nlp/nlp-2/nlp-2']);
    first.wait(3 * HOUR).decide();
    // The process dies: the next one finishes its market, and holds what still runs.
    const seconds = first.timeSeconds + 600;
    const found = finishMarket(ledger, log.toReversed(), seconds * 1e6);
    expect(found.ended).toBe(3);
    expect(openPods(log)).toEqual([]);
    const next = new TestCluster().wait(seconds).nodes(gpuNode('n1', 'h100'));
    for (const each of podsOf('nlp', 2)) next.pods({ ...each, nodeName: 'n1' });
    next.scheduler.useLedger(ledger);
    next.step({ kind: 'balances', balances: {} });
    setEconomy(next, 'enforce', MARKET, TENANTS);
    next.decide();
    expect(openPods(log)).toEqual(['nlp/nlp-0/nlp-0', 'nlp/nlp-1/nlp-1']);
    next.wait(2 * HOUR).decide();
    expect(verifyLedger(log, { audit: new RentAudit() }).fault).toBeUndefined();
    // Rents are divided among the pods by name.
    const charges = new JobCharges();
    const names = new Set<string>();
    for (const { bytes, number } of log) {
      for (const { jobName, moved } of charges.read(readBatch(bytes, `batch ${number}`)))
        if (moved > 0 && jobName !== undefined) names.add(jobName);
    }
    expect([...names].sort()).toEqual(['nlp/nlp-0/nlp-0', 'nlp/nlp-1/nlp-1', 'nlp/nlp-2/nlp-2']);
  });
});
