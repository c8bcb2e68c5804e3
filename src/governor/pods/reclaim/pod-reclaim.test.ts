import { describe, expect, test } from 'vitest';
import { PREEMPTION_DEFAULTS, type TenantSpec } from '../../../market/tenants/spec.ts';
import { gpuNode, gpuPodOf, labelledMarket, setEconomy, teamTenant } from '../economy/economy.fixtures.ts';
import type { EvictEffect, PodEffect } from '../pod-events.ts';
import { bindings, group, refusals, TestCluster, victims } from '../scheduler.fixtures.ts';

const AT_ONCE: Partial<TenantSpec> = { preemption: { ...PREEMPTION_DEFAULTS, minRuntimeSeconds: 0 } };

/** Two nodes of 8 GPUs and two tenants; `vision` with a quota of `own` has borrowed everything, pod by pod. */
function lentOut(
  more: Partial<TenantSpec> = AT_ONCE,
  mode: 'observe' | 'enforce' = 'enforce',
  own = 8,
): TestCluster {
  const cluster = new TestCluster().nodes(gpuNode('n1', 'a'), gpuNode('n2', 'a'));
  setEconomy(cluster, mode, labelledMarket('a'), [
    teamTenant('nlp', { a: 16 - own }, more),
    teamTenant('vision', { a: own }, more),
  ]);
  cluster.pods(...Array.from({ length: 16 }, (_, i) => gpuPodOf(`v${i}`, 'vision')));
  expect(Object.keys(cluster.settle())).toHaveLength(16);
  return cluster.wait(60);
}

/** @returns Members of a gang of a namespace, each of some GPUs. */
function gang(cluster: TestCluster, name: string, namespace: string, count: number, gpus: number): void {
  const key = `core:${namespace}/${name}`;
  cluster.group(group(name, count, { key }));
  const more = { group: key };
  cluster.pods(
    ...Array.from({ length: count }, (_, i) => gpuPodOf(`${name}-${i}`, namespace, gpus, {}, more)),
  );
}

function evictions(effects: readonly PodEffect[]): EvictEffect[] {
  return effects.filter((effect): effect is EvictEffect => effect.kind === 'evict');
}

