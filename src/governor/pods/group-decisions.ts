/**
 * Deciding groups: when enough members are there, all of them at once; repair where a binding failed; release where repair fails.
 */
import { attemptGang, nameOf } from './gang-attempts.ts';
import type { PodDecisions } from './pod-decisions.ts';
import { type PodGroup, pendingIn, placedIn } from './pod-groups.ts';
import { type PodRecord, PodState } from './pod-records.ts';
import type { SchedulerParts } from './scheduler-parts.ts';

/** After so many seconds a group that is not complete says so. */
const INCOMPLETE_TOLD_SECONDS = 10;
/** Between two attempts of a group lie a hundredth of a second and half a millisecond a member, at most a second. */
const RETRY_SECONDS_MIN = 0.01;
const RETRY_SECONDS_MEMBER = 0.0005;
const RETRY_SECONDS_MAX = 1;
/** A gang of which no binding was done is decided anew after this time. */
const RESTART_SECONDS = 1;

/** Decides groups as wholes. */
export class GroupDecisions {
  private readonly parts: SchedulerParts;
  private readonly pods: PodDecisions;
  /** Groups tried in vain. */
  private readonly waiting = new Set<PodGroup>();
  /** Groups that wait for members, or for repair: looked at from time to time. */
  private readonly watched = new Set<PodGroup>();

  constructor(parts: SchedulerParts, pods: PodDecisions) {
    this.parts = parts;
    this.pods = pods;
  }

  /** When groups are to be looked at though no event comes. @param lookSeconds The next time of `look`. O(waiting groups). */
  dueSeconds(lookSeconds: number): number {
    let due = this.watched.size > 0 ? lookSeconds : Number.POSITIVE_INFINITY;
    for (const group of this.waiting) if (group.stale) due = Math.min(due, group.notBeforeSeconds);
    return due;
  }

  /** Looks at a group after something about it has changed: members, object, or what became of a binding. */
  review(key: string): void {
    const group = this.parts.groups.get(key);
    if (group === undefined) return;
    const { timeSeconds } = this.parts.state;
    const placed = placedIn(group);
    const minimum = group.description?.minCount ?? Number.POSITIVE_INFINITY;
    if (placed === 0) this.gather(group);
    const pending = pendingIn(group);
    const broken = placed > 0 && placed < minimum && group.description !== undefined;
    if (!broken) group.brokenSinceSeconds = Number.NaN;
    else if (Number.isNaN(group.brokenSinceSeconds)) group.brokenSinceSeconds = timeSeconds;
    const unsupported = group.description?.unsupported ?? [];
    let incomplete = false;
    if (unsupported.length > 0) {
      for (const pod of pending) this.pods.refuse(pod, unsupported, 'pod group');
    } else if (minimum <= 1 || placed >= minimum) {
      for (const pod of pending) this.parts.queue.activate(pod);
    } else if (placed + pending.length >= minimum) {
      if (group.waiting) group.stale = true;
      else this.parts.queue.activateGroup(group);
    } else incomplete = pending.length > 0;
    if (!incomplete) group.incompleteSinceSeconds = Number.NaN;
    else if (Number.isNaN(group.incompleteSinceSeconds)) group.incompleteSinceSeconds = timeSeconds;
    if (incomplete || broken) this.watched.add(group);
    else this.watched.delete(group);
  }

  /** Queues the groups that a change may have made room for. O(waiting groups × changes). */
  wake(): void {
    const { state, queue } = this.parts;
    const changed = state.changedSlots.size > 0 || state.movedShapes.size > 0 || state.everythingChanged;
    for (const group of this.waiting) {
      if (changed && !group.stale) group.stale = state.everythingChanged || this.concerns(group);
      if (!group.stale || state.timeSeconds < group.notBeforeSeconds) continue;
      this.waiting.delete(group);
      group.waiting = false;
      queue.activateGroup(group);
    }
  }

