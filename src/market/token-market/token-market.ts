/**
 * The market: who can afford what, over a ledger that has one chain a tenant and rent period, however many jobs run.
 *
 *     started ──▶ a lease: quoted rate, its rent over the horizon set aside
 *     tick, once a rent period: rent paid out of the escrow ─▶ rates quoted again ─▶ new escrow
 *     ended ──▶ what was set aside and not used is free again
 *
 * Between ticks the market counts in columns: a start or end is O(1) and writes nothing. A start is charged before the next
 * decision: what it sets aside counts as spent. The ledger gets the sums, so that its balances, statements and proofs hold.
 *
 * Nobody is stopped for want of tokens: idle capacity is used. A tenant that cannot pay owes, its debt is forgotten with the
 * half-life as usage is, and it stands behind those that can pay. So a balance less debt is m/κ less decayed usage, always.
 *
 * Deterministic: no clock; times are the caller's whole microseconds and do not decrease. Not here: places, quotas, evictions.
 */
import { assert } from '../../kernel/assert.ts';
import type { Dual } from '../../physics/dual.ts';
import { costOf, isNatural, MICROS_PER_TOKEN } from '../amounts.ts';
import { Ledger } from '../ledger.ts';
import { mintRates } from '../mint-rates.ts';
import { affordableAfter } from '../prices/half-life.ts';
import { levelShare } from '../prices/level-share.ts';
import { baseAt, type PriceRule, priceOf, quotedPrice } from '../prices/unit-price.ts';
import { TRANSFERS_PER_CALL_MAX, type Transfer } from '../transfer.ts';
import { rentFor } from './accrual.ts';
import { EscrowBook } from './escrow-book.ts';
import { Leases } from './leases.ts';
import { MARKET_DEFAULTS, type TenantOrderKind, type TokenMarketOptions } from './market-options.ts';
import { MarketKind, mintOf, openingOf, taxOf } from './market-transfers.ts';
import { type Saving, Savings } from './savings.ts';
import { rateOf, TenantRents } from './tenant-rents.ts';
import { UsageLog } from './usage-log.ts';
import { UsageMemory } from './usage-memory.ts';

/** Micro-units of a milli-unit: what it mints in an hour at price 1. */
const MICROS_PER_MILLI_UNIT = 1_000;
const MILLIS_PER_UNIT = 1_000;

/** What a lease is for. */
export interface LeaseJob {
  /** −1: not known. */
  readonly number: number;
  /** For statements. */
  readonly name?: string | undefined;
}

const NO_JOB: LeaseJob = { number: -1 };

/** The market of one cluster. Single writer. */
export class TokenMarket {
  /** To be read only, as all of these. */
  readonly ledger: Ledger;
  readonly book: EscrowBook;
  readonly rents: TenantRents;
  readonly leases: Leases = new Leases();
  readonly savings: Savings;
  /** What tenants had for their share. */
  readonly memory: UsageMemory;
  /** What decides whose turn it is. */
  readonly order: TenantOrderKind;
  /** @shape [tenants] Micro-tokens an hour. */
  readonly mints: Float64Array;
  /** @shape [flavors] Milli-units in use, and in all. */
  readonly loads: Float64Array;
  readonly capacities: Float64Array;
  /** Time of the next tick, µs. Calls with a later time tick first. */
  dueMicros: number;

  /** For how long a start sets rent aside at most, µs. */
  readonly horizon: number;
  private readonly period: number;
  private readonly rules: readonly PriceRule[];
  /** @shape [flavors] Units of the reference hardware in a milli-unit. */
  private readonly worths: Float64Array;
  private readonly isActive: Uint8Array;
  private active: number[] = [];
  /** Leases whose rent is saved. */
  private readonly prepaid = new Map<number, Saving>();
  private lastTickMicros: number;
  /** Where the ledger has a log. */
  private readonly usageLog: UsageLog | undefined;
  private mintOfAll = 0;
  /** @shape [tenants] Units that mints stand for. */
  private readonly rights: Float64Array;

