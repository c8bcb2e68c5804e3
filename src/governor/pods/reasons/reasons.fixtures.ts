/** Clusters with a pod that waits, for tests of reasons: states of a real scheduler. */
import { expect, test } from 'vitest';
import type { BudgetSpec, FlavorAmounts, TenantSpec } from '../../../market/tenants/spec.ts';
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import { ChampionLife } from '../champion/champion-life.fixtures.ts';
import { gpuNode, gpuPodOf, labelledMarket, setEconomy, teamTenant } from '../economy/economy.fixtures.ts';
import { tenantKey } from '../economy/tenant-keys.ts';
import { group, node, pod, requests, TestCluster } from '../scheduler.fixtures.ts';
import { REASON_STAGES, type WaitingReason } from './waiting-reason.ts';

/** GPUs by thousandths. */
export const gpuLimit = (count: number): FlavorAmounts => ({ a: { gpuMilli: count * 1000 } });

/** Two nodes of 8 GPUs; tenants `nlp` and `vision` with a quota of 8 each; `nlp` has what is given, too. */
export function nlpAndVision(nlp: Partial<TenantSpec> = {}): TestCluster {
  const cluster = new TestCluster().nodes(gpuNode('n1', 'a'), gpuNode('n2', 'a'));
  setEconomy(cluster, 'enforce', labelledMarket('a'), [
    // No quota may pass a limit.
    teamTenant('nlp', nlp.limit === undefined ? { a: 8 } : {}, nlp),
    teamTenant('vision', { a: 8 }),
  ]);
  return cluster;
}

/** Pods of one GPU that run in a namespace. */
export function runningPods(
  cluster: TestCluster,
  namespace: string,
  count: number,
  of: Partial<PodDescription> = {},
): void {
  cluster.pods(
    ...Array.from({ length: count }, (_, i) => gpuPodOf(`${namespace}-r${i}`, namespace, 1, {}, of)),
  );
  cluster.settle();
}

/** The reason of a pod that arrives last. */
export function reasonOfLate(cluster: TestCluster, late: PodDescription): WaitingReason | null | undefined {
  cluster.pods(late);
  cluster.settle();
  return cluster.scheduler.explain(late.uid)?.waitsFor;
}

/** Pods `<name>-0…` of a gang. */
export function membersOfGang(name: string, namespace: string, count: number, each = 1): PodDescription[] {
  const key = `core:default/${name}`;
  return Array.from({ length: count }, (_, i) =>
    gpuPodOf(`${name}-${i}`, namespace, each, {}, { group: key }),
  );
}

/** The reason of a gang `g` that arrives last. @param minCount Undefined: its object does not exist. */
export function reasonOfGang(
  cluster: TestCluster,
  pods: readonly PodDescription[],
  minCount: number | undefined,
): WaitingReason | null | undefined {
  if (minCount !== undefined) cluster.group(group('g', minCount));
  cluster.pods(...pods);
  cluster.settle();
  return cluster.scheduler.explain((pods[0] as PodDescription).uid)?.waitsFor;
}

/** A node of 8 GPUs on which a pod holds half of them until 2000, and one that needs them all: champion after 1070. */
export function withChampion(untilSeconds = 1100): ChampionLife {
  const life = heldNode();
  life.add(gpuPodOf('big', 'all', 8, {}, { expectedSeconds: 100 }));
  life.runUntil(untilSeconds);
  return life;
}

/** The same with a gang of two pods. */
export function withChampionGang(untilSeconds = 1100): ChampionLife {
  const life = heldNode();
  life.cluster.group(group('g', 2));
  const more = { group: 'core:default/g', expectedSeconds: 100 };
  life.add(...['g-0', 'g-1'].map((name) => gpuPodOf(name, 'all', 4, {}, more)));
  life.runUntil(untilSeconds);
  return life;
}

function heldNode(): ChampionLife {
  const life = new ChampionLife();
  life.cluster.nodes(gpuNode('n', 'a'));
  const champion = { afterSeconds: 60, reservationsMax: 4, unknownRuntime: 'Never' } as const;
  setEconomy(life.cluster, 'enforce', { ...labelledMarket('a'), champion }, [teamTenant('all', { a: 80 })]);
  life.add(gpuPodOf('long', 'all', 4, {}, { expectedSeconds: 1000 }));
  life.runUntil(1010);
  return life;
}

/** A situation and the reason that is expected. */
export interface ReasonRow {
  readonly name: string;
  readonly make: () => WaitingReason | null | undefined;
  readonly code: string;
  readonly text: RegExp;
  readonly holder?: string;
}

/** A pod of one GPU with the label teg.dev/tenant. */
export const labelledPod = (name: string, namespace: string, label: string): PodDescription =>
  gpuPodOf(name, namespace, 1, {}, { tenant: tenantKey(namespace, label) });

/** A budget of 10 tokens for ever. */
export const TEN_TOKENS: BudgetSpec = { tokens: 10, periodSeconds: 1e9, onEmpty: 'Wait' };
/** A pod that requests CPU only, milli-cores. */
export const plainPod = (name: string, cpu: number, more: Partial<PodDescription> = {}): PodDescription =>
  pod(name, { requests: requests(cpu) }, more);
/** Two nodes of 4 cores, without an economy. */
export const twoPlainNodes = (): TestCluster => new TestCluster().nodes(node('n1'), node('n2'));

/** One test a row. */
export function testReasons(rows: readonly ReasonRow[]): void {
  for (const { name, make, code, text, holder } of rows) {
    test(name, () => {
      const reason = make();
      expect(reason?.code).toBe(code);
      expect(reason?.text).toMatch(text);
      expect(reason?.stage).toBe(REASON_STAGES[code]);
      expect(reason?.nextStep).toMatch(/^[A-Z].+\.$/s);
      if (holder !== undefined) expect(reason?.holder).toBe(holder);
    });
  }
}
