/** Small clusters for tests of evictions: nodes with amounts of each dimension, tenants by name, units on nodes. */
import { type PlanOptions, planReclaim } from './reclaim-planner.ts';
import type {
  ReclaimClaimant,
  ReclaimPlacement,
  ReclaimPod,
  ReclaimPolicy,
  ReclaimTenants,
  ReclaimUnit,
  ReclaimWorld,
} from './reclaim-world.ts';

/** A tenant of a test; amounts by dimension. */
export interface TestTenant {
  readonly name: string;
  readonly parent?: string;
  readonly weight?: number;
  readonly quota?: readonly number[];
  readonly kept?: readonly number[];
  readonly policy?: Partial<ReclaimPolicy>;
}

/** Evicts and is evicted at once. */
export const OPEN_POLICY: ReclaimPolicy = {
  within: 'LowerPriority',
  reclaim: 'Any',
  reclaimable: true,
  minRuntimeSeconds: 0,
};

/**
 * Tenants by number, in the order given; parents have to come first. `quota` is a tenant's own; a parent's includes what is lent.
 */
export class TestTenants implements ReclaimTenants {
  readonly tenants: readonly number[];
  readonly specs: readonly TestTenant[];
  private readonly parents: readonly number[];
  private readonly quotas: readonly (readonly number[])[];

  constructor(specs: readonly TestTenant[], dimensions: number) {
    this.specs = specs;
    this.tenants = specs.map((_, i) => i);
    this.parents = specs.map(({ parent }) => specs.findIndex(({ name }) => name === parent));
    const quotas = specs.map(({ quota }) => Array.from({ length: dimensions }, (_, d) => quota?.[d] ?? 0));
    for (let i = specs.length - 1; i >= 0; i--) {
      const above = quotas[this.parents[i] as number];
      for (let d = 0; above !== undefined && d < dimensions; d++) {
        above[d] = (above[d] as number) + Math.max(0, (quotas[i]?.[d] as number) - this.keptOf(i, d));
      }
    }
    this.quotas = quotas;
  }

  idOf(name: string): number {
    const id = this.specs.findIndex((spec) => spec.name === name);
    if (id < 0) throw new Error(`no tenant ${name}`);
    return id;
  }

  parentOf(tenant: number): number {
    return this.parents[tenant] as number;
  }

  weightOf(tenant: number): number {
    return this.specs[tenant]?.weight ?? 1;
  }

  quotaOf(tenant: number, dimension: number): number {
    return this.quotas[tenant]?.[dimension] as number;
  }

  keptOf(tenant: number, dimension: number): number {
    return this.specs[tenant]?.kept?.[dimension] ?? 0;
  }

  policyOf(tenant: number): ReclaimPolicy {
    return { ...OPEN_POLICY, ...this.specs[tenant]?.policy };
  }
}

/** A unit of a test: `places` says on which node each pod is. */
export interface TestUnit {
  readonly name: string;
  readonly tenant: string;
  readonly places: readonly number[];
  /** Of a pod; default: one of the first dimension. */
  readonly amounts?: readonly number[];
  /** Of each pod, where they differ. */
  readonly podAmounts?: readonly (readonly number[])[];
  readonly priority?: number;
  /** Default: a gang of more than one pod goes whole. */
  readonly disruption?: 'single' | 'all';
  readonly minCount?: number;
  readonly startedSeconds?: number;
  readonly checkpointedSeconds?: number;
  readonly replaceable?: boolean;
  readonly evictable?: boolean;
  readonly budgets?: readonly number[];
}

/** A claimant of a test. */
export interface TestClaimant {
  readonly tenant: string;
  readonly pods?: number;
  readonly amounts?: readonly number[];
  readonly priority?: number;
  readonly isExtra?: boolean;
  readonly mayEvict?: boolean;
}

/** A cluster at one moment. */
export class TestWorld implements ReclaimWorld {
  nowSeconds = 10_000;
  priorityScope: 'Tenant' | 'Cluster' = 'Tenant';
  readonly dimensions: number;
  readonly tenants: TestTenants;
  readonly units: ReclaimUnit[] = [];
  /** @shape [nodes][dimensions] */
  readonly nodes: readonly (readonly number[])[];
  readonly names = new Map<number, string>();
  readonly allowances = new Map<number, number>();
  readonly rated = new Set<number>();
  /** Questions asked. */
  asked = 0;
  private claim: { readonly amounts: ArrayLike<number>; readonly minimum: number } | undefined;
  private nextPod = 0;

