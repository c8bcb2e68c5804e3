/**
 * Which units may be evicted for a claimant, and why the others may not.
 *
 * Every rule here only forbids; that evictions cannot loop follows from the order alone (`market-order.ts`), which is asked
 * first. Rules that concern a whole set of victims (is the claim within the quota?) are in `SetRules`.
 */
import type { Holdings } from './holdings.ts';
import { COVERED, MarketOrder, type OrderEntry, orderEntry } from './market-order.ts';
import {
  type ReclaimClaimant,
  type ReclaimPod,
  type ReclaimPolicy,
  type ReclaimUnit,
  type ReclaimWorld,
  SYSTEM_PRIORITY_MIN,
} from './reclaim-world.ts';

/** Why a unit may be evicted; several may hold. */
export const EvictionCause = {
  /** A system priority claims; or the claimant's priority holds in the whole cluster, and the unit is borrowed. */
  Priority: 1,
  /** Of the same tenant, of lower priority. */
  Within: 2,
  /** Borrowed, and the claim is within the claimant's quota. */
  Reclaim: 4,
  /** Borrowed, and the claimant's share of the surplus stays below the share of the unit's tenant. */
  FairShare: 8,
} as const;

/**
 * Why a unit may not be evicted, the dominant reason of each. `rate`: not for the sake of a fair share. `share`: the claim is
 * neither within a quota nor below the share of the unit's tenant.
 */
export type Protection =
  | 'leaving'
  | 'evicted-before'
  | 'priority'
  | 'quota'
  | 'order'
  | 'policy'
  | 'not-reclaimable'
  | 'min-runtime'
  | 'rate'
  | 'share'
  | 'dimension';

/** A unit that may be evicted. */
export interface ReclaimCandidate {
  readonly unit: ReclaimUnit;
  /** Bits of `EvictionCause`, of which one has to hold for the whole set. */
  readonly causes: number;
  /** The tenants below the common ancestor on the claimant's and on the unit's path; −1: their tenant is the same. */
  readonly claimantSide: number;
  readonly victimSide: number;
  /** Tenants of the unit that do not contain the claimant: none of them may be left below its quota. */
  readonly floors: readonly number[];
  /** Principal dimension. */
  readonly dimension: number;
  /** Pods that may go one by one, ≥ 0; 0 for a unit that goes whole. */
  readonly extrasMax: number;
  /** Whether it may go whole. */
  readonly whole: boolean;
}

/** The candidates of one claim. */
export interface Candidates {
  readonly list: readonly ReclaimCandidate[];
  /** Pods that are protected, by reason. */
  readonly protectedPods: ReadonlyMap<Protection, number>;
  /** When the next unit passes its `minRuntime`; Infinity: none will. */
  readonly retrySeconds: number;
}

/** Stands for the side of a tenant itself where it is the common ancestor: its own units are like a child of quota 0. */
export const OWN_SIDE = -2;

/** @returns The first dimension that an amount uses; the last one if it uses none. */
export function principalOf(amounts: ArrayLike<number>, dimensions: number): number {
  for (let dimension = 0; dimension < dimensions; dimension++) {
    if ((amounts[dimension] ?? 0) > 0) return dimension;
  }
  return dimensions - 1;
}

/** @returns The principal dimension of a unit. */
export function principalOfUnit(unit: ReclaimUnit, dimensions: number): number {
  let least = dimensions - 1;
  for (const pod of unit.pods) least = Math.min(least, principalOf(pod.amounts, dimensions));
  return least;
}

/** @returns A unit's pods, those first that its minimum consists of: the largest, so that no eviction makes it larger. */
export function podsInOrder(unit: ReclaimUnit, dimension: number): readonly ReclaimPod[] {
  if (unit.pods.length <= coreCount(unit)) return unit.pods;
  return [...unit.pods].sort(
    (a, b) => (b.amounts[dimension] ?? 0) - (a.amounts[dimension] ?? 0) || a.id - b.id,
  );
}

/** @returns Pods of a unit that stand or fall together. */
export function coreCount(unit: ReclaimUnit): number {
  return unit.disruption === 'all' ? unit.pods.length : Math.min(unit.minCount, unit.pods.length);
}

