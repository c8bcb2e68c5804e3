/** What reclaiming needs of the decisions: trials, and the actions that carry a plan out. */
import type { EvictionReason } from '../../../market/reclaim/reclaim-planner.ts';
import type { Claimant } from '../champion/claimants.ts';
import type { PodRecord } from '../state/pod-records.ts';

/** Why the economy evicts a pod: a reason of the planner, or its tenant is drained. */
export type PodEvictionReason = EvictionReason | 'drain';

/** A pod and the slot that it would go to. */
export interface ReclaimSeat {
  readonly pod: PodRecord;
  readonly slot: number;
}

/** Implemented by the decisions. */
export interface ReclaimPorts {
  /**
   * Places the members of a claimant that have to start together as things stand, under all rules, and takes them back.
   *
   * @returns One seat for each; undefined: they do not fit.
   */
  trial(claimant: Claimant): readonly ReclaimSeat[] | undefined;
  /** True if a start was promised to a claimant that is so near that nobody is evicted for an earlier one. O(champions). */
  startsSoon(claimant: Claimant): boolean;
  /** Disruption budgets that cover a pod, by number. O(budgets). */
  budgetsOf(pod: PodRecord): readonly number[];
  /** @returns Pods that a budget lets go, ≥ 0. */
  allowanceOf(budget: number): number;
  /** @param by For whom; undefined: for nobody, its tenant is drained. */
  evict(victim: PodRecord, why: PodEvictionReason, by: PodRecord | undefined): void;
  /** Keeps room on a slot for a pod, and says so in its status. */
  keep(pod: PodRecord, slot: number): void;
  /** Keeps it no longer. */
  letGo(pod: PodRecord): void;
  /** A claimant is to be decided. */
  wake(claimant: Claimant): void;
}
