/**
 * Evictions in a zone: what the planner of `market/reclaim` sees of it, and the room that a queue asks for.
 *
 *     a job finds no room, or its tenant no headroom ──▶ makeRoom ──▶ planReclaim ──▶ pass.evict for each victim ──▶ the queue starts the job
 *
 * A zone evicts whole jobs and at once, so every job counts as a gang that goes whole, and no claim has to wait for victims. A plan is
 * made with the queue's own trials: victims released in cluster and accounts, the job placed, all of it taken back.
 *
 * Bounded: `plansMax` plans a pass, and a line that was refused is not planned for again before `retrySeconds` have passed.
 */
import { assert } from '../../kernel/assert.ts';
import { EvictionRates } from '../../market/reclaim/eviction-rates.ts';
import {
  type EvictionReason,
  planReclaim,
  type ReclaimPlan,
  type ReclaimRefusal,
} from '../../market/reclaim/reclaim-planner.ts';
import {
  type ReclaimClaimant,
  type ReclaimPlacement,
  type ReclaimPod,
  type ReclaimUnit,
  type ReclaimWorld,
  SYSTEM_PRIORITY_MIN,
} from '../../market/reclaim/reclaim-world.ts';
import { TreeTenants } from '../../market/reclaim/tree-tenants.ts';
import {
  MARKET_FLAVORS_MAX,
  type PreemptionSpec,
  QUOTA_CPU,
  QUOTA_GPU,
  QUOTA_MEMORY,
} from '../../market/tenants/spec.ts';
import { CLUSTER_TENANT } from '../../market/tenants/tenant-tree.ts';
import { addPods, newAmounts } from '../../market/tenants/tenant-usage.ts';
import type { Demand } from '../../model/demand.ts';
import type { NodeFlavors } from '../node-flavors.ts';
import type { TenantAccounts } from '../tenant-accounts.ts';
import type { SchedulingPass } from '../zone/queue-discipline.ts';
import type { RoomClaim, RoomMaker } from './room-maker.ts';

/** Limits of evictions in a zone. */
export interface ZoneReclaimOptions {
  /** Plans a pass; default 4. */
  readonly plansMax?: number;
  /** Time before a job's like is planned for again after a refusal; default 30. */
  readonly retrySeconds?: number;
}

/** What evictions have cost. */
export interface ReclaimCounts {
  plans: number;
  refusals: number;
  /** Jobs evicted, by reason. */
  readonly evicted: Record<EvictionReason, number>;
  evictedPods: number;
  /** GPU-seconds of work since start. */
  workLost: number;
  /** Plans whose job did not start. */
  wasted: number;
}

interface Running {
  readonly claim: RoomClaim;
  readonly startedSeconds: number;
  readonly startOrder: number;
}

/** The evictions of one zone. See the head of the file. */
export class ZoneReclaim implements RoomMaker {
  readonly counts: ReclaimCounts = {
    plans: 0,
    refusals: 0,
    evicted: { priority: 0, within: 0, reclaim: 0, 'fair-share': 0 },
    evictedPods: 0,
    workLost: 0,
    wasted: 0,
  };
  dueSeconds: number = Number.POSITIVE_INFINITY;
  /** Why the last job got no room. */
  lastRefusal: ReclaimRefusal | undefined;
  private readonly accounts: TenantAccounts;
  private readonly flavors: NodeFlavors;
  private readonly tenants: TreeTenants;
  private readonly rates = new EvictionRates();
  private readonly plansMax: number;
  private readonly retrySeconds: number;
  private readonly running = new Map<number, Running>();
  /** By account: running jobs of each priority. */
  private readonly priorities = new Map<number, Map<number, number>>();
  /** By tenant and demand size: when it may be planned for again. */
  private readonly refusedUntil = new Map<string, number>();
  /** By flavour and demand. */
  private readonly amounts = new Map<number, Float64Array>();
  private nextStart = 1;
  private plansLeft = 0;

  /** @param accounts Of this zone; usage is changed by trials, and restored. */
  constructor(accounts: TenantAccounts, options: ZoneReclaimOptions = {}) {
    this.accounts = accounts;
    this.flavors = accounts.flavors;
    this.tenants = new TreeTenants(accounts.tree);
    this.plansMax = options.plansMax ?? 4;
    this.retrySeconds = options.retrySeconds ?? 30;
  }

  started(claim: RoomClaim, timeSeconds: number): void {
    this.running.set(claim.job, { claim, startedSeconds: timeSeconds, startOrder: this.nextStart++ });
    this.count(claim, 1);
  }

  ended(job: number): void {
    const running = this.running.get(job);
    if (running === undefined) return;
    this.running.delete(job);
    this.count(running.claim, -1);
  }

  begin(timeSeconds: number): void {
    this.plansLeft = this.plansMax;
    if (this.dueSeconds <= timeSeconds) this.dueSeconds = Number.POSITIVE_INFINITY;
  }

  wasted(): void {
    this.counts.wasted++;
  }