/** The orders of all dimensions with the claimant in its own, and each unit's entries. */
export class Standing {
  readonly claimant: OrderEntry;
  readonly claimantDimension: number;
  /** By position of the unit: the minimum first, then the pods beyond it. Undefined: it stands before the claimant, whatever that is. */
  readonly entries: readonly (readonly OrderEntry[] | undefined)[];
  /** By position of the unit: its principal dimension. */
  readonly dimensions: Uint32Array;
  /** By dimension; undefined: no unit has it as its principal. */
  readonly orders: readonly MarketOrder[];

  /**
   * @param claimant Undefined: the order of what runs alone.
   * @param holdings Of all units outside system priorities; absent: every unit gets its entries.
   */
  constructor(world: ReclaimWorld, claimant: ReclaimClaimant | undefined, holdings?: Holdings) {
    const { dimensions } = world;
    const covered = new CoveredTenants(world, claimant?.tenant ?? -1, holdings);
    const all: (readonly OrderEntry[] | undefined)[] = [];
    this.entries = all;
    this.dimensions = new Uint32Array(world.units.length);
    const byDimension: OrderEntry[][] = Array.from({ length: dimensions }, () => []);
    const bases: Map<number, number>[] = Array.from({ length: dimensions }, () => new Map());
    for (let at = 0; at < world.units.length; at++) {
      const unit = world.units[at] as ReclaimUnit;
      const dimension = principalOfUnit(unit, dimensions);
      this.dimensions[at] = dimension;
      if (unit.priority >= SYSTEM_PRIORITY_MIN) {
        all.push(undefined);
        continue;
      }
      const isCovered = covered.has(unit.tenant, dimension);
      const entries = isCovered ? undefined : entriesOf(unit, dimension);
      all.push(entries);
      if (entries !== undefined) (byDimension[dimension] as OrderEntry[]).push(...entries);
      for (let other = isCovered ? dimension : dimension + 1; other < dimensions; other++) {
        let sum = 0;
        for (const pod of unit.pods) sum += pod.amounts[other] ?? 0;
        const base = bases[other] as Map<number, number>;
        if (sum !== 0) base.set(unit.tenant, (base.get(unit.tenant) ?? 0) + sum);
      }
    }
    this.claimantDimension = claimant === undefined ? 0 : principalOf(claimant.amounts, dimensions);
    this.claimant = orderEntry({
      owner: claimant?.id ?? -1,
      tenant: claimant?.tenant ?? -1,
      priority: claimant?.priority ?? 0,
      extra: claimant?.isExtra === true ? 1 : 0,
      startOrder: Number.POSITIVE_INFINITY,
      amount: (claimant?.minimum ?? 0) * (claimant?.amounts[this.claimantDimension] ?? 0),
    });
    if (claimant !== undefined && claimant.priority < SYSTEM_PRIORITY_MIN) {
      (byDimension[this.claimantDimension] as OrderEntry[]).push(this.claimant);
    }
    this.orders = byDimension.map(
      (list, dimension) => new MarketOrder(world, dimension, list, bases[dimension] as Map<number, number>),
    );
  }
}

/**
 * Tenants all of whose units stand before any claimant of another top tenant, whatever their order: what they hold is less than the
 * quota of each tenant on their path below the top, or of the top. For the tenants above, they are the first, as if they were a base.
 */
class CoveredTenants {
  private readonly world: ReclaimWorld;
  private readonly holdings: Holdings | undefined;
  private readonly claimantTop: number;
  /** By tenant × dimension. */
  private readonly known = new Map<number, boolean>();

  constructor(world: ReclaimWorld, claimantTenant: number, holdings: Holdings | undefined) {
    this.world = world;
    this.holdings = holdings;
    this.claimantTop = claimantTenant < 0 ? -1 : (this.pathOf(claimantTenant)[0] as number);
  }

