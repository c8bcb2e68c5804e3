/**
 * What tenants owe for what runs: sums by tenant and flavour, so that a rent costs the same for one job and for 10^5.
 *
 * What started since the last tick pays its own quote; at a tick it joins the rest, all of which is quoted again.
 */
import { Accrual } from './accrual.ts';

const MILLIS_PER_UNIT = 1_000;
const MICROS_PER_MILLISECOND = 1_000;

/** @returns Micro-tokens an hour, rounded down. @param price Micro-tokens for a unit-hour. */
export function rateOf(milli: number, price: number): number {
  return Math.floor((milli * price) / MILLIS_PER_UNIT);
}

/** Rents by tenant. Single writer: the market. */
export class TenantRents {
  /** Rents at the quotes of the last tick, and of what started since. */
  private readonly quotedRents: Accrual;
  private readonly freshRents: Accrual;
  private readonly flavors: number;
  /** @shape [tenants × flavors] Milli-units quoted at the last tick, and those that started since; price of the former. */
  private readonly quoted: Float64Array;
  private readonly fresh: Float64Array;
  private readonly quotes: Float64Array;
  /** @shape [tenants] Milli-units that run, and unit-microseconds used until `times`. */
  private readonly running: Float64Array;
  private readonly used: Float64Array;
  private readonly times: Float64Array;

  constructor(tenants: number, flavors: number) {
    this.quotedRents = new Accrual(tenants);
    this.freshRents = new Accrual(tenants);
    this.flavors = flavors;
    this.quoted = new Float64Array(tenants * flavors);
    this.fresh = new Float64Array(tenants * flavors);
    this.quotes = new Float64Array(tenants * flavors);
    this.running = new Float64Array(tenants);
    this.used = new Float64Array(tenants);
    this.times = new Float64Array(tenants);
  }

  /** Milli-units of a tenant that run. */
  runningMilli(tenant: number): number {
    return this.running[tenant] as number;
  }

  /** @returns Micro-tokens an hour, at the quotes of now. */
  perHourOf(tenant: number): number {
    return (this.quotedRents.rates[tenant] as number) + (this.freshRents.rates[tenant] as number);
  }

  /** @returns Whole micro-tokens that ran up since the last tick. */
  dueAt(tenant: number, timeMicros: number): number {
    return this.quotedRents.at(tenant, timeMicros) + this.freshRents.at(tenant, timeMicros);
  }

  /** @returns The part of it that is of what started since. */
  freshDueAt(tenant: number, timeMicros: number): number {
    return this.freshRents.at(tenant, timeMicros);
  }

  /** @returns As `dueAt`, which is taken as charged. */
  takeDue(tenant: number, timeMicros: number): number {
    return this.quotedRents.take(tenant, timeMicros) + this.freshRents.take(tenant, timeMicros);
  }

  /** Something starts, at its own rate. */
  start(tenant: number, flavor: number, milli: number, rate: number, timeMicros: number): void {
    const cell = tenant * this.flavors + flavor;
    this.fresh[cell] = (this.fresh[cell] as number) + milli;
    this.use(tenant, milli, timeMicros);
    this.freshRents.change(tenant, rate, timeMicros);
  }

  /** Something ends that started since the last tick. */
  endFresh(tenant: number, flavor: number, milli: number, rate: number, timeMicros: number): void {
    const cell = tenant * this.flavors + flavor;
    this.fresh[cell] = (this.fresh[cell] as number) - milli;
    this.use(tenant, -milli, timeMicros);
    this.freshRents.change(tenant, -rate, timeMicros);
  }

  /** Something ends that was quoted at the last tick. */
  endQuoted(tenant: number, flavor: number, milli: number, timeMicros: number): void {
    const cell = tenant * this.flavors + flavor;
    const quote = this.quotes[cell] as number;
    const before = this.quoted[cell] as number;
    this.quoted[cell] = before - milli;
    this.use(tenant, -milli, timeMicros);
    this.quotedRents.change(tenant, rateOf(before - milli, quote) - rateOf(before, quote), timeMicros);
  }

  /** Quotes all that runs again. @param priceOf By flavour, whole micro-tokens for a unit-hour. @returns The rate. O(flavours). */
  requote(tenant: number, priceOf: (flavor: number) => number, timeMicros: number): number {
    let rate = 0;
    for (let flavor = 0; flavor < this.flavors; flavor++) {
      const cell = tenant * this.flavors + flavor;
      const milli = (this.quoted[cell] as number) + (this.fresh[cell] as number);
      this.quoted[cell] = milli;
      this.fresh[cell] = 0;
      if (milli === 0) continue;
      const price = priceOf(flavor);
      this.quotes[cell] = price;
      rate += rateOf(milli, price);
    }
    this.quotedRents.change(tenant, rate - (this.quotedRents.rates[tenant] as number), timeMicros);
    this.freshRents.change(tenant, -(this.freshRents.rates[tenant] as number), timeMicros);
    return rate;
  }

  /** @returns Whole unit-milliseconds used since the last call; the rest is carried. */
  takeUsed(tenant: number, timeMicros: number): number {
    this.use(tenant, 0, timeMicros);
    const whole = Math.floor((this.used[tenant] as number) / MICROS_PER_MILLISECOND);
    this.used[tenant] = (this.used[tenant] as number) - whole * MICROS_PER_MILLISECOND;
    return whole;
  }

  private use(tenant: number, milli: number, timeMicros: number): void {
    const running = this.running[tenant] as number;
    const elapsed = timeMicros - (this.times[tenant] as number);
    this.used[tenant] = (this.used[tenant] as number) + (running / MILLIS_PER_UNIT) * elapsed;
    this.times[tenant] = timeMicros;
    this.running[tenant] = running + milli;
  }
}
