/**
 * What the scheduler remembers of a pod: little more than its shape and where it is.
 */
import type { PodDescription } from '../../model/kubernetes/pod.ts';
import type { Shape } from './shape-table.ts';

/** What a pod is doing, as far as the scheduler is concerned. */
export const PodState = {
  /** Somebody else's and not assigned, or being deleted before it was placed: not our business. */
  Aside: 0,
  /** Scheduling gates are left. */
  Gated: 1,
  /** Needs something TEG does not do. */
  Refused: 2,
  /** Member of a group that is not placed yet; decided with it. */
  InGroup: 3,
  /** To be decided. */
  Active: 4,
  /** Nothing fits; waits in the line of its shape for what it lacks. */
  Waiting: 5,
  /** To be decided again after some time. */
  BackingOff: 6,
  /** Decided, not yet known to be bound; counts on its node. */
  Binding: 7,
  /** On a node. */
  Bound: 8,
} as const;

/** A number of `PodState`. */
export type PodStateCode = (typeof PodState)[keyof typeof PodState];

/** Names for people. */
export const POD_STATE_NAMES: readonly string[] = [
  'aside',
  'gated',
  'refused',
  'in-group',
  'active',
  'waiting',
  'backing-off',
  'binding',
  'bound',
];

/** A pod. Mutable; owned by the scheduler. */
export interface PodRecord {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly ours: boolean;
  shape: Shape;
  state: PodStateCode;
  priority: number;
  /** Order among equals: when it was created, then when it was first seen. */
  readonly createdSeconds: number;
  readonly sequence: number;
  startedSeconds: number;
  /** Slot of the node it counts on; −1 if none (or the node is not known). */
  node: number;
  /** Name of that node, also while it is not known. */
  nodeName: string;
  /** Its index in the node's list of pods. */
  place: number;
  /** Node whose room is kept for it; −1 if none. */
  nominated: number;
  /** Being deleted, or told to be by us. */
  leaving: boolean;
  group: string;
  attempts: number;
  /** When it was first seen free to be scheduled; NaN before. */
  sinceSeconds: number;
  /** Until when it backs off. */
  untilSeconds: number;
  /** Failures in a row that no event tells the end of. */
  failures: number;
  /** What was last told of it. */
  told: string;
}

/** @returns A record for a pod seen first. */
export function recordOf(pod: PodDescription, shape: Shape, sequence: number): PodRecord {
  return {
    uid: pod.uid,
    namespace: pod.namespace,
    name: pod.name,
    ours: pod.ours,
    shape,
    state: PodState.Aside,
    priority: pod.priority,
    createdSeconds: pod.createdSeconds,
    sequence,
    startedSeconds: pod.startedSeconds,
    node: -1,
    nodeName: '',
    place: -1,
    nominated: -1,
    leaving: pod.deleting,
    group: pod.group,
    attempts: 0,
    sinceSeconds: Number.NaN,
    untilSeconds: 0,
    failures: 0,
    told: '',
  };
}

/** Order of decisions: higher priority, then older, then seen earlier. @returns < 0 if `x` goes first. */
export function compareTurn(x: PodRecord, y: PodRecord): number {
  return y.priority - x.priority || x.createdSeconds - y.createdSeconds || x.sequence - y.sequence;
}
