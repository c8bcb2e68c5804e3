/**
 * Decisions on groups: when enough members exist, all of them at once; repair where a binding failed; release where
 * repair fails.
 */

import { type AccountsRefusal, refusalWords } from '../../accounts.ts';
import type { GangRefusal } from '../state/gang-types.ts';
import { type GroupTally, isIncomplete, type PodGroup, pendingIn, tallyOf } from '../state/pod-groups.ts';
import { isLeaving, type PodRecord, PodState } from '../state/pod-records.ts';
import { awaitsVictims, NO_ROOM, otherCause, refusedFor } from '../state/report-cause.ts';
import { attemptGang, domainName, type GangOutcome } from './gang-attempts.ts';
import { gangRefusalText, incompleteText, releaseText } from './group-texts.ts';
import { joinedTexts, type PodDecisions } from './pod-decisions.ts';
import type { SchedulerParts } from './scheduler-parts.ts';

/** Seconds after which an incomplete group reports that. */
export const INCOMPLETE_TOLD_SECONDS = 10;
/** Seconds between two reviews of groups that wait for members or for repair. */
const LOOK_SECONDS = 1;
/**
 * Seconds for which the successors of ended members wait for others: the whole gang may be coming back, and starts at
 * once then. After that, fewer than the gang needs are decided one by one.
 */
export const SUCCESSORS_SECONDS = 1;
/** Between two attempts of a group lie a hundredth of a second, half a millisecond a member, and ten times what a search took, at most a second. */
const RETRY_SECONDS_MIN = 0.01;
const RETRY_SECONDS_MEMBER = 0.0005;
const RETRY_SECONDS_CHECK = 0.00002;
const RETRY_SECONDS_MAX = 1;
/** Most refusals kept for groups of the same kind. */
const REFUSALS_MAX = 1024;

/** A refusal that holds for all groups of the same kind as long as nothing has changed. */
interface Refused {
  readonly refusal: GangRefusal;
  readonly missing: number;
}

/** Decides groups as wholes. */
export class GroupDecisions {
  private readonly parts: SchedulerParts;
  private readonly pods: PodDecisions;
  /** Groups that failed, or may not be tried yet. */
  private readonly waiting = new Set<PodGroup>();
  /** Groups that wait for members, or for repair: reviewed from time to time. */
  private readonly watched = new Set<PodGroup>();
  private lookAtSeconds = 0;
  /** Refusals by the kind of the group, with the versions of the state at which they were found. */
  private readonly refusals = new Map<string, Refused>();
  private refusalsFor = '';

  constructor(parts: SchedulerParts, pods: PodDecisions) {
    this.parts = parts;
    this.pods = pods;
  }

  /** Time of the next review without an event. O(waiting groups). */
  get dueSeconds(): number {
    let due = this.watched.size > 0 ? this.lookAtSeconds : Number.POSITIVE_INFINITY;
    for (const group of this.waiting) if (group.stale) due = Math.min(due, group.notBeforeSeconds);
    return due;
  }

  /** Number of groups kept, for checks of bounds. */
  get kept(): number {
    return this.waiting.size + this.watched.size;
  }

  /** A group no longer exists. */
  forget(group: PodGroup): void {
    this.stand(group);
    this.watched.delete(group);
  }

  /** Reviews a group after a change of it: members, object, or the outcome of a binding. O(members). */
  review(key: string): void {
    const group = this.parts.groups.get(key);
    if (group === undefined) return;
    const { description } = group;
    let tally = this.judgeStart(group, tallyOf(group));
    if (description === undefined) this.stand(group);
    else if (description.unsupported.length > 0) this.refuse(group, description.unsupported);
    else {
      if (this.readmit(group)) tally = tallyOf(group);
      this.direct(group, description.minCount, tally);
    }
    this.watch(group, tally);
    this.followDomain(group);
  }

