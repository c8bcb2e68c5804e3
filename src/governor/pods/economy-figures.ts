/**
 * Figures of the economy for metrics, beside its frame: who waits and why, what evictions cost, what is held idle. Read only; made when
 * they are asked for, and there are none while the mode is off.
 */
import { QUOTA_GPU } from '../../market/tenants/spec.ts';
import { GPU_MILLI } from '../../model/node.ts';
import { GPU_RESOURCES } from '../../model/readers/gpus.ts';
import type { EconomyBooks } from './economy/pod-economy.ts';
import { type WaitingEntry, waitingEntries } from './reasons/waiting-list.ts';
import type { PodSchedulerInternals } from './scheduler-internals.ts';
import { tallyOf } from './state/pod-groups.ts';
import { isLeaving, isPlaced } from './state/pod-records.ts';

/** The figures. */
export interface EconomyFigures {
  readonly waiting: readonly WaitingEntry[];
  /** Pods that wait by name of their tenant, then by code of the reason. */
  readonly waitingPods: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Pods evicted by the economy since the start, by reason. */
  readonly evicted: Readonly<Record<string, number>>;
  /** GPU-seconds of work that evictions lost since the start, by name of the tenant whose pods they were. */
  readonly workLost: ReadonlyMap<string, number>;
  /** ψ: the part of all GPUs that incomplete gangs hold; 0 without GPUs. */
  readonly psi: number;
}

/** @returns Undefined while the mode is off. @cost O(pods + members of groups). */
export function economyFiguresOf(internals: PodSchedulerInternals): EconomyFigures | undefined {
  const { state, reclaim } = internals;
  const { books } = state.economy;
  if (books === undefined) return undefined;
  const waiting = waitingEntries(internals);
  const waitingPods = new Map<string, Map<string, number>>();
  for (const { first, pods, code } of waiting) {
    const { name } = state.economy.resolve(first.tenant);
    const byCode = waitingPods.get(name) ?? new Map<string, number>();
    waitingPods.set(name, byCode.set(code, (byCode.get(code) ?? 0) + pods));
  }
  const { evicted, workLostOf: workLost } = reclaim.counts;
  return { waiting, waitingPods, evicted, workLost, psi: psiOfGangs(internals, books) };
}

/** @returns ψ of `EconomyFigures`. @cost O(members of groups). */
export function psiOfGangs(
  internals: Pick<PodSchedulerInternals, 'groups'>,
  { tree, accounts: { usage } }: EconomyBooks,
): number {
  let capacity = 0;
  for (let flavor = 0; flavor < tree.market.flavors.length; flavor++) {
    capacity += usage.capacityOf(flavor, QUOTA_GPU);
  }
  let idle = 0;
  forEachIdleGang(internals, (_, gpuMilli) => {
    idle += gpuMilli;
  });
  return capacity === 0 ? 0 : Math.min(1, idle / capacity);
}

/** Visits gangs that hold room and have not started: members are missing, so that what they hold does no work. */
function forEachIdleGang(
  { groups }: Pick<PodSchedulerInternals, 'groups'>,
  visit: (tenantKey: number, gpuMilli: number) => void,
): void {
  for (const group of groups.groups.values()) {
    if (group.started || tallyOf(group).placed >= (group.description?.minCount ?? 1)) continue;
    let gpuMilli = 0;
    for (const pod of group.members) {
      if (isPlaced(pod) && !isLeaving(pod)) gpuMilli += pod.shape.demand.gpuTotalMilli;
    }
    if (gpuMilli > 0) visit(group.tenant, gpuMilli);
  }
}

/**
 * @returns GPUs that are held idle now, by name of the tenant for whom: free ones on nodes that are kept for a champion, at most what it
 *   needs, and those of incomplete gangs. Empty while the mode is off. @cost O(members of groups + nodes kept).
 */
export function heldIdleGpus(internals: PodSchedulerInternals): Map<string, number> {
  const held = new Map<string, number>();
  const { state, champions } = internals;
  const { economy, accounts, slots } = state;
  if (economy.books === undefined) return held;
  const add = (key: number, gpus: number): void => {
    const { name } = economy.resolve(key);
    if (gpus > 0) held.set(name, (held.get(name) ?? 0) + gpus);
  };
  forEachIdleGang(internals, (key, gpuMilli) => add(key, gpuMilli / GPU_MILLI));
  champions.forEach(({ claimant, slots: kept, gpus }) => {
    let free = 0;
    for (const slot of kept) {
      for (const name of GPU_RESOURCES) {
        if (slots.descriptions[slot]?.extended[name] === undefined) continue;
        free += Math.max(0, accounts.freeOf(slot, name));
      }
    }
    add(claimant.tenant, Math.min(free, gpus));
  });
  return held;
}
