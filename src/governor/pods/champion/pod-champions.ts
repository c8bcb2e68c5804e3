/**
 * Champions: waiting pods and gangs for which room is kept, so that what is smaller does not start in front of them for ever.
 *
 *     refused for lack of room, for `champion.afterSeconds` ──▶ a plan (`room-plan.ts`) ──▶ reservation: slots, a start
 *       others of the same or lower priority may use these slots if they end before that start, or leave room for the champion
 *     it starts anywhere ──▶ the slots are open      its time has come, and it has no room ──▶ another plan, postponed
 *
 * One champion in a contention domain: two claimants contend if a flavour serves both. Only in mode enforce; nothing is evicted
 * for a champion, and a pod that runs longer than expected postpones it by just that.
 *
 * Invariants: slots of two reservations are disjoint; a claimant has one at most. Bounded: `reservationsMax`, PLANS_MAX plans
 * in a review, VAIN_MAX claimants remembered for which there was no plan.
 */
import { assert } from '../../../kernel/assert.ts';
import { GPU_MILLI } from '../../../model/node.ts';
import type { AccountsRefusal } from '../../accounts.ts';
import { flavorBit } from '../../node-flavors.ts';
import type { Allowed, KeptRoom } from '../state/gang-types.ts';
import { isGroup, type PodGroup } from '../state/pod-groups.ts';
import type { PodRecord } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import type { Shape } from '../state/shape-table.ts';
import type { ChampionAdmission, ChampionClaims } from './champion-ports.ts';
import {
  type Claimant,
  claimantKey,
  claimantName,
  kindsOf,
  missingMembers,
  waitingMembers,
  waitsSince,
} from './claimants.ts';
import { coveredFlavors } from './lent-quota.ts';
import type { OrderedEnds } from './ordered-ends.ts';
import { GRACE_SECONDS, PodEnds } from './pod-ends.ts';
import { PodHeadroom } from './pod-headroom.ts';
import { type MemberKind, type PodRoomPlan, planPodRoom } from './room-plan.ts';

/** Seconds between two plans for one claimant. */
export const REPLAN_SECONDS = 30;
/** Most plans in one review, and seconds until the next one if more were due. */
export const PLANS_MAX = 4;
const REVIEW_SECONDS = 1;
/** Who was promised a start that is no farther away evicts nobody for an earlier one. */
export const SOON_SECONDS = 30;
/** Claimants remembered for which there was no plan. */
export const VAIN_MAX = 1024;

/** A champion. Live: read it, do not keep it across steps. */
export interface PodChampion {
  readonly claimant: Claimant;
  readonly key: string;
  /** Members that have to start together. */
  readonly pods: number;
  /** That they need together. */
  readonly gpus: number;
  /** The start of today's plan, and the one that it was promised first, seconds. */
  readonly startsBySeconds: number;
  readonly promisedSeconds: number;
  /** Slots that are kept for it. */
  readonly slots: readonly number[];
  /** Times that its start was put off. */
  readonly postponed: number;
}

interface Reservation {
  readonly claimant: Claimant;
  readonly key: string;
  readonly priority: number;
  /** Flavours that serve it, as bits. */
  readonly domain: number;
  readonly promisedSeconds: number;
  kinds: readonly MemberKind[];
  plan: PodRoomPlan;
  plannedAtSeconds: number;
  postponed: number;
}

/** Champions of one scheduler. Single writer of the room that is kept for them. */
export class PodChampions {
  readonly ends: PodEnds;
  /** Headroom of quotas and limits that is kept for a gang. */
  readonly headroom: PodHeadroom;
  /** Champions that started, and those of them not later than promised. */
  readonly promises = { made: 0, kept: 0 };
  private readonly state: SchedulerState;
  private readonly admission: ChampionAdmission;
  private list: readonly Reservation[] = [];
  /** Until when no plan is made for a claimant, by its key. */
  private readonly vain = new Map<string, number>();
  private nextReviewSeconds = Number.POSITIVE_INFINITY;
  /** The reservation that refused a slot last. */
  private refusedFor: Reservation | undefined;

