/** Claimants for which nobody could be evicted are tried again when that changes, in turn, and within a bound of plans. */
import { describe, expect, test } from 'vitest';
import { PREEMPTION_DEFAULTS, type TenantSpec } from '../../../market/tenants/spec.ts';
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import { gpuNode, gpuPodOf, labelledMarket, setEconomy, teamTenant } from '../economy/economy.fixtures.ts';
import { group, TestCluster, victims } from '../scheduler.fixtures.ts';
import {
  PLANS_MAX_IN_VAIN,
  REFUSED_MAX,
  REOPEN_SECONDS,
  RETRY_SECONDS,
  RefusedPlans,
  WINDOW_SECONDS,
} from './refused-plans.ts';

const AT_ONCE: Partial<TenantSpec> = { preemption: { ...PREEMPTION_DEFAULTS, minRuntimeSeconds: 0 } };

/** Two nodes of 8 GPUs, without renewals of reports. */
function clusterOf(quotas: Readonly<Record<string, number>>): TestCluster {
  const cluster = new TestCluster({ renewalSeconds: 0 }).nodes(gpuNode('n1', 'a'), gpuNode('n2', 'a'));
  const tenants = Object.entries(quotas).map(([name, a]) => teamTenant(name, { a }, AT_ONCE));
  setEconomy(cluster, 'enforce', labelledMarket('a'), tenants);
  return cluster;
}

function run(
  cluster: TestCluster,
  name: string,
  tenant: string,
  nodeName: string,
  gpus: number,
  more: Partial<PodDescription> = {},
): void {
  cluster.pods(gpuPodOf(name, tenant, gpus, {}, { nodeName, startedSeconds: cluster.timeSeconds, ...more }));
}

/** A gang of `nlp`; it waits, and evicts nobody. */
function waits(cluster: TestCluster, pods: number, gpus: number): void {
  const key = 'core:nlp/g';
  cluster.wait(100).group(group('g', pods, { key }));
  for (let i = 0; i < pods; i++) cluster.pods(gpuPodOf(`g-${i}`, 'nlp', gpus, {}, { group: key }));
  expect(victims(cluster.decide())).toEqual([]);
}

/** Decides now, and if that is too soon after the refusal, a second later, when a change counts. @returns Victims. */
function soon(cluster: TestCluster): string[] {
  const gone = victims(cluster.decide());
  if (gone.length > 0) return gone;
  const { dueSeconds } = cluster.scheduler.internals.reclaim;
  expect(dueSeconds).toBeLessThanOrEqual(cluster.timeSeconds + REOPEN_SECONDS);
  return victims(cluster.wait(REOPEN_SECONDS).decide());
}

/** A gang of nlp that needs a whole node: of none can enough be evicted. */
function withoutRoom(): TestCluster {
  const cluster = clusterOf({ nlp: 8, vision: 4, other: 4 });
  run(cluster, 'o', 'other', 'n1', 4);
  run(cluster, 'v1', 'vision', 'n2', 4);
  cluster.wait(1);
  run(cluster, 'v2', 'vision', 'n1', 4);
  run(cluster, 'v3', 'vision', 'n2', 4);
  waits(cluster, 1, 8);
  return cluster;
}

