/** One reason has one code: in event and condition, Account, explanation, page of the tools, and metric label. */
import { describe, expect, test } from 'vitest';
import type { ChampionLife } from '../../../governor/pods/champion/champion-life.fixtures.ts';
import {
  gpuNode,
  gpuPodOf,
  labelledMarket,
  setEconomy,
  teamTenant,
} from '../../../governor/pods/economy/economy.fixtures.ts';
import type { UnschedulableEffect } from '../../../governor/pods/pod-events.ts';
import {
  gpuLimit,
  labelledPod,
  membersOfGang,
  nlpAndVision,
  runningPods,
  TEN_TOKENS,
  withChampion,
  withChampionGang,
} from '../../../governor/pods/reasons/reasons.fixtures.ts';
import { REASON_STAGES } from '../../../governor/pods/reasons/waiting-reason.ts';
import { group, requests, selector, TestCluster } from '../../../governor/pods/scheduler.fixtures.ts';
import { podTenantSpec } from '../../../market/tenants/economy-description.ts';
import { tenantSpec } from '../../../market/tenants/spec.ts';
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import { waitingPage } from '../../../simulation/pods/waiting-page.ts';
import { messageOf } from '../effect-runner.ts';
import { accountStatus } from './status-objects.ts';

/** The last report of each pod, as the driver writes it into event and condition. */
class Reports {
  private readonly last = new Map<string, UnschedulableEffect>();

  constructor({ scheduler }: TestCluster) {
    const step = scheduler.step.bind(scheduler);
    scheduler.step = (event, timeSeconds) => {
      const effects = step(event, timeSeconds);
      for (const effect of effects) if (effect.kind === 'unschedulable') this.last.set(effect.uid, effect);
      return effects;
    };
  }

  messageTo(uid: string): string {
    const effect = this.last.get(uid);
    return effect === undefined ? '' : messageOf(effect);
  }
}

/** A cluster with a pod that waits, by its uid. */
interface Case {
  readonly code: string;
  /** Why nothing is reported about it; a gated pod counts in no Account and metric of tenants either. */
  readonly unreported?: string;
  readonly make: () => { cluster: TestCluster; reports: Reports; uid: string };
}

/** Pods arrive last in a cluster, and all is decided; the first of them is looked at. */
function late(
  cluster: TestCluster,
  pods: readonly PodDescription[],
  more: (cluster: TestCluster) => void = () => {},
) {
  const reports = new Reports(cluster);
  cluster.decide();
  cluster.pods(...pods);
  cluster.settle();
  more(cluster);
  return { cluster, reports, uid: (pods[0] as PodDescription).uid };
}

/** No node has room. */
function full(): TestCluster {
  const cluster = nlpAndVision();
  for (const name of ['n1', 'n2'])
    cluster.others(`foreign-${name}`, name, { requests: requests(64_000), namespace: 'kube-system' });
  return cluster;
}

function champion(life: ChampionLife, uid: string) {
  const reports = new Reports(life.cluster);
  life.runUntil(1200);
  return { cluster: life.cluster, reports, uid };
}

const gang = (cluster: TestCluster, minCount: number): TestCluster => {
  cluster.group(group('g', minCount));
  return cluster;
};
const lookLater = (cluster: TestCluster): void => {
  cluster.wait(31).decide();
};

