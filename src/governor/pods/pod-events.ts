/**
 * What goes into the pod scheduler (`pod-scheduler.ts`) and what comes out: events and effects, as plain JSON.
 *
 * A driver feeds events from the API server, requests decisions when it can carry them out, and reports their outcomes.
 * The same events give the same effects, so a log of events is enough to repeat every decision (`pod-log.ts`).
 */
import type { EconomyDescription } from '../../market/tenants/economy-description.ts';
import type { SpentBudgets } from '../../market/tenants/tenant-budgets.ts';
import type {
  AttachmentDescription,
  ClaimDescription,
  CsiDriverDescription,
  NodeDescription,
  NodeVolumeLimits,
  StorageCapacityDescription,
  StorageClassDescription,
  VolumeDescription,
} from '../../model/kubernetes/node.ts';
import type { BudgetDescription, PodDescription, PodGroupDescription } from '../../model/kubernetes/pod.ts';
import type { NodeState } from '../../model/node-state.ts';

/**
 * Outcome of a binding: `bound` (confirmed by the server), `conflict` (409: bound elsewhere, other uid, gated), `gone`
 * (404: the pod no longer exists), `no-node` (the node no longer exists), `failed` (nothing was bound; try again after
 * a back-off). A lost answer is resolved by the driver before it reports.
 */
export type BindOutcome = 'bound' | 'conflict' | 'gone' | 'no-node' | 'failed';

/** All events. Setting a known object replaces it. */
export type PodEvent =
  | { readonly kind: 'node'; readonly node: NodeDescription }
  | { readonly kind: 'node-gone'; readonly name: string }
  /** A guard's report of a node, beside kubelet's; replaces its last report. */
  | { readonly kind: 'node-state'; readonly name: string; readonly state: NodeState }
  | { readonly kind: 'pod'; readonly pod: PodDescription }
  | { readonly kind: 'pod-gone'; readonly uid: string }
  /** A pod of ours that is a member of a group has ended (Succeeded or Failed) on a node; its object is still there. */
  | { readonly kind: 'member-ended'; readonly uid: string; readonly group: string }
  /** The object of a pod that had ended is gone. */
  | { readonly kind: 'ended-gone'; readonly uid: string }
  | { readonly kind: 'group'; readonly group: PodGroupDescription }
  | { readonly kind: 'group-gone'; readonly key: string }
  | { readonly kind: 'budget'; readonly budget: BudgetDescription }
  | { readonly kind: 'budget-gone'; readonly key: string }
  | { readonly kind: 'namespace'; readonly name: string; readonly labels: Readonly<Record<string, string>> }
  | { readonly kind: 'namespace-gone'; readonly name: string }
  /** Market and tenants, all of them; replaces the ones before. Never sent while there is no economy. */
  | { readonly kind: 'economy'; readonly economy: EconomyDescription }
  /**
   * What tenants have, micro-tokens by name: of the ledger that a leader opened, or of a snapshot. Others have no account yet. And what
   * they spent of their budgets, where a snapshot says so.
   */
  | BalancesEvent
  | { readonly kind: 'claim'; readonly claim: ClaimDescription }
  | { readonly kind: 'claim-gone'; readonly key: string }
  | { readonly kind: 'volume'; readonly volume: VolumeDescription }
  | { readonly kind: 'volume-gone'; readonly name: string }
  | { readonly kind: 'storage-class'; readonly storageClass: StorageClassDescription }
  | { readonly kind: 'storage-class-gone'; readonly name: string }
  | { readonly kind: 'volume-limits'; readonly limits: NodeVolumeLimits }
  | { readonly kind: 'volume-limits-gone'; readonly name: string }
  | { readonly kind: 'volume-attachment'; readonly attachment: AttachmentDescription }
  | { readonly kind: 'volume-attachment-gone'; readonly name: string }
  | { readonly kind: 'csi-driver'; readonly driver: CsiDriverDescription }
  | { readonly kind: 'csi-driver-gone'; readonly name: string }
  | { readonly kind: 'storage-capacity'; readonly capacity: StorageCapacityDescription }
  | { readonly kind: 'storage-capacity-gone'; readonly key: string }
  /** A DeviceClass; `resource` is the extended resource that it stands for, '' if there is none. */
  | { readonly kind: 'device-class'; readonly name: string; readonly resource: string }
  | { readonly kind: 'device-class-gone'; readonly name: string }
  | BindDoneEvent
  | EvictDoneEvent
  /** Decide on at most n pods (a gang is decided whole). Nothing is decided otherwise. */
  | { readonly kind: 'decide'; readonly max: number };

/** A leader begins, and knows what the one before left. */
export interface BalancesEvent {
  readonly kind: 'balances';
  readonly balances: Readonly<Record<string, number>>;
  readonly spent?: SpentBudgets;
}

