/** What an airlock reads in a tick, and what it asks its backend to do. */
import type { StateChange } from './airlock-states.ts';

/** One group of processes, as read. */
export interface GroupReading {
  /** Unique on the node. */
  readonly name: string;
  /** MiB that freezing keeps from growing and reclaim does not bring back by itself: anonymous and shared; NaN: not readable. */
  readonly usage: number;
  /** MiB/s, estimated; NaN: unknown. */
  readonly growth: number;
  /** True if it would grow if it could: it stands at its grant, or has grown since the last tick. */
  readonly wants: boolean;
  /** The higher, the later it is frozen. */
  readonly priority: number;
  /** Gang that it belongs to; its groups on this node are frozen together. */
  readonly gang?: string;
  /** False: counted, and never acted on. */
  readonly optedIn: boolean;
}

/** The node, as read. */
export interface NodeReading {
  /** MiB that all groups and `others` together must not pass; NaN: not readable, the last one holds. */
  readonly wall: number;
  /** MiB of everything that is not in a group; NaN: not readable, the last ones hold. */
  readonly others: number;
  readonly groups: readonly GroupReading[];
}

/** What the backend is to do. Freezes come first, thaws last. */
export type AirlockEffect =
  | { readonly kind: 'freeze' | 'thaw' | 'move' | 'reclaim' | 'kill'; readonly group: string }
  /** MiB/s until the next tick; Infinity: no limit of its own. */
  | { readonly kind: 'grant'; readonly group: string; readonly rate: number };

/** Answer to a tick. */
export interface AirlockAnswer {
  readonly effects: readonly AirlockEffect[];
  readonly changes: readonly StateChange[];
  /** True while memory is short. */
  readonly isShort: boolean;
  /** MiB below the wall and its margin. */
  readonly headroom: number;
  /** True if nothing that is left to do keeps the wall: every other unit is frozen, and this one grows past its grant. */
  readonly exhausted: boolean;
}