  /**
   * True if the gang has started, from what is known of it. In doubt it counts as started: running pods are never
   * evicted on a doubt.
   */
  private judgeStart(group: PodGroup, tally: GroupTally): GroupTally {
    const { timeSeconds } = this.parts.state;
    const minimum = group.description?.minCount ?? Number.POSITIVE_INFINITY;
    if (tally.placed > 0) {
      group.successorsSinceSeconds = Number.NaN;
      if (group.ended.size > 0 || tally.bound >= minimum) group.started = true;
      return tally;
    }
    const waiting = tally.pending + tally.alone;
    const successors = group.ended.size > 0 && waiting > 0 && waiting < minimum;
    group.successorsSinceSeconds = since(successors, group.successorsSinceSeconds, timeSeconds);
    group.started = successors && timeSeconds - group.successorsSinceSeconds >= SUCCESSORS_SECONDS;
    return !group.started && tally.alone > 0 && this.gather(group) ? tallyOf(group) : tally;
  }

  /** Members that waited for room in the group's domain are tried again when the domain changes. */
  private followDomain(group: PodGroup): void {
    const { domain: before } = group;
    group.domain = domainName(this.parts.state, group);
    if (before === '' || group.domain === before) return;
    for (const pod of group.members) if (pod.state === PodState.Waiting) this.parts.queue.activate(pod);
  }

  /** Queues the groups that a change may have made room for. O(waiting groups × changes). */
  wake(): void {
    const { state, queue } = this.parts;
    const { any } = state.changes;
    for (const group of this.waiting) {
      if (any && !group.stale && group.notAdmitted === undefined) group.stale = this.concerns(group);
      if (!group.stale || state.timeSeconds < group.notBeforeSeconds) continue;
      this.stand(group);
      queue.activateGroup(group);
    }
  }

  /** Reviews groups that wait for members or repair, from time to time: reports them, or releases them. */
  look(): void {
    const { state } = this.parts;
    if (this.watched.size === 0 || state.timeSeconds < this.lookAtSeconds) return;
    this.lookAtSeconds = state.timeSeconds + LOOK_SECONDS;
    for (const group of [...this.watched]) {
      if (!Number.isNaN(group.successorsSinceSeconds)) this.review(group.key);
      if (state.timeSeconds - group.incompleteSinceSeconds >= INCOMPLETE_TOLD_SECONDS) {
        this.tellIncomplete(group);
      }
      const patience = state.options.gangRepairSeconds;
      if (patience > 0 && state.timeSeconds - group.brokenSinceSeconds >= patience) this.release(group);
    }
  }

  /** Decides on a group. @returns Pods placed. */
  attempt(group: PodGroup): number {
    const { reclaim } = this.parts;
    reclaim.begin(group);
    const placed = this.tryGroup(group);
    reclaim.end(group);
    return placed;
  }

