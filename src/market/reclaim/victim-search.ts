/**
 * The search for the smallest set of victims, with an oracle that answers whether the claimant fits.
 *
 * 1. All candidates, or as few of the cheapest as suffice (doubling): does the claimant fit without them at all?
 * 2. Reprieve in place, as KEP-5710: those beyond disruption budgets first, then by priority, gangs before single pods, each
 * given back
 *    if the claimant still fits. Then the same with the largest units first.
 * 3. The same for the candidates of single places.
 * 4. Branch and bound over the candidates that matter: exact if its trials suffice.
 *
 * A set is accepted only with the oracle's placement for just that set in hand. Candidates are judged by sets: one that is
 * protected is never among them, so it stops nothing. Trials are bounded; `isExact` says whether the bound was met.
 */
import { EvictionCause, type ReclaimCandidate } from './candidates.ts';
import type { ReclaimPlacement, ReclaimPod, ReclaimWorld } from './reclaim-world.ts';
import { compareCosts, type VictimCost, type VictimItem, type VictimRules } from './victim-set.ts';

/** Bounds of a search. */
export interface SearchLimits {
  /** Questions to the oracle. */
  readonly trialsMax: number;
  /** Places tried by themselves. */
  readonly placesMax: number;
  /** Items among which the search is exact. */
  readonly exactItemsMax: number;
}

/** Enough to be exact among a dozen pods, and to answer among thousands. */
export const SEARCH_LIMITS: SearchLimits = { trialsMax: 1500, placesMax: 32, exactItemsMax: 24 };

/** A set of victims that makes room. */
export interface FoundVictims<Placement> {
  /** By position of the candidate. */
  readonly closed: ReadonlyMap<number, readonly ReclaimPod[]>;
  readonly placement: Placement;
  readonly cost: VictimCost;
}

/** The result of a search. */
export interface SearchResult<Placement> {
  /** Undefined: not even without all candidates, or no allowed set was found. */
  readonly best: FoundVictims<Placement> | undefined;
  /** True if no smaller set exists (among allowed ones, if fewer victims never give more room). */
  readonly isExact: boolean;
  /** True if the claimant would fit without all candidates, some of which the rules protect together. */
  readonly wouldFit: boolean;
  readonly trials: number;
}

/** Least and usual size of the pool, the latter as a multiple of the first set that was enough. */
const POOL_MIN = 512;
const POOL_FACTOR = 4;

function isUnconditional({ causes }: ReclaimCandidate): boolean {
  return (causes & (EvictionCause.Priority | EvictionCause.Within)) !== 0;
}

/** One search. */
export class VictimSearch<Placement extends ReclaimPlacement> {
  private readonly world: ReclaimWorld<Placement>;
  private readonly rules: VictimRules;
  private readonly avoided: ReadonlySet<number>;
  private readonly limits: SearchLimits;
  /** Items, cheapest first. */
  private readonly items: readonly VictimItem[];
  /** The cheapest of them: enough for the claimant several times. */
  private pool: readonly VictimItem[];
  private best: FoundVictims<Placement> | undefined;
  private trials = 0;

  constructor(
    world: ReclaimWorld<Placement>,
    rules: VictimRules,
    avoided: ReadonlySet<number>,
    limits: SearchLimits,
  ) {
    this.world = world;
    this.rules = rules;
    this.avoided = avoided;
    this.limits = limits;
    const priced = rules.items.map((item) => ({ item, cost: rules.costOfItem(item) }));
    priced.sort((a, b) => compareCosts(a.cost, b.cost));
    this.items = priced.map(({ item }) => item);
    this.pool = this.items;
  }

  /** @returns The cheapest set that was found. */
  run(): SearchResult<Placement> {
    const enough = this.enough(this.items);
    if (enough === undefined) return this.result(true, false);
    // What needs no condition by itself: in a mixed set the conditional might stay, and not be allowed.
    const free = this.items.filter(({ at }) =>
      isUnconditional(this.rules.candidates[at] as ReclaimCandidate),
    );
    const enoughFree = free.length < this.items.length ? this.enough(free) : undefined;
    this.pool = this.poolAround([...enough, ...(enoughFree ?? [])]);
    this.reprieveBothWays(enough);
    if (enoughFree !== undefined) this.reprieveBothWays(enoughFree);
    this.searchPlaces();
    const isExact = this.branch();
    return this.result(isExact, true);
  }

  /** The cheapest items, and all on the places of some. */
  private poolAround(some: readonly VictimItem[]): readonly VictimItem[] {
    const places = new Set(some.flatMap(({ pods }) => pods.map(({ place }) => place)));
    const cheap = Math.max(POOL_MIN, POOL_FACTOR * some.length);
    return this.items.filter(({ pods }, at) => at < cheap || pods.some(({ place }) => places.has(place)));
  }

  private reprieveBothWays(enough: ReadonlySet<VictimItem>): void {
    this.reprieve(enough, this.byImportance());
    this.reprieve(enough, [...this.pool].reverse());
  }

  private result(isExact: boolean, wouldFit: boolean): SearchResult<Placement> {
    return { best: this.best, isExact, wouldFit, trials: this.trials };
  }

  /** @returns Items without which the claimant fits: few of the cheapest, narrowed to the places it would use. */
  private enough(from: readonly VictimItem[]): ReadonlySet<VictimItem> | undefined {
    for (let count = 16; ; count *= 4) {
      const items = new Set(from.slice(0, count));
      const placement = this.fits(items);
      if (placement !== undefined) return this.narrowed(items, placement);
      if (count >= from.length) return undefined;
    }
  }

