/** Control groups without a kernel: memory grows as the caller says, unless a group is frozen or at its limit. */
import { TegError } from '../../model/errors.ts';
import type { CgroupBackend, CgroupHandle, MemoryLimits } from './cgroup-backend.ts';

/** A simulated group. Bytes. */
export interface SimulatedGroup {
  readonly path: string;
  readonly identity: string;
  anonymous: number;
  cache: number;
  processes: number;
  isFreezeAsked: boolean;
  /** True: freezing is asked for in vain. */
  isStubborn: boolean;
  limits: MemoryLimits;
  failures: number;
  isGone: boolean;
}

/** The groups of a simulated machine. */
export class SimulatedCgroups implements CgroupBackend {
  readonly kind = 'simulated';
  private readonly groups = new Map<string, SimulatedGroup>();
  private created = 0;

  /** @returns A new group without processes. */
  create(path: string): SimulatedGroup {
    const group: SimulatedGroup = {
      path,
      identity: `simulated ${this.created++}`,
      anonymous: 0,
      cache: 0,
      processes: 0,
      isFreezeAsked: false,
      isStubborn: false,
      limits: { high: Number.POSITIVE_INFINITY, max: Number.POSITIVE_INFINITY },
      failures: 0,
      isGone: false,
    };
    this.groups.set(path, group);
    return group;
  }

  /** @returns The group at a path that has one. */
  at(path: string): SimulatedGroup {
    return this.groups.get(path) as SimulatedGroup;
  }

  remove(path: string): void {
    const group = this.groups.get(path);
    if (group !== undefined) group.isGone = true;
    this.groups.delete(path);
  }

  /** @returns What of the amount was taken: nothing while frozen, cache is given up first at the limit. */
  grow(path: string, bytes: number): number {
    const group = this.groups.get(path);
    if (group === undefined || isStill(group)) return 0;
    const over = group.anonymous + group.cache + bytes - group.limits.max;
    if (over > 0) group.cache = Math.max(group.cache - over, 0);
    const taken = Math.min(bytes, group.limits.max - group.anonymous - group.cache);
    if (taken < bytes) group.failures++;
    group.anonymous = Math.max(group.anonymous + taken, 0);
    return taken;
  }

  list(path: string): string[] {
    const prefix = path === '/' ? '/' : `${path}/`;
    const isBelow = (one: string): boolean =>
      one.startsWith(prefix) && one !== path && !one.slice(prefix.length).includes('/');
    return [...this.groups.keys()].filter(isBelow).sort();
  }

  open(path: string): CgroupHandle {
    const group = this.groups.get(path);
    if (group === undefined) throw new TegError('TEG_GUARD_GROUP', `got '${path}', expected a group`);
    return new SimulatedHandle(group);
  }
}

function isStill(group: SimulatedGroup): boolean {
  return group.isFreezeAsked && !group.isStubborn;
}

class SimulatedHandle implements CgroupHandle {
  readonly path: string;
  readonly identity: string;
  private readonly group: SimulatedGroup;

  constructor(group: SimulatedGroup) {
    this.group = group;
    this.path = group.path;
    this.identity = group.identity;
  }

  exists(): boolean {
    return !this.group.isGone;
  }

  usage(): number {
    return this.group.isGone ? Number.NaN : this.group.anonymous + this.group.cache;
  }

  parts() {
    const { anonymous, cache } = this.group;
    return { anonymous, shared: 0, cache, inactiveFile: cache };
  }

  pressure() {
    return { some: 0, full: 0 };
  }

  events() {
    return { max: this.group.failures, high: 0, oomKills: 0 };
  }

  processCount(): number {
    return this.group.isGone ? Number.NaN : this.group.processes;
  }

  strayCount(): number {
    return 0;
  }

  limits(): MemoryLimits {
    return this.group.limits;
  }

  setHigh(high: number): boolean {
    if (this.group.isGone) return false;
    this.group.limits = { ...this.group.limits, high };
    return true;
  }

  setMax(max: number): boolean {
    if (this.group.isGone || max < this.usage()) return false;
    this.group.limits = { ...this.group.limits, max };
    return true;
  }

  isFreezeAsked(): boolean {
    return this.group.isFreezeAsked;
  }

  isFrozen(): boolean {
    return isStill(this.group);
  }

  freeze(): boolean {
    this.group.isFreezeAsked = true;
    return !this.group.isGone;
  }

  thaw(): boolean {
    this.group.isFreezeAsked = false;
    return !this.group.isGone;
  }

  reclaim(bytes: number): boolean {
    const freed = Math.min(bytes, this.group.cache);
    this.group.cache -= freed;
    return freed === bytes;
  }

  kill(): boolean {
    this.group.processes = 0;
    this.group.anonymous = 0;
    return !this.group.isGone;
  }

  close(): void {}
}