  constructor(state: SchedulerState, admission: ChampionAdmission, claims: ChampionClaims) {
    this.state = state;
    this.admission = admission;
    this.ends = new PodEnds(state);
    this.headroom = new PodHeadroom(state, this.ends, claims);
  }

  /** Champions now. */
  get count(): number {
    return this.list.length;
  }

  /** Time of the next review; Infinity: none is due. */
  get dueSeconds(): number {
    return Math.min(this.nextReviewSeconds, this.headroom.dueSeconds);
  }

  /** True if room or headroom is kept from others. */
  get isKeeping(): boolean {
    return this.list.length > 0 || this.headroom.isKeeping;
  }

  /** Visits the champions, the first elected one first. */
  forEach(visit: (champion: PodChampion) => void): void {
    for (const { claimant, key, kinds, plan, promisedSeconds, postponed } of this.list) {
      const pods = kinds.reduce((sum, { count }) => sum + count, 0);
      const gpuMilli = kinds.reduce((sum, { shape, count }) => sum + count * shape.demand.gpuTotalMilli, 0);
      const { startSeconds: startsBySeconds } = plan;
      visit({
        claimant,
        key,
        pods,
        gpus: gpuMilli / GPU_MILLI,
        startsBySeconds,
        promisedSeconds,
        slots: [...plan.slots.keys()],
        postponed,
      });
    }
  }

  /** True if the start that a claimant was promised first is to come within SOON_SECONDS. O(champions). */
  startsSoon(claimant: Claimant): boolean {
    const { timeSeconds } = this.state;
    const key = claimantKey(claimant);
    const reservation = this.list.find((champion) => champion.key === key);
    if (reservation === undefined) return false;
    const ahead = reservation.promisedSeconds - timeSeconds;
    return ahead >= 0 && ahead <= SOON_SECONDS;
  }

  /** @returns Where room is kept for a claimant, and until when it starts; undefined: it is not a champion. O(champions). */
  planFor(key: string): { readonly nodes: number; readonly startsBySeconds: number } | undefined {
    const plan = this.list.find((reservation) => reservation.key === key)?.plan;
    return plan && { nodes: plan.slots.size, startsBySeconds: plan.startSeconds };
  }

  /** A pod or gang was refused for lack of room. O(1) for pods. */
  noteWaiting(claimant: Claimant): void {
    if (this.state.economy.mode !== 'enforce') return;
    const members = waitingMembers(claimant);
    if (members.length === 0) return;
    const due = waitsSince(members) + this.state.economy.champion.afterSeconds;
    this.nextReviewSeconds = Math.min(this.nextReviewSeconds, Math.max(due, this.state.timeSeconds));
  }

  /** A pod on a node has ended on its own. */
  ended(pod: PodRecord): void {
    if (this.state.economy.mode === 'enforce' && pod.node >= 0) this.ends.ended(pod);
  }

  /**
   * Renews the plans of champions and elects others, when that is due.
   *
   * @param candidates Pods and gangs that were refused for lack of room, in any order.
   * @param refused    Gangs that their accounts refuse, in any order.
   * @cost O(candidates + refused + pods), and a bounded number of plans; nothing before `dueSeconds`.
   */
  review(candidates: () => Iterable<Claimant>, refused: () => Iterable<PodGroup>): void {
    const { economy, timeSeconds } = this.state;
    let ends: OrderedEnds | undefined;
    const inOrder = (): OrderedEnds => {
      ends ??= this.ends.inOrder();
      return ends;
    };
    this.headroom.review(refused, inOrder);
    if (timeSeconds < this.nextReviewSeconds) return;
    this.nextReviewSeconds = Number.POSITIVE_INFINITY;
    if (economy.mode !== 'enforce') {
      for (const reservation of this.list) this.drop(reservation);
      return;
    }
    for (const reservation of this.list) this.renew(reservation, inOrder);
    this.elect([...candidates()], inOrder);
    for (const reservation of this.list) this.dueAt(reservation);
  }

