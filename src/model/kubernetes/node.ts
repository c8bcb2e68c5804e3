/**
 * Nodes and volumes of a Kubernetes cluster, as the core sees them: plain JSON, already parsed and bounded.
 */
import type { NodePressure } from '../node-state.ts';
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
  /** What its kubelet or guard says that it is short of, in the order of `NODE_PRESSURES`; absent: nothing. */
  readonly pressure?: readonly NodePressure[];
  /** Watts that it may draw on top of its present draw, as its guard says; integer ≥ 0; absent: unknown. */
  readonly powerHeadroomWatts?: number;
}

/** A PersistentVolumeClaim. JSON. */
export interface ClaimDescription {
  /** `namespace/name`. */
  readonly key: string;
  /** Distinguishes the claim from an earlier one of its name; '' only in files written by hand. */
  readonly uid: string;
  /** Uid of the object that controls it; absent: none does. That of a generic ephemeral volume is its pod. */
  readonly ownerUid?: string;
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
  /** Bytes requested, ≥ 0; beyond 2^53 the nearest double. */
  readonly bytes: number;
  /** `volumeAttributesClassName`; absent: none. A volume of another class does not match. */
  readonly attributesClass?: string;
  /** Absent: a file system. A volume of the other mode does not match. */
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
  /** Uid of its claimRef; '': reserved by hand for any claim of that name. */
  readonly claimUid: string;
  readonly accessModes: readonly string[];
  /** Capacity, ≥ 0; beyond 2^53 the nearest double. */
  readonly bytes: number;
  /** Phase Available (can be bound to a claim). */
  readonly available: boolean;
  /** Being deleted: never a candidate for a claim. */
  readonly deleting?: true;
  /** CSI driver that volume limits count it for, including the successor of an in-tree disk; '' if none. */
  readonly driver: string;
  /** The disk as its driver knows it: volumes of one driver and handle are one disk. '' if there is no driver. */
  readonly handle: string;
  /** Absent: it is not an in-tree disk that has moved to a CSI driver. */
  readonly inTree?: InTreeVolume;
  /** `volumeAttributesClassName`; absent: none. */
  readonly attributesClass?: string;
  /** Absent: a file system. */
  readonly volumeMode?: 'Block';
}

/** An in-tree disk behind a PersistentVolume, as translated for its CSI driver. JSON. */
export interface InTreeVolume {
  /** The in-tree plugin: `kubernetes.io/aws-ebs`. */
  readonly plugin: string;
  /** The volume's node affinity on nodes that have moved the plugin to its CSI driver; undefined: any node. */
  readonly nodeTerms: readonly NodeSelectorTerm[] | undefined;
}

/** A StorageClass. JSON. */
export interface StorageClassDescription {
  readonly name: string;
  readonly waitForFirstConsumer: boolean;
  /** `kubernetes.io/no-provisioner`: existing volumes only. */
  readonly provisioner: string;
  /** CSI driver that its volumes count for, '' if none; absent: the provisioner. */
  readonly driver?: string;
  /** Alternatives of allowedTopologies; undefined: any node. */
  readonly allowedTopologies: readonly NodeSelectorTerm[] | undefined;
}

/** Volume limits of a node (CSINode). JSON. */
export interface NodeVolumeLimits {
  /** The node's name. */
  readonly name: string;
  /** Attachable volumes by CSI driver; drivers without a limit are absent. */
  readonly limits: Readonly<Record<string, number>>;
  /** In-tree plugins whose volumes the node leaves to a CSI driver; absent: none. */
  readonly migrated?: readonly string[];
}

/** A VolumeAttachment: a volume that is, or is about to be, attached to a node. JSON. */
export interface AttachmentDescription {
  readonly name: string;
  readonly node: string;
  /** The CSI driver. */
  readonly attacher: string;
  /** Name of the PersistentVolume, '' if the volume is described in place. */
  readonly volume: string;
}

/** A CSIDriver. JSON. */
export interface CsiDriverDescription {
  readonly name: string;
  /** True if it publishes its remaining storage (CSIStorageCapacity). */
  readonly tracksCapacity: boolean;
}

/** A CSIStorageCapacity: a driver's remaining capacity for a class on some nodes. JSON. */
export interface StorageCapacityDescription {
  /** `namespace/name`. */
  readonly key: string;
  readonly className: string;
  /** Largest volume that it has room for, bytes; absent: unknown, so no volume is sure to fit. */
  readonly bytes?: number;
  /** Labels of the nodes that it applies to, an empty list being all; absent: none. */
  readonly nodes?: LabelSelector;
}
