/**
 * The inputs and outputs of a zone: the events, the kinds of effects, and the reasons.
 *
 * Invariants: an event is a plain record that its driver may reuse for the next one (the zone keeps nothing of it);
 * numbers of kinds and reasons are part of the event log's format and never change their meaning.
 * Not here: the effect buffer (`effects.ts`) and the encoding of events (`event-log.ts`).
 */
import type { EvictionTerms } from '../../model/eviction-terms.ts';
import type { NodeSpec } from '../../model/node.ts';
import type { NodeState } from '../../model/node-state.ts';

/** Kinds of events. The numbers are written to event logs. */
export const ZoneEventKind = {
  NodeJoined: 1,
  NodeUp: 2,
  NodeDown: 3,
  JobSubmitted: 4,
  JobFinished: 5,
  JobCancelled: 6,
  Tick: 7,
  NodeState: 8,
} as const;

/** A node is added to the zone, empty and up. It gets the next node index; the effect `NodeAdded` reports it. */
export interface NodeJoinedEvent {
  kind: typeof ZoneEventKind.NodeJoined;
  spec: NodeSpec;
}

/** A node takes pods again. Ignored if it is up already. */
export interface NodeUpEvent {
  kind: typeof ZoneEventKind.NodeUp;
  /** Node index. */
  node: number;
}

/** A node is lost with all pods on it; see `ZoneOptions.onNodeLost`. Ignored if it is down already. */
export interface NodeDownEvent {
  kind: typeof ZoneEventKind.NodeDown;
  /** Node index. */
  node: number;
}

/** A guard's report of a node beyond its being up or down; replaces its last report. Placement does not use it. */
export interface NodeStateEvent {
  kind: typeof ZoneEventKind.NodeState;
  /** Node index. */
  node: number;
  state: NodeState;
}

/** A job arrives. Its id must not be that of a job that waits or runs; ids of ended jobs may be used again. */
export interface JobSubmittedEvent {
  kind: typeof ZoneEventKind.JobSubmitted;
  /** The caller's id: a dense integer in [0, jobsMax). */
  job: number;
  /** Index in the cluster's demand table. */
  demandId: number;
  /** Pods; integer in [1, membersMax]. */
  podCount: number;
  /** Pods that have to start together; integer in [1, podCount]. */
  gangMin: number;
  /** Larger goes first; a 32-bit integer. */
  priority: number;
  /** Its tenant: the caller's number, in [0, TENANTS_MAX); absent: the default tenant. */
  tenant?: number;
  /**
   * True if its pods run on its nodes already: no account, no waiting job and no limit keeps it out. The policy names
   * these nodes, so that a log replays it with a policy that does.
   */
  running?: boolean;
  /** The caller's number of its owner, ≥ 0, for queue disciplines that learn run times; absent: unknown. */
  owner?: number;
  /** The run time that its owner expects or is limited to, seconds, ≥ 0; absent: unknown. */
  expectedSeconds?: number;
  /** How it takes evictions, for queue disciplines that evict; absent: `EVICTION_DEFAULTS`. Kept. */
  terms?: EvictionTerms;
}

/** A running job is done. Ignored (and counted) if the job does not run, or not in this run. */
export interface JobFinishedEvent {
  kind: typeof ZoneEventKind.JobFinished;
  job: number;
  /** The start that is done, as `Zone.runOf` returned it at its start; absent or 0: any. */
  run?: number;
}

/** The owner cancels a waiting or running job. Ignored (and counted) if it neither waits nor runs. */
export interface JobCancelledEvent {
  kind: typeof ZoneEventKind.JobCancelled;
  job: number;
}

/** Time passes without another event: postponed attempts continue (see `ZoneOptions.gangAttemptsPerEventMax`). */
export interface TickEvent {
  kind: typeof ZoneEventKind.Tick;
}

/** All events of a zone. */
export type ZoneEvent =
  | NodeJoinedEvent
  | NodeUpEvent
  | NodeDownEvent
  | NodeStateEvent
  | JobSubmittedEvent
  | JobFinishedEvent
  | JobCancelledEvent
  | TickEvent;

/**
 * Kinds of effects, with the columns of `EffectBuffer` that each one fills; the other columns are −1 (node,
 * member), 0 (gpuMask, count) and `Reason.None`.
 */
export const EffectKind = {
  /** A pod is bound: job, member (0-based), node, gpuMask. The pods of a start come in member order, before its `JobStarted`. */
  PodPlaced: 1,
  /** A job runs from now: job, count = members started (≥ gangMin, ≤ podCount). */
  JobStarted: 2,
  /** A submitted job waits: job, reason. Reported once, at its submission. */
  JobWaiting: 3,
  /** A job leaves without running (further): job, reason. Final. */
  JobDropped: 4,
  /** All pods of a running job are released: job, count = members, reason (Finished, Cancelled or NodeLost). */
  JobReleased: 5,
  /** A job that lost a node waits again with its old rank: job, reason = NodeLost. It may start in the same step. */
  JobRequeued: 6,
  /** A job that lost a node is abandoned: job, reason = NodeLost. Final. */
  JobFailed: 7,
  /** A node was added: node. */
  NodeAdded: 8,
  /** A pod joins a running job: job, member, node, gpuMask. A zone without a queue discipline never reports it. */
  PodJoined: 9,
  /**
   * A pod of a job that continues without it is gone: job, member, node, gpuMask. Later members move up. A zone without a queue
   * discipline never reports it.
   */
  PodLeft: 10,
} as const;

