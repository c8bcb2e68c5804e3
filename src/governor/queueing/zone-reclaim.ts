/**
 * Evictions in a zone: what the planner of `market/reclaim` sees of it, and the room that a queue asks for.
 *
 *     a job finds no room, or its tenant no headroom ──▶ makeRoom ──▶ planReclaim ──▶ pass.evict for each victim ──▶ the queue starts the job
 *
 * A zone evicts at once, so no claim has to wait for victims. Jobs whose terms say so lose pods beyond their minimum one by one. A plan is
 * made with the queue's own trials: victims released in cluster and accounts, the job placed, all of it taken back.
 *
 * Bounded: plans that evict by what runs, as evictions cannot loop; others to `refusalsMax` in `intervalSeconds`. Jobs of a kind that was refused, and larger ones of it, are not planned for again
 * before `retrySeconds` have passed, twice as long after each further refusal, up to RETRIES_MAX doublings.
 */
import { assert } from '../../kernel/assert.ts';
import { EvictionRates } from '../../market/reclaim/eviction-rates.ts';
import { planReclaim, type ReclaimPlan, type ReclaimRefusal } from '../../market/reclaim/reclaim-planner.ts';
import {
  type ReclaimClaimant,
  type ReclaimPlacement,
  type ReclaimPod,
  type ReclaimUnit,
  type ReclaimWorld,
  SYSTEM_PRIORITY_MIN,
} from '../../market/reclaim/reclaim-world.ts';
import { TreeTenants } from '../../market/reclaim/tree-tenants.ts';
import type { SearchLimits } from '../../market/reclaim/victim-search.ts';
import { workLost } from '../../market/reclaim/victim-set.ts';
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
import { savedSeconds } from '../../model/eviction-terms.ts';
import { GPU_MILLI } from '../../model/node.ts';
import type { FlavorMap } from '../node-flavors.ts';
import type { TenantAccounts } from '../tenant-accounts.ts';
import type { SchedulingPass } from '../zone/queue-discipline.ts';
import { type DrainCandidate, TenantDrains } from './drains.ts';
import { newReclaimCounts, type ReclaimCounts } from './reclaim-counts.ts';
import type { RoomClaim, RoomMaker } from './room-maker.ts';
import { UnavailablePods } from './unavailable-pods.ts';

/** A trial places the whole gang: fewer than where nodes are looked at one by one. */
const LIMITS: SearchLimits = { trialsMax: 200, placesMax: 8, exactItemsMax: 12 };

/** Limits of evictions in a zone. */
export interface ZoneReclaimOptions {
  /** Plans in an interval that find nobody to evict; default 2: one looks at every running job. */
  readonly refusalsMax?: number;
  /** Default 120. */
  readonly intervalSeconds?: number;
  /** Time before a job's like is planned for again after a refusal; default 60. */
  readonly retrySeconds?: number;
}

const NO_BUDGETS: readonly number[] = [];

/** Doublings of the time before another plan. */
const RETRIES_MAX = 4;

/** Kinds of refused jobs that are remembered. */
const REFUSED_MAX = 10_000;

/** Jobs of a kind from a size on. */
interface Refused {
  readonly gangMin: number;
  readonly untilSeconds: number;
  /** Refusals in a row, − 1. */
  readonly times: number;
}

interface Running {
  readonly claim: RoomClaim;
  readonly startedSeconds: number;
  readonly startOrder: number;
  /** Made for the first plan: its pods stay where they are. */
  unit: ZoneUnit | undefined;
}

/** A job whose last checkpoint moves. */
interface ZoneUnit extends Omit<ReclaimUnit, 'checkpointedSeconds'> {
  checkpointedSeconds: number;
}

/** A pod that knows its job and GPUs. */
interface ZonePod extends ReclaimPod {
  readonly job: number;
  readonly gpuMask: number;
}

/** The evictions of one zone. See the head of the file. */
export class ZoneReclaim implements RoomMaker {
  readonly counts: ReclaimCounts = newReclaimCounts();
  /** Why the last job got no room. */
  lastRefusal: ReclaimRefusal | undefined;
  private readonly accounts: TenantAccounts;
  private readonly flavors: FlavorMap;
  private readonly tenants: TreeTenants;
  /** True if any tenant's work may be lost for fair shares. */
  private readonly losesForShares: boolean;
  private readonly rates = new EvictionRates();
  private readonly refusalsMax: number;
  private readonly intervalSeconds: number;
  private readonly retrySeconds: number;
  private readonly running = new Map<number, Running>();
  /** By account: running jobs of each priority. */
  private readonly priorities = new Map<number, Map<number, number>>();
  /** By tenant, priority and demand: until when which sizes are refused. */
  private readonly refused = new Map<string, Refused>();
  /** By flavour and demand. */
  private readonly amounts = new Map<number, Float64Array>();
  /** When another plan for a job that was refused may help. */
  private retryDue = Number.POSITIVE_INFINITY;
  private readonly drains: TenantDrains;
  private readonly unavailable = new UnavailablePods();
  private nextStart = 1;
  private refusalsLeft: number;
  private countedSeconds = Number.NEGATIVE_INFINITY;
  private nextPod = 0;