describe('reclaim in the pod scheduler', () => {
  test('a pod within its quota gets room from a borrower, and starts when the victim is gone', () => {
    const cluster = lentOut();
    cluster.pods(gpuPodOf('p', 'nlp', 4));
    const effects = cluster.decide();
    const gone = evictions(effects);
    expect(gone).toHaveLength(4);
    expect(gone[0]).toMatchObject({ why: 'reclaim', by: 'nlp/p', byUid: 'p' });
    expect(refusals(effects).p).toBe('reclaim: waiting for 4 victims to leave');
    // One is still there: nobody else is evicted, and nobody else takes the room or the loan.
    cluster.pods(gpuPodOf('again', 'vision'));
    cluster.gone(...gone.slice(0, 3).map(({ uid }) => uid));
    expect(Object.keys(cluster.settle())).toHaveLength(0);
    cluster.gone(gone[3]?.uid as string);
    expect(Object.keys(cluster.settle())).toEqual(['p']);
    const { reclaim } = cluster.scheduler.internals;
    expect(reclaim.claims.size).toBe(0);
    expect(reclaim.counts).toMatchObject({ plans: 1, taken: 0 });
  });

  test('a gang of the lender starts whole; no more than it needs is evicted', () => {
    const cluster = lentOut();
    gang(cluster, 'g', 'nlp', 2, 4);
    const gone = victims(cluster.decide());
    expect(gone).toHaveLength(8);
    cluster.gone(...gone);
    expect(Object.keys(cluster.settle()).sort()).toEqual(['g-0', 'g-1']);
  });

  test('nobody is evicted beyond the quota, in mode observe, before minRuntime, or where the tenant forbids it', () => {
    const beyond = lentOut();
    beyond.pods(gpuPodOf('p', 'nlp', 8));
    const gone = victims(beyond.decide());
    beyond.gone(...gone);
    beyond.settle();
    beyond.pods(gpuPodOf('more', 'nlp'));
    expect(victims(beyond.decide())).toEqual([]);
    const observed = lentOut(AT_ONCE, 'observe');
    observed.pods(gpuPodOf('p', 'nlp'));
    expect(victims(observed.decide())).toEqual([]);
    for (const preemption of [
      { ...PREEMPTION_DEFAULTS, minRuntimeSeconds: 0, reclaim: 'Never' as const },
      { ...PREEMPTION_DEFAULTS, minRuntimeSeconds: 0, reclaimable: false },
      { ...PREEMPTION_DEFAULTS, minRuntimeSeconds: 0, reclaim: 'LowerPriority' as const },
    ]) {
      const cluster = lentOut({ preemption });
      cluster.pods(gpuPodOf('p', 'nlp'));
      expect(victims(cluster.decide())).toEqual([]);
    }
    const young = lentOut({ preemption: { ...PREEMPTION_DEFAULTS, minRuntimeSeconds: 100 } });
    young.pods(gpuPodOf('p', 'nlp'));
    expect(victims(young.decide())).toEqual([]);
    expect(young.scheduler.dueSeconds).toBeLessThanOrEqual(young.timeSeconds + 40);
    expect(victims(young.wait(41).decide())).toHaveLength(1);
  });

  test('a priority holds within a tenant; across tenants with the scope of the cluster, or as a system priority', () => {
    const cluster = lentOut();
    cluster.pods(gpuPodOf('high', 'vision', 1, {}, { priority: 10 }));
    const own = evictions(cluster.decide());
    expect(own).toHaveLength(1);
    expect(own[0]).toMatchObject({ why: 'within' });
    for (const [scope, priority, count] of [
      ['Tenant', 10, 0],
      ['Cluster', 10, 1],
      ['Tenant', 2_000_000_000, 1],
    ] as const) {
      const other = new TestCluster().nodes(gpuNode('n1', 'a'), gpuNode('n2', 'a'));
      const market = { ...labelledMarket('a'), priorityScope: scope };
      setEconomy(other, 'enforce', market, [
        teamTenant('vision', { a: 8 }, AT_ONCE),
        teamTenant('idle', { a: 8 }, AT_ONCE),
        teamTenant('guest', {}, AT_ONCE),
      ]);
      other.pods(...Array.from({ length: 16 }, (_, i) => gpuPodOf(`v${i}`, 'vision')));
      other.settle();
      other.wait(60).pods(gpuPodOf('high', 'guest', 1, {}, { priority }));
      expect(victims(other.decide())).toHaveLength(count);
    }
  });

  test('victims that come back at once do not get the room, and are not evicted again for the claim', () => {
    const cluster = lentOut({
      preemption: { ...PREEMPTION_DEFAULTS, minRuntimeSeconds: 0, within: 'Never' },
    });
    cluster.pods(gpuPodOf('p', 'nlp', 8));
    const gone = victims(cluster.decide());
    expect(gone).toHaveLength(8);
    for (const uid of gone) {
      cluster.gone(uid);
      cluster.pods(gpuPodOf(`${uid}-again`, 'vision', 1, {}, { name: uid, priority: 5 }));
      const effects = cluster.decide();
      expect(victims(effects)).toEqual([]);
      for (const effect of effects) if (effect.kind === 'bind') cluster.bindDone(effect.uid);
    }
    expect(cluster.nodeOf('p')).not.toBe('');
  });

  test('room that another scheduler takes is made again three times, then elsewhere, then it stops and says who', () => {
    const cluster = lentOut(AT_ONCE, 'enforce', 4);
    cluster.pods(gpuPodOf('p', 'nlp'));
    let attempts = 0;
    for (let turn = 0; turn < 12; turn++) {
      const gone = evictions(cluster.decide());
      if (gone.length === 0) break;
      attempts++;
      for (const { uid, node } of gone) {
        cluster.gone(uid);
        const rival = gpuPodOf(`rival${turn}`, 'vision', 1, {}, { ours: false, nodeName: node });
        cluster.pods(rival);
      }
      cluster.wait(1);
    }
    expect(attempts).toBe(4);
    const { reclaim, state } = cluster.scheduler.internals;
    expect(reclaim.claims.size).toBe(0);
    expect(state.claimed.size).toBe(0);
    const pod = state.pods.get('p');
    expect(pod && reclaim.textFor(pod)).toContain("another scheduler's pod vision/rival");
    expect(victims(cluster.wait(1000).decide())).toEqual([]);
  });

  test.each(['pod', 'gang'] as const)(
    'a stopped %s says who interferes where the accounts refuse, too',
    (kind) => {
      const cluster = lentOut(AT_ONCE, 'enforce', 4);
      if (kind === 'gang') gang(cluster, 'p', 'nlp', 2, 1);
      else cluster.pods(gpuPodOf('p-0', 'nlp'));
      let told = '';
      for (let turn = 0; turn < 12; turn++) {
        const effects = cluster.decide();
        told = refusals(effects)['p-0'] ?? told;
        for (const { uid, node } of evictions(effects)) {
          cluster.gone(uid);
          cluster.pods(gpuPodOf(`rival-${uid}`, 'vision', 1, {}, { ours: false, nodeName: node }));
        }
        cluster.wait(1);
      }
      expect(told).toMatch(
        /^not admitted: quota-used-up .*reclaim: stopped: room was made 4 times .*vision\/rival-/,
      );
    },
  );

  test('a victim that cannot be evicted is not evicted again; another one is', () => {
    const cluster = lentOut();
    cluster.pods(gpuPodOf('p', 'nlp'));
    const [first] = victims(cluster.decide());
    cluster.step({ kind: 'evict-done', uid: first as string, done: false, reason: 'forbidden' });
    const [second] = victims(cluster.decide());
    expect(second).toBeDefined();
    expect(second).not.toBe(first);
  });

  test('nothing is evicted for members beyond the minimum: a gang starts with what its accounts admit', () => {
    const cluster = lentOut(AT_ONCE, 'enforce', 14);
    const [first, second] = Object.keys(Object.fromEntries(cluster.scheduler.internals.state.pods));
    cluster.gone(first as string, second as string);
    const key = 'core:nlp/g';
    cluster.group(group('g', 2, { key }));
    cluster.pods(...['g-0', 'g-1', 'g-2'].map((name) => gpuPodOf(name, 'nlp', 1, {}, { group: key })));
    const effects = cluster.decide();
    expect(victims(effects)).toEqual([]);
    expect(Object.keys(bindings(effects))).toEqual(['g-0', 'g-1']);
    expect(refusals(effects)['g-2']).toContain('quota-used-up');
    // The same for evictions: for two of three.
    const full = lentOut(AT_ONCE, 'enforce', 14);
    full.group(group('g', 2, { key }));
    full.pods(...['g-0', 'g-1', 'g-2'].map((name) => gpuPodOf(name, 'nlp', 1, {}, { group: key })));
    const gone = victims(full.decide());
    expect(gone).toHaveLength(2);
    full.gone(...gone);
    expect(Object.keys(full.settle())).toHaveLength(2);
  });

  test('for a tenant whose budget is spent nobody is evicted, and its claim ends', () => {
    const budget = { tokens: 1, periodSeconds: 1e6, onEmpty: 'Wait' as const };
    const poor = lentOut({ ...AT_ONCE, budget: { ...budget, tokens: 1000 } });
    poor.pods(gpuPodOf('p', 'nlp'));
    const [victim] = victims(poor.decide());
    setEconomy(poor, 'enforce', labelledMarket('a'), [
      teamTenant('nlp', { a: 8 }, { ...AT_ONCE, budget }),
      teamTenant('vision', { a: 8 }, AT_ONCE),
    ]);
    poor.gone(victim as string);
    const effects = poor.decide();
    expect(victims(effects)).toEqual([]);
    expect(refusals(effects).p).toContain('budget-empty');
    expect(poor.scheduler.internals.reclaim.claims.size).toBe(0);
    expect(poor.scheduler.internals.state.claimed.size).toBe(0);
  });

  test('a gang that waits for victims starts when others return the quota and the room earlier', () => {
    const cluster = lentOut();
    gang(cluster, 'g', 'nlp', 2, 1);
    const gone = victims(cluster.decide());
    expect(gone).toHaveLength(2);
    const others = [...cluster.scheduler.internals.state.pods.keys()].filter(
      (uid) => uid.startsWith('v') && !gone.includes(uid),
    );
    cluster.gone(...others.slice(0, 2));
    expect(Object.keys(cluster.settle()).sort()).toEqual(['g-0', 'g-1']);
    expect(cluster.scheduler.internals.reclaim.claims.size).toBe(0);
  });

  test('gangs fall whole or down to their minimum', () => {
    for (const [disruption, count] of [
      ['all', 8],
      ['single', 4],
    ] as const) {
      const cluster = new TestCluster().nodes(gpuNode('n1', 'a'));
      setEconomy(cluster, 'enforce', labelledMarket('a'), [
        teamTenant('nlp', { a: 8 }, AT_ONCE),
        teamTenant('vision', {}, AT_ONCE),
      ]);
      const key = 'core:vision/g';
      cluster.group(group('g', 4, { key, disruption }));
      const more = { group: key };
      cluster.pods(...Array.from({ length: 8 }, (_, i) => gpuPodOf(`g-${i}`, 'vision', 1, {}, more)));
      expect(Object.keys(cluster.settle())).toHaveLength(8);
      cluster.wait(60).pods(gpuPodOf('p', 'nlp', 4));
      expect(victims(cluster.decide())).toHaveLength(count);
    }
  });

  test('a gang at its minimum that a member has left on its own falls whole, or not at all', () => {
    const cluster = new TestCluster().nodes(gpuNode('n1', 'a', 4));
    setEconomy(cluster, 'enforce', labelledMarket('a'), [
      teamTenant('nlp', { a: 4 }, AT_ONCE),
      teamTenant('vision', {}, AT_ONCE),
    ]);
    const key = 'core:vision/g';
    cluster.group(group('g', 3, { key, disruption: 'single' }));
    cluster.pods(...[0, 1, 2, 3].map((i) => gpuPodOf(`g-${i}`, 'vision', 1, {}, { group: key })));
    expect(Object.keys(cluster.settle())).toHaveLength(4);
    cluster.wait(60).pods(gpuPodOf('p', 'nlp', 1));
    const [first] = victims(cluster.decide());
    const [ended, ...left] = ['g-0', 'g-1', 'g-2', 'g-3'].filter((uid) => uid !== first);
    // Two run of the minimum of three, and a third one is leaving still.
    cluster.update(ended as string, { ended: true, nodeName: 'n1' });
    expect(Object.keys(cluster.settle())).toEqual(['p']);
    cluster.pods(gpuPodOf('q', 'nlp', 2));
    expect(victims(cluster.decide())).toEqual([]);
    cluster.gone(first as string);
    cluster.wait(60);
    expect(victims(cluster.decide()).sort()).toEqual(left);
  });

  test('a member that waits does not start alone in the decision in which the others are evicted', () => {
    const cluster = new TestCluster().nodes(gpuNode('n1', 'a', 2), gpuNode('n2', 'a', 1));
    setEconomy(cluster, 'enforce', labelledMarket('a'), [
      teamTenant('nlp', { a: 2 }, AT_ONCE),
      teamTenant('vision', {}, AT_ONCE),
    ]);
    const key = 'core:vision/g';
    const more = { group: key };
    cluster.group(group('g', 2, { key }));
    cluster.pods(gpuPodOf('g-0', 'vision', 1, {}, more), gpuPodOf('g-1', 'vision', 1, {}, more));
    expect(cluster.settle()).toEqual({ 'g-0': 'n1', 'g-1': 'n1' });
    cluster
      .wait(60)
      .pods(gpuPodOf('p', 'nlp', 2, {}, { priority: 1 }), gpuPodOf('g-2', 'vision', 1, {}, more));
    const effects = cluster.decide();
    expect(victims(effects).sort()).toEqual(['g-0', 'g-1']);
    expect(bindings(effects)).toEqual({});
    cluster.gone('g-0', 'g-1');
    expect(cluster.settle()).toEqual({ p: 'n1' });
  });

  test('a claim keeps its place in the order before equals that start while its victim leaves', () => {
    const cluster = new TestCluster().nodes(gpuNode('n1', 'a', 2), gpuNode('n2', 'a', 1));
    setEconomy(cluster, 'enforce', labelledMarket('a'), [
      teamTenant('nlp', { a: 2 }, AT_ONCE),
      teamTenant('speech', { a: 1 }, AT_ONCE),
      teamTenant('vision', {}, AT_ONCE),
    ]);
    cluster.pods(gpuPodOf('large', 'vision', 2), gpuPodOf('small', 'vision'));
    expect(Object.keys(cluster.settle())).toHaveLength(2);
    cluster.wait(60).pods(gpuPodOf('p', 'nlp', 2));
    expect(victims(cluster.decide())).toEqual(['large']);
    // Too little room for it comes up elsewhere: an equal starts there, on loan.
    cluster.wait(1).gone('small');
    cluster.pods(gpuPodOf('equal', 'nlp'));
    expect(Object.keys(cluster.settle())).toEqual(['equal']);
    cluster.wait(1).gone('large');
    expect(Object.keys(cluster.settle())).toEqual(['p']);
    cluster.wait(60).pods(gpuPodOf('s', 'speech'));
    expect(victims(cluster.decide())).toEqual(['equal']);
  });

  test('the work since the last checkpoint decides between equals', () => {
    const cluster = new TestCluster().nodes(gpuNode('n1', 'a', 2));
    setEconomy(cluster, 'enforce', labelledMarket('a'), [
      teamTenant('nlp', { a: 1 }, AT_ONCE),
      teamTenant('vision', {}, AT_ONCE),
    ]);
    cluster.pods(gpuPodOf('old', 'vision'), gpuPodOf('saved', 'vision'));
    cluster.settle();
    cluster.wait(600);
    cluster.update('old', { checkpointedSeconds: cluster.timeSeconds - 5, nodeName: 'n1' });
    cluster.update('saved', { checkpointedSeconds: cluster.timeSeconds - 50, nodeName: 'n1' });
    cluster.pods(gpuPodOf('p', 'nlp'));
    expect(victims(cluster.decide())).toEqual(['old']);
  });

  test('HoldAndDrain evicts at a bounded rate, for nobody', () => {
    const cluster = lentOut();
    const hold = { fromSeconds: 0, drainPods: 3, intervalSeconds: 60 };
    setEconomy(cluster, 'enforce', labelledMarket('a'), [
      teamTenant('nlp', { a: 8 }),
      teamTenant('vision', { a: 8 }, { state: 'HoldAndDrain', hold }),
    ]);
    const gone = evictions(cluster.decide());
    expect(gone).toHaveLength(3);
    expect(gone[0]).toMatchObject({ why: 'drain', by: '', byUid: '' });
    expect(victims(cluster.wait(30).decide())).toEqual([]);
    expect(victims(cluster.wait(30).decide())).toHaveLength(3);
  });

  test('a claim ends with its claimant, and with the mode', () => {
    const cluster = lentOut();
    cluster.pods(gpuPodOf('p', 'nlp'), gpuPodOf('q', 'nlp'));
    expect(victims(cluster.decide())).toHaveLength(2);
    const { reclaim, state } = cluster.scheduler.internals;
    expect(reclaim.claims.size).toBe(2);
    cluster.gone('p');
    cluster.decide();
    expect(reclaim.claims.size).toBe(1);
    setEconomy(cluster, 'off', labelledMarket('a'), []);
    cluster.decide();
    expect(reclaim.claims.size).toBe(0);
    expect(state.claimed.size).toBe(0);
  });
});