  private narrowed(items: ReadonlySet<VictimItem>, { places }: ReclaimPlacement): ReadonlySet<VictimItem> {
    const used = new Set(places);
    const near = new Set([...items].filter(({ pods }) => pods.some(({ place }) => used.has(place))));
    if (near.size === items.size || (this.isAllowed(items) && !this.isAllowed(near))) return items;
    return this.fits(near) === undefined ? items : near;
  }

  /** Reprieves first what would break a budget, then by priority, gangs before single pods. */
  private byImportance(): VictimItem[] {
    const breaking = this.breaking();
    const { candidates } = this.rules;
    return [...this.pool].sort((a, b) => {
      const left = (candidates[a.at] as ReclaimCandidate).unit;
      const right = (candidates[b.at] as ReclaimCandidate).unit;
      return (
        (breaking.has(a) ? 0 : 1) - (breaking.has(b) ? 0 : 1) ||
        right.priority - left.priority ||
        right.pods.length - left.pods.length ||
        left.startOrder - right.startOrder
      );
    });
  }

  private breaking(): ReadonlySet<VictimItem> {
    const left = new Map<number, number>();
    const breaking = new Set<VictimItem>();
    for (const item of this.items) {
      for (const pod of item.pods) {
        for (const budget of pod.budgets) {
          const allowance = (left.get(budget) ?? this.world.allowanceOf(budget)) - 1;
          left.set(budget, allowance);
          if (allowance < 0) breaking.add(item);
        }
      }
    }
    return breaking;
  }

  /** Gives back what need not go, in an order; in halves, so that thousands take a few trials each that has to stay. */
  private reprieve(from: ReadonlySet<VictimItem>, order: readonly VictimItem[]): void {
    const victims = new Set(from);
    const mine = order.filter((item) => victims.has(item));
    let wasAllowed = this.isAllowed(victims);
    const giveBack = (first: number, end: number): void => {
      if (first >= end || this.isSpent()) return;
      const part = mine.slice(first, end);
      for (const item of part) victims.delete(item);
      const isAllowed = this.isAllowed(victims);
      if ((isAllowed || !wasAllowed) && this.fits(victims) !== undefined) {
        wasAllowed = isAllowed;
        return;
      }
      for (const item of part) victims.add(item);
      if (end - first === 1) return;
      const middle = (first + end) >> 1;
      giveBack(first, middle);
      giveBack(middle, end);
    };
    giveBack(0, mine.length);
    this.offer(victims);
  }

  /** Looks at places one by one: a set of victims on one place is not always the rest of a larger one. */
  private searchPlaces(): void {
    const byPlace = new Map<number, VictimItem[]>();
    for (const item of this.pool) {
      for (const place of new Set(item.pods.map((pod) => pod.place))) {
        const list = byPlace.get(place);
        if (list === undefined) byPlace.set(place, [item]);
        else list.push(item);
      }
    }
    let tried = 0;
    for (const items of byPlace.values()) {
      if (tried++ >= this.limits.placesMax || this.isSpent()) return;
      const victims = new Set(items);
      if (this.fits(victims) !== undefined) this.reprieve(victims, [...items].reverse());
    }
  }

  /** @returns True if the whole tree was searched. */
  private branch(): boolean {
    const items = this.relevant();
    const victims = new Set<VictimItem>();
    const undecided = new Set(items);
    const visit = (next: number): boolean => {
      if (next >= items.length) return true;
      if (this.isSpent()) return false;
      const item = items[next] as VictimItem;
      undecided.delete(item);
      // Without it: cut if not even all that is undecided makes room.
      const without = this.fits([...victims, ...undecided]) === undefined || visit(next + 1);
      victims.add(item);
      const isDearer = this.best !== undefined && compareCosts(this.costOf(victims), this.best.cost) >= 0;
      const withIt = isDearer || this.offer(victims) || visit(next + 1);
      victims.delete(item);
      undecided.add(item);
      return without && withIt;
    };
    return visit(0) && items.length === this.items.length;
  }

  /** The dearest first, so that branches are cut early; of many those near the best set alone. */
  private relevant(): readonly VictimItem[] {
    const { exactItemsMax } = this.limits;
    if (this.items.length <= exactItemsMax) return [...this.items].reverse();
    const places = new Set(this.best?.placement.places);
    for (const pods of this.best?.closed.values() ?? []) for (const { place } of pods) places.add(place);
    const near = this.pool.filter(({ pods }) => pods.some(({ place }) => places.has(place)));
    return near.slice(0, exactItemsMax).reverse();
  }

  /** Takes a set that is allowed and fits, if it is cheaper. @returns True if it is allowed and fits. */
  private offer(victims: ReadonlySet<VictimItem>): boolean {
    if (victims.size === 0) return false;
    const closed = this.rules.close(victims);
    if (!this.rules.isAllowed(closed)) return false;
    const placement = this.ask([...closed.values()].flat());
    if (placement === undefined) return false;
    const cost = this.rules.costOf(closed);
    if (this.best === undefined || compareCosts(cost, this.best.cost) < 0)
      this.best = { closed, placement, cost };
    return true;
  }

  private isAllowed(victims: Iterable<VictimItem>): boolean {
    return this.rules.isAllowed(this.rules.close(victims));
  }

  private costOf(victims: ReadonlySet<VictimItem>): VictimCost {
    return this.rules.costOf(this.rules.close(victims));
  }

  private fits(victims: Iterable<VictimItem>): Placement | undefined {
    return this.ask([...this.rules.close(victims).values()].flat());
  }

  private ask(pods: readonly ReclaimPod[]): Placement | undefined {
    this.trials++;
    return this.world.fitsWithout(pods, this.avoided);
  }

  private isSpent(): boolean {
    return this.trials >= this.limits.trialsMax;
  }
}
