/**
 * Tokens of the tenants of a Kubernetes cluster: what runs pays rent by the second, and what no quota covers must be affordable.
 *
 *     hold, release ──▶ leases ──▶ TokenMarket ──▶ Ledger            nodes, quotas ──▶ mint of each tenant
 *     admission ──▶ cost over the horizon at today's quote > what may be spent ──▶ `price-too-high`, until it is affordable
 *
 * A pod within a quota is never refused for its price, nor one of a tenant that mints nothing: that has idle capacity only. The
 * market outlives the accounts: when these are made again, leases that are as before go on. Other tenants, flavours or another price
 * rule make another market over the same ledger, after the rents of the one before are settled.
 */

import { assert } from '../../../kernel/assert.ts';
import { isHalfLife } from '../../../market/decay.ts';
import { Ledger } from '../../../market/ledger.ts';
import { affordableAfter } from '../../../market/prices/half-life.ts';
import type { MarketSpec } from '../../../market/tenants/spec.ts';
import { capacityUnits, tenantMints } from '../../../market/tenants/tenant-mints.ts';
import { CLUSTER_TENANT, type TenantTree } from '../../../market/tenants/tenant-tree.ts';
import { addPods, newAmounts } from '../../../market/tenants/tenant-usage.ts';
import { TokenMarket } from '../../../market/token-market/token-market.ts';
import type { Demand } from '../../../model/demand.ts';
import type { AccountsRefusal, Ask } from '../../accounts.ts';
import { NO_FLAVOR_BIT } from '../../node-flavors.ts';
import type { TenantAccounts } from '../../tenant-accounts.ts';

const MICROS_PER_SECOND = 1e6;
const MICROS_PER_TOKEN = 1e6;
/** Micro-units of a milli-unit. */
const MICROS_PER_MILLI = 1_000;
/** Hours of its mint that a tenant has when its account is opened: it can borrow from the first minute on. */
const OPENING_HOURS = 24;
/** Mint follows the capacity of nodes at most this often, seconds: a change costs a transfer a tenant. */
const MINT_SECONDS = 60;
/** After a release prices fall, and tenants that wait for them are asked for again, at most this often; seconds. */
const WAKE_SECONDS = 10;

/** Balances that a market begins with: micro-tokens by tenant. */
export type OpeningBalances = Readonly<Record<string, number>>;

/** One pod that pays. */
interface Lease {
  readonly tenant: number;
  readonly flavor: number;
  readonly milli: number;
  readonly lease: number;
  /** Number of the last time at which the accounts were made again and it was there. */
  round: number;
}

/** The pod of a lease, for statements. */
export interface PayingPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Capacity that a pod takes: the arguments of `Accounts.onHold`. */
interface PodHold {
  readonly tenant: number;
  readonly holder: number;
  readonly demand: Demand;
  readonly node: number;
}

/** What a tenant has. Micro-tokens. */
export interface TenantTokens {
  readonly available: number;
  readonly reserved: number;
  /** An hour. */
  readonly spend: number;
  readonly mint: number;
}

/** What a waiting job would pay. */
export interface JobQuote {
  /** With its own demand, as a multiple of the base; of several flavours the dearest. */
  readonly price: number;
  /** Its tenant can set an hour of its rent aside now. */
  readonly isAffordable: boolean;
  /** When it can; Infinity: never out of its balance, or it mints nothing. */
  readonly affordableAtSeconds: number;
}

/** The cheapest place of a request. */
interface Quote {
  /** Micro-tokens over the horizon. */
  readonly cost: number;
  /** The dearest flavour of those that its kinds would use, and milli-units of it. */
  readonly flavor: number;
  readonly milli: number;
  readonly amounts: Float64Array;
}

/** The market of one cluster. Single writer. */
export class PodMarket {
  /** When `tick` should be called next, seconds; Infinity: never. */
  dueSeconds: number = Number.POSITIVE_INFINITY;
  private readonly ledger: Ledger;
  private readonly opening: OpeningBalances | undefined;
  private market: TokenMarket | undefined;
  private accounts: TenantAccounts | undefined;
  /** What the market was made of. */
  private frame = '';
  private leases = new Map<number, Lease>();
  private round = 0;
  private lastMicros = 0;
  /** Capacity of each flavour that the mint follows, milli-units, and when it did last. */
  private capacities: number[] = [];
  private mintedSeconds = Number.NEGATIVE_INFINITY;
  /** Accounts that were opened, and have had no mint yet. */
  private readonly unopened = new Set<number>();
  /** By tenant: when what it was refused will be affordable, seconds. */
  private readonly waiting = new Map<number, number>();
  private wokenSeconds = Number.NEGATIVE_INFINITY;
  private hasFallen = false;

