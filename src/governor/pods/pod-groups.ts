/**
 * Groups of pods that start together: which members there are, and when a group can be decided as a whole.
 *
 * No member of a group holds room before enough of them are placed at once. Once a group has started, further members (and
 * members that come back) are decided one by one.
 */
import type { PodGroupDescription } from '../../model/kubernetes/pod.ts';
import { compareTurn, type PodRecord, PodState } from './pod-records.ts';

/** A group. Mutable; owned by the scheduler. */
export interface PodGroup {
  readonly key: string;
  /** Undefined: the API has not told of it (yet). */
  description: PodGroupDescription | undefined;
  readonly members: Set<PodRecord>;
  /** Turn of the group: its first member's. */
  priority: number;
  createdSeconds: number;
  sequence: number;
  /** In the active heap. */
  queued: boolean;
  /** Tried in vain; waits for a change. */
  waiting: boolean;
  /** A change that concerns it has come since. */
  stale: boolean;
  /** It is not tried before. */
  notBeforeSeconds: number;
  /** Since when it has fewer members placed than it needs, though some are; NaN: it has not. */
  brokenSinceSeconds: number;
  /** When it was first seen incomplete. */
  incompleteSinceSeconds: number;
  attempts: number;
}

/** @returns Whether an item of the queue is a group. */
export function isGroup(item: PodRecord | PodGroup): item is PodGroup {
  return 'members' in item;
}

/** All groups. Single writer. */
export class PodGroups {
  readonly groups = new Map<string, PodGroup>();

  /** Takes in a group's description. @returns The group. */
  set(description: PodGroupDescription): PodGroup {
    const group = this.ensure(description.key);
    group.description = description;
    return group;
  }

  /** The group's object is gone: members that are not placed wait for a new one. */
  remove(key: string): void {
    const group = this.groups.get(key);
    if (group === undefined) return;
    group.description = undefined;
    this.tidy(group);
  }

  /** @returns The group of a key, undefined if neither object nor members are known. */
  get(key: string): PodGroup | undefined {
    return this.groups.get(key);
  }

  /** Adds a member. @returns Its group. */
  join(pod: PodRecord): PodGroup {
    const group = this.ensure(pod.group);
    group.members.add(pod);
    this.orderOf(group);
    return group;
  }

  /** A member is gone. */
  leave(pod: PodRecord): void {
    const group = this.groups.get(pod.group);
    if (group === undefined) return;
    group.members.delete(pod);
    this.orderOf(group);
    this.tidy(group);
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
        queued: false,
        waiting: false,
        stale: false,
        notBeforeSeconds: 0,
        brokenSinceSeconds: Number.NaN,
        incompleteSinceSeconds: Number.NaN,
        attempts: 0,
      };
      this.groups.set(key, group);
    }
    return group;
  }

  /** A group's turn must not change while it is in the heap. */
  private orderOf(group: PodGroup): void {
    if (group.queued) return;
    let first: PodRecord | undefined;
    for (const pod of group.members) if (first === undefined || compareTurn(pod, first) < 0) first = pod;
    if (first === undefined) return;
    group.priority = first.priority;
    group.createdSeconds = first.createdSeconds;
    group.sequence = first.sequence;
  }

  private tidy(group: PodGroup): void {
    if (group.members.size > 0 || group.description !== undefined) return;
    this.groups.delete(group.key);
  }
}

/** @returns Members that count on a node. */
export function placedIn(group: PodGroup): number {
  let placed = 0;
  for (const pod of group.members) {
    if ((pod.state === PodState.Binding || pod.state === PodState.Bound) && !pod.leaving) placed++;
  }
  return placed;
}

/** @returns Members that wait to be placed with the group, in their order. */
export function pendingIn(group: PodGroup): PodRecord[] {
  const pending: PodRecord[] = [];
  for (const pod of group.members) if (pod.state === PodState.InGroup) pending.push(pod);
  return pending.sort(compareTurn);
}
