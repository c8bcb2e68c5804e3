/**
 * Accounts of tenants: who may start by state, budget, limit and quota, loans of idle quota included.
 *
 *     limit-exceeded ─ tenant-held ─ budget-empty ─ limit-reached ─ quota-used-up          the first that applies is the reason
 *
 * A job that several flavours could serve is admitted if any of them has room for all of it. If not all have, its demand is
 * narrowed to the nodes of those that have (where the caller can, else it is refused): no placement passes a limit. If these
 * nodes are full, the job waits with the reason `flavors-full` until room comes up on them, or for its tenant on others.
 *
 * Waking: after a release, a refused tenant is asked for again only if the smallest amount that it was refused could be held now;
 * after the end of a budget's period; and for `flavors-full` after any release on these flavours. A node that a caller reports as
 * room that came up counts as a release.
 *
 * Jobs of tenants that the tree does not know count as the default tenant's. Nodes of no flavour are free for all.
 */
import { RESOURCES_PER_FLAVOR } from '../market/tenants/spec.ts';
import { TenantBudgets } from '../market/tenants/tenant-budgets.ts';
import { CLUSTER_TENANT, type TenantTree } from '../market/tenants/tenant-tree.ts';
import { addPods, newAmounts, TenantUsage } from '../market/tenants/tenant-usage.ts';
import type { Demand } from '../model/demand.ts';
import type { TenantTable } from '../model/tenants.ts';
import type { Accounts, AccountsRefusal, Ask } from './accounts.ts';
import { type FlavorMap, flavorBit, NO_FLAVOR_BIT } from './node-flavors.ts';
import { TenantRefusals } from './tenant-refusals.ts';

/** What accounts of tenants may be given. */
export interface TenantAccountsOptions {
  /** Expected run time of a holder, seconds; NaN: unknown, its tenant's default. Default: all unknown. */
  readonly expectedSeconds?: (holder: number) => number;
  /** Price of a flavour, a multiple of its base; default 1. That of its first hold counts for a job to its end. */
  readonly price?: (flavor: number, timeSeconds: number) => number;
}

/** What a refused tenant waits for. */
interface Waiting {
  /** Flavours on which less than it needs was available. */
  lacking: number;
  /** Flavours that were full. */
  full: number;
  /** @shape [cells] the least that it was refused on flavours in `lacking`; Infinity: nothing. */
  readonly least: Float64Array;
  /** The cheapest job that a budget did not cover: micro-units an hour and seconds; Infinity: none. */
  rate: number;
  seconds: number;
}

/** The accounts of one cluster. */
export class TenantAccounts implements Accounts {
  dueSeconds: number = Number.POSITIVE_INFINITY;
  readonly tree: TenantTree;
  readonly usage: TenantUsage;
  readonly budgets: TenantBudgets;
  readonly flavors: FlavorMap;
  private readonly options: TenantAccountsOptions;
  private readonly refusals: TenantRefusals;
  private readonly waiting = new Map<number, Waiting>();
  /** Flavours with a release since the last tick. */
  private released = 0;
  /** Those of them that a node was reported for: they may serve what they did not serve before. */
  private cameUp = 0;
  /** @shape [cells] what a job needs on each flavour, if all of it were there. */
  private readonly needs: Float64Array;
  /** Prices that holders began at, by flavour; only where there are prices. */
  private readonly prices = new Map<number, number[]>();
  /** @shape [cells] 1: a quota or a limit bounds it. */
  private readonly bounded: Uint8Array;
  private readonly addCapacity = (flavor: number, resource: number, amount: number): void => {
    this.usage.setCapacity(flavor, resource, this.usage.capacityOf(flavor, resource) + amount);
  };

  /**
   * @param flavors Of the caller's nodes; for this object alone.
   * @param table   Of the tree and of the callers' tenants.
   */
  constructor(flavors: FlavorMap, tree: TenantTree, table: TenantTable, options: TenantAccountsOptions = {}) {
    this.tree = tree;
    this.options = options;
    this.usage = new TenantUsage(tree);
    this.budgets = new TenantBudgets(tree);
    this.flavors = flavors;
    this.refusals = new TenantRefusals(this.usage, this.budgets, table);
    this.needs = newAmounts(tree);
    this.bounded = new Uint8Array(tree.cells);
    for (let at = 0; at < tree.limits.length; at++) {
      const cell = at % tree.cells;
      if (tree.governed[cell] === 1 || tree.limits[at] !== Number.POSITIVE_INFINITY) this.bounded[cell] = 1;
    }
    this.flavors.countNew(this.addCapacity);
  }

