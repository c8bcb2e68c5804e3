/** The external description of a node, before it becomes an index into `ClusterState`. */
import type { Taint } from './kubernetes/node.ts';

/** Most GPUs of a node that have a number, and of a pod: a placement names its GPUs by a 32-bit mask. */
export const GPUS_PER_NODE_MAX = 30;

/** Most GPUs one node may advertise; those beyond `GPUS_PER_NODE_MAX` are counted, not numbered. */
export const GPU_SLOTS_PER_NODE_MAX = 100_000;

/** Milli-GPU of one whole GPU. */
export const GPU_MILLI: number = 1000;

/** Pods that a node takes by default (the kubelet's default). */
export const PODS_PER_NODE_DEFAULT = 110;

/** One machine of a cluster. Quantities are available to pods (allocatable), not physical. */
export interface NodeSpec {
  /** Unique within a cluster. */
  readonly name: string;
  /** Thousandths of a core; integer in [0, 2^31). */
  readonly cpuMilli: number;
  /** MiB, rounded down; integer in [0, 2^31). */
  readonly memoryMib: number;
  /** Whole GPU devices; integer in [0, GPU_SLOTS_PER_NODE_MAX]. */
  readonly gpuCount: number;
  /** Model of its GPUs (one model a node); '' if it has none or it is unknown. */
  readonly gpuModel: string;
  /** Most pods at once; integer > 0. */
  readonly podsMax: number;
  /** Further named resources, for example `rdma` or `ephemeral-storage`; each ≥ 0, default 0. */
  readonly extended?: Readonly<Record<string, number>>;
  /** Labels that `affinity` terms of jobs are matched against. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Resource name of its GPUs, such as `amd.com/gpu`, if the source gives it. A record: placement does not use it. */
  readonly gpuResource?: string;
  /**
   * Taints: they keep pods away that do not tolerate them. A record: placement reads labels, into which the cluster's
   * reader translates taints.
   */
  readonly taints?: readonly Taint[];
}
