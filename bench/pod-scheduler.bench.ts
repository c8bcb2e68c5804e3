/**
 * What the pod scheduler costs: microseconds of CPU time a pod, by kind of pod and size of cluster. Seeded; prints JSON.
 *
 * `eventMicros` is what taking in a pod costs, `decideMicros` what deciding it costs (binding answers included), both a pod.
 * `firstMillis` is the first decision, which makes zones and prices. A name as argument runs the cases whose name has it.
 */
import { createConstraints } from '../src/governor/pods/constraints/cluster-constraints.ts';
import type { PodEffect, PodSchedulerOptions } from '../src/governor/pods/pod-events.ts';
import { PodScheduler } from '../src/governor/pods/pod-scheduler.ts';
import {
  GIB,
  group,
  node,
  pod,
  requests,
  SCHEDULER_OPTIONS,
  selector,
  template,
} from '../src/governor/pods/scheduler.fixtures.ts';
import type { PodDescription, PodTemplate, SpreadConstraint } from '../src/model/kubernetes/pod.ts';

const SMALL = requests(100, GIB / 2);
const NAMESPACES = { namespaces: ['default'], namespaceSelector: undefined };
const OPTIONS: PodSchedulerOptions = { ...SCHEDULER_OPTIONS, waitingPodsMax: 1_000_000 };

/** A kind of workload. */
interface Case {
  readonly name: string;
  readonly nodes: number;
  /** Pods before the measure, on the nodes. */
  readonly before?: (i: number) => PodDescription;
  readonly beforeCount?: number;
  /** Pods that are measured. */
  readonly pods: (i: number) => PodDescription;
  readonly count: number;
  /** Members of a gang; 0: none. */
  readonly gang?: number;
}

/** Nodes of 4 cores and 32 GiB in three zones. */
function clusterOf(nodes: number): PodScheduler {
  const scheduler = new PodScheduler(OPTIONS, createConstraints());
  for (let i = 0; i < nodes; i++) {
    const labels = { zone: `zone-${i % 3}`, 'topology.kubernetes.io/zone': `zone-${i % 3}` };
    scheduler.step({ kind: 'node', node: node(`node-${i}`, { labels }) }, 0);
  }
  return scheduler;
}

function micros(since: NodeJS.CpuUsage): number {
  const used = process.cpuUsage(since);
  return used.user + used.system;
}

/** Decides everything and answers that it was bound. @returns Effects by kind. */
function settle(scheduler: PodScheduler, time: number): Record<string, number> {
  const kinds: Record<string, number> = {};
  let at = time;
  for (let turn = 0; turn === 0 || scheduler.hasWork; turn++) {
    at += 0.001;
    const effects = scheduler.step({ kind: 'decide', max: 64 }, at);
    for (const effect of effects) {
      kinds[effect.kind] = (kinds[effect.kind] ?? 0) + 1;
      answer(scheduler, effect, at);
    }
  }
  return kinds;
}

function answer(scheduler: PodScheduler, effect: PodEffect, at: number): void {
  if (effect.kind === 'bind') scheduler.step({ kind: 'bind-done', uid: effect.uid, outcome: 'bound' }, at);
  if (effect.kind === 'evict') {
    scheduler.step({ kind: 'evict-done', uid: effect.uid, done: true }, at);
    scheduler.step({ kind: 'pod-gone', uid: effect.uid }, at);
  }
}

function feed(
  scheduler: PodScheduler,
  from: (i: number) => PodDescription,
  count: number,
  gang: number,
): void {
  for (let i = 0; i < count; i++) {
    if (gang > 0 && i % gang === 0) scheduler.step({ kind: 'group', group: group(`g${i / gang}`, gang) }, 1);
    scheduler.step({ kind: 'pod', pod: from(i) }, 1);
  }
}

