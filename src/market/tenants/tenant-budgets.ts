/**
 * Budgets of tenants by period: what was spent, what running jobs will still spend, and whether another may start.
 *
 *     a job may start if     spent + reserved + its own expected cost in this period  ≤  tokens
 *
 * `reserved` is what running jobs are expected to cost until their expected end or the end of the period: so a budget is not
 * passed by jobs that started while there was some left, but by those alone that overrun. What a job did not use after all, as it
 * ended early, is there for others at once. Nothing is carried over. A tenant's budget counts for all below it.
 *
 * Costs grow linearly between calls, so only sums are kept: a call takes O(budgets on the path), and O(log holders) for expected
 * ends that have passed. A new period takes O(holders).
 *
 * Unit inside: micro-units × seconds; a token is a unit-hour. Time never goes back.
 */
import { assert } from '../../kernel/assert.ts';
import { TimeHeap } from '../../kernel/time-heap.ts';
import type { BudgetSpec } from './spec.ts';
import { CLUSTER_TENANT, type TenantTree } from './tenant-tree.ts';

/** Micro-unit-seconds of a token. */
const PER_TOKEN = 3600 * 1e6;

/** Entries of ended holders that the heap of expected ends may keep before it is built again. */
const STALE_MAX = 1024;

/** A budget at one instant, in tokens. */
export interface BudgetStanding {
  readonly tokens: number;
  readonly spent: number;
  /** What running jobs are expected to spend yet in this period. */
  readonly reserved: number;
  readonly periodEndsAtSeconds: number;
}

/** What was spent of budgets, by name of the tenant: of a leader before. */
export type SpentBudgets = Readonly<
  Record<string, { readonly tokens: number; readonly periodEndsSeconds: number }>
>;

/** One tenant's budget. */
interface Budget {
  readonly spec: BudgetSpec;
  readonly tenant: number;
  /** The next one upwards, −1 if there is none. */
  readonly above: number;
  /** Number of the period, from time 0. */
  period: number;
  /** In this period, until `atSeconds`. */
  spent: number;
  atSeconds: number;
  /** Micro-units an hour that are held now, × 1 h. */
  rate: number;
  /** Σ rate × end and Σ rate of the holders whose expected end, or that of the period, is to come. */
  rateByEnd: number;
  rateToCome: number;
}

/** A job or pod that costs. */
interface Holder {
  readonly holder: number;
  /** Its nearest budget. */
  readonly budget: number;
  readonly endSeconds: number;
  readonly sequence: number;
  rate: number;
  pods: number;
  overruns: boolean;
}

/** The budgets of one tree. Single writer. */
export class TenantBudgets {
  private readonly tree: TenantTree;
  private readonly budgets: Budget[] = [];
  /** @shape [rows] nearest budget from here upwards, −1 if there is none. */
  private readonly nearest: Int32Array;
  private readonly slotByHolder = new Map<number, number>();
  private readonly holders: (Holder | undefined)[] = [];
  private readonly freeSlots: number[] = [];
  private ends = new TimeHeap();
  private lastSequence = 0;

  constructor(tree: TenantTree) {
    this.tree = tree;
    this.nearest = new Int32Array(tree.rows).fill(-1);
    for (let row = 1; row < tree.rows; row++) {
      const above = this.nearest[tree.parents[row] as number] as number;
      const tenant = tree.tenantAt(row);
      const spec = tree.specOf(tenant).budget;
      this.nearest[row] = spec === undefined ? above : this.budgets.length;
      if (spec === undefined) continue;
      const empty = { period: 0, spent: 0, atSeconds: 0, rate: 0, rateByEnd: 0, rateToCome: 0 };
      this.budgets.push({ spec, tenant, above, ...empty });
    }
  }

  /**
   * Takes over what was spent under the tree before, for budgets of the same tenant and period. What runs is not: its holds
   * are reported again. Before any call but this. O(budgets).
   */
  adopt(before: TenantBudgets, timeSeconds: number): void {
    before.advance(timeSeconds);
    const known = new Map(before.budgets.map((budget) => [before.tree.specOf(budget.tenant).name, budget]));
    for (const budget of this.budgets) {
      const old = known.get(this.tree.specOf(budget.tenant).name);
      if (old?.spec.periodSeconds !== budget.spec.periodSeconds) continue;
      budget.period = old.period;
      budget.spent = old.spent;
      budget.atSeconds = old.atSeconds;
    }
  }

  /** Sets what was spent, where the period is that of now still. Before any hold. O(budgets). @param spent Tokens ≥ 0. */
  resume(spent: SpentBudgets, timeSeconds: number): void {
    for (const budget of this.budgets) {
      const { name } = this.tree.specOf(budget.tenant);
      const known = Object.hasOwn(spent, name) ? spent[name] : undefined;
      const period = Math.floor(timeSeconds / budget.spec.periodSeconds);
      if (known?.periodEndsSeconds !== (period + 1) * budget.spec.periodSeconds) continue;
      budget.period = period;
      budget.spent = known.tokens * PER_TOKEN;
      budget.atSeconds = timeSeconds;
    }
  }

