/**
 * A set of victims while it is searched for: which pods are in it, whether the rules allow it, and what it costs.
 *
 * Cost, compared in this order, smallest first: pods beyond disruption budgets; pods evicted; pods that could run nowhere else;
 * the highest priority level of a victim among its tenant's candidates; work lost since the last checkpoint, in GPU-seconds, of
 * the whole gang if it falls; the highest priority; then the newest. Every part can only grow with the set, which is what lets
 * the search cut branches.
 */
import { EvictionCause, OWN_SIDE, type ReclaimCandidate } from './candidates.ts';
import type { Holdings } from './holdings.ts';
import {
  type ReclaimClaimant,
  type ReclaimPod,
  type ReclaimUnit,
  type ReclaimWorld,
  SYSTEM_PRIORITY_MIN,
} from './reclaim-world.ts';

/** Kubernetes' lowest priority. */
const PRIORITY_LEAST: number = -(2 ** 31);

/** Parts of a cost in order of weight. */
export type VictimCost = readonly [
  brokenBudgets: number,
  pods: number,
  irreplaceable: number,
  level: number,
  workLost: number,
  priority: number,
  age: number,
];

/** @returns < 0 if `a` is cheaper. */
export function compareCosts(a: VictimCost, b: VictimCost): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** @returns Work that is lost if a unit falls or a pod of it goes, in GPU-seconds. */
export function workLost(unit: ReclaimUnit, pods: readonly ReclaimPod[], nowSeconds: number): number {
  const since = Math.max(unit.startedSeconds, unit.checkpointedSeconds);
  let gpus = 0;
  for (const pod of pods) gpus += pod.gpus;
  return gpus * Math.max(0, nowSeconds - since);
}

/** Something that is evicted or not: a whole unit, or one pod of a unit that may shrink. */
export interface VictimItem {
  /** Position of its candidate. */
  readonly at: number;
  /** What it adds if nothing else of the unit goes. */
  readonly pods: readonly ReclaimPod[];
}

/** Candidates, items and rules of one claim. */
export class VictimRules {
  readonly candidates: readonly ReclaimCandidate[];
  readonly items: readonly VictimItem[];
  private readonly world: ReclaimWorld;
  private readonly claimant: ReclaimClaimant;
  private readonly dimension: number;
  private readonly holdings: Holdings;
  private readonly levels: readonly number[];
  /** Of all units; asked for by costs alone. */
  private newestStart = Number.NaN;
  private readonly sharesBefore = new Map<number, number>();

  /** @param holdings Of all units outside system priorities; changed during a question, and restored. */
  constructor(
    world: ReclaimWorld,
    claimant: ReclaimClaimant,
    dimension: number,
    candidates: readonly ReclaimCandidate[],
    holdings: Holdings,
  ) {
    this.world = world;
    this.claimant = claimant;
    this.dimension = dimension;
    this.candidates = candidates;
    this.holdings = holdings;
    this.levels = priorityLevels(candidates);
    this.items = candidates.flatMap((candidate, at) =>
      candidate.extrasMax > 0
        ? candidate.unit.pods.map((pod) => ({ at, pods: [pod] }))
        : [{ at, pods: candidate.unit.pods }],
    );
  }

  /**
   * The pods that go if the chosen items go: a unit of which more go than may is evicted whole.
   *
   * @returns By position of the candidate; a unit that may not go whole keeps what was chosen of it (`isAllowed` refuses it).
   */
  close(chosen: Iterable<VictimItem>): Map<number, readonly ReclaimPod[]> {
    const pods = new Map<number, ReclaimPod[]>();
    for (const { at, pods: more } of chosen) {
      const list = pods.get(at);
      if (list === undefined) pods.set(at, [...more]);
      else list.push(...more);
    }
    const closed = new Map<number, readonly ReclaimPod[]>();
    for (const [at, list] of pods) {
      const { unit, extrasMax, whole } = this.candidates[at] as ReclaimCandidate;
      closed.set(at, list.length > extrasMax && whole ? unit.pods : list);
    }
    return closed;
  }

