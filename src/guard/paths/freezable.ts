/**
 * Which group of processes may be frozen, and if not, why not.
 *
 * What is frozen is a container's own group, the leaf that the runtime made: freezing a pod's group makes `runc exec` hang, a
 * frozen sandbox breaks the pod, a frozen runtime or kubelet the node. Owners of pods opt in; what is not known
 * is not frozen.
 *
 * Invariant: at most one group of a container may be frozen.
 */
import { type CgroupPath, isSameOrAbove, isStaticUid, parseCgroupPath } from './cgroup-path.ts';

/** The control groups of a node. Paths begin with `/` at the mount, and do not end with one. */
export interface CgroupTree {
  /** @returns Names of the groups right below; empty if the group is gone. */
  childrenOf(path: string): readonly string[];
  /** @returns True if a process is in the group itself, not below it. */
  hasProcesses(path: string): boolean;
}

/** What the runtime says about a container (CRI ListContainers), and the API server or the kubelet about its pod. */
export interface ContainerFacts {
  /** CONTAINER_RUNNING; one that was created or has exited is not. */
  readonly isRunning: boolean;
  readonly podUid: string;
}

/** What is known about a pod. */
export interface PodFacts {
  /** The owner opted in, by annotation or label. */
  readonly optedIn: boolean;
  /** `kubernetes.io/config.source` other than `api`: from a file of the node. */
  readonly isStatic: boolean;
  /** It is being deleted: its processes must get their signal. */
  readonly isTerminating: boolean;
  /** Number of its priority class; undefined: not known. */
  readonly priority: number | undefined;
  readonly priorityClass: string | undefined;
}

/** What is known about the node. */
export interface NodeFacts {
  /** Groups of the guard, the kubelet and the runtime: the lines of `/proc/PID/cgroup`. */
  readonly protectedPaths: readonly string[];
  /** By the container's identity. */
  readonly containers: ReadonlyMap<string, ContainerFacts>;
  /** Identities of the sandboxes (CRI ListPodSandbox). */
  readonly sandboxes: ReadonlySet<string>;
  /** By uid, static ones by the hash that is in their path. */
  readonly pods: ReadonlyMap<string, PodFacts>;
  /** Groups outside of pods that the configuration opts in. */
  readonly plainGroups: ReadonlySet<string>;
  /** Treat static pods like others: on a node without an API server. */
  readonly staticPodsToo: boolean;
}

/** Why a group may not be frozen. */
export type FreezeRefusal =
  | 'malformed'
  | 'root'
  | 'protected'
  | 'system'
  | 'pods'
  | 'pod'
  | 'strange'
  | 'sandbox'
  | 'helper'
  | 'unknown'
  | 'contradiction'
  | 'nested'
  | 'branch'
  | 'not-running'
  | 'unknown-pod'
  | 'static'
  | 'terminating'
  | 'critical'
  | 'unknown-priority'
  | 'not-opted-in';

/** What `freezable` answers. */
export type FreezeVerdict =
  | { readonly mayFreeze: true }
  | { readonly mayFreeze: false; readonly reason: FreezeRefusal };

/** Each reason as a sentence about a group. */
export const FREEZE_REFUSALS: Readonly<Record<FreezeRefusal, string>> = {
  malformed: 'its path is not one of a control group',
  root: 'it is the root',
  protected: 'the guard, the kubelet or the runtime runs in it or below it',
  system: 'it keeps the machine running',
  pods: 'it holds the pods: name a container',
  pod: 'it is the group of a pod: name a container',
  strange: 'it is below the pods, in a form that neither the kubelet nor a known runtime gives',
  sandbox: 'it is the sandbox of a pod',
  helper: 'it belongs to the runtime',
  unknown: 'the runtime does not know a container of this name',
  contradiction: 'the runtime says that this container belongs to another pod',
  nested: 'it is below the group of a container',
  branch: 'it has groups below it: name the leaf',
  'not-running': 'its container does not run',
  'unknown-pod': 'neither kubelet nor API server has said anything about its pod',
  static: 'its pod is static: the node runs it for itself',
  terminating: 'its pod is being deleted',
  critical: 'its pod is critical for the system',
  'unknown-priority': 'the priority of its pod is not known',
  'not-opted-in': 'it did not opt in',
};

/** Priorities from here on are reserved for the system. */
const CRITICAL_PRIORITY_MIN = 2_000_000_000;
/** The group that crun makes for a container's processes. */
const CRUN_GROUP = 'container';
/** What runtimes write before a container's identity; they have helpers of the same form (`crio-conmon-…`). */
const RUNTIME_PREFIXES: ReadonlySet<string> = new Set(['', 'cri-containerd', 'crio', 'docker']);
/** Parts of paths that keep a machine running: their groups, and all below. */
const SYSTEM_PARTS: readonly RegExp[] = [
  /^(?:system|machine)\.slice$/,
  /^init\.scope$/,
  /^user@\d+\.service$/,
  /^(?:kubelet|containerd|crio|cri-o|conmon|docker|podman|runc|systemd[-\w]*|dbus[-\w]*|sshd?|udev)(?:\.(?:service|scope|slice))?$/,
];

/** A group beside what its path says. */
interface Subject {
  readonly name: string;
  readonly path: CgroupPath;
  readonly tree: CgroupTree;
  readonly facts: NodeFacts;
}