const CASES: readonly Case[] = [
  { code: 'unknown-tenant', make: () => late(full(), [labelledPod('p', 'nlp', 'ghost')]) },
  { code: 'namespace-not-allowed', make: () => late(full(), [labelledPod('p', 'nlp', 'vision')]) },
  {
    code: 'several-tenants',
    make: () => {
      const cluster = full();
      setEconomy(cluster, 'enforce', labelledMarket('a'), [
        teamTenant('nlp', { a: 8 }),
        podTenantSpec(tenantSpec('other'), selector('team', 'nlp')),
      ]);
      return late(cluster, [gpuPodOf('p', 'nlp')]);
    },
  },
  { code: 'unsupported', make: () => late(full(), [gpuPodOf('p', 'nlp', 1, { unsupported: ['x'] })]) },
  {
    code: 'limit-exceeded',
    make: () => late(nlpAndVision({ limit: gpuLimit(4) }), [gpuPodOf('p', 'nlp', 5)]),
  },
  { code: 'tenant-held', make: () => late(nlpAndVision({ state: 'Hold' }), [gpuPodOf('p', 'nlp')]) },
  {
    code: 'scheduling-gated',
    unreported: 'the API server has its own condition',
    make: () => late(nlpAndVision(), [gpuPodOf('p', 'nlp', 1, {}, { gates: ['x'] })]),
  },
  {
    code: 'queue-full',
    make: () => {
      const cluster = new TestCluster({ waitingPodsMax: 1 }).nodes(gpuNode('n', 'a'));
      setEconomy(cluster, 'enforce', labelledMarket('a'), [teamTenant('nlp', { a: 8 })]);
      cluster.pods(gpuPodOf('first', 'nlp', 9));
      cluster.settle();
      return late(cluster, [gpuPodOf('p', 'nlp', 9)]);
    },
  },
  { code: 'group-missing', make: () => late(nlpAndVision(), membersOfGang('g', 'nlp', 2), lookLater) },
  {
    code: 'gang-incomplete',
    make: () => late(gang(nlpAndVision(), 8), membersOfGang('g', 'nlp', 3), lookLater),
  },
  {
    code: 'budget-empty',
    make: () => late(nlpAndVision({ budget: { ...TEN_TOKENS, tokens: 0 } }), [gpuPodOf('p', 'nlp')]),
  },
  {
    code: 'price-too-high',
    make: () => {
      const cluster = new TestCluster().nodes(gpuNode('n', 'a'));
      cluster.step({ kind: 'balances', balances: { nlp: 1, vision: 1 } });
      setEconomy(cluster, 'enforce', { ...labelledMarket('a'), tokens: true }, [
        teamTenant('nlp', { a: 1 }, { weight: 0 }),
        teamTenant('vision', { a: 7 }),
      ]);
      return late(cluster, [gpuPodOf('p', 'nlp', 8)]);
    },
  },
  {
    code: 'limit-reached',
    make: () => {
      const cluster = nlpAndVision({ limit: gpuLimit(4) });
      runningPods(cluster, 'nlp', 4);
      return late(cluster, [gpuPodOf('p', 'nlp')]);
    },
  },
  {
    code: 'quota-used-up',
    make: () => {
      const cluster = nlpAndVision();
      runningPods(cluster, 'vision', 12);
      return late(cluster, [gpuPodOf('p', 'nlp', 5)]);
    },
  },
  {
    code: 'flavors-full',
    make: () => {
      const cluster = new TestCluster().nodes(gpuNode('a1', 'a', 2), gpuNode('b1', 'b', 2));
      setEconomy(cluster, 'enforce', labelledMarket('a', 'b'), [
        teamTenant('nlp', { b: 2 }, { limit: gpuLimit(0) }),
      ]);
      cluster.others('foreign', 'b1', { requests: requests(64_000), namespace: 'kube-system' });
      return late(cluster, [gpuPodOf('p', 'nlp')]);
    },
  },
  {
    code: 'room-reserved',
    make: () => {
      const life = withChampion();
      life.add(gpuPodOf('stays', 'all', 4, {}, { expectedSeconds: 9000 }));
      return champion(life, 'stays');
    },
  },
  { code: 'no-fit', make: () => late(full(), [gpuPodOf('p', 'nlp')]) },
  { code: 'no-fit', make: () => late(gang(full(), 2), membersOfGang('g', 'nlp', 2)) },
  {
    code: 'waiting-for-victims',
    make: () => {
      const cluster = new TestCluster().nodes(gpuNode('n1', 'a'), gpuNode('n2', 'a'));
      const preemption = { ...tenantSpec('x').preemption, minRuntimeSeconds: 0 };
      setEconomy(cluster, 'enforce', labelledMarket('a'), [
        teamTenant('nlp', { a: 8 }),
        teamTenant('vision', { a: 8 }, { preemption }),
      ]);
      runningPods(cluster, 'vision', 16);
      return late(cluster.wait(10), [gpuPodOf('p', 'nlp', 4)]);
    },
  },
  {
    code: 'not-tried',
    unreported: 'nothing was decided',
    make: () => {
      const cluster = nlpAndVision();
      cluster.decide();
      const reports = new Reports(cluster);
      cluster.pods(gpuPodOf('p', 'nlp'));
      return { cluster, reports, uid: 'p' };
    },
  },
];

