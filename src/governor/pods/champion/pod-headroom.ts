/**
 * Headroom of quotas and limits that is kept for a gang which its accounts refuse: what is lent, or left below a limit, otherwise goes to
 * small pods one by one, and a gang that needs much of it at once waits for ever. The pod scheduler's counterpart of
 * `queueing/headroom.ts`, over the same plans.
 *
 *     refused by its accounts, for `champion.afterSeconds` ──▶ a plan over the expected ends ──▶ claim: a flavour, a start
 *       nobody starts who would take of that headroom and is not expected to have returned it by then, unless
 *       there will be enough for both
 *     it starts ──▶ over      too late ──▶ given up, and the gang waits `champion.afterSeconds` again
 *
 * One claim at a time. Not held up: tenants within their quota, but for the gang's own tenant; higher priorities; champions of nodes; those for
 * whom others are evicted. So the start is an expectation, not a promise. Where ends are unknown nothing is kept. Only in mode enforce.
 */
import type { AccountsRefusal } from '../../accounts.ts';
import {
  type HeadroomEnd,
  type HeadroomNeed,
  type HeadroomPlan,
  HeadroomPlans,
} from '../../queueing/headroom-plans.ts';
import type { EconomyBooks } from '../economy/pod-economy.ts';
import type { PodGroup } from '../state/pod-groups.ts';
import type { PodRecord } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import type { ChampionClaims } from './champion-ports.ts';
import {
  type Claimant,
  claimantName,
  kindsOf,
  missingMembers,
  waitingMembers,
  waitsSince,
} from './claimants.ts';
import type { OrderedEnds } from './ordered-ends.ts';
import type { PodEnds } from './pod-ends.ts';

/** Refusals that others' ends change. */
const PASSING: ReadonlySet<string> = new Set(['limit-reached', 'quota-used-up']);
/** Seconds between two plans, for the claim and for a gang that there was none for. */
const HEADROOM_REPLAN_SECONDS = 30;
/** Most plans in one review, and seconds until the next one if more were due. */
const HEADROOM_PLANS_MAX = 4;
const REVIEW_SECONDS = 1;
/** A claim is given up after this many times its expected length, and this many seconds. */
const LENGTH_FACTOR = 2;
const LENGTH_SECONDS = 3600;

interface HeadroomClaim {
  readonly group: PodGroup;
  need: HeadroomNeed;
  /** Accounts that it was planned on. */
  books: EconomyBooks;
  flavor: number;
  startSeconds: number;
  /** Left of the plan's by those who have started since. */
  spare: HeadroomPlan['spare'];
  plannedAtSeconds: number;
  readonly untilSeconds: number;
}

/** The claim on headroom of one scheduler. */
export class PodHeadroom {
  private readonly state: SchedulerState;
  private readonly ends: PodEnds;
  private readonly claims: ChampionClaims;
  private claim: HeadroomClaim | undefined;
  /** Not planned for before, by gang. */
  private readonly notBefore = new WeakMap<PodGroup, number>();
  private nextReviewSeconds = Number.POSITIVE_INFINITY;

  constructor(state: SchedulerState, ends: PodEnds, claims: ChampionClaims) {
    this.state = state;
    this.ends = ends;
    this.claims = claims;
  }

  /** Time of the next review; Infinity: none is due. */
  get dueSeconds(): number {
    const { claim, state } = this;
    const isStale = claim !== undefined && claim.books !== state.economy.books;
    return isStale ? state.timeSeconds : this.nextReviewSeconds;
  }

  /** True if headroom is kept. */
  get isKeeping(): boolean {
    return this.claim !== undefined;
  }

  /** The accounts refuse a gang. O(members). */
  noteRefused(group: PodGroup, { code }: AccountsRefusal): void {
    const { economy, timeSeconds } = this.state;
    if (economy.mode !== 'enforce' || !PASSING.has(code) || this.claim !== undefined) return;
    const members = waitingMembers(group);
    if (members.length === 0) return;
    this.reviewAt(Math.max(this.readySeconds(group, members), timeSeconds));
  }