  has(tenant: number, dimension: number): boolean {
    const key = tenant * this.world.dimensions + dimension;
    let isCovered = this.known.get(key);
    if (isCovered === undefined) {
      isCovered = this.isCovered(tenant, dimension);
      this.known.set(key, isCovered);
    }
    return isCovered;
  }

  private isCovered(tenant: number, dimension: number): boolean {
    const [top, ...below] = this.pathOf(tenant);
    const { holdings, world } = this;
    if (holdings === undefined || top === undefined || this.claimantTop < 0) return false;
    if (top === this.claimantTop) return false;
    const isWithin = (at: number): boolean =>
      holdings.usedOf(at, dimension) < world.tenants.quotaOf(at, dimension);
    return isWithin(top) || (below.length > 0 && below.every(isWithin));
  }

  /** From the top down. */
  private pathOf(tenant: number): readonly number[] {
    const path: number[] = [];
    for (let at = tenant; at >= 0; at = this.world.tenants.parentOf(at)) path.push(at);
    return path.reverse();
  }
}

function entriesOf(unit: ReclaimUnit, dimension: number): OrderEntry[] {
  const pods = podsInOrder(unit, dimension);
  const core = coreCount(unit);
  const { id, tenant, priority, startOrder, isExtra = false } = unit;
  const entry = (extra: number, amount: number): OrderEntry =>
    orderEntry({ owner: id, tenant, priority, extra, startOrder, amount });
  let sum = 0;
  for (let i = 0; i < core; i++) sum += (pods[i] as ReclaimPod).amounts[dimension] ?? 0;
  const entries = [entry(isExtra ? 1 : 0, sum)];
  for (let i = core; i < pods.length; i++) {
    entries.push(entry(i - core + 1, (pods[i] as ReclaimPod).amounts[dimension] ?? 0));
  }
  return entries;
}

/** Finds the candidates of a claim. */
export class CandidateFinder {
  private readonly world: ReclaimWorld;
  private readonly claimant: ReclaimClaimant;
  private readonly standing: Standing;
  private readonly policy: ReclaimPolicy;
  private readonly evicted: ReadonlySet<number>;
  private readonly protectedPods = new Map<Protection, number>();
  private readonly paths = new Map<number, readonly number[]>();
  private retrySeconds = Number.POSITIVE_INFINITY;

  /** @param evicted Ids of units that were evicted for this claim already. */
  constructor(
    world: ReclaimWorld,
    claimant: ReclaimClaimant,
    standing: Standing,
    evicted: ReadonlySet<number>,
  ) {
    this.world = world;
    this.claimant = claimant;
    this.standing = standing;
    this.policy = world.tenants.policyOf(claimant.tenant);
    this.evicted = evicted;
  }

  /** @cost O(units × levels + pods). */
  find(): Candidates {
    const list: ReclaimCandidate[] = [];
    for (let at = 0; at < this.world.units.length; at++) {
      const unit = this.world.units[at] as ReclaimUnit;
      const found = this.judge(unit, at);
      if (typeof found !== 'string') list.push(found);
      else this.count(found, unit);
    }
    return { list, protectedPods: this.protectedPods, retrySeconds: this.retrySeconds };
  }

  private judge(unit: ReclaimUnit, at: number): ReclaimCandidate | Protection {
    const { claimant, world } = this;
    const isSystem = claimant.priority >= SYSTEM_PRIORITY_MIN;
    if (!unit.evictable || unit.id === claimant.id) return 'leaving';
    if (this.evicted.has(unit.id)) return 'evicted-before';
    if (unit.priority >= SYSTEM_PRIORITY_MIN && unit.priority >= claimant.priority) return 'priority';
    const dimension = this.standing.dimensions[at] as number;
    if (isSystem) return this.anyPart(unit, EvictionCause.Priority, dimension);
    if (dimension < this.standing.claimantDimension) return 'dimension';
    const found =
      unit.tenant === claimant.tenant ? this.within(unit, dimension) : this.between(unit, at, dimension);
    if (typeof found === 'string') return found;
    // The time comes last: what is protected otherwise will not be free later.
    const freeAt = unit.startedSeconds + world.tenants.policyOf(unit.tenant).minRuntimeSeconds;
    if (freeAt > world.nowSeconds) {
      this.retrySeconds = Math.min(this.retrySeconds, freeAt);
      return 'min-runtime';
    }
    return found;
  }

