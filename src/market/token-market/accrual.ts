/**
 * Rent that runs up at a constant rate, in whole micro-tokens with the rest carried: how often it is read changes nothing.
 */
import { assert } from '../../kernel/assert.ts';
import { isNatural, MICROS_PER_HOUR } from '../amounts.ts';

const MILLIS_PER_HOUR = 3_600_000;
const MICROS_PER_MILLI = 1_000;
/** Largest rate whose product with an hour of milliseconds is exact. */
const RATE_EXACT_MAX: number = Math.floor(Number.MAX_SAFE_INTEGER / MILLIS_PER_HOUR);

/** Rents by tenant. Single writer: the market. */
export class Accrual {
  /** To be read only. @shape [tenants] Micro-tokens an hour, integers. */
  readonly rates: Float64Array;
  /** @shape [tenants] Whole micro-tokens that ran up since the last `take`. */
  private readonly amounts: Float64Array;
  /** @shape [tenants] In 1 / MICROS_PER_HOUR of a micro-token. */
  private readonly rests: Float64Array;
  /** @shape [tenants] µs. */
  private readonly times: Float64Array;
  /** Results of `sum`: of the tenant and time of its last call. */
  private amount = 0;
  private rest = 0;

  constructor(tenants: number) {
    this.rates = new Float64Array(tenants);
    this.amounts = new Float64Array(tenants);
    this.rests = new Float64Array(tenants);
    this.times = new Float64Array(tenants);
  }

  /** Brings a tenant's rent to a time, which does not decrease, and changes its rate from then on. O(1). */
  change(tenant: number, difference: number, timeMicros: number): void {
    this.accrue(tenant, timeMicros);
    const rate = (this.rates[tenant] as number) + difference;
    assert(isNatural(rate), 'a rate of rent below 0');
    this.rates[tenant] = rate;
  }

  /** @returns Whole micro-tokens that ran up until a time. Changes nothing: a later call may be about an earlier time. */
  at(tenant: number, timeMicros: number): number {
    this.sum(tenant, timeMicros);
    return this.amount;
  }

  /** @returns The same, which is taken as paid. */
  take(tenant: number, timeMicros: number): number {
    this.accrue(tenant, timeMicros);
    const amount = this.amounts[tenant] as number;
    this.amounts[tenant] = 0;
    return amount;
  }

  private accrue(tenant: number, timeMicros: number): void {
    this.sum(tenant, timeMicros);
    this.times[tenant] = timeMicros;
    this.amounts[tenant] = this.amount;
    this.rests[tenant] = this.rest;
  }

  /** Fills `amount` and `rest`: what a tenant's would be at a time. */
  private sum(tenant: number, timeMicros: number): void {
    const elapsed = timeMicros - (this.times[tenant] as number);
    assert(elapsed >= 0, 'time of a rent goes back');
    const rate = this.rates[tenant] as number;
    this.amount = this.amounts[tenant] as number;
    this.rest = this.rests[tenant] as number;
    if (rate === 0 || elapsed === 0) return;
    if (rate > RATE_EXACT_MAX) {
      const total = BigInt(this.rest) + BigInt(rate) * BigInt(elapsed);
      this.amount += Number(total / BigInt(MICROS_PER_HOUR));
      this.rest = Number(total % BigInt(MICROS_PER_HOUR));
      return;
    }
    const within = elapsed % MICROS_PER_HOUR;
    const micros = within % MICROS_PER_MILLI;
    const product = rate * ((within - micros) / MICROS_PER_MILLI);
    const part = product % MILLIS_PER_HOUR;
    const rest = this.rest + part * MICROS_PER_MILLI + rate * micros;
    this.rest = rest % MICROS_PER_HOUR;
    this.amount +=
      rate * ((elapsed - within) / MICROS_PER_HOUR) +
      (product - part) / MILLIS_PER_HOUR +
      (rest - this.rest) / MICROS_PER_HOUR;
  }
}

/** @returns ⌈rate × time⌉ in micro-tokens, for reserves: nearly exact, never too small by more than one. */
export function rentFor(rate: number, micros: number): number {
  return Math.ceil((rate / MICROS_PER_HOUR) * micros);
}
