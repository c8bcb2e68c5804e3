/**
 * Evictions by the economy in the pod scheduler: who gives way when a pod or gang is owed room. Only in mode enforce.
 *
 *     not admitted, or no room ──▶ makeRoom ──planReclaim──▶ victims evicted, seats kept, amounts held ──▶ claim
 *       last victim gone ──▶ the claimant is decided ──▶ started      somebody took the room ──▶ again, elsewhere, or stop (`Claims`)
 *
 * The planner (`market/reclaim`) says whom; the trial is the scheduler's own placement with the victims off their nodes and off the
 * accounts. Here priority alone takes nothing from another tenant, unless the market's `priorityScope` or a system priority allows it:
 * preemption by priority alone (`preemption.ts`) is not used in this mode.
 *
 * Invariants: what a claim keeps is held in the accounts whenever another claimant is decided; nothing is evicted without a
 * placement of all that has to start together. Bounded: plans in vain by `RefusedPlans`, claims by `Claims`.
 */
import { EvictionRates } from '../../../market/reclaim/eviction-rates.ts';
import type { ReclaimPlan } from '../../../market/reclaim/reclaim-planner.ts';
import { TreeTenants } from '../../../market/reclaim/tree-tenants.ts';
import type { AccountsRefusal } from '../../accounts.ts';
import { flavorBit } from '../../node-flavors.ts';
import { type Claimant, missingMembers, waitingMembers } from '../champion/claimants.ts';
import type { EconomyBooks } from '../economy/pod-economy.ts';
import { isGroup, type PodGroup } from '../state/pod-groups.ts';
import { isPlaced, type PodRecord, PodState } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import { type PodClaim, PodClaims } from './pod-claims.ts';
import { PodDrains } from './pod-drains.ts';
import { gpusOf, type PlacedSeats, ReclaimPlans, ratePerHourOf } from './reclaim-plans.ts';
import type { ReclaimPorts, ReclaimSeat } from './reclaim-ports.ts';
import { RefusedPlans } from './refused-plans.ts';
import { type EvictablePod, type RunningUnit, RunningUnits } from './running-units.ts';
import { StartNumbers } from './start-numbers.ts';

/** Refusals of the accounts that an eviction may end. */
const CURABLE: ReadonlySet<string> = new Set(['quota-used-up', 'limit-reached', 'flavors-full']);

/** What came of a request for room. `coming`: victims are leaving. `stopped`: it may evict no more; the text says who interferes. */
export interface MadeRoom {
  readonly kind: 'coming' | 'stopped';
  readonly text: string;
  /** That are leaving. */
  readonly victims: number;
}

/** Counts since the start. */
export interface PodReclaimCounts {
  plans: number;
  refusals: number;
  /** Pods evicted, by reason. */
  readonly evicted: Record<'priority' | 'within' | 'reclaim' | 'fair-share' | 'drain', number>;
  /** GPU-seconds, and by name of the tenant that lost them, of those that are there. */
  workLost: number;
  readonly workLostOf: Map<string, number>;
  /** Claims whose room others took. */
  taken: number;
}

/** The evictions of one scheduler. */
export class PodReclaim {
  readonly counts: PodReclaimCounts = {
    plans: 0,
    refusals: 0,
    evicted: { priority: 0, within: 0, reclaim: 0, 'fair-share': 0, drain: 0 },
    workLost: 0,
    workLostOf: new Map(),
    taken: 0,
  };
  readonly claims: PodClaims;
  private readonly state: SchedulerState;
  private readonly ports: ReclaimPorts;
  private readonly drains: PodDrains;
  private readonly plans: ReclaimPlans;
  private readonly starts = new StartNumbers();
  private readonly refused = new RefusedPlans<Claimant>();
  private rates = new EvictionRates();
  private books: EconomyBooks | undefined;
  private tenants: TreeTenants | undefined;

  constructor(state: SchedulerState, ports: ReclaimPorts, groupOf: (key: string) => PodGroup | undefined) {
    this.state = state;
    this.ports = ports;
    const { starts } = this;
    this.claims = new PodClaims(state, ports, starts);
    const { claims } = this;
    const running = new RunningUnits({ state, groupOf, budgetsOf: (pod) => ports.budgetsOf(pod), starts });
    this.plans = new ReclaimPlans({ state, ports, claims, running });
    this.drains = new PodDrains();
  }