  /** Entries kept for running jobs and expected ends: bounded by a few times the jobs that run. */
  get entries(): number {
    return this.slotByHolder.size + this.ends.size;
  }

  /** True if a tenant, or one above it, has a budget. O(1). */
  has(tenant: number): boolean {
    return this.nearest[this.tree.rowOf(tenant)] !== -1;
  }

  /**
   * @param rate            Micro-units an hour, price included.
   * @param expectedSeconds Expected run time; Infinity: endless.
   * @returns The nearest tenant with a budget to wait for that does not cover the job; CLUSTER_TENANT: all do.
   */
  exhaustedBy(tenant: number, rate: number, expectedSeconds: number, timeSeconds: number): number {
    let at = this.nearest[this.tree.rowOf(tenant)] as number;
    if (at < 0) return CLUSTER_TENANT;
    this.advance(timeSeconds);
    for (; at >= 0; at = (this.budgets[at] as Budget).above) {
      const budget = this.budgets[at] as Budget;
      if (budget.spec.onEmpty !== 'Wait') continue;
      const seconds = Math.min(expectedSeconds, endOf(budget) - timeSeconds);
      const cost = budget.spent + reservedOf(budget) + rate * seconds;
      // Sums of many parts: a job that fits exactly is not refused for a rounding.
      if (cost > budget.spec.tokens * PER_TOKEN * (1 + 1e-12)) return budget.tenant;
    }
    return CLUSTER_TENANT;
  }

  /** @returns True if a budget on the path is spent or reserved as a whole, and its tenant goes on with idle capacity only. */
  isIdleOnly(tenant: number, timeSeconds: number): boolean {
    let at = this.nearest[this.tree.rowOf(tenant)] as number;
    if (at < 0) return false;
    this.advance(timeSeconds);
    for (; at >= 0; at = (this.budgets[at] as Budget).above) {
      const budget = this.budgets[at] as Budget;
      if (budget.spec.onEmpty !== 'IdleOnly') continue;
      if (budget.spent + reservedOf(budget) >= budget.spec.tokens * PER_TOKEN * (1 - 1e-12)) return true;
    }
    return false;
  }

  /** A pod begins to cost. @param expectedSeconds Of the holder's first pod counts. */
  start(tenant: number, holder: number, rate: number, expectedSeconds: number, timeSeconds: number): void {
    const budget = this.nearest[this.tree.rowOf(tenant)] as number;
    if (budget < 0) return;
    this.advance(timeSeconds);
    let slot = this.slotByHolder.get(holder);
    if (slot === undefined) slot = this.open(holder, budget, timeSeconds + expectedSeconds);
    const entry = this.holders[slot] as Holder;
    entry.pods++;
    this.change(entry, rate);
  }

  /** A pod costs no more. The arguments are those of its `start`. @returns True if its holder has no other pod. */
  end(tenant: number, holder: number, rate: number, timeSeconds: number): boolean {
    if (!this.has(tenant)) return true;
    this.advance(timeSeconds);
    const slot = this.slotByHolder.get(holder);
    assert(slot !== undefined, 'a holder ended that never began to cost');
    const entry = this.holders[slot] as Holder;
    this.change(entry, -rate);
    if (--entry.pods > 0) return false;
    this.slotByHolder.delete(holder);
    this.holders[slot] = undefined;
    this.freeSlots.push(slot);
    return true;
  }

  /** @returns Tokens that a tenant with a budget of its own has spent in this period; 0 for others. */
  spentOf(tenant: number, timeSeconds: number): number {
    const budget = this.ownOf(tenant, timeSeconds);
    return budget === undefined ? 0 : budget.spent / PER_TOKEN;
  }

  /**
   * Corrects what was spent: prices have moved since its jobs began, and rents are quoted again.
   *
   * @param tokens By how much more was spent in this period than the first quotes say; may be below 0. Counts for those above,
   * too.
   */
  correct(tenant: number, tokens: number, timeSeconds: number): void {
    let at = this.nearest[this.tree.rowOf(tenant)] as number;
    if (at < 0) return;
    this.advance(timeSeconds);
    for (; at >= 0; at = (this.budgets[at] as Budget).above)
      (this.budgets[at] as Budget).spent += tokens * PER_TOKEN;
  }

  /** @returns Tokens that its running jobs are expected to spend yet in this period. */
  reservedOf(tenant: number, timeSeconds: number): number {
    const budget = this.ownOf(tenant, timeSeconds);
    return budget === undefined ? 0 : reservedOf(budget) / PER_TOKEN;
  }