  /** @returns A condition on nodes for a claimant that is expected to end then; undefined: no room is kept from it. */
  keptFrom(claimant: Claimant, members: readonly PodRecord[]): KeptRoom | undefined {
    this.refusedFor = undefined;
    if (this.list.length === 0) return undefined;
    const key = claimantKey(claimant);
    const { priority } = members[0] as PodRecord;
    const others = this.list.filter((other) => other.key !== key && priority <= other.priority);
    if (others.length === 0) return undefined;
    let runSeconds = 0;
    for (const pod of members) runSeconds = Math.max(runSeconds, this.ends.expectedRun(pod));
    const { timeSeconds, claimed } = this.state;
    const endSeconds = timeSeconds + runSeconds;
    const own = new Set(members.filter((pod) => claimed.has(pod)));
    const seats = new Set([...own].map(({ nominated }) => nominated));
    return (shape, slot) => {
      // Others were evicted for it there.
      if (seats.has(slot)) return true;
      for (const other of others) {
        if (this.leavesRoom(other, shape, slot, endSeconds, own)) continue;
        this.refusedFor = other;
        return false;
      }
      return true;
    };
  }

  /** @returns Why the last condition of `keptFrom` refused a slot; undefined: it did not. */
  get refusal(): AccountsRefusal | undefined {
    const { refusedFor } = this;
    if (refusedFor === undefined) return undefined;
    const startsBySeconds = Math.ceil(refusedFor.plan.startSeconds);
    return { code: 'room-reserved', data: { forJob: claimantName(refusedFor.claimant), startsBySeconds } };
  }

  /** @returns Why a claimant that the accounts admit waits for a gang's headroom; undefined: it does not. O(flavours × levels). */
  behindHeadroom(claimant: Claimant, members: readonly PodRecord[]): AccountsRefusal | undefined {
    if (!this.headroom.isKeeping) return undefined;
    const key = claimantKey(claimant);
    if (this.list.some((champion) => champion.key === key)) return undefined;
    return this.headroom.behind(claimant, members);
  }

  /** A pod or gang starts, with these members. */
  placed(claimant: Claimant, members: readonly PodRecord[]): void {
    this.headroom.placed(claimant, members);
    if (this.list.length === 0) return;
    const key = claimantKey(claimant);
    const reservation = this.list.find((other) => other.key === key);
    if (reservation === undefined) return;
    this.promises.made++;
    if (this.state.timeSeconds <= reservation.promisedSeconds + REVIEW_SECONDS) this.promises.kept++;
    this.drop(reservation);
  }

  private drop(reservation: Reservation): void {
    this.list = this.list.filter((other) => other !== reservation);
    this.state.opened(reservation.plan.slots.keys());
  }

  private renew(reservation: Reservation, ends: () => OrderedEnds): void {
    const { claimant, plan } = reservation;
    const { timeSeconds } = this.state;
    const members = waitingMembers(claimant);
    const missing = missingMembers(claimant);
    if (missing === 0 || members.length < missing || !this.isKnown(claimant)) {
      this.drop(reservation);
      return;
    }
    // Room is being made for it.
    if (this.hasClaim(members)) return;
    const isLate = plan.startSeconds <= timeSeconds || this.lostSlot(plan);
    if (!isLate && timeSeconds < reservation.plannedAtSeconds + REPLAN_SECONDS) return;
    reservation.plannedAtSeconds = timeSeconds;
    const kinds = kindsOf(members, missing);
    const next = this.plan(claimant, members, kinds, ends, reservation);
    if (next === undefined) {
      this.drop(reservation);
      return;
    }
    if (!isLate && next.startSeconds >= plan.startSeconds) return;
    if (next.startSeconds > plan.startSeconds) reservation.postponed++;
    reservation.plan = next;
    reservation.kinds = kinds;
    this.state.opened([...plan.slots.keys()].filter((slot) => !next.slots.has(slot)));
  }

