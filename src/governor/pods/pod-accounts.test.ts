import { describe, expect, test } from 'vitest';
import { CountingAccounts, heldKey, QuotaAccounts } from '../accounts.fixtures.ts';
import type { Accounts, AccountsRefusal, Ask } from '../accounts.ts';
import { createConstraints } from './constraints/cluster-constraints.ts';
import { digestOf } from './log/pod-effects-digest.ts';
import type { PodEffect } from './pod-events.ts';
import { PodScheduler } from './pod-scheduler.ts';
import { checkScheduler } from './pod-scheduler-check.ts';
import { RandomLife, randomOptions } from './random-life.fixtures.ts';
import { bindings, group, node, pod, refusals, requests, TestCluster } from './scheduler.fixtures.ts';
import { PodState } from './state/pod-records.ts';

const SIZE = { nodes: 6, pods: 40, groups: 4, freshShapes: false };

/** The pods on nodes, as the accounts should hold them. */
function placedIn(scheduler: PodScheduler): string[] {
  const { state } = scheduler.internals;
  const keys: string[] = [];
  for (const { tenant, sequence: holder, node: at, shape } of state.pods.values()) {
    if (at < 0) continue;
    const { cpuMilli, memoryMib, gpuTotalMilli } = shape.demand;
    keys.push(heldKey({ tenant, holder, node: at, cpuMilli, memoryMib, gpuTotalMilli }));
  }
  return keys.sort();
}

/** Lives a life; `look` is called after every step. @returns The digest of all effects. */
function live(
  seed: number,
  steps: number,
  accounts: Accounts | undefined,
  look: (scheduler: PodScheduler, effects: readonly PodEffect[]) => void,
): number {
  const life = new RandomLife(seed, { ...SIZE, freshShapes: seed % 7 === 6 });
  const scheduler = new PodScheduler(randomOptions(seed), createConstraints(), accounts);
  let digest = 0;
  for (let step = 0; step < steps; step++) {
    const effects = scheduler.step(life.next(), life.timeSeconds);
    digest = digestOf(effects, digest);
    life.take(effects);
    look(scheduler, effects);
  }
  return digest;
}

describe('accounts of the pod scheduler', () => {
  test.each(Array.from({ length: 10 }, (_, seed) => seed))(
    'hold after every step exactly the pods on nodes, and change nothing if they admit every job (seed %i)',
    (seed) => {
      const accounts = new CountingAccounts();
      const digest = live(seed, 2500, accounts, (scheduler) => {
        const placed = placedIn(scheduler);
        if (`${accounts.heldKeys}` !== `${placed}`) expect(accounts.heldKeys).toEqual(placed);
      });
      expect(live(seed, 2500, undefined, () => undefined)).toBe(digest);
      expect(accounts.releases).toBeGreaterThan(100);
      expect(accounts.holds).toBeGreaterThanOrEqual(accounts.releases);
    },
  );

  test.each(Array.from({ length: 10 }, (_, seed) => seed))(
    'that refuse let no pod start beyond the quota, and none wait within it (seed %i)',
    (seed) => {
      const quota = [2, 4, 7][seed % 3] as number;
      const accounts = new QuotaAccounts(quota);
      let waited = 0;
      live(seed, 2500, accounts, (scheduler, effects) => {
        checkScheduler(scheduler);
        const { state, queue, groups } = scheduler.internals;
        const placed = placedIn(scheduler);
        if (`${accounts.heldKeys}` !== `${placed}`) expect(accounts.heldKeys).toEqual(placed);
        const binds = effects.filter((effect) => effect.kind === 'bind');
        // Members of a group may belong to several tenants; the first one's is asked.
        for (const bind of binds.some((each) => each.group !== '') ? [] : binds) {
          const { tenant } = state.pods.get(bind.uid) ?? { tenant: -1 };
          expect(accounts.pods.get(tenant)).toBeLessThanOrEqual(quota);
        }
        if (scheduler.hasWork) return;
        for (const line of queue.lines.values()) {
          if (line.unadmittedOf < 0) continue;
          waited += line.pods.size;
          expect(accounts.allows(line.unadmittedOf, 1)).toBe(false);
          line.pods.forEach((each) => {
            expect(each.tenant).toBe(line.unadmittedOf);
          });
        }
        for (const each of groups.groups.values()) {
          if (each.notAdmitted === undefined || each.stale) continue;
          const pending = [...each.members].filter((member) => member.state === PodState.InGroup).length;
          expect(accounts.allows(each.tenant, pending)).toBe(false);
        }
      });
      expect(waited).toBeGreaterThan(0);
      expect(accounts.refusals).toBeGreaterThan(20);
    },
  );
});

const NLP = { tenant: 'nlp' };
const REFUSED = 'not admitted: quota-used-up (needPods 1, heldPods 1, quotaPods 1)';

