import { describe, expect, test } from 'vitest';
import { createConstraints } from '../constraints/cluster-constraints.ts';
import type { PodEffect, UnschedulableEffect } from '../pod-events.ts';
import { PodScheduler } from '../pod-scheduler.ts';
import {
  group,
  members,
  node,
  pod,
  requests,
  SCHEDULER_OPTIONS,
  TestCluster,
} from '../scheduler.fixtures.ts';
import { RENEWALS_PER_SECOND } from './pod-reports.ts';

/** Reports among effects. */
function reports(effects: readonly PodEffect[]): UnschedulableEffect[] {
  return effects.filter((effect): effect is UnschedulableEffect => effect.kind === 'unschedulable');
}

/** Lets time pass in steps of a second. @returns Reports with the second they came in. */
function watch(
  cluster: TestCluster,
  seconds: number,
): { at: number; uid: string; message: string; renewed: boolean }[] {
  const seen = [];
  for (let at = 1; at <= seconds; at++) {
    for (const { uid, message, renewed } of reports(cluster.wait(1).decide())) {
      seen.push({ at, uid, message, renewed });
    }
  }
  return seen;
}

describe('the report of a pod that waits', () => {
  test('is renewed every five minutes, with the generation that was looked at', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.pods(pod('big', { requests: requests(64_000) }, { generation: 3 }));
    expect(reports(cluster.decide())).toMatchObject([{ renewed: false, generation: 3 }]);
    const seen = watch(cluster, 1000);
    expect(seen).toHaveLength(3);
    let before = 0;
    for (const { at, renewed } of seen) {
      expect(renewed).toBe(true);
      expect(at - before).toBeGreaterThanOrEqual(298);
      expect(at - before).toBeLessThanOrEqual(300);
      before = at;
    }
  });

  test('follows the cluster within the bound, without trying the pod', () => {
    const cluster = new TestCluster().nodes(node('a'), node('b'));
    cluster.pods(pod('big', { requests: requests(64_000) }));
    expect(reports(cluster.decide())[0]?.message).toContain('0/2 nodes are available: 2 Insufficient cpu.');
    cluster.nodes(node('b', { unschedulable: true }));
    const attempts = cluster.attempts('big');
    const [renewal] = watch(cluster, 300);
    expect(renewal?.message).toBe(
      '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable. ' +
        'preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
    );
    expect(cluster.attempts('big')).toBe(attempts);
  });

  test('is renewed in every state in which a pod waits: refused, over the limit, in a gang, for victims, in a domain', () => {
    const cluster = new TestCluster({ waitingPodsMax: 5 }).nodes(node('a', { labels: { zone: 'x' } }));
    cluster.pods(pod('refused', { unsupported: ['magic'] }));
    cluster.group(group('g', 2));
    cluster.pods(...members('g', 2, { requests: requests(3000) }));
    cluster.others('victim', 'a', { requests: requests(3000) }, { priority: 1 });
    cluster.pods(pod('preemptor', { requests: requests(4000) }, { priority: 9 }));
    cluster.pods(pod('big', { requests: requests(64_000) }), pod('big2', { requests: requests(64_000) }));
    cluster.pods(pod('excess', { requests: requests(64_000) }));
    const first = new Set(reports(cluster.decide()).map(({ uid }) => uid));
    first.add('refused').add('excess');
    const seen = new Set(watch(cluster, 310).flatMap(({ uid, renewed }) => (renewed ? [uid] : [])));
    expect([...seen].sort()).toEqual([...first].sort());
    expect(seen.size).toBe(7);
  });

  test('ends when it is placed, being deleted, or gone', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.pods(...['x', 'y', 'z'].map((name) => pod(name, { requests: requests(64_000) })));
    cluster.decide();
    cluster.update('x', { deleting: true });
    cluster.update('y', { nodeName: 'a' });
    cluster.gone('z');
    expect(cluster.scheduler.dueSeconds).toBe(Number.POSITIVE_INFINITY);
    expect(watch(cluster, 400)).toEqual([]);
  });

  test('is never renewed where that is turned off', () => {
    const cluster = new TestCluster({ renewalSeconds: 0 }).nodes(node('a'));
    cluster.pods(pod('big', { requests: requests(64_000) }));
    cluster.decide();
    expect(watch(cluster, 1000)).toEqual([]);
  });

  test('of a pod that is tried again in vain for the same reason stays as old as it is', () => {
    const cluster = new TestCluster().nodes(node('a'));
    cluster.pods(pod('big', { requests: requests(5000) }));
    cluster.decide();
    let renewed = 0;
    for (let i = 0; i < 40; i++) {
      cluster.others(`x${i}`, 'a', { requests: requests(10) });
      cluster.gone(`x${i}`);
      renewed += reports(cluster.wait(10).decide()).length;
    }
    expect(renewed).toBe(1);
  });
});

/** Runs a scheduler on its own clock: it is called when it says that something is due. */
function drive(count: number, renewalSeconds: number, seconds: number) {
  const scheduler = new PodScheduler({ ...SCHEDULER_OPTIONS, renewalSeconds }, createConstraints());
  for (const name of ['a', 'b', 'c']) scheduler.step({ kind: 'node', node: node(name) }, 0);
  for (let i = 0; i < count; i++) {
    scheduler.step({ kind: 'pod', pod: pod(`p${i}`, { requests: requests(64_000 + (i % 7)) }) }, 0);
  }
  const lastAt = new Map<string, number>();
  const perSecond = new Map<number, number>();
  let oldest = 0;
  let time = 0;
  let turns = 0;
  while (time < seconds) {
    const effects = scheduler.step({ kind: 'decide', max: 64 }, time);
    for (const { uid, renewed } of reports(effects)) {
      oldest = Math.max(oldest, time - (lastAt.get(uid) ?? 0));
      lastAt.set(uid, time);
      if (renewed) perSecond.set(Math.floor(time), (perSecond.get(Math.floor(time)) ?? 0) + 1);
    }
    turns++;
    // A driver that is slightly late.
    time = scheduler.hasWork ? time + 0.001 : Math.max(time + 0.001, scheduler.dueSeconds + 0.002);
  }
  for (const at of lastAt.values()) oldest = Math.max(oldest, seconds - at);
  return { oldest, most: Math.max(0, ...perSecond.values()), turns, known: lastAt.size };
}

describe('reports of many pods', () => {
  test('are renewed in time, spread evenly', () => {
    const { oldest, most, known } = drive(3000, 60, 400);
    expect(known).toBe(3000);
    expect(oldest).toBeLessThanOrEqual(60.5);
    expect(most).toBeLessThanOrEqual(65);
  });

  test('are renewed at a bounded rate, where it takes longer', () => {
    const { oldest, most } = drive(3000, 5, 100);
    expect(most).toBeLessThanOrEqual(1.2 * RENEWALS_PER_SECOND);
    expect(oldest).toBeLessThanOrEqual(3000 / RENEWALS_PER_SECOND + 2);
  });
});
