/** The seam of the rules that decide whose job starts next. */
import type { RoomAmounts } from '../room-profile.ts';

/**
 * Orders the children of a node of the share tree, and so tenants. Made for one queue.
 *
 * `changed` is called before any amount changes, with the node of the leaf; `begin` before a pass asks for keys.
 */
export interface ShareRule {
  /** Time at which it wants a pass although no event comes, seconds; Infinity: none. */
  readonly dueSeconds: number;

  /** What a leaf holds or waits for is about to change. @param isStart The amounts are those of a job that starts. */
  changing(leaf: number, timeSeconds: number, amounts: RoomAmounts, change: ShareChangeKind): void;
  /** A pass begins. @param isWaiting Whether any job waits. */
  begin(timeSeconds: number, isWaiting: boolean): void;
  /** @returns Which of some siblings goes first: the one with the smallest key. Infinity: after all others. */
  keyOf(node: number, request: RoomAmounts): number;
  /** @returns False if a job must not start in this pass. Absent: all may. */
  mayStart?(leaf: number, request: RoomAmounts): boolean;
}

/** How the amounts of a leaf change: a job arrives, leaves the line without a start, starts, ends, or runs at its arrival. */
export const ShareChange = { Arrives: 0, Withdrawn: 1, Starts: 2, Ends: 3, Adopted: 4 } as const;

/** A number of `ShareChange`. */
export type ShareChangeKind = (typeof ShareChange)[keyof typeof ShareChange];