  admit(ask: Ask, timeSeconds: number): AccountsRefusal | undefined {
    this.flavors.countNew(this.addCapacity);
    const account = this.tree.accountOf(ask.tenant);
    const holds = this.tree.heldBy(account, timeSeconds);
    const serving = this.fillNeeds(ask);
    if (holds !== CLUSTER_TENANT) {
      return this.refusals.beyondLimit(account, serving, this.needs) ?? this.refusals.held(holds);
    }
    const exhausted = this.exhaustedBy(ask, account, serving, timeSeconds);
    if (exhausted !== CLUSTER_TENANT) {
      const ever = this.refusals.beyondLimit(account, serving, this.needs);
      return ever ?? this.refusals.budgetEmpty(exhausted, timeSeconds);
    }
    const lacking = this.lackingFlavors(account, serving);
    if (lacking === 0) return undefined;
    const left = serving & ~lacking;
    if (!this.areServed(ask, left)) {
      this.remember(ask.tenant, lacking, 0);
      return this.refusals.noHeadroom(account, lacking, this.needs, serving);
    }
    this.narrow(ask, left);
    this.remember(ask.tenant, lacking, left);
    ask.otherwise = this.refusals.flavorsFull(account, left, lacking);
    return undefined;
  }

  onHold(tenant: number, holder: number, demand: Demand, node: number, timeSeconds: number): void {
    const flavor = this.flavors.ofNode(node);
    if (flavor < 0) return;
    const account = this.tree.accountOf(tenant);
    this.usage.hold(account, flavor, demand);
    if (!this.budgets.has(account)) return;
    const rate = this.usage.unitsOfPod(flavor, demand) * this.priceOf(holder, flavor, timeSeconds);
    this.budgets.start(account, holder, rate, this.expectedOf(account, holder), timeSeconds);
  }

  onRelease(tenant: number, holder: number, demand: Demand, node: number, timeSeconds: number): void {
    const flavor = this.flavors.ofNode(node);
    if (flavor >= 0) {
      const account = this.tree.accountOf(tenant);
      this.usage.release(account, flavor, demand);
      if (this.budgets.has(account)) {
        const rate = this.usage.unitsOfPod(flavor, demand) * this.priceOf(holder, flavor, timeSeconds);
        const isLast = this.budgets.end(account, holder, rate, timeSeconds);
        if (isLast) this.prices.delete(holder);
      }
    }
    if (this.waiting.size === 0) return;
    this.released |= flavorBit(flavor);
    this.dueSeconds = timeSeconds;
  }

  /** A node of a flavour was added, or takes pods again: who waits for room or quota there is asked for again at the next tick. O(1). */
  roomCameUp(flavor: number, timeSeconds: number): void {
    if (this.waiting.size === 0) return;
    this.released |= flavorBit(flavor);
    this.cameUp |= flavorBit(flavor);
    this.dueSeconds = timeSeconds;
  }

  tick(timeSeconds: number, wake: (tenant: number) => void): void {
    const { released, cameUp } = this;
    this.flavors.countNew(this.addCapacity);
    this.released = 0;
    this.cameUp = 0;
    this.dueSeconds = Number.POSITIVE_INFINITY;
    for (const [tenant, waiting] of this.waiting) {
      const isServedNow = (cameUp & ~(waiting.lacking | waiting.full)) !== 0;
      if (isServedNow || this.mayGoOn(tenant, waiting, released, timeSeconds)) {
        // The caller asks again later: nothing is added here meanwhile.
        this.waiting.delete(tenant);
        wake(tenant);
      } else if (waiting.rate < Number.POSITIVE_INFINITY) {
        const next = this.budgets.nextPeriodOf(this.tree.accountOf(tenant), timeSeconds);
        if (next < this.dueSeconds) this.dueSeconds = next;
      }
    }
  }

  /** @returns True if a tenant may use idle capacity only: it has weight 0, or its budget is spent. */
  isIdleOnly(tenant: number, timeSeconds: number): boolean {
    const account = this.tree.accountOf(tenant);
    return this.tree.specOf(account).weight === 0 || this.budgets.isIdleOnly(account, timeSeconds);
  }

  /** Writes the amounts that a job needs on each flavour into `needs`. @returns Flavours that could serve any of its pods. */
  private fillNeeds({ demands, counts, kinds }: Ask): number {
    const { needs, flavors } = this;
    let serving = 0;
    needs.fill(0);
    for (let kind = 0; kind < demands.length; kind++) {
      const demand = demands[kind] as Demand;
      const mask = flavors.servingMask(demand, kinds[kind]);
      serving |= mask;
      for (let left = mask & ~NO_FLAVOR_BIT; left !== 0; left &= left - 1) {
        addPods(needs, firstFlavor(left), demand, counts[kind] as number);
      }
    }
    return serving;
  }

  /** @returns Those of the flavours that have less room for a tenant than `needs`. */
  private lackingFlavors(account: number, serving: number): number {
    const { needs, bounded, usage } = this;
    let lacking = 0;
    for (let left = serving & ~NO_FLAVOR_BIT; left !== 0; left &= left - 1) {
      const flavor = firstFlavor(left);
      for (let resource = 0; resource < RESOURCES_PER_FLAVOR; resource++) {
        const cell = flavor * RESOURCES_PER_FLAVOR + resource;
        const need = needs[cell] as number;
        if (need === 0 || bounded[cell] === 0 || need <= usage.available(account, flavor, resource)) continue;
        lacking |= 1 << flavor;
        break;
      }
    }
    return lacking;
  }