  /** Opens accounts and sets mints, at `startMicros`. @throws TegError as `mintRates` and `Ledger.open`. */
  constructor(options: TokenMarketOptions) {
    const { flavors, tenants } = options;
    const { rentPeriodMicros = MARKET_DEFAULTS.rentPeriodMicros, horizonMicros = rentPeriodMicros } = options;
    const { priceCap = MARKET_DEFAULTS.priceCap, evenLoad = MARKET_DEFAULTS.evenLoad } = options;
    const { halfLifeMicros = MARKET_DEFAULTS.halfLifeMicros } = options;
    assert(isNatural(rentPeriodMicros) && rentPeriodMicros > 0, 'a rent period that is not whole');
    assert(horizonMicros >= rentPeriodMicros, 'a horizon that ends before the next rent');
    this.period = rentPeriodMicros;
    this.horizon = horizonMicros;
    this.ledger = options.ledger ?? new Ledger({ halfLifeMicros });
    const names = tenants.map(({ name }) => name);
    const { startMicros = this.ledger.nowMicros, callsKept = MARKET_DEFAULTS.callsKept } = options;
    const times = { periodMicros: rentPeriodMicros, horizonMicros };
    const { continues = false } = options;
    const first = continues ? this.ledger.transfers.lastPosition + 1 : 0;
    this.book = new EscrowBook(this.ledger, names, times, callsKept, first);
    this.rents = new TenantRents(tenants.length, flavors.length);
    this.savings = new Savings(this.book);
    this.rules = flavors.map(({ tokensPerUnitHour = 1 }) => ({
      base: Math.max(1, Math.round(baseAt(evenLoad) * tokensPerUnitHour)),
      cap: priceCap,
    }));
    this.loads = new Float64Array(flavors.length);
    this.capacities = Float64Array.from(flavors, ({ capacityMilli }) => capacityMilli);
    this.worths = Float64Array.from(
      flavors,
      ({ tokensPerUnitHour = 1 }) => tokensPerUnitHour / MILLIS_PER_UNIT,
    );
    this.mints = new Float64Array(tenants.length);
    this.isActive = new Uint8Array(tenants.length);
    this.lastTickMicros = startMicros - (startMicros % rentPeriodMicros);
    this.dueMicros = this.lastTickMicros + rentPeriodMicros;
    if (continues) this.book.endOtherMints(startMicros);
    this.mint(options, startMicros);
    const { memoryMicros = MARKET_DEFAULTS.memoryMicros, order = MARKET_DEFAULTS.order } = options;
    this.rights = this.mints.map((mint) => mint / MICROS_PER_TOKEN);
    this.memory = new UsageMemory(this.rights, memoryMicros, horizonMicros);
    this.order = order;
    if (!this.ledger.isLogged) return;
    this.usageLog = new UsageLog(this.ledger, continues ? this.ledger.notesWritten : 0);
    for (const [flavor, { name }] of flavors.entries()) {
      this.usageLog.flavor(flavor, name, this.ruleOf(flavor).base, startMicros);
    }
  }

  /** Tenants; their numbers are below it. */
  get tenantCount(): number {
    return this.mints.length;
  }

  /** Sets what there is of a flavour: nodes come and go. O(1). @param milli ≥ 0. */
  setCapacity(flavor: number, milli: number): void {
    assert(milli >= 0, 'less capacity than none');
    this.capacities[flavor] = milli;
  }

  /** @returns How a flavour is priced. */
  ruleOf(flavor: number): PriceRule {
    return this.rules[flavor] as PriceRule;
  }

  /** @returns Price of a flavour now, micro-tokens for a unit-hour, and its slope by a milli-unit. */
  priceOf(flavor: number): Dual {
    const rule = this.rules[flavor] as PriceRule;
    return priceOf(rule, this.loads[flavor] as number, this.capacities[flavor] as number);
  }

