import { describe, expect, test } from 'vitest';
import { PREEMPTION_DEFAULTS, type TenantSpec } from '../../../market/tenants/spec.ts';
import { gpuNode, gpuPodOf, labelledMarket, setEconomy, teamTenant } from '../economy/economy.fixtures.ts';
import { group, TestCluster, victims } from '../scheduler.fixtures.ts';

const AT_ONCE: Partial<TenantSpec> = { preemption: { ...PREEMPTION_DEFAULTS, minRuntimeSeconds: 0 } };

describe('claims of pods', () => {
  test('count only victims on their own flavour as gone', () => {
    const cluster = new TestCluster().nodes(gpuNode('a1', 'a', 2), gpuNode('b1', 'b', 1));
    setEconomy(cluster, 'enforce', labelledMarket('a', 'b'), [
      teamTenant('nlp', { a: 1 }, AT_ONCE),
      teamTenant('vision', {}, AT_ONCE),
    ]);
    const key = 'core:vision/g';
    cluster.group(group('g', 2, { key, disruption: 'all' }));
    cluster.pods(...['g-0', 'g-1'].map((name) => gpuPodOf(name, 'vision', 1, {}, { group: key })));
    cluster.settle();
    // A member that comes later may be on another flavour.
    cluster.pods(gpuPodOf('g-2', 'vision', 1, {}, { group: key }));
    cluster.settle();
    expect(['g-0', 'g-1', 'g-2'].map((uid) => cluster.nodeOf(uid))).toEqual(['a1', 'a1', 'b1']);
    cluster.wait(60).pods(gpuPodOf('p', 'nlp'));
    expect(victims(cluster.decide())).toHaveLength(3);
    const { reclaim, state } = cluster.scheduler.internals;
    const { books } = state.economy;
    const vision = books?.table.find('vision') ?? -1;
    const held = () => [0, 1].map((flavor) => books?.accounts.usage.heldBy(vision, flavor, 2));
    const [claim] = reclaim.claims.openClaims();
    if (claim === undefined) throw new Error('no claim');
    reclaim.claims.hold(claim);
    expect(held()).toEqual([0, 1000]);
    reclaim.claims.lift(claim);
    expect(held()).toEqual([2000, 1000]);
  });

  test('are made on pods of this scheduler alone', () => {
    const cluster = new TestCluster().nodes(gpuNode('n1', 'a', 2));
    setEconomy(cluster, 'enforce', labelledMarket('a'), [
      teamTenant('nlp', { a: 2 }, AT_ONCE),
      teamTenant('vision', {}, AT_ONCE),
    ]);
    cluster.pods(
      gpuPodOf('rival', 'vision', 1, {}, { ours: false, nodeName: 'n1' }),
      gpuPodOf('v', 'vision'),
    );
    expect(Object.keys(cluster.settle())).toEqual(['v']);
    cluster.wait(60).pods(gpuPodOf('p', 'nlp', 2));
    expect(victims(cluster.decide())).toEqual([]);
    cluster.pods(gpuPodOf('q', 'nlp', 1));
    expect(victims(cluster.decide())).toEqual(['v']);
  });

  test('a drain keeps its rate when tenants change', () => {
    const cluster = new TestCluster().nodes(gpuNode('n1', 'a', 8));
    const hold = { fromSeconds: 0, drainPods: 3, intervalSeconds: 60 };
    const drained = teamTenant('vision', { a: 8 }, { state: 'HoldAndDrain', hold });
    setEconomy(cluster, 'enforce', labelledMarket('a'), [teamTenant('vision', { a: 8 })]);
    cluster.pods(...Array.from({ length: 8 }, (_, i) => gpuPodOf(`v${i}`, 'vision')));
    expect(Object.keys(cluster.settle())).toHaveLength(8);
    setEconomy(cluster, 'enforce', labelledMarket('a'), [drained]);
    expect(victims(cluster.wait(60).decide())).toHaveLength(3);
    setEconomy(cluster.wait(20), 'enforce', labelledMarket('a'), [drained, teamTenant('nlp', {})]);
    expect(victims(cluster.decide())).toEqual([]);
    expect(victims(cluster.wait(40).decide())).toHaveLength(3);
  });
});
