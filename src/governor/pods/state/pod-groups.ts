/**
 * Groups of pods that start together: their members, and their progress.
 *
 * No member of a group holds room before enough of them are placed at once. Once a group has started, further members
 * (and members that come back) are decided one by one.
 */
import type { PodGroupDescription } from '../../../model/kubernetes/pod.ts';
import { DEFAULT_TENANT } from '../../../model/tenants.ts';
import type { AccountsRefusal } from '../../accounts.ts';
import type { GangRefusal } from './gang-types.ts';
import type { HeapEntry } from './ordered-heap.ts';
import { compareTurn, isLeaving, isPlaced, type PodRecord, PodState } from './pod-records.ts';

/** A group. Mutable; owned by the scheduler. In the active heap iff `heapAt` ≥ 0. */
export interface PodGroup extends HeapEntry {
  readonly key: string;
  /** Undefined: the API has not reported it (yet). */
  description: PodGroupDescription | undefined;
  readonly members: Set<PodRecord>;
  /** Turn of the group: its first pending member's when it came to the queue. */
  priority: number;
  createdSeconds: number;
  sequence: number;
  /** Tenant of that member, or of the first pending one when the accounts were asked last. */
  tenant: number;
  /** Uids of members that ran and have ended (Succeeded or Failed), as long as their objects are there. */
  readonly ended: Set<string>;
  /**
   * True if all or nothing no longer applies: enough members were bound at one time, or that cannot be ruled out
   * (members that have ended, or that were on nodes before this scheduler decided anything about them).
   */
  started: boolean;
  /**
   * Time since which fewer members wait than the gang needs, none is placed, but some have ended; NaN: not the case.
   */
  successorsSinceSeconds: number;
  /** Topology domain that its placed members bind it to, as `key=value`; '' if none. As of the last review or decision. */
  domain: string;
  /** Failed, or not to be tried yet; waits for a change or for its time. */
  waiting: boolean;
  /** True if a change that affects it has come since. */
  stale: boolean;
  /** Earliest time of the next attempt. */
  notBeforeSeconds: number;
  /** Time since which it has members placed, but fewer than it needs, and others that wait; NaN: not the case. */
  brokenSinceSeconds: number;
  /** When it was first seen incomplete. */
  incompleteSinceSeconds: number;
  attempts: number;
  /** Why the accounts did not admit it; undefined: they did, or were not asked since. */
  notAdmitted: AccountsRefusal | undefined;
  /** The champion that room was kept for at the last attempt; undefined: none. */
  reservedFor: AccountsRefusal | undefined;
  /** Failure of the last attempt; undefined: there was none, or it succeeded. */
  refusal: GangRefusal | undefined;
}

/** Number of members of a group in each state. */
export interface GroupTally {
  /** On nodes, and those of them known to be bound. Leaving ones are not counted. */
  readonly placed: number;
  readonly bound: number;
  /** Wait to be placed with the group. */
  readonly pending: number;
  /** Wait one by one: for room, after a back-off, or to be decided. */
  readonly alone: number;
}

/** @returns True if an item of the queue is a group. */
export function isGroup(item: PodRecord | PodGroup): item is PodGroup {
  return 'members' in item;
}

/** All groups. Single writer. A group is known as long as its object or a member is, members that have ended included. */
export class PodGroups {
  readonly groups = new Map<string, PodGroup>();
  /** Groups of members that have ended, by the member's uid. */
  private readonly endedIn = new Map<string, string>();

  /** Takes a group's description. @returns The group. */
  set(description: PodGroupDescription): PodGroup {
    const group = this.ensure(description.key);
    group.description = description;
    return group;
  }

  /**
   * The group's object is gone: members that are not placed wait for a new one.
   *
   * @returns The group if it no longer exists.
   */
  remove(key: string): PodGroup | undefined {
    const group = this.groups.get(key);
    if (group === undefined) return undefined;
    group.description = undefined;
    // A new object may require more than the running members: they must then not be mistaken for a gang that never
    // started.
    if (tallyOf(group).placed > 0) group.started = true;
    return this.tidy(group);
  }

  /** @returns The group of a key, undefined if neither object nor members are known. */
  get(key: string): PodGroup | undefined {
    return this.groups.get(key);
  }

  /** Adds a member. */
  join(pod: PodRecord): void {
    const group = this.ensure(pod.group);
    group.members.add(pod);
    group.refusal = undefined;
    if (isPlaced(pod)) group.started = true;
  }

