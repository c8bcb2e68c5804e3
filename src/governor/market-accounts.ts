/**
 * Accounts with a market: what the tenants' accounts hold and release pays rent, and tenants are ordered by what they had.
 *
 *     zone ──▶ MarketAccounts ──onHold, onRelease──▶ TokenMarket ──▶ Ledger
 *                    └──▶ the accounts of tenants (quotas, limits, budgets): they alone admit, budgets at price 1
 *
 * A pod is a lease on its flavour: milli-units of the reference hardware. Pods of no flavour, or that cost nothing, pay nothing.
 * The market ticks when it is called next: rents are those of the tick, and no event is needed for it. In the same way it follows
 * nodes that go down and come back: prices at its next call, mint at most once a minute. Quotas are of all nodes, up or down.
 */

import { assert } from '../kernel/assert.ts';
import type { Ledger } from '../market/ledger.ts';
import { capacityUnits, tenantMints } from '../market/tenants/tenant-mints.ts';
import { type LeaseJob, TokenMarket } from '../market/token-market/token-market.ts';
import type { ClusterState } from '../model/cluster-state.ts';
import type { Demand } from '../model/demand.ts';
import type { Accounts, AccountsRefusal, Ask } from './accounts.ts';
import { NodesUp } from './nodes-up.ts';
import type { TenantAccounts } from './tenant-accounts.ts';

const MICROS_PER_SECOND = 1e6;
/** Micro-units of a milli-unit. */
const MICROS_PER_MILLI = 1_000;
/** Mint follows nodes at most this often: a change costs a transfer a tenant. */
const MINT_SECONDS = 60;

/** What accounts with a market may be given. */
export interface MarketAccountsOptions {
  /** Default: one in memory, with the half-life of the market. */
  readonly ledger?: Ledger | undefined;
  /** Seconds after which rents are paid and quoted again. Default an hour. */
  readonly rentPeriodSeconds?: number | undefined;
  /** Expected run time of a holder, seconds; NaN: unknown. Default: all unknown. */
  readonly expectedSeconds?: ((holder: number) => number) | undefined;
  /** Name of a holder in the ledger's log. Default: none. */
  readonly nameOf?: ((holder: number) => string) | undefined;
  /** Of the nodes; prices and mint follow those that are up. Default: all count. */
  readonly cluster?: ClusterState | undefined;
}

/** A market in front of the accounts of tenants. Its order of tenants is a `TenantOrder`. */
export class MarketAccounts implements Accounts {
  readonly market: TokenMarket;
  private readonly inner: Accounts;
  private readonly tenants: TenantAccounts;
  private readonly expectedSeconds: (holder: number) => number;
  private readonly nameOf: ((holder: number) => string) | undefined;
  /** The last lease of each holder, and by lease the one before it; −1: none. */
  private readonly lastLease = new Map<number, number>();
  private leaseBefore: Int32Array = new Int32Array(64).fill(-1);
  private readonly nodesUp: NodesUp | undefined;
  /** When mint was set last, and whether nodes have changed since. */
  private mintedSeconds = Number.NEGATIVE_INFINITY;
  private isMintDue = false;

  /** @param inner   Gets every call; the accounts of tenants, or what measures them. */
  constructor(inner: Accounts, tenants: TenantAccounts, options: MarketAccountsOptions = {}) {
    const { tree, usage } = tenants;
    const { halfLifeSeconds, priceCap, flavors, order, memorySeconds } = tree.market;
    const rates = tenantMints(tree, usage);
    const { ledger, rentPeriodSeconds, expectedSeconds, nameOf, cluster } = options;
    this.nodesUp = cluster === undefined ? undefined : new NodesUp(cluster, tenants.flavors, usage);
    this.inner = inner;
    this.nameOf = ledger === undefined ? undefined : nameOf;
    this.tenants = tenants;
    this.expectedSeconds = expectedSeconds ?? (() => Number.NaN);
    this.market = new TokenMarket({
      flavors: flavors.map(({ name }, flavor) => ({
        name,
        capacityMilli: Math.floor(capacityUnits(usage, flavor) / MICROS_PER_MILLI),
      })),
      tenants: tree.tenants.map((tenant) => ({
        name: tree.specOf(tenant).name,
        quotaMilli: 0,
        weight: tree.specOf(tenant).weight,
        mintRate: rates[tree.rowOf(tenant)] as number,
      })),
      halfLifeMicros: microsOf(halfLifeSeconds),
      rentPeriodMicros: rentPeriodSeconds === undefined ? undefined : microsOf(rentPeriodSeconds),
      ...{ priceCap, order, memoryMicros: microsOf(memorySeconds) },
      ledger,
    });
  }

  get dueSeconds(): number {
    return this.inner.dueSeconds;
  }

  /**
   * Less its standing, in hours of its mint: by what it had for its share, or by its balance. Infinity if it mints nothing. The
   * smaller goes first.
   */
  shareOf(tenant: number, timeSeconds: number): number {
    const number = this.numberOf(tenant);
    const timeMicros = microsOf(timeSeconds);
    this.follow(timeSeconds);
    this.market.advance(timeMicros);
    return -this.market.standingOf(number, timeMicros);
  }

