import { describe, expect, test } from 'vitest';
import { createConstraints } from '../constraints/cluster-constraints.ts';
import { digestOf } from '../log/pod-effects-digest.ts';
import { PodScheduler } from '../pod-scheduler.ts';
import { RandomLife, randomOptions } from '../random-life.fixtures.ts';
import {
  bindings,
  budget,
  GIB,
  group,
  members,
  node,
  pod,
  requests,
  selector,
  TestCluster,
  taint,
} from '../scheduler.fixtures.ts';
import { isGroup } from '../state/pod-groups.ts';
import type { PodExplanation } from './explain-types.ts';

function explained(cluster: TestCluster, uid: string): PodExplanation {
  const explanation = cluster.scheduler.explain(uid);
  if (explanation === undefined) throw new Error(`${uid} is not known`);
  return explanation;
}

/** Every number is finite, and every list is bounded. */
function checkShape(explanation: PodExplanation): void {
  expect(JSON.parse(JSON.stringify(explanation))).toEqual(explanation);
  expect(explanation.candidates.length).toBeLessThanOrEqual(16);
  expect(explanation.nearest.length).toBeLessThanOrEqual(8);
  expect(explanation.nodesFeasible).toBeLessThanOrEqual(explanation.nodesTotal);
  expect(explanation.nodesFeasible > 0).toBe(explanation.candidates.length > 0);
  const values = explanation.candidates.map(({ value }) => (explanation.better === 'lower' ? value : -value));
  expect([...values].sort((x, y) => x - y)).toEqual(values);
}

