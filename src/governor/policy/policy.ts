/** The interface between a zone and the chooser of nodes: TEG's field, a published baseline, or a user's own file. */
import type { StrandingTables } from '../../field/stranding-tables.ts';
import type { TypicalWorkload } from '../../field/typical-workload.ts';
import type { Random } from '../../kernel/random.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import type { Quote } from '../arbiter.ts';

export type { TypicalWorkload } from '../../field/typical-workload.ts';

/** The inputs of a policy. It never changes the cluster itself. */
export interface PolicyContext {
  readonly cluster: ClusterState;
  /** The policy's own stream. */
  readonly random: Random;
  /** Given with `--workload-mix list`; absent: learn from `demandSeen`. */
  readonly typical?: TypicalWorkload;
  /** Tables that several runs share; they show in time only. Absent: the policy builds its own. */
  readonly tables?: StrandingTables;
}

/** One node (or class of nodes) that a choice considered. */
export interface Candidate {
  /** Node name, or the common properties of the class. */
  readonly label: string;
  /** Number of nodes in it. */
  readonly nodes: number;
  /** The compared value; lower is better for costs, higher for scores (see `Explanation.better`). */
  readonly value: number;
  /** Named parts of the value, for example potential before and after, rent. */
  readonly parts: Readonly<Record<string, number>>;
}

/** Why a pod would go where it would go now. */
export interface Explanation {
  readonly policy: string;
  /** Chosen node's name, or '' if none fits. */
  readonly node: string;
  readonly better: 'lower' | 'higher';
  /** Best first; the second is the runner-up. At most 16. */
  readonly candidates: readonly Candidate[];
  /** Nodes by the first thing they lack, where nothing fits: for example `insufficient cpu` → 990. */
  readonly lacking: Readonly<Record<string, number>>;
}

/** Chooses a node for one pod. Deterministic: same calls, same random stream, same answers. */
export interface PlacementPolicy {
  readonly name: string;
  /** GPUs chosen by the last successful `choose`, as a mask of the node's GPU numbers. */
  readonly gpuMask: number;
  /** Nodes that the last `choose` checked one by one (0 for an index). */
  readonly nodesExamined: number;
  /**
   * Pods of this demand arrived (whether or not they will be placed). For learning the typical workload.
   *
   * @param count Pods of the job, ≥ 1; absent: 1.
   */
  demandSeen?(demand: Demand, count?: number): void;
  /** @returns The node for the pod, or −1 if the policy finds none. The pod is not placed yet. */
  choose(demand: Demand): number;
  /** The node joined, was lost, or its free resources changed (called after the change). */
  nodeChanged?(node: number): void;
  /**
   * Explains the present answer of `choose(demand)`. May be slow; must not change any later answer.
   *
   * @param chosen The answer that `choose(demand)` has just given. Absent: the explanation names the expected node,
   *               '' where that is left to chance.
   */
  explain?(demand: Demand, chosen?: number): Explanation;
}

/** A policy that knows the cost of its choices. */
export interface PricingPolicy extends PlacementPolicy {
  /**
   * The cost of one job's pods where they are, milli-GPU: the sum of the prices at which they would be placed there one
   * after the other, were they not there. Changes nothing.
   *
   * @param nodes    Node of each pod, in the order of their placement.
   * @param gpuMasks GPUs of each pod.
   */
  costWhere(demand: Demand, nodes: readonly number[], gpuMasks: readonly number[]): number;
  /** The number of equal pods that would find room one after the other, and their cost. Changes no later answer. */
  quote(demand: Demand, podCount: number, into: Quote): void;
}

/** @returns True if a policy can price a job. */
export function isPricing(policy: PlacementPolicy): policy is PricingPolicy {
  return 'quote' in policy && 'costWhere' in policy;
}

/** Makes a policy for one zone. A user's policy file exports one as `createPolicy`. */
export type PolicyFactory = (context: PolicyContext) => PlacementPolicy;

/** A policy in the list of `teg policies`. */
export interface PolicyEntry {
  readonly name: string;
  /** One line. */
  readonly description: string;
  readonly create: PolicyFactory;
}
