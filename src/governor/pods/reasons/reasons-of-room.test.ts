import { describe, expect, test } from 'vitest';
import { ChampionLife } from '../champion/champion-life.fixtures.ts';
import { gpuNode, gpuPodOf, labelledMarket, setEconomy, teamTenant } from '../economy/economy.fixtures.ts';
import { group, node, pod, requests, TestCluster, taint } from '../scheduler.fixtures.ts';
import {
  nlpAndVision,
  plainPod,
  type ReasonRow,
  reasonOfLate,
  runningPods,
  testReasons,
  twoPlainNodes,
  withChampion,
  withChampionGang,
} from './reasons.fixtures.ts';

const ROWS: readonly ReasonRow[] = [
  // Reserved for the champion.
  {
    name: 'room that is reserved for a champion',
    make: () => {
      const life = withChampion();
      life.add(gpuPodOf('stays', 'all', 4, {}, { expectedSeconds: 9000 }));
      life.runUntil(1101);
      return life.cluster.scheduler.explain('stays')?.waitsFor;
    },
    code: 'room-reserved',
    text: /it would still run when all\/big needs that room, in 15 m 00 s/,
    holder: 'all/big',
  },
  {
    name: 'a gang behind a champion',
    make: () => {
      const life = withChampion();
      life.cluster.group(group('g', 2));
      const key = 'core:default/g';
      life.add(
        ...['g-0', 'g-1'].map((name) => gpuPodOf(name, 'all', 1, {}, { group: key, expectedSeconds: 9000 })),
      );
      life.runUntil(1101);
      return life.cluster.scheduler.explain('g-0')?.waitsFor;
    },
    code: 'room-reserved',
    text: /all\/big/,
    holder: 'all/big',
  },
  {
    name: 'the champion itself',
    make: () => withChampion().cluster.scheduler.explain('big')?.waitsFor,
    code: 'reserved',
    text: /Room on 1 node is reserved for it: it starts in 15 m 00 s at the latest/,
  },
  {
    name: 'a gang that is the champion',
    make: () => withChampionGang().cluster.scheduler.explain('g-1')?.waitsFor,
    code: 'reserved',
    text: /Room on 1 node is reserved for it/,
  },
  {
    name: 'a champion whose quota is lent: the quota stands before it',
    make: () => {
      const life = new ChampionLife();
      life.cluster.nodes(gpuNode('n1', 'a'), gpuNode('n2', 'a'));
      const champion = { afterSeconds: 60, reservationsMax: 4, unknownRuntime: 'Never' } as const;
      setEconomy(life.cluster, 'enforce', { ...labelledMarket('a'), champion }, [
        teamTenant('all', { a: 10 }),
        teamTenant('own', { a: 6 }),
        teamTenant('borrower', {}, { weight: 1 }),
      ]);
      life.add(...['x', 'y'].map((name) => gpuPodOf(name, 'all', 5, {}, { expectedSeconds: 1000 })));
      life.runUntil(1010);
      life.add(gpuPodOf('six', 'own', 6, {}, { expectedSeconds: 100 }));
      life.runUntil(1100);
      for (let i = 0; i < 6; i++)
        life.add(gpuPodOf(`short-${i}`, 'borrower', 1, {}, { expectedSeconds: 300 }));
      life.runUntil(1200);
      expect(life.champions()).toMatchObject([{ key: 'six' }]);
      return life.cluster.scheduler.explain('six')?.waitsFor;
    },
    code: 'quota-used-up',
    text: /needs 6 GPUs/,
  },
  // No room.
  {
    name: 'within quota, and no node has room',
    make: () => {
      const cluster = nlpAndVision();
      cluster.others('foreign-1', 'n1', { requests: requests(64_000), namespace: 'kube-system' });
      cluster.others('foreign-2', 'n2', { requests: requests(64_000), namespace: 'kube-system' });
      return reasonOfLate(cluster, gpuPodOf('p', 'nlp'));
    },
    code: 'no-fit',
    text: /None of 2 nodes takes it; 2 of them: Insufficient cpu/,
  },
  {
    name: 'no economy, too large',
    make: () => reasonOfLate(twoPlainNodes(), plainPod('p', 9000)),
    code: 'no-fit',
    text: /2 of them: Insufficient cpu/,
  },
  {
    name: 'no nodes',
    make: () => reasonOfLate(new TestCluster(), plainPod('p', 1000)),
    code: 'no-fit',
    text: /no nodes available|0 nodes/,
  },
  {
    name: 'a taint',
    make: () =>
      reasonOfLate(new TestCluster().nodes(node('n', { taints: [taint('dedicated')] })), plainPod('p', 1000)),
    code: 'no-fit',
    text: /untolerated taint/,
  },
  {
    name: 'a selector',
    make: () => reasonOfLate(twoPlainNodes(), pod('p', { nodeSelector: { disk: 'ssd' } })),
    code: 'no-fit',
    text: /affinity\/selector/,
  },
  {
    name: 'cordoned nodes',
    make: () => reasonOfLate(new TestCluster().nodes(node('n', { unschedulable: true })), plainPod('p', 1)),
    code: 'no-fit',
    text: /unschedulable/,
  },
  {
    name: 'a complete gang without room',
    make: () => {
      const cluster = twoPlainNodes();
      cluster.group(group('g', 3));
      const key = 'core:default/g';
      cluster.pods(...['g-0', 'g-1', 'g-2'].map((name) => plainPod(name, 3000, { group: key })));
      cluster.settle();
      return cluster.scheduler.explain('g-0')?.waitsFor;
    },
    code: 'no-fit',
    text: /3 of its pods at once|None of 2|No room/,
  },
  // Victims.
  {
    name: 'victims that have to leave',
    make: () => {
      const cluster = new TestCluster().nodes(node('n'));
      cluster.pods(plainPod('low', 4000, { priority: 1 }));
      cluster.settle();
      return reasonOfLate(cluster, plainPod('high', 4000, { priority: 9 }));
    },
    code: 'waiting-for-victims',
    text: /on n: 1 pod is leaving \(default\/low\)/,
    holder: 'default/low',
  },
  {
    name: 'several victims',
    make: () => {
      const cluster = new TestCluster().nodes(node('n'));
      cluster.pods(plainPod('low-1', 2000, { priority: 1 }), plainPod('low-2', 2000, { priority: 1 }));
      cluster.settle();
      return reasonOfLate(cluster, plainPod('high', 4000, { priority: 9 }));
    },
    code: 'waiting-for-victims',
    text: /2 pods are leaving/,
  },
  // Its turn.
  {
    name: 'not tried yet',
    make: () => {
      const cluster = twoPlainNodes();
      cluster.pods(plainPod('p', 1000));
      return cluster.scheduler.explain('p')?.waitsFor;
    },
    code: 'not-tried',
    text: /next decision/,
  },
];

