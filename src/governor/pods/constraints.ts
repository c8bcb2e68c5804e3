/**
 * The interface between the pod scheduler and Kubernetes' rules about where a pod may and should run.
 *
 * The pod scheduler owns resources and pod counts (`node-accounts.ts`); everything else that a filter of kube-scheduler
 * checks is behind this interface: node names, labels, taints, ports, volumes, spread, and affinity between pods. Nodes
 * and pods are dense integer slots that are used again; shapes are interned templates, whose ids are used again once
 * `forgetShape` was called.
 */
import type { NodeDescription } from '../../model/kubernetes/node.ts';
import type { PodTemplate } from '../../model/kubernetes/pod.ts';
import type { PodEvent } from './pod-events.ts';

/** An interned template. `id` is dense from 0. */
export interface PodShape {
  readonly id: number;
  readonly template: PodTemplate;
}

/**
 * Why a node refuses a pod, as the bits of a mask are numbered; texts and plugin names in `refusals.ts`. 0 means no
 * refusal. The order is that of kube-scheduler's default filters (but for `VolumeInUse`): the first that refuses is
 * reported.
 */
export const Refusal = {
  None: 0,
  Unschedulable: 1,
  NodeName: 2,
  Taint: 3,
  NodeAffinity: 4,
  Ports: 5,
  /** Resources are reported by the pod scheduler, with the resource's name. */
  Resources: 6,
  DiskConflict: 7,
  VolumeLimits: 8,
  VolumeNodeAffinity: 9,
  VolumeBind: 10,
  VolumeZone: 11,
  SpreadMissingLabel: 12,
  Spread: 13,
  PodAffinity: 14,
  PodAntiAffinity: 15,
  ExistingAntiAffinity: 16,
  /** A ReadWriteOncePod claim is in use; reported after `DiskConflict`. */
  VolumeInUse: 17,
  /**
   * The driver has too little storage left for a volume that is yet to be made; reported in the place of `VolumeBind`.
   */
  VolumeSpace: 18,
} as const;

/** A number of `Refusal`. */
export type RefusalCode = (typeof Refusal)[keyof typeof Refusal];

/** Why no node takes a shape, found before any node is looked at (kube-scheduler's PreFilter). */
export interface PreFilterRefusal {
  /** In kube-scheduler's words: `persistentvolumeclaim "data" not found`. */
  readonly reason: string;
  /** Name of the plugin of kube-scheduler that refuses. */
  readonly plugin: string;
}

/** The rules. Single writer; no clock, no randomness. */
export interface Constraints {
  /** A node is new or has a new description. @param node Its slot. */
  setNode(node: number, description: NodeDescription): void;
  /** The node of a slot is gone; pods on it were taken off before. */
  removeNode(node: number): void;
  /** Takes events on namespaces, claims, volumes, storage classes and CSI drivers; ignores all others. */
  take(event: PodEvent): void;
  /**
   * A pod of a shape is on the node from now on (bound or assumed). O(its terms).
   *
   * @param leaving Being deleted: spread does not count it.
   * @param seen It was bound before we knew of it: as in kube-scheduler, its claims get no reservation beyond the
   *   API's.
   */
  addPod(node: number, shape: PodShape, uid: string, leaving?: boolean, seen?: boolean): void;
  /** The pod is no longer on the node. */
  removePod(node: number, shape: PodShape, uid: string): void;

  /** No pod of the shape is left; its id may be used for another one. */
  forgetShape?(id: number): void;

  /**
   * For checks: true if pods of the shape are bound by nothing that differs between nodes without taints (besides
   * resources): `check` answers None on all of them.
   */
  isPlain(shape: PodShape): boolean;
  /** True if the shape prefers some nodes to others (`scoreAll` distinguishes them). */
  hasPreferences(shape: PodShape): boolean;
  /**
   * True if the nodes that the shape fits depend on other pods (spread, affinity, ports, volumes), so that pods coming
   * and going elsewhere matter.
   */
  dependsOnPods(shape: PodShape): boolean;
  /** Node names that the shape is bound to (hostname or metadata.name); undefined: none. */
  namedNodes(shape: PodShape): readonly string[] | undefined;
  /**
   * Makes the rules ready for `check`, `text` and `scoreAll` of one shape; stays valid until any change.
   *
   * @returns Why no node will do (a claim that does not exist); undefined: ask each of them.
   * @cost O(what changed since the last time, or nodes).
   */
  preFilter(shape: PodShape): PreFilterRefusal | undefined;
  /**
   * @returns The first rule that refuses the node, `Refusal.None` if none does. O(constraints of the shape). Asserted:
   *   the last `preFilter` refused nothing, and its shape is still known.
   */
  check(node: number): RefusalCode;
  /** @returns The reason in kube-scheduler's words for the last `check` that refused: `node(s) had untolerated taint {k: v}`. */
  text(node: number, refusal: RefusalCode): string;
  /**
   * @returns `text`, and the further reasons of the same plugin of kube-scheduler: a volume's location and a missing
   *   free volume are reported together.
   */
  texts(node: number, refusal: RefusalCode): readonly string[];
  /**
   * @returns True if taking pods away from the node could change the refusal (else: unschedulable and unresolvable).
   */
  isResolvable(refusal: RefusalCode): boolean;
  /** @returns How well the shape likes the node, the larger the better; weights as kube-scheduler's. After `preFilter`; nodes scored together by `scoreAll`. */
  scoreAll(nodes: Int32Array, count: number, scores: Float64Array): void;
  /** The claims that the pod still needs bound when it goes to the node: see `BindEffect.claims`. */
  claimsFor(shape: PodShape, node: number): readonly { readonly claim: string; readonly volume: string }[];
  /** True if an added or removed pod of shape `other` can change where `shape` fits. */
  concerns(shape: PodShape, other: PodShape): boolean;
}