  /** @returns Whether the rules that concern the whole set allow it. O(pods × levels). */
  isAllowed(closed: ReadonlyMap<number, readonly ReclaimPod[]>): boolean {
    let isConditional = false;
    for (const [at, pods] of closed) {
      const { claimantSide, extrasMax, whole } = this.candidates[at] as ReclaimCandidate;
      if (!whole && pods.length > extrasMax) return false;
      if (claimantSide !== -1) isConditional = true;
    }
    if (!isConditional) return true;
    for (const at of closed.keys()) {
      const candidate = this.candidates[at] as ReclaimCandidate;
      if ((candidate.causes & EvictionCause.FairShare) !== 0) this.shareBefore(candidate);
    }
    return this.afterwards(closed, () => {
      for (const at of closed.keys()) {
        const candidate = this.candidates[at] as ReclaimCandidate;
        if (!this.hasCause(candidate) || !this.keepsQuotas(candidate)) return false;
      }
      return true;
    });
  }

  /**
   * @returns Positions of candidates that no allowed set contains: not even with all the others gone is the claim entitled to
   * them.
   */
  hopeless(): ReadonlySet<number> {
    const all = new Map(this.candidates.map(({ unit }, at) => [at, unit.pods]));
    for (const candidate of this.candidates) {
      if ((candidate.causes & EvictionCause.FairShare) !== 0) this.shareBefore(candidate);
    }
    const hopeless = new Set<number>();
    this.afterwards(all, () => {
      this.candidates.forEach((candidate, at) => {
        if (!this.hasCause(candidate)) hopeless.add(at);
      });
      return true;
    });
    return hopeless;
  }

  /** @returns Why a candidate goes, of a set that is allowed: the strongest cause. */
  causeOf(at: number, closed: ReadonlyMap<number, readonly ReclaimPod[]>): number {
    const { causes } = this.candidates[at] as ReclaimCandidate;
    if ((causes & EvictionCause.Within) !== 0) return EvictionCause.Within;
    const candidate = this.candidates[at] as ReclaimCandidate;
    const isReclaim =
      (causes & EvictionCause.Reclaim) !== 0 && this.afterwards(closed, () => this.isWithinQuota(candidate));
    if (isReclaim) return EvictionCause.Reclaim;
    return (causes & EvictionCause.Priority) === 0 ? EvictionCause.FairShare : EvictionCause.Priority;
  }

  /** @returns What one item costs by itself. O(its pods). */
  costOfItem({ at, pods }: VictimItem): VictimCost {
    const { unit, extrasMax, whole } = this.candidates[at] as ReclaimCandidate;
    return this.costOf([[at, pods.length > extrasMax && whole ? unit.pods : pods]]);
  }

  /** @returns What a set costs. O(pods). */
  costOf(closed: Iterable<readonly [number, readonly ReclaimPod[]]>): VictimCost {
    const { newest, world } = this;
    let byBudget: Map<number, number> | undefined;
    let [count, irreplaceable, level, lost, age] = [0, 0, 0, 0, 0];
    let priority = PRIORITY_LEAST;
    for (const [at, pods] of closed) {
      const { unit } = this.candidates[at] as ReclaimCandidate;
      count += pods.length;
      if (!unit.replaceable) irreplaceable += pods.length;
      level = Math.max(level, this.levels[at] as number);
      lost += workLost(unit, pods, world.nowSeconds);
      priority = Math.max(priority, unit.priority);
      age += pods.length * (newest - unit.startOrder + 1);
      for (const pod of pods) {
        for (const budget of pod.budgets) {
          byBudget ??= new Map();
          byBudget.set(budget, (byBudget.get(budget) ?? 0) + 1);
        }
      }
    }
    let broken = 0;
    for (const [budget, evicted] of byBudget ?? [])
      broken += Math.max(0, evicted - world.allowanceOf(budget));
    return [broken, count, irreplaceable, level, lost, priority, age];
  }