  /** Time of the next review without an event. O(1), O(kinds of refused claimants) after a change of them. */
  get dueSeconds(): number {
    return Math.min(this.drains.dueSeconds, this.refused.dueSeconds);
  }

  /** Claimants for which no evictions could be planned, and that are tried again. For checks of bounds. */
  get refusedCount(): number {
    return this.refused.size;
  }

  /** @returns The number of a pod's start; 0: no plan has seen it yet. For checks of the order. */
  startNumberOf(pod: PodRecord): number {
    return this.starts.of(pod);
  }

  /** Follows the economy, drains, and wakes who may be planned for again. Before decisions. O(claims) if nothing is due. */
  review(): void {
    const { economy, timeSeconds } = this.state;
    const books = economy.mode === 'enforce' ? economy.books : undefined;
    if (books !== this.books) this.follow(books);
    for (const claim of this.claims.openClaims()) {
      if (books === undefined || this.isOver(claim.claimant)) this.claims.close(claim);
      else this.claims.hold(claim);
    }
    this.claims.forgetStopped((claimant) => books === undefined || this.isOver(claimant));
    if (books === undefined || this.tenants === undefined) return;
    if (this.drains.dueSeconds <= timeSeconds) this.drain(books, this.tenants);
    for (const claimant of this.refused.take(timeSeconds, (each) => this.judge(each, books)))
      this.ports.wake(claimant);
  }

  /** What is on slots has changed so that a plan may be possible: less runs there, or what runs may be evicted. O(slots + kinds). */
  changed(slots: Iterable<number>): void {
    const { books } = this.state.economy;
    if (books === undefined || this.refused.size === 0) return;
    let flavors = 0;
    for (const slot of slots) flavors |= flavorBit(books.flavors.ofNode(slot));
    if (flavors !== 0) this.refused.changed(flavors);
  }

  /** The same of all nodes. */
  changedAll(): void {
    if (this.refused.size > 0) this.refused.changed(-1);
  }

  /** A claimant is about to be decided: what is held for its claim is not in its own way. */
  begin(claimant: Claimant): void {
    const claim = this.claims.get(claimant);
    if (claim !== undefined) this.claims.lift(claim);
  }

  /** It was decided. */
  end(claimant: Claimant): void {
    if (this.refused.size > 0 && this.isOver(claimant)) this.refused.forget(claimant);
    const claim = this.claims.get(claimant);
    if (claim === undefined) return;
    if (missingMembers(claimant) === 0 || this.isOver(claimant)) this.claims.close(claim);
    else this.claims.hold(claim);
  }

  /** No decisions are made for now: the accounts hold what runs, and nothing else. O(claims). */
  rest(): void {
    if (this.claims.size > 0) for (const claim of this.claims.openClaims()) this.claims.lift(claim);
  }

  /** A pod leaves the scheduler's state. */
  gone(pod: PodRecord): void {
    this.refused.forget(pod);
    const isVictim = this.claims.claimOf(pod) !== undefined;
    const ready = this.claims.podGone(pod);
    if (ready !== undefined) this.ports.wake(ready.claimant);
    if (!isVictim) return;
    // Others whose own victims are gone waited for this one, too, if it left one of their nodes.
    for (const claim of this.claims.openClaims()) {
      if (this.claims.stateOf(claim)?.leaving.size === 0) this.ports.wake(claim.claimant);
    }
  }

  /** A victim could not be evicted. @returns True if it was one of a claim's. */
  evictionFailed(victim: PodRecord, reason: string): boolean {
    if (victim.node >= 0) this.changed([victim.node]);
    const claim = this.claims.claimOf(victim);
    if (claim === undefined) return false;
    this.claims.taken(claim, `${nameOf(victim)} (it could not be evicted: ${reason})`);
    this.ports.wake(claim.claimant);
    return true;
  }

  /** The refusals of these tenants may be over: others may return what a claim waits for earlier than its victims do. O(claims). */
  wakeTenants(tenants: ReadonlySet<number>): void {
    for (const { claimant } of this.claims.openClaims()) {
      if (tenants.has(claimant.tenant)) this.ports.wake(claimant);
    }
  }