  /**
   * @returns By how much `shareOf` grows at once if a job starts now, on the first flavour that could serve it; 0: it pays
   * nothing.
   */
  stepOf(tenant: number, demand: Demand, pods: number): number {
    const mask = this.tenants.flavors.servingMask(demand);
    if (mask === 0) return 0;
    const flavor = 31 - Math.clz32(mask & -mask);
    const milli = pods * this.milliOf(flavor, demand);
    return milli === 0 ? 0 : this.market.stepOf(this.numberOf(tenant), flavor, milli);
  }

  admit(ask: Ask, timeSeconds: number): AccountsRefusal | undefined {
    return this.inner.admit(ask, timeSeconds);
  }

  onHold(tenant: number, holder: number, demand: Demand, node: number, timeSeconds: number): void {
    this.inner.onHold(tenant, holder, demand, node, timeSeconds);
    const flavor = this.tenants.flavors.ofNode(node);
    const milli = this.milliOf(flavor, demand);
    if (milli === 0) return;
    this.follow(timeSeconds);
    const expected = this.expectedSeconds(holder);
    const before = this.lastLease.get(holder) ?? -1;
    const lease = this.market.started(
      this.numberOf(tenant),
      flavor,
      milli,
      microsOf(timeSeconds),
      expected > 0 ? microsOf(expected) : Number.POSITIVE_INFINITY,
      this.nameOf === undefined ? undefined : this.jobOf(holder, before < 0),
    );
    if (lease >= this.leaseBefore.length) this.widen(lease);
    this.leaseBefore[lease] = before;
    this.lastLease.set(holder, lease);
  }

  onRelease(tenant: number, holder: number, demand: Demand, node: number, timeSeconds: number): void {
    this.inner.onRelease(tenant, holder, demand, node, timeSeconds);
    const flavor = this.tenants.flavors.ofNode(node);
    const milli = this.milliOf(flavor, demand);
    this.follow(timeSeconds);
    if (milli > 0) this.market.ended(this.takeLease(holder, flavor, milli), microsOf(timeSeconds));
  }

  tick(timeSeconds: number, wake: (tenant: number) => void): void {
    this.inner.tick(timeSeconds, wake);
  }

  /** Pays all rents up to a time, at the end. */
  settle(timeSeconds: number): void {
    this.follow(timeSeconds);
    this.market.settle(microsOf(timeSeconds));
  }

  /** Prices and mint follow the nodes that are up. O(1) unless one has changed; then O(nodes + tenants). */
  private follow(timeSeconds: number): void {
    const { nodesUp, market } = this;
    if (nodesUp === undefined) return;
    const hasChanged = nodesUp.hasChanged();
    this.isMintDue ||= hasChanged;
    const isMintDue = this.isMintDue && timeSeconds >= this.mintedSeconds + MINT_SECONDS;
    if (!hasChanged && !isMintDue) return;
    const timeMicros = microsOf(timeSeconds);
    const units = nodesUp.units();
    market.advance(timeMicros);
    for (const [flavor, amount] of units.entries())
      market.setCapacity(flavor, Math.floor(amount / MICROS_PER_MILLI));
    if (!isMintDue) return;
    const { tree, usage } = this.tenants;
    const byRow = tenantMints(
      tree,
      usage,
      units.reduce((sum, amount) => sum + amount, 0),
    );
    market.remint(
      tree.tenants.map((tenant) => byRow[tree.rowOf(tenant)] as number),
      timeMicros,
    );
    this.mintedSeconds = timeSeconds;
    this.isMintDue = false;
  }

  /**
   * Takes a lease of a holder out of its list: the last one that is for as much on that flavour. Equal pods are interchangeable.
   */
  private takeLease(holder: number, flavor: number, milli: number): number {
    const { leases } = this.market;
    const first = this.lastLease.get(holder) ?? -1;
    let after = -1;
    let lease = first;
    while (lease >= 0 && (leases.flavors[lease] !== flavor || leases.millis[lease] !== milli)) {
      after = lease;
      lease = this.leaseBefore[lease] as number;
    }
    assert(lease >= 0, 'a pod is released that was not held');
    const before = this.leaseBefore[lease] as number;
    if (after >= 0) this.leaseBefore[after] = before;
    else if (before >= 0) this.lastLease.set(holder, before);
    else this.lastLease.delete(holder);
    return lease;
  }

  /** What the log says of a holder: its name once, while it has leases. */
  private jobOf(holder: number, isNamed: boolean): LeaseJob {
    return { number: holder, name: isNamed ? this.nameOf?.(holder) : undefined };
  }

  /** Number of a tenant in the market. */
  private numberOf(tenant: number): number {
    return this.tenants.tree.rowOf(tenant) - 1;
  }

  private milliOf(flavor: number, demand: Demand): number {
    return flavor < 0 ? 0 : Math.floor(this.tenants.usage.unitsOfPod(flavor, demand) / MICROS_PER_MILLI);
  }

  private widen(lease: number): void {
    const next = new Int32Array(2 * (lease + 1)).fill(-1);
    next.set(this.leaseBefore);
    this.leaseBefore = next;
  }
}

function microsOf(seconds: number): number {
  return Math.round(MICROS_PER_SECOND * seconds);
}
