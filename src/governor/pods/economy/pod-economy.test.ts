import { describe, expect, test } from 'vitest';
import { group, members, refusals, TestCluster } from '../scheduler.fixtures.ts';
import { gpuNode, gpuPodOf, KIND_LABEL, labelledMarket, setEconomy, teamTenant } from './economy.fixtures.ts';
import { tenantKey } from './tenant-keys.ts';

/** Two nodes of 8 GPUs of one flavour, and two tenants of 8 each. */
function twoTeams(mode: 'off' | 'observe' | 'enforce' = 'enforce'): TestCluster {
  const cluster = new TestCluster().nodes(gpuNode('n1', 'a'), gpuNode('n2', 'a'));
  setEconomy(cluster, mode, labelledMarket('a'), [
    teamTenant('nlp', { a: 8 }, { lend: { a: { gpuMilli: 4000 } } }),
    teamTenant('vision', { a: 8 }),
  ]);
  return cluster;
}

/** @returns GPUs that a tenant holds by its accounts. */
function held(cluster: TestCluster, tenant: string): number {
  const { books } = cluster.scheduler.internals.state.economy;
  if (books === undefined) return Number.NaN;
  return books.accounts.usage.heldBy(books.table.find(tenant), 0, 2) / 1000;
}

describe('the economy of a pod scheduler', () => {
  test('lets a tenant borrow what is lent, and no more', () => {
    const cluster = twoTeams();
    cluster.pods(...Array.from({ length: 16 }, (_, i) => gpuPodOf(`v${i}`, 'vision')));
    expect(Object.keys(cluster.settle())).toHaveLength(12);
    expect(held(cluster, 'vision')).toBe(12);
    const waiting = cluster.scheduler.explain('v15');
    expect(waiting).toMatchObject({ reason: 'NotReadyForScheduling' });
    expect(waiting?.message).toContain('quota-used-up');
    // What nlp kept for itself is there for it.
    cluster.pods(...Array.from({ length: 4 }, (_, i) => gpuPodOf(`p${i}`, 'nlp')));
    expect(Object.keys(cluster.settle())).toHaveLength(4);
    // Borrowed room comes back when a pod ends.
    cluster.gone('v0');
    expect(Object.keys(cluster.settle())).toHaveLength(1);
  });

  test('off: quotas are not looked at; observe: nothing is refused, and what would be is counted', () => {
    for (const mode of ['off', 'observe'] as const) {
      const cluster = twoTeams(mode);
      cluster.pods(...Array.from({ length: 16 }, (_, i) => gpuPodOf(`v${i}`, 'vision')));
      expect(Object.keys(cluster.settle())).toHaveLength(16);
      const { economy, tenants } = cluster.scheduler.internals.state;
      expect(economy.mode).toBe(mode);
      expect(economy.counters.refused).toBe(mode === 'off' ? 0 : 4);
      const key = tenants.find(tenantKey('vision', ''));
      expect(economy.observedRefusal(key)?.code).toBe(mode === 'off' ? undefined : 'quota-used-up');
    }
  });

  test('pods that another layer has admitted are counted, and not refused; others find the quota used', () => {
    const cluster = twoTeams();
    const key = tenantKey('vision', '', '', true);
    const admitted = Array.from({ length: 14 }, (_, i) =>
      gpuPodOf(`k${i}`, 'vision', 1, {}, { tenant: key }),
    );
    cluster.pods(...admitted);
    // Two more than vision has and nlp lends.
    expect(Object.keys(cluster.settle())).toHaveLength(14);
    expect(held(cluster, 'vision')).toBe(14);
    const { economy, tenants } = cluster.scheduler.internals.state;
    expect(economy.observedRefusal(tenants.find(key))?.code).toBe('quota-used-up');
    cluster.pods(gpuPodOf('own', 'vision'), gpuPodOf('p', 'nlp'));
    expect(Object.keys(cluster.settle())).toEqual(['p']);
    expect(cluster.scheduler.explain('own')?.message).toContain('quota-used-up');
  });

  test('pods of another scheduler count for their tenant, too', () => {
    const cluster = twoTeams('observe');
    const theirs = { ours: false, nodeName: 'n1' };
    cluster.pods(...[0, 1, 2].map((i) => gpuPodOf(`k${i}`, 'vision', 2, {}, theirs)));
    cluster.settle();
    expect(held(cluster, 'vision')).toBe(6);
    cluster.gone('k0');
    expect(held(cluster, 'vision')).toBe(4);
  });

  test('can be turned on, changed and turned off while pods run and wait', () => {
    const cluster = twoTeams('off');
    cluster.pods(...Array.from({ length: 14 }, (_, i) => gpuPodOf(`v${i}`, 'vision')));
    cluster.settle();
    const market = labelledMarket('a');
    setEconomy(cluster, 'enforce', market, [
      teamTenant('vision', { a: 8 }, { limit: { a: { gpuMilli: 14_000 } } }),
    ]);
    cluster.pods(gpuPodOf('late', 'vision'));
    expect(refusals(cluster.decide()).late).toContain('limit-reached');
    expect(held(cluster, 'vision')).toBe(14);
    setEconomy(cluster, 'enforce', market, [teamTenant('vision', { a: 8 })]);
    expect(cluster.settle()).toHaveProperty('late');
    cluster.pods(gpuPodOf('last', 'vision'));
    setEconomy(cluster, 'enforce', market, [teamTenant('vision', { a: 8 }, { state: 'Hold' })]);
    expect(refusals(cluster.decide()).last).toContain('tenant-held');
    setEconomy(cluster, 'off', market, []);
    expect(cluster.settle()).toHaveProperty('last');
    cluster.gone('v0', 'v1');
  });

  test('a pod that two flavours could serve goes to the one with quota, and waits for accounts where that is full', () => {
    const cluster = new TestCluster().nodes(gpuNode('a1', 'a', 2), gpuNode('b1', 'b', 2));
    const more = { limit: { a: { gpuMilli: 0 } } };
    setEconomy(cluster, 'enforce', labelledMarket('a', 'b'), [teamTenant('nlp', { b: 2 }, more)]);
    cluster.pods(gpuPodOf('p', 'nlp'), gpuPodOf('q', 'nlp'), gpuPodOf('r', 'nlp'));
    const onB = gpuPodOf('s', 'nlp', 1, { nodeSelector: { [KIND_LABEL]: 'a' } });
    expect(cluster.settle()).toEqual({ p: 'b1', q: 'b1' });
    expect(cluster.scheduler.explain('r')?.reason).toBe('NotReadyForScheduling');
    cluster.pods(onB);
    expect(refusals(cluster.decide()).s).toContain('limit-exceeded');
    cluster.gone('p');
    expect(cluster.settle()).toEqual({ r: 'b1' });
  });

  test('a gang stays within the flavours that its tenant has room on', () => {
    const cluster = new TestCluster().nodes(gpuNode('a1', 'a', 8), gpuNode('b1', 'b', 2));
    const more = { limit: { a: { gpuMilli: 1000 } } };
    setEconomy(cluster, 'enforce', labelledMarket('a', 'b'), [teamTenant('nlp', { b: 4 }, more)]);
    cluster.group(group('g', 3));
    const gang = members('g', 3).map((each) => ({
      ...gpuPodOf(each.name, 'nlp'),
      group: each.group,
    }));
    cluster.pods(...gang);
    expect(cluster.settle()).toEqual({});
    expect(cluster.scheduler.explain('g-0')).toMatchObject({ reason: 'NotReadyForScheduling' });
    cluster.nodes(gpuNode('b1', 'b', 4));
    cluster.pods(gpuPodOf('x', 'nlp', 1, { nodeSelector: { [KIND_LABEL]: 'b' } }));
    expect(Object.values(cluster.settle())).toContain('b1');
  });

  test('a namespace that gets or loses its tenant moves its pods’ accounts', () => {
    const cluster = twoTeams();
    cluster.step({ kind: 'namespace', name: 'lab', labels: {} });
    cluster.pods(gpuPodOf('p', 'lab', 3));
    cluster.settle();
    expect([held(cluster, 'default'), held(cluster, 'nlp')]).toEqual([3, 0]);
    cluster.step({ kind: 'namespace', name: 'lab', labels: { team: 'nlp' } });
    cluster.decide();
    expect([held(cluster, 'default'), held(cluster, 'nlp')]).toEqual([0, 3]);
    cluster.step({ kind: 'namespace-gone', name: 'lab' });
    cluster.decide();
    expect([held(cluster, 'default'), held(cluster, 'nlp')]).toEqual([3, 0]);
  });

  test('a node that becomes of another flavour while pods are on it is accounted for again', () => {
    const cluster = new TestCluster().nodes(gpuNode('n', 'a'));
    setEconomy(cluster, 'enforce', labelledMarket('a', 'b'), [teamTenant('nlp', { a: 8, b: 8 })]);
    cluster.pods(gpuPodOf('p', 'nlp', 2), gpuPodOf('q', 'nlp', 1));
    cluster.settle();
    cluster.nodes(gpuNode('n', 'b'));
    cluster.gone('p');
    expect(held(cluster, 'nlp')).toBe(1);
    cluster.decide();
    const { books } = cluster.scheduler.internals.state.economy;
    const nlp = books?.table.find('nlp') ?? -1;
    expect([0, 1].map((flavor) => books?.accounts.usage.heldBy(nlp, flavor, 2))).toEqual([0, 1000]);
    expect([0, 1].map((flavor) => books?.accounts.usage.capacityOf(flavor, 2))).toEqual([0, 8000]);
  });

  test('capacity follows nodes that come, change and go', () => {
    const cluster = twoTeams();
    const capacity = (): number => {
      cluster.pods(gpuPodOf(`x${cluster.timeSeconds}`, 'nlp'));
      cluster.wait(1).decide();
      return cluster.scheduler.internals.state.economy.books?.accounts.usage.capacityOf(0, 2) ?? Number.NaN;
    };
    expect(capacity()).toBe(16_000);
    cluster.nodes(gpuNode('n3', 'a', 4));
    expect(capacity()).toBe(20_000);
    cluster.nodes(gpuNode('n3', 'a', 6));
    expect(capacity()).toBe(22_000);
    cluster.step({ kind: 'node-gone', name: 'n3' });
    expect(capacity()).toBe(16_000);
  });

  test('what a budget has spent survives a change of tenants', () => {
    const cluster = new TestCluster().nodes(gpuNode('n', 'a'));
    const market = labelledMarket('a');
    const budget = { tokens: 10, periodSeconds: 1e9, onEmpty: 'Wait' } as const;
    const tenants = [teamTenant('nlp', { a: 8 }, { budget, defaultRuntimeSeconds: 3600 })];
    setEconomy(cluster, 'enforce', market, tenants);
    cluster.pods(gpuPodOf('p', 'nlp', 8));
    cluster.settle();
    cluster.wait(3600).gone('p');
    setEconomy(cluster, 'enforce', market, tenants);
    cluster.pods(gpuPodOf('q', 'nlp', 8));
    expect(refusals(cluster.decide()).q).toMatch(/budget-empty \(tenant nlp, budgetTokens 10, spentTokens 8/);
  });

  test('a number of a key that another namespace gets is that one’s tenant', () => {
    const cluster = twoTeams();
    const { economy, tenants } = cluster.scheduler.internals.state;
    cluster.pods(gpuPodOf('p', 'nlp'));
    cluster.settle();
    const key = tenants.find(tenantKey('nlp', ''));
    expect(economy.resolve(key).name).toBe('nlp');
    cluster.gone('p');
    cluster.pods(gpuPodOf('q', 'vision'));
    cluster.settle();
    expect(tenants.find(tenantKey('vision', ''))).toBe(key);
    expect(economy.resolve(key).name).toBe('vision');
    expect([held(cluster, 'nlp'), held(cluster, 'vision')]).toEqual([0, 1]);
  });

  test('observe: pods go to flavours on which they would be refused, and a refusal ends with other quotas', () => {
    const cluster = new TestCluster().nodes(gpuNode('a1', 'a', 2), gpuNode('b1', 'b', 2));
    const market = labelledMarket('a', 'b');
    const more = { limit: { a: { gpuMilli: 0 } } };
    setEconomy(cluster, 'observe', market, [teamTenant('nlp', { b: 2 }, more)]);
    cluster.pods(...['p', 'q', 'r', 's'].map((name) => gpuPodOf(name, 'nlp')));
    expect(Object.keys(cluster.settle())).toHaveLength(4);
    const { economy, tenants } = cluster.scheduler.internals.state;
    const key = tenants.find(tenantKey('nlp', ''));
    expect(economy.observedRefusal(key)).toBeDefined();
    setEconomy(cluster, 'observe', market, [teamTenant('nlp', { a: 2, b: 2 })]);
    cluster.decide();
    expect(economy.observedRefusal(key)).toBeUndefined();
  });
});
