/**
 * Random lives of small markets: jobs wait, start, evict, leave slowly, come back at once, end; a second scheduler may take freed
 * room. After every step the rules are checked again by `reclaim.oracle.ts`.
 */
import type { Random } from '../../kernel/random.ts';
import { principalOf, principalOfUnit } from './candidates.ts';
import { ATTEMPTS_MAX, Claims } from './claims.ts';
import { freeOf, placeEqual, subtract, type TestTenant, TestTenants } from './reclaim.fixtures.ts';
import { comparePotentials, pathTo, potentialOf, unitOf, usedBy, withoutVictims } from './reclaim.oracle.ts';
import { planReclaim, type ReclaimPlan } from './reclaim-planner.ts';
import type {
  ReclaimClaimant,
  ReclaimPlacement,
  ReclaimPod,
  ReclaimUnit,
  ReclaimWorld,
} from './reclaim-world.ts';

/** What happened in a life. */
export interface LifeCounts {
  starts: number;
  plans: number;
  evictedPods: number;
  refusals: number;
  reclaims: number;
  fairShares: number;
  priorities: number;
  torn: number;
  wasted: number;
  taken: number;
  stopped: number;
}

interface Job {
  readonly id: number;
  readonly claim: ReclaimClaimant;
  readonly pods: number;
  readonly disruption: 'single' | 'all';
  readonly budgets: readonly number[];
  readonly replaceable: boolean;
}

const STEPS_MAX = 300;

/** A market that lives. */
export class RandomLife {
  readonly counts: LifeCounts = {
    starts: 0,
    plans: 0,
    evictedPods: 0,
    refusals: 0,
    reclaims: 0,
    fairShares: 0,
    priorities: 0,
    torn: 0,
    wasted: 0,
    taken: 0,
    stopped: 0,
  };
  private readonly random: Random;
  private readonly nodes: number[][];
  private readonly tenants: TestTenants;
  private readonly scope: 'Tenant' | 'Cluster';
  private readonly rated = new Set<number>();
  private readonly jobs = new Map<number, Job>();
  private readonly running = new Map<number, ReclaimUnit>();
  private readonly waiting = new Set<number>();
  /** Pods that were evicted and are not gone. */
  private readonly leaving = new Map<number, ReclaimPod>();
  private readonly claims = new Claims();
  private readonly placements = new Map<number, ReclaimPlacement>();
  private readonly foreign = new Map<number, ReclaimPod>();
  private now = 1000;
  private nextPod = 1;
  private nextJob = 1;
  private nextStart = 1;

  constructor(random: Random) {
    this.random = random;
    const dimensions = random.nextInt(3) === 0 ? 2 : 1;
    this.nodes = Array.from({ length: 1 + random.nextInt(4) }, () =>
      Array.from({ length: dimensions }, () => 1 + random.nextInt(5)),
    );
    this.tenants = new TestTenants(randomTenants(random, dimensions), dimensions);
    this.scope = random.nextInt(4) === 0 ? 'Cluster' : 'Tenant';
    for (const tenant of this.tenants.tenants) if (random.nextInt(5) === 0) this.rated.add(tenant);
  }

  /** Lives for some steps, then settles without events from outside. @param interferes With a second scheduler. */
  live(steps: number, interferes: boolean): LifeCounts {
    for (let step = 0; step < steps; step++) {
      this.event(interferes);
      this.schedule();
    }
    this.settle();
    return this.counts;
  }

  private event(interferes: boolean): void {
    const { random } = this;
    this.now += random.nextInt(20);
    const kind = random.nextInt(interferes ? 6 : 5);
    if (kind <= 2) this.arrive();
    else if (kind === 3) this.someGone();
    else if (kind === 4) this.end();
    else this.interfere();
  }