  /** @returns Price for a job or gang that starts now: whole micro-tokens for a unit-hour. @param milli Of it. */
  quotedPrice(flavor: number, milli: number): number {
    const rule = this.rules[flavor] as PriceRule;
    return quotedPrice(rule, this.loads[flavor] as number, this.capacities[flavor] as number, milli);
  }

  /** @returns What a start now sets aside: rent over the horizon, or until it is expected to end; micro-tokens. */
  costOf(flavor: number, milli: number, expectedMicros = Number.POSITIVE_INFINITY): number {
    return rentFor(rateOf(milli, this.quotedPrice(flavor, milli)), Math.min(this.horizon, expectedMicros));
  }

  /**
   * A job or gang starts, or its part on one flavour.
   *
   * @param milli          Milli-units, an integer > 0.
   * @param expectedMicros How long it is expected to run, > 0; Infinity: unknown. It is not stopped then.
   * @param job            For the log: its number and, unless a lease of it runs, its name.
   * @returns The lease, for `ended`.
   * @cost Amortised O(1), without a transfer, if no tick is due.
   */
  started(
    tenant: number,
    flavor: number,
    milli: number,
    timeMicros: number,
    expectedMicros = Number.POSITIVE_INFINITY,
    job: LeaseJob = NO_JOB,
  ): number {
    assert(isNatural(milli) && milli > 0, 'a lease of less than a milli-unit');
    this.advance(timeMicros);
    const price = this.quotedPrice(flavor, milli);
    const rate = rateOf(milli, price);
    const cost = rentFor(rate, Math.min(this.horizon, expectedMicros));
    this.rents.start(tenant, flavor, milli, rate, timeMicros);
    this.book.commit(tenant, cost);
    this.load(tenant, flavor, milli, timeMicros);
    this.activate(tenant);
    const lease = this.leases.add(tenant, flavor, milli, rate, timeMicros, cost);
    if (this.usageLog !== undefined) this.noteStart(lease, price, job, timeMicros);
    return lease;
  }

  private noteStart(lease: number, price: number, { number, name }: LeaseJob, timeMicros: number): void {
    const { leases } = this;
    const account = this.book.accounts[leases.tenants[lease] as number] as number;
    const [flavor, milli] = [leases.flavors[lease] as number, leases.millis[lease] as number];
    const use = { account, flavor, job: number, milli, price, rate: leases.rates[lease] as number };
    this.usageLog?.started(lease, use, name, timeMicros);
  }

  /** A lease ends. Amortised O(1), without a transfer, if no tick is due. */
  ended(lease: number, timeMicros: number): void {
    this.advance(timeMicros);
    const { leases } = this;
    const tenant = leases.tenants[lease] as number;
    const flavor = leases.flavors[lease] as number;
    const milli = leases.millis[lease] as number;
    const start = leases.starts[lease] as number;
    const saving = this.prepaid.get(lease);
    if (saving !== undefined) {
      this.book.owe(tenant, this.savings.pay(saving, timeMicros), timeMicros);
      this.savings.end(saving, timeMicros);
      this.prepaid.delete(lease);
    } else if (start >= this.lastTickMicros) {
      // The tick of an instant comes before its starts.
      const rate = leases.rates[lease] as number;
      this.rents.endFresh(tenant, flavor, milli, rate, timeMicros);
      this.book.commit(tenant, rentFor(rate, timeMicros - start) - (leases.commitments[lease] as number));
    } else this.rents.endQuoted(tenant, flavor, milli, timeMicros);
    this.load(tenant, flavor, -milli, timeMicros);
    this.usageLog?.ended(lease, timeMicros);
    leases.remove(lease);
  }

  /** Writes the notes of what started and ended until now: before what started is reported to others. */
  noteUsage(timeMicros: number): void {
    this.usageLog?.flush(timeMicros);
  }