  private within(unit: ReclaimUnit, dimension: number): ReclaimCandidate | Protection {
    if (unit.priority >= this.claimant.priority) return 'priority';
    if (this.policy.within === 'Never') return 'policy';
    return this.anyPart(unit, EvictionCause.Within, dimension);
  }

  /** A candidate of which every part may go. */
  private anyPart(unit: ReclaimUnit, causes: number, dimension: number): ReclaimCandidate {
    const extrasMax = unit.pods.length - coreCount(unit);
    return { unit, causes, claimantSide: -1, victimSide: -1, floors: [], dimension, extrasMax, whole: true };
  }

  private between(unit: ReclaimUnit, at: number, dimension: number): ReclaimCandidate | Protection {
    const { claimant, policy, world } = this;
    if (policy.reclaim === 'Never') return 'policy';
    if (policy.reclaim === 'LowerPriority' && unit.priority >= claimant.priority) return 'priority';
    const mine = this.pathOf(claimant.tenant);
    const theirs = this.pathOf(unit.tenant);
    let level = 0;
    while (level < mine.length && mine[level] === theirs[level]) level++;
    for (let i = level; i < theirs.length; i++) {
      if (!world.tenants.policyOf(theirs[i] as number).reclaimable) return 'not-reclaimable';
    }
    const entries = this.standing.entries[at];
    if (entries === undefined) return 'quota';
    // Levels of entries begin at 1 below the root; an inner tenant's own units have one more.
    const open = this.openFrom(entries, level + 1, dimension);
    if (typeof open === 'string') return open;
    return {
      unit,
      causes: this.causesOf(unit, dimension),
      claimantSide: mine[level] ?? OWN_SIDE,
      victimSide: theirs[level] ?? OWN_SIDE,
      floors: theirs.slice(level),
      dimension,
      extrasMax: Math.min(entries.length - Math.max(1, open), entries.length - 1),
      whole: open === 0,
    };
  }

  private causesOf(unit: ReclaimUnit, dimension: number): number {
    const { claimant, world } = this;
    let causes: number = EvictionCause.Reclaim;
    if (world.priorityScope === 'Cluster' && unit.priority < claimant.priority)
      causes |= EvictionCause.Priority;
    // Shares of different dimensions cannot be compared.
    if (dimension !== this.standing.claimantDimension) return causes;
    if (world.withinRate(unit.tenant)) return causes | EvictionCause.FairShare;
    // Still a candidate for a claim within the quota.
    this.count('rate', unit);
    return causes;
  }

  private count(why: Protection, unit: ReclaimUnit): void {
    this.protectedPods.set(why, (this.protectedPods.get(why) ?? 0) + unit.pods.length);
  }

  /**
   * The first of a unit's entries from which on all are borrowed, at every tenant that does not contain the claimant, and stand
   * behind the claimant.
   */
  private openFrom(entries: readonly OrderEntry[], level: number, dimension: number): number | Protection {
    const { claimant, claimantDimension, orders } = this.standing;
    const order = orders[dimension] as MarketOrder;
    let why: Protection = 'quota';
    let open = entries.length;
    while (open > 0) {
      const entry = entries[open - 1] as OrderEntry;
      if (entry.layers.some((layer, at) => at >= level && layer === COVERED)) break;
      // Of another dimension the order is compared first by dimension.
      if (dimension === claimantDimension && !order.isBehind(claimant, entry, level)) {
        why = 'order';
        break;
      }
      open--;
    }
    return open === entries.length ? why : open;
  }

  /** Tenants from the top down to one. */
  private pathOf(tenant: number): readonly number[] {
    let path = this.paths.get(tenant);
    if (path === undefined) {
      const up: number[] = [];
      for (let at = tenant; at >= 0; at = this.world.tenants.parentOf(at)) up.push(at);
      path = up.reverse();
      this.paths.set(tenant, path);
    }
    return path;
  }
}
