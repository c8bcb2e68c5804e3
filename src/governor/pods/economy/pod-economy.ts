/**
 * The economy of a Kubernetes cluster in the pod scheduler: which tenant a pod belongs to, and whether it may start.
 *
 *     event economy, namespace ──▶ stale ──▶ refresh, when decisions are made next ──▶ accounts made again, all that runs held
 *     admission ──▶ PodEconomy ──tenant of the key──▶ TenantAccounts ──▶ a refusal, or flavours that are left
 *
 * Off: the accounts given to the scheduler are used as they are, at no cost. Observe: the tenants' accounts are kept and asked,
 * and every pod is admitted. Enforce: they decide, but for pods that another layer has admitted, which are treated as in observe.
 *
 * Accounts are made again as a whole when tenants, the market or the namespaces of tenants change: O(pods), rare.
 * Budgets keep what was spent (`TenantBudgets.adopt`).
 */

import type { Ledger } from '../../../market/ledger.ts';
import {
  type EconomyDescription,
  type EconomyMode,
  NO_ECONOMY,
  tenantSpecOf,
} from '../../../market/tenants/economy-description.ts';
import type { MarketSpec } from '../../../market/tenants/spec.ts';
import type { SpentBudgets } from '../../../market/tenants/tenant-budgets.ts';
import { TenantTree } from '../../../market/tenants/tenant-tree.ts';
import type { Demand } from '../../../model/demand.ts';
import { TenantTable } from '../../../model/tenants.ts';
import type { Accounts, AccountsRefusal, Ask } from '../../accounts.ts';
import { TenantAccounts } from '../../tenant-accounts.ts';
import type { EconomyPorts } from './economy-ports.ts';
import { PodFlavors } from './pod-flavors.ts';
import { type OpeningBalances, type PayingPod, PodMarket } from './pod-market.ts';
import { isAdmittedKey, type ResolvedTenant, TenantKeys } from './tenant-keys.ts';

/** The tenants' accounts as they stand, for planners, reports and metrics. Until the next `refresh`. */
export interface EconomyBooks {
  readonly tree: TenantTree;
  /** Names of its tenants by number. */
  readonly table: TenantTable;
  readonly accounts: TenantAccounts;
  readonly flavors: PodFlavors;
  readonly keys: TenantKeys;
}

/** Answers of the accounts since the start. */
export interface EconomyCounters {
  admitted: number;
  /** With what would have been refused in mode observe, and of pods that another layer has admitted. */
  refused: number;
}

/** The economy. Single writer of its accounts. */
export class PodEconomy implements Accounts {
  readonly counters: EconomyCounters = { admitted: 0, refused: 0 };
  /** Undefined while the mode is off. */
  books: EconomyBooks | undefined;
  /** Undefined while the market asks for no tokens. */
  market: PodMarket | undefined;
  /** The ledger that the next `open` is about. */
  nextLedger: Ledger | undefined;
  private ledger: Ledger | undefined;
  private opening: OpeningBalances | undefined;
  /** Of budgets, for the next books. */
  private spent: SpentBudgets | undefined;
  private readonly ports: EconomyPorts;
  /** The accounts that the scheduler was given: used while the mode is off. */
  private readonly base: Accounts;
  private description: EconomyDescription = NO_ECONOMY;
  private readonly namespaces = new Map<string, Readonly<Record<string, string>>>();
  private isStale = false;
  /** By the scheduler's number of a key: number of its tenant in the tree; −1: not resolved yet. */
  private tenantByKey: number[] = [];
  /** The same for the answers of `resolve`. */
  private resolvedByKey: (ResolvedTenant | undefined)[] = [];
  /** The last refusal that was not in force, by the scheduler's number of a key. */
  private readonly observed = new Map<number, AccountsRefusal>();

  constructor(ports: EconomyPorts, base: Accounts) {
    this.ports = ports;
    this.base = base;
  }

  /** The mode in use. */
  get mode(): EconomyMode {
    return this.books === undefined ? 'off' : this.description.mode;
  }

  /** When waiting pods become champions, and how many. In force only in mode enforce. */
  get champion(): MarketSpec['champion'] {
    return this.description.market.champion;
  }

  /** How long pods count that state nothing. */
  get unknownRuntime(): MarketSpec['champion']['unknownRuntime'] {
    return this.champion.unknownRuntime;
  }