  /** @param accounts Of this zone; usage is changed by trials, and restored. */
  constructor(accounts: TenantAccounts, options: ZoneReclaimOptions = {}) {
    this.accounts = accounts;
    this.flavors = accounts.flavors;
    this.tenants = new TreeTenants(accounts.tree);
    const { tree } = accounts;
    this.drains = new TenantDrains(tree);
    this.losesForShares = tree.tenants.some((tenant) => tree.specOf(tenant).preemption.ratePerHour > 0);
    this.refusalsMax = options.refusalsMax ?? 2;
    this.refusalsLeft = this.refusalsMax;
    this.intervalSeconds = options.intervalSeconds ?? 120;
    this.retrySeconds = options.retrySeconds ?? 60;
  }

  get dueSeconds(): number {
    return Math.min(this.retryDue, this.drains.dueSeconds);
  }

  drain(pass: SchedulingPass): void {
    const { timeSeconds } = pass;
    if (!this.drains.isDue(timeSeconds)) return;
    const candidates: DrainCandidate[] = [];
    for (const running of this.running.values()) {
      const account = this.accounts.tree.accountOf(running.claim.tenant);
      if (!this.drains.ends(account, timeSeconds)) continue;
      const unit = this.currentUnit(pass, running);
      const lost = workLost(unit, unit.pods, timeSeconds);
      candidates.push({
        job: unit.id,
        account,
        pods: unit.pods.length,
        workLost: lost,
        startOrder: unit.startOrder,
      });
    }
    for (const { job, pods, workLost: lost } of this.drains.take(candidates, timeSeconds)) {
      this.counts.evicted.drain++;
      this.counts.evictedPods += pods;
      this.counts.workLost += lost;
      pass.evict(job);
    }
  }

  started(claim: RoomClaim, timeSeconds: number): void {
    this.unavailable.settle(claim.job);
    this.running.set(claim.job, {
      claim,
      startedSeconds: timeSeconds,
      startOrder: this.nextStart++,
      unit: undefined,
    });
    this.count(claim, 1);
  }

  ended(job: number): void {
    this.unavailable.settle(job);
    const running = this.running.get(job);
    if (running === undefined) return;
    this.running.delete(job);
    this.count(running.claim, -1);
  }

  resized(job: number, added: number): void {
    const running = this.running.get(job) as Running;
    running.unit = undefined;
    this.unavailable.add(job, this.accounts.tree.accountOf(running.claim.tenant), -added);
  }

  begin(timeSeconds: number): boolean {
    if (timeSeconds >= this.countedSeconds + this.intervalSeconds) {
      this.countedSeconds = timeSeconds;
      this.refusalsLeft = this.refusalsMax;
    }
    const mayPlan = this.refusalsLeft > 0;
    // A retry that falls due while nothing can be planned is put off, not forgotten.
    if (this.retryDue <= timeSeconds)
      this.retryDue = mayPlan ? Number.POSITIVE_INFINITY : this.countedSeconds + this.intervalSeconds;
    return mayPlan;
  }

  protectedUntil(accounts: ReadonlySet<number>, timeSeconds: number): number | undefined {
    let first = Number.POSITIVE_INFINITY;
    for (const { claim, startedSeconds } of this.running.values()) {
      const account = this.accounts.tree.accountOf(claim.tenant);
      if (accounts.has(account))
        first = Math.min(first, startedSeconds + this.policyOf(account).minRuntimeSeconds);
    }
    return first > timeSeconds && first < Number.POSITIVE_INFINITY ? first : undefined;
  }

  wasted(): void {
    this.counts.wasted++;
  }

  couldMakeRoom(claim: RoomClaim, timeSeconds: number): boolean {
    const refused = this.refused.get(keyOf(claim));
    const isRefused =
      refused !== undefined && refused.untilSeconds > timeSeconds && refused.gangMin <= claim.gangMin;
    if (isRefused || !this.mayClaim(claim, timeSeconds)) return false;
    if (this.refusalsLeft > 0) return true;
    this.retryDue = Math.min(this.retryDue, this.countedSeconds + this.intervalSeconds);
    return false;
  }