  /** The longest waiting claimant of the highest priority first. */
  private elect(candidates: readonly Claimant[], ends: () => OrderedEnds): void {
    const { timeSeconds, economy } = this.state;
    const { afterSeconds, reservationsMax } = economy.champion;
    const ready: { readonly claimant: Claimant; readonly members: readonly PodRecord[]; since: number }[] =
      [];
    for (const claimant of candidates) {
      const members = waitingMembers(claimant);
      if (members.length === 0 || this.hasClaim(members)) continue;
      if (this.list.some(({ key }) => key === claimantKey(claimant))) continue;
      const since = waitsSince(members);
      if (since + afterSeconds <= timeSeconds) ready.push({ claimant, members, since });
      else this.nextReviewSeconds = Math.min(this.nextReviewSeconds, since + afterSeconds);
    }
    ready.sort(
      (x, y) =>
        y.claimant.priority - x.claimant.priority ||
        x.since - y.since ||
        x.claimant.sequence - y.claimant.sequence,
    );
    let plansLeft = PLANS_MAX;
    for (const { claimant, members } of ready) {
      if (this.list.length >= reservationsMax) return;
      const until = this.vain.get(claimantKey(claimant)) ?? Number.NEGATIVE_INFINITY;
      const domain = this.domainOf(members);
      if (this.list.some((other) => (other.domain & domain) !== 0)) continue;
      if (timeSeconds < until || plansLeft === 0) {
        const due = plansLeft === 0 ? timeSeconds + REVIEW_SECONDS : until;
        this.nextReviewSeconds = Math.min(this.nextReviewSeconds, due);
        continue;
      }
      plansLeft--;
      this.crown(claimant, members, domain, ends);
    }
  }

  private crown(
    claimant: Claimant,
    members: readonly PodRecord[],
    domain: number,
    ends: () => OrderedEnds,
  ): void {
    const { timeSeconds } = this.state;
    const missing = missingMembers(claimant);
    const isWhole = missing > 0 && members.length >= missing;
    const kinds = kindsOf(members, missing);
    const plan = isWhole ? this.plan(claimant, members, kinds, ends) : undefined;
    const key = claimantKey(claimant);
    if (plan === undefined || plan.startSeconds <= timeSeconds) {
      if (this.vain.size >= VAIN_MAX) this.vain.clear();
      this.vain.set(key, timeSeconds + REPLAN_SECONDS);
      this.nextReviewSeconds = Math.min(this.nextReviewSeconds, timeSeconds + REPLAN_SECONDS);
      return;
    }
    this.vain.delete(key);
    const { startSeconds: promisedSeconds } = plan;
    const { priority } = members[0] as PodRecord;
    const reservation = { claimant, key, priority, domain, promisedSeconds, kinds, plan };
    this.list = [...this.list, { ...reservation, plannedAtSeconds: timeSeconds, postponed: 0 }];
  }

  /**
   * @returns Undefined: its accounts do not admit it, nor would they if its quota were not lent, or there is no room
   *   even when all expected ends have come.
   */
  private plan(
    claimant: Claimant,
    members: readonly PodRecord[],
    kinds: readonly MemberKind[],
    ends: () => OrderedEnds,
    self?: Reservation,
  ): PodRoomPlan | undefined {
    const { admission, list } = this;
    const refusal = isGroup(claimant)
      ? admission.refusalOfGang(claimant, members, missingMembers(claimant))
      : admission.refusalOf(claimant);
    const restriction =
      refusal === undefined ? admission.restriction : this.onLentQuota(refusal, members, kinds);
    if (refusal !== undefined && restriction === undefined) return undefined;
    const taken = list.filter((other) => other !== self);
    const allowed = (slot: number): boolean =>
      (restriction?.(slot) ?? true) && !taken.some(({ plan }) => plan.slots.has(slot));
    const starting = this.startingBeside(members);
    return planPodRoom(this.state, { kinds, ends: ends(), starting, allowed });
  }