  /** @returns The default of a key's tenant, seconds; Infinity: endless, or there are no books. */
  defaultRuntimeSeconds(key: number): number {
    const { books } = this;
    return books === undefined
      ? Number.POSITIVE_INFINITY
      : books.tree.specOf(this.tenantOf(key)).defaultRuntimeSeconds;
  }

  /** Labels of the namespaces there are, by name. */
  get namespaceLabels(): ReadonlyMap<string, Readonly<Record<string, string>>> {
    return this.namespaces;
  }

  /** True if a `refresh` would change the accounts. */
  get needsRefresh(): boolean {
    return this.isStale || this.books?.flavors.isStale === true;
  }

  get dueSeconds(): number {
    if (this.needsRefresh) return this.ports.timeSeconds;
    const { books, market } = this;
    if (books === undefined) return this.base.dueSeconds;
    return Math.min(books.accounts.dueSeconds, market?.dueSeconds ?? Number.POSITIVE_INFINITY);
  }

  /** Another economy, from the next `refresh` on. */
  set(description: EconomyDescription): void {
    if (description.mode === 'off' && this.books === undefined && this.description.mode === 'off') return;
    this.description = description;
    this.isStale = true;
  }

  /**
   * Tenants have these balances from the next `refresh` on: those of `nextLedger`, or they are granted in a ledger in memory. And
   * they have spent this much of their budgets.
   */
  open(balances: OpeningBalances, spent?: SpentBudgets): void {
    this.ledger = this.nextLedger;
    this.nextLedger = undefined;
    this.opening = balances;
    this.spent = spent;
    this.market = undefined;
    if (this.books !== undefined) this.isStale = true;
  }

  /** Decisions end: what started is in the log before others hear of it, and prices follow the nodes. O(flavours). */
  rest(): void {
    this.market?.follow(this.ports.timeSeconds);
    this.market?.note(this.ports.timeSeconds);
  }

  /** A namespace is there with these labels; undefined: it is gone. */
  setNamespace(name: string, labels: Readonly<Record<string, string>> | undefined): void {
    if (labels === undefined) this.namespaces.delete(name);
    else this.namespaces.set(name, labels);
    if (this.books !== undefined) this.isStale = true;
  }

  /** The node of a slot is new, described differently, or gone. */
  nodeChanged(slot: number): void {
    const { books } = this;
    if (books === undefined) return;
    books.flavors.nodeChanged(slot);
    books.accounts.roomCameUp(books.flavors.ofNode(slot), this.ports.timeSeconds);
  }

  /** The scheduler's number of a key is free, and may be given to another one. */
  keyReleased(key: number): void {
    if (key < this.tenantByKey.length) this.tenantByKey[key] = -1;
    if (key < this.resolvedByKey.length) this.resolvedByKey[key] = undefined;
    this.observed.delete(key);
  }

  /**
   * Makes the accounts again after changes. The caller then asks again for every pod that was refused.
   *
   * @returns True if they were. O(pods).
   */
  refresh(): boolean {
    if (!this.needsRefresh) return false;
    this.isStale = false;
    this.books = this.description.mode === 'off' ? undefined : this.makeBooks();
    this.tenantByKey = [];
    this.resolvedByKey = [];
    this.observed.clear();
    const { timeSeconds } = this.ports;
    this.renewMarket(timeSeconds);
    for (const { tenant, sequence, demand, slot, pod } of this.ports.placedPods()) {
      this.onHold(tenant, sequence, demand, slot, timeSeconds, pod);
    }
    this.market?.settled(timeSeconds);
    return true;
  }

  /** @returns Number in `books.tree` of the tenant that accounts for a scheduler's key; only with books. */
  tenantOf(key: number): number {
    const { books } = this;
    if (books === undefined) return -1;
    const known = this.tenantByKey[key] ?? -1;
    if (known >= 0) return known;
    const { name } = this.resolve(key);
    const tenant = books.tree.accountOf(books.table.find(name));
    while (this.tenantByKey.length <= key) this.tenantByKey.push(-1);
    this.tenantByKey[key] = tenant;
    return tenant;
  }

  /** @returns The tenant of a key by name, and what is wrong with it; only with books. O(1), O(tenants) the first time. */
  resolve(key: number): ResolvedTenant {
    const { books, resolvedByKey } = this;
    const name = this.ports.tenants.nameOf(key);
    if (books === undefined) return { name, problem: undefined };
    const known = resolvedByKey[key];
    if (known !== undefined) return known;
    while (resolvedByKey.length <= key) resolvedByKey.push(undefined);
    const resolved = books.keys.resolve(name);
    resolvedByKey[key] = resolved;
    return resolved;
  }