  makeRoom(pass: SchedulingPass, claim: RoomClaim): boolean {
    const key = keyOf(claim);
    const plan = this.plan(pass, claim);
    if (plan === undefined) {
      this.refusalsLeft--;
      this.counts.refusals++;
      this.remember(key, this.refused.get(key), claim.gangMin, pass.timeSeconds);
      return false;
    }
    this.refused.delete(key);
    this.carryOut(pass, plan);
    return true;
  }

  private remember(key: string, refused: Refused | undefined, gangMin: number, timeSeconds: number): void {
    const times = Math.min(RETRIES_MAX, (refused?.times ?? -1) + 1);
    const ready = this.lastRefusal?.retrySeconds ?? Number.POSITIVE_INFINITY;
    // What waits for others to have run long enough is tried again just then.
    const untilSeconds = Math.min(ready, timeSeconds + this.retrySeconds * 2 ** times);
    const isOver = refused === undefined || refused.untilSeconds <= timeSeconds;
    const least = isOver ? gangMin : Math.min(gangMin, refused.gangMin);
    if (this.refused.size >= REFUSED_MAX) this.refused.clear();
    this.refused.set(key, { gangMin: least, untilSeconds, times });
    this.retryDue = Math.min(this.retryDue, ready);
  }

  /** @returns False if no eviction could be allowed, without looking at the running jobs. O(flavours × levels × siblings). */
  private mayClaim(claim: RoomClaim, timeSeconds: number): boolean {
    const { tree } = this.accounts;
    const account = tree.accountOf(claim.tenant);
    if (this.running.size === 0 || tree.heldBy(account, timeSeconds) !== CLUSTER_TENANT) return false;
    if (this.accounts.isIdleOnly(claim.tenant, timeSeconds)) return false;
    if (claim.priority >= SYSTEM_PRIORITY_MIN) return true;
    const { within, reclaim } = tree.specOf(account).preemption;
    if (within !== 'Never' && this.hasLower(account, claim.priority)) return true;
    if (reclaim === 'Never') return false;
    if (tree.market.priorityScope === 'Cluster') return true;
    const mask = this.flavors.servingMask(claim.demand);
    for (let flavor = 0; flavor < tree.market.flavors.length; flavor++) {
      if (((mask >> flavor) & 1) === 0) continue;
      // For a fair share alone somebody has to be willing to lose work.
      if (!this.losesForShares && !this.isCovered(account, flavor, claim)) continue;
      // Also of a claim within a quota: where it is covered its side borrows nothing, and a victim's side something.
      if (this.hasLargerShare(account, flavor, claim.demand)) return true;
    }
    return false;
  }

