/** Where this machine has its control groups, and which version does what. */
import { readFileSync } from 'node:fs';
import { TegError } from '../../model/errors.ts';

/** Mounts of control groups that the guard can use. */
export interface CgroupMounts {
  /** Of version 2: freezer, kill and pressure; undefined: not mounted. */
  readonly unified: string | undefined;
  /** True if version 2 has the memory controller. */
  readonly unifiedHasMemory: boolean;
  /** Of the memory controller of version 1. */
  readonly memory: string | undefined;
}

/** @returns The mounts of this process's namespace. @param mountInfo Text of `/proc/self/mountinfo`. */
export function findCgroupMounts(
  mountInfo: string = readFileSync('/proc/self/mountinfo', 'utf8'),
): CgroupMounts {
  let unified: string | undefined;
  let memory: string | undefined;
  for (const line of mountInfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const place = before.split(' ')[4];
    const [type, , options = ''] = after.split(' ');
    if (place === undefined) continue;
    if (type === 'cgroup2') unified ??= unescaped(place);
    if (type === 'cgroup' && options.split(',').includes('memory')) memory ??= unescaped(place);
  }
  return { unified, unifiedHasMemory: unified !== undefined && hasMemory(unified), memory };
}

/** mountinfo writes blanks as octal. */
function unescaped(place: string): string {
  return place.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

function hasMemory(unified: string): boolean {
  try {
    return readFileSync(`${unified}/cgroup.controllers`, 'utf8').trim().split(' ').includes('memory');
  } catch {
    return false;
  }
}

/** Paths of this process in the hierarchies that the guard writes to, for example `/user.slice/a.scope`. */
export function ownCgroups(text: string = readFileSync('/proc/self/cgroup', 'utf8')): string[] {
  const paths: string[] = [];
  for (const line of text.split('\n')) {
    const [, controllers, ...path] = line.split(':');
    if (controllers === '' || controllers?.split(',').includes('memory') === true) paths.push(path.join(':'));
  }
  return paths;
}

/**
 * Refuses paths that leave the mount.
 *
 * @returns The path in its one form: a slash before each part, none at the end.
 * @throws TegError TEG_GUARD_GROUP.
 */
export function cgroupPath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  const isPlain =
    path.startsWith('/') && parts.every((part) => part !== '.' && part !== '..') && !path.includes('\0');
  if (isPlain) return `/${parts.join('/')}`;
  throw new TegError(
    'TEG_GUARD_GROUP',
    `got the group '${path}', expected a path below the mount of control groups, such as /jobs/a`,
  );
}