  private get newest(): number {
    if (Number.isNaN(this.newestStart))
      this.newestStart = this.world.units.reduce((newest, { startOrder }) => Math.max(newest, startOrder), 0);
    return this.newestStart;
  }

  /** Asks something of the holdings with the set gone and the claimant placed. */
  private afterwards(closed: ReadonlyMap<number, readonly ReclaimPod[]>, ask: () => boolean): boolean {
    const { claimant, holdings } = this;
    const shift = (sign: number): void => {
      for (const [at, pods] of closed) {
        const { unit } = this.candidates[at] as ReclaimCandidate;
        if (unit.priority >= SYSTEM_PRIORITY_MIN) continue;
        holdings.addPods(unit.tenant, pods, -sign);
      }
      holdings.add(claimant.tenant, claimant.amounts, sign * claimant.minimum);
    };
    shift(1);
    const answer = ask();
    shift(-1);
    return answer;
  }

  /** Within `afterwards`. */
  private hasCause(candidate: ReclaimCandidate): boolean {
    const { causes } = candidate;
    if ((causes & (EvictionCause.Priority | EvictionCause.Within)) !== 0) return true;
    if ((causes & EvictionCause.Reclaim) !== 0 && this.isWithinQuota(candidate)) return true;
    if ((causes & EvictionCause.FairShare) === 0) return false;
    // Strictly below: nobody evicts an equal.
    return (
      this.shareOf(candidate.claimantSide, this.claimant.tenant, candidate.dimension) <
      this.shareBefore(candidate)
    );
  }

  /**
   * Follows from the order for units of one dimension. Of several, a unit that goes for its GPUs takes CPUs along, of which
   * another may have counted as borrowed only because of them.
   */
  private keepsQuotas({ floors, dimension }: ReclaimCandidate): boolean {
    const { holdings, world } = this;
    return floors.every(
      (tenant) => holdings.usedOf(tenant, dimension) >= world.tenants.quotaOf(tenant, dimension),
    );
  }

  private isWithinQuota({ claimantSide, dimension }: ReclaimCandidate): boolean {
    if (claimantSide < 0) return false;
    const { holdings, world } = this;
    return [this.dimension, dimension].every(
      (at) => holdings.usedOf(claimantSide, at) <= world.tenants.quotaOf(claimantSide, at),
    );
  }

  private shareBefore(candidate: ReclaimCandidate): number {
    const { victimSide, unit, dimension } = candidate;
    const key = victimSide === OWN_SIDE ? -1 - unit.tenant : victimSide;
    let share = this.sharesBefore.get(key);
    if (share === undefined) {
      share = this.shareOf(victimSide, unit.tenant, dimension);
      this.sharesBefore.set(key, share);
    }
    return share;
  }

  /** What a side borrows for each unit of its weight; Infinity for weight 0. */
  private shareOf(side: number, tenant: number, dimension: number): number {
    const { holdings, world } = this;
    if (side === OWN_SIDE) return holdings.ownOf(tenant, dimension);
    const weight = world.tenants.weightOf(side);
    if (weight === 0) return Number.POSITIVE_INFINITY;
    return (holdings.usedOf(side, dimension) - world.tenants.quotaOf(side, dimension)) / weight;
  }
}

/** By candidate: 0 if its priority is the lowest among its tenant's candidates, 1 for the next, and so on. */
function priorityLevels(candidates: readonly ReclaimCandidate[]): number[] {
  const byTenant = new Map<number, Set<number>>();
  for (const { unit } of candidates) {
    const known = byTenant.get(unit.tenant);
    if (known === undefined) byTenant.set(unit.tenant, new Set([unit.priority]));
    else known.add(unit.priority);
  }
  const levels = new Map<number, Map<number, number>>();
  for (const [tenant, priorities] of byTenant) {
    const sorted = [...priorities].sort((a, b) => a - b);
    levels.set(tenant, new Map(sorted.map((priority, level) => [priority, level])));
  }
  return candidates.map(({ unit }) => levels.get(unit.tenant)?.get(unit.priority) ?? 0);
}
