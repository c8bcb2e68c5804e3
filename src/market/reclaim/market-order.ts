/**
 * The market's order of all running units, and why preemption cannot loop.
 *
 * **The order** (of one dimension; `cum` is what stands before a unit):
 * 1. Within a tenant: higher priority first; then the minima of gangs before their further pods; then the longest running.
 * 2. A unit is *covered* by a tenant if `cum` there is below the tenant's quota: the quota covers a tenant's most important work.
 *    The others are *borrowed*; their layer is (cum − quota) ÷ weight: how much their tenant borrows already when they come.
 * 3. A parent's units are those of its children, the covered ones first, then the borrowed ones by layer (with `priorityScope`
 *    Cluster those that a quota further down covers, then by priority, before layers decide). Ties keep children and order.
 * 4. The order of the root is the market's order. What a tenant keeps to itself (`keptOf`) is absorbed on the way up.
 *
 * **Prefix property.** The place of a unit depends only on units before it: `cum` of every tenant on its path sums units before
 * it in that tenant's order, and a parent's order extends the orders of its children (`layer` never falls along them).
 *
 * **No loops.** *A unit is evicted only if it stands behind the claimant.* Then each start, with evictions or without, leaves
 * everything before the claimant as it was (prefix property) and puts the claimant where something later stood, or nothing. So
 * the sequence of running units, compared at the first difference, improves strictly with each start, and with finitely many jobs
 * no state comes back: between two events from outside (arrivals, ends, lost nodes, changed quotas, other schedulers) there are
 * finitely many evictions. All other rules (`candidates.ts`) only forbid more. Weight 0 borrows at layer ∞: behind everybody, and
 * never before an equal.
 *
 * **System priorities** stand before everything, by priority, outside quotas; they may evict all that is less important.
 *
 * **Dimensions.** A unit stands in the order of its principal dimension. A claimant may evict units whose principal dimension is
 * less important than its own (they stand in the way on a node), never more important ones. Compare the orders of the dimensions
 * one after the other, the important ones first: the first that a start changes is the claimant's own, and it improves.
 */
import { assert } from '../../kernel/assert.ts';
import type { ReclaimTenants, ReclaimWorld } from './reclaim-world.ts';

/** Layer of what a quota covers. */
export const COVERED = -1;

/** A part of a unit that stands in the order by itself: its minimum, or one pod beyond it. */
export interface OrderEntry {
  /** The caller's number. */
  readonly owner: number;
  readonly tenant: number;
  readonly priority: number;
  /** 0: the minimum; k ≥ 1: the k-th pod beyond it. */
  readonly extra: number;
  /** Infinity: starts next, the last of its equals. */
  readonly startOrder: number;
  readonly amount: number;
  /** By level below the root: layer and rank there; the last is its tenant's own. Filled by `MarketOrder`, as all below. */
  readonly layers: number[];
  readonly ranks: number[];
  /** What of it is used of the tenant above. */
  passing: number;
  /** Whether a quota further down covers it. */
  isCoveredBelow: boolean;
}

/** @returns An entry that stands nowhere yet. */
export function orderEntry(
  given: Omit<OrderEntry, 'layers' | 'ranks' | 'passing' | 'isCoveredBelow'>,
): OrderEntry {
  // Field by field: a plan makes one for every running job, and a spread costs several times as much.
  const { owner, tenant, priority, extra, startOrder, amount } = given;
  return {
    owner,
    tenant,
    priority,
    extra,
    startOrder,
    amount,
    layers: [],
    ranks: [],
    passing: amount,
    isCoveredBelow: false,
  };
}

/** The order in one dimension. Built once for a state. */
export class MarketOrder {
  /** All entries, in the market's order. */
  readonly entries: readonly OrderEntry[];
  private readonly dimension: number;
  private readonly tenants: ReclaimTenants;
  private readonly byPriority: boolean;
  private readonly own = new Map<number, OrderEntry[]>();
  private readonly children = new Map<number, number[]>();