  /**
   * Renews the claim, or makes one for the gang of those refused that has the highest priority and has waited longest.
   *
   * @param refused Gangs that wait for their accounts, in any order.
   * @cost O(refused + pods), and HEADROOM_PLANS_MAX plans; nothing before `dueSeconds`.
   */
  review(refused: () => Iterable<PodGroup>, ends: () => OrderedEnds): void {
    const { economy, timeSeconds } = this.state;
    if (timeSeconds < this.dueSeconds) return;
    this.nextReviewSeconds = Number.POSITIVE_INFINITY;
    const books = economy.mode === 'enforce' ? economy.books : undefined;
    if (this.claim !== undefined && !this.isRenewed(this.claim, books, ends)) this.drop();
    if (this.claim === undefined && books !== undefined) this.elect(books, refused, ends);
    const { claim } = this;
    if (claim === undefined) return;
    const next = Math.min(claim.untilSeconds, claim.plannedAtSeconds + HEADROOM_REPLAN_SECONDS);
    this.nextReviewSeconds = Math.max(next, timeSeconds + REVIEW_SECONDS);
  }

  /** @returns Why a claimant that the accounts admit waits for a gang's headroom; undefined: it does not. O(flavours × levels). */
  behind(claimant: Claimant, members: readonly PodRecord[]): AccountsRefusal | undefined {
    const { claim, state } = this;
    if (claim === undefined || claim.group === claimant || claim.books !== state.economy.books)
      return undefined;
    const [first] = members;
    if (first === undefined || first.priority > claim.group.priority) return undefined;
    if (members.some((pod) => state.claimed.has(pod)) || this.hasReturned(claim, members)) return undefined;
    const plans = new HeadroomPlans(claim.books.accounts);
    const other = this.needOf(members, members.length);
    if (!plans.takes(claim.flavor, claim.need, other) || plans.isSpare(claim.flavor, claim, other)) {
      return undefined;
    }
    const expectedAtSeconds = Math.ceil(claim.startSeconds);
    return { code: 'headroom-reserved', data: { forJob: claimantName(claim.group), expectedAtSeconds } };
  }

  /** @returns What a report says to a gang that its accounts refuse; '' if nothing is kept for it. */
  textFor(group: PodGroup): string {
    const { claim } = this;
    if (claim?.group !== group) return '';
    return `headroom is kept for it: expected at ${Math.ceil(claim.startSeconds)}.`;
  }

  /** A pod or gang starts, with these members. */
  placed(claimant: Claimant, members: readonly PodRecord[]): void {
    const { claim } = this;
    if (claim === undefined) return;
    if (claim.group === claimant) this.drop();
    else if (claim.books === this.state.economy.books && !this.hasReturned(claim, members)) {
      const plans = new HeadroomPlans(claim.books.accounts);
      claim.spare = plans.spareAfter(claim.flavor, claim, this.needOf(members, members.length));
    }
  }

  /** True if pods that start now are expected to have ended by the claim's start. */
  private hasReturned(claim: HeadroomClaim, members: readonly PodRecord[]): boolean {
    let runSeconds = 0;
    for (const pod of members) runSeconds = Math.max(runSeconds, this.ends.expectedRun(pod));
    return this.state.timeSeconds + runSeconds <= claim.startSeconds;
  }

  private isRenewed(claim: HeadroomClaim, books: EconomyBooks | undefined, ends: () => OrderedEnds): boolean {
    const { timeSeconds } = this.state;
    const { group } = claim;
    const members = waitingMembers(group);
    const missing = missingMembers(group);
    if (books === undefined || missing === 0 || members.length < missing) return false;
    if (timeSeconds >= claim.untilSeconds) {
      this.notBefore.set(group, timeSeconds + this.state.economy.champion.afterSeconds);
      return false;
    }
    if (books === claim.books && timeSeconds < claim.plannedAtSeconds + HEADROOM_REPLAN_SECONDS) return true;
    const need = this.needOf(members, missing);
    const plan = this.planFor(books, need, ends);
    if (plan === undefined) return false;
    const isOther = plan.startSeconds > claim.startSeconds || plan.flavor !== claim.flavor;
    const hasMore = plan.spare.gpuTotalMilli > claim.spare.gpuTotalMilli;
    const { flavor, startSeconds, spare } = plan;
    Object.assign(claim, { need, books, flavor, startSeconds, spare, plannedAtSeconds: timeSeconds });
    // Others may end before, or need none of it.
    if (isOther || hasMore) this.openAll();
    return true;
  }