describe('a gang within its quota for which nobody could be evicted is tried again', () => {
  test('when pods of another tenant end, whose room was missing', () => {
    const cluster = withoutRoom();
    cluster.gone('o');
    expect(soon(cluster)).toEqual(['v2']);
    cluster.gone('v2');
    expect(Object.keys(cluster.settle())).toEqual(['g-0']);
    expect(cluster.scheduler.internals.reclaim.refusedCount).toBe(0);
  });

  test('when pods of its own tenant end, which used up its quota', () => {
    const cluster = clusterOf({ nlp: 8, vision: 8 });
    run(cluster, 'own', 'nlp', 'n1', 4);
    for (const name of ['v1', 'v2', 'v3']) run(cluster, name, 'vision', name === 'v3' ? 'n1' : 'n2', 4);
    waits(cluster, 2, 4);
    // Time alone does not help.
    expect(victims(cluster.wait(1000).decide())).toEqual([]);
    cluster.gone('own');
    expect(soon(cluster)).toHaveLength(1);
  });

  test('when a pod is another tenant’s after all', () => {
    const cluster = clusterOf({ nlp: 8, vision: 8 });
    run(cluster, 'own', 'nlp', 'n1', 4);
    for (const name of ['v1', 'v2', 'v3']) run(cluster, name, 'vision', name === 'v3' ? 'n1' : 'n2', 4);
    waits(cluster, 2, 4);
    cluster.update('own', { tenant: 'vision/' });
    expect(soon(cluster)).toHaveLength(2);
  });

  test('when a borrower that was being bound is there', () => {
    const cluster = clusterOf({ nlp: 8, vision: 8 });
    run(cluster, 'v', 'vision', 'n1', 8);
    cluster.pods(gpuPodOf('w', 'vision', 8));
    cluster.decide();
    waits(cluster, 1, 8);
    cluster.bindDone('w');
    expect(soon(cluster)).toEqual(['w']);
  });

  test('when a gang that would go whole may lose single pods', () => {
    const cluster = clusterOf({ nlp: 4, vision: 12 });
    const key = 'core:vision/big';
    cluster.group(group('big', 1, { key, disruption: 'all' }));
    for (let i = 0; i < 4; i++) run(cluster, `v${i}`, 'vision', i < 2 ? 'n1' : 'n2', 4, { group: key });
    waits(cluster, 1, 4);
    cluster.group(group('big', 1, { key, disruption: 'single' }));
    expect(soon(cluster)).toHaveLength(1);
  });

  test('after a while without a change', () => {
    const cluster = withoutRoom();
    const { reclaim } = cluster.scheduler.internals;
    expect(reclaim.dueSeconds).toBe(cluster.timeSeconds + RETRY_SECONDS);
    cluster.wait(RETRY_SECONDS).decide();
    expect(reclaim.dueSeconds).toBe(cluster.timeSeconds + 2 * RETRY_SECONDS);
  });
});

