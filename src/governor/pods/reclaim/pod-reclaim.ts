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
import {
  planReclaim,
  type ReclaimPlan,
  type ReclaimRefusal,
} from '../../../market/reclaim/reclaim-planner.ts';
import {
  type ReclaimPlacement,
  type ReclaimWorld,
  SYSTEM_PRIORITY_MIN,
} from '../../../market/reclaim/reclaim-world.ts';
import { TreeTenants } from '../../../market/reclaim/tree-tenants.ts';
import type { SearchLimits } from '../../../market/reclaim/victim-search.ts';
import { QUOTA_GPU } from '../../../market/tenants/spec.ts';
import { CLUSTER_TENANT } from '../../../market/tenants/tenant-tree.ts';
import { addPods, newAmounts } from '../../../market/tenants/tenant-usage.ts';
import { GPU_MILLI } from '../../../model/node.ts';
import type { AccountsRefusal } from '../../accounts.ts';
import { type Claimant, claimantKey, missingMembers, waitingMembers } from '../champion/claimants.ts';
import type { EconomyBooks } from '../economy/pod-economy.ts';
import { isGroup, type PodGroup } from '../state/pod-groups.ts';
import { isPlaced, type PodRecord, PodState } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import { type PodClaim, PodClaims } from './pod-claims.ts';
import { PodDrains } from './pod-drains.ts';
import type { ReclaimPorts, ReclaimSeat } from './reclaim-ports.ts';
import { RefusedPlans } from './refused-plans.ts';
import { type EvictablePod, type RunningUnit, RunningUnits } from './running-units.ts';

/** A trial places a whole gang. */
const LIMITS: SearchLimits = { trialsMax: 200, placesMax: 8, exactItemsMax: 12 };
/** Claimants kept that are to be tried again at a time. */
const RETRIES_MAX = 10_000;
/** Refusals of the accounts that an eviction may end. */
const CURABLE: ReadonlySet<string> = new Set(['quota-used-up', 'limit-reached', 'flavors-full']);

/** What came of a request for room. `coming`: victims are leaving. `stopped`: it may evict no more; the text says who interferes. */
export interface MadeRoom {
  readonly kind: 'coming' | 'stopped';
  readonly text: string;
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

interface Placed extends ReclaimPlacement {
  readonly seats: readonly ReclaimSeat[];
}

interface PlanFor {
  readonly claimant: Claimant;
  readonly members: readonly PodRecord[];
  readonly missing: number;
  readonly account: number;
  readonly books: EconomyBooks;
  readonly tenants: TreeTenants;
  readonly units: readonly RunningUnit[];
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
  private readonly running: RunningUnits;
  private readonly drains: PodDrains;
  private readonly refused = new RefusedPlans();
  private readonly retries = new Map<Claimant, number>();
  private rates = new EvictionRates();
  private books: EconomyBooks | undefined;
  private tenants: TreeTenants | undefined;

  constructor(state: SchedulerState, ports: ReclaimPorts, groupOf: (key: string) => PodGroup | undefined) {
    this.state = state;
    this.ports = ports;
    this.claims = new PodClaims(state, ports);
    this.running = new RunningUnits({ state, groupOf, budgetsOf: (pod) => ports.budgetsOf(pod) });
    this.drains = new PodDrains();
  }

  /** Time of the next review without an event. O(claimants that are tried again). */
  get dueSeconds(): number {
    let due = this.drains.dueSeconds;
    for (const at of this.retries.values()) due = Math.min(due, at);
    return due;
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
    for (const [claimant, at] of this.retries) {
      if (at > timeSeconds) continue;
      this.retries.delete(claimant);
      if (!this.isOver(claimant)) this.ports.wake(claimant);
    }
  }

  /** A claimant is about to be decided: what is held for its claim is not in its own way. */
  begin(claimant: Claimant): void {
    const claim = this.claims.get(claimant);
    if (claim !== undefined) this.claims.lift(claim);
  }

  /** It was decided. */
  end(claimant: Claimant): void {
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
    const ready = this.claims.podGone(pod);
    if (ready !== undefined) this.ports.wake(ready.claimant);
  }