  /** True if a quota covers all of a job on a flavour. Not if nobody has a quota of what it requests: then nothing is owed to it. */
  private isCovered(account: number, flavor: number, { demand, gangMin }: RoomClaim): boolean {
    const { tree, usage } = this.accounts;
    const amounts = newAmounts(tree);
    addPods(amounts, flavor, demand, gangMin);
    if (!amounts.some((amount, cell) => amount > 0 && tree.governed[cell] === 1)) return false;
    return usage.coveredBy(account, amounts) !== CLUSTER_TENANT;
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
      const borrowed = usage.borrowed(tenant, flavor, resource);
      return borrowed === 0 ? 0 : borrowed / tree.specOf(tenant).weight;
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
      const plan = planReclaim(this.worldOf(pass, claim, flavor, units), claimant, { limits: LIMITS });
      if (plan.kind === 'plan') return plan;
      if (plan.kind === 'none') this.lastRefusal = plan;
    }
    return undefined;
  }

  private carryOut(pass: SchedulingPass, plan: ReclaimPlan<ReclaimPlacement>): void {
    const { counts } = this;
    counts.plans++;
    for (const { unit, pods, whole, reason, workLost } of plan.victims) {
      counts.evicted[reason]++;
      counts.evictedPods += pods.length;
      counts.workLost += workLost;
      if (reason === 'reclaim' || reason === 'fair-share') {
        const { ratePerHour } = this.policyOf(unit.tenant);
        this.rates.charge(unit.tenant, pass.timeSeconds, this.gpusOf(unit.tenant), ratePerHour, workLost);
      }
      if (whole) {
        pass.evict(unit.id);
        this.unavailable.add(unit.id, unit.tenant, pods.length);
      } else this.shrink(pass, unit.id, pods as readonly ZonePod[]);
    }
  }

  private shrink(pass: SchedulingPass, job: number, pods: readonly ZonePod[]): void {
    for (const { place, gpuMask } of pods) pass.evictPod(job, place, gpuMask);
    this.counts.shrunk++;
    this.resized(job, -pods.length);
  }

  private worldOf(
    pass: SchedulingPass,
    claim: RoomClaim,
    flavor: number,
    units: readonly ReclaimUnit[],
  ): ReclaimWorld {
    return {
      nowSeconds: pass.timeSeconds,
      dimensions: this.tenants.cells.length,
      tenants: this.tenants,
      priorityScope: this.accounts.tree.market.priorityScope,
      units,
      allowanceOf: (tenant) => Math.max(0, this.unavailableMax(tenant) - this.unavailable.of(tenant)),
      withinRate: (tenant) =>
        this.rates.isOpen(tenant, pass.timeSeconds, this.gpusOf(tenant), this.policyOf(tenant).ratePerHour),
      fitsWithout: (victims, avoided) => {
        assert(avoided.size === 0, 'a zone is the only writer of its nodes: nobody interferes');
        const pods = victims as readonly ZonePod[];
        for (const { job, place, gpuMask } of pods) pass.tryReleasePod(job, place, gpuMask);
        let places: number[] | undefined;
        if (pass.tryPlace(claim.job)) {
          places = [];
          pass.forEachTried((node) => places?.push(node));
        }
        pass.endTrial();
        return places !== undefined && this.hasHeadroom(claim, flavor, places, pods) ? { places } : undefined;
      },
    };
  }

  /** True if the accounts would admit the job on these nodes with some jobs gone. */
  private hasHeadroom(
    claim: RoomClaim,
    flavor: number,
    places: readonly number[],
    victims: readonly ZonePod[],
  ): boolean {
    if (places.some((node) => this.flavors.ofNode(node) !== flavor)) return false;
    const { usage, tree } = this.accounts;
    const needs = newAmounts(tree);
    // As the accounts ask: for all its pods.
    addPods(needs, flavor, claim.demand, claim.podCount);
    this.eachHold(victims, (account, at, demand) => usage.release(account, at, demand));
    const isAdmitted = usage.mayHold(tree.accountOf(claim.tenant), needs);
    this.eachHold(victims, (account, at, demand) => usage.hold(account, at, demand));
    return isAdmitted;
  }

  private eachHold(
    pods: readonly ZonePod[],
    visit: (account: number, flavor: number, demand: Demand) => void,
  ): void {
    for (const { job, place } of pods) {
      const { claim } = this.running.get(job) as Running;
      const flavor = this.flavors.ofNode(place);
      if (flavor >= 0) visit(this.accounts.tree.accountOf(claim.tenant), flavor, claim.demand);
    }
  }

  private unitsOf(pass: SchedulingPass): ReclaimUnit[] {
    const units: ReclaimUnit[] = [];
    for (const running of this.running.values()) {
      units.push(this.currentUnit(pass, running));
    }
    return units;
  }

  private currentUnit(pass: SchedulingPass, running: Running): ZoneUnit {
    running.unit ??= this.unitOf(pass, running);
    const saved = savedSeconds(pass.timeSeconds - running.startedSeconds, running.claim.terms);
    if (saved > 0) running.unit.checkpointedSeconds = running.startedSeconds + saved;
    return running.unit;
  }

  private unitOf(pass: SchedulingPass, { claim, startedSeconds, startOrder }: Running): ZoneUnit {
    const pods: ZonePod[] = [];
    const account = this.accounts.tree.accountOf(claim.tenant);
    // A budget is a tenant's, by its number.
    const budgets = this.unavailableMax(account) === Number.POSITIVE_INFINITY ? NO_BUDGETS : [account];
    const gpus = claim.demand.gpuTotalMilli / GPU_MILLI;
    pass.forEachPod(claim.job, (place, gpuMask) => {
      const amounts = this.amountsOf(this.flavors.ofNode(place), claim.demand);
      pods.push({ id: this.nextPod++, job: claim.job, place, gpuMask, amounts, gpus, budgets });
    });
    assert(pods.length > 0, 'a running job has no pods');
    return {
      id: claim.job,
      tenant: this.accounts.tree.accountOf(claim.tenant),
      priority: claim.priority,
      disruption: claim.terms.disruption,
      minCount: Math.min(claim.gangMin, pods.length),
      pods,
      startedSeconds,
      startOrder,
      checkpointedSeconds: Number.NEGATIVE_INFINITY,
      replaceable: true,
      evictable: true,
    };
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

  private unavailableMax(account: number): number {
    return this.policyOf(account).maxUnavailable ?? Number.POSITIVE_INFINITY;
  }

  /** GPUs that a tenant itself holds. */
  private gpusOf(account: number): number {
    let milli = 0;
    for (let flavor = 0; flavor < this.accounts.tree.market.flavors.length; flavor++) {
      milli += this.accounts.usage.ownHoldings(account, flavor, QUOTA_GPU);
    }
    return milli / GPU_MILLI;
  }
}

function keyOf({ tenant, priority, demand }: RoomClaim): string {
  return `${tenant} ${priority} ${demand.id}`;
}