  /**
   * Sets what tenants mint from now on: capacity or quotas have changed.
   *
   * @param rates Micro-tokens an hour by tenant, integers ≥ 0. O(tenants that change) transfers.
   */
  remint(rates: readonly number[], timeMicros: number): void {
    this.advance(timeMicros);
    const changed = rates.flatMap((rate, tenant) => (rate === this.mints[tenant] ? [] : [tenant]));
    for (let from = 0; from < changed.length; from += TRANSFERS_PER_CALL_MAX) {
      const position = this.book.nextPosition();
      const transfers = changed.slice(from, from + TRANSFERS_PER_CALL_MAX).map((tenant) => {
        const rate = rates[tenant] as number;
        this.memory.change(tenant, 0, timeMicros);
        this.mintOfAll += rate - (this.mints[tenant] as number);
        this.mints[tenant] = rate;
        this.rights[tenant] = rate / MICROS_PER_TOKEN;
        this.book.setMint(tenant, rate);
        const subject = this.book.accounts[tenant] as number;
        return mintOf({ position, kind: MarketKind.Mint, subject }, subject, rate);
      });
      this.book.apply(transfers, timeMicros);
    }
  }

  /** Gives a tenant tokens besides its mint. @param amount Micro-tokens, an integer ≥ 0. */
  grant(tenant: number, amount: number, timeMicros: number): void {
    this.advance(timeMicros);
    if (amount === 0) return;
    const position = this.book.nextPosition();
    const subject = this.book.accounts[tenant] as number;
    this.book.apply(
      [openingOf({ position, kind: MarketKind.Opening, subject }, subject, amount)],
      timeMicros,
    );
  }

  private load(tenant: number, flavor: number, milli: number, timeMicros: number): void {
    this.loads[flavor] = (this.loads[flavor] as number) + milli;
    this.memory.change(tenant, milli * (this.worths[flavor] as number), timeMicros);
  }

  /** Does the ticks that are due by a time. O(active tenants × flavours) each. */
  advance(timeMicros: number): void {
    while (this.dueMicros <= timeMicros) this.tick(this.dueMicros);
  }

  /** Pays all rents up to a time, between ticks: the end of a run. Nothing may start or end at that time afterwards. */
  settle(timeMicros: number): void {
    this.advance(timeMicros);
    this.tick(timeMicros);
    this.dueMicros = timeMicros - (timeMicros % this.period) + this.period;
    this.usageLog?.flush(timeMicros);
  }

  /** Pays, quotes and reserves; then savings take what is left. */
  private tick(timeMicros: number): void {
    const { book, rents } = this;
    this.usageLog?.flush(timeMicros);
    const quote = (flavor: number): number => this.quotedPrice(flavor, 0);
    book.tick(
      this.active,
      timeMicros,
      (tenant) => ({
        due: rents.takeDue(tenant, timeMicros),
        quantity: rents.takeUsed(tenant, timeMicros),
      }),
      (tenant) => rents.requote(tenant, quote, timeMicros),
    );
    this.active = this.active.filter((tenant) => {
      const isActive = !book.isSettled(tenant) || rents.runningMilli(tenant) > 0;
      this.isActive[tenant] = isActive ? 1 : 0;
      return isActive;
    });
    for (let flavor = 0; flavor < this.rules.length; flavor++) {
      this.usageLog?.quote(flavor, quote(flavor), timeMicros);
    }
    this.lastTickMicros = timeMicros;
    this.dueMicros = timeMicros + this.period;
    this.payPrepaid(timeMicros);
    this.savings.collect(timeMicros);
    this.memory.lift(timeMicros);
  }

  /**
   * What a tenant has less what it has set aside and owes, micro-tokens: m/κ less decayed usage. @param timeMicros Not before the
   * last tick.
   */
  balanceOf(tenant: number, timeMicros: number): number {
    return this.book.balanceAt(tenant, timeMicros, this.rents.freshDueAt(tenant, timeMicros));
  }

  /** Rent that ran up since the start, paid or owed; micro-tokens. O(1). */
  chargedOf(tenant: number, timeMicros: number): number {
    this.advance(timeMicros);
    return (this.book.charged[tenant] as number) + this.rents.dueAt(tenant, timeMicros);
  }