test('1,000 gangs for which nobody can be evicted cost a bounded number of plans and attempts, whatever ends', () => {
  const GANGS = 1000;
  const cluster = clusterOf({ nlp: 8, vision: 12, other: 4 });
  const { scheduler } = cluster;
  const step = (event: Parameters<typeof scheduler.step>[0]): void => {
    scheduler.step(event, cluster.timeSeconds);
  };
  const work = (): void => {
    for (let turn = 0; turn < 100; turn++) {
      step({ kind: 'decide', max: 1000 });
      if (!scheduler.hasWork) return;
    }
    throw new Error('there is always something left to decide');
  };
  run(cluster, 'o', 'other', 'n1', 4);
  for (const name of ['v1', 'v2', 'v3']) run(cluster, name, 'vision', name === 'v1' ? 'n1' : 'n2', 4);
  for (let i = 0; i < GANGS; i++) {
    const key = `core:nlp/g${i}`;
    step({ kind: 'group', group: group(`g${i}`, 2, { key }) });
    // Each of a kind of its own.
    for (let j = 0; j < 2; j++) {
      const of = { group: key, createdSeconds: i, priority: i };
      step({ kind: 'pod', pod: gpuPodOf(`g${i}-${j}`, 'nlp', 4, {}, of) });
    }
  }
  work();
  const { reclaim, groups } = scheduler.internals;
  const attemptsOf = (): number[] => [...groups.groups.values()].map(({ attempts }) => attempts);
  expect(reclaim.refusedCount).toBe(GANGS);
  const before = { refusals: reclaim.counts.refusals, attempts: attemptsOf() };
  const SECONDS = 2000;
  // The pod that is in the way ends and is back at once: a change each second, which helps nobody.
  for (let second = 0; second < SECONDS; second++) {
    cluster.timeSeconds++;
    step({ kind: 'pod-gone', uid: `o${second || ''}` });
    const back = gpuPodOf(`o${second + 1}`, 'other', 4, {}, { nodeName: 'n1', startedSeconds: 1 });
    step({ kind: 'pod', pod: back });
    work();
  }
  const plans = reclaim.counts.refusals - before.refusals;
  const windows = SECONDS / WINDOW_SECONDS;
  expect(plans).toBeLessThanOrEqual(PLANS_MAX_IN_VAIN * (windows + 1));
  // All in their turn, and a few attempts for each plan.
  const attempts = attemptsOf().map((count, i) => count - (before.attempts[i] as number));
  expect(Math.min(...attempts)).toBeGreaterThan(0);
  expect(attempts.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(2 * plans);
  expect(reclaim.refusedCount).toBe(GANGS);
}, 120_000);

describe('refused plans', () => {
  const always = (): 'now' => 'now';

  test('of one kind are opened together, and tried one after the other', () => {
    const refused = new RefusedPlans<string>();
    refused.refuse('k', 1, 0, Number.POSITIVE_INFINITY);
    refused.wait('x', 'k', 1);
    refused.wait('y', 'k', 1);
    expect(refused.take(RETRY_SECONDS - 1, always)).toEqual([]);
    expect(refused.take(RETRY_SECONDS, always)).toEqual(['x']);
    expect(refused.take(RETRY_SECONDS, always)).toEqual(['y']);
    expect(refused.size).toBe(0);
  });

  test('wait for a change of their flavours, later after each refusal', () => {
    const refused = new RefusedPlans<string>();
    for (let time = 0, pause = REOPEN_SECONDS; pause <= 16; pause *= 2) {
      refused.refuse('k', 0b10, time, Number.POSITIVE_INFINITY);
      refused.wait('x', 'k', 0b10);
      refused.changed(0b01);
      expect(refused.dueSeconds).toBeGreaterThanOrEqual(time + RETRY_SECONDS);
      refused.changed(0b10);
      expect(refused.dueSeconds).toBe(time + pause);
      time += pause;
      expect(refused.take(time, always)).toEqual(['x']);
    }
    refused.succeeded('k');
    refused.refuse('k', 0b10, 100, 105);
    refused.wait('x', 'k', 0b10);
    expect(refused.dueSeconds).toBe(105);
  });

  test('that are shut wait for a change alone', () => {
    const refused = new RefusedPlans<string>();
    refused.shut('k', 1, 0);
    refused.wait('x', 'k', 1);
    expect(refused.dueSeconds).toBe(Number.POSITIVE_INFINITY);
    refused.changed(1);
    expect(refused.take(REOPEN_SECONDS, () => 'later')).toEqual([]);
    expect(refused.dueSeconds).toBe(Number.POSITIVE_INFINITY);
    refused.changed(1);
    expect(refused.take(3 * REOPEN_SECONDS, () => 'over')).toEqual([]);
    expect(refused.size).toBe(0);
  });

  test('are bounded in a window, and then all have had their turn', () => {
    const refused = new RefusedPlans<number>();
    for (let i = 0; i < 3 * PLANS_MAX_IN_VAIN; i++) refused.wait(i, `k${i}`, 1);
    const tried: number[] = [];
    for (let time = 0; time < 3 * WINDOW_SECONDS; time++) {
      refused.changed(1);
      for (const i of refused.take(time, always)) {
        tried.push(i);
        refused.refuse(`k${i}`, 1, time, Number.POSITIVE_INFINITY);
        refused.wait(i, `k${i}`, 1);
      }
    }
    expect(tried).toEqual(Array.from({ length: 3 * PLANS_MAX_IN_VAIN }, (_, i) => i));
  });

  test('keep a bounded number of claimants and kinds: the oldest are forgotten', () => {
    const refused = new RefusedPlans<number>();
    for (let i = 0; i < REFUSED_MAX + 5; i++) refused.wait(i, 'one', 1);
    expect(refused.size).toBe(REFUSED_MAX);
    expect(refused.take(0, always)).toEqual([5]);
    const many = new RefusedPlans<number>();
    for (let i = 0; i < REFUSED_MAX + 5; i++) {
      many.refuse(`k${i}`, 1, i * WINDOW_SECONDS, Number.POSITIVE_INFINITY);
      many.wait(i, `k${i}`, 1);
    }
    expect(many.size).toBe(REFUSED_MAX);
    expect(many.take(1e9, always)).toEqual(Array.from({ length: PLANS_MAX_IN_VAIN }, (_, i) => i + 5));
  });
});
