/**
 * Preferences: kube-scheduler's scores and weights.
 */
import { describe, expect, test } from 'vitest';
import { apps, Cluster, HOST, near, spread, ZONE } from './cluster.fixtures.ts';
import { emptyTemplate } from './constraints.fixtures.ts';

const X = { labels: { app: 'x' } };
const Y = { labels: { app: 'y' } };
/** Every node's score from absent taints. */
const CLEAN = 300;

function cluster(): Cluster {
  return new Cluster().zoned('a1', 'za').zoned('a2', 'za').zoned('b1', 'zb');
}

function prefers(own: Cluster, changes: object): boolean {
  return own.rules.hasPreferences(own.shape(emptyTemplate(changes)));
}

test('nothing to prefer', () => {
  expect(prefers(cluster(), X)).toBe(false);
  expect(cluster().scores(X)).toEqual({ a1: CLEAN, a2: CLEAN, b1: CLEAN });
});

test('soft taints: the fewer not tolerated the better, weight 3', () => {
  const soft = (key: string) => ({ key, value: '', effect: 'PreferNoSchedule' as const });
  const own = cluster()
    .node('a1', { taints: [soft('one'), soft('two')] })
    .node('a2', { taints: [soft('one')] });
  expect(own.scores(X)).toEqual({ a1: 0, a2: 150, b1: 300 });
  const tolerations = [{ key: 'one', operator: 'Exists' as const, value: '', effect: '' as const }];
  expect(own.scores({ ...X, tolerations })).toEqual({ a1: 0, a2: 300, b1: 300 });
  expect(prefers(own, { tolerations })).toBe(true);
  expect(prefers(own, { tolerations: [{ ...tolerations[0], key: '' }] })).toBe(false);
  own.node('a1').node('a2');
  expect(prefers(own, {})).toBe(false);
});

test('preferred node affinity: weights of the terms that match, weight 2', () => {
  const own = cluster();
  const term = (key: string, ...values: string[]) => ({
    expressions: [{ key, operator: 'In' as const, values }],
    fields: [],
  });
  const preferredNodeTerms = [
    { weight: 30, term: term(ZONE, 'za') },
    { weight: 60, term: term(HOST, 'a2') },
    { weight: 99, term: { expressions: [], fields: [] } },
  ];
  expect(own.scores({ preferredNodeTerms })).toEqual({ a1: CLEAN + 66, a2: CLEAN + 200, b1: CLEAN });
  expect(prefers(own, { preferredNodeTerms })).toBe(true);
  expect(own.scores({ preferredNodeTerms: preferredNodeTerms.slice(2) })).toEqual({
    a1: CLEAN,
    a2: CLEAN,
    b1: CLEAN,
  });
});

describe('soft spread, weight 2', () => {
  test('fewer pods in the zone are better', () => {
    const own = cluster();
    own.put('a1', X);
    own.put('a1', X);
    own.put('b1', X);
    const pod = { ...X, spread: [spread(ZONE, { hard: false })] };
    // 2 and 1 pods × ln 4 are 3 and 1: 100 × (3 + 1 − own) / 3.
    expect(own.scores(pod)).toEqual({ a1: CLEAN + 66, a2: CLEAN + 66, b1: CLEAN + 200 });
    expect(prefers(own, pod)).toBe(true);
  });

  test('host names are counted by node', () => {
    const own = cluster();
    own.put('a1', X);
    const pod = { ...X, spread: [spread(HOST, { hard: false })] };
    expect(own.scores(pod)).toEqual({ a1: CLEAN, a2: CLEAN + 200, b1: CLEAN + 200 });
  });

  test('nodes without a label have nothing; without pods all others have everything', () => {
    const own = cluster().node('none');
    const pod = { ...X, spread: [spread(ZONE, { hard: false })] };
    expect(own.scores(pod)).toEqual({ a1: CLEAN + 200, a2: CLEAN + 200, b1: CLEAN + 200, none: CLEAN });
  });
});

describe('preferred affinity between pods, weight 2', () => {
  test("the pod's own: near preferred pods, far from avoided ones", () => {
    const own = cluster();
    own.put('a1', Y);
    own.put('b1', { labels: { app: 'z' } });
    const like = { ...X, preferredAffinity: [{ weight: 10, term: near(ZONE, 'y') }] };
    expect(own.scores(like)).toEqual({ a1: CLEAN + 200, a2: CLEAN + 200, b1: CLEAN });
    const both = { ...like, preferredAntiAffinity: [{ weight: 10, term: near(HOST, 'y') }] };
    expect(own.scores(both)).toEqual({ a1: CLEAN, a2: CLEAN + 200, b1: CLEAN });
    expect(prefers(own, both)).toBe(true);
  });

  test('of pods that run: it holds the other way round, required affinity with weight 1', () => {
    const own = cluster();
    expect(prefers(own, X)).toBe(false);
    const off = [
      own.put('a1', { ...Y, preferredAffinity: [{ weight: 4, term: near(HOST, 'x') }] }),
      own.put('a2', { ...Y, affinity: [near(HOST, 'x')] }),
      own.put('b1', { ...Y, preferredAntiAffinity: [{ weight: 4, term: near(HOST, 'x') }] }),
    ];
    // 4, 1 and −4: 100 × (own + 4) / 8.
    expect(own.scores(X)).toEqual({ a1: CLEAN + 200, a2: CLEAN + 124, b1: CLEAN });
    expect(prefers(own, X)).toBe(true);
    expect(prefers(own, { ...X, namespace: 'b' })).toBe(false);
    for (const takeOff of off) takeOff();
    expect(prefers(own, X)).toBe(false);
  });

  test('a weight of 0 is neither a preference nor a prohibition', () => {
    const own = cluster();
    own.put('a1', { ...Y, preferredAffinity: [{ weight: 0, term: near(HOST, 'x') }] });
    expect(own.fits(X)).toEqual(['a1', 'a2', 'b1']);
    expect(own.scores({ ...X, preferredAffinity: [{ weight: 0, term: near(HOST, 'y') }] })).toEqual(
      own.scores(X),
    );
  });
});

test('called before preFilter: a reported bug', () => {
  const { rules } = new Cluster().node('n');
  expect(() => rules.check(0)).toThrow('before preFilter');
});

test('only the given number of nodes is scored', () => {
  const own = cluster();
  own.rules.preFilter(
    own.shape(emptyTemplate({ ...X, spread: [spread(ZONE, { selector: apps('x'), hard: false })] })),
  );
  const scores = new Float64Array(3).fill(-1);
  own.rules.scoreAll(Int32Array.from([2, 0, 1]), 2, scores);
  expect([...scores]).toEqual([CLEAN + 200, CLEAN + 200, -1]);
});
