/** kube-scheduler 1.36's words for each refusal, the plugin that reports it, and whether preemption can help. */
import { Refusal, type RefusalCode } from '../constraints.ts';

/** One refusal in kube-scheduler's words. */
interface RefusalWords {
  readonly plugin: string;
  readonly text: string;
  /** True if pods taken off the node can change it (stock: Unschedulable; else UnschedulableAndUnresolvable). */
  readonly resolvable: boolean;
}

const WORDS: Readonly<Record<RefusalCode, RefusalWords>> = {
  [Refusal.None]: { plugin: '', text: '', resolvable: true },
  [Refusal.Unschedulable]: {
    plugin: 'NodeUnschedulable',
    text: 'node(s) were unschedulable',
    resolvable: false,
  },
  [Refusal.NodeName]: {
    plugin: 'NodeName',
    text: "node(s) didn't match the requested node name",
    resolvable: false,
  },
  [Refusal.Taint]: {
    plugin: 'TaintToleration',
    text: 'node(s) had untolerated taint(s)',
    resolvable: false,
  },
  [Refusal.NodeAffinity]: {
    plugin: 'NodeAffinity',
    text: "node(s) didn't match Pod's node affinity/selector",
    resolvable: false,
  },
  [Refusal.Ports]: {
    plugin: 'NodePorts',
    text: "node(s) didn't have free ports for the requested pod ports",
    resolvable: true,
  },
  // The pod scheduler reports the resource.
  [Refusal.Resources]: { plugin: 'NodeResourcesFit', text: 'Insufficient resources', resolvable: true },
  [Refusal.DiskConflict]: {
    plugin: 'VolumeRestrictions',
    text: 'node(s) had no available disk',
    resolvable: true,
  },
  [Refusal.VolumeLimits]: {
    plugin: 'NodeVolumeLimits',
    text: 'node(s) exceed max volume count',
    resolvable: true,
  },
  [Refusal.VolumeNodeAffinity]: {
    plugin: 'VolumeBinding',
    text: "node(s) didn't match PersistentVolume's node affinity",
    resolvable: false,
  },
  [Refusal.VolumeBind]: {
    plugin: 'VolumeBinding',
    text: "node(s) didn't find available persistent volumes to bind",
    resolvable: false,
  },
  [Refusal.VolumeZone]: {
    plugin: 'VolumeZone',
    text: 'node(s) had no available volume zone',
    resolvable: false,
  },
  [Refusal.SpreadMissingLabel]: {
    plugin: 'PodTopologySpread',
    text: "node(s) didn't match pod topology spread constraints (missing required label)",
    resolvable: false,
  },
  [Refusal.Spread]: {
    plugin: 'PodTopologySpread',
    text: "node(s) didn't match pod topology spread constraints",
    resolvable: true,
  },
  [Refusal.PodAffinity]: {
    plugin: 'InterPodAffinity',
    text: "node(s) didn't match pod affinity rules",
    resolvable: false,
  },
  [Refusal.PodAntiAffinity]: {
    plugin: 'InterPodAffinity',
    text: "node(s) didn't match pod anti-affinity rules",
    resolvable: true,
  },
  [Refusal.ExistingAntiAffinity]: {
    plugin: 'InterPodAffinity',
    text: "node(s) didn't satisfy existing pods anti-affinity rules",
    resolvable: true,
  },
  [Refusal.VolumeInUse]: {
    plugin: 'VolumeRestrictions',
    text: 'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
    resolvable: true,
  },
  [Refusal.VolumeSpace]: {
    plugin: 'VolumeBinding',
    text: 'node(s) did not have enough free storage',
    resolvable: false,
  },
};

/** Number of codes of `Refusal`; codes are dense from 0. */
export const REFUSAL_COUNT: number = Object.keys(WORDS).length;

const TABLE: readonly RefusalWords[] = Array.from(
  { length: REFUSAL_COUNT },
  (_, code) => WORDS[code as RefusalCode],
);

/** kube-scheduler's plugin names by `Refusal`; '' for `Refusal.None`. */
export const REFUSAL_PLUGINS: readonly string[] = TABLE.map((words) => words.plugin);

/**
 * kube-scheduler's reasons by `Refusal`; '' for `Refusal.None`. Those of resources are reported by the pod scheduler.
 */
export const REFUSAL_TEXTS: readonly string[] = TABLE.map((words) => words.text);

/** kube-scheduler's text for nodes that a pod bound to names (`matchFields`) does not name. */
export const NOT_NAMED_TEXT = "node(s) didn't satisfy plugin(s) [NodeAffinity]";

/** kube-scheduler's text if a pod's terms name no node in common. */
export const NAMES_CONFLICT_TEXT = 'pod affinity terms conflict';

/** @returns True if pods taken off a node can change the refusal. */
export function isResolvableRefusal(refusal: RefusalCode): boolean {
  return TABLE[refusal]?.resolvable ?? true;
}
