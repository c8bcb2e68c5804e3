/**
 * Nodes and volumes of a Kubernetes cluster, as the core sees them: plain JSON, already parsed and bounded.
 */
import type { LabelSelector, NodeSelectorTerm } from './pod.ts';

/** A taint. */
export interface Taint {
  readonly key: string;
  readonly value: string;
  readonly effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

/** A node. JSON. */
export interface NodeDescription {
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** `spec.unschedulable`; stands for the taint node.kubernetes.io/unschedulable:NoSchedule. */
  readonly unschedulable: boolean;
  /** Allocatable: thousandths of a core; integer ≥ 0. */
  readonly cpuMilli: number;
  /** Allocatable, bytes; integer ≥ 0. */
  readonly memoryBytes: number;
  /** Allocatable pods; integer ≥ 0. */
  readonly podsMax: number;
  /** Allocatable further resources by name; integers > 0. */
  readonly extended: Readonly<Record<string, number>>;
}

/** A PersistentVolumeClaim. JSON. */
export interface ClaimDescription {
  /** `namespace/name`. */
  readonly key: string;
  /** '' while it is not bound. */
  readonly volumeName: string;
  readonly className: string;
  /** Bound by both sides (`phase: Bound` and `pv.kubernetes.io/bind-completed`). */
  readonly bound: boolean;
  /** Being deleted or lost: pods that use it cannot be scheduled. */
  readonly unusable: boolean;
  /** Unusable because its volume is gone (`phase: Lost`); absent: because it is being deleted. For the message only. */
  readonly lost?: true;
  /** Node in the annotation volume.kubernetes.io/selected-node, '' if none. */
  readonly selectedNode: string;
  readonly accessModes: readonly string[];
  /** Bytes asked for. */
  readonly bytes: number;
  /** Absent: a file system. A volume of the other mode does not do. */
  readonly volumeMode?: 'Block';
  /** Labels that a volume must have; absent: any. */
  readonly selector?: LabelSelector;
}

/** A PersistentVolume. JSON. */
export interface VolumeDescription {
  readonly name: string;
  /** Alternatives of its node affinity; undefined: any node. */
  readonly nodeTerms: readonly NodeSelectorTerm[] | undefined;
  /** Labels (zone and region labels restrict where the volume can be used). */
  readonly labels: Readonly<Record<string, string>>;
  readonly className: string;
  /** `namespace/name` of its claimRef, '' if free. */
  readonly claim: string;
  readonly accessModes: readonly string[];
  readonly bytes: number;
  /** Phase Available (can be bound to a claim). */
  readonly available: boolean;
  /** CSI driver, '' if none. */
  readonly driver: string;
  /** Absent: a file system. */
  readonly volumeMode?: 'Block';
}

/** A StorageClass. JSON. */
export interface StorageClassDescription {
  readonly name: string;
  readonly waitForFirstConsumer: boolean;
  /** `kubernetes.io/no-provisioner`: only volumes that exist. */
  readonly provisioner: string;
  /** Alternatives of allowedTopologies; undefined: any node. */
  readonly allowedTopologies: readonly NodeSelectorTerm[] | undefined;
}

/** Volume limits of a node (CSINode). JSON. */
export interface NodeVolumeLimits {
  /** The node's name. */
  readonly name: string;
  /** Attachable volumes by CSI driver; drivers without a limit are absent. */
  readonly limits: Readonly<Record<string, number>>;
}