  private tryGroup(group: PodGroup): number {
    const { counters, admission, champions } = this.parts;
    const { placed, pending } = tallyOf(group);
    const minimum = group.description?.minCount ?? Number.POSITIVE_INFINITY;
    if (pending === 0 || placed >= minimum || placed + pending < minimum) {
      this.review(group.key);
      return 0;
    }
    group.attempts++;
    const members = seatedFirst(pendingIn(group), this.parts.state.claimed);
    for (const pod of members) pod.attempts++;
    group.reservedFor = undefined;
    group.notAdmitted = admission.refusalOfGang(group, members, minimum - placed);
    if (group.notAdmitted !== undefined) {
      const refusal = group.notAdmitted;
      if (!this.reclaimFor(group, members, refusal)) this.holdBack(group, members, refusal);
      return 0;
    }
    const behind = champions.behindHeadroom(group, members.slice(0, admission.pods));
    if (behind !== undefined) {
      group.reservedFor = behind;
      this.waitBehind(group, members, behind);
      return 0;
    }
    const { state } = this.parts;
    state.confinedTo = admission.restriction;
    state.keptRoom = champions.keptFrom(group, members);
    const outcome = this.outcomeOf(group, members.slice(0, admission.pods), minimum - placed);
    const { otherwise } = state.confinedTo === undefined ? { otherwise: undefined } : admission;
    const reserved = outcome.refusal === undefined ? undefined : this.reservedFrom(group);
    state.confinedTo = undefined;
    state.keptRoom = undefined;
    group.refusal = outcome.refusal;
    group.reservedFor = reserved;
    if (outcome.refusal !== undefined && this.reclaimFor(group, members, undefined)) return 0;
    if (reserved !== undefined) {
      this.waitBehind(group, members, reserved);
      return 0;
    }
    if (outcome.refusal !== undefined && otherwise !== undefined) {
      group.notAdmitted = otherwise;
      this.holdBack(group, members, otherwise);
      return 0;
    }
    if (outcome.refusal !== undefined) {
      this.waitAgain(group, members, outcome.refusal, outcome.searched);
      return 0;
    }
    for (const pod of outcome.placed) this.pods.bind(pod);
    champions.placed(group, outcome.placed);
    counters.gangsPlaced++;
    this.review(group.key);
    return outcome.placed.length;
  }

  /**
   * In mode enforce: room that the group is owed is made, or is coming.
   *
   * @param refusal Of the accounts; undefined: they admit it.
   * @returns       True if so; it waits for it.
   */
  private reclaimFor(
    group: PodGroup,
    members: readonly PodRecord[],
    refusal: AccountsRefusal | undefined,
  ): boolean {
    const { reclaim, counters } = this.parts;
    const room = reclaim.makeRoom(group, refusal);
    if (room?.kind !== 'coming') return false;
    const cause = awaitsVictims(room.victims, refusal);
    counters.unschedulable += members.length;
    group.notAdmitted = undefined;
    this.postpone(group, false);
    for (const pod of members) this.pods.tell(pod, room.text, ['TEG'], cause);
    return true;
  }

  /** The refusals of these tenants may be over, and what claims wait for may have come. O(waiting groups + claims). */
  wakeTenants(tenants: ReadonlySet<number>): void {
    for (const group of this.waiting) {
      if (group.notAdmitted !== undefined && tenants.has(group.tenant)) group.stale = true;
    }
    this.parts.reclaim.wakeTenants(tenants);
  }

  /** The accounts do not admit a group: it waits for them. */
  private holdBack(group: PodGroup, members: readonly PodRecord[], refusal: AccountsRefusal): void {
    this.parts.counters.unschedulable += members.length;
    this.postpone(group, false);
    const { champions, reclaim } = this.parts;
    champions.headroom.noteRefused(group, refusal);
    const kept = joinedTexts(refusalWords(refusal), champions.headroom.textFor(group));
    const message = joinedTexts(kept, reclaim.textFor(group));
    for (const pod of members) this.pods.tell(pod, message, ['TEG'], refusedFor(refusal));
  }

  /** @returns The champion's claim that keeps a group from the room there is; undefined: there is none for it anyhow. */
  private reservedFrom(group: PodGroup): AccountsRefusal | undefined {
    const { state, placement, champions } = this.parts;
    const { refusal } = champions;
    if (state.keptRoom === undefined || refusal === undefined) return undefined;
    state.keptRoom = undefined;
    return attemptGang(state, placement, group, true).refusal === undefined ? refusal : undefined;
  }

  /** Room is kept from a group: it is tried again after a change. */
  private waitBehind(group: PodGroup, members: readonly PodRecord[], refusal: AccountsRefusal): void {
    const { state, champions, counters } = this.parts;
    counters.unschedulable += members.length;
    group.notBeforeSeconds = state.timeSeconds + RETRY_SECONDS_MAX;
    this.postpone(group, false);
    champions.noteWaiting(group);
    const message = refusalWords(refusal);
    for (const pod of members) this.pods.tell(pod, message, ['TEG'], refusedFor(refusal));
  }

