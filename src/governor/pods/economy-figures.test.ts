import { describe, expect, test } from 'vitest';
import { PREEMPTION_DEFAULTS } from '../../market/tenants/spec.ts';
import { gpuNode, gpuPodOf, labelledMarket, setEconomy, teamTenant } from './economy/economy.fixtures.ts';
import { labelledPod, membersOfGang, runningPods, withChampion } from './reasons/reasons.fixtures.ts';
import { group, TestCluster, victims } from './scheduler.fixtures.ts';

const AT_ONCE = { preemption: { ...PREEMPTION_DEFAULTS, minRuntimeSeconds: 0 } };

/** Two nodes of 8 GPUs; `nlp` and `vision` with a quota of 8 each, and 12 pods of `vision`. */
function lentOut(): TestCluster {
  const cluster = new TestCluster().nodes(gpuNode('n1', 'a'), gpuNode('n2', 'a'));
  setEconomy(cluster, 'enforce', labelledMarket('a'), [
    teamTenant('nlp', { a: 8 }, AT_ONCE),
    teamTenant('vision', { a: 8 }, AT_ONCE),
  ]);
  runningPods(cluster, 'vision', 12);
  return cluster;
}

const figuresOf = ({ scheduler }: TestCluster) => scheduler.view().economyFigures();

describe('figures of the economy', () => {
  test('there are none while the mode is off', () => {
    const cluster = new TestCluster().nodes(gpuNode('n', 'a'));
    cluster.pods(gpuPodOf('p', 'x'));
    cluster.settle();
    expect(figuresOf(cluster)).toBeUndefined();
    expect(cluster.scheduler.view().heldIdle().size).toBe(0);
  });

  test('who waits, by reason, with the codes of explanations; a gang is one entry and counts its pods', () => {
    const cluster = lentOut();
    cluster.group(group('g', 3));
    cluster.pods(...membersOfGang('g', 'nlp', 2), gpuPodOf('wide', 'nlp', 9));
    cluster.pods(gpuPodOf('gated', 'vision', 1, {}, { gates: ['x'] }), labelledPod('big', 'nlp', 'typo'));
    const before = figuresOf(cluster);
    expect(before?.waiting.find(({ first }) => first.uid === 'wide')?.code).toBe('not-tried');
    cluster.settle();
    const figures = figuresOf(cluster);
    expect(figures?.waiting.map(({ first, pods, code }) => [first.uid, pods, code])).toEqual([
      ['g-0', 2, 'gang-incomplete'],
      ['wide', 1, 'no-fit'],
      ['gated', 1, 'scheduling-gated'],
    ]);
    for (const { first, code } of figures?.waiting ?? []) {
      expect(cluster.scheduler.explain(first.uid)?.waitsFor?.code).toBe(code);
    }
    const pods = [...(figures?.waitingPods ?? [])].map(([tenant, byCode]) => [tenant, [...byCode]]);
    expect(pods).toEqual([
      [
        'nlp',
        [
          ['gang-incomplete', 2],
          ['no-fit', 1],
        ],
      ],
      ['vision', [['scheduling-gated', 1]]],
    ]);
  });

  test('evictions by reason, and the work of the tenant that lost it, as long as the tenant is there', () => {
    const cluster = lentOut();
    cluster.wait(60);
    cluster.pods(gpuPodOf('p', 'nlp', 8));
    expect(victims(cluster.decide())).toHaveLength(4);
    const figures = figuresOf(cluster);
    expect(figures?.evicted).toMatchObject({ reclaim: 4, drain: 0 });
    expect(figures?.workLost.get('vision')).toBeGreaterThanOrEqual(4 * 60);
    expect(figures?.workLost.has('nlp')).toBe(false);
    setEconomy(cluster, 'enforce', labelledMarket('a'), [teamTenant('nlp', { a: 8 })]);
    cluster.settle();
    expect(figuresOf(cluster)?.workLost.size).toBe(0);
  });

  test('free GPUs that are kept for a champion are held idle, at most those that it needs', () => {
    const life = withChampion();
    expect([...life.cluster.scheduler.view().heldIdle()]).toEqual([['all', 4]]);
    expect(figuresOf(life.cluster)?.psi).toBe(0);
  });
});
