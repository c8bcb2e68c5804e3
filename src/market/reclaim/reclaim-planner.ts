/**
 * Plans evictions: the smallest set of running units that has to give way so that a claimant starts, or why none does.
 *
 * A pure function of a `ReclaimWorld`. In numbers:
 *   1. nothing is evicted if the claimant's minimum fits as it is;
 *   2. the market's order with the claimant in it (`market-order.ts`), which rules out loops;
 *   3. the units that may go (`candidates.ts`): priority within a tenant, quota lent to borrowers, fair shares, system priorities;
 *   4. the smallest allowed set with a placement in hand (`victim-search.ts`).
 * The caller evicts exactly that set, keeps the room until the last victim is gone (`Claims`), and starts the claimant in it.
 */
import { assert } from '../../kernel/assert.ts';
import {
  CandidateFinder,
  type Candidates,
  EvictionCause,
  type Protection,
  type ReclaimCandidate,
  Standing,
} from './candidates.ts';
import { Holdings } from './holdings.ts';
import {
  type ReclaimClaimant,
  type ReclaimPlacement,
  type ReclaimPod,
  type ReclaimUnit,
  type ReclaimWorld,
  SYSTEM_PRIORITY_MIN,
} from './reclaim-world.ts';
import { SEARCH_LIMITS, type SearchLimits, VictimSearch } from './victim-search.ts';
import { type VictimCost, VictimRules, workLost } from './victim-set.ts';

/** Why a victim goes. */
export type EvictionReason = 'priority' | 'within' | 'reclaim' | 'fair-share';

/** A unit that gives way. */
export interface ReclaimVictim {
  readonly unit: ReclaimUnit;
  readonly pods: readonly ReclaimPod[];
  /** True if the unit falls. */
  readonly whole: boolean;
  readonly reason: EvictionReason;
  /** GPU-seconds. */
  readonly workLost: number;
}

/** Whom to evict, and where the claimant goes then. */
export interface ReclaimPlan<Placement> {
  readonly kind: 'plan';
  readonly victims: readonly ReclaimVictim[];
  readonly placement: Placement;
  readonly cost: VictimCost;
  /** True if no smaller set exists. */
  readonly isExact: boolean;
  /** Questions to the oracle. */
  readonly trials: number;
}

/** The claimant fits as it is. */
export interface ReclaimFits<Placement> {
  readonly kind: 'fits';
  readonly placement: Placement;
}

/** Nothing is evicted. */
export interface ReclaimRefusal {
  readonly kind: 'none';
  /**
   * `may-not-evict`: the claimant runs on idle capacity only. `no-candidates`: everything is protected. `no-room`: it would not
   * fit without all candidates either. `not-allowed`: it would, but no allowed set makes room.
   */
  readonly reason: 'may-not-evict' | 'no-candidates' | 'no-room' | 'not-allowed';
  /** Pods that are protected, by reason. */
  readonly protectedPods: ReadonlyMap<Protection, number>;
  /** When asking again may help because a unit passes its `minRuntime`; Infinity: time alone does not help. */
  readonly retrySeconds: number;
  readonly trials: number;
}

/** What a plan may be given beside the world. */
export interface PlanOptions {
  /** Units that were evicted for this claim already: none is evicted twice. */
  readonly evicted?: ReadonlySet<number>;
  /** Places not to be used: somebody else takes what is freed there. */
  readonly avoided?: ReadonlySet<number>;
  readonly limits?: SearchLimits;
}

const NOBODY: ReadonlySet<number> = new Set();

const REASONS: Readonly<Record<number, EvictionReason>> = {
  [EvictionCause.Priority]: 'priority',
  [EvictionCause.Within]: 'within',
  [EvictionCause.Reclaim]: 'reclaim',
  [EvictionCause.FairShare]: 'fair-share',
};

/**
 * Plans the evictions for one claimant.
 *
 * @throws AssertionFailure if a unit or the claimant belongs to a tenant that the tree does not have.
 * @cost O(units log units × levels + trials × (oracle + victims × levels)); trials as `SearchLimits`.
 */