/** One reason, and whether it holds. */
export interface FreezeRule {
  readonly reason: FreezeRefusal;
  readonly refuses: (subject: Subject) => boolean;
}

/** The rules in their order: the first one that refuses gives the reason. */
export const FREEZE_RULES: readonly FreezeRule[] = [
  { reason: 'malformed', refuses: ({ path }) => path.kind === 'malformed' },
  { reason: 'root', refuses: ({ path }) => path.kind === 'root' },
  {
    reason: 'protected',
    refuses: ({ name, facts }) => facts.protectedPaths.some((other) => isSameOrAbove(name, other)),
  },
  { reason: 'system', refuses: ({ path }) => path.kind === 'plain' && path.parts.some(isSystemPart) },
  { reason: 'pods', refuses: ({ path }) => path.kind === 'pods' },
  { reason: 'pod', refuses: ({ path }) => path.kind === 'pod' },
  { reason: 'strange', refuses: ({ path }) => path.kind === 'strange' },
  {
    reason: 'sandbox',
    refuses: ({ path, facts }) => path.kind === 'container' && facts.sandboxes.has(path.id),
  },
  {
    reason: 'helper',
    refuses: ({ path }) => path.kind === 'container' && !RUNTIME_PREFIXES.has(path.prefix),
  },
  {
    reason: 'unknown',
    refuses: ({ path, facts }) => path.kind === 'container' && !facts.containers.has(path.id),
  },
  {
    reason: 'contradiction',
    refuses: (subject) => containerOf(subject)?.podUid !== podUidOf(subject),
  },
  { reason: 'nested', refuses: isNested },
  { reason: 'branch', refuses: isBranch },
  { reason: 'not-running', refuses: (subject) => containerOf(subject)?.isRunning === false },
  { reason: 'unknown-pod', refuses: (subject) => isInPod(subject) && podOf(subject) === undefined },
  { reason: 'static', refuses: isStaticPod },
  { reason: 'terminating', refuses: (subject) => podOf(subject)?.isTerminating === true },
  { reason: 'critical', refuses: isCritical },
  { reason: 'unknown-priority', refuses: (subject) => isInPod(subject) && !hasPriority(podOf(subject)) },
  { reason: 'not-opted-in', refuses: (subject) => !hasOptedIn(subject) },
];

/**
 * Decides whether a group may be frozen, by writing its `cgroup.freeze`.
 *
 * @param name  Its path.
 * @param rules Those that may refuse; others than all for tests only.
 * @returns     The first reason why not, if there is one. O(length of the path + protected paths).
 */
export function freezable(
  name: string,
  tree: CgroupTree,
  facts: NodeFacts,
  rules: readonly FreezeRule[] = FREEZE_RULES,
): FreezeVerdict {
  const subject: Subject = { name, path: parseCgroupPath(name), tree, facts };
  const rule = rules.find(({ refuses }) => refuses(subject));
  return rule === undefined ? { mayFreeze: true } : { mayFreeze: false, reason: rule.reason };
}

function isSystemPart(part: string): boolean {
  return SYSTEM_PARTS.some((pattern) => pattern.test(part));
}

function isInPod({ path }: Subject): boolean {
  return path.kind === 'container';
}

function podUidOf({ path }: Subject): string | undefined {
  return path.kind === 'container' ? path.podUid : undefined;
}

function containerOf({ path, facts }: Subject): ContainerFacts | undefined {
  return path.kind === 'container' ? facts.containers.get(path.id) : undefined;
}

function podOf(subject: Subject): PodFacts | undefined {
  return subject.facts.pods.get(podUidOf(subject) ?? '');
}

/**
 * Of a container's two groups the outer one is a branch if crun made the inner one: then it has no process and no other group
 * below. Else the container made the inner one itself.
 */
function isNested({ name, path, tree }: Subject): boolean {
  if (path.kind !== 'container' || path.below.length === 0) return false;
  if (path.below.length > 1 || path.below[0] !== CRUN_GROUP) return true;
  return !isCrunOuter(name.slice(0, -`/${CRUN_GROUP}`.length), tree);
}

/** A group of no pod must be a leaf; what a container has made below its own group is frozen with it. */
function isBranch({ name, path, tree }: Subject): boolean {
  if (path.kind !== 'container') return tree.childrenOf(name).length > 0;
  return path.below.length === 0 && isCrunOuter(name, tree);
}

function isCrunOuter(name: string, tree: CgroupTree): boolean {
  const children = tree.childrenOf(name);
  return children.length === 1 && children[0] === CRUN_GROUP && !tree.hasProcesses(name);
}

function isStaticPod(subject: Subject): boolean {
  if (subject.facts.staticPodsToo) return false;
  const uid = podUidOf(subject);
  return uid !== undefined && (isStaticUid(uid) || podOf(subject)?.isStatic === true);
}

function isCritical(subject: Subject): boolean {
  const pod = podOf(subject);
  return pod?.priorityClass?.startsWith('system-') === true || (pod?.priority ?? 0) >= CRITICAL_PRIORITY_MIN;
}

function hasPriority(pod: PodFacts | undefined): boolean {
  return pod?.priority !== undefined && Number.isFinite(pod.priority);
}

function hasOptedIn(subject: Subject): boolean {
  const { path, name, facts } = subject;
  return path.kind === 'container' ? podOf(subject)?.optedIn === true : facts.plainGroups.has(name);
}
