/**
 * The order parameter ψ of gang deadlock: the share of capacity that partial gangs hold and that does no work.
 *
 *     ψ = (1/C) Σ_i h_i · 1[gang i is incomplete and was granted nothing for longer than t_stuck]
 *
 * Parts are added up in whole slots, so the sum is exact in any order and grouping; a summary node that keeps the last
 * part of each child and adds them again is right after duplicates, reordering and loss, as with holograms.
 *
 * It is not a measure of load: a full cluster without partial gangs has ψ = 0, and rejections do not count.
 *
 * @source theory §4.1; §3 for the algebra.
 */
import { assert } from '../../kernel/assert.ts';

/** What a part of the cluster (a node, a zone, all of it) holds idle. */
export interface HeldIdle {
  /** Slots that exist, an integer ≥ 0. */
  readonly capacity: number;
  /** Slots that stuck gangs hold, an integer in [0, capacity]. */
  readonly idle: number;
  /** The largest ψ among the parts: a zone that is stuck does not vanish in the mean. */
  readonly psiMax: number;
  /** When the oldest of its parts was measured, seconds. */
  readonly sinceSeconds: number;
}

/** Neutral: no capacity, measured in no part. */
export const NO_HELD_IDLE: HeldIdle = {
  capacity: 0,
  idle: 0,
  psiMax: 0,
  sinceSeconds: Number.POSITIVE_INFINITY,
};

/** @returns The part of capacity that is held idle, ψ in [0, 1]; 0 without capacity. */
export function psiOf(part: HeldIdle): number {
  return part.capacity > 0 ? part.idle / part.capacity : 0;
}

/** @returns Both parts together. Commutative and associative, exactly; `NO_HELD_IDLE` changes nothing. */
export function mergeHeldIdle(a: HeldIdle, b: HeldIdle): HeldIdle {
  return {
    capacity: a.capacity + b.capacity,
    idle: a.idle + b.idle,
    psiMax: Math.max(a.psiMax, b.psiMax),
    sinceSeconds: Math.min(a.sinceSeconds, b.sinceSeconds),
  };
}

/** The gangs that hold slots in a part of the cluster, as columns. */
export interface GangHoldings {
  /** Slots held in this part, integers ≥ 0. @shape [gangs] */
  readonly slots: Int32Array;
  /** 1 where the gang collects (has not started yet), else 0. @shape [gangs] */
  readonly isPartial: Uint8Array;
  /** When the gang was granted a slot last, anywhere, seconds. @shape [gangs] */
  readonly lastGrantSeconds: Float64Array;
}

/** @returns Whether a gang is stuck: partial, and granted nothing for longer than `stuckSeconds`. */
export function isStuckGang(
  gangs: GangHoldings,
  gang: number,
  nowSeconds: number,
  stuckSeconds: number,
): boolean {
  return gangs.isPartial[gang] === 1 && nowSeconds - (gangs.lastGrantSeconds[gang] as number) > stuckSeconds;
}

/**
 * Measures one part of the cluster. O(gangs).
 *
 * @param capacity     Slots of the part, an integer ≥ 0, at least those held.
 * @param stuckSeconds t_stuck ≥ 0.
 */
export function measureHeldIdle(
  capacity: number,
  gangs: GangHoldings,
  nowSeconds: number,
  stuckSeconds: number,
): HeldIdle {
  let idle = 0;
  for (let gang = 0; gang < gangs.slots.length; gang++) {
    if (isStuckGang(gangs, gang, nowSeconds, stuckSeconds)) idle += gangs.slots[gang] as number;
  }
  assert(idle >= 0 && idle <= capacity, 'more slots are held than there are');
  return { capacity, idle, psiMax: capacity > 0 ? idle / capacity : 0, sinceSeconds: nowSeconds };
}