  /**
   * @param refusal Of the accounts; undefined: they admit the claimant, and it found no room.
   * @returns       What is done so that it gets room; undefined: nothing. Between `begin` and `end`.
   */
  makeRoom(claimant: Claimant, refusal: AccountsRefusal | undefined): MadeRoom | undefined {
    const { state, claims, books, tenants } = this;
    if (books === undefined || tenants === undefined || !state.options.preemption) return undefined;
    // A budget, a hold, or a limit that rules it out for ever: no eviction helps, and room is kept for nobody who may not start.
    if (refusal !== undefined && !CURABLE.has(refusal.code)) {
      const open = claims.get(claimant);
      if (open !== undefined) claims.close(open);
      return undefined;
    }
    const stop = claims.stopOf(claimant);
    if (stop !== undefined) return stopped(stop);
    const claim = claims.get(claimant);
    if (claim !== undefined) {
      const { leaving } = claims.stateOf(claim) ?? {};
      if (leaving !== undefined && leaving.size > 0) return coming(leaving.size);
      // What is free on its nodes may be kept for other claims, and victims of claims that started elsewhere may be leaving still.
      const others = this.leavingSeats(claim);
      if (others > 0) return coming(others);
      this.counts.taken++;
      const verdict = claims.taken(claim, this.takerOf(claim));
      if (verdict.kind === 'stop') return stopped(verdict.reason);
    }
    // The work that victims would lose is worth more than the seconds that it would gain.
    if (claim === undefined && this.ports.startsSoon(claimant)) return undefined;
    const made = this.plan(claimant, claim, books, tenants);
    if (made === undefined && claim !== undefined) claims.close(claim);
    return made;
  }

  /** @returns What a report says about evictions for a pod that got no room; '' if there is nothing to say. */
  textFor(claimant: Claimant): string {
    const stop = this.claims.stopOf(claimant);
    return stop === undefined ? '' : `reclaim: stopped: ${stop}.`;
  }

  private plan(
    claimant: Claimant,
    claim: PodClaim | undefined,
    books: EconomyBooks,
    tenants: TreeTenants,
  ): MadeRoom | undefined {
    const { state } = this;
    const { timeSeconds } = state;
    const members = isGroup(claimant) ? waitingMembers(claimant) : [claimant];
    const missing = missingMembers(claimant);
    const first = members[0];
    if (first === undefined || missing === 0 || members.length < missing) return undefined;
    const account = state.economy.tenantOf(first.tenant);
    const kind = `${account} ${first.priority} ${first.shape.serial} ${missing}`;
    const flavors = books.flavors.servingMask(first.shape.demand, first.shape.id);
    const mayClaim = this.plans.mayClaim(books, account, members.slice(0, missing));
    if (!mayClaim || (claim === undefined && !this.refused.isOpen(kind, timeSeconds))) {
      if (!mayClaim) this.refused.shut(kind, flavors, timeSeconds);
      this.refused.wait(claimant, kind, flavors);
      return undefined;
    }
    const { rates } = this;
    const units = this.plans.units(books, tenants, claimant);
    const plan = this.plans.planOn(
      { claimant, members, missing, account, books, tenants, units, rates },
      claim,
    );
    if (plan === undefined || plan.kind === 'none') {
      this.counts.refusals++;
      this.refused.refuse(kind, flavors, timeSeconds, plan?.retrySeconds ?? Infinity);
      this.refused.wait(claimant, kind, flavors);
      return undefined;
    }
    this.refused.succeeded(kind);
    this.refused.forget(claimant);
    this.carryOut(claimant, books, plan);
    return coming(plan.victims.reduce((sum, { pods }) => sum + pods.length, 0));
  }

  private carryOut(claimant: Claimant, books: EconomyBooks, plan: ReclaimPlan<PlacedSeats>): void {
    const { counts, state, rates } = this;
    const { seats } = plan.placement;
    counts.plans++;
    const victims = plan.victims.map(({ unit, pods }) => ({
      unit: unit as RunningUnit,
      pods: pods as readonly EvictablePod[],
    }));
    const flavor = books.flavors.ofNode((seats[0] as ReclaimSeat).slot);
    this.claims.open(claimant, flavor, victims, seats);
    for (const { unit, pods, reason, workLost } of plan.victims) {
      counts.evicted[reason] += pods.length;
      this.countLost(books, unit.tenant, workLost);
      if (reason === 'reclaim' || reason === 'fair-share') {
        const { tenant } = unit;
        rates.charge(
          tenant,
          state.timeSeconds,
          gpusOf(books, tenant),
          ratePerHourOf(books, tenant),
          workLost,
        );
      }
      for (const { record } of pods as readonly EvictablePod[])
        this.ports.evict(record, reason, seats[0]?.pod);
    }
  }