  /** @returns What a tenant can set aside so that rents are paid at the next tick, micro-tokens; may be below 0. */
  spendableOf(tenant: number, timeMicros: number): number {
    return this.book.spendableAt(tenant, this.dueMicros, this.rents.freshDueAt(tenant, timeMicros));
  }

  /** @returns Whether a tenant can set an amount aside so that rents are paid at the next tick. O(1). */
  canAfford(tenant: number, cost: number, timeMicros: number): boolean {
    this.advance(timeMicros);
    return (this.mints[tenant] as number) > 0 && cost <= this.spendableOf(tenant, timeMicros);
  }

  /**
   * When a tenant will be able to afford something if it starts nothing else: the rank of a job, taken when it is submitted.
   *
   * @returns µs; Infinity: never out of its balance (κP ≥ m), and it has to save.
   */
  affordableAt(tenant: number, cost: number, timeMicros: number): number {
    if (this.canAfford(tenant, cost, timeMicros)) return timeMicros;
    const ceiling = this.book.ceilings[tenant] as number;
    const balance = this.spendableOf(tenant, timeMicros);
    return timeMicros + affordableAfter(balance, cost, ceiling, this.ledger.halfLifeMicros);
  }

  /**
   * What tenants are ordered by, in hours of their mint: larger goes first. −Infinity for a tenant that mints nothing.
   *
   * By usage: how much less a tenant had for its share than the one that had most when rents were paid last. By balance: what its
   * balance is worth; of tenants that all mint and spend alike the order is that of decayed usage over share.
   *
   * @param timeMicros Not before the last tick.
   */
  standingOf(tenant: number, timeMicros: number): number {
    const mint = this.mints[tenant] as number;
    if (mint === 0) return Number.NEGATIVE_INFINITY;
    if (this.order === 'Usage') return this.memory.most - this.memory.hadAt(tenant, timeMicros);
    return this.balanceOf(tenant, timeMicros) / mint;
  }

  /** @returns By how much the standing of a tenant falls at once if something starts now, hours; Infinity if it mints nothing. */
  stepOf(tenant: number, flavor: number, milli: number): number {
    if (this.order === 'Usage') return this.memory.aheadOf(tenant, milli * (this.worths[flavor] as number));
    const mint = this.mints[tenant] as number;
    return mint === 0 ? Number.POSITIVE_INFINITY : this.costOf(flavor, milli) / mint;
  }

  /** Decayed usage, priced: m/κ less the balance; micro-tokens. */
  usageOf(tenant: number, timeMicros: number): number {
    return Math.max(0, (this.book.ceilings[tenant] as number) - this.balanceOf(tenant, timeMicros));
  }

  /** Part of the mint over part of the decayed usage of all; above 1: it had less than its share. O(tenants). */
  levelShareOf(tenant: number, timeMicros: number): number {
    let usage = 0;
    for (let each = 0; each < this.tenantCount; each++) usage += this.usageOf(each, timeMicros);
    return levelShare(this.mints[tenant] as number, this.mintOfAll, this.usageOf(tenant, timeMicros), usage);
  }

  /**
   * Taxes capacity that a tenant holds idle; takes what there is. @param quantity Unit-milliseconds. @param price Micro-tokens
   * for a unit-hour. @returns Micro-tokens paid.
   */
  tax(tenant: number, quantity: number, price: number, timeMicros: number): number {
    this.advance(timeMicros);
    const { book } = this;
    const amount = costOf(quantity, price);
    const position = book.nextPosition();
    const subject = book.accounts[tenant] as number;
    book.apply([taxOf({ position, kind: MarketKind.Tax, subject }, subject, amount, quantity)], timeMicros);
    const moved = book.movedBy(position, MarketKind.Tax, subject);
    book.paid[tenant] = (book.paid[tenant] as number) + moved;
    return moved;
  }

