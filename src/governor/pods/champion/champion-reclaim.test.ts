/** Champions that may evict for their quota: not for a few seconds. */
import { expect, test } from 'vitest';
import { PREEMPTION_DEFAULTS } from '../../../market/tenants/spec.ts';
import { gpuNode, gpuPodOf, labelledMarket, setEconomy, teamTenant } from '../economy/economy.fixtures.ts';
import { ChampionLife } from './champion-life.fixtures.ts';

const AFTER = 60;

test.each([
  { early: 20, evicted: 0, course: 'waits for its start rather than evict' },
  { early: 100, evicted: 1, course: 'evicts a borrower, and starts as soon as that is gone' },
])('$early s before its promised start a champion within its quota $course', ({ early, evicted }) => {
  const life = new ChampionLife(({ uid, expectedSeconds = 0 }) =>
    uid === 'beside' ? 1000 - early : expectedSeconds,
  );
  life.cluster.nodes(gpuNode('n0', 'a'), gpuNode('n1', 'a'));
  const champion = { afterSeconds: AFTER, reservationsMax: 4, unknownRuntime: 'Never' as const };
  const atOnce = { preemption: { ...PREEMPTION_DEFAULTS, minRuntimeSeconds: 0 } };
  setEconomy(life.cluster, 'enforce', { ...labelledMarket('a'), champion }, [
    teamTenant('all', { a: 10 }),
    teamTenant('own', { a: 6 }),
    teamTenant('borrower', {}, atOnce),
  ]);
  life.add(gpuPodOf('beside', 'all', 5, {}, { expectedSeconds: 1200 }));
  life.add(gpuPodOf('apart', 'all', 5, {}, { expectedSeconds: 1000 }));
  life.runUntil(1000);
  life.add(gpuPodOf('six', 'own', 6, {}, { expectedSeconds: 100 }));
  life.runUntil(1100);
  expect(life.champions()).toMatchObject([{ key: 'six', promisedSeconds: 2000 }]);
  // Borrows of its quota, on the node that is not kept for it. The pod beside it ends before it says.
  life.add(gpuPodOf('small', 'borrower', 3, {}, { expectedSeconds: 9000 }));
  life.runUntil(1100);
  const { state, reclaim } = life.cluster.scheduler.internals;
  const nodeOf = (uid: string) => state.pods.get(uid)?.nodeName;
  expect(nodeOf('small')).toBe(nodeOf('beside'));
  const kept = nodeOf('apart');
  expect(nodeOf('small')).not.toBe(kept);
  life.runUntil(1999);
  expect(reclaim.counts.evicted.reclaim).toBe(evicted);
  if (evicted === 0) {
    life.runUntil(2001);
    expect(life.started.get('six')).toBe(2000);
    expect(nodeOf('six')).toBe(kept);
  } else {
    life.cluster.gone('small');
    life.runUntil(1999);
    expect(life.started.get('six')).toBe(1999);
  }
});