  /**
   * @param spec    Asks for tokens.
   * @param ledger  Whose market is finished. Undefined: one in memory, where tenants begin with `opening`.
   * @param opening Undefined: nobody has anything yet.
   */
  constructor(spec: MarketSpec, ledger: Ledger | undefined, opening: OpeningBalances | undefined) {
    const halfLifeMicros = microsOf(spec.halfLifeSeconds);
    assert(isHalfLife(halfLifeMicros), 'a half-life out of bounds');
    this.ledger = ledger ?? new Ledger({ halfLifeMicros });
    this.opening = ledger === undefined ? opening : undefined;
    this.lastMicros = this.ledger.nowMicros;
  }

  /** Half-life of its ledger, seconds: a ledger keeps it. */
  get halfLifeSeconds(): number {
    return this.ledger.halfLifeMicros / MICROS_PER_SECOND;
  }

  /** The accounts were made again: until `settled`, what runs is held once more. O(tenants). */
  begin(accounts: TenantAccounts, timeSeconds: number): void {
    const { tree } = accounts;
    const time = this.timeOf(timeSeconds);
    const frame = frameOf(tree);
    this.round++;
    this.accounts = accounts;
    this.waiting.clear();
    this.hasFallen = false;
    this.dueSeconds = Number.POSITIVE_INFINITY;
    if (this.market === undefined || frame !== this.frame) {
      this.finish(time);
      this.frame = frame;
      this.market = this.makeMarket(tree, time);
    }
    this.mint(timeSeconds);
  }

  /** All that runs has been held: what has not runs no more. O(pods). */
  settled(timeSeconds: number): void {
    for (const [holder, lease] of this.leases) if (lease.round !== this.round) this.end(holder, timeSeconds);
  }

  /** A pod takes capacity. */
  hold({ tenant, holder, demand, node }: PodHold, pod: PayingPod | undefined, timeSeconds: number): void {
    const { accounts, market } = this;
    if (accounts === undefined || market === undefined) return;
    const flavor = accounts.flavors.ofNode(node);
    const milli = flavor < 0 ? 0 : this.milliOf(flavor, demand);
    const number = this.numberOf(tenant);
    const known = this.leases.get(holder);
    if (known !== undefined) {
      if (known.tenant === number && known.flavor === flavor && known.milli === milli) {
        known.round = this.round;
        return;
      }
      this.end(holder, timeSeconds);
    }
    if (milli === 0) return;
    const isNamed = this.ledger.isLogged && pod !== undefined;
    const job = { number: holder, name: isNamed ? nameOf(pod) : undefined };
    const time = this.timeOf(timeSeconds);
    const lease = market.started(number, flavor, milli, time, Number.POSITIVE_INFINITY, job);
    this.leases.set(holder, { tenant: number, flavor, milli, lease, round: this.round });
  }

  /** A pod returns its capacity. */
  release(holder: number, timeSeconds: number): void {
    this.end(holder, timeSeconds);
    if (this.waiting.size === 0) return;
    this.hasFallen = true;
    this.dueSeconds = Math.min(this.dueSeconds, Math.max(timeSeconds, this.wokenSeconds + WAKE_SECONDS));
  }

  /**
   * Whether a tenant can pay for what it asks for.
   *
   * @param waits Whether it is woken when it can.
   * @returns Undefined: it can, or need not. O(kinds × flavours).
   */
  refusalOf(tenant: number, ask: Ask, waits: boolean, timeSeconds: number): AccountsRefusal | undefined {
    const { market, accounts } = this;
    if (market === undefined || accounts === undefined) return undefined;
    const number = this.numberOf(tenant);
    if ((market.mints[number] as number) === 0) return undefined;
    const quote = this.quoteOf(ask);
    const time = this.timeOf(timeSeconds);
    if (quote === undefined || market.canAfford(number, quote.cost, time)) return undefined;
    if (this.isCovered(tenant, quote.amounts)) return undefined;
    const affordable = market.affordableAt(number, quote.cost, time) / MICROS_PER_SECOND;
    if (waits) this.wait(tenant, Math.max(affordable, timeSeconds + 1));
    return this.refusal(tenant, quote, affordable, time);
  }