  /** Looks at groups that wait for members or repair: says so, or gives up. */
  look(): void {
    const { state, groups } = this.parts;
    for (const group of [...this.watched]) {
      if (groups.get(group.key) !== group) {
        this.watched.delete(group);
        continue;
      }
      if (state.timeSeconds - group.incompleteSinceSeconds >= INCOMPLETE_TOLD_SECONDS)
        this.tellIncomplete(group);
      const patience = state.options.gangRepairSeconds;
      if (patience > 0 && state.timeSeconds - group.brokenSinceSeconds >= patience) this.release(group);
    }
  }

  /** Decides on a group. @returns Pods placed. */
  attempt(group: PodGroup): number {
    const { state, placement, counters, queue } = this.parts;
    const pending = pendingIn(group);
    if (pending.length === 0) return 0;
    group.attempts++;
    for (const pod of pending) pod.attempts++;
    const outcome = attemptGang(state, placement, group);
    if (outcome.placed.length === 0) {
      this.waitAgain(group, pending, outcome.message, outcome.plugins);
      return 0;
    }
    for (const pod of outcome.placed) {
      this.pods.bind(pod);
      queue.placed(pod.shape);
    }
    counters.gangsPlaced++;
    group.waiting = false;
    this.waiting.delete(group);
    this.review(group.key);
    return outcome.placed.length;
  }

  private waitAgain(
    group: PodGroup,
    pending: readonly PodRecord[],
    message: string,
    plugins: readonly string[],
  ): void {
    const { state, counters } = this.parts;
    counters.unschedulable += pending.length;
    const pause = Math.min(RETRY_SECONDS_MIN + RETRY_SECONDS_MEMBER * pending.length, RETRY_SECONDS_MAX);
    group.notBeforeSeconds = state.timeSeconds + pause;
    group.waiting = true;
    group.stale = false;
    this.waiting.add(group);
    for (const pod of pending) this.pods.tell(pod, message, plugins);
  }

  private concerns(group: PodGroup): boolean {
    const { queue } = this.parts;
    const seen = new Set<number>();
    for (const pod of group.members) {
      if (pod.state !== PodState.InGroup || seen.has(pod.shape.id)) continue;
      seen.add(pod.shape.id);
      if (queue.concernsShape(pod.shape, pod.priority)) return true;
    }
    return false;
  }

  /** Nothing of the group is placed: members that came back one by one wait for the others again. */
  private gather(group: PodGroup): void {
    const { queue, state } = this.parts;
    if ((group.description?.minCount ?? 0) <= 1) return;
    for (const pod of group.members) {
      const alone =
        pod.state === PodState.BackingOff || pod.state === PodState.Waiting || pod.state === PodState.Active;
      if (!alone) continue;
      queue.leave(pod);
      state.clearNomination(pod);
      pod.state = PodState.InGroup;
      group.notBeforeSeconds = state.timeSeconds + RESTART_SECONDS;
    }
  }

  private tellIncomplete(group: PodGroup): void {
    const pending = pendingIn(group);
    const { description } = group;
    const message =
      description === undefined
        ? `waiting for the pod group ${nameOf(group)}: no such object`
        : `waiting for minCount pods from the pod group ${nameOf(group)}: ${pending.length + placedIn(group)} of ${description.minCount} exist`;
    for (const pod of pending) this.pods.tell(pod, message, ['GangScheduling']);
  }

  private release(group: PodGroup): void {
    const { emit, counters, state } = this.parts;
    const uids = [...group.members]
      .filter((pod) => pod.state === PodState.Bound && !pod.leaving)
      .map((p) => p.uid);
    const message = `pod group ${nameOf(group)} is released: ${uids.length} of at least ${group.description?.minCount} pods could be bound within ${state.options.gangRepairSeconds} s`;
    group.brokenSinceSeconds = state.timeSeconds;
    if (uids.length === 0) return;
    counters.gangsReleased++;
    emit({ kind: 'gang-release', group: group.key, uids, message });
  }
}