describe('a pod that is not admitted', () => {
  test('waits, gives the reason, blocks no other pod, and is tried again when the accounts wake its tenant', () => {
    const accounts = new QuotaAccounts(1, 60);
    const cluster = new TestCluster({}, accounts).nodes(node('a'));
    cluster.pods(pod('p', {}, NLP), pod('q', {}, NLP), pod('r', {}, NLP), pod('s', {}, { tenant: 'vision' }));
    const effects = cluster.decide();
    expect(bindings(effects)).toEqual({ p: 'a', s: 'a' });
    expect(refusals(effects)).toEqual({ q: REFUSED, r: REFUSED });
    expect(effects.find((effect) => effect.kind === 'unschedulable')).toMatchObject({
      reason: 'NotReadyForScheduling',
    });
    const explained = cluster.scheduler.explain('q');
    expect(explained).toMatchObject({ message: REFUSED, reason: 'NotReadyForScheduling', nodesFeasible: 1 });
    expect(explained?.retriedOn).toEqual(['the accounts of its tenant nlp admit it']);
    // Room changes nothing for them; when their tenant is woken the first one is asked for.
    const { asks } = accounts;
    cluster.nodes(node('b'));
    cluster.decide();
    expect(accounts.asks).toBe(asks);
    expect(cluster.scheduler.dueSeconds).toBe(1060);
    cluster.wait(60);
    expect(cluster.decide()).toEqual([]);
    expect(accounts.asks).toBe(asks + 1);
    accounts.podsMax = 2;
    cluster.wait(60);
    expect(Object.keys(bindings(cluster.decide()))).toEqual(['q']);
  });

  test('is tried when a pod of its tenant has gone, and is another tenant’s matter if it changes', () => {
    const cluster = new TestCluster({}, new QuotaAccounts(1)).nodes(node('a'));
    cluster.pods(pod('p', {}, NLP), pod('q', {}, NLP), pod('r', {}, NLP));
    cluster.settle();
    cluster.gone('p');
    expect(cluster.settle()).toEqual({ q: 'a' });
    cluster.update('r', { tenant: 'vision' });
    expect(cluster.settle()).toEqual({ r: 'a' });
  });

  test('keeps no room, and preempts no pod', () => {
    const cluster = new TestCluster({}, new QuotaAccounts(1)).nodes(node('a', { cpuMilli: 2000 }));
    cluster.pods(pod('p', {}, NLP), pod('o', {}, { tenant: 'other' }));
    cluster.settle();
    cluster.pods(pod('q', {}, { ...NLP, priority: 9, nominatedNodeName: 'a' }));
    expect(refusals(cluster.decide())).toEqual({ q: REFUSED });
    cluster.gone('o');
    cluster.pods(pod('n', {}, { tenant: 'another' }));
    expect(cluster.settle()).toEqual({ n: 'a' });
  });
});

describe('a gang that is not admitted', () => {
  test('waits as a whole, says why, and starts when its tenant is woken', () => {
    const cluster = new TestCluster({}, new QuotaAccounts(3)).nodes(node('a'), node('b'));
    cluster.group(group('g', 2));
    const member = { ...NLP, group: 'core:default/g' };
    cluster.pods(pod('x', {}, NLP), pod('y', {}, NLP));
    cluster.settle();
    cluster.pods(pod('p', {}, member), pod('q', {}, member));
    const words = 'not admitted: quota-used-up (needPods 2, heldPods 2, quotaPods 3)';
    expect(refusals(cluster.decide())).toEqual({ p: words, q: words });
    const explained = cluster.scheduler.explain('p');
    expect(explained?.group?.text).toBe(words);
    expect(explained).toMatchObject({ reason: 'NotReadyForScheduling' });
    cluster.nodes(node('c'));
    expect(cluster.settle()).toEqual({});
    cluster.gone('x');
    cluster.wait(1);
    expect(Object.keys(cluster.settle())).toEqual(['p', 'q']);
  });

  test('is a matter of its first member’s tenant, as of when the accounts are asked', () => {
    const accounts = new QuotaAccounts(2);
    const cluster = new TestCluster({}, accounts).nodes(node('a'), node('b'));
    cluster.pods(pod('x', {}, NLP), pod('y', {}, NLP));
    cluster.settle();
    cluster.group(group('g', 2));
    const vision = { tenant: 'vision', group: 'core:default/g' };
    cluster.pods(
      pod('p', {}, { ...NLP, group: 'core:default/g' }),
      pod('q', {}, vision),
      pod('r', {}, vision),
    );
    // The gang is queued for nlp, which has no quota left, and decided for vision.
    cluster.gone('p');
    expect(Object.keys(cluster.settle())).toEqual(['q', 'r']);
    const { state } = cluster.scheduler.internals;
    expect(accounts.pods.get(state.tenants.find('vision'))).toBe(2);
  });

  test('is asked for with its kinds of pods, each with its number', () => {
    const asked: unknown[] = [];
    class Listening extends CountingAccounts {
      override admit(ask: Ask, timeSeconds: number): AccountsRefusal | undefined {
        const kinds = ask.demands.map(({ cpuMilli }, i) => [cpuMilli, ask.counts[i]]);
        asked.push([ask.pods, ask.podsMin, ask.priority, kinds]);
        return super.admit(ask, timeSeconds);
      }
    }
    const cluster = new TestCluster({}, new Listening()).nodes(node('a'), node('b'));
    cluster.group(group('g', 4));
    const member = { ...NLP, group: 'core:default/g', priority: 5 };
    const [small, large] = [{ requests: requests(500) }, { requests: requests(1000) }];
    cluster.pods(pod('p', small, member), pod('q', large, member));
    cluster.pods(pod('r', large, member), pod('s', large, member), pod('t', small, member));
    cluster.settle();
    const kinds = [
      [500, 1],
      [1000, 3],
      [500, 1],
    ];
    expect(asked).toEqual([[5, 4, 5, kinds]]);
  });

  test('is woken with the tenant that was asked, not with that of a member that is gone', () => {
    const cluster = new TestCluster({}, new QuotaAccounts(2)).nodes(node('a'), node('b'));
    const vision = { tenant: 'vision' };
    const member = { ...vision, group: 'core:default/g' };
    cluster.pods(pod('x', {}, vision));
    cluster.settle();
    cluster.group(group('g', 2));
    cluster.pods(pod('p', {}, { ...member, ...NLP }), pod('q', {}, member), pod('r', {}, member));
    // Queued for nlp, refused for vision.
    cluster.gone('p');
    expect(cluster.settle()).toEqual({});
    cluster.gone('x');
    cluster.wait(1);
    expect(Object.keys(cluster.settle())).toEqual(['q', 'r']);
  });
});
