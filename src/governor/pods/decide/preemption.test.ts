import { describe, expect, test } from 'vitest';
import { Random } from '../../../kernel/random.ts';
import type { BudgetDescription, PodAffinityTerm, PodDescription } from '../../../model/kubernetes/pod.ts';
import {
  bindings,
  budget,
  node,
  pod,
  refusals,
  requests,
  SCHEDULER_OPTIONS,
  selector,
  TestCluster,
  victims,
} from '../scheduler.fixtures.ts';

const HIGH = { priority: 10 };

/** One node of 4 cores with four pods of others, whose priorities are given. */
function fullNode(priorities: readonly number[] = [1, 2, 3, 4]): TestCluster {
  const cluster = new TestCluster().nodes(node('a'));
  priorities.forEach((priority, i) => {
    cluster.others(`v${i}`, 'a', { labels: { app: `v${i}` } }, { priority, startedSeconds: 100 + i });
  });
  return cluster;
}

describe('a pod of high priority', () => {
  test('has the least important pods evicted, is nominated, and gets the room once they are gone', () => {
    const cluster = fullNode();
    cluster.pods(pod('p', { requests: requests(2000) }, HIGH));
    expect(cluster.decide()).toEqual([
      {
        kind: 'unschedulable',
        uid: 'p',
        namespace: 'default',
        name: 'p',
        message: '0/1 nodes are available: 1 Insufficient cpu.',
        reason: 'Unschedulable',
        plugins: ['NodeResourcesFit'],
        generation: 1,
        renewed: false,
      },
      { kind: 'nominate', uid: 'p', namespace: 'default', name: 'p', node: 'a', was: '' },
      ...['v1', 'v0'].map((uid) => ({
        kind: 'evict',
        uid,
        namespace: 'default',
        name: uid,
        node: 'a',
        by: 'default/p',
        byUid: 'p',
      })),
    ]);
    cluster.step({ kind: 'evict-done', uid: 'v0', done: true });
    cluster.update('v0', { deleting: true });
    cluster.gone('v0');
    // One is still there: no further pod is evicted.
    const effects = cluster.decide();
    expect(bindings(effects)).toEqual({});
    expect(victims(effects)).toEqual([]);
    expect(refusals(effects).p).toMatch('not eligible due to a terminating pod on the nominated node.');
    cluster.gone('v1');
    expect(bindings(cluster.decide())).toEqual({ p: 'a' });
    expect(cluster.scheduler.counters).toMatchObject({ preemptions: 1, victims: 2 });
  });

  test('keeps the room from pods of lower priority, not from those of higher', () => {
    const cluster = fullNode();
    cluster.pods(pod('p', { requests: requests(2000) }, HIGH));
    cluster.decide();
    cluster.gone('v0');
    cluster.pods(pod('low', {}, { priority: 9 }), pod('higher', {}, { priority: 11 }));
    const effects = cluster.decide();
    expect(bindings(effects)).toEqual({ higher: 'a' });
    // To fit beside both it needs all the others gone.
    expect(victims(effects)).toEqual(['v3', 'v2']);
    cluster.gone('v1');
    expect(bindings(cluster.decide())).toEqual({});
    cluster.gone('v2');
    expect(bindings(cluster.decide())).toEqual({ p: 'a' });
    expect(cluster.nodeOf('low')).toBe('');
  });

  test('that is not the first in its line gets the room that was made for it', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 1000 }), node('b', { cpuMilli: 1000 }));
    cluster.others('x', 'a');
    cluster.others('y', 'b');
    cluster.pods(pod('p', {}, { ...HIGH, createdSeconds: 1 }), pod('q', {}, { ...HIGH, createdSeconds: 2 }));
    cluster.decide();
    const second = cluster.scheduler.explain('q')?.node;
    cluster.gone(second === 'a' ? 'x' : 'y');
    expect(bindings(cluster.decide())).toEqual({ q: second });
  });

  test('does not preempt by preemptionPolicy Never, nor where it is turned off, nor its equals', () => {
    const cluster = fullNode();
    cluster.pods(pod('p', { requests: requests(2000), preemptionPolicy: 'Never' }, HIGH));
    expect(refusals(cluster.decide())).toEqual({
      p: '0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.',
    });
    const off = new TestCluster({ preemption: false }).nodes(node('a', { cpuMilli: 1000 }));
    off.others('v', 'a');
    off.pods(pod('p', {}, HIGH));
    expect(refusals(off.decide()).p).toMatch('preemption: preemption is turned off.');
    const equal = fullNode([10, 10, 10, 10]);
    equal.pods(pod('p', {}, HIGH));
    expect(refusals(equal.decide()).p).toMatch('1 No preemption victims found for incoming pod.');
  });

  test('is not helped where only its nodes, not pods, are in its way', () => {
    const cluster = fullNode();
    cluster.pods(pod('p', { requests: requests(2000), nodeSelector: { no: 'node' } }, HIGH));
    const effects = cluster.decide();
    expect(victims(effects)).toEqual([]);
    expect(refusals(effects).p).toMatch(
      'preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
    );
  });

  test('says why each node would refuse it even without the pods that it may preempt', () => {
    const cluster = fullNode([1, 20, 20, 20]).nodes(
      node('b'),
      node('c', { taints: [{ key: 'no', value: '', effect: 'NoSchedule' }] }),
      node('d'),
    );
    cluster.others('big', 'b', { requests: requests(4000) }, { priority: 20 });
    cluster.others('low', 'd', { hostPorts: [{ ip: '', protocol: 'TCP', port: 80 }] }, { priority: 1 });
    cluster.others('equal', 'd', { requests: requests(3000) }, { priority: 10 });
    const hostPorts = [{ ip: '', protocol: 'TCP' as const, port: 80 }];
    cluster.pods(pod('p', { requests: requests(2000), hostPorts }, HIGH));
    const told =
      "0/4 nodes are available: 1 node(s) didn't have free ports for the requested pod ports, 1 node(s) had untolerated taint(s), 2 Insufficient cpu. preemption: 0/4 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling, 2 Insufficient cpu.";
    const effects = cluster.decide();
    expect(victims(effects)).toEqual([]);
    expect(refusals(effects).p).toBe(told);
    // All is as before, and known.
    cluster.pods(pod('q', { requests: requests(2000), hostPorts }, HIGH));
    expect(refusals(cluster.decide()).q).toBe(told);
  });

  test('can have pods evicted that are being bound', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 1000 }));
    cluster.pods(pod('low'));
    cluster.decide();
    cluster.pods(pod('p', {}, HIGH));
    expect(victims(cluster.decide())).toEqual(['low']);
    expect(cluster.scheduler.stillHolds('low', 'a')).toBe(false);
    cluster.bindDone('low', 'gone');
    expect(bindings(cluster.decide())).toEqual({ p: 'a' });
  });

  test('has those evicted whose anti-affinity or ports are in its way', () => {
    const port = { ip: '', protocol: 'TCP' as const, port: 80 };
    const cluster = new TestCluster().nodes(node('a'));
    cluster.others('web', 'a', { hostPorts: [port] });
    cluster.others('idle', 'a');
    cluster.pods(pod('p', { hostPorts: [port] }, HIGH));
    expect(victims(cluster.decide())).toEqual(['web']);
    const away: PodAffinityTerm = {
      topologyKey: 'kubernetes.io/hostname',
      selector: selector('app', 'p'),
      namespaces: ['default'],
      namespaceSelector: undefined,
    };
    const other = new TestCluster().nodes(node('a'));
    other.others('hermit', 'a', { antiAffinity: [away] });
    other.others('idle', 'a');
    other.pods(pod('p', { labels: { app: 'p' } }, HIGH));
    expect(victims(other.decide())).toEqual(['hermit']);
    other.gone('hermit');
    expect(bindings(other.decide())).toEqual({ p: 'a' });
  });
});