describe('the code of a reason', () => {
  test('has a case here, unless only simulated jobs have it', () => {
    const simulated = ['impossible', 'saving-headroom', 'headroom-reserved', 'reserved-on-loan'];
    simulated.push('no-such-model', 'draining', 'room-drained', 'behind-equal-job', 'behind');
    const cases = new Set([...CASES.map(({ code }) => code), 'reserved', ...simulated]);
    expect([...cases].sort()).toEqual(Object.keys(REASON_STAGES).sort());
  });

  test.each(CASES)('$code is the same everywhere', ({ code, unreported, make }) => {
    const { cluster, reports, uid } = make();
    expectEverywhere(cluster, uid, code);
    const message = reports.messageTo(uid);
    if (unreported !== undefined) expect(message).toBe('');
    else expect(message).toMatch(new RegExp(`^not admitted: ${code}( |$)|\\[${code}(: .*)?\\]$`));
  });

  test('of who becomes a champion changes in event and condition too, and back', () => {
    for (const life of [withChampion(1010), withChampionGang(1010)]) {
      const { cluster } = life;
      const uids = cluster.scheduler.view().pod('big') === undefined ? ['g-0', 'g-1'] : ['big'];
      const reports = new Reports(cluster);
      const messages = () => uids.map((uid) => /\[([a-z-]+)\]$/.exec(reports.messageTo(uid))?.[1]);
      life.runUntil(1050);
      for (const uid of uids) expectEverywhere(cluster, uid, 'no-fit');
      life.runUntil(1100);
      for (const uid of uids) expectEverywhere(cluster, uid, 'reserved');
      expect(messages()).toEqual(uids.map(() => 'reserved'));
      setEconomy(cluster, 'observe', labelledMarket('a'), [teamTenant('all', { a: 80 })]);
      life.runUntil(1200);
      for (const uid of uids) expectEverywhere(cluster, uid, 'no-fit');
      expect(messages()).toEqual(uids.map(() => 'no-fit'));
    }
  });

  test('stands in no message without an economy, nor where something failed', () => {
    const effect: UnschedulableEffect = {
      ...{ kind: 'unschedulable', uid: 'u', namespace: 'n', name: 'p', message: '0/1 nodes.' },
      ...{ reason: 'Unschedulable', plugins: [], generation: 0, renewed: false },
    };
    expect(messageOf(effect)).toBe('0/1 nodes.');
    const cluster = new TestCluster().nodes(gpuNode('n', 'a'));
    const reports = new Reports(cluster);
    cluster.pods(gpuPodOf('p', 'nlp', 9));
    cluster.settle();
    expect(reports.messageTo('p')).toMatch(/^0\/1 nodes .*\.$/);
  });
});

/** In the explanation, the tools' page, the Account, and the metric. */
function expectEverywhere({ scheduler }: TestCluster, uid: string, code: string): void {
  const explained = scheduler.explain(uid);
  expect(explained?.waitsFor?.code).toBe(code);
  const view = scheduler.view();
  const pod = view.pod(uid);
  const name = pod?.group ? pod.group.slice('core:'.length) : `${pod?.namespace}/${pod?.name}`;
  expect(waitingPage(view).jobs.find(({ id }) => id === name)?.code).toBe(code);
  if (code === 'scheduling-gated') return;
  const namespace = view.economy()?.namespaces.find((each) => each.name === pod?.namespace);
  const { waiting } = accountStatus(namespace, undefined) as { waiting: { job: string; reason: string }[] };
  expect(waiting.map(({ reason }) => reason)).toContain(code);
  const labels = [...(view.economyFigures()?.waitingPods.values() ?? [])].flatMap((byCode) => [
    ...byCode.keys(),
  ]);
  expect(labels).toContain(code);
}