  /** @returns Why pods of a key that were admitted all the same, as in mode observe, would not have been at the last attempt. */
  observedRefusal(key: number): AccountsRefusal | undefined {
    return this.observed.get(key);
  }

  admit(ask: Ask, timeSeconds: number): AccountsRefusal | undefined {
    const { books } = this;
    if (books === undefined) return this.base.admit(ask, timeSeconds);
    const key = ask.tenant;
    const isInForce = this.mode === 'enforce' && !isAdmittedKey(this.ports.tenants.nameOf(key));
    ask.tenant = this.tenantOf(key);
    ask.mayNarrow = true;
    const refusal =
      books.accounts.admit(ask, timeSeconds) ??
      this.market?.refusalOf(ask.tenant, ask, isInForce, timeSeconds);
    ask.tenant = key;
    if (isInForce) {
      if (refusal === undefined) this.counters.admitted++;
      else this.counters.refused++;
      return refusal;
    }
    const wouldRefuse = refusal ?? ask.otherwise;
    ask.otherwise = undefined;
    ask.flavors = 0;
    this.counters.admitted++;
    if (wouldRefuse === undefined) this.observed.delete(key);
    else {
      this.counters.refused++;
      this.observed.set(key, wouldRefuse);
    }
    return undefined;
  }

  /** @param pod For the ledger's statements. */
  onHold(
    key: number,
    holder: number,
    demand: Demand,
    node: number,
    timeSeconds: number,
    pod?: PayingPod,
  ): void {
    const { books } = this;
    if (books === undefined) {
      this.base.onHold(key, holder, demand, node, timeSeconds);
      return;
    }
    const tenant = this.tenantOf(key);
    books.accounts.onHold(tenant, holder, demand, node, timeSeconds);
    this.market?.hold({ tenant, holder, demand, node }, pod, timeSeconds);
  }

  onRelease(tenant: number, holder: number, demand: Demand, node: number, timeSeconds: number): void {
    if (this.books === undefined) {
      this.base.onRelease(tenant, holder, demand, node, timeSeconds);
      return;
    }
    this.books.accounts.onRelease(this.tenantOf(tenant), holder, demand, node, timeSeconds);
    this.market?.release(holder, timeSeconds);
  }

  tick(timeSeconds: number, wake: (tenant: number) => void): void {
    if (this.books === undefined) {
      this.base.tick(timeSeconds, wake);
      return;
    }
    const woken = new Set<number>();
    this.books.accounts.tick(timeSeconds, (tenant) => woken.add(tenant));
    this.market?.tick(timeSeconds, (tenant) => woken.add(tenant));
    if (woken.size === 0) return;
    this.tenantByKey.forEach((tenant, key) => {
      if (woken.has(tenant)) wake(key);
    });
  }

  /** The market goes on under the new accounts, begins, or ends. */
  private renewMarket(timeSeconds: number): void {
    const { books, description } = this;
    const { market: spec } = description;
    if (books === undefined || spec.tokens !== true) {
      if (this.market !== undefined) this.opening = this.market.close(timeSeconds);
      this.market = undefined;
      return;
    }
    // A ledger that is stored keeps its half-life.
    const isOther = this.ledger === undefined && this.market?.halfLifeSeconds !== spec.halfLifeSeconds;
    if (isOther && this.market !== undefined) {
      this.opening = this.market.close(timeSeconds);
      this.market = undefined;
    }
    this.market ??= new PodMarket(spec, this.ledger, this.opening);
    this.market.begin(books.accounts, timeSeconds);
  }

  private makeBooks(): EconomyBooks {
    const { market, tenants } = this.description;
    const table = new TenantTable();
    const tree = new TenantTree(market, tenants.map(tenantSpecOf), table);
    const flavors = new PodFlavors(this.ports, market);
    const accounts = new TenantAccounts(flavors, tree, table);
    if (this.books !== undefined) accounts.budgets.adopt(this.books.accounts.budgets, this.ports.timeSeconds);
    if (this.spent !== undefined) accounts.budgets.resume(this.spent, this.ports.timeSeconds);
    this.spent = undefined;
    return { tree, table, accounts, flavors, keys: new TenantKeys(tenants, this.namespaces) };
  }
}
