import { describe } from 'vitest';
import { podTenantSpec } from '../../../market/tenants/economy-description.ts';
import { tenantSpec } from '../../../market/tenants/spec.ts';
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import {
  gpuNode,
  gpuPodOf,
  KIND_LABEL,
  labelledMarket,
  setEconomy,
  teamTenant,
} from '../economy/economy.fixtures.ts';
import { tenantKey } from '../economy/tenant-keys.ts';
import { group, node, pod, requests, selector, TestCluster } from '../scheduler.fixtures.ts';
import {
  gpuLimit,
  labelledPod,
  membersOfGang,
  nlpAndVision,
  plainPod,
  type ReasonRow,
  reasonOfGang,
  reasonOfLate,
  runningPods,
  TEN_TOKENS,
  testReasons,
  twoPlainNodes,
} from './reasons.fixtures.ts';

const ROWS: readonly ReasonRow[] = [
  // Misconfigured: before everything else.
  {
    name: 'a label that names no tenant',
    make: () =>
      reasonOfLate(nlpAndVision(), gpuPodOf('p', 'nlp', 99, {}, { tenant: tenantKey('nlp', 'ghost') })),
    code: 'unknown-tenant',
    text: /names ghost, which does not exist; it counts as tenant nlp/,
  },
  {
    name: 'a label of a tenant without the namespace',
    make: () =>
      reasonOfLate(nlpAndVision(), { ...gpuPodOf('p', 'nlp', 99), tenant: tenantKey('nlp', 'vision') }),
    code: 'namespace-not-allowed',
    text: /names vision, which does not have the namespace nlp/,
  },
  {
    name: 'two tenants claim a namespace',
    make: () => {
      const cluster = new TestCluster().nodes(gpuNode('n', 'a', 1));
      const of = (name: string) => podTenantSpec(tenantSpec(name), selector('team', 'x'));
      cluster.step({ kind: 'namespace', name: 'x', labels: { team: 'x' } });
      cluster.step({
        kind: 'economy',
        economy: { mode: 'enforce', market: labelledMarket('a'), tenants: [of('b'), of('a')] },
      });
      return reasonOfLate(cluster, gpuPodOf('p', 'x', 2));
    },
    code: 'several-tenants',
    text: /tenants a, b all have the namespace x; it counts as tenant a/,
  },
  {
    name: 'misconfigured and held',
    make: () => reasonOfLate(nlpAndVision({ state: 'Hold' }), labelledPod('p', 'nlp', 'ghost')),
    code: 'unknown-tenant',
    text: /ghost/,
  },
  {
    name: 'misconfigured and gated',
    make: () =>
      reasonOfLate(nlpAndVision(), { ...labelledPod('p', 'nlp', 'ghost'), gates: ['example.com/g'] }),
    code: 'unknown-tenant',
    text: /ghost/,
  },
  {
    name: 'a feature that is not supported',
    make: () => reasonOfLate(twoPlainNodes(), pod('p', { unsupported: ['resource claims'] })),
    code: 'unsupported',
    text: /resource claims/,
  },
  {
    name: 'a gang of a form that is not supported',
    make: () => {
      const cluster = twoPlainNodes();
      cluster.group(group('g', 2, { unsupported: ['two topology keys'] }));
      return reasonOfLate(cluster, plainPod('p', 1000, { group: 'core:default/g' }));
    },
    code: 'unsupported',
    text: /two topology keys/,
  },
  // Beyond its limit for ever.
  {
    name: 'needs more than its limit',
    make: () => reasonOfLate(nlpAndVision({ limit: gpuLimit(4) }), gpuPodOf('p', 'nlp', 5)),
    code: 'limit-exceeded',
    text: /needs 5 GPUs of a, and tenant nlp may never hold more than 4 GPUs/,
    holder: 'nlp',
  },
  {
    name: 'a limit of zero',
    make: () => reasonOfLate(nlpAndVision({ limit: gpuLimit(0) }), gpuPodOf('p', 'nlp')),
    code: 'limit-exceeded',
    text: /never hold more than 0 GPUs/,
  },
  {
    name: 'beyond its limit and held',
    make: () => reasonOfLate(nlpAndVision({ limit: gpuLimit(4), state: 'Hold' }), gpuPodOf('p', 'nlp', 5)),
    code: 'limit-exceeded',
    text: /never/,
  },
  {
    name: 'beyond its limit and the budget empty',
    make: () =>
      reasonOfLate(
        nlpAndVision({ limit: gpuLimit(4), budget: { ...TEN_TOKENS, tokens: 0 } }),
        gpuPodOf('p', 'nlp', 5),
      ),
    code: 'limit-exceeded',
    text: /never/,
  },
  {
    name: 'beyond the limit of the tenant above',
    make: () => {
      const cluster = new TestCluster().nodes(gpuNode('n', 'a'));
      setEconomy(cluster, 'enforce', labelledMarket('a'), [
        teamTenant('top', {}, { limit: gpuLimit(2) }),
        teamTenant('sub', { a: 2 }, { parent: 'top' }),
      ]);
      return reasonOfLate(cluster, gpuPodOf('p', 'sub', 3));
    },
    code: 'limit-exceeded',
    text: /tenant top may never hold more than 2 GPUs/,
    holder: 'top',
  },
  {
    name: 'a whole gang beyond the limit',
    make: () => reasonOfGang(nlpAndVision({ limit: gpuLimit(3) }), membersOfGang('g', 'nlp', 4), 4),
    code: 'limit-exceeded',
    text: /needs 4 GPUs of a/,
  },
  {
    name: 'beyond the limit on the only flavour that serves it',
    make: () => {
      const cluster = new TestCluster().nodes(gpuNode('n', 'a'), gpuNode('m', 'b'));
      setEconomy(cluster, 'enforce', labelledMarket('a', 'b'), [
        teamTenant('nlp', { b: 8 }, { limit: gpuLimit(0) }),
      ]);
      return reasonOfLate(cluster, gpuPodOf('p', 'nlp', 1, { nodeSelector: { [KIND_LABEL]: 'a' } }));
    },
    code: 'limit-exceeded',
    text: /of a/,
  },
  // Held.
  {
    name: 'a tenant in state Hold',
    make: () => reasonOfLate(nlpAndVision({ state: 'Hold' }), gpuPodOf('p', 'nlp')),
    code: 'tenant-held',
    text: /Tenant nlp is in state Hold/,
    holder: 'nlp',
  },
  {
    name: 'a tenant in state HoldAndDrain',
    make: () => reasonOfLate(nlpAndVision({ state: 'HoldAndDrain' }), gpuPodOf('p', 'nlp')),
    code: 'tenant-held',
    text: /HoldAndDrain/,
  },
  {
    name: 'held and the budget empty',
    make: () =>
      reasonOfLate(
        nlpAndVision({ state: 'Hold', budget: { ...TEN_TOKENS, tokens: 0 } }),
        gpuPodOf('p', 'nlp'),
      ),
    code: 'tenant-held',
    text: /Hold/,
  },
  {
    name: 'a gang of a held tenant',
    make: () => reasonOfGang(nlpAndVision({ state: 'Hold' }), membersOfGang('g', 'nlp', 2), 2),
    code: 'tenant-held',
    text: /Hold/,
  },
  {
    name: 'a scheduling gate',
    make: () => reasonOfLate(twoPlainNodes(), plainPod('p', 1000, { gates: ['kueue.x-k8s.io/admission'] })),
    code: 'scheduling-gated',
    text: /kueue\.x-k8s\.io\/admission/,
    holder: 'kueue.x-k8s.io/admission',
  },
  {
    name: 'the queue is full',
    make: () => {
      const cluster = new TestCluster({ waitingPodsMax: 1 }).nodes(node('n'));
      cluster.pods(plainPod('first', 9000), plainPod('second', 9000));
      cluster.settle();
      return cluster.scheduler.explain('second')?.waitsFor;
    },
    code: 'queue-full',
    text: /no more than 1 pods/,
  },
  // Gangs.
  {
    name: 'a gang without its object',
    make: () => reasonOfGang(nlpAndVision(), membersOfGang('g', 'nlp', 2), undefined),
    code: 'group-missing',
    text: /default\/g does not exist/,
  },
  {
    name: 'a gang that lacks members',
    make: () => reasonOfGang(nlpAndVision(), membersOfGang('g', 'nlp', 3), 8),
    code: 'gang-incomplete',
    text: /3 of at least 8 pods/,
  },
  {
    name: 'a gang that lacks members, on a full cluster',
    make: () => {
      const cluster = nlpAndVision();
      runningPods(cluster, 'vision', 16);
      return reasonOfGang(cluster, membersOfGang('g', 'nlp', 3), 8);
    },
    code: 'gang-incomplete',
    text: /3 of at least 8/,
  },
  {
    name: 'a gang whose members are gated in part',
    make: () => {
      const [first, ...rest] = membersOfGang('g', 'nlp', 3) as [PodDescription, ...PodDescription[]];
      return reasonOfGang(nlpAndVision(), [first, ...rest.map((each) => ({ ...each, gates: ['g'] }))], 3);
    },
    code: 'gang-incomplete',
    text: /1 of at least 3/,
  },
  // Budget.
  {
    name: 'a budget that does not cover it',
    make: () =>
      reasonOfLate(
        nlpAndVision({ budget: { ...TEN_TOKENS, tokens: 7 }, defaultRuntimeSeconds: 3600 }),
        gpuPodOf('p', 'nlp', 8),
      ),
    code: 'budget-empty',
    text: /A whole period's budget of tenant nlp, 7 tokens, does not cover it/,
    holder: 'nlp',
  },
  {
    name: 'a budget that others have reserved',
    make: () => {
      const cluster = nlpAndVision({ budget: TEN_TOKENS, defaultRuntimeSeconds: 3600 });
      runningPods(cluster, 'nlp', 8);
      return reasonOfLate(cluster, gpuPodOf('p', 'nlp', 3));
    },
    code: 'budget-empty',
    text: /set aside 8 of its 10 tokens/,
  },
  {
    name: 'budget empty and quota used up',
    make: () => {
      const cluster = nlpAndVision({ budget: { ...TEN_TOKENS, tokens: 8 }, defaultRuntimeSeconds: 3600 });
      runningPods(cluster, 'nlp', 8);
      return reasonOfLate(cluster, gpuPodOf('p', 'nlp', 5));
    },
    code: 'budget-empty',
    text: /8 of its 8 tokens|set aside 8/,
  },
  {
    name: 'the budget of the tenant above',
    make: () => {
      const cluster = new TestCluster().nodes(gpuNode('n', 'a'));
      setEconomy(cluster, 'enforce', labelledMarket('a'), [
        teamTenant('top', {}, { budget: { ...TEN_TOKENS, tokens: 1 } }),
        teamTenant('sub', { a: 8 }, { parent: 'top', defaultRuntimeSeconds: 3600 }),
      ]);
      return reasonOfLate(cluster, gpuPodOf('p', 'sub', 3));
    },
    code: 'budget-empty',
    text: /budget of tenant top, 1 tokens/,
    holder: 'top',
  },
  // Quota.
  {
    name: 'its limit is in use',
    make: () => {
      const cluster = nlpAndVision({ limit: gpuLimit(4) });
      runningPods(cluster, 'nlp', 4);
      return reasonOfLate(cluster, gpuPodOf('p', 'nlp'));
    },
    code: 'limit-reached',
    text: /may hold 4 GPUs of a, holds 4 GPUs, and it needs 1 GPU/,
    holder: 'nlp',
  },
  {
    name: 'the limit of the tenant above is in use',
    make: () => {
      const cluster = new TestCluster().nodes(gpuNode('n', 'a'));
      setEconomy(cluster, 'enforce', labelledMarket('a'), [
        teamTenant('top', {}, { limit: gpuLimit(4) }),
        teamTenant('one', { a: 2 }, { parent: 'top' }),
        teamTenant('two', { a: 2 }, { parent: 'top' }),
      ]);
      runningPods(cluster, 'one', 4);
      return reasonOfLate(cluster, gpuPodOf('p', 'two'));
    },
    code: 'limit-reached',
    text: /Tenant top may hold 4 GPUs of a, holds 4 GPUs/,
    holder: 'top',
  },
  {
    name: 'its quota is lent out, and to whom',
    make: () => {
      const cluster = nlpAndVision();
      runningPods(cluster, 'vision', 12);
      return reasonOfLate(cluster, gpuPodOf('p', 'nlp', 5));
    },
    code: 'quota-used-up',
    text: /needs 5 GPUs of a; tenant nlp, with a quota of 8 GPUs there, may take 4 GPUs more now.*more than their quotas: vision 4\./,
    holder: 'vision',
  },
  {
    name: 'lent to several: the largest borrower first',
    make: () => {
      const cluster = new TestCluster().nodes(gpuNode('n1', 'a'), gpuNode('n2', 'a'));
      setEconomy(cluster, 'enforce', labelledMarket('a'), [
        teamTenant('nlp', { a: 12 }),
        teamTenant('x', { a: 2 }),
        teamTenant('y', { a: 2 }),
      ]);
      runningPods(cluster, 'x', 5);
      runningPods(cluster, 'y', 9);
      return reasonOfLate(cluster, gpuPodOf('p', 'nlp', 4));
    },
    code: 'quota-used-up',
    text: /more than their quotas: y 7, x 3\./,
    holder: 'y',
  },
  {
    name: 'lent to the default tenant',
    make: () => {
      const cluster = nlpAndVision();
      cluster.step({ kind: 'namespace', name: 'free', labels: {} });
      runningPods(cluster, 'free', 12);
      return reasonOfLate(cluster, gpuPodOf('p', 'nlp', 5));
    },
    code: 'quota-used-up',
    text: /more than their quotas: default 12\./,
    holder: 'default',
  },
  {
    name: 'what is lent to it is used up, and it lends nothing',
    make: () => {
      const cluster = nlpAndVision({ lend: gpuLimit(4) });
      runningPods(cluster, 'vision', 12);
      return reasonOfLate(cluster, gpuPodOf('p', 'vision'));
    },
    code: 'quota-used-up',
    text: /No other tenant holds more than its quota of what it lacks/,
    holder: 'vision',
  },
  {
    name: 'a gang whose quota is lent out',
    make: () => {
      const cluster = nlpAndVision();
      runningPods(cluster, 'vision', 12);
      return reasonOfGang(cluster, membersOfGang('g', 'nlp', 8), 8);
    },
    code: 'quota-used-up',
    text: /needs 8 GPUs of a; .*more than their quotas: vision 4\./,
    holder: 'vision',
  },
  {
    name: 'one flavour full, no quota on the other',
    make: () => {
      const cluster = new TestCluster().nodes(gpuNode('a1', 'a', 2), gpuNode('b1', 'b', 2));
      setEconomy(cluster, 'enforce', labelledMarket('a', 'b'), [
        teamTenant('nlp', { b: 2 }, { limit: gpuLimit(0) }),
      ]);
      cluster.others('foreign', 'b1', { requests: requests(64_000), namespace: 'kube-system' });
      return reasonOfLate(cluster, gpuPodOf('p', 'nlp'));
    },
    code: 'flavors-full',
    text: /headroom on b, where no node has room, and none on a/,
  },
];

describe('the one reason of a pod that its tenant or its gang keeps waiting', () => {
  testReasons(ROWS);
});
