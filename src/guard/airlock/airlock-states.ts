/**
 * States of a unit in the airlock, and the record of their changes.
 *
 *     Running ⇄ Throttled → Frozen → Running | Throttled      thawed
 *        └──────────────────↗  │
 *                              ├──→ Moved       asked to be placed elsewhere; frozen until it leaves
 *                              ├──→ Reclaimed   its memory is taken back; frozen until it is thawed
 *                              └──→ Killed      if the policy allows it; frozen until it is gone
 *
 * A unit is a group of processes, or all groups of one gang on the node: a gang is frozen and thawed whole.
 */

/** States of a unit. Moved, Reclaimed and Killed are frozen as well. */
export const UnitState = {
  /** Grows within the node's budget. */
  Running: 0,
  /** Runs, and grows only when the token is its own. */
  Throttled: 1,
  Frozen: 2,
  Moved: 3,
  Reclaimed: 4,
  Killed: 5,
} as const;

/** One of `UnitState`. */
export type UnitStateValue = (typeof UnitState)[keyof typeof UnitState];

/** Why a unit changed its state. */
export type ChangeReason =
  | 'memory is short'
  | 'memory is ample'
  | 'the wall is near'
  | 'no progress'
  | 'room for it'
  | 'in place of another'
  | 'frozen long enough'
  | 'no other runs';

/** A change of a unit's state. */
export interface StateChange {
  readonly timeSeconds: number;
  /** The unit: the gang's name, or the group's. */
  readonly unit: string;
  readonly from: UnitStateValue;
  readonly to: UnitStateValue;
  readonly reason: ChangeReason;
}

/** @returns True if no process of the unit runs. */
export function isFrozenState(state: UnitStateValue): boolean {
  return state >= UnitState.Frozen;
}
