import { describe, expect, test } from 'vitest';
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import { gpuNode, gpuPodOf, labelledMarket, setEconomy, teamTenant } from '../economy/economy.fixtures.ts';
import { ChampionLife } from './champion-life.fixtures.ts';

const AFTER = 60;

/** Two nodes of 8 GPUs, and a tenant that may use both; `n0` is full until 2000, `n1` until 3000. */
function fullLife(
  trueSeconds?: (pod: PodDescription) => number,
  unknownRuntime: 'Never' | 'Predict' = 'Never',
): ChampionLife {
  const life = new ChampionLife(trueSeconds);
  life.cluster.nodes(gpuNode('n0', 'a'), gpuNode('n1', 'a'));
  const champion = { afterSeconds: AFTER, reservationsMax: 4, unknownRuntime };
  setEconomy(life.cluster, 'enforce', { ...labelledMarket('a'), champion }, [teamTenant('all', { a: 80 })]);
  return life;
}

const of = (name: string, gpus: number, expectedSeconds?: number, node = ''): PodDescription =>
  gpuPodOf(
    name,
    'all',
    gpus,
    node === '' ? {} : { nodeSelector: { 'kubernetes.io/hostname': node } },
    expectedSeconds === undefined ? {} : { expectedSeconds },
  );

describe('plans of champions', () => {
  test('two claimants of one flavour contend, though there are nodes for both', () => {
    const life = fullLife();
    life.add(of('a', 8, 1000, 'n0'), of('b', 8, 2000, 'n1'));
    life.runUntil(1010);
    life.add(of('one', 8, 100), of('two', 8, 100));
    life.runUntil(1200);
    expect(life.champions().map(({ key }) => key)).toEqual(['one']);
  });

  test('an earlier start elsewhere opens the room that was kept', () => {
    const life = fullLife();
    life.add(of('a', 4, 1000, 'n0'), of('b', 8, 2000, 'n1'));
    life.runUntil(1010);
    life.add(of('big', 8, 100));
    life.runUntil(1100);
    life.add(of('stays', 4, 9000));
    life.runUntil(1110);
    expect(life.champions()).toMatchObject([{ key: 'big', startsBySeconds: 2000 }]);
    expect(life.started.has('stays')).toBe(false);
    life.cluster.update('b', { expectedSeconds: 500, nodeName: 'n1', startedSeconds: 1000 });
    life.runUntil(1200);
    expect(life.champions()).toMatchObject([{ key: 'big', startsBySeconds: 1500, postponed: 0 }]);
    expect(life.cluster.nodeOf('stays')).toBe('n0');
  });

  test('a promise counts as kept if the start is not late', () => {
    for (const [trueSeconds, kept] of [
      [1000, 1],
      [1500, 0],
    ] as const) {
      const life = fullLife(({ uid }) => (uid === 'a' ? trueSeconds : 2000));
      life.add(of('a', 8, 1000, 'n0'), of('b', 8, 2000, 'n1'));
      life.runUntil(1010);
      life.add(of('big', 8, 100));
      life.runUntil(2700);
      expect(life.started.get('big')).toBe(1000 + trueSeconds);
      expect(life.cluster.scheduler.internals.champions.promises).toEqual({ made: 1, kept });
    }
  });

  test('pods that were deleted teach nothing about run times', () => {
    for (const [deleting, expected] of [
      [false, 200],
      // The default of a tenant that states none.
      [true, 8 * 3600],
    ] as const) {
      const life = fullLife(({ uid }) => (uid === 'b' ? 3000 : 200), 'Predict');
      life.add(of('b', 8, 3000, 'n1'), of('stopped', 8, undefined, 'n0'));
      life.runUntil(1050);
      life.cluster.update('stopped', { deleting, nodeName: 'n0' });
      life.runUntil(1210);
      const { state, champions } = life.cluster.scheduler.internals;
      life.add(of('next', 8, undefined, 'n0'));
      const next = state.pods.get('next');
      expect(next && champions.ends.expectedRun(next)).toBe(expected);
    }
  });
});