  makeRoom(pass: SchedulingPass, claim: RoomClaim): boolean {
    const key = `${claim.tenant} ${claim.priority} ${claim.demand.id} ${claim.gangMin}`;
    if (this.plansLeft === 0 || (this.refusedUntil.get(key) ?? 0) > pass.timeSeconds) return false;
    if (!this.mayClaim(claim, pass.timeSeconds)) return false;
    this.plansLeft--;
    const plan = this.plan(pass, claim);
    if (plan === undefined) {
      this.counts.refusals++;
      const again = pass.timeSeconds + this.retrySeconds;
      this.refusedUntil.set(key, again);
      this.dueSeconds = Math.min(
        this.dueSeconds,
        Math.max(again, this.lastRefusal?.retrySeconds ?? Infinity),
      );
      return false;
    }
    this.refusedUntil.clear();
    this.carryOut(pass, plan);
    return true;
  }

  /** @returns False if no eviction could be allowed, without looking at the running jobs. O(flavours × levels × siblings). */
  private mayClaim(claim: RoomClaim, timeSeconds: number): boolean {
    const { tree, usage } = this.accounts;
    const account = tree.accountOf(claim.tenant);
    if (this.running.size === 0 || tree.heldBy(account) !== CLUSTER_TENANT) return false;
    if (this.accounts.isIdleOnly(claim.tenant, timeSeconds)) return false;
    if (claim.priority >= SYSTEM_PRIORITY_MIN) return true;
    const { within, reclaim } = tree.specOf(account).preemption;
    if (within !== 'Never' && this.hasLower(account, claim.priority)) return true;
    if (reclaim === 'Never') return false;
    if (tree.market.priorityScope === 'Cluster') return true;
    const mask = this.flavors.servingMask(claim.demand);
    for (let flavor = 0; flavor < tree.market.flavors.length; flavor++) {
      if (((mask >> flavor) & 1) === 0) continue;
      const needs = newAmounts(tree);
      addPods(needs, flavor, claim.demand, claim.gangMin);
      if (usage.coveredBy(account, needs) !== CLUSTER_TENANT) return true;
      if (this.hasLargerShare(account, flavor, claim.demand)) return true;
    }
    return false;
  }

  private hasLower(account: number, priority: number): boolean {
    for (const [running, count] of this.priorities.get(account) ?? []) {
      if (running < priority && count > 0) return true;
    }
    return false;
  }

  /** True if on some level a sibling borrows more for its weight, or jobs of inner tenants compete with those below them. */
  private hasLargerShare(account: number, flavor: number, { gpuTotalMilli, cpuMilli }: Demand): boolean {
    const { tree, usage } = this.accounts;
    const resource = gpuTotalMilli > 0 ? QUOTA_GPU : cpuMilli > 0 ? QUOTA_CPU : QUOTA_MEMORY;
    const shareOf = (tenant: number): number => {
      const { weight } = tree.specOf(tenant);
      return weight === 0 ? Number.POSITIVE_INFINITY : usage.borrowed(tenant, flavor, resource) / weight;
    };
    if (tree.childrenOf(account).length > 0) return true;
    for (let at = account; at !== CLUSTER_TENANT; at = tree.parentOf(at)) {
      const parent = tree.parentOf(at);
      if (parent !== CLUSTER_TENANT && usage.ownHoldings(parent, flavor, resource) > 0) return true;
      const mine = shareOf(at);
      if (tree.childrenOf(parent).some((sibling) => shareOf(sibling) > mine)) return true;
    }
    return false;
  }

  /** Tries the flavours that could serve the job one by one. */
  private plan(pass: SchedulingPass, claim: RoomClaim): ReclaimPlan<ReclaimPlacement> | undefined {
    const mask = this.flavors.servingMask(claim.demand);
    const units = this.unitsOf(pass);
    this.lastRefusal = undefined;
    for (let flavor = 0; flavor < MARKET_FLAVORS_MAX; flavor++) {
      if (((mask >> flavor) & 1) === 0) continue;
      const claimant: ReclaimClaimant = {
        id: claim.job,
        tenant: this.accounts.tree.accountOf(claim.tenant),
        priority: claim.priority,
        minimum: claim.gangMin,
        amounts: this.amountsOf(flavor, claim.demand),
        mayEvict: true,
      };
      const plan = planReclaim(this.worldOf(pass, claim, flavor, units), claimant);
      if (plan.kind === 'plan') return plan;
      if (plan.kind === 'none') this.lastRefusal = plan;
    }
    return undefined;
  }

  private carryOut(pass: SchedulingPass, plan: ReclaimPlan<ReclaimPlacement>): void {
    const { counts } = this;
    counts.plans++;
    for (const { unit, pods, reason, workLost } of plan.victims) {
      counts.evicted[reason]++;
      counts.evictedPods += pods.length;
      counts.workLost += workLost;
      if (reason === 'reclaim' || reason === 'fair-share') {
        const { ratePerHour } = this.policyOf(unit.tenant);
        this.rates.charge(unit.tenant, pass.timeSeconds, this.gpusOf(unit.tenant), ratePerHour, workLost);
      }
      pass.evict(unit.id);
    }
  }

