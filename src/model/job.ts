/** The external description of a job: `podCount` equal pods, the requirements of each, and when. */
import type { Disruption } from './eviction-terms.ts';
import type { Toleration } from './kubernetes/pod.ts';

/** One term of a node affinity, with the operators of a Kubernetes NodeSelectorRequirement. */
export interface AffinityTerm {
  /** Label of the node. */
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
  /** Compared as text; for Gt and Lt as one integer. */
  readonly values: readonly string[];
}

/** Requests of one pod. */
export interface PodSpec {
  /** Thousandths of a core; integer in [0, 2^31). */
  readonly cpuMilli: number;
  /** MiB, rounded up; integer in [0, 2^31). */
  readonly memoryMib: number;
  /** GPUs; integer in [0, GPUS_PER_NODE_MAX]. */
  readonly gpuCount: number;
  /** Share of each GPU: integer in [1, 1000] if gpuCount is 1, 1000 if it is more, 0 if it is 0. */
  readonly gpuMilli: number;
  /** Allowed GPU models; empty: any. */
  readonly gpuModels: readonly string[];
  /** Further named resources; each ≥ 0. */
  readonly extended?: Readonly<Record<string, number>>;
  /** Terms that all have to hold for a node (AND). */
  readonly affinity?: readonly AffinityTerm[];
  /** Most pods of the same `spreadGroup` on one node; absent: no limit. Integer > 0. */
  readonly podsPerNodeMax?: number;
  /** The group that `podsPerNodeMax` counts, for example a service; required with it. */
  readonly spreadGroup?: string;
}

/** A job: a gang (or an array) of equal pods. Times are seconds from the start of the workload. */
export interface JobSpec extends PodSpec {
  /** Unique within a workload. */
  readonly id: string;
  /** The tenant it belongs to; '' if unknown. */
  readonly tenant: string;
  /** Larger goes first; Kubernetes' range of a 32-bit integer; default 0. */
  readonly priority: number;
  /** When it arrives; finite, may be negative (before the trace began). */
  readonly submitSeconds: number;
  /** How long it runs once started; ≥ 0, or Infinity for one that never ends. */
  readonly durationSeconds: number;
  /** Run time declared by its owner; ≥ 0, or NaN if unknown. */
  readonly requestedSeconds: number;
  /** Pods; integer ≥ 1. */
  readonly podCount: number;
  /** Members that have to start together; integer in [1, podCount]. 1: an elastic array. */
  readonly gangMin: number;
  /** Seconds of a run between two checkpoints, from which a later run goes on; > 0; absent: it starts over. */
  readonly checkpointSeconds?: number;
  /** What of it may be evicted, see `EvictionTerms`; absent: `all`. */
  readonly disruption?: Disruption;
  /** Name of its PodGroup, if the source names one. */
  readonly podGroup?: string;
  /** Its controller, if the source names it: for example `ReplicaSet/web-5d9c`. */
  readonly owner?: string;
  /** The user who submitted it, if the source names one: run times of one user's jobs resemble each other. */
  readonly user?: string;
  /** The node it was on when it was recorded. A record, not a request: placement does not use it. */
  readonly nodeName?: string;
  /** Resource name of its GPUs, such as `amd.com/gpu`, if the source gives it. A record, as `NodeSpec.gpuResource`. */
  readonly gpuResource?: string;
  /** Taints it tolerates, if the source has taints at all. A record, as `NodeSpec.taints`. */
  readonly tolerations?: readonly Toleration[];
}