  /** The groups that wait for room. */
  *waitingForRoom(): Iterable<PodGroup> {
    for (const group of this.waiting) if (group.notAdmitted === undefined) yield group;
  }

  /** The groups that wait for their accounts. */
  *refusedByAccounts(): Iterable<PodGroup> {
    for (const group of this.waiting) if (group.notAdmitted !== undefined) yield group;
  }

  /** Tries a group, unless one of its kind was refused and nothing has changed. */
  private outcomeOf(group: PodGroup, members: readonly PodRecord[], missing: number): GangOutcome {
    const { state, placement } = this.parts;
    const now = `${state.anyVersion} ${state.version}`;
    if (this.refusalsFor !== now || this.refusals.size >= REFUSALS_MAX) this.refusals.clear();
    this.refusalsFor = now;
    const like = state.confinedTo === undefined ? likeOf(group, members) : '';
    const known = like === '' ? undefined : this.refusals.get(like);
    if (known !== undefined && missing >= known.missing) {
      return { placed: [], slots: [], refusal: { ...known.refusal, missing }, searched: 0 };
    }
    const outcome = attemptGang(state, placement, group, false, members);
    if (outcome.refusal !== undefined && like !== '' && state.keptRoom === undefined) {
      this.refusals.set(like, { refusal: outcome.refusal, missing });
    }
    return outcome;
  }

  /** The next state of the members of a group that is known and supported. */
  private direct(group: PodGroup, minimum: number, { placed, pending }: GroupTally): void {
    const { queue, state } = this.parts;
    if (minimum <= 1 || group.started || placed >= minimum) {
      this.stand(group);
      for (const pod of pendingIn(group)) queue.activate(pod);
    } else if (pending === 0 || placed + pending < minimum) this.stand(group);
    else if (group.waiting) group.stale = true;
    else if (state.timeSeconds < group.notBeforeSeconds) this.postpone(group, true);
    else queue.activateGroup(group);
  }

  /** Records since when a group is incomplete or broken. */
  private watch(group: PodGroup, before: GroupTally): void {
    const { timeSeconds } = this.parts.state;
    const tally = before.pending === 0 ? before : tallyOf(group);
    const minimum = group.description?.minCount ?? Number.POSITIVE_INFINITY;
    const incomplete = isIncomplete(group, tally);
    const broken =
      !group.started &&
      tally.placed < minimum &&
      group.description !== undefined &&
      tally.placed > 0 &&
      tally.pending + tally.alone > 0;
    group.incompleteSinceSeconds = since(incomplete, group.incompleteSinceSeconds, timeSeconds);
    group.brokenSinceSeconds = since(broken, group.brokenSinceSeconds, timeSeconds);
    if (!incomplete && !broken) this.watched.delete(group);
    else {
      if (this.watched.size === 0) this.lookAtSeconds = timeSeconds + LOOK_SECONDS;
      this.watched.add(group);
    }
  }

  /** A group is neither in the queue nor waits to come there. */
  private stand(group: PodGroup): void {
    this.waiting.delete(group);
    group.waiting = false;
    group.stale = false;
    group.notAdmitted = undefined;
    this.parts.queue.dropGroup(group);
  }

  private postpone(group: PodGroup, stale: boolean): void {
    group.waiting = true;
    group.stale = stale;
    this.waiting.add(group);
  }