/** A binding was answered. */
export interface BindDoneEvent {
  readonly kind: 'bind-done';
  readonly uid: string;
  readonly outcome: BindOutcome;
  /** Why it failed, for people, in kube-scheduler's words; reported on the pod. Absent: nothing to report. */
  readonly reason?: string;
}

/** The victim's eviction was accepted, or failed (then its preemptor is tried again). */
export interface EvictDoneEvent {
  readonly kind: 'evict-done';
  readonly uid: string;
  readonly done: boolean;
  /** Why it failed, for people; reported on the preemptor. Absent: nothing to report. */
  readonly reason?: string;
}

/** Actions of the driver, in order. */
export type PodEffect = BindEffect | UnschedulableEffect | EvictEffect | NominateEffect | GangReleaseEffect;

/** Bind the pod: it counts as placed from now; answer with `bind-done`. */
export interface BindEffect {
  readonly kind: 'bind';
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  /** Claims that need the selected-node annotation, or a volume of their own, before the pod can be bound. */
  readonly claims: readonly { readonly claim: string; readonly volume: string }[];
  /** Attempts it took, this one included. */
  readonly attempts: number;
  /** Seconds from its first being seen schedulable. */
  readonly waitedSeconds: number;
  /** Its gang, '' if none. */
  readonly group: string;
}

/**
 * Why a pod is not scheduled: no node takes it, scheduling gates are left, or the decision could not be carried out
 * (the API server refused the binding, its volumes, or the eviction of a victim), or its tenant's accounts do not admit
 * it now (KEP-5501's name of the reason: autoscalers must not buy nodes for it).
 */
export type NotScheduledReason =
  | 'Unschedulable'
  | 'SchedulingGated'
  | 'SchedulerError'
  | 'NotReadyForScheduling';

/** The pod cannot be placed now: event FailedScheduling and condition PodScheduled=False. Repeated when the message changes, or after `renewalSeconds`. */
export interface UnschedulableEffect {
  readonly kind: 'unschedulable';
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** In the stock form: `0/5 nodes are available: 2 Insufficient cpu, …`. */
  readonly message: string;
  /** Of the condition; `SchedulingGated` is the condition only, without an event. */
  readonly reason: NotScheduledReason;
  /** Names of the refusing plugins, by kube-scheduler's names: for the metric unschedulable_pods{plugin}. */
  readonly plugins: readonly string[];
  /** `metadata.generation` of the pod that was decided on; 0: unknown. */
  readonly generation: number;
  /** Nothing was tried: the report is repeated, in the words that are true now, before the last one is too old. */
  readonly renewed: boolean;
  /** With an economy: code of the dominant reason, and its sentence where the message does not have it; else ''. */
  readonly why?: { readonly code: string; readonly text: string };
}

/** Delete the victim (after the condition DisruptionTarget), event Preempted; answer with `evict-done`. */
export interface EvictEffect {
  readonly kind: 'evict';
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  /** `namespace/name` and uid of the pod that it makes room for. */
  readonly by: string;
  readonly byUid: string;
  /** Why the economy evicts it; absent: preemption by priority, without an economy. `by` is '' if its tenant is drained. */
  readonly why?: 'priority' | 'within' | 'reclaim' | 'fair-share' | 'drain';
}

/** Set (or clear, node '') the pod's status.nominatedNodeName. Nominations of others are replaced, but not cleared. */
export interface NominateEffect {
  readonly kind: 'nominate';
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  /** Our own nomination that this one replaces; '' if there is none. */
  readonly was: string;
}

/** A gang that could not be completed in time gives up: its bound pods are evicted (through the eviction API). */
export interface GangReleaseEffect {
  readonly kind: 'gang-release';
  readonly group: string;
  readonly uids: readonly string[];
  readonly message: string;
}

/** Options of the pod scheduler. */
export interface PodSchedulerOptions {
  /** Seed of its random stream (jitter only). */
  readonly seed: number;
  /** First and longest wait after an attempt that failed for a reason without an event. */
  readonly backoffSecondsFirst: number;
  readonly backoffSecondsMax: number;
  /** Most waiting pods; more are refused with an event and tried again when the queue is shorter. */
  readonly waitingPodsMax: number;
  /** Label whose values make the zones; nodes without it, or all if it is '', are divided by size. */
  readonly zoneLabel: string;
  /** Most nodes of a zone made by size. */
  readonly zoneNodesMax: number;
  /** Seconds after which a partly bound gang that cannot be completed is released; 0: never. */
  readonly gangRepairSeconds: number;
  /**
   * Most checks of a node for a member that the search for room of an unequal gang makes in one attempt (and domain);
   * 0: no search.
   */
  readonly gangSearchChecksMax: number;
  /** True if pods may be preempted. */
  readonly preemption: boolean;
  /**
   * Seconds after which the report of a still waiting pod is renewed; 0: never. See `PodReports` for the bound with
   * many pods.
   */
  readonly renewalSeconds: number;
}
