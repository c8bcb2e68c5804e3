/**
 * Why a pod is where it is, or on no node: the answer of `PodScheduler.explain`, served by the HTTP server and printed
 * by `teg explain pod`. Plain JSON (no NaN, no Infinity), bounded for any size of cluster.
 */

import type { NodeState } from '../../../model/node-state.ts';
import type { NotScheduledReason } from '../pod-events.ts';
import type { WaitingReason } from '../reasons/waiting-reason.ts';

/** Most candidates in an explanation. */
export const EXPLAINED_CANDIDATES_MAX = 16;

/** Most nearest nodes, and most victims, in an explanation. */
export const EXPLAINED_NEAREST_MAX = 8;

/**
 * The state of a pod. `waiting`: will be tried at the next decision · `backing-off`: the last attempt found no node; no
 * other before `retryAtSeconds` or an event that it waits for · `gated`: scheduling gates are left · `refused`: needs an
 * unsupported feature, or the queue is full · `waiting-for-group`: its gang is not complete yet · `nominated`: room is
 * being made for it · `binding`: decided, the API server has not confirmed it · `bound` · `ended` (Succeeded or Failed)
 * · `deleting` (not assigned any more) · `not-ours` (another scheduler's, unassigned).
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

/** A node, or a class of nodes that are equal for the pod, that it could go to now. */
export interface ExplainedCandidate {
  /** A node's name: the one of the class that would be taken. */
  readonly node: string;
  /** Number of nodes of the class, itself included; ≥ 1. */
  readonly nodes: number;
  /** The compared value; see `PodExplanation.better`. */
  readonly value: number;
  /** Named parts of the value: `stranding before`, `stranding after`, `rent`, `preferences`, …. */
  readonly parts: Readonly<Record<string, number>>;
  /** Reports of kubelet and guard about that node; absent: none. */
  readonly state?: NodeState | undefined;
}

/** Nodes that refuse the pod for one reason. */
export interface ExplainedRefusal {
  /** In kube-scheduler's words, without the number: `Insufficient cpu`, `node(s) had untolerated taint {k: v}`. */
  readonly reason: string;
  /** kube-scheduler's name of the refusing plugin: `NodeResourcesFit`. */
  readonly plugin: string;
  /** Nodes; ≥ 1. */
  readonly nodes: number;
  /** True if taking other pods away could change it. */
  readonly resolvable: boolean;
}

/** A deficit of a node for the pod. */
export interface ExplainedLack {
  /** `cpu`, `memory`, `pods`, `nvidia.com/gpu`, … for an amount; '' where it is not an amount. */
  readonly resource: string;
  /** The missing amount: milli-cores for cpu, bytes for memory, else units; 0 where it is not an amount. */
  readonly amount: number;
  /** For people, without the node: `2 nvidia.com/gpu`, `a toleration of the taint dedicated=infra:NoSchedule`. */
  readonly text: string;
}

/** A node that the pod could go to if something changed. */
export interface ExplainedNearest {
  readonly node: string;
  /** Its deficits; ≥ 1. */
  readonly lacks: readonly ExplainedLack[];
}

/** A victim of this pod. */
export interface ExplainedVictim {
  /** `namespace/name`. */
  readonly pod: string;
  readonly node: string;
  readonly priority: number;
  /** True if it would break a PodDisruptionBudget. */
  readonly breaksBudget: boolean;
}

/** The effect of preemption. */
export interface ExplainedPreemption {
  /** True if the pod may preempt at all (policy, option); if not, `text` says why. */
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
  /** True if its PodGroup object was seen. */
  readonly known: boolean;
  readonly minCount: number;
  /** Members seen that are alive, of them placed (bound or binding), of them waiting without gates. */
  readonly members: number;
  readonly placed: number;
  readonly waiting: number;
  /** The missing condition, for people: `3 of at least 4 members exist`; '' if none. */
  readonly text: string;
}

/** Why a pod is where it is, or on no node. JSON. */
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
  /** Decisions that tried it. */
  readonly attempts: number;
  /** Latest time of the next attempt; null if none is planned. */
  readonly retryAtSeconds: number | null;
  /** Kinds of events that would cause an immediate attempt: `node added`, `pod gone`; for people. */
  readonly retriedOn: readonly string[];
  /** The node where it is, is going, or would go if it were decided now; '' for none. */
  readonly node: string;
  readonly gates: readonly string[];
  /** Its requirements that TEG does not support. */
  readonly unsupported: readonly string[];
  readonly group: ExplainedGroup | null;
  /** The last message reported about it, in the stock form; '' if none was. */
  readonly message: string;
  /** Kind of that message; '' if there is none. */
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
  /** The one reason for which it waits, or its gang does; null: it does not wait. */
  readonly waitsFor: WaitingReason | null;
  /** Null where the pod fits or needs no room (gated, refused, bound). */
  readonly preemption: ExplainedPreemption | null;
}
