/** The counts of evictions in a zone. */
import type { EvictionReason } from '../../market/reclaim/reclaim-planner.ts';

/** What evictions have cost. */
export interface ReclaimCounts {
  plans: number;
  refusals: number;
  /** Jobs evicted, whole or in part, by reason. */
  readonly evicted: Record<EvictionReason | 'drain', number>;
  /** Of these, those that lost pods beyond their minimum only. */
  shrunk: number;
  evictedPods: number;
  /** GPU-seconds of work since the start, or the last checkpoint. */
  workLost: number;
  /** Plans whose job did not start. */
  wasted: number;
}

/** @returns Zeros. */
export function newReclaimCounts(): ReclaimCounts {
  return {
    plans: 0,
    refusals: 0,
    evicted: { priority: 0, within: 0, reclaim: 0, 'fair-share': 0, drain: 0 },
    shrunk: 0,
    evictedPods: 0,
    workLost: 0,
    wasted: 0,
  };
}
