/**
 * The queue discipline: which waiting job starts next, and which running job gives way. Separate from the placement
 * policy, which chooses the nodes of a job that starts.
 *
 *     submitted ──▶ waits ──pass.start──▶ runs ──▶ ended
 *                     ▲ │                  │
 *                     │ └─▶ withdrawn      │ its node is lost, or pass.evict
 *                     └──── returned ◀─────┘  (ended is called first)
 *
 * A zone with a discipline decides nothing when a job arrives: it informs the discipline of every event, and lets it
 * decide on a `Tick`. A driver sends one after the last event of an instant, so that at one instant all departures come
 * first, then all arrivals, then one pass, and schedules can be compared job by job. Without a discipline a zone
 * decides at each event by its own lines (`ZoneOptions.queue`), at less cost.
 *
 * Deterministic, as all deciding code: time comes with the calls; no clock, no I/O, no global randomness.
 */
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import type { EvictionTerms } from '../../model/eviction-terms.ts';
import type { AccountsRefusal } from '../accounts.ts';
import type { ReasonCode } from './zone-events.ts';

/** A submitted job. The zone's record, reused for the next call: a discipline must not keep it. */
export interface QueuedJob {
  /** The caller's id: a dense integer in [0, jobsMax). */
  job: number;
  /** Number of the submission: unique, ascending, kept over restarts. */
  rank: number;
  /** Equal for jobs that are equal in demand, pods and gang minimum: a dense number of the zone. */
  shape: number;
  demand: Demand;
  /** Pods, ≥ 1, and those that have to start together, in [1, podCount]. */
  podCount: number;
  gangMin: number;
  /** Larger goes first. */
  priority: number;
  tenant: number;
  /** The caller's number of its owner (a user), ≥ 0; −1: unknown. */
  owner: number;
  /** The run time that its owner expects or is limited to, seconds; NaN: unknown. */
  expectedSeconds: number;
  /** How it takes evictions. Immutable: it may be kept. */
  terms: EvictionTerms;
}

/** The outcome of `SchedulingPass.start`. */
export const StartResult = {
  Started: 0,
  /** Fewer pods than the gang's minimum find room now, on the nodes that are not closed. */
  NoRoom: 1,
  /** The accounts do not admit it, or on some nodes only and these are full (`SchedulingPass.refusal`). */
  NotAdmitted: 2,
  /** The effects of this step are full: return from `decide`; the next pass follows at the same time. */
  StepFull: 3,
} as const;

/** A number of `StartResult`. */
export type StartResultCode = (typeof StartResult)[keyof typeof StartResult];

/** What a discipline may ask and do during one pass. Valid within `decide` only. */
export interface SchedulingPass {
  readonly timeSeconds: number;
  /** Free resources of the nodes. Read only; closed nodes are down in it. */
  readonly cluster: ClusterState;
  /** Why the last `start` returned `NotAdmitted`, or the last `hold` was refused. */
  readonly refusal: AccountsRefusal | undefined;
  /** Pods that the last `start` which returned NoRoom found room for. */
  readonly found: number;

  /**
   * Starts a waiting job if the accounts admit it and it finds room. O(pods) choices of the policy. One that holds pods
   * starts on these; they have to be at least its gang's minimum.
   */
  start(job: number): StartResultCode;

  /**
   * As `start`, with a pod on each of these nodes (one may be named several times); at least the gang's minimum. The GPUs with
   * least room that suffices are taken; the policy is not asked.
   *
   * @returns NoRoom if one of the pods does not fit.
   */
  startOn(job: number, nodes: readonly number[]): StartResultCode;

  /**
   * Holds room for pods of a waiting job that do not start yet, as many further ones as find it: what a permit point
   * does. They keep others out until `start`, `letGo` or `withdrawn`; those on a node that goes down are lost. The
   * accounts are asked for the whole job, and charged when it starts. O(pods) choices of the policy.
   *
   * @returns Pods that it holds now; no more than before if the accounts refuse it (`refusal`).
   */
  hold(job: number): number;
  /** Gives back the room that a waiting job holds, if it holds any. */
  letGo(job: number): void;
  /** @returns Pods that a job holds. O(1). */
  heldPods(job: number): number;
  /** Visits the nodes of the pods that a job holds. O(these pods). */
  forEachHeldPod(job: number, visit: (node: number) => void): void;

  /**
   * Takes the capacity of a running job: it waits again, with its rank. The discipline's `ended` and `returned` are
   * called before this returns.
   */
  evict(job: number): void;