describe('an explanation', () => {
  test('of a pod that is not known is none', () => {
    expect(new TestCluster().scheduler.explain('x')).toBeUndefined();
  });

  test('gives candidates with their prices, and the first is taken', () => {
    const cluster = new TestCluster().nodes(
      node('small', { cpuMilli: 1000 }),
      node('large', { cpuMilli: 64_000 }),
    );
    cluster.decide();
    cluster.pods(pod('p'));
    const explanation = explained(cluster, 'p');
    expect(explanation).toMatchObject({
      state: 'waiting',
      nodesTotal: 2,
      nodesFeasible: 2,
      refusals: [],
      nearest: [],
      preemption: null,
      policy: 'teg',
      better: 'lower',
      group: null,
      retryAtSeconds: null,
    });
    expect(explanation.candidates.map(({ nodes }) => nodes)).toEqual([1, 1]);
    expect(Object.keys(explanation.candidates[0]?.parts ?? {})).toEqual([
      'stranding before',
      'stranding after',
      'opening',
      'rent',
    ]);
    for (const { value, parts } of explanation.candidates) {
      const sum =
        (parts['stranding after'] as number) -
        (parts['stranding before'] as number) +
        (parts.opening as number) +
        (parts.rent as number);
      expect(sum).toBeCloseTo(value, 3);
    }
    expect(explanation.why).toContain(explanation.node);
    expect(bindings(cluster.decide())).toEqual({ p: explanation.node });
    expect(explained(cluster, 'p')).toMatchObject({ state: 'binding', node: explanation.node, attempts: 1 });
    cluster.bindDone('p');
    expect(explained(cluster, 'p').state).toBe('bound');
  });

  test('compares nodes by preferences where the pod has some', () => {
    const cluster = new TestCluster().nodes(node('a'), node('b', { labels: { disk: 'ssd' } }), node('c'));
    const term = { expressions: [{ key: 'disk', operator: 'Exists' as const, values: [] }], fields: [] };
    cluster.decide();
    cluster.pods(pod('p', { preferredNodeTerms: [{ weight: 10, term }] }));
    const explanation = explained(cluster, 'p');
    expect(explanation).toMatchObject({ better: 'higher', nodesFeasible: 3, node: 'b' });
    expect(explanation.candidates[0]).toEqual({
      node: 'b',
      nodes: 1,
      value: 500,
      parts: { preferences: 500 },
    });
    expect(explanation.why).toBe(
      `its preferences are worth 500 on b, 300 on ${explanation.candidates[1]?.node}`,
    );
    expect(bindings(cluster.decide())).toEqual({ p: 'b' });
  });

  test('counts reasons and gives the deficits of the nearest nodes', () => {
    const cluster = new TestCluster().nodes(
      node('busy', { cpuMilli: 3000 }),
      node('tainted', { taints: [{ ...taint('dedicated'), value: 'infra' }] }),
      node('cordoned', { unschedulable: true }),
      node('tiny', { cpuMilli: 500, memoryBytes: GIB, podsMax: 1 }),
    );
    cluster.others('x', 'busy', { requests: requests(2500) });
    cluster.others('y', 'tiny', { requests: requests(0) });
    cluster.pods(pod('p', { requests: requests(2000, 3 * GIB) }));
    cluster.decide();
    const explanation = explained(cluster, 'p');
    expect(explanation.state).toBe('backing-off');
    expect(explanation.refusals).toEqual([
      { reason: 'Insufficient cpu', plugin: 'NodeResourcesFit', nodes: 2, resolvable: true },
      { reason: 'Insufficient memory', plugin: 'NodeResourcesFit', nodes: 1, resolvable: true },
      { reason: 'Too many pods', plugin: 'NodeResourcesFit', nodes: 1, resolvable: true },
      { reason: 'node(s) had untolerated taint(s)', plugin: 'TaintToleration', nodes: 1, resolvable: false },
      { reason: 'node(s) were unschedulable', plugin: 'NodeUnschedulable', nodes: 1, resolvable: false },
    ]);
    expect(explanation.nearest).toEqual([
      { node: 'busy', lacks: [{ resource: 'cpu', amount: 1500, text: '1.5 cpu' }] },
      {
        node: 'tiny',
        lacks: [
          { resource: 'pods', amount: 1, text: 'room for 1 more pod' },
          { resource: 'cpu', amount: 1500, text: '1.5 cpu' },
          { resource: 'memory', amount: 2 * GIB, text: '2 GiB of memory' },
        ],
      },
      {
        node: 'tainted',
        lacks: [{ resource: '', amount: 0, text: 'a toleration of the taint dedicated=infra:NoSchedule' }],
      },
      {
        node: 'cordoned',
        lacks: [{ resource: '', amount: 0, text: 'to be uncordoned (spec.unschedulable)' }],
      },
    ]);
    expect(explanation.message).toMatch(/^0\/4 nodes are available: /);
    expect(explanation.retriedOn).toContain('pod gone from a node where it then fits');
    expect(explanation.preemption).toMatchObject({ allowed: true, node: '', victimCount: 0 });
  });

  test('names the victims, and the budgets that would break', () => {
    const cluster = new TestCluster({ preemption: true }).nodes(node('a', { cpuMilli: 1000 }));
    cluster.others('low', 'a', { labels: { app: 'db' } });
    cluster.step({ kind: 'budget', budget: budget('b', selector('app', 'db'), 0) });
    cluster.pods(pod('p', {}, { priority: 5 }), pod('q', { preemptionPolicy: 'Never' }, { priority: 5 }));
    expect(explained(cluster, 'p').preemption).toEqual({
      allowed: true,
      node: 'a',
      victims: [{ pod: 'default/low', node: 'a', priority: 0, breaksBudget: true }],
      victimCount: 1,
      text: '1 pod would go from a, breaking 1 disruption budget',
    });
    expect(explained(cluster, 'q').preemption).toMatchObject({
      allowed: false,
      text: 'not eligible due to preemptionPolicy=Never.',
    });
    cluster.decide();
    expect(explained(cluster, 'p')).toMatchObject({
      state: 'nominated',
      node: 'a',
      preemption: { node: 'a', victimCount: 1, text: 'room is being made: pods are on their way out' },
    });
  });

  test('knows gates, unsupported features, back-offs, and a full queue', () => {
    const cluster = new TestCluster({ waitingPodsMax: 2 }).nodes(node('a'));
    cluster.pods(
      pod('gated', {}, { gates: ['x', 'y'] }),
      pod('claims', { unsupported: ['dynamic resource claims'] }),
      pod('p'),
      pod('huge', { requests: requests(99_000) }),
      pod('excess'),
    );
    expect(explained(cluster, 'gated')).toMatchObject({
      state: 'gated',
      gates: ['x', 'y'],
      retriedOn: ['its last scheduling gate removed'],
    });
    expect(explained(cluster, 'claims')).toMatchObject({
      state: 'refused',
      unsupported: ['dynamic resource claims'],
    });
    expect(explained(cluster, 'excess')).toMatchObject({
      state: 'refused',
      retriedOn: ['fewer pods waiting'],
    });
    cluster.decide();
    cluster.bindDone('p', 'failed');
    const { state, retryAtSeconds } = explained(cluster, 'p');
    expect(state).toBe('backing-off');
    expect(retryAtSeconds).toBeGreaterThan(cluster.timeSeconds);
  });

  test('knows how far a gang is', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 2000 }));
    cluster.pods(...members('g', 2));
    expect(explained(cluster, 'g-0')).toMatchObject({
      state: 'waiting-for-group',
      node: '',
      group: { known: false, text: 'its object default/g does not exist' },
    });
    cluster.group(group('g', 3));
    expect(explained(cluster, 'g-0').group).toEqual({
      key: 'core:default/g',
      known: true,
      minCount: 3,
      members: 2,
      placed: 0,
      waiting: 2,
      text: '2 of at least 3 members exist',
    });
    cluster.pods(...members('g', 3));
    expect(explained(cluster, 'g-0').state).toBe('waiting');
    cluster.decide();
    expect(explained(cluster, 'g-0')).toMatchObject({
      state: 'backing-off',
      group: { text: 'room for 3 of its pods at once; at the last attempt 2 of 3 fit' },
    });
  });
});