export function planReclaim<Placement extends ReclaimPlacement>(
  world: ReclaimWorld<Placement>,
  claimant: ReclaimClaimant,
  options: PlanOptions = {},
): ReclaimPlan<Placement> | ReclaimFits<Placement> | ReclaimRefusal {
  const avoided = options.avoided ?? NOBODY;
  const placement = world.fitsWithout([], avoided);
  if (placement !== undefined) return { kind: 'fits', placement };
  if (!claimant.mayEvict) return refusal('may-not-evict', new Map(), Number.POSITIVE_INFINITY, 1);
  const holdings = holdingsOf(world);
  const standing = new Standing(world, claimant, holdings);
  const finder = new CandidateFinder(world, claimant, standing, options.evicted ?? NOBODY);
  const found = finder.find();
  const { rules, protectedPods } = rulesOf(world, claimant, standing, found, holdings);
  if (rules.candidates.length === 0) {
    return refusal('no-candidates', protectedPods, found.retrySeconds, 1);
  }
  const search = new VictimSearch(world, rules, avoided, options.limits ?? SEARCH_LIMITS);
  const { best, isExact, wouldFit, trials } = search.run();
  if (best === undefined) {
    return refusal(wouldFit ? 'not-allowed' : 'no-room', protectedPods, found.retrySeconds, 1 + trials);
  }
  const victims: ReclaimVictim[] = [];
  for (const [at, pods] of best.closed) {
    const { unit } = rules.candidates[at] as ReclaimCandidate;
    const whole = pods.length === unit.pods.length;
    assert(whole || unit.disruption === 'single', 'a gang that goes whole or not at all would be torn');
    const reason = REASONS[rules.causeOf(at, best.closed)] as EvictionReason;
    victims.push({ unit, pods, whole, reason, workLost: workLost(unit, pods, world.nowSeconds) });
  }
  return { kind: 'plan', victims, placement: best.placement, cost: best.cost, isExact, trials: 1 + trials };
}

function refusal(
  reason: ReclaimRefusal['reason'],
  protectedPods: ReclaimRefusal['protectedPods'],
  retrySeconds: number,
  trials: number,
): ReclaimRefusal {
  return { kind: 'none', reason, protectedPods, retrySeconds, trials };
}

/** What units outside system priorities hold. */
function holdingsOf(world: ReclaimWorld): Holdings {
  const { dimensions } = world;
  const holdings = new Holdings(world.tenants, dimensions);
  // Tenant by tenant: what a unit adds to the tenants above costs more than all the rest.
  const sums = new Map<number, Float64Array>();
  for (const unit of world.units) {
    if (unit.priority >= SYSTEM_PRIORITY_MIN) continue;
    let sum = sums.get(unit.tenant);
    if (sum === undefined) {
      sum = new Float64Array(dimensions);
      sums.set(unit.tenant, sum);
    }
    for (const { amounts } of unit.pods) {
      for (let i = 0; i < dimensions; i++) sum[i] = (sum[i] as number) + (amounts[i] ?? 0);
    }
  }
  for (const [tenant, sum] of sums) holdings.add(tenant, sum, 1);
  return holdings;
}

/** The rules without the candidates that no allowed set contains. */
function rulesOf(
  world: ReclaimWorld,
  claimant: ReclaimClaimant,
  standing: Standing,
  { list, protectedPods }: Candidates,
  holdings: Holdings,
): { rules: VictimRules; protectedPods: ReadonlyMap<Protection, number> } {
  const rules = new VictimRules(world, claimant, standing.claimantDimension, list, holdings);
  const hopeless = rules.hopeless();
  if (hopeless.size === 0) return { rules, protectedPods };
  const counts = new Map(protectedPods);
  for (const at of hopeless) {
    const { pods } = (list[at] as ReclaimCandidate).unit;
    counts.set('share', (counts.get('share') ?? 0) + pods.length);
  }
  const left = list.filter((_, at) => !hopeless.has(at));
  return {
    rules: new VictimRules(world, claimant, standing.claimantDimension, left, holdings),
    protectedPods: counts,
  };
}
