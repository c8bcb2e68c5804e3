/**
 * Pods and pod groups of a Kubernetes cluster, as the core sees them: plain JSON, already parsed and bounded.
 *
 * Invariants: everything that pods of one controller share is in the `PodTemplate`; a template is immutable and may be
 * shared by any number of pods. Quantities are exact integers. Event logs hold these records as they are.
 * Not here: reading them from API objects (the files beside this one, and `src/drivers/kubernetes/objects`).
 */

/** The requests of a pod, as kube-scheduler counts them (init containers, sidecars, overhead, pod-level resources). */
export interface PodRequests {
  /** Thousandths of a core; integer ≥ 0. */
  readonly cpuMilli: number;
  /** Bytes; integer ≥ 0. */
  readonly memoryBytes: number;
  /** Further resources by name (`ephemeral-storage`, `nvidia.com/gpu`, `hugepages-2Mi`, …); integers > 0. */
  readonly extended: Readonly<Record<string, number>>;
}

/** One requirement on a label, as in `matchExpressions`. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
  readonly values: readonly string[];
}

/** A term of a node selector: all expressions and all fields hold (`metadata.name` is the only field). Empty: matches nothing. */
export interface NodeSelectorTerm {
  readonly expressions: readonly LabelRequirement[];
  readonly fields: readonly LabelRequirement[];
}

/**
 * A label selector: all requirements hold (`matchLabels` are turned into `In`). Undefined where one is expected: matches nothing.
 */
export type LabelSelector = readonly LabelRequirement[];

/** A toleration with defaults filled in. `key` '' with Exists: all taints. `effect` '': all effects. */
export interface Toleration {
  readonly key: string;
  readonly operator: 'Equal' | 'Exists';
  readonly value: string;
  readonly effect: '' | 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

/** A port of the node that the pod binds. */
export interface HostPort {
  /** '' and '0.0.0.0' both mean all addresses. */
  readonly ip: string;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly port: number;
}

/** One topology spread constraint. */
export interface SpreadConstraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  /** true: DoNotSchedule; false: ScheduleAnyway. */
  readonly hard: boolean;
  /** With the pod's own values of `matchLabelKeys` merged in; undefined: matches no pod. */
  readonly selector: LabelSelector | undefined;
  /** 0: not given (1). */
  readonly minDomains: number;
  readonly honorNodeAffinity: boolean;
  readonly honorNodeTaints: boolean;
}

/** One term of a pod (anti-)affinity. */
export interface PodAffinityTerm {
  readonly topologyKey: string;
  /** With matchLabelKeys and mismatchLabelKeys merged in; undefined: matches no pod. */
  readonly selector: LabelSelector | undefined;
  /** Namespaces named, or the pod's own if neither these nor a namespace selector are given. */
  readonly namespaces: readonly string[];
  /** Undefined: none; an empty list matches all namespaces. */
  readonly namespaceSelector: LabelSelector | undefined;
}

/** A term with the weight of a preference, 1…100. */
export interface Weighted<Term> {
  readonly weight: number;
  readonly term: Term;
}

/** Generic ephemeral volumes of a pod. JSON. */
export interface EphemeralClaims {
  readonly podName: string;
  /** Owns the claims. */
  readonly podUid: string;
  /** Names of the claims, `<pod>-<volume>`. */
  readonly claims: readonly string[];
}

