/**
 * What has to hold of evictions, computed again in the plainest way: the potential as a list of keys, usage by recursion, the
 * smallest set by trying all.
 */
import { type ReclaimCandidate, Standing } from './candidates.ts';
import { COVERED, type OrderEntry } from './market-order.ts';
import type { ReclaimPlan } from './reclaim-planner.ts';
import {
  type ReclaimClaimant,
  type ReclaimPlacement,
  type ReclaimPod,
  type ReclaimTenants,
  type ReclaimUnit,
  type ReclaimWorld,
  SYSTEM_PRIORITY_MIN,
} from './reclaim-world.ts';
import { compareCosts, type VictimCost, type VictimItem, type VictimRules } from './victim-set.ts';

/** The market's order of a state as keys, system priorities first, then dimension by dimension. Smaller is better. */
export function potentialOf(world: ReclaimWorld): number[][][] {
  const standing = new Standing(world, undefined);
  const system = world.units.filter(({ priority }) => priority >= SYSTEM_PRIORITY_MIN);
  const systemKeys = system
    .map(({ priority }) => [-priority])
    .sort((a, b) => (a[0] as number) - (b[0] as number));
  const orders = standing.orders.map(({ entries }) =>
    entries.filter(({ owner }) => owner >= 0).map((entry) => keyOf(world, entry)),
  );
  return [systemKeys, ...orders];
}

function keyOf(world: ReclaimWorld, entry: OrderEntry): number[] {
  const path: number[] = [];
  for (let at = entry.tenant; at >= 0; at = world.tenants.parentOf(at)) path.unshift(at);
  const key: number[] = [];
  entry.layers.forEach((layer, level) => {
    const rank = layer === COVERED || world.priorityScope === 'Tenant' ? 0 : -(entry.ranks[level] as number);
    key.push(layer === COVERED ? 0 : 1, rank, layer, path[level - 1] ?? Number.MAX_VALUE);
  });
  // A gang that grows where it stands improves the order, whatever that does to those behind it.
  key.push(-entry.priority, Math.min(entry.extra, 1), entry.extra === 0 ? -entry.amount : 0);
  return key;
}

/** @returns < 0 if the first state is better: at the first difference it has the smaller key, or a key at all. */
export function comparePotentials(a: number[][][], b: number[][][]): number {
  for (let list = 0; list < a.length; list++) {
    const left = a[list] as number[][];
    const right = b[list] as number[][];
    for (let i = 0; i < Math.max(left.length, right.length); i++) {
      const x = left[i];
      const y = right[i];
      if (x === undefined) return 1;
      if (y === undefined) return -1;
      for (let j = 0; j < Math.max(x.length, y.length); j++) {
        const p = x[j] ?? Number.POSITIVE_INFINITY;
        const q = y[j] ?? Number.POSITIVE_INFINITY;
        if (p !== q) return p < q ? -1 : 1;
      }
    }
  }
  return 0;
}

/** Usage of a tenant and all below it that counts against its quota. */
export function usedBy(
  tenants: ReclaimTenants,
  units: readonly ReclaimUnit[],
  tenant: number,
  dimension: number,
): number {
  let used = 0;
  for (const unit of units) {
    if (unit.tenant !== tenant || unit.priority >= SYSTEM_PRIORITY_MIN) continue;
    for (const pod of unit.pods) used += pod.amounts[dimension] ?? 0;
  }
  for (const child of tenants.tenants) {
    if (tenants.parentOf(child) !== tenant) continue;
    used += Math.max(0, usedBy(tenants, units, child, dimension) - tenants.keptOf(child, dimension));
  }
  return used;
}

/** @returns The units that are left if a plan's victims are gone. */
export function withoutVictims(
  units: readonly ReclaimUnit[],
  plan: ReclaimPlan<ReclaimPlacement>,
): ReclaimUnit[] {
  const gone = new Set(plan.victims.flatMap(({ pods }) => pods.map(({ id }) => id)));
  return units
    .map((unit) => ({ ...unit, pods: unit.pods.filter(({ id }) => !gone.has(id)) }))
    .filter(({ pods }) => pods.length > 0);
}

/** @returns The claimant as a unit that runs, or will. */
export function unitOf(
  claimant: ReclaimClaimant,
  { places }: ReclaimPlacement,
  startOrder: number,
  startedSeconds: number,
  evictable: boolean,
): ReclaimUnit {
  return {
    id: claimant.id,
    tenant: claimant.tenant,
    priority: claimant.priority,
    disruption: 'all',
    minCount: claimant.minimum,
    pods: places.map((place, i) => ({
      id: -1 - claimant.id * 100 - i,
      place,
      amounts: claimant.amounts,
      gpus: claimant.amounts[0] ?? 0,
      budgets: [],
    })),
    startedSeconds,
    startOrder,
    checkpointedSeconds: Number.NEGATIVE_INFINITY,
    replaceable: true,
    evictable,
  };
}

/** Tenants from the top down to one. */
export function pathTo(tenants: ReclaimTenants, tenant: number): number[] {
  const path: number[] = [];
  for (let at = tenant; at >= 0; at = tenants.parentOf(at)) path.unshift(at);
  return path;
}

/**
 * The cheapest allowed set, by trying all sets of pods.
 *
 * @param rules Of the claim; at most some 14 pods.
 * @returns Undefined: none makes room.
 */
export function cheapestOfAll(
  world: ReclaimWorld,
  rules: VictimRules,
): { readonly cost: VictimCost; readonly pods: readonly ReclaimPod[] } | undefined {
  const { items } = rules;
  let best: { cost: VictimCost; pods: ReclaimPod[] } | undefined;
  for (let mask = 1; mask < 2 ** items.length; mask++) {
    const chosen = items.filter((_, i) => (mask >> i) & 1) as VictimItem[];
    const closed = rules.close(chosen);
    const isWhole = [...closed].every(([at, pods]) => {
      const { unit, extrasMax, whole } = rules.candidates[at] as ReclaimCandidate;
      return pods.length <= extrasMax || (whole && pods.length === unit.pods.length);
    });
    if (!isWhole || !rules.isAllowed(closed)) continue;
    const pods = [...closed.values()].flat();
    const cost = rules.costOf(closed);
    if (best !== undefined && compareCosts(cost, best.cost) >= 0) continue;
    if (world.fitsWithout(pods, new Set()) !== undefined) best = { cost, pods };
  }
  return best;
}
