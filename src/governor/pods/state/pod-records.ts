/**
 * What the scheduler remembers of a pod: little more than its shape and where it is.
 */
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import { compareTurns } from '../../queue-order.ts';
import type { NotScheduledReason } from '../pod-events.ts';
import type { HeapEntry, OrderedHeap } from './ordered-heap.ts';
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
  /** As many pods wait as may; comes to the queue when fewer do. */
  Excess: 7,
  /** Decided, not yet known to be bound; counts on its node. */
  Binding: 8,
  /** On a node. */
  Bound: 9,
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
  'excess',
  'binding',
  'bound',
];

/** Pods that wait for the same: the first stands for all. */
export interface WaitingLine {
  readonly key: string;
  readonly shape: Shape;
  /** Members of one group that have to be in its topology domain. */
  readonly confined: boolean;
  /** Of pods that the accounts do not admit: their tenant, which wakes them and nothing else does. −1: they are admitted. */
  readonly unadmittedOf: number;
  readonly pods: OrderedHeap<PodRecord>;
  /** Pods of it that were woken and are not decided yet: where one finds room, the next one is tried. */
  hot: number;
}

/** A pod. Mutable; owned by the scheduler. */
export interface PodRecord extends HeapEntry {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly ours: boolean;
  shape: Shape;
  /** Changed by the queue alone (`PodQueue.move`). */
  state: PodStateCode;
  /** When it came into this state. */
  stateSeconds: number;
  /** When it was first seen. */
  readonly seenSeconds: number;
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
  /** Name of the node that room is to be kept on when it is described anew; '' if none. See `SchedulerState.expect`. */
  expected: string;
  /** `status.nominatedNodeName` as last seen. */
  statusNode: string;
  /** Node that somebody else nominated it to, which stands: honoured, and never cleared by us; '' if none. */
  foreignNode: string;
  /** Node that we nominated it to and that its status says, or will say; '' if none. */
  ownNode: string;
  /** What we had written as its nomination and have not seen in its status yet, oldest first. */
  unseenNodes: readonly string[];
  /** Being deleted. */
  deleting: boolean;
  /** Its status says that a scheduler preempted it. */
  preempted: boolean;
  /** `metadata.generation`. */
  generation: number;
  /** Told to go by us, and not gone yet. */
  evicted: boolean;
  group: string;
  /** Number of its tenant in `SchedulerState.tenants`. Changed by `SchedulerState.changeTenant` alone. */
  tenant: number;
  gates: readonly string[];
  /** Where it waits, or came from to be decided; undefined: nowhere. */
  line: WaitingLine | undefined;
  attempts: number;
  /** When it was first seen free to be scheduled; NaN before. */
  sinceSeconds: number;
  /** Until when it backs off. */
  untilSeconds: number;
  /** Failures in a row that no event tells the end of. */
  failures: number;
  /** What is reported of it, by which plugins, and when that was written last; changed by `PodReports` alone. '': nothing. */
  told: string;
  /** As what it is reported. */
  toldReason: NotScheduledReason;
  toldPlugins: readonly string[];
  toldSeconds: number;
}

const NO_NODES: readonly string[] = Object.freeze([]);

/** @returns A record for a pod seen first. */
export function newPodRecord(
  pod: PodDescription,
  shape: Shape,
  tenant: number,
  sequence: number,
  timeSeconds: number,
): PodRecord {
  return {
    uid: pod.uid,
    namespace: pod.namespace,
    name: pod.name,
    ours: pod.ours,
    shape,
    state: PodState.Aside,
    stateSeconds: timeSeconds,
    seenSeconds: timeSeconds,
    priority: pod.priority,
    createdSeconds: pod.createdSeconds,
    sequence,
    startedSeconds: pod.startedSeconds,
    node: -1,
    nodeName: '',
    place: -1,
    nominated: -1,
    expected: '',
    statusNode: pod.nominatedNodeName,
    // Also what we nominated before a restart: it cannot be told apart.
    foreignNode: pod.ours ? pod.nominatedNodeName : '',
    ownNode: '',
    unseenNodes: NO_NODES,
    deleting: pod.deleting,
    preempted: pod.preempted,
    generation: pod.generation,
    evicted: false,
    group: pod.ours ? pod.group : '',
    tenant,
    gates: pod.gates,
    line: undefined,
    heapAt: -1,
    attempts: 0,
    sinceSeconds: Number.NaN,
    untilSeconds: 0,
    failures: 0,
    told: '',
    toldReason: 'Unschedulable',
    toldPlugins: [],
    toldSeconds: 0,
  };
}

/** @returns Whether a pod is about to go: it is not bound, and no member of its group. */
export function isLeaving(pod: PodRecord): boolean {
  return pod.deleting || pod.evicted;
}

/** @returns Whether a pod is about to go because a scheduler preempted it. */
export function isVictim(pod: PodRecord): boolean {
  return pod.evicted || (pod.deleting && pod.preempted);
}

/** @returns Whether a pod counts on a node (which need not be known). */
export function isPlaced(pod: { readonly state: PodStateCode }): boolean {
  return pod.state >= PodState.Binding;
}

/** Order of decisions, as in `queue-order.ts`. @returns < 0 if `x` goes first. */
export function compareTurn(x: PodRecord, y: PodRecord): number {
  return compareTurns(x.priority, x.createdSeconds, x.sequence, y.priority, y.createdSeconds, y.sequence);
}