/** Everything about a pod that other pods of its controller share. JSON. */
export interface PodTemplate {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly requests: PodRequests;
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** Alternatives (OR); undefined: no requirement. An empty list matches no node. */
  readonly requiredNodeTerms: readonly NodeSelectorTerm[] | undefined;
  readonly preferredNodeTerms: readonly Weighted<NodeSelectorTerm>[];
  readonly tolerations: readonly Toleration[];
  readonly hostPorts: readonly HostPort[];
  readonly spread: readonly SpreadConstraint[];
  readonly affinity: readonly PodAffinityTerm[];
  readonly antiAffinity: readonly PodAffinityTerm[];
  readonly preferredAffinity: readonly Weighted<PodAffinityTerm>[];
  readonly preferredAntiAffinity: readonly Weighted<PodAffinityTerm>[];
  /** Names of PersistentVolumeClaims of the pod's namespace (generic ephemeral volumes: `<pod>-<volume>`). */
  readonly claims: readonly string[];
  /** Claims of generic ephemeral volumes: they must be owned by the pod. Absent: none. */
  readonly ephemeral?: EphemeralClaims;
  /**
   * In-tree disks that the pod names itself, as `driver/handle` of the CSI driver that replaced the plugin. Absent:
   * none.
   */
  readonly inlineVolumes?: readonly string[];
  /**
   * In-tree disks that two pods cannot use on one node unless all of them only read, as `kind:id` with `:ro` at the end
   * if only read.
   */
  readonly exclusiveDisks: readonly string[];
  readonly preemptionPolicy: 'PreemptLowerPriority' | 'Never';
  /** How its scheduler's profile compares nodes; absent: `pack`, the cheapest on the field. */
  readonly strategy?: 'spread';
  /**
   * Features of the pod that TEG does not support, for people: `dynamic resource claims (spec.resourceClaims)`. Not
   * empty: refused.
   */
  readonly unsupported: readonly string[];
}

/** A pod. JSON. */
export interface PodDescription {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** True if `spec.schedulerName` is one of ours. */
  readonly ours: boolean;
  /** '' while it is not assigned. */
  readonly nodeName: string;
  /** Succeeded or Failed: holds nothing any more. */
  readonly ended: boolean;
  /** Has a deletion timestamp: if it is not assigned it is not scheduled; if it is, it holds its room until it is gone. */
  readonly deleting: boolean;
  /**
   * True if its status says that a scheduler preempted it (condition DisruptionTarget, reason PreemptionByScheduler).
   */
  readonly preempted: boolean;
  /** Remaining scheduling gates. Not empty: not scheduled. */
  readonly gates: readonly string[];
  readonly priority: number;
  /** `metadata.generation`: grows with each change of its spec; 0: not reported by the server. */
  readonly generation: number;
  /** `status.nominatedNodeName`, whichever scheduler wrote it. */
  readonly nominatedNodeName: string;
  /** Seconds since 1970. */
  readonly createdSeconds: number;
  /** When it started, seconds since 1970; 0: not started. For the choice of victims. */
  readonly startedSeconds: number;
  /**
   * `namespace/name` of its group with its API: `core:ns/name` (spec.schedulingGroup) or `cosched:ns/name` (label); ''
   * if none.
   */
  readonly group: string;
  /** Name of the tenant that it belongs to. '': the default tenant, as in logs from before tenants existed. */
  readonly tenant: string;
  /** How long it says that it runs, an estimate or a limit, seconds > 0; absent: unknown. */
  readonly expectedSeconds?: number;
  /** Its last checkpoint, seconds since 1970 (annotation `teg.dev/checkpointed-at`); absent: none. */
  readonly checkpointedSeconds?: number;
  /** Everything that it shares with other pods of its controller; one object may serve many pods. */
  readonly template: PodTemplate;
}

/** A group of pods that start together. JSON. */
export interface PodGroupDescription {
  /** As `PodDescription.group`. */
  readonly key: string;
  readonly uid: string;
  /** Pods that have to be placed together; integer ≥ 1 (1: no gang). */
  readonly minCount: number;
  /** Topology keys whose values all pods of the group must share; at most one is honoured. */
  readonly topologyKeys: readonly string[];
  /** Authoritative for its pods, whatever theirs is; absent: each has its own. Integer. */
  readonly priority?: number;
  /** The same of whether they may preempt. */
  readonly preemptionPolicy?: PodTemplate['preemptionPolicy'];
  /** Whether evictions take its pods beyond the minimum one by one, or all of them; absent: one by one. */
  readonly disruption?: 'single' | 'all';
  /** Features of the group that TEG does not support. Not empty: its pods are refused. */
  readonly unsupported: readonly string[];
}

/** A PodDisruptionBudget. JSON. */
export interface BudgetDescription {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly selector: LabelSelector | undefined;
  /** `status.disruptionsAllowed`. */
  readonly disruptionsAllowed: number;
  /** Names of pods in `status.disruptedPods`: already counted. */
  readonly disruptedPods: readonly string[];
}