/** A number of `EffectKind`. */
export type EffectKindCode = (typeof EffectKind)[keyof typeof EffectKind];

/** Why a job waits, was dropped or was released. */
export const Reason = {
  None: 0,
  /** No node has room for one pod now, or for a gang: fewer than gangMin members fit now. */
  NoFit: 1,
  /** The whole cluster, empty and with its down nodes up, could not hold it; waits for new nodes. */
  Impossible: 2,
  /** Another waiting job is first: always in strict-fifo, in best-effort while a limit postpones attempts. */
  Behind: 3,
  /** `waitingJobsMax` jobs wait already. */
  QueueFull: 4,
  Cancelled: 5,
  Finished: 6,
  NodeLost: 7,
  /** The accounts do not let its tenant start it now (`Zone.refusalOf` says why). */
  NotAdmitted: 8,
  /** A more important job took its room. A zone without a queue discipline never reports it. */
  Preempted: 9,
} as const;

/** A number of `Reason`. */
export type ReasonCode = (typeof Reason)[keyof typeof Reason];

/** Names of the reasons for people, by number. */
export const REASON_NAMES: readonly string[] = [
  'none',
  'no-fit',
  'impossible',
  'behind',
  'queue-full',
  'cancelled',
  'finished',
  'node-lost',
  'not-admitted',
  'preempted',
];

/**
 * State of a job, as returned by `Zone.stateOf`.
 *
 *     Unknown ──starts at once──▶ Running ──finished──▶ Finished
 *        │                         ▲   │──cancelled──▶ Cancelled
 *        │ no room                 │   └──node lost, onNodeLost: fail──▶ Failed
 *        │                  room   │   │
 *        ├──▶ Waiting ─────────────┘   │ node lost, onNodeLost: requeue
 *        │       ▲ └──cancelled──▶ Cancelled
 *        │       └─────────────────────┘
 *        └──no room, onUnplaceable: drop, or the queue is full──▶ Dropped
 */
export const JobState = {
  /** Never submitted. */
  Unknown: 0,
  Waiting: 1,
  Running: 2,
  /** The states from here on are final; the id may be submitted again. */
  Finished: 3,
  Cancelled: 4,
  Dropped: 5,
  Failed: 6,
} as const;

/** A number of `JobState`. */
export type JobStateCode = (typeof JobState)[keyof typeof JobState];

/** Names of the job states for people, by number. */
export const JOB_STATE_NAMES: readonly string[] = [
  'unknown',
  'waiting',
  'running',
  'finished',
  'cancelled',
  'dropped',
  'failed',
];

/** A zone's treatment of jobs that it cannot place, and its bounds. All optional; see `ZONE_DEFAULTS`. */
export interface ZoneOptions {
  /** A job that cannot start at its submission waits, or is dropped at once. Jobs that lost a node always wait. */
  readonly onUnplaceable?: 'wait' | 'drop';
  /** best-effort: every job that fits starts. strict-fifo: the first waiting job blocks all behind it. */
  readonly queue?: 'best-effort' | 'strict-fifo';
  /**
   * Jobs that lost a node wait again from the front, or fail. hold: they wait too, and their pods on other nodes keep their
   * room, idle, until the gang has its minimum again or gives it back; needs a discipline that holds room.
   */
  readonly onNodeLost?: 'requeue' | 'fail' | 'hold';
  /** True if a `Tick` tries all waiting jobs again. Needed only for policies that may miss a node with room. */
  readonly retryAllOnTick?: boolean;
  /** At this number of waiting jobs a submission that would wait is dropped. Jobs that lost a node are exempt. */
  readonly waitingJobsMax?: number;
  /** Job ids lie in [0, jobsMax). The tables grow with the ids seen (48 bytes each). At most 2^30. */
  readonly jobsMax?: number;
  /** Waiting jobs of more than one pod that one event may try to start; the rest is postponed (`Zone.hasPostponed`). */
  readonly gangAttemptsPerEventMax?: number;
  /**
   * Up to this number of nodes the room for a gang that starts to wait is counted on every node; in larger zones the
   * policy's result is used, which is too small if the policy misses nodes.
   */
  readonly countRoomNodesMax?: number;
  /** Most pods of one job. At most 2^20. */
  readonly membersMax?: number;
  /** Effects of one step beyond which starts are postponed (`Zone.hasPostponed`). At least membersMax + 2. */
  readonly effectsMax?: number;
}

/** The defaults of `ZoneOptions`. */
export const ZONE_DEFAULTS: Required<ZoneOptions> = {
  onUnplaceable: 'wait',
  queue: 'best-effort',
  onNodeLost: 'requeue',
  retryAllOnTick: false,
  waitingJobsMax: 1_000_000,
  jobsMax: 1 << 26,
  gangAttemptsPerEventMax: 16,
  countRoomNodesMax: 4096,
  membersMax: 65_536,
  effectsMax: 1 << 20,
};