  /** No arrivals, no ends, no second scheduler: evictions have to stop, and every claim to start. */
  private settle(): void {
    const wasStopped = this.counts.stopped;
    for (let step = 0; ; step++) {
      if (step === STEPS_MAX) throw new Error('evictions do not stop');
      const before = this.counts.starts + this.counts.plans;
      while (this.leaving.size > 0) this.someGone();
      this.schedule();
      if (this.leaving.size === 0 && this.counts.starts + this.counts.plans === before) break;
    }
    if (this.claims.size > 0) throw new Error('a claim is left over on a quiet cluster');
    if (this.foreign.size === 0 && this.counts.stopped > wasStopped)
      throw new Error('stopped without reason');
  }

  private arrive(): void {
    const { random } = this;
    const id = this.nextJob++;
    const pods = random.nextInt(3) === 0 ? 2 + random.nextInt(3) : 1;
    const dimensions = this.nodes[0]?.length as number;
    const amounts = [random.nextInt(6) === 0 && dimensions > 1 ? 0 : 1 + random.nextInt(2)];
    if (dimensions > 1) amounts.push(1 + random.nextInt(2));
    const minimum = 1 + random.nextInt(pods);
    const priority = random.nextInt(40) === 0 ? 2_000_000_000 : random.nextInt(3);
    const tenant = random.nextInt(this.tenants.tenants.length);
    const mayEvict = random.nextInt(8) !== 0;
    this.jobs.set(id, {
      id,
      pods,
      claim: { id, tenant, priority, minimum, amounts, mayEvict },
      disruption: random.nextInt(2) === 0 ? 'all' : 'single',
      budgets: random.nextInt(3) === 0 ? [random.nextInt(2)] : [],
      replaceable: random.nextInt(5) !== 0,
    });
    this.waiting.add(id);
  }

  private end(): void {
    const ids = [...this.running.keys()];
    const id = ids[this.random.nextInt(Math.max(1, ids.length))];
    if (id === undefined) return;
    this.running.delete(id);
    this.jobs.delete(id);
    this.waiting.delete(id);
  }

  private someGone(): void {
    for (const pod of [...this.leaving.keys()]) {
      if (this.random.nextInt(2) === 0) continue;
      this.leaving.delete(pod);
      this.claims.podGone(pod);
    }
  }

  /** A second scheduler puts a pod where there is room now, whatever is claimed there; or its pod ends. */
  private interfere(): void {
    const { random } = this;
    if (this.foreign.size > 2 && random.nextInt(2) === 0) {
      this.foreign.delete([...this.foreign.keys()][0] as number);
      return;
    }
    const amounts = this.nodes[0]?.map(() => 1) as number[];
    const found = placeEqual(this.freeNow([]), amounts, 1, new Set());
    if (found === undefined) return;
    const id = this.nextPod++;
    this.foreign.set(id, { id, place: found.places[0] as number, amounts, gpus: 1, budgets: [] });
  }

  private schedule(): void {
    for (const id of [...this.waiting]) {
      const job = this.jobs.get(id);
      if (job === undefined || !this.waiting.has(id)) continue;
      if (this.claims.get(id) === undefined) this.attempt(job, false);
      else this.finish(job);
    }
  }

  /** Starts a job whose room is free, or finds that it was taken. */
  private finish(job: Job): void {
    const claim = this.claims.get(job.id);
    if (claim === undefined || claim.leaving.size > 0) return;
    const placement = this.placements.get(job.id) as ReclaimPlacement;
    const free = freeOf(this.nodes, [...this.running.values(), this.foreignUnit()], []);
    for (const place of placement.places) subtract(free[place] as number[], job.claim.amounts);
    const isFree = (): boolean =>
      placement.places.every((place) => free[place]?.every((amount) => amount >= 0));
    if (isFree()) {
      // Victims of other claims may still be there: their room comes as well.
      for (const pod of this.leaving.values()) subtract(free[pod.place] as number[], pod.amounts);
      if (!isFree()) return;
      this.claims.close(job.id);
      this.start(job, placement);
      return;
    }
    if (this.foreign.size === 0) throw new Error('room was taken on a quiet cluster');
    this.counts.taken++;
    const verdict = this.claims.taken(job.id, 'second scheduler');
    if (verdict.kind === 'stop') this.counts.stopped++;
    else this.attempt(job, true);
  }