  private drain(books: EconomyBooks, tenants: TreeTenants): void {
    const { state, counts } = this;
    const units = this.plans.units(books, tenants, undefined);
    for (const { unit, workLost } of this.drains.take(units, state.timeSeconds)) {
      counts.evicted.drain += unit.pods.length;
      this.countLost(books, unit.tenant, workLost);
      for (const { record } of unit.pods) this.ports.evict(record, 'drain', undefined);
    }
  }

  private countLost({ table }: EconomyBooks, tenant: number, workLost: number): void {
    const { counts } = this;
    const name = table.nameOf(tenant);
    counts.workLost += workLost;
    counts.workLostOf.set(name, (counts.workLostOf.get(name) ?? 0) + workLost);
  }

  private follow(books: EconomyBooks | undefined): void {
    // Tenants have other numbers now.
    this.rates = new EvictionRates();
    if (books === undefined) this.refused.clear();
    else this.refused.openAll();
    this.books = books;
    const { workLostOf } = this.counts;
    for (const name of workLostOf.keys()) {
      if (books !== undefined && !books.tree.has(books.table.find(name))) workLostOf.delete(name);
    }
    this.tenants = books === undefined ? undefined : new TreeTenants(books.tree);
    this.drains.follow(books?.tree, this.state.timeSeconds);
  }

  /** Whether a claimant that was refused is to be decided now. O(flavours × levels + members). */
  private judge(claimant: Claimant, books: EconomyBooks): 'now' | 'later' | 'over' {
    if (this.isOver(claimant)) return 'over';
    const members = waitingMembers(claimant);
    const missing = missingMembers(claimant);
    const [first] = members;
    if (first === undefined || members.length < missing) return 'over';
    const account = this.state.economy.tenantOf(first.tenant);
    return this.plans.mayClaim(books, account, members.slice(0, missing)) ? 'now' : 'later';
  }

  /** True if nothing of a claimant waits any more. */
  private isOver(claimant: Claimant): boolean {
    if (isGroup(claimant)) return missingMembers(claimant) === 0 || waitingMembers(claimant).length === 0;
    const { state } = claimant;
    const waits = state === PodState.Waiting || state === PodState.Active || state === PodState.BackingOff;
    return !waits || this.state.pods.get(claimant.uid) !== claimant;
  }

  /** Victims of any claim, past ones included, that still are on the nodes of a claim. O(pods on them). */
  private leavingSeats(claim: PodClaim): number {
    let leaving = 0;
    for (const slot of new Set(claim.seats.map((seat) => seat.slot))) {
      for (const pod of this.state.slots.pods[slot] ?? []) if (pod.evicted) leaving++;
    }
    return leaving;
  }

  /** @returns Who is on the seats of a claim and was not when it was made; for people. O(pods on them). */
  private takerOf(claim: PodClaim): string {
    const { slots } = this.state;
    const since = this.claims.stateOf(claim)?.sinceSeconds ?? 0;
    for (const { slot } of claim.seats) {
      const taker = slots.pods[slot]?.find((pod) => isPlaced(pod) && pod.stateSeconds >= since);
      if (taker !== undefined) return `${taker.ours ? 'pod' : "another scheduler's pod"} ${nameOf(taker)}`;
    }
    return `a change of node ${slots.nameOf(claim.seats[0]?.slot ?? -1)}`;
  }
}

function stopped(why: string): MadeRoom {
  return { kind: 'stopped', text: `reclaim: stopped: ${why}`, victims: 0 };
}

function coming(pods: number): MadeRoom {
  return {
    kind: 'coming',
    text: `reclaim: waiting for ${pods} ${pods === 1 ? 'victim' : 'victims'} to leave`,
    victims: pods,
  };
}

function nameOf({ namespace, name }: PodRecord): string {
  return `${namespace}/${name}`;
}