  /**
   * @param entries Those of units whose principal dimension this is; filled in.
   * @param base    By tenant: what units of more important dimensions hold of this one; they come first.
   */
  constructor(
    world: Pick<ReclaimWorld, 'tenants' | 'priorityScope'>,
    dimension: number,
    entries: readonly OrderEntry[],
    base: ReadonlyMap<number, number>,
  ) {
    this.tenants = world.tenants;
    this.dimension = dimension;
    this.byPriority = world.priorityScope === 'Cluster';
    for (const tenant of this.tenants.tenants) {
      const parent = this.tenants.parentOf(tenant);
      listOf(this.children, parent).push(tenant);
    }
    for (const entry of entries) listOf(this.own, entry.tenant).push(entry);
    const tops = (this.children.get(-1) ?? []).map((top) => this.ordered(top, 1, base).entries);
    this.entries = this.merged(tops, 1);
    assert(this.entries.length === entries.length, 'a unit belongs to a tenant that is not in the tree');
  }

  /** @returns True if `behind` stands behind `ahead` at the level where their tenants' paths part: not merely by a tie. */
  isBehind(ahead: OrderEntry, behind: OrderEntry, level: number): boolean {
    return this.compareAt(ahead, behind, level) < 0;
  }

  /** The entries of a tenant and all below it, in order; each with what is used of the tenant above. */
  private ordered(
    tenant: number,
    level: number,
    base: ReadonlyMap<number, number>,
  ): { entries: OrderEntry[]; base: number } {
    const own = (this.own.get(tenant) ?? []).sort(compareWithin);
    const below = this.children.get(tenant) ?? [];
    const ownBase = base.get(tenant) ?? 0;
    const kept = this.tenants.keptOf(tenant, this.dimension);
    let entries = own;
    let used = ownBase;
    if (below.length > 0) {
      const parts = below.map((child) => this.ordered(child, level + 1, base));
      for (const part of parts) used += part.base;
      // Units of an inner tenant itself use its quota like a child of quota 0.
      this.mark(own, level + 1, ownBase, 0, 1, 0);
      entries = this.merged([...parts.map((part) => part.entries), own], level + 1);
    }
    const quota = this.tenants.quotaOf(tenant, this.dimension);
    this.mark(entries, level, used, quota, this.tenants.weightOf(tenant), kept);
    return { entries, base: Math.max(0, used - kept) };
  }

  /** Fills layer and rank of a tenant's entries at its level, and what passes to the tenant above. */
  private mark(
    entries: readonly OrderEntry[],
    level: number,
    base: number,
    quota: number,
    weight: number,
    kept: number,
  ): void {
    let cum = base;
    for (const entry of entries) {
      const isCovered = cum < quota;
      entry.layers[level] = isCovered
        ? COVERED
        : weight === 0
          ? Number.POSITIVE_INFINITY
          : (cum - quota) / weight;
      // What a quota below covers stands before its tenant's other units; a rank of its priority would contradict that.
      entry.ranks[level] = entry.isCoveredBelow ? Number.POSITIVE_INFINITY : entry.priority;
      if (isCovered) entry.isCoveredBelow = true;
      const next = cum + entry.passing;
      entry.passing = Math.max(0, next - kept) - Math.max(0, cum - kept);
      cum = next;
    }
  }

  /** Entries of several children in one order; the sort is stable, so that ties keep children and order. */
  private merged(parts: readonly (readonly OrderEntry[])[], level: number): OrderEntry[] {
    return parts.flat().sort((a, b) => this.compareAt(a, b, level));
  }

  private compareAt(a: OrderEntry, b: OrderEntry, level: number): number {
    const left = a.layers[level] as number;
    const right = b.layers[level] as number;
    if (left === COVERED || right === COVERED)
      return (left === COVERED ? 0 : 1) - (right === COVERED ? 0 : 1);
    if (this.byPriority) {
      const above = a.ranks[level] as number;
      const below = b.ranks[level] as number;
      if (above !== below) return above > below ? -1 : 1;
    }
    // Not left − right: ∞ − ∞ is not a number.
    return left < right ? -1 : left > right ? 1 : 0;
  }
}

/** More important first. Of equals the one that started first. */
function compareWithin(a: OrderEntry, b: OrderEntry): number {
  return (
    b.priority - a.priority ||
    Math.min(a.extra, 1) - Math.min(b.extra, 1) ||
    // Not a difference: a claimant's is Infinity, and the unit's own entries are equal.
    (a.startOrder === b.startOrder ? a.extra - b.extra : a.startOrder < b.startOrder ? -1 : 1)
  );
}

function listOf<Value>(lists: Map<number, Value[]>, key: number): Value[] {
  let list = lists.get(key);
  if (list === undefined) {
    list = [];
    lists.set(key, list);
  }
  return list;
}