  private attempt(job: Job, again: boolean): void {
    if (this.claims.stopOf(job.id) !== undefined) return;
    const world = this.worldFor(job.claim);
    const claim = this.claims.get(job.id);
    const plan = planReclaim(world, job.claim, {
      evicted: claim?.evicted ?? new Set(),
      avoided: claim?.avoided ?? new Set(),
    });
    if (plan.kind === 'fits') {
      this.claims.close(job.id);
      this.checkStart(world, job.claim, undefined, plan.placement);
      this.start(job, plan.placement);
    } else if (plan.kind === 'none') {
      this.counts.refusals++;
      if (again) this.claims.close(job.id);
    } else {
      this.checkPlan(world, job.claim, plan);
      this.evict(job, plan);
    }
  }

  private evict(job: Job, plan: ReclaimPlan<ReclaimPlacement>): void {
    this.counts.plans++;
    const claim = this.claims.open(job.id, plan.victims, plan.placement.places, this.now);
    if (claim.attempts > ATTEMPTS_MAX + 1) throw new Error('too many attempts');
    this.placements.set(job.id, plan.placement);
    for (const { unit, pods, whole, reason } of plan.victims) {
      this.counts.evictedPods += pods.length;
      if (reason === 'reclaim') this.counts.reclaims++;
      else if (reason === 'fair-share') this.counts.fairShares++;
      else this.counts.priorities++;
      for (const pod of pods) this.leaving.set(pod.id, pod);
      if (whole) {
        this.running.delete(unit.id);
        // Its owner creates it again at once.
        this.waiting.add(unit.id);
      } else {
        this.counts.torn++;
        const left = unit.pods.filter((pod) => !pods.includes(pod));
        this.running.set(unit.id, { ...unit, pods: left });
      }
    }
  }

  private start(job: Job, { places }: ReclaimPlacement): void {
    this.counts.starts++;
    this.waiting.delete(job.id);
    const { amounts, tenant, priority, minimum } = job.claim;
    const unit: ReclaimUnit = {
      id: job.id,
      tenant,
      priority,
      disruption: job.disruption,
      minCount: minimum,
      pods: places.map((place) => this.podOf(job, place, amounts)),
      startedSeconds: this.now,
      startOrder: this.nextStart++,
      checkpointedSeconds:
        this.random.nextInt(2) === 0 ? Number.NEGATIVE_INFINITY : this.now + this.random.nextInt(50),
      replaceable: job.replaceable,
      evictable: this.random.nextInt(12) !== 0,
    };
    this.running.set(job.id, unit);
    this.grow(job);
  }

  /** Further pods of a gang start where there is room; nothing is evicted for them. */
  private grow(job: Job): void {
    for (;;) {
      const unit = this.running.get(job.id) as ReclaimUnit;
      if (unit.pods.length >= job.pods) return;
      const found = this.worldFor({ ...job.claim, minimum: 1 }).fitsWithout([], new Set());
      if (found === undefined) return;
      const pod = this.podOf(job, found.places[0] as number, job.claim.amounts);
      this.running.set(job.id, { ...unit, pods: [...unit.pods, pod] });
    }
  }

  private podOf(job: Job, place: number, amounts: ArrayLike<number>): ReclaimPod {
    return { id: this.nextPod++, place, amounts, gpus: amounts[0] ?? 0, budgets: job.budgets };
  }