  /** @returns What a job would pay now; undefined: nothing. Changes nothing, as `peek`. O(kinds × flavours). */
  quote(tenant: number, ask: Ask, timeSeconds: number): JobQuote | undefined {
    const { market, ledger } = this;
    const quote = this.quoteOf(ask);
    if (market === undefined || quote === undefined) return undefined;
    const { cost, flavor, milli } = quote;
    const price = market.quotedPrice(flavor, milli) / market.ruleOf(flavor).base;
    const number = this.numberOf(tenant);
    if ((market.mints[number] as number) === 0) {
      return { price, isAffordable: false, affordableAtSeconds: Number.POSITIVE_INFINITY };
    }
    const time = Math.max(this.lastMicros, microsOf(timeSeconds));
    const ceiling = market.book.ceilings[number] as number;
    const micros = affordableAfter(market.spendableOf(number, time), cost, ceiling, ledger.halfLifeMicros);
    return { price, isAffordable: micros === 0, affordableAtSeconds: (time + micros) / MICROS_PER_SECOND };
  }

  /** How far its ledger is: the position of the last transfer, and what pays rent now. */
  get standing(): { readonly sequence: number; readonly leases: number } {
    return { sequence: this.ledger.transfers.lastPosition, leases: this.leases.size };
  }

  /** Time has come. @param wake Called for each tenant that may be able to pay. O(waiting tenants), and O(tenants) once a minute. */
  tick(timeSeconds: number, wake: (tenant: number) => void): void {
    if (this.market === undefined) return;
    if (timeSeconds >= this.mintedSeconds + MINT_SECONDS) this.mint(timeSeconds);
    this.dueSeconds = Number.POSITIVE_INFINITY;
    const allMayPay = this.hasFallen && timeSeconds >= this.wokenSeconds + WAKE_SECONDS;
    if (allMayPay) this.hasFallen = false;
    for (const [tenant, seconds] of this.waiting) {
      if (!allMayPay && seconds > timeSeconds) {
        this.dueSeconds = Math.min(this.dueSeconds, seconds);
        continue;
      }
      this.waiting.delete(tenant);
      this.wokenSeconds = timeSeconds;
      wake(tenant);
    }
    if (this.hasFallen) this.dueSeconds = Math.min(this.dueSeconds, this.wokenSeconds + WAKE_SECONDS);
  }

  /** Nodes may have come or gone: prices follow at once. O(flavours). */
  follow(timeSeconds: number): void {
    const { market, accounts } = this;
    if (market === undefined || accounts === undefined) return;
    let isOther = false;
    for (let flavor = 0; flavor < market.capacities.length; flavor++) {
      const milli = Math.floor(capacityUnits(accounts.usage, flavor) / MICROS_PER_MILLI);
      market.setCapacity(flavor, milli);
      isOther ||= milli !== this.capacities[flavor];
    }
    if (isOther && timeSeconds >= this.mintedSeconds + MINT_SECONDS) this.mint(timeSeconds);
  }

  /** Writes what started and ended into the log: to be called before others hear of it. */
  note(timeSeconds: number): void {
    if (this.ledger.isLogged) this.market?.noteUsage(this.timeOf(timeSeconds));
  }

  /** @returns What a tenant has; undefined: there is no market yet. O(1). */
  tokensOf(tenant: number, timeSeconds: number): TenantTokens | undefined {
    const { market } = this;
    if (market === undefined) return undefined;
    market.advance(this.timeOf(timeSeconds));
    return this.peek(tenant, timeSeconds);
  }

  /**
   * @returns As `tokensOf`, but changes nothing: rents that are due by now are counted, not paid, so that reports leave later
   *   decisions as they are. O(1).
   */
  peek(tenant: number, timeSeconds: number): TenantTokens | undefined {
    const { market } = this;
    if (market === undefined) return undefined;
    const number = this.numberOf(tenant);
    const time = Math.max(this.lastMicros, microsOf(timeSeconds));
    return {
      available: market.balanceOf(number, time),
      reserved: market.book.reservedOf(number),
      spend: market.rents.perHourOf(number),
      mint: market.mints[number] as number,
    };
  }

