/**
 * Why a pod is where it is, or nowhere: what `PodScheduler.explain` answers, the HTTP server serves and
 * `teg explain pod` prints. Plain JSON (no NaN, no Infinity), bounded whatever the cluster's size.
 */

import type { NodeState } from '../../../model/node-state.ts';
import type { NotScheduledReason } from '../pod-events.ts';

/** Candidates at most in an explanation. */
export const EXPLAINED_CANDIDATES_MAX = 16;

/** Nearest nodes at most, and victims at most, in an explanation. */
export const EXPLAINED_NEAREST_MAX = 8;

/**
 * Where a pod stands.
 * `waiting`: will be tried at the next decision · `backing-off`: tried in vain, not tried again before `retryAtSeconds` or an event
 * that it waits for · `gated`: scheduling gates are left · `refused`: asks for what TEG does not do, or the queue is full ·
 * `waiting-for-group`: its gang is not complete yet · `nominated`: room is being made for it · `binding`: decided, the API server has
 * not confirmed it · `bound` · `ended` (Succeeded or Failed) · `deleting` (not assigned any more) · `not-ours` (another scheduler's, unassigned).
 */
export type ExplainedState =
  | 'waiting'
  | 'backing-off'
  | 'gated'
  | 'refused'
  | 'waiting-for-group'
  | 'nominated'
  | 'binding'
  | 'bound'
  | 'ended'
  | 'deleting'
  | 'not-ours';

/** A node, or a class of nodes that are alike to the pod, that it could go to now. */
export interface ExplainedCandidate {
  /** A node's name: the one that would be taken of the class. */
  readonly node: string;
  /** Nodes it stands for, itself included; ≥ 1. */
  readonly nodes: number;
  /** What was compared; see `PodExplanation.better`. */
  readonly value: number;
  /** Named parts of the value: `stranding before`, `stranding after`, `rent`, `preferences`, …. */
  readonly parts: Readonly<Record<string, number>>;
  /** What kubelet and guard say of that node; absent: nothing particular. */
  readonly state?: NodeState | undefined;
}

/** Nodes that refuse the pod for one reason. */
export interface ExplainedRefusal {
  /** In kube-scheduler's words, without the number: `Insufficient cpu`, `node(s) had untolerated taint {k: v}`. */
  readonly reason: string;
  /** kube-scheduler's name of what refused: `NodeResourcesFit`. */
  readonly plugin: string;
  /** Nodes; ≥ 1. */
  readonly nodes: number;
  /** Whether taking other pods away could change it. */
  readonly resolvable: boolean;
}

/** Something that a node lacks for the pod. */
export interface ExplainedLack {
  /** `cpu`, `memory`, `pods`, `nvidia.com/gpu`, … for an amount; '' where it is no amount. */
  readonly resource: string;
  /** How much more would be needed: milli-cores for cpu, bytes for memory, else units; 0 where it is no amount. */
  readonly amount: number;
  /** For people, without the node: `2 nvidia.com/gpu`, `a toleration of the taint dedicated=infra:NoSchedule`. */
  readonly text: string;
}

/** A node that the pod could go to if something changed. */
export interface ExplainedNearest {
  readonly node: string;
  /** What it lacks; ≥ 1. */
  readonly lacks: readonly ExplainedLack[];
}

/** A pod that would be taken away for this one. */
export interface ExplainedVictim {
  /** `namespace/name`. */
  readonly pod: string;
  readonly node: string;
  readonly priority: number;
  /** Whether it would break a PodDisruptionBudget. */
  readonly breaksBudget: boolean;
}

/** What preemption would do. */
export interface ExplainedPreemption {
  /** Whether the pod may preempt at all (policy, option); if not, `text` says why not. */
  readonly allowed: boolean;
  /** The node that would be cleared; '' if none helps. */
  readonly node: string;
  /** At most `EXPLAINED_NEAREST_MAX`; `victimCount` has the number. */
  readonly victims: readonly ExplainedVictim[];
  readonly victimCount: number;
  /** For people: `no victims of lower priority on any node`. */
  readonly text: string;
}

/** The gang of the pod. */
export interface ExplainedGroup {
  /** As `PodDescription.group`. */
  readonly key: string;
  /** Whether its PodGroup object was seen. */
  readonly known: boolean;
  readonly minCount: number;
  /** Members seen that are alive, of them placed (bound or binding), of them waiting without gates. */
  readonly members: number;
  readonly placed: number;
  readonly waiting: number;
  /** What it waits for, for people: `3 of at least 4 members exist`; '' if nothing. */
  readonly text: string;
}

/** Why a pod is where it is, or nowhere. JSON. */
export interface PodExplanation {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly state: ExplainedState;
  /** Seconds since 1970 (the core's time) at which it came into this state. */
  readonly sinceSeconds: number;
  /** When it was first seen. */
  readonly seenSeconds: number;
  readonly priority: number;
  /** Decisions that looked at it. */
  readonly attempts: number;
  /** When it is tried again at the latest; null if nothing is planned. */
  readonly retryAtSeconds: number | null;
  /** What kinds of events would have it tried again at once: `node added`, `pod gone`; for people. */
  readonly retriedOn: readonly string[];
  /** Where it is, is going, or would go if it were decided now; '' nowhere. */
  readonly node: string;
  readonly gates: readonly string[];
  /** What it asks for that TEG does not do. */
  readonly unsupported: readonly string[];
  readonly group: ExplainedGroup | null;
  /** The last message told about it, in the stock form; '' if none was. */
  readonly message: string;
  /** What kind of message that is; '' if there is none. */
  readonly reason: NotScheduledReason | '';
  /** Nodes in the cluster now. */
  readonly nodesTotal: number;
  /** Nodes that would take it now. */
  readonly nodesFeasible: number;
  /** Per reason, most nodes first. Those of a bound pod: as if it were to be placed once more. */
  readonly refusals: readonly ExplainedRefusal[];
  readonly policy: string;
  readonly better: 'lower' | 'higher';
  /** Best first: the first would be chosen, the second is the runner-up. At most `EXPLAINED_CANDIDATES_MAX`. */
  readonly candidates: readonly ExplainedCandidate[];
  /** In one sentence, why the first and not the second; '' without candidates. */
  readonly why: string;
  /** Nodes that lack least, where none would take it; nearest first, at most `EXPLAINED_NEAREST_MAX`. */
  readonly nearest: readonly ExplainedNearest[];
  /** Null where the pod fits or needs no room (gated, refused, bound). */
  readonly preemption: ExplainedPreemption | null;
}