  private waitAgain(
    group: PodGroup,
    pending: readonly PodRecord[],
    refusal: GangRefusal,
    searched: number,
  ): void {
    const { state, counters } = this.parts;
    counters.unschedulable += pending.length;
    const pause = RETRY_SECONDS_MIN + RETRY_SECONDS_MEMBER * pending.length + RETRY_SECONDS_CHECK * searched;
    group.notBeforeSeconds = state.timeSeconds + Math.min(pause, RETRY_SECONDS_MAX);
    this.postpone(group, false);
    this.parts.champions.noteWaiting(group);
    const stop = this.parts.reclaim.textFor(group);
    for (const pod of pending) {
      const { message, plugins } = gangRefusalText(state, group, pending, pod, refusal);
      this.pods.tell(pod, joinedTexts(message, stop), plugins, NO_ROOM);
    }
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

  /**
   * No member of the group is placed: members that wait one by one wait for the others again.
   *
   * @returns True if there were any. A member whose binding failed is not tried again before its back-off is over.
   */
  private gather(group: PodGroup): boolean {
    const { queue, state } = this.parts;
    if (group.description === undefined || group.description.minCount <= 1) return false;
    let any = false;
    for (const pod of group.members) {
      const { state: from } = pod;
      if (from !== PodState.BackingOff && from !== PodState.Waiting && from !== PodState.Active) continue;
      if (from === PodState.BackingOff) {
        group.notBeforeSeconds = Math.max(group.notBeforeSeconds, pod.untilSeconds);
      }
      queue.move(pod, PodState.InGroup);
      this.pods.clearNomination(pod);
      any = true;
    }
    if (any && state.timeSeconds < group.notBeforeSeconds) queue.dropGroup(group);
    return any;
  }

  /** TEG does not support the group's requirements: its waiting members are refused. */
  private refuse(group: PodGroup, unsupported: readonly string[]): void {
    this.stand(group);
    for (const pod of pendingIn(group)) this.pods.refuse(pod, unsupported, 'pod group');
  }

  /** The group is supported: members that were refused for it come back. @returns True if there were any. */
  private readmit(group: PodGroup): boolean {
    let any = false;
    for (const pod of group.members) {
      if (pod.state !== PodState.Refused || pod.shape.template.unsupported.length > 0) continue;
      this.parts.queue.move(pod, PodState.InGroup);
      any = true;
    }
    return any;
  }

  private tellIncomplete(group: PodGroup): void {
    const message = incompleteText(group);
    for (const pod of pendingIn(group))
      this.pods.tell(pod, message, ['GangScheduling'], otherCause('Unschedulable'));
  }

  private release(group: PodGroup): void {
    const { emit, counters, state } = this.parts;
    const uids = [...group.members]
      .filter((pod) => pod.state === PodState.Bound && !isLeaving(pod))
      .map((pod) => pod.uid);
    const message = releaseText(group, uids.length, state.options.gangRepairSeconds);
    group.brokenSinceSeconds = state.timeSeconds;
    if (uids.length === 0) return;
    counters.gangsReleased++;
    emit({ kind: 'gang-release', group: group.key, uids, message });
  }
}

/** @returns Members for which claims keep room before the others: the accounts may admit no more than these. */
function seatedFirst(members: readonly PodRecord[], claimed: ReadonlySet<PodRecord>): readonly PodRecord[] {
  if (claimed.size === 0 || !members.some((pod) => claimed.has(pod))) return members;
  return [...members.filter((pod) => claimed.has(pod)), ...members.filter((pod) => !claimed.has(pod))];
}

function since(holds: boolean, before: number, nowSeconds: number): number {
  if (!holds) return Number.NaN;
  return Number.isNaN(before) ? nowSeconds : before;
}

/**
 * The inputs of a group's fit: its pending members' shapes and priorities; '' where its topology or members elsewhere
 * matter, too.
 */
function likeOf(group: PodGroup, members: readonly PodRecord[]): string {
  if ((group.description?.topologyKeys.length ?? 0) > 0) return '';
  const parts: string[] = [];
  let count = 0;
  members.forEach((pod, i) => {
    count++;
    const next = members[i + 1];
    if (pod.nominated >= 0) parts.push(`nominated ${pod.uid}`);
    if (next?.shape === pod.shape && next.priority === pod.priority) return;
    parts.push(`${pod.shape.serial}:${pod.priority}x${count}`);
    count = 0;
  });
  return parts.join(' ');
}