  /** @returns The market itself and a time to read it at, neither to be advanced nor changed; undefined: there is none yet. */
  readable(timeSeconds: number): { readonly market: TokenMarket; readonly seconds: number } | undefined {
    const { market } = this;
    if (market === undefined) return undefined;
    return { market, seconds: Math.max(this.lastMicros, microsOf(timeSeconds)) / MICROS_PER_SECOND };
  }

  /** @returns Price of a flavour now, a multiple of its base; 1 where there is no market yet. */
  priceOf(flavor: number): number {
    const { market } = this;
    return market === undefined ? 1 : market.quotedPrice(flavor, 0) / market.ruleOf(flavor).base;
  }

  /** The tenants pay no more. @returns What each has left: what the next market may begin with. O(pods). */
  close(timeSeconds: number): OpeningBalances {
    const time = this.timeOf(timeSeconds);
    this.finish(time);
    this.market = undefined;
    const balances: Record<string, number> = {};
    const { accounts } = this.ledger;
    for (let account = 0; account < accounts.count; account++) {
      if (accounts.isTenant(account))
        balances[accounts.names[account] as string] = accounts.available(account);
    }
    return balances;
  }

  /** Ends all leases and pays their rents. */
  private finish(timeMicros: number): void {
    const { market } = this;
    if (market === undefined) return;
    for (const { lease } of this.leases.values()) market.ended(lease, timeMicros);
    this.leases.clear();
    market.settle(timeMicros);
  }

  private makeMarket(tree: TenantTree, startMicros: number): TokenMarket {
    const { halfLifeSeconds: _, memorySeconds, order, priceCap, flavors } = tree.market;
    const isKnown = tree.tenants.map((tenant) => this.ledger.accounts.find(tree.specOf(tenant).name) >= 0);
    const market = new TokenMarket({
      flavors: flavors.map(({ name }) => ({ name, capacityMilli: 0 })),
      tenants: tree.tenants.map((tenant) => ({
        name: tree.specOf(tenant).name,
        quotaMilli: 0,
        weight: tree.specOf(tenant).weight,
        mintRate: 0,
      })),
      ...{ order, priceCap, memoryMicros: microsOf(memorySeconds), ledger: this.ledger },
      ...{ startMicros, continues: true },
    });
    this.unopened.clear();
    for (const [number, known] of isKnown.entries()) {
      if (known) continue;
      const { name } = tree.specOf(tree.tenants[number] as number);
      const { opening = {} } = this;
      const given = Object.hasOwn(opening, name) ? opening[name] : undefined;
      if (given === undefined) this.unopened.add(number);
      else if (given > 0) market.grant(number, Math.floor(given), startMicros);
    }
    return market;
  }

  /** Mint and prices follow the capacity and the quotas of now. O(tenants). */
  private mint(timeSeconds: number): void {
    const { accounts, market } = this;
    if (accounts === undefined || market === undefined) return;
    const { tree, usage } = accounts;
    this.mintedSeconds = timeSeconds;
    this.capacities = tree.market.flavors.map((_, flavor) =>
      Math.floor(capacityUnits(usage, flavor) / MICROS_PER_MILLI),
    );
    this.capacities.forEach((milli, flavor) => {
      market.setCapacity(flavor, milli);
    });
    const byRow = tenantMints(tree, usage);
    const rates = tree.tenants.map((tenant) => byRow[tree.rowOf(tenant)] as number);
    const time = this.timeOf(timeSeconds);
    market.remint(rates, time);
    for (const number of this.unopened) {
      const rate = rates[number] as number;
      if (rate === 0) continue;
      this.unopened.delete(number);
      market.grant(number, Math.floor(Math.min(OPENING_HOURS * rate, this.ledger.ceilingOf(rate))), time);
    }
  }

  private end(holder: number, timeSeconds: number): void {
    const lease = this.leases.get(holder);
    if (lease === undefined) return;
    this.leases.delete(holder);
    this.market?.ended(lease.lease, this.timeOf(timeSeconds));
  }

