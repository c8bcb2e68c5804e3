import { expect, test } from 'vitest';
import { gpuNode, gpuPodOf, labelledMarket, setEconomy, teamTenant } from '../economy/economy.fixtures.ts';
import { TestCluster } from '../scheduler.fixtures.ts';
import { coveredFlavors } from './lent-quota.ts';

test('a flavour is covered by a quota on the path that no limit below it rules out', () => {
  const cluster = new TestCluster().nodes(gpuNode('a1', 'a'), gpuNode('b1', 'b'));
  const limit = { a: { gpuMilli: 5000 }, b: { gpuMilli: 6000 } };
  setEconomy(cluster, 'enforce', labelledMarket('a', 'b'), [
    teamTenant('parent', { a: 8, b: 8 }),
    teamTenant('child', {}, { parent: 'parent', limit }),
    teamTenant('stranger', {}),
  ]);
  cluster.decide();
  // They wait for a decision.
  cluster.pods(gpuPodOf('six', 'child', 6), gpuPodOf('seven', 'child', 7));
  const { economy, pods } = cluster.scheduler.internals.state;
  const { books } = economy;
  const covered = (tenant: string, uid: string, count = 1): number | undefined => {
    const shape = pods.get(uid)?.shape;
    if (books === undefined || shape === undefined) return undefined;
    return coveredFlavors(books, books.table.find(tenant), [{ shape, count }]);
  };
  expect(covered('child', 'six')).toBe(0b10);
  expect(covered('parent', 'six')).toBe(0b11);
  expect(covered('parent', 'six', 2)).toBe(0);
  expect([covered('child', 'seven'), covered('parent', 'seven')]).toEqual([0, 0b11]);
  expect(covered('stranger', 'six')).toBe(0);
});