  /** Takes one pod of a running job, which continues without it; at least its gang's minimum has to be left. O(its pods). */
  evictPod(job: number, node: number, gpuMask: number): void;
  /**
   * Adds pods to a running job up to all of its pods, as far as the accounts admit them, they find room, and the effects of this
   * step do. O(its pods) for each.
   *
   * @returns Pods added.
   */
  grow(job: number): number;
  /** @returns Pods that a running job lacks. O(1). */
  missingPods(job: number): number;

  /** Keeps new pods off a node until `open` or the end of the pass. A node that is down stays down. O(log nodes). */
  close(node: number): void;
  /** Ends `close`. */
  open(node: number): void;

  /**
   * A trial: frees the room of a running job without evicting it. All trials are taken back by `endTrial`, which has to
   * come before `start`, `evict`, `grow`, and the end of the pass.
   */
  tryRelease(job: number): void;
  /** A trial: frees the room of one pod of a running job; each at most once. */
  tryReleasePod(job: number, node: number, gpuMask: number): void;
  /** A trial: places a waiting job. @returns True if it found room. Accounts are not asked. */
  tryPlace(job: number): boolean;
  /** Visits the pods that the last successful `tryPlace` placed. */
  forEachTried(visit: (node: number, gpuMask: number) => void): void;
  /** Takes all trials back, in reverse order. */
  endTrial(): void;

  /**
   * A look ahead: frees the room of a running job in `cluster` alone, unknown to the policy, at a tenth of the cost of
   * `tryRelease`. Until `endPeek` nothing but `peekRelease` and reads of `cluster` are allowed.
   *
   * @param touched Called with the node of each pod.
   * @param matters [node] 1: nothing is freed, and nobody called, for a job without a pod on such a node. Absent: all do.
   */
  peekRelease(job: number, touched: (node: number) => void, matters?: Uint8Array): void;
  /** Takes all looks ahead back. */
  endPeek(): void;

  /**
   * Visits the nodes that got more room since the last pass, were added or came up: what did not fit then does not fit now
   * unless on one of these. Without evictions and `letGo` of passes.
   */
  forEachFreed(visit: (node: number) => void): void;

  /** Visits the pods of a running job, in member order. */
  forEachPod(job: number, visit: (node: number, gpuMask: number) => void): void;
  /** Visits the pods on a node. */
  forEachPodOn(node: number, visit: (job: number, gpuMask: number) => void): void;
}

/** The reason of a job that is not tried, because others go before it. */
export const BEHIND: AccountsRefusal = Object.freeze({ code: 'behind', data: Object.freeze({}) });

/** Decides the order of starts. Made for one zone, and informed of all its jobs. */
export interface QueueDiscipline {
  readonly name: string;
  /** True if jobs that return may hold room already (`ZoneOptions.onNodeLost` hold): what their other nodes kept. */
  readonly takesSurvivors?: boolean;
  /** Time at which it wants a pass although no event comes, seconds; Infinity: none. May change with every call. */
  readonly dueSeconds: number;

  /** True: no job waits, and a pass would decide nothing after jobs ended. Absent: not known. O(1). */
  readonly isIdle?: boolean;

  /** A job arrives and waits. */
  submitted(job: QueuedJob, timeSeconds: number): void;
  /** A job arrives that runs already. */
  adopted(job: QueuedJob, timeSeconds: number): void;
  /** A waiting job is cancelled. */
  withdrawn(job: number, timeSeconds: number): void;
  /**
   * A running job is gone. @param reason Finished, Cancelled, NodeLost or Preempted; the last two: `returned` follows, unless
   * lost jobs fail.
   */
  ended(job: number, reason: ReasonCode, timeSeconds: number): void;
  /** A job that ran waits again. */
  returned(job: number, reason: ReasonCode, timeSeconds: number): void;
  /** Nodes joined, came up or went down. */
  nodesChanged(timeSeconds: number): void;
  /** The accounts may admit the jobs of this tenant now. */
  tenantWoken(tenant: number): void;

  /** One pass: starts and evicts jobs. Bounded by the discipline's own limits. */
  decide(pass: SchedulingPass): void;

  /** The first starts that it stated in advance, of jobs that have started, and those of them kept; absent: it states none. */
  readonly promises?: { readonly made: number; readonly kept: number };

  /**
   * @returns Why a waiting job did not start in the last pass: `BEHIND`, a refusal of the accounts, or a reason of the
   * discipline's own;
   *   undefined: no reason but room. At most O(waiting jobs).
   */
  reasonOf(job: number): AccountsRefusal | undefined;
}