describe('an eviction', () => {
  test('that cannot be done lets the preemptor try again after a back-off, not at once', () => {
    const cluster = fullNode([1]);
    cluster.pods(pod('p', { requests: requests(4000) }, HIGH));
    expect(victims(cluster.decide())).toEqual(['v0']);
    expect(cluster.step({ kind: 'evict-done', uid: 'v0', done: false })).toEqual([
      { kind: 'nominate', uid: 'p', namespace: 'default', name: 'p', node: '', was: 'a' },
    ]);
    expect(cluster.decide()).toEqual([]);
    expect(victims(cluster.wait(1.1).decide())).toEqual(['v0']);
  });

  test('that cannot be done leaves nominations alone that it would not have helped', () => {
    const hostPorts = [{ ip: '', protocol: 'TCP' as const, port: 80 }];
    const cluster = new TestCluster().nodes(node('a'));
    cluster.others('high', 'a', { hostPorts }, { priority: 7 });
    cluster.others('low', 'a', { requests: requests(2000) }, { priority: 1 });
    cluster.pods(pod('r', { hostPorts }, HIGH));
    expect(victims(cluster.decide())).toEqual(['high']);
    cluster.pods(pod('p', { requests: requests(2000) }, { priority: 5 }));
    expect(victims(cluster.decide())).toEqual(['low']);
    cluster.step({ kind: 'evict-done', uid: 'high', done: false });
    const { pods } = cluster.scheduler.internals.state;
    expect([pods.get('r')?.nominated, pods.get('p')?.nominated]).toEqual([-1, 0]);
  });

  test('of a pod that is gone meanwhile is as good', () => {
    const cluster = fullNode([1]);
    cluster.pods(pod('p', { requests: requests(4000) }, HIGH));
    cluster.decide();
    cluster.gone('v0');
    cluster.step({ kind: 'evict-done', uid: 'v0', done: false });
    expect(bindings(cluster.decide())).toEqual({ p: 'a' });
  });

  test('is not requested twice', () => {
    const cluster = fullNode([1, 1, 1, 1]);
    cluster.pods(pod('p', {}, HIGH));
    const [first] = victims(cluster.decide());
    cluster.pods(pod('q', {}, { priority: 20 }));
    // q goes first, and takes over the leaving victims; p then needs others.
    const effects = cluster.decide();
    expect(victims(effects)).not.toContain(first);
    cluster.gone(first as string);
    expect(bindings(cluster.decide())).toEqual({ q: 'a' });
  });
});

