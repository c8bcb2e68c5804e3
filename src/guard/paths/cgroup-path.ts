/**
 * Reads the path of a control group as the kubelet and the runtimes build it, in both cgroup drivers.
 *
 *     cgroupfs  …/kubepods[/burstable|/besteffort]/pod<uid>/<id>                                 containerd, cri-dockerd
 *     cgroupfs  …/kubepods[/burstable|/besteffort]/pod<uid>/crio-<id>                            CRI-O
 *     systemd   …/P.slice[/P-burstable.slice]/P-burstable-pod<uid, - as _>.slice/R-<id>.scope    P: kubepods, or kubelet-kubepods
 *
 * crun puts the processes into a group `container` below that. Not here: whether anything may be frozen.
 */

/** What a path is, by its form alone. */
export type CgroupPath =
  /** Not a path that this reader understands: no slash at its start, an empty part, `.` or `..`, a NUL. */
  | { readonly kind: 'malformed' }
  | { readonly kind: 'root' }
  /** Outside all groups of pods. */
  | { readonly kind: 'plain'; readonly parts: readonly string[] }
  /** All pods, or those of one class of service. */
  | { readonly kind: 'pods' }
  | { readonly kind: 'pod'; readonly podUid: string }
  /** The group of a container, a sandbox or a runtime's helper, or one below it. */
  | {
      readonly kind: 'container';
      readonly podUid: string;
      readonly id: string;
      /** What the runtime wrote before the identity: `cri-containerd`, `crio`, `crio-conmon`, or nothing. */
      readonly prefix: string;
      /** Parts of the path below the container's group. */
      readonly below: readonly string[];
    }
  /** Below the groups of pods, in no known form. */
  | { readonly kind: 'strange' };

/** A UUID, or the hash of a static pod's file. */
const UID = [8, 4, 4, 4, 12].map((length) => `[0-9a-f]{${length}}`);
const POD_CGROUPFS = new RegExp(`^pod(${UID.join('-')}|[0-9a-f]{32})$`);
const POD_SYSTEMD = new RegExp(`^-pod(${UID.join('_')}|[0-9a-f]{32})$`);
const LEAF_CGROUPFS = /^(?:([a-z][a-z-]*)-)?([0-9a-f]{64})$/;
const LEAF_SYSTEMD = /^([a-z][a-z-]*)-([0-9a-f]{64})\.scope$/;
const ROOT_SYSTEMD = /^((?:[a-z0-9_]+-)*kubepods)\.slice$/;
const CLASSES: ReadonlySet<string> = new Set(['burstable', 'besteffort']);

/** @returns What a path is. O(length). */
export function parseCgroupPath(path: string): CgroupPath {
  if (path === '/') return { kind: 'root' };
  const [first, ...parts] = path.split('/');
  const isPlain = parts.every((part) => part !== '' && part !== '.' && part !== '..' && !part.includes('\0'));
  if (first !== '' || parts.length === 0 || !isPlain) return { kind: 'malformed' };
  const at = parts.findIndex((part) => part === 'kubepods' || ROOT_SYSTEMD.test(part));
  if (at < 0) return { kind: 'plain', parts };
  const root = parts[at] as string;
  const below = parts.slice(at + 1);
  return root === 'kubepods' ? cgroupfsPath(below) : systemdPath(root.slice(0, -'.slice'.length), below);
}

/** @param below Parts below `kubepods`. */
function cgroupfsPath(below: readonly string[]): CgroupPath {
  const rest = CLASSES.has(below[0] ?? '') ? below.slice(1) : below;
  const [pod, leaf, ...inside] = rest;
  if (pod === undefined) return { kind: 'pods' };
  const podUid = POD_CGROUPFS.exec(pod)?.[1];
  return podPath(podUid, leaf, LEAF_CGROUPFS, inside);
}

/** Each slice repeats the name of the one that it is in: systemd refuses others. */
function systemdPath(root: string, below: readonly string[]): CgroupPath {
  const [first] = below;
  const kind = [...CLASSES].find((name) => first === `${root}-${name}.slice`);
  const parent = kind === undefined ? root : `${root}-${kind}`;
  const [pod, leaf, ...inside] = kind === undefined ? below : below.slice(1);
  if (pod === undefined) return { kind: 'pods' };
  if (!pod.startsWith(`${parent}-`) || !pod.endsWith('.slice')) return { kind: 'strange' };
  const podUid = POD_SYSTEMD.exec(pod.slice(parent.length, -'.slice'.length))?.[1]?.replaceAll('_', '-');
  return podPath(podUid, leaf, LEAF_SYSTEMD, inside);
}

function podPath(
  podUid: string | undefined,
  leaf: string | undefined,
  form: RegExp,
  below: readonly string[],
): CgroupPath {
  if (podUid === undefined) return { kind: 'strange' };
  if (leaf === undefined) return { kind: 'pod', podUid };
  const match = form.exec(leaf);
  if (match === null) return { kind: 'strange' };
  return { kind: 'container', podUid, id: match[2] as string, prefix: match[1] ?? '', below };
}

/** @returns True if the path of a pod says that it is static: the kubelet hashes its file, and writes no dashes. */
export function isStaticUid(podUid: string): boolean {
  return !podUid.includes('-');
}

/** @returns True if one path is the other, or has it somewhere below. */
export function isSameOrAbove(path: string, other: string): boolean {
  return path === other || path === '/' || other.startsWith(`${path}/`);
}
