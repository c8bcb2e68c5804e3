/** The potential of what runs in a pod scheduler, and of the claims that are about to: each eviction has to lower it. */
import { potentialOf } from '../../../market/reclaim/reclaim.oracle.ts';
import type { ReclaimUnit } from '../../../market/reclaim/reclaim-world.ts';
import { TreeTenants } from '../../../market/reclaim/tree-tenants.ts';
import type { PodSchedulerInternals } from '../scheduler-internals.ts';
import { type PodRecord, startedAt } from '../state/pod-records.ts';

/** Pods that no plan has seen yet count as started after the others. */
const UNSEEN = 2 ** 45;

/** @returns The market's order of all that runs and does not leave, claims in the place of their victims. For pods of one GPU. */
export function runningPotential({ state, groups, reclaim }: PodSchedulerInternals): number[][][] {
  const { books } = state.economy;
  if (books === undefined) return [];
  const tenants = new TreeTenants(books.tree);
  const byKey = new Map<string, PodRecord[]>();
  const add = (pod: PodRecord): void => {
    const key = pod.group === '' ? pod.uid : pod.group;
    byKey.set(key, [...(byKey.get(key) ?? []), pod]);
  };
  for (const pod of state.pods.values()) if (pod.node >= 0 && !pod.evicted) add(pod);
  // A member for which room is claimed counts with its gang at once.
  for (const { members } of reclaim.claims.openClaims())
    for (const pod of members) if (pod.node < 0) add(pod);
  const startOrderOf = (pod: PodRecord): number =>
    reclaim.startNumberOf(pod) || UNSEEN + startedAt(pod) * 10_000 + pod.sequence;
  const units = [...byKey].map(([key, records], id): ReclaimUnit => {
    const { disruption = 'single', minCount = 1 } = groups.get(key)?.description ?? {};
    return {
      id,
      tenant: state.economy.tenantOf((records[0] as PodRecord).tenant),
      priority: Math.max(...records.map(({ priority }) => priority)),
      disruption,
      minCount,
      pods: records.map(({ sequence, shape }) => {
        return { id: sequence, place: 0, amounts: tenants.amountsOf(0, shape.demand), gpus: 1, budgets: [] };
      }),
      startedSeconds: 0,
      startOrder: Math.min(...records.map(startOrderOf)),
      checkpointedSeconds: 0,
      replaceable: true,
      evictable: true,
    };
  });
  return potentialOf({
    nowSeconds: 0,
    dimensions: tenants.cells.length,
    tenants,
    priorityScope: books.tree.market.priorityScope,
    units,
    allowanceOf: () => 0,
    withinRate: () => true,
    fitsWithout: () => undefined,
  });
}