describe('explanations of a random life', () => {
  test.each([0, 1, 2, 3, 4, 5])('of seed %i change nothing, and predict the next decision', (seed) => {
    let checked = 0;
    const live = (explain: boolean): number => {
      const life = new RandomLife(seed, { nodes: 8, pods: 60, groups: 4, freshShapes: false });
      const scheduler = new PodScheduler(randomOptions(seed), createConstraints());
      let digest = 0;
      for (let step = 0; step < 3000; step++) {
        const event = life.next();
        let expected: PodExplanation | undefined;
        if (explain) {
          const next = scheduler.internals.queue.active.peek();
          const settled =
            !scheduler.internals.state.zones.isStale &&
            !scheduler.internals.state.changes.any &&
            scheduler.dueSeconds > life.timeSeconds;
          const uids = [...scheduler.internals.state.pods.keys()].slice(0, 60);
          const picked = scheduler.explain(uids[(step * 7) % Math.max(1, uids.length)] ?? '');
          if (picked !== undefined) checkShape(picked);
          if (event.kind === 'decide' && settled && next !== undefined && !isGroup(next)) {
            if (scheduler.internals.queue.nextInExcess() === undefined) {
              expected = scheduler.explain(next.uid);
            }
          }
        }
        const effects = scheduler.step(event, life.timeSeconds);
        if (expected !== undefined && expected.state !== 'nominated') {
          const bound = bindings(effects)[expected.uid] ?? '';
          expect(bound, `step ${step}`).toBe(expected.node);
          checked++;
        }
        digest = digestOf(effects, digest);
        life.take(effects);
      }
      return digest;
    };
    expect(live(true)).toBe(live(false));
    expect(checked).toBeGreaterThan(20);
  });
});

describe('refusals before any node is checked', () => {
  test.each([
    ['a claim that does not exist', { claims: ['none'] }, 'VolumeRestrictions'],
    [
      'names that exclude each other',
      {
        requiredNodeTerms: [
          {
            expressions: [],
            fields: [
              { key: 'metadata.name', operator: 'In' as const, values: ['a'] },
              { key: 'metadata.name', operator: 'In' as const, values: ['b'] },
            ],
          },
        ],
        claims: ['none'],
      },
      'NodeAffinity',
    ],
  ])('%s: explanation and report name the same plugin', (_, template, plugin) => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.pods(pod('p', template));
    const reported = cluster
      .decide()
      .flatMap((effect) => (effect.kind === 'unschedulable' ? effect.plugins : []));
    expect(reported).toEqual([plugin]);
    expect(cluster.scheduler.explain('p')?.refusals.map((refusal) => refusal.plugin)).toEqual([plugin]);
  });
});