  /** What a claimant sees: claims of others hold room and count as usage. */
  private worldFor(claimant: ReclaimClaimant): ReclaimWorld {
    const units = [...this.running.values(), ...this.claimedUnits(claimant.id)];
    const fitsWithout = (victims: readonly ReclaimPod[], avoided: ReadonlySet<number>) => {
      const later = freeOf(this.nodes, [...units, this.foreignUnit()], victims);
      const now = this.freeNow(victims);
      const free = later.map((node, place) =>
        node.map((amount, d) => Math.min(amount, now[place]?.[d] as number)),
      );
      return placeEqual(free, claimant.amounts, claimant.minimum, avoided);
    };
    return {
      nowSeconds: this.now,
      dimensions: this.nodes[0]?.length as number,
      tenants: this.tenants,
      priorityScope: this.scope,
      units,
      allowanceOf: (budget) => budget,
      withinRate: (tenant) => !this.rated.has(tenant),
      fitsWithout,
    };
  }

  private freeNow(victims: readonly ReclaimPod[]): number[][] {
    const free = freeOf(this.nodes, [...this.running.values(), this.foreignUnit()], victims);
    for (const pod of this.leaving.values()) subtract(free[pod.place] as number[], pod.amounts);
    return free;
  }

  private claimedUnits(but: number): ReclaimUnit[] {
    return [...this.placements]
      .filter(([id]) => id !== but && this.claims.get(id) !== undefined && this.waiting.has(id))
      .map(([id, placement]) =>
        unitOf((this.jobs.get(id) as Job).claim, placement, this.nextStart + id, this.now, false),
      );
  }

  private foreignUnit(): ReclaimUnit {
    const pods = [...this.foreign.values()];
    const claim = { id: 0, tenant: 0, priority: 0, minimum: pods.length, amounts: [1], mayEvict: false };
    return { ...unitOf(claim, { places: [] }, 0, 0, false), pods };
  }

  private checkStart(
    world: ReclaimWorld,
    claimant: ReclaimClaimant,
    plan: ReclaimPlan<ReclaimPlacement> | undefined,
    placement: ReclaimPlacement,
  ): void {
    const left = plan === undefined ? world.units : withoutVictims(world.units, plan);
    const started = unitOf(claimant, placement, Number.MAX_SAFE_INTEGER, world.nowSeconds, true);
    const after = potentialOf({ ...world, units: [...left, started] });
    if (comparePotentials(after, potentialOf(world)) >= 0) throw new Error('the potential did not improve');
  }

  private checkPlan(
    world: ReclaimWorld,
    claimant: ReclaimClaimant,
    plan: ReclaimPlan<ReclaimPlacement>,
  ): void {
    if (!claimant.mayEvict) throw new Error('evicts although it may not');
    this.checkStart(world, claimant, plan, plan.placement);
    const left = withoutVictims(world.units, plan);
    const started = unitOf(claimant, plan.placement, Number.MAX_SAFE_INTEGER, world.nowSeconds, true);
    const free = freeOf(this.nodes, [...left, started, this.foreignUnit()], []);
    for (const place of plan.placement.places) {
      // Elsewhere a second scheduler may sit in the room of another claim.
      if (free[place]?.some((amount) => amount < 0)) throw new Error('no complete placement in hand');
    }
    for (const victim of plan.victims) this.checkVictim(world, claimant, victim, left, [...left, started]);
  }

