/**
 * The port between the guard and control groups: what it reads of a group and does to it. All calls are synchronous, since a tick
 * must not wait for anything but the kernel.
 *
 * Amounts are bytes; NaN: the kernel does not offer it, or the group is gone. Implementations: version 2, version 1 with the
 * freezer of a version 2 mount beside it, and a simulated one for tests. `backend.laws.ts` has the laws that all of them keep.
 */

/** What a group's memory consists of. */
export interface MemoryParts {
  readonly anonymous: number;
  /** tmpfs and shared memory: stays after its processes are frozen, and even after they end. */
  readonly shared: number;
  /** Page cache on both lists, without `shared`: comes back by reclaim. */
  readonly cache: number;
  readonly inactiveFile: number;
}

/** Stall of a group's tasks for memory since boot, µs. */
export interface MemoryPressure {
  readonly some: number;
  readonly full: number;
}

/** Counts since the group was created. */
export interface MemoryEvents {
  /** The limit was met. */
  readonly max: number;
  /** The soft limit was passed; version 1 has none. */
  readonly high: number;
  readonly oomKills: number;
}

/** Limits of a group. Infinity: none; NaN: not offered. */
export interface MemoryLimits {
  /** Growth beyond is slowed down; version 1 has none. */
  readonly high: number;
  /** Growth beyond fails or kills. */
  readonly max: number;
}

/** One group, opened. */
export interface CgroupHandle {
  readonly path: string;
  /** Distinguishes groups that have the same path one after the other. */
  readonly identity: string;
  /** False once the group was removed. */
  exists(): boolean;
  usage(): number;
  parts(): MemoryParts;
  pressure(): MemoryPressure;
  events(): MemoryEvents;
  /** Processes in it, not below it. */
  processCount(): number;
  /** Processes that are counted here and that a freeze would not reach: version 1 has two hierarchies. */
  strayCount(): number;
  limits(): MemoryLimits;
  /** @returns False if it failed, or the version has no soft limit. */
  setHigh(bytes: number): boolean;
  /**
   * A limit below what is used is refused, since the kernel would kill for it: freeze, read, set.
   *
   * @returns False if it was refused, or failed.
   */
  setMax(bytes: number): boolean;
  /** True if somebody asked for the freeze of this group itself. */
  isFreezeAsked(): boolean;
  /** True if every process stands still. */
  isFrozen(): boolean;
  /** @returns False if it failed: the group is gone. */
  freeze(): boolean;
  thaw(): boolean;
  /** Takes memory back, up to that amount; may take a second. @returns False if the kernel could not. */
  reclaim(bytes: number): boolean;
  /** Kills every process, frozen or not. */
  kill(): boolean;
  /** Gives the files back; the group stays as it is. */
  close(): void;
}

/** Control groups of a machine. */
export interface CgroupBackend {
  readonly kind: 'v2' | 'v1' | 'simulated';
  /** Paths of the groups right below one, sorted; empty if there is no such group. */
  list(path: string): readonly string[];
  /** @throws TegError TEG_GUARD_GROUP: there is no such group, or it lacks what the guard needs. */
  open(path: string): CgroupHandle;
}