  /** A member was found on a node where this scheduler did not put it: the gang may have started before. */
  foundPlaced(pod: PodRecord): void {
    const group = this.groups.get(pod.group);
    if (group !== undefined) group.started = true;
  }

  /** A member ran and has ended: the gang had started. Known until `endedGone`. */
  setEnded(uid: string, key: string): void {
    const before = this.endedIn.get(uid);
    if (before !== undefined && before !== key) this.endedGone(uid);
    this.ensure(key).ended.add(uid);
    this.endedIn.set(uid, key);
  }

  /**
   * The object of a member that had ended is gone.
   *
   * @returns Its group and whether that no longer exists; undefined if no such member was known.
   */
  endedGone(uid: string): { readonly key: string; readonly gone: PodGroup | undefined } | undefined {
    const key = this.endedIn.get(uid);
    const group = key === undefined ? undefined : this.groups.get(key);
    if (key === undefined || group === undefined) return undefined;
    this.endedIn.delete(uid);
    group.ended.delete(uid);
    return { key, gone: this.tidy(group) };
  }

  /** A member is gone. @returns Its group if it no longer exists. */
  leave(pod: PodRecord): PodGroup | undefined {
    const group = this.groups.get(pod.group);
    if (group === undefined) return undefined;
    group.members.delete(pod);
    group.refusal = undefined;
    return this.tidy(group);
  }

  private ensure(key: string): PodGroup {
    let group = this.groups.get(key);
    if (group === undefined) {
      group = {
        key,
        description: undefined,
        members: new Set(),
        priority: 0,
        createdSeconds: 0,
        sequence: 0,
        tenant: DEFAULT_TENANT,
        heapAt: -1,
        ended: new Set(),
        started: false,
        successorsSinceSeconds: Number.NaN,
        domain: '',
        waiting: false,
        stale: false,
        notBeforeSeconds: 0,
        brokenSinceSeconds: Number.NaN,
        incompleteSinceSeconds: Number.NaN,
        attempts: 0,
        notAdmitted: undefined,
        reservedFor: undefined,
        refusal: undefined,
      };
      this.groups.set(key, group);
    }
    return group;
  }

  private tidy(group: PodGroup): PodGroup | undefined {
    if (group.members.size > 0 || group.ended.size > 0 || group.description !== undefined) return undefined;
    this.groups.delete(group.key);
    return group;
  }
}

/** Sets a group's turn to that of its first pending member. Not while it is in the heap. O(members). */
export function setTurn(group: PodGroup): void {
  let first: PodRecord | undefined;
  for (const pod of group.members) {
    if (pod.state !== PodState.InGroup) continue;
    if (first === undefined || compareTurn(pod, first) < 0) first = pod;
  }
  if (first === undefined) return;
  group.priority = first.priority;
  group.createdSeconds = first.createdSeconds;
  group.sequence = first.sequence;
  group.tenant = first.tenant;
}

/** @returns The states of the members. O(members). */
export function tallyOf(group: PodGroup): GroupTally {
  const tally = { placed: 0, bound: 0, pending: 0, alone: 0 };
  for (const pod of group.members) {
    const { state } = pod;
    if (isPlaced(pod)) {
      if (isLeaving(pod)) continue;
      tally.placed++;
      if (state === PodState.Bound) tally.bound++;
    } else if (state === PodState.InGroup) tally.pending++;
    else if (state === PodState.Active || state === PodState.Waiting || state === PodState.BackingOff) {
      tally.alone++;
    }
  }
  return tally;
}

/** True if members of a group wait for its object; or for others, since it has not started and has fewer than it needs. */
export function isIncomplete({ started, description }: PodGroup, tally: GroupTally): boolean {
  const { placed, pending, alone } = tally;
  if (description === undefined) return pending > 0;
  const minimum = description.minCount;
  return !started && placed < minimum && pending > 0 && placed + alone + pending < minimum;
}

/** @returns Members that wait to be placed with the group, in their order. */
export function pendingIn(group: PodGroup): PodRecord[] {
  const pending: PodRecord[] = [];
  for (const pod of group.members) if (pod.state === PodState.InGroup) pending.push(pod);
  return pending.sort(compareTurn);
}

/** @returns `namespace/name` of a group. */
export function groupName(group: PodGroup): string {
  return group.key.slice(group.key.indexOf(':') + 1);
}