describe('a nomination', () => {
  test('from before this scheduler came is kept', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 1000 }), node('b', { cpuMilli: 500 }));
    cluster.others('going', 'a', {}, { deleting: true });
    cluster.pods(pod('p', {}, { ...HIGH, nominatedNodeName: 'a' }));
    cluster.decide();
    cluster.pods(pod('low'));
    cluster.decide();
    cluster.gone('going');
    expect(bindings(cluster.decide())).toEqual({ p: 'a' });
  });

  test('ends with its node, with its pod, and where it helps no pod', () => {
    const cluster = fullNode([1]);
    cluster.pods(pod('p', { requests: requests(4000) }, HIGH));
    cluster.decide();
    expect(cluster.step({ kind: 'node-gone', name: 'a' })).toEqual([
      { kind: 'nominate', uid: 'p', namespace: 'default', name: 'p', node: '', was: 'a' },
    ]);
    const again = fullNode([1]);
    again.pods(pod('p', { requests: requests(4000) }, HIGH), pod('q', { requests: requests(3500) }));
    again.decide();
    again.gone('v0', 'p');
    expect(bindings(again.decide())).toEqual({ q: 'a' });
    const overtaken = fullNode([1]);
    overtaken.pods(pod('p', { requests: requests(4000) }, HIGH));
    overtaken.decide();
    overtaken.others('boss', 'a', { requests: requests(4000) }, { priority: 99 });
    overtaken.gone('v0');
    expect(overtaken.decide()).toContainEqual({
      kind: 'nominate',
      uid: 'p',
      namespace: 'default',
      name: 'p',
      node: '',
      was: 'a',
    });
  });

  test('of lower priority gives way, and its pod looks elsewhere', () => {
    const cluster = new TestCluster().nodes(node('a', { cpuMilli: 1000 }));
    cluster.others('v', 'a');
    cluster.pods(pod('p', {}, { priority: 5 }));
    cluster.decide();
    cluster.pods(pod('q', {}, HIGH));
    expect(cluster.decide()).toContainEqual({
      kind: 'nominate',
      uid: 'p',
      namespace: 'default',
      name: 'p',
      node: '',
      was: 'a',
    });
    cluster.others('w', 'b');
    cluster.nodes(node('b', { cpuMilli: 1000 }));
    expect(victims(cluster.decide())).toEqual(['w']);
  });
});

describe('budgets', () => {
  test('are violated only if there is no other way', () => {
    const cluster = fullNode([1, 1, 1, 1]);
    cluster.step({ kind: 'budget', budget: budget('b', selector('app', 'v3'), 0) });
    cluster.step({ kind: 'budget', budget: budget('c', selector('app', 'v2'), 1) });
    cluster.pods(pod('p', { requests: requests(3000) }, HIGH));
    expect(victims(cluster.decide()).sort()).toEqual(['v0', 'v1', 'v2']);
    const all = fullNode([1, 1, 1, 1]);
    all.step({ kind: 'budget', budget: budget('b', selector('app', 'v3'), 0) });
    all.pods(pod('p', { requests: requests(4000) }, HIGH));
    expect(victims(all.decide())).toHaveLength(4);
  });

  test('that are gone, of another namespace, or have counted the pod already do not matter', () => {
    const cases: BudgetDescription[] = [
      { ...budget('b', selector('app', 'v0'), 0), namespace: 'other' },
      { ...budget('b', selector('app', 'v0'), 0), disruptedPods: ['v0'] },
      { ...budget('b', selector('app', 'v0'), 0), selector: undefined },
      { ...budget('b', [], 0) },
    ];
    for (const each of cases) {
      const cluster = fullNode([1, 2, 3, 4]);
      cluster.step({ kind: 'budget', budget: each });
      cluster.pods(pod('p', {}, HIGH));
      expect(victims(cluster.decide())).toEqual(['v0']);
    }
    const cluster = fullNode([1, 2, 3, 4]);
    cluster.step({ kind: 'budget', budget: budget('b', selector('app', 'v0'), 0) });
    cluster.step({ kind: 'budget-gone', key: 'default/b' });
    cluster.pods(pod('p', {}, HIGH));
    expect(victims(cluster.decide())).toEqual(['v0']);
  });
});