  /**
   * As of a time that is not before the last call; changes nothing, so that reports leave later sums as they are.
   *
   * @returns Undefined: the tenant has no budget of its own. O(1).
   *   Until the next change `reserved` counts jobs that have overrun since the last one as about to end.
   */
  peek(tenant: number, timeSeconds: number): BudgetStanding | undefined {
    const row = this.tree.rowOf(tenant);
    const budget = this.budgets[this.nearest[row] as number];
    if (budget === undefined || budget.tenant !== this.tree.tenantAt(row)) return undefined;
    const { spec, rate, spent, atSeconds } = budget;
    const { tokens, periodSeconds } = spec;
    const period = Math.floor(timeSeconds / periodSeconds);
    const isSame = period === budget.period;
    const now = isSame
      ? spent + rate * Math.max(0, timeSeconds - atSeconds)
      : rate * (timeSeconds - period * periodSeconds);
    return {
      tokens,
      spent: now / PER_TOKEN,
      reserved: isSame ? reservedOf(budget, timeSeconds) / PER_TOKEN : 0,
      periodEndsAtSeconds: (period + 1) * periodSeconds,
    };
  }

  /** @returns When the nearest period of a tenant or one above it ends; Infinity without budgets. */
  nextPeriodOf(tenant: number, timeSeconds: number): number {
    let at = this.nearest[this.tree.rowOf(tenant)] as number;
    if (at < 0) return Number.POSITIVE_INFINITY;
    this.advance(timeSeconds);
    let next = Number.POSITIVE_INFINITY;
    for (; at >= 0; at = (this.budgets[at] as Budget).above) {
      next = Math.min(next, endOf(this.budgets[at] as Budget));
    }
    return next;
  }

  private ownOf(tenant: number, timeSeconds: number): Budget | undefined {
    const row = this.tree.rowOf(tenant);
    const budget = this.budgets[this.nearest[row] as number];
    if (budget === undefined || budget.tenant !== this.tree.tenantAt(row)) return undefined;
    this.advance(timeSeconds);
    return budget;
  }

  /** Brings everything to a time: overruns first, then new periods, which drop what has overrun. */
  private advance(timeSeconds: number): void {
    const { ends } = this;
    while (ends.size > 0 && (ends.times[0] as number) <= timeSeconds) {
      const sequence = ends.sequences[0] as number;
      const entry = this.holders[ends.pop()];
      if (entry?.sequence === sequence) this.overrun(entry);
    }
    for (const [at, budget] of this.budgets.entries()) {
      if (budget.atSeconds === timeSeconds) continue;
      assert(timeSeconds > budget.atSeconds, 'time went back');
      const period = Math.floor(timeSeconds / budget.spec.periodSeconds);
      if (period === budget.period) budget.spent += budget.rate * (timeSeconds - budget.atSeconds);
      budget.atSeconds = timeSeconds;
      if (period === budget.period) continue;
      budget.period = period;
      budget.spent = budget.rate * (timeSeconds - period * budget.spec.periodSeconds);
      this.reserveAgain(at, budget);
    }
  }

  private reserveAgain(at: number, budget: Budget): void {
    budget.rateByEnd = 0;
    budget.rateToCome = 0;
    for (const entry of this.holders) {
      if (entry === undefined || entry.overruns) continue;
      for (let on = entry.budget; on >= 0; on = (this.budgets[on] as Budget).above) {
        if (on === at) reserve(budget, entry, entry.rate);
      }
    }
  }

  private overrun(entry: Holder): void {
    entry.overruns = true;
    for (let at = entry.budget; at >= 0; at = (this.budgets[at] as Budget).above) {
      reserve(this.budgets[at] as Budget, entry, -entry.rate);
    }
  }

  private change(entry: Holder, rate: number): void {
    entry.rate += rate;
    for (let at = entry.budget; at >= 0; at = (this.budgets[at] as Budget).above) {
      const budget = this.budgets[at] as Budget;
      budget.rate += rate;
      if (!entry.overruns) reserve(budget, entry, rate);
    }
  }

  private open(holder: number, budget: number, endSeconds: number): number {
    const slot = this.freeSlots.pop() ?? this.holders.length;
    const sequence = ++this.lastSequence;
    this.holders[slot] = { holder, budget, endSeconds, sequence, rate: 0, pods: 0, overruns: false };
    this.slotByHolder.set(holder, slot);
    if (this.ends.size > 2 * this.slotByHolder.size + STALE_MAX) this.dropStale();
    else if (endSeconds < Number.POSITIVE_INFINITY) this.ends.push(endSeconds, sequence, slot);
    return slot;
  }

  private dropStale(): void {
    this.ends = new TimeHeap();
    for (const [slot, entry] of this.holders.entries()) {
      if (entry === undefined || entry.overruns || entry.endSeconds === Number.POSITIVE_INFINITY) continue;
      this.ends.push(entry.endSeconds, entry.sequence, slot);
    }
  }
}

function endOf(budget: Budget): number {
  return (budget.period + 1) * budget.spec.periodSeconds;
}

function reservedOf(budget: Budget, timeSeconds: number = budget.atSeconds): number {
  return Math.max(0, budget.rateByEnd - budget.rateToCome * timeSeconds);
}

function reserve(budget: Budget, entry: Holder, rate: number): void {
  budget.rateToCome += rate;
  if (budget.rateToCome === 0) budget.rateByEnd = 0;
  else budget.rateByEnd += rate * Math.min(entry.endSeconds, endOf(budget));
}