  private worldOf(
    pass: SchedulingPass,
    claim: RoomClaim,
    flavor: number,
    units: readonly ReclaimUnit[],
  ): ReclaimWorld {
    const jobOfPod = new Map<number, number>();
    for (const { id, pods } of units) for (const pod of pods) jobOfPod.set(pod.id, id);
    return {
      nowSeconds: pass.timeSeconds,
      dimensions: this.tenants.cells.length,
      tenants: this.tenants,
      priorityScope: this.accounts.tree.market.priorityScope,
      units,
      allowanceOf: () => 0,
      withinRate: (tenant) =>
        this.rates.isOpen(tenant, pass.timeSeconds, this.gpusOf(tenant), this.policyOf(tenant).ratePerHour),
      fitsWithout: (victims, avoided) => {
        assert(avoided.size === 0, 'a zone is the only writer of its nodes: nobody interferes');
        const jobs = new Set(victims.map(({ id }) => jobOfPod.get(id) as number));
        for (const job of jobs) pass.tryRelease(job);
        let places: number[] | undefined;
        if (pass.tryPlace(claim.job)) {
          places = [];
          pass.forEachTried((node) => places?.push(node));
        }
        pass.endTrial();
        return places !== undefined && this.hasHeadroom(pass, claim, flavor, places, jobs)
          ? { places }
          : undefined;
      },
    };
  }

  /** True if the accounts would admit the job on these nodes with some jobs gone. */
  private hasHeadroom(
    pass: SchedulingPass,
    claim: RoomClaim,
    flavor: number,
    places: readonly number[],
    victims: ReadonlySet<number>,
  ): boolean {
    if (places.some((node) => this.flavors.ofNode(node) !== flavor)) return false;
    const { usage, tree } = this.accounts;
    const needs = newAmounts(tree);
    // As the accounts ask: for all its pods.
    addPods(needs, flavor, claim.demand, claim.podCount);
    for (const job of victims)
      this.eachHold(pass, job, (account, at, demand) => usage.release(account, at, demand));
    const isAdmitted = usage.mayHold(tree.accountOf(claim.tenant), needs);
    for (const job of victims)
      this.eachHold(pass, job, (account, at, demand) => usage.hold(account, at, demand));
    return isAdmitted;
  }

  private eachHold(
    pass: SchedulingPass,
    job: number,
    visit: (account: number, flavor: number, demand: Demand) => void,
  ): void {
    const { claim } = this.running.get(job) as Running;
    const account = this.accounts.tree.accountOf(claim.tenant);
    pass.forEachPod(job, (node) => {
      const flavor = this.flavors.ofNode(node);
      if (flavor >= 0) visit(account, flavor, claim.demand);
    });
  }

  private unitsOf(pass: SchedulingPass): ReclaimUnit[] {
    const units: ReclaimUnit[] = [];
    let nextPod = 0;
    for (const [job, { claim, startedSeconds, startOrder }] of this.running) {
      const pods: ReclaimPod[] = [];
      const gpus = claim.demand.gpuTotalMilli / 1000;
      pass.forEachPod(job, (place) => {
        const amounts = this.amountsOf(this.flavors.ofNode(place), claim.demand);
        pods.push({ id: nextPod++, place, amounts, gpus, budgets: [] });
      });
      assert(pods.length > 0, 'a running job has no pods');
      units.push({
        id: job,
        tenant: this.accounts.tree.accountOf(claim.tenant),
        priority: claim.priority,
        disruption: 'all',
        minCount: pods.length,
        pods,
        startedSeconds,
        startOrder,
        checkpointedSeconds: Number.NEGATIVE_INFINITY,
        replaceable: true,
        evictable: true,
      });
    }
    return units;
  }

  private amountsOf(flavor: number, demand: Demand): Float64Array {
    const key = demand.id * (MARKET_FLAVORS_MAX + 1) + flavor + 1;
    let amounts = this.amounts.get(key);
    if (amounts === undefined) {
      amounts = this.tenants.amountsOf(flavor, demand);
      this.amounts.set(key, amounts);
    }
    return amounts;
  }

  private count({ tenant, priority }: RoomClaim, more: number): void {
    const account = this.accounts.tree.accountOf(tenant);
    const counts = this.priorities.get(account) ?? new Map<number, number>();
    counts.set(priority, (counts.get(priority) ?? 0) + more);
    if (counts.get(priority) === 0) counts.delete(priority);
    this.priorities.set(account, counts);
  }

  private policyOf(account: number): PreemptionSpec {
    return this.accounts.tree.specOf(account).preemption;
  }

  /** GPUs that a tenant itself holds. */
  private gpusOf(account: number): number {
    let milli = 0;
    for (let flavor = 0; flavor < this.accounts.tree.market.flavors.length; flavor++) {
      milli += this.accounts.usage.ownHoldings(account, flavor, QUOTA_GPU);
    }
    return milli / 1000;
  }
}