  private elect(books: EconomyBooks, refused: () => Iterable<PodGroup>, ends: () => OrderedEnds): void {
    const { timeSeconds } = this.state;
    const ready: { readonly group: PodGroup; readonly members: readonly PodRecord[]; since: number }[] = [];
    for (const group of refused()) {
      const members = waitingMembers(group);
      const missing = missingMembers(group);
      if (!PASSING.has(group.notAdmitted?.code ?? '') || missing < 2 || members.length < missing) continue;
      const at = this.readySeconds(group, members);
      if (at <= timeSeconds) ready.push({ group, members, since: waitsSince(members) });
      else this.reviewAt(at);
    }
    ready.sort(
      (x, y) =>
        y.group.priority - x.group.priority || x.since - y.since || x.group.sequence - y.group.sequence,
    );
    for (const [i, { group, members }] of ready.entries()) {
      if (i === HEADROOM_PLANS_MAX) {
        this.reviewAt(timeSeconds + REVIEW_SECONDS);
        return;
      }
      const need = this.needOf(members, missingMembers(group));
      const plan = this.planFor(books, need, ends);
      if (plan === undefined || plan.startSeconds <= timeSeconds) {
        this.notBefore.set(group, timeSeconds + HEADROOM_REPLAN_SECONDS);
        this.reviewAt(timeSeconds + HEADROOM_REPLAN_SECONDS);
        continue;
      }
      const { flavor, startSeconds, spare } = plan;
      const untilSeconds = timeSeconds + LENGTH_FACTOR * (startSeconds - timeSeconds) + LENGTH_SECONDS;
      const plannedAtSeconds = timeSeconds;
      this.claim = { group, need, books, flavor, startSeconds, spare, plannedAtSeconds, untilSeconds };
      // It is asked again, so that it hears of it.
      group.stale = true;
      return;
    }
  }

  /** @returns Undefined: not even when all pods with a known end have ended. */
  private planFor(books: EconomyBooks, need: HeadroomNeed, ends: () => OrderedEnds) {
    const { economy } = this.state;
    const { flavors, accounts } = books;
    // The accounts hold claims on freed room already, and their victims no more.
    const victims = this.claims.victims();
    function* returned(): Iterable<HeadroomEnd> {
      const ordered = ends();
      let at = 0;
      for (let end = ordered.at(at); end !== undefined; end = ordered.at(++at)) {
        const { pod, endSeconds } = end;
        if (endSeconds === Number.POSITIVE_INFINITY) return;
        const on = flavors.ofNode(pod.node);
        if (pod.node < 0 || on < 0 || victims.has(pod)) continue;
        yield {
          endSeconds,
          forEachPod: (visit) => visit(economy.tenantOf(pod.tenant), on, pod.shape.demand),
        };
      }
    }
    return new HeadroomPlans(accounts).planFor(need, returned, this.state.timeSeconds);
  }

  private needOf(members: readonly PodRecord[], count: number): HeadroomNeed {
    const kinds = kindsOf(members, count).map(({ shape, count: pods }) => {
      return { demand: shape.demand, count: pods, kind: shape.id };
    });
    return { account: this.state.economy.tenantOf((members[0] as PodRecord).tenant), kinds };
  }

  /** When it has waited long enough, or may be planned for again. */
  private readySeconds(group: PodGroup, members: readonly PodRecord[]): number {
    const ready = waitsSince(members) + this.state.economy.champion.afterSeconds;
    return Math.max(ready, this.notBefore.get(group) ?? Number.NEGATIVE_INFINITY);
  }

  private reviewAt(seconds: number): void {
    this.nextReviewSeconds = Math.min(this.nextReviewSeconds, seconds);
  }

  private drop(): void {
    this.claim = undefined;
    this.reviewAt(this.state.timeSeconds);
    this.openAll();
  }

  /** Others may start: those behind the claim are tried. */
  private openAll(): void {
    this.state.changes.everything = true;
    this.state.touchAll();
  }
}