  /** A victim could not be evicted. @returns True if it was one of a claim's. */
  evictionFailed(victim: PodRecord, reason: string): boolean {
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
    if (stop !== undefined) return { kind: 'stopped', text: `reclaim: stopped: ${stop}` };
    const claim = claims.get(claimant);
    if (claim !== undefined) {
      const { leaving } = claims.stateOf(claim) ?? {};
      if (leaving !== undefined && leaving.size > 0) return coming(leaving.size);
      // What is free on its nodes may be kept for claims whose victims are leaving still.
      const others = claims.leavingPods().filter(({ node }) => claim.seats.some(({ slot }) => slot === node));
      if (others.length > 0) return coming(others.length);
      this.counts.taken++;
      const verdict = claims.taken(claim, this.takerOf(claim));
      if (verdict.kind === 'stop') return { kind: 'stopped', text: `reclaim: stopped: ${verdict.reason}` };
    }
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
    if (!this.mayClaim(books, account, members.slice(0, missing))) return undefined;
    const kind = `${account} ${first.priority} ${first.shape.id} ${missing}`;
    const openAt = this.refused.openAt(kind, timeSeconds);
    if (claim === undefined && openAt > timeSeconds) {
      this.retryAt(claimant, openAt);
      return undefined;
    }
    const units = this.units(books, tenants, claimant);
    const plan = this.planOn({ claimant, members, missing, account, books, tenants, units }, claim);
    if (plan === undefined || plan.kind === 'none') {
      this.counts.refusals++;
      this.retryAt(claimant, this.refused.refuse(kind, timeSeconds, plan?.retrySeconds ?? Infinity));
      return undefined;
    }
    this.refused.succeeded(kind);
    this.carryOut(claimant, books, plan);
    return coming(plan.victims.reduce((sum, { pods }) => sum + pods.length, 0));
  }

  /** All that runs or is about to, but for the claim of a claimant. */
  private units(
    books: EconomyBooks,
    tenants: TreeTenants,
    claimant: Claimant | undefined,
  ): readonly RunningUnit[] {
    const { claims } = this;
    claims.forgetIds();
    const others = claims.openClaims().filter((claim) => claim.claimant !== claimant);
    const leaving = new Set(claims.leavingPods());
    return this.running.list(books, tenants, (key) => claims.idOf(key), others, leaving);
  }

  /** Tries the flavours that could serve the claimant one by one. @returns Undefined: it fits as it is, or nothing serves it. */
  private planOn(
    given: PlanFor,
    claim: PodClaim | undefined,
  ): ReclaimPlan<Placed> | ReclaimRefusal | undefined {
    const { claimant, members, missing, account, books, tenants } = given;
    const { flavors, tree } = books;
    const first = members[0] as PodRecord;
    const before = claim === undefined ? undefined : this.claims.stateOf(claim);
    const mask = flavors.servingMask(first.shape.demand, first.shape.id);
    let refusal: ReclaimRefusal | undefined;
    for (let flavor = 0; flavor < tree.market.flavors.length; flavor++) {
      if (((mask >> flavor) & 1) === 0) continue;
      const amounts = new Float64Array(tenants.cells.length);
      for (const { shape } of members.slice(0, missing)) {
        tenants.amountsOf(flavor, shape.demand).forEach((amount, at) => {
          amounts[at] = (amounts[at] as number) + amount / missing;
        });
      }
      const plan = planReclaim(
        this.worldOf(given, flavor),
        {
          id: this.claims.idOf(`claim ${claimantKey(claimant)}`),
          tenant: account,
          priority: first.priority,
          minimum: missing,
          amounts,
          mayEvict: true,
        },
        {
          limits: LIMITS,
          ...(before === undefined ? {} : { evicted: before.evicted, avoided: before.avoided }),
        },
      );
      if (plan.kind === 'plan') return plan;
      if (plan.kind === 'none' && (refusal === undefined || plan.retrySeconds < refusal.retrySeconds))
        refusal = plan;
    }
    return refusal;
  }

  private worldOf(given: PlanFor, flavor: number): ReclaimWorld<Placed> {
    const { claimant, books, tenants, units } = given;
    const { timeSeconds } = this.state;
    return {
      nowSeconds: timeSeconds,
      dimensions: tenants.cells.length,
      tenants,
      priorityScope: books.tree.market.priorityScope,
      units,
      allowanceOf: (budget) => this.ports.allowanceOf(budget),
      withinRate: (tenant) =>
        this.rates.isOpen(tenant, timeSeconds, gpusOf(books, tenant), ratePerHourOf(books, tenant)),
      fitsWithout: (victims, avoided) =>
        this.without(victims as readonly EvictablePod[], books, () => {
          const { state } = this;
          state.confinedTo = (slot) => books.flavors.ofNode(slot) === flavor && !avoided.has(slot);
          const seats = this.ports.trial(claimant);
          state.confinedTo = undefined;
          if (seats === undefined || !this.hasHeadroom(given, seats, flavor)) return undefined;
          return { seats, places: seats.map(({ slot }) => slot) };
        }),
    };
  }

  /**
   * Runs a question as if some pods were gone, from their nodes and from the accounts. Victims of claims are gone from their nodes: the
   * claims' seats are counted there instead, as their amounts are in the accounts.
   */
  private without<T>(victims: readonly EvictablePod[], { accounts, flavors }: EconomyBooks, ask: () => T): T {
    const { state } = this;
    const leaving = this.claims.leavingPods();
    const slots = leaving.map(({ node }) => node);
    const homes = victims.map(({ record }) => record.node);
    const flavorsOf = homes.map((slot) => flavors.ofNode(slot));
    const tenantsOf = victims.map(({ record }) => state.economy.tenantOf(record.tenant));
    state.zones.beginTrial();
    victims.forEach(({ record }, i) => {
      const flavor = flavorsOf[i] as number;
      if (flavor >= 0) accounts.usage.release(tenantsOf[i] as number, flavor, record.shape.demand);
      state.forget(record);
    });
    for (const pod of leaving) state.forget(pod);
    const answer = ask();
    for (let i = leaving.length - 1; i >= 0; i--) state.assume(leaving[i] as PodRecord, slots[i] as number);
    for (let i = victims.length - 1; i >= 0; i--) {
      const { record } = victims[i] as EvictablePod;
      const flavor = flavorsOf[i] as number;
      state.assume(record, homes[i] as number);
      if (flavor >= 0) accounts.usage.hold(tenantsOf[i] as number, flavor, record.shape.demand);
    }
    state.zones.endTrial();
    return answer;
  }

