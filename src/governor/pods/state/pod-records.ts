/** The scheduler's record of a pod: little more than its shape and its node. */
import type { PodDescription, PodTemplate } from '../../../model/kubernetes/pod.ts';
import type { AccountsRefusal } from '../../accounts.ts';
import { compareTurns } from '../../queue-order.ts';
import type { HeapEntry, OrderedHeap } from './ordered-heap.ts';
import { NO_ROOM, type ReportCause } from './report-cause.ts';
import type { Shape } from './shape-table.ts';

/** State of a pod from the scheduler's point of view. */
export const PodState = {
  /** Another scheduler's and not assigned, or being deleted before it was placed: ignored. */
  Ignored: 0,
  /** Scheduling gates are left. */
  Gated: 1,
  /** Needs an unsupported feature. */
  Refused: 2,
  /** Member of a group that is not placed yet; decided with it. */
  InGroup: 3,
  /** To be decided. */
  Active: 4,
  /** Nothing fits; waits in the line of its shape for the missing resources. */
  Waiting: 5,
  /** To be decided again after some time. */
  BackingOff: 6,
  /** The limit of waiting pods is reached; enters the queue when there are fewer. */
  OverLimit: 7,
  /** Decided, not yet known to be bound; counts on its node. */
  Binding: 8,
  /** On a node. */
  Bound: 9,
} as const;

/** A number of `PodState`. */
export type PodStateCode = (typeof PodState)[keyof typeof PodState];

/** Names for people. */
export const POD_STATE_NAMES: readonly string[] = [
  'ignored',
  'gated',
  'refused',
  'in-group',
  'active',
  'waiting',
  'backing-off',
  'over-limit',
  'binding',
  'bound',
];

/** Pods with the same wait: the first represents all. */
export interface WaitingLine {
  readonly key: string;
  readonly shape: Shape;
  /** Members of one group that have to be in its topology domain. */
  readonly confined: boolean;
  /** Of pods that the accounts do not admit: their tenant, whose wake-up is the only one. −1: they are admitted. */
  readonly unadmittedOf: number;
  /** True: there is room, kept for a champion. */
  readonly isBehind: boolean;
  readonly pods: OrderedHeap<PodRecord>;
  /** Pods of it that were woken and are not decided yet: when one finds room, the next one is tried. */
  activeCount: number;
}

/** A pod. Mutable; owned by the scheduler. */
export interface PodRecord extends HeapEntry {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly ours: boolean;
  shape: Shape;
  /** Changed by the queue only (`PodQueue.move`). */
  state: PodStateCode;
  /** When it entered this state. */
  stateSeconds: number;
  /** When it was first seen. */
  readonly seenSeconds: number;
  /** The one that counts: its group's, else its own. Changed by `PodQueue.reprioritise` only. */
  priority: number;
  /** Its own terms, which count where its group sets none. */
  ownPriority: number;
  ownPolicy: PodTemplate['preemptionPolicy'];
  /** Order among equals: by creation, then by first sight. */
  readonly createdSeconds: number;
  readonly sequence: number;
  startedSeconds: number;
  /** As `PodDescription`; NaN: unknown. */
  expectedSeconds: number;
  /** Time of its last checkpoint; −Infinity: none. */
  checkpointedSeconds: number;
  /** Slot of the node it counts on; −1 if none (or the node is unknown). */
  node: number;
  /** Name of that node, also while it is unknown. */
  nodeName: string;
  /** Its index in the node's list of pods. */
  place: number;
  /** Node whose room is kept for it; −1 if none. */
  nominated: number;
  /** Name of the node on which room is to be kept at its next description; '' if none. See `SchedulerState.expect`. */
  expected: string;
  /** `status.nominatedNodeName` as last seen. */
  statusNode: string;
  /** Node to which another writer nominated it: honoured, and never cleared by us; '' if none. */
  foreignNode: string;
  /** Node to which we nominated it and that its status shows, or will show; '' if none. */
  ownNode: string;
  /** Our written nominations that its status has not shown yet, oldest first. */
  unseenNodes: readonly string[];
  /** Being deleted. */
  deleting: boolean;
  /** Its status says that a scheduler preempted it. */
  preempted: boolean;
  /** `metadata.generation`. */
  generation: number;
  /** Evicted by us, and not gone yet. */
  evicted: boolean;
  group: string;
  /** Number of its tenant in `SchedulerState.tenants`. Changed by `SchedulerState.changeTenant` only. */
  tenant: number;
  gates: readonly string[];
  /** Its line, or the one it came from to be decided; undefined: none. */
  line: WaitingLine | undefined;
  attempts: number;
  /** When it was first seen free to be scheduled; NaN before. */
  sinceSeconds: number;
  /** End of its back-off. */
  untilSeconds: number;
  /** Why the accounts, or a champion, did not let it start at its last attempt alone; undefined: they did. */
  notAdmitted: AccountsRefusal | undefined;
  /** Failures in a row whose end no event reports. */
  failures: number;
  /** The report about it, its plugins, and the time of the last write; changed by `PodReports` only. '': none. */
  told: string;
  /** Its facts. */
  toldCause: ReportCause;
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
    state: PodState.Ignored,
    stateSeconds: timeSeconds,
    seenSeconds: timeSeconds,
    priority: pod.priority,
    ownPriority: pod.priority,
    ownPolicy: pod.template.preemptionPolicy,
    createdSeconds: pod.createdSeconds,
    sequence,
    startedSeconds: pod.startedSeconds,
    expectedSeconds: pod.expectedSeconds ?? Number.NaN,
    checkpointedSeconds: pod.checkpointedSeconds ?? Number.NEGATIVE_INFINITY,
    node: -1,
    nodeName: '',
    place: -1,
    nominated: -1,
    expected: '',
    statusNode: pod.nominatedNodeName,
    // Including our own nomination before a restart: it cannot be distinguished.
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
    notAdmitted: undefined,
    failures: 0,
    told: '',
    toldCause: NO_ROOM,
    toldPlugins: [],
    toldSeconds: 0,
  };
}

/** @returns True if a pod is leaving: it is not bound, and not a member of its group. */
export function isLeaving(pod: PodRecord): boolean {
  return pod.deleting || pod.evicted;
}

/** @returns True if a pod is leaving because a scheduler preempted it. */
export function isVictim(pod: PodRecord): boolean {
  return pod.evicted || (pod.deleting && pod.preempted);
}

/** @returns True if a pod counts on a node (which may be unknown). */
export function isPlaced(pod: { readonly state: PodStateCode }): boolean {
  return pod.state >= PodState.Binding;
}

/** Order of decisions, as in `queue-order.ts`. @returns < 0 if `x` goes first. */
export function compareTurn(x: PodRecord, y: PodRecord): number {
  return compareTurns(x.priority, x.createdSeconds, x.sequence, y.priority, y.createdSeconds, y.sequence);
}

/** @returns When a pod started by its status; else since when it is on its node. */
export function startedAt(pod: PodRecord): number {
  return pod.startedSeconds > 0 ? pod.startedSeconds : pod.stateSeconds;
}