  private checkVictim(
    world: ReclaimWorld,
    claimant: ReclaimClaimant,
    { unit, pods, whole, reason }: ReclaimPlan<ReclaimPlacement>['victims'][number],
    left: readonly ReclaimUnit[],
    after: readonly ReclaimUnit[],
  ): void {
    const { tenants } = world;
    const fail = (what: string): never => {
      throw new Error(`${reason}: ${what}`);
    };
    if (!unit.evictable) fail('evicts what must not be evicted');
    if (pods.length === 0) fail('a victim without pods');
    if (whole !== (pods.length === unit.pods.length)) fail('whole or not');
    if (!whole && unit.disruption === 'all') fail('a gang is torn');
    if (!whole && unit.pods.length - pods.length < unit.minCount) fail('a gang is left below its minimum');
    if (reason === 'within') {
      if (unit.tenant !== claimant.tenant || unit.priority >= claimant.priority)
        fail('not of lower priority');
      if (tenants.policyOf(unit.tenant).within === 'Never') fail('the tenant forbids it');
      return;
    }
    if (unit.priority >= claimant.priority && reason === 'priority') fail('not of lower priority');
    if (claimant.priority >= 2_000_000_000) return;
    const policy = tenants.policyOf(claimant.tenant);
    if (policy.reclaim === 'Never') fail('the claimant may not reclaim');
    if (policy.reclaim === 'LowerPriority' && unit.priority >= claimant.priority)
      fail('not of lower priority');
    if (world.nowSeconds - unit.startedSeconds < tenants.policyOf(unit.tenant).minRuntimeSeconds)
      fail('too young');
    const mine = pathTo(tenants, claimant.tenant);
    const theirs = pathTo(tenants, unit.tenant);
    const below = theirs.filter((tenant) => !mine.includes(tenant));
    const dimension = principalOfUnit(unit, world.dimensions);
    for (const tenant of below) {
      if (!tenants.policyOf(tenant).reclaimable) fail('not reclaimable');
      const used = usedBy(tenants, left, tenant, dimension);
      if (used < tenants.quotaOf(tenant, dimension)) fail('a tenant is left below its quota');
    }
    const side = mine.find((tenant) => !theirs.includes(tenant));
    const own = principalOf(claimant.amounts, world.dimensions);
    if (reason === 'reclaim') {
      const isWithin =
        side !== undefined &&
        [own, dimension].every((d) => usedBy(tenants, after, side, d) <= tenants.quotaOf(side, d));
      if (!isWithin) fail('the claim is not within the quota');
    }
    if (reason === 'fair-share') {
      if (this.rated.has(unit.tenant)) fail('beyond the rate');
      const share = (tenant: number | undefined, of: number, units: readonly ReclaimUnit[]): number => {
        if (tenant === undefined) return ownUse(units, of, dimension);
        const weight = tenants.weightOf(tenant);
        if (weight === 0) return Number.POSITIVE_INFINITY;
        return (usedBy(tenants, units, tenant, dimension) - tenants.quotaOf(tenant, dimension)) / weight;
      };
      const rest = share(side, claimant.tenant, after);
      if (!(rest < share(below[0], unit.tenant, world.units))) fail('not below the share of the victim');
    }
  }
}

function ownUse(units: readonly ReclaimUnit[], tenant: number, dimension: number): number {
  let sum = 0;
  for (const unit of units) {
    if (unit.tenant !== tenant || unit.priority >= 2_000_000_000) continue;
    for (const pod of unit.pods) sum += pod.amounts[dimension] ?? 0;
  }
  return sum;
}

/** Up to three levels; quotas and what is kept of them at random. */
export function randomTenants(random: Random, dimensions: number): TestTenant[] {
  const specs: TestTenant[] = [];
  const count = 2 + random.nextInt(5);
  for (let i = 0; i < count; i++) {
    const quota = Array.from({ length: dimensions }, () => random.nextInt(5));
    const kept = random.nextInt(3) === 0 ? quota.map((amount) => random.nextInt(amount + 1)) : [];
    const parent = i > 0 && random.nextInt(2) === 0 ? `t${random.nextInt(i)}` : undefined;
    specs.push({
      name: `t${i}`,
      ...(parent === undefined ? {} : { parent }),
      weight: random.nextInt(3),
      quota,
      kept,
      policy: {
        within: random.nextInt(4) === 0 ? 'Never' : 'LowerPriority',
        reclaim: (['Any', 'Any', 'Any', 'LowerPriority', 'Never'] as const)[random.nextInt(5)] as 'Any',
        reclaimable: random.nextInt(6) !== 0,
        minRuntimeSeconds: random.nextInt(3) === 0 ? 15 : 0,
      },
    });
  }
  return specs;
}
