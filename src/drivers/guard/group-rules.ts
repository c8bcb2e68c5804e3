/** Which groups the guard never acts on, whatever the configuration says. */
import type { CgroupBackend } from '../../guard/node/cgroup-backend.ts';

/** Decides by the path alone. @returns Why not; undefined: it may be acted on. */
export type PathJudge = (path: string) => string | undefined;

/** Parts of paths that keep a machine running: their groups, and all below. */
const SYSTEM_PARTS: readonly RegExp[] = [
  /^(?:system|init|machine)\.(?:slice|scope)$/,
  /^(?:kubelet|containerd|crio|cri-o|docker|podman|runc|systemd[-\w]*|dbus[-\w]*|sshd?)(?:\.(?:service|scope|slice))?$/,
  /^user@\d+\.service$/,
];
/** Groups that have groups of containers below them. */
const BRANCH = /(?:\.slice|^kubepods|^pod[0-9a-f]{8}[-_0-9a-f]*)$/;

/** Judges by names; sandboxes look like containers, and need the runtime's answer. */
export const judgePath: PathJudge = (path) => {
  const parts = path.split('/').filter((part) => part !== '');
  const last = parts.at(-1);
  if (last === undefined) return 'it is the root';
  const system = parts.find((part) => SYSTEM_PARTS.some((pattern) => pattern.test(part)));
  if (system !== undefined) return `${system} keeps the machine running`;
  if (BRANCH.test(last)) return 'it holds the groups of others: name the leaf';
  return undefined;
};

/**
 * @param own Paths of the guard's own process.
 * @returns   Why a group must not be acted on; undefined: it may.
 */
export function refusalOf(
  path: string,
  backend: CgroupBackend,
  own: readonly string[],
  judge: PathJudge = judgePath,
): string | undefined {
  const byPath = judge(path);
  if (byPath !== undefined) return byPath;
  if (own.some((mine) => mine === path || mine.startsWith(`${path}/`))) return 'the guard itself runs in it';
  return backend.list(path).length > 0 ? 'it has groups below it: name the leaves' : undefined;
}