/** Runs a case. */
function measure(of: Case): Record<string, unknown> {
  const scheduler = clusterOf(of.nodes);
  const { before } = of;
  if (before !== undefined) feed(scheduler, before, of.beforeCount ?? 0, 0);
  const first = process.cpuUsage();
  scheduler.step({ kind: 'decide', max: 1 }, 1);
  const firstMillis = micros(first) / 1000;
  settle(scheduler, 1);
  const { examined } = scheduler.counters;
  const events = process.cpuUsage();
  feed(scheduler, of.pods, of.count, of.gang ?? 0);
  const eventMicros = micros(events) / of.count;
  const decisions = process.cpuUsage();
  const effects = settle(scheduler, 10);
  const decideMicros = micros(decisions) / of.count;
  return {
    name: of.name,
    nodes: of.nodes,
    pods: of.count,
    eventMicros: round(eventMicros),
    decideMicros: round(decideMicros),
    firstMillis: round(firstMillis),
    examinedPerPod: round((scheduler.counters.examined - examined) / of.count),
    effects,
  };
}

function round(x: number): number {
  return Math.round(x * 10) / 10;
}

/** Pods `name-i` of one template. */
function alike(name: string, of: Partial<PodTemplate>, more: Partial<PodDescription> = {}) {
  const made = template(of);
  return (i: number): PodDescription => ({ ...pod(`${name}-${i}`, {}, more), template: made });
}

const spread: SpreadConstraint = {
  topologyKey: 'topology.kubernetes.io/zone',
  maxSkew: 5,
  hard: true,
  selector: selector('app', 's'),
  minDomains: 0,
  honorNodeAffinity: true,
  honorNodeTaints: false,
};
const hostAnti = {
  topologyKey: 'kubernetes.io/hostname',
  selector: selector('color', 'green'),
  ...NAMESPACES,
};

function casesOf(nodes: number): Case[] {
  const count = Math.min(nodes, 5000);
  const inZone = {
    requiredNodeTerms: [
      { expressions: [{ key: 'zone', operator: 'In' as const, values: ['zone-1'] }], fields: [] },
    ],
  };
  const plain = alike('plain', { requests: SMALL });
  return [
    { name: 'plain', nodes, pods: plain, count },
    { name: 'plain, 100 shapes', nodes, pods: (i) => shapes[i % 100]?.(i) as PodDescription, count },
    { name: 'node affinity', nodes, pods: alike('affine', { requests: SMALL, ...inZone }), count },
    {
      name: 'hard spread',
      nodes,
      pods: alike('spread', { requests: SMALL, labels: { app: 's' }, spread: [spread] }),
      count,
    },
    {
      name: 'soft spread',
      nodes,
      pods: alike('soft', { requests: SMALL, labels: { app: 's' }, spread: [{ ...spread, hard: false }] }),
      count: Math.min(count, 1000),
    },
    {
      name: 'anti-affinity by host',
      nodes,
      pods: alike('anti', { requests: SMALL, labels: { color: 'green' }, antiAffinity: [hostAnti] }),
      count: Math.min(count, Math.floor(nodes / 2)),
    },
    {
      name: 'unschedulable',
      nodes,
      pods: alike('large', { requests: requests(9000) }),
      count,
    },
    {
      name: 'unschedulable, 200 shapes, beside plain ones',
      nodes,
      before: (i) => large[i % 200]?.(i) as PodDescription,
      beforeCount: 200,
      pods: plain,
      count,
    },
    {
      name: 'gangs of 20',
      nodes,
      pods: (i) => ({
        ...(gangPod(i) as PodDescription),
        group: `core:default/g${Math.floor(i / 20)}`,
      }),
      count,
      gang: 20,
    },
    {
      name: 'preemption',
      nodes: Math.min(nodes, 5000),
      before: alike('low', { requests: requests(900, GIB / 2) }),
      beforeCount: 4 * Math.min(nodes, 5000),
      pods: alike('high', { requests: requests(3000, GIB / 2) }, { priority: 10 }),
      count: Math.min(count, 500),
    },
  ];
}

const shapes = Array.from({ length: 100 }, (_, k) =>
  alike(`shape${k}`, { requests: requests(50 + k, GIB / 2 + k), labels: { app: `${k}` } }),
);
const large = Array.from({ length: 200 }, (_, k) => alike(`large${k}`, { requests: requests(9000 + k) }));
const gangPod = alike('gang', { requests: requests(100, GIB / 10) });

const only = process.argv[2] ?? '';
for (const nodes of [1000, 5000, 50_000]) {
  for (const each of casesOf(nodes)) {
    if (`${each.name} ${nodes}`.includes(only)) console.log(JSON.stringify(measure(each)));
  }
}