  /**
   * Begins to save for a gang that a balance never pays for. Each tick puts aside what its tenant has left after rents.
   *
   * @param job For statements. @param cost Micro-tokens, an integer > 0.
   */
  save(tenant: number, job: number, cost: number, timeMicros: number): Saving {
    this.advance(timeMicros);
    return this.savings.open(tenant, job, cost);
  }

  /** Ends a saving without a start; what was saved comes back, evaporated. */
  cancelSaving(saving: Saving, timeMicros: number): void {
    this.advance(timeMicros);
    this.savings.end(saving, timeMicros);
  }

  /**
   * Starts a gang that was saved for, at the price of now: as `started`, but its savings pay until they are used up. @param
   * saving Full.
   */
  startedSaved(saving: Saving, flavor: number, milli: number, timeMicros: number): number {
    assert(isNatural(milli) && milli > 0, 'a lease of less than a milli-unit');
    this.advance(timeMicros);
    const rate = rateOf(milli, this.quotedPrice(flavor, milli));
    this.savings.start(saving, rate, milli, timeMicros);
    this.load(saving.tenant, flavor, milli, timeMicros);
    const lease = this.leases.add(saving.tenant, flavor, milli, rate, timeMicros, 0);
    this.prepaid.set(lease, saving);
    return lease;
  }

  /** Pays the rents of gangs that saved for them; one whose savings are used up pays as the others from now on. */
  private payPrepaid(timeMicros: number): void {
    for (const [lease, saving] of this.prepaid) {
      const lacking = this.savings.pay(saving, timeMicros);
      if (saving.saved > 0) continue;
      const { leases, horizon } = this;
      const rate = leases.rates[lease] as number;
      const milli = leases.millis[lease] as number;
      const cost = rentFor(rate, horizon);
      this.prepaid.delete(lease);
      this.savings.end(saving, timeMicros);
      this.book.owe(saving.tenant, lacking, timeMicros);
      this.rents.start(saving.tenant, leases.flavors[lease] as number, milli, rate, timeMicros);
      this.book.commit(saving.tenant, cost);
      leases.starts[lease] = timeMicros;
      leases.commitments[lease] = cost;
      this.noteStart(lease, Math.ceil((rate * MILLIS_PER_UNIT) / milli), { number: saving.job }, timeMicros);
      this.activate(saving.tenant);
    }
  }

  private activate(tenant: number): void {
    if (this.isActive[tenant] === 1) return;
    this.isActive[tenant] = 1;
    this.active.push(tenant);
  }

  private mint(options: TokenMarketOptions, now: number): void {
    const { flavors, tenants, openingHours = MARKET_DEFAULTS.openingHours } = options;
    const capacity = flavors.reduce(
      (sum, { capacityMilli, tokensPerUnitHour = 1 }) =>
        sum + Math.round(MICROS_PER_MILLI_UNIT * capacityMilli * tokensPerUnitHour),
      0,
    );
    const shares = tenants.map(({ quotaMilli, weight }) => ({
      quota: MICROS_PER_MILLI_UNIT * quotaMilli,
      weight,
    }));
    const position = this.book.nextPosition();
    const transfers: Transfer[] = [];
    const byQuota = mintRates(shares, capacity);
    byQuota.forEach((own, tenant) => {
      const rate = tenants[tenant]?.mintRate ?? own;
      this.mints[tenant] = rate;
      this.mintOfAll += rate;
      this.book.setMint(tenant, rate);
      const subject = this.book.accounts[tenant] as number;
      if (rate === 0 && this.ledger.accounts.mintRate[subject] === 0) return;
      transfers.push(mintOf({ position, kind: MarketKind.Mint, subject }, subject, rate));
      const opening = Math.min(Math.round(rate * openingHours), this.book.ceilings[tenant] as number);
      if (opening > 0)
        transfers.push(openingOf({ position, kind: MarketKind.Opening, subject }, subject, opening));
    });
    this.book.apply(transfers, now);
  }
}