describe('the one reason for which a pod waits', () => {
  testReasons(ROWS);

  test('a pod that runs, is leaving or is of another scheduler waits for nothing', () => {
    const cluster = twoPlainNodes();
    cluster.pods(
      plainPod('runs', 1000),
      plainPod('other', 1000, { ours: false }),
      plainPod('leaves', 1000, { deleting: true }),
    );
    cluster.settle();
    expect(cluster.scheduler.explain('runs')?.waitsFor).toBeNull();
    for (const uid of ['other', 'leaves'])
      expect(cluster.scheduler.explain(uid)?.waitsFor ?? null).toBeNull();
  });

  test('a refused pod has the code that its event has', () => {
    const cluster = nlpAndVision({ state: 'Hold' });
    const reason = reasonOfLate(cluster, gpuPodOf('p', 'nlp'));
    expect(cluster.scheduler.explain('p')?.message).toContain(`not admitted: ${reason?.code} (`);
  });

  test('a reason passes with what caused it', () => {
    const cluster = nlpAndVision();
    runningPods(cluster, 'vision', 12);
    expect(reasonOfLate(cluster, gpuPodOf('p', 'nlp', 5))?.code).toBe('quota-used-up');
    cluster.gone('vision-r0');
    cluster.others('foreign-1', 'n1', { requests: requests(60_000), namespace: 'kube-system' });
    cluster.others('foreign-2', 'n2', { requests: requests(60_000), namespace: 'kube-system' });
    cluster.decide();
    expect(cluster.scheduler.explain('p')?.waitsFor?.code).toBe('no-fit');
  });
});

test('a report that is renewed behind a champion has the same reason', () => {
  const life = withChampion();
  life.add(gpuPodOf('stays', 'all', 4, {}, { expectedSeconds: 9000 }));
  const reasons = [1101, 1500].map((timeSeconds) => {
    life.runUntil(timeSeconds);
    const { reason, waitsFor } = life.cluster.scheduler.explain('stays') ?? {};
    return { reason, code: waitsFor?.code };
  });
  const behind = { reason: 'NotReadyForScheduling', code: 'room-reserved' };
  expect(reasons).toEqual([behind, behind]);
});