  /** True if all pods of a job can be served by a set of flavours. */
  private areServed({ demands, kinds, mayNarrow }: Ask, flavors: number): boolean {
    if (!mayNarrow) return false;
    return demands.every((demand, kind) => (this.flavors.servingMask(demand, kinds[kind]) & flavors) !== 0);
  }

  private narrow(ask: Ask, flavors: number): void {
    const { demands, kinds } = ask;
    ask.flavors = flavors;
    for (let kind = 0; kind < demands.length; kind++) {
      const demand = demands[kind] as Demand;
      const mask = this.flavors.servingMask(demand, kinds[kind]);
      if ((mask & ~flavors) !== 0) demands[kind] = this.flavors.narrow(demand, mask & flavors);
    }
  }

  /** Remembers a job that budgets do not cover. @returns Whose budget; CLUSTER_TENANT: all cover it. */
  private exhaustedBy(ask: Ask, account: number, serving: number, timeSeconds: number): number {
    if (!this.budgets.has(account)) return CLUSTER_TENANT;
    let rate = 0;
    for (let kind = 0; kind < ask.demands.length; kind++) {
      const demand = ask.demands[kind] as Demand;
      let most = 0;
      // On the dearest flavour that it might get.
      for (
        let left = this.flavors.servingMask(demand, ask.kinds[kind]) & serving & ~NO_FLAVOR_BIT;
        left !== 0;
        left &= left - 1
      ) {
        const flavor = firstFlavor(left);
        const price = this.options.price?.(flavor, timeSeconds) ?? 1;
        most = Math.max(most, this.usage.unitsOfPod(flavor, demand) * price);
      }
      rate += most * (ask.counts[kind] as number);
    }
    const seconds = this.expectedOf(account, ask.holder);
    const exhausted = this.budgets.exhaustedBy(account, rate, seconds, timeSeconds);
    if (exhausted === CLUSTER_TENANT) return CLUSTER_TENANT;
    const waiting = this.waitingOf(ask.tenant);
    if (waiting.rate === Number.POSITIVE_INFINITY || rate * seconds < waiting.rate * waiting.seconds) {
      waiting.rate = rate;
      waiting.seconds = seconds;
    }
    this.dueSeconds = Math.min(this.dueSeconds, this.budgets.nextPeriodOf(account, timeSeconds));
    return exhausted;
  }

  private expectedOf(account: number, holder: number): number {
    const expected = this.options.expectedSeconds?.(holder) ?? Number.NaN;
    return Number.isNaN(expected) ? this.tree.specOf(account).defaultRuntimeSeconds : expected;
  }

  /** The price that a holder began at on a flavour. */
  private priceOf(holder: number, flavor: number, timeSeconds: number): number {
    const { price } = this.options;
    if (price === undefined) return 1;
    let prices = this.prices.get(holder);
    if (prices === undefined) {
      prices = [];
      this.prices.set(holder, prices);
    }
    prices[flavor] ??= price(flavor, timeSeconds);
    return prices[flavor];
  }

  /** Remembers that a tenant's job was refused on some flavours, and is to be tried again once others have room. */
  private remember(tenant: number, lacking: number, full: number): void {
    const waiting = this.waitingOf(tenant);
    waiting.lacking |= lacking;
    waiting.full |= full;
    for (let left = lacking; left !== 0; left &= left - 1) {
      const begin = firstFlavor(left) * RESOURCES_PER_FLAVOR;
      for (let cell = begin; cell < begin + RESOURCES_PER_FLAVOR; cell++) {
        const need = this.needs[cell] as number;
        if (need < (waiting.least[cell] as number)) waiting.least[cell] = need;
      }
    }
  }

  private waitingOf(tenant: number): Waiting {
    let waiting = this.waiting.get(tenant);
    if (waiting === undefined) {
      const least = new Float64Array(this.tree.cells).fill(Number.POSITIVE_INFINITY);
      const none = Number.POSITIVE_INFINITY;
      waiting = { lacking: 0, full: 0, least, rate: none, seconds: none };
      this.waiting.set(tenant, waiting);
    }
    return waiting;
  }

  private mayGoOn(tenant: number, waiting: Waiting, released: number, timeSeconds: number): boolean {
    if ((waiting.full & released) !== 0) return true;
    const account = this.tree.accountOf(tenant);
    if (waiting.rate < Number.POSITIVE_INFINITY) {
      const { rate, seconds } = waiting;
      if (this.budgets.exhaustedBy(account, rate, seconds, timeSeconds) === CLUSTER_TENANT) return true;
    }
    for (let left = waiting.lacking & released; left !== 0; left &= left - 1) {
      if (this.hasRoomFor(account, firstFlavor(left), waiting.least)) return true;
    }
    return false;
  }

  private hasRoomFor(account: number, flavor: number, least: Float64Array): boolean {
    for (let resource = 0; resource < RESOURCES_PER_FLAVOR; resource++) {
      const need = least[flavor * RESOURCES_PER_FLAVOR + resource] as number;
      if (need > 0 && need > this.usage.available(account, flavor, resource)) return false;
    }
    return true;
  }
}

/** The lowest flavour of a set. */
function firstFlavor(mask: number): number {
  return 31 - Math.clz32(mask & -mask);
}