/** A possible victim, for the oracle. */
interface Victim {
  readonly name: string;
  readonly node: string;
  readonly cpu: number;
  readonly priority: number;
  readonly started: number;
  readonly app: string;
}

/** Measures of a choice by weight; smaller is better. */
function measures(chosen: readonly Victim[], broken: number): number[] {
  const top = Math.max(...chosen.map(({ priority }) => priority));
  const earliest = Math.min(
    ...chosen.filter(({ priority }) => priority === top).map(({ started }) => started),
  );
  const sum = chosen.reduce((total, { priority }) => total + priority + 2 ** 31, 0);
  return [broken, top, sum, chosen.length, -earliest];
}

function compare(x: readonly number[], y: readonly number[]): number {
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return (x[i] as number) - (y[i] as number);
  return 0;
}

/** The documented rules, written down plainly: all lower pods go, then as many as possible come back, in order. */
function oracle(lower: readonly Victim[], free: number, need: number, allowed: ReadonlyMap<string, number>) {
  let room = free + lower.reduce((total, { cpu }) => total + cpu, 0);
  if (room < need || lower.length === 0) return undefined;
  const ordered = [...lower].sort((x, y) => y.priority - x.priority || x.started - y.started);
  const left = new Map(allowed);
  const breaks = ordered.filter(({ app }) => {
    const budgetLeft = left.get(app);
    if (budgetLeft === undefined) return false;
    left.set(app, budgetLeft - 1);
    return budgetLeft - 1 < 0;
  });
  const chosen: Victim[] = [];
  for (const victim of [...breaks, ...ordered.filter((each) => !breaks.includes(each))]) {
    if (room - victim.cpu >= need) room -= victim.cpu;
    else chosen.push(victim);
  }
  if (chosen.length === 0) return undefined;
  return { chosen, broken: chosen.filter((each) => breaks.includes(each)).length };
}

describe('the choice of victims', () => {
  test('is that of the documented rules, in 400 random clusters', () => {
    const random = new Random(5);
    const draw = (n: number): number => random.nextInt(n);
    let preempted = 0;
    for (let round = 0; round < 400; round++) {
      const cluster = new TestCluster({ seed: SCHEDULER_OPTIONS.seed + round });
      const allowed = new Map([
        ['a', draw(3)],
        ['b', draw(3)],
      ]);
      for (const [app, count] of allowed) {
        cluster.step({ kind: 'budget', budget: budget(app, selector('app', app), count) });
      }
      const all: Victim[] = [];
      const nodes = 1 + draw(6);
      const started = new Set<number>();
      for (let n = 0; n < nodes; n++) {
        cluster.nodes(node(`n${n}`, { cpuMilli: 4000 }));
        for (let free = 4000; free > 0; ) {
          const cpu = Math.min(free, 500 * (1 + draw(4)));
          free -= cpu;
          let at = 0;
          while (at === 0 || started.has(at)) at = 1 + draw(10_000);
          started.add(at);
          const app = ['a', 'b', 'c', 'd'][draw(4)] as string;
          all.push({ name: `v${all.length}`, node: `n${n}`, cpu, priority: draw(4), started: at, app });
        }
      }
      for (const { name, node: on, cpu, priority, started: startedSeconds, app } of all) {
        cluster.others(name, on, { requests: requests(cpu), labels: { app } }, { priority, startedSeconds });
      }
      const need = 500 * (1 + draw(8));
      const wanted: PodDescription = pod('p', { requests: requests(need) }, { priority: 1 + draw(3) });
      cluster.pods(wanted);
      const evicted = victims(cluster.decide()).sort();
      const choices = Array.from({ length: nodes }, (_, n) => {
        const lower = all.filter((each) => each.node === `n${n}` && each.priority < wanted.priority);
        return oracle(lower, 0, need, allowed);
      }).filter((choice) => choice !== undefined);
      choices.sort((x, y) => compare(measures(x.chosen, x.broken), measures(y.chosen, y.broken)));
      const [best] = choices;
      expect(evicted, `round ${round}`).toEqual(best?.chosen.map(({ name }) => name).sort() ?? []);
      if (best !== undefined) preempted++;
    }
    expect(preempted).toBeGreaterThan(200);
  });
});