  private hasClaim(members: readonly PodRecord[]): boolean {
    const { claimed } = this.state;
    return claimed.size > 0 && members.some((pod) => claimed.has(pod));
  }

  /** Pods for which evictions free room, without some. */
  private startingBeside(members: readonly PodRecord[]): ReadonlySet<PodRecord> {
    const { claimed } = this.state;
    if (claimed.size === 0) return claimed;
    return new Set(
      [...claimed].filter((pod) => pod.nominated >= 0 && pod.node < 0 && !members.includes(pod)),
    );
  }

  /** @returns Where a quota covers what is refused because others borrow it; undefined: nowhere, or it is refused for another reason. */
  private onLentQuota(
    { code }: AccountsRefusal,
    members: readonly PodRecord[],
    kinds: readonly MemberKind[],
  ): Allowed | undefined {
    const { economy } = this.state;
    const { books } = economy;
    if (code !== 'quota-used-up' || books === undefined) return undefined;
    const covered = coveredFlavors(books, economy.tenantOf((members[0] as PodRecord).tenant), kinds);
    if (covered === 0) return undefined;
    return (slot) => (flavorBit(books.flavors.ofNode(slot)) & covered) !== 0;
  }

  /** Flavours that serve any of the members. O(kinds). */
  private domainOf(members: readonly PodRecord[]): number {
    const flavors = this.state.economy.books?.flavors;
    assert(flavors !== undefined, 'champions without an economy');
    let domain = 0;
    let last: Shape | undefined;
    for (const { shape } of members) {
      if (shape !== last) domain |= flavors.servingMask(shape.demand, shape.id);
      last = shape;
    }
    return domain;
  }

  /**
   * True if a pod that ends then leaves the room of a reservation as it is at its start. O(pods on the node).
   *
   * @param own Pods of the same claimant that claims keep room for.
   */
  private leavesRoom(
    { plan, kinds }: Reservation,
    shape: Shape,
    slot: number,
    endSeconds: number,
    own: ReadonlySet<PodRecord>,
  ): boolean {
    const counts = plan.slots.get(slot);
    if (counts === undefined || endSeconds <= plan.startSeconds) return true;
    const { accounts, slots, claimed, nominated } = this.state;
    const gone = (slots.pods[slot] ?? []).filter((pod) => this.ends.endOf(pod) <= plan.startSeconds);
    const starting = (nominated.get(slot) ?? []).filter(
      (pod) => claimed.has(pod) && !own.has(pod) && this.ends.endOf(pod) + GRACE_SECONDS > plan.startSeconds,
    );
    for (const pod of gone) accounts.add(slot, pod.shape.request, -1);
    const put = (sign: 1 | -1): void => {
      for (const pod of starting) accounts.add(slot, pod.shape.request, sign);
      kinds.forEach(({ shape: kind }, i) => {
        for (let n = counts[i] ?? 0; n > 0; n--) accounts.add(slot, kind.request, sign);
      });
    };
    put(1);
    const fits = accounts.fits(slot, shape.request);
    put(-1);
    for (const pod of gone) accounts.add(slot, pod.shape.request, 1);
    return fits;
  }

  private isKnown(claimant: Claimant): boolean {
    return isGroup(claimant) || this.state.pods.get(claimant.uid) === claimant;
  }

  /** True if a node of a plan is gone. */
  private lostSlot({ slots }: PodRoomPlan): boolean {
    for (const slot of slots.keys()) if (this.state.slots.descriptions[slot] === undefined) return true;
    return false;
  }

  private dueAt({ plan, plannedAtSeconds }: Reservation): void {
    const { timeSeconds } = this.state;
    // Never at once: a plan is not renewed while room is being made.
    const due = Math.min(plan.startSeconds, plannedAtSeconds + REPLAN_SECONDS);
    this.nextReviewSeconds = Math.min(this.nextReviewSeconds, Math.max(due, timeSeconds + REVIEW_SECONDS));
  }
}