  /** True if the accounts would admit those on the seats on a flavour. */
  private hasHeadroom({ account, books }: PlanFor, seats: readonly ReclaimSeat[], flavor: number): boolean {
    const needs = newAmounts(books.tree);
    for (const { pod } of seats) addPods(needs, flavor, pod.shape.demand, 1);
    return books.accounts.usage.mayHold(account, needs);
  }

  private carryOut(claimant: Claimant, books: EconomyBooks, plan: ReclaimPlan<Placed>): void {
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

  /** @returns False if no eviction could be allowed, without looking at what runs. O(priorities + flavours × levels). */
  private mayClaim(
    { tree, accounts, flavors }: EconomyBooks,
    account: number,
    members: readonly PodRecord[],
  ): boolean {
    const { state } = this;
    const { priority, shape } = members[0] as PodRecord;
    if (members.some((pod) => pod.shape.template.preemptionPolicy === 'Never')) return false;
    if (tree.heldBy(account, state.timeSeconds) !== CLUSTER_TENANT) return false;
    const isLower = state.hasLowerThan(priority);
    if (priority >= SYSTEM_PRIORITY_MIN) return isLower;
    if (accounts.budgets.isIdleOnly(account, state.timeSeconds)) return false;
    const { within, reclaim } = tree.specOf(account).preemption;
    if (within !== 'Never' && isLower) return true;
    if (reclaim === 'Never') return false;
    if (tree.market.priorityScope === 'Cluster' && isLower) return true;
    if (tree.tenants.some((tenant) => tree.specOf(tenant).preemption.ratePerHour > 0)) return true;
    const mask = flavors.servingMask(shape.demand, shape.id);
    for (let flavor = 0; flavor < tree.market.flavors.length; flavor++) {
      if (((mask >> flavor) & 1) === 0) continue;
      const amounts = newAmounts(tree);
      for (const pod of members) addPods(amounts, flavor, pod.shape.demand, 1);
      const isGoverned = amounts.some((amount, cell) => amount > 0 && tree.governed[cell] === 1);
      if (isGoverned && accounts.usage.coveredBy(account, amounts) !== CLUSTER_TENANT) return true;
    }
    return false;
  }

  private drain(books: EconomyBooks, tenants: TreeTenants): void {
    const { state, counts } = this;
    const units = this.units(books, tenants, undefined);
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
    this.refused.clear();
    this.books = books;
    const { workLostOf } = this.counts;
    for (const name of workLostOf.keys()) {
      if (books !== undefined && !books.tree.has(books.table.find(name))) workLostOf.delete(name);
    }
    this.tenants = books === undefined ? undefined : new TreeTenants(books.tree);
    this.drains.follow(books?.tree, this.state.timeSeconds);
    if (books === undefined) this.retries.clear();
  }

  private retryAt(claimant: Claimant, atSeconds: number): void {
    if (atSeconds === Number.POSITIVE_INFINITY) return;
    if (this.retries.size >= RETRIES_MAX) this.retries.clear();
    this.retries.set(claimant, atSeconds);
  }

  /** True if nothing of a claimant waits any more. */
  private isOver(claimant: Claimant): boolean {
    if (isGroup(claimant)) return missingMembers(claimant) === 0 || waitingMembers(claimant).length === 0;
    const { state } = claimant;
    const waits = state === PodState.Waiting || state === PodState.Active || state === PodState.BackingOff;
    return !waits || this.state.pods.get(claimant.uid) !== claimant;
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

function coming(pods: number): MadeRoom {
  return {
    kind: 'coming',
    text: `reclaim: waiting for ${pods} ${pods === 1 ? 'victim' : 'victims'} to leave`,
  };
}

function nameOf({ namespace, name }: PodRecord): string {
  return `${namespace}/${name}`;
}

function ratePerHourOf({ tree }: EconomyBooks, tenant: number): number {
  return tree.specOf(tenant).preemption.ratePerHour;
}

/** GPUs that a tenant itself holds. */
function gpusOf({ tree, accounts }: EconomyBooks, tenant: number): number {
  let milli = 0;
  for (let flavor = 0; flavor < tree.market.flavors.length; flavor++) {
    milli += accounts.usage.ownHoldings(tenant, flavor, QUOTA_GPU);
  }
  return milli / GPU_MILLI;
}