  /** @returns Undefined: it may start where nothing is paid. */
  private quoteOf({ demands, counts, kinds, flavors: left }: Ask): Quote | undefined {
    const { accounts, market } = this;
    if (accounts === undefined || market === undefined) return undefined;
    const amounts = newAmounts(accounts.tree);
    let [sum, dearest, dearestCost, dearestMilli] = [0, -1, -1, 0];
    for (const [kind, demand] of demands.entries()) {
      const count = counts[kind] as number;
      const serving = accounts.flavors.servingMask(demand, kinds[kind]) & (left === 0 ? -1 : left);
      if ((serving & NO_FLAVOR_BIT) !== 0) continue;
      let [least, cheapest, units] = [Number.POSITIVE_INFINITY, -1, 0];
      for (let rest = serving; rest !== 0; rest &= rest - 1) {
        const flavor = 31 - Math.clz32(rest & -rest);
        const milli = count * this.milliOf(flavor, demand);
        const cost = milli === 0 ? 0 : market.costOf(flavor, milli);
        if (cost < least) [least, cheapest, units] = [cost, flavor, milli];
      }
      if (cheapest < 0) continue;
      sum += least;
      addPods(amounts, cheapest, demand, count);
      if (least > dearestCost) [dearestCost, dearest, dearestMilli] = [least, cheapest, units];
    }
    return sum === 0 ? undefined : { cost: sum, flavor: dearest, milli: dearestMilli, amounts };
  }

  /** Whether a quota covers amounts: its own, or that of a tenant above it. Where nobody has a quota none does. */
  private isCovered(tenant: number, amounts: Float64Array): boolean {
    const { tree, usage } = this.accounts as TenantAccounts;
    const isGoverned = amounts.some((amount, cell) => amount > 0 && tree.governed[cell] === 1);
    return isGoverned && usage.coveredBy(tree.accountOf(tenant), amounts) !== CLUSTER_TENANT;
  }

  private refusal(
    tenant: number,
    { cost, flavor }: Quote,
    affordable: number,
    timeMicros: number,
  ): AccountsRefusal {
    const { tree } = this.accounts as TenantAccounts;
    const market = this.market as TokenMarket;
    return {
      code: 'price-too-high',
      data: {
        tenant: tree.specOf(tree.accountOf(tenant)).name,
        flavor: tree.market.flavors[flavor]?.name ?? '',
        needTokens: tokensOf(cost),
        availableTokens: tokensOf(Math.max(0, market.spendableOf(this.numberOf(tenant), timeMicros))),
        price: Math.round(1_000 * this.priceOf(flavor)) / 1_000,
        ...(affordable < Number.POSITIVE_INFINITY ? { affordableAtSeconds: Math.ceil(affordable) } : {}),
      },
    };
  }

  private wait(tenant: number, seconds: number): void {
    const known = this.waiting.get(tenant) ?? Number.POSITIVE_INFINITY;
    this.waiting.set(tenant, Math.min(known, seconds));
    this.dueSeconds = Math.min(this.dueSeconds, seconds);
  }

  /** Number of a tenant in the market. */
  private numberOf(tenant: number): number {
    return (this.accounts as TenantAccounts).tree.rowOf(tenant) - 1;
  }

  private milliOf(flavor: number, demand: Demand): number {
    return Math.floor((this.accounts as TenantAccounts).usage.unitsOfPod(flavor, demand) / MICROS_PER_MILLI);
  }

  /** Times of a ledger never decrease, whatever the clock of an earlier leader said. */
  private timeOf(seconds: number): number {
    this.lastMicros = Math.max(this.lastMicros, microsOf(seconds));
    return this.lastMicros;
  }
}

/** @returns What the books of a market depend on, apart from mint and capacity. */
function frameOf(tree: TenantTree): string {
  const { flavors, priceCap, order, memorySeconds } = tree.market;
  const tenants = tree.tenants.map((tenant) => tree.specOf(tenant).name);
  return JSON.stringify([flavors.map(({ name }) => name), tenants, priceCap, order, memorySeconds]);
}

/** @returns Its name in the ledger: the uid makes it unique. */
function nameOf({ namespace, name, uid }: PayingPod): string {
  return `${namespace}/${name}/${uid}`;
}

function microsOf(seconds: number): number {
  return Math.round(MICROS_PER_SECOND * seconds);
}

function tokensOf(micros: number): number {
  return Math.round(micros / 1_000) / (MICROS_PER_TOKEN / 1_000);
}
