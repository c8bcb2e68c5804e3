/**
 * What a plan of evictions reads of the pod scheduler: who may claim at all, what runs, and trials with the victims gone. The planner
 * itself is `market/reclaim`.
 */
import type { EvictionRates } from '../../../market/reclaim/eviction-rates.ts';
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
import type { TreeTenants } from '../../../market/reclaim/tree-tenants.ts';
import type { SearchLimits } from '../../../market/reclaim/victim-search.ts';
import { QUOTA_GPU } from '../../../market/tenants/spec.ts';
import { CLUSTER_TENANT } from '../../../market/tenants/tenant-tree.ts';
import { addPods, newAmounts } from '../../../market/tenants/tenant-usage.ts';
import { GPU_MILLI } from '../../../model/node.ts';
import { type Claimant, claimantKey } from '../champion/claimants.ts';
import type { EconomyBooks } from '../economy/pod-economy.ts';
import type { PodRecord } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import type { PodClaim, PodClaims } from './pod-claims.ts';
import type { ReclaimPorts, ReclaimSeat } from './reclaim-ports.ts';
import type { EvictablePod, RunningUnit, RunningUnits } from './running-units.ts';

/** A trial places a whole gang. */
const LIMITS: SearchLimits = { trialsMax: 200, placesMax: 8, exactItemsMax: 12 };

/** What plans read. */
interface PlanSources {
  readonly state: SchedulerState;
  readonly ports: ReclaimPorts;
  readonly claims: PodClaims;
  readonly running: RunningUnits;
}

/** Where the claimant goes. */
export interface PlacedSeats extends ReclaimPlacement {
  readonly seats: readonly ReclaimSeat[];
}

/** A claimant for which a plan is made. */
export interface PlanFor {
  readonly claimant: Claimant;
  readonly members: readonly PodRecord[];
  readonly missing: number;
  readonly account: number;
  readonly books: EconomyBooks;
  readonly tenants: TreeTenants;
  readonly units: readonly RunningUnit[];
  readonly rates: EvictionRates;
}

/** Plans for one scheduler. Changes nothing: what a trial moves is put back. */
export class ReclaimPlans {
  private readonly state: SchedulerState;
  private readonly ports: ReclaimPorts;
  private readonly claims: PodClaims;
  private readonly running: RunningUnits;

  constructor({ state, ports, claims, running }: PlanSources) {
    this.state = state;
    this.ports = ports;
    this.claims = claims;
    this.running = running;
  }

  /** @returns False if no eviction could be allowed, without looking at what runs. O(priorities + flavours × levels). */
  mayClaim(
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

  /** All that runs or is about to, but for the claim of a claimant. */
  units(books: EconomyBooks, tenants: TreeTenants, claimant: Claimant | undefined): readonly RunningUnit[] {
    const { claims } = this;
    claims.forgetIds();
    const others = claims.openClaims().filter((claim) => claim.claimant !== claimant);
    const leaving = new Set(claims.leavingPods());
    return this.running.list(books, tenants, (key) => claims.idOf(key), others, leaving);
  }

  /** Tries the flavours that could serve the claimant one by one. @returns Undefined: it fits as it is, or nothing serves it. */
  planOn(given: PlanFor, claim: PodClaim | undefined): ReclaimPlan<PlacedSeats> | ReclaimRefusal | undefined {
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
          isExtra: this.running.isExtra(claimant),
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

  private worldOf(given: PlanFor, flavor: number): ReclaimWorld<PlacedSeats> {
    const { claimant, books, tenants, units, rates } = given;
    const { timeSeconds } = this.state;
    return {
      nowSeconds: timeSeconds,
      dimensions: tenants.cells.length,
      tenants,
      priorityScope: books.tree.market.priorityScope,
      units,
      allowanceOf: (budget) => this.ports.allowanceOf(budget),
      withinRate: (tenant) =>
        rates.isOpen(tenant, timeSeconds, gpusOf(books, tenant), ratePerHourOf(books, tenant)),
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
}

/** @returns Part of its GPUs that fair shares may cost a tenant in an hour. */
export function ratePerHourOf({ tree }: EconomyBooks, tenant: number): number {
  return tree.specOf(tenant).preemption.ratePerHour;
}

/** @returns GPUs that a tenant itself holds. */
export function gpusOf({ tree, accounts }: EconomyBooks, tenant: number): number {
  let milli = 0;
  for (let flavor = 0; flavor < tree.market.flavors.length; flavor++) {
    milli += accounts.usage.ownHoldings(tenant, flavor, QUOTA_GPU);
  }
  return milli / GPU_MILLI;
}