  constructor(nodes: readonly (readonly number[])[], tenants: readonly TestTenant[]) {
    this.nodes = nodes;
    this.dimensions = nodes[0]?.length ?? 1;
    this.tenants = new TestTenants(tenants, this.dimensions);
  }

  run(...units: readonly TestUnit[]): this {
    for (const unit of units) {
      const id = this.units.length + 1;
      this.names.set(id, unit.name);
      const pods = unit.places.map((place, i): ReclaimPod => {
        const amounts = unit.podAmounts?.[i] ?? unit.amounts ?? [1];
        return { id: this.nextPod++, place, amounts, gpus: amounts[0] ?? 0, budgets: unit.budgets ?? [] };
      });
      this.units.push({
        id,
        tenant: this.tenants.idOf(unit.tenant),
        priority: unit.priority ?? 0,
        disruption: unit.disruption ?? (pods.length > 1 ? 'all' : 'single'),
        minCount: unit.minCount ?? 1,
        pods,
        startedSeconds: unit.startedSeconds ?? 0,
        startOrder: id,
        checkpointedSeconds: unit.checkpointedSeconds ?? Number.NEGATIVE_INFINITY,
        replaceable: unit.replaceable ?? true,
        evictable: unit.evictable ?? true,
      });
    }
    return this;
  }

  /** The next questions are about this claimant. */
  claimant(given: TestClaimant): ReclaimClaimant {
    const claimant: ReclaimClaimant = {
      id: 1_000_000,
      tenant: this.tenants.idOf(given.tenant),
      priority: given.priority ?? 0,
      minimum: given.pods ?? 1,
      amounts: given.amounts ?? [1],
      isExtra: given.isExtra ?? false,
      mayEvict: given.mayEvict ?? true,
    };
    this.claim = claimant;
    return claimant;
  }

  allowanceOf(budget: number): number {
    return this.allowances.get(budget) ?? 0;
  }

  withinRate(tenant: number): boolean {
    return !this.rated.has(tenant);
  }

  fitsWithout(victims: readonly ReclaimPod[], avoided: ReadonlySet<number>): ReclaimPlacement | undefined {
    this.asked++;
    const { amounts, minimum } = this.claim as { amounts: ArrayLike<number>; minimum: number };
    return placeEqual(freeOf(this.nodes, this.units, victims), amounts, minimum, avoided);
  }
}

/** Takes amounts from what is free on a node. */
export function subtract(free: number[], amounts: ArrayLike<number>): void {
  for (let d = 0; d < free.length; d++) free[d] = (free[d] as number) - (amounts[d] ?? 0);
}

/** @returns What is free on each node without some pods. */
export function freeOf(
  nodes: readonly (readonly number[])[],
  units: Iterable<ReclaimUnit>,
  victims: readonly ReclaimPod[],
): number[][] {
  const gone = new Set(victims.map(({ id }) => id));
  const free = nodes.map((node) => [...node]);
  for (const { pods } of units) {
    for (const pod of pods) {
      const node = free[pod.place] as number[];
      if (!gone.has(pod.id)) subtract(node, pod.amounts);
    }
  }
  return free;
}

/** @returns Places of equal pods, node by node; exact. Undefined: fewer than `count` fit. */
export function placeEqual(
  free: readonly (readonly number[])[],
  amounts: ArrayLike<number>,
  count: number,
  avoided: ReadonlySet<number>,
): ReclaimPlacement | undefined {
  const places: number[] = [];
  free.forEach((node, place) => {
    if (avoided.has(place)) return;
    const fits = node.reduce((least, amount, d) => {
      const each = amounts[d] ?? 0;
      return each > 0 ? Math.min(least, Math.floor(amount / each)) : least;
    }, count);
    for (let i = 0; i < fits && places.length < count; i++) places.push(place);
  });
  return places.length === count ? { places } : undefined;
}

/** @returns `name: n pods (reason)` for each victim, by name; or why nobody goes. */
export function plannedText(
  world: TestWorld,
  given: TestClaimant,
  options: PlanOptions = {},
): string[] | string {
  const plan = planReclaim(world, world.claimant(given), options);
  if (plan.kind === 'fits') return 'fits';
  if (plan.kind === 'none') {
    const protections = [...plan.protectedPods].map(([why, pods]) => `${why} ${pods}`);
    return [plan.reason as string, ...protections].join(', ');
  }
  return plan.victims
    .map(({ unit, pods, reason }) => `${world.names.get(unit.id)}: ${pods.length} (${reason})`)
    .sort();
}
