/**
 * Amounts of the ledger: whole micro-tokens, and what a quantity costs at a price.
 *
 * One token buys one unit (an H100) for an hour at price 1. Quantities are whole unit-milliseconds, prices whole micro-tokens for
 * a unit-hour, times whole microseconds of the caller's clock: all are integers, so that a line of a statement can be recomputed
 * by anyone, on any machine, to the micro-token.
 */
import { assert } from '../kernel/assert.ts';

/** Micro-tokens of one token. */
export const MICROS_PER_TOKEN = 1_000_000;

/** Microseconds of a second. */
export const MICROS_PER_SECOND = 1_000_000;

/** Microseconds of an hour. */
export const MICROS_PER_HOUR: number = 3_600 * MICROS_PER_SECOND;

/** Unit-milliseconds of a unit-hour. */
export const QUANTITY_PER_UNIT_HOUR = 3_600_000;

/** Base of the two limbs of a sum: a limb and an amount together are still exact as a double. */
export const LIMB: number = 2 ** 52;

/**
 * Largest amount of one transfer, largest reserve of an account, and largest balance that a credit may lead to: 10^5 GPUs for two
 * and a half years. A balance is at most its credits, its mint and its reserve, and so below 2^53.
 */
export const AMOUNT_MAX: number = 2 ** 51 - 1;

/**
 * What a quantity costs: ⌊quantity × price / 3.6·10^6⌋, exactly.
 *
 * Rounded down, so that the parts of a stretch of time never cost more than the whole, which was reserved.
 *
 * @param quantity Unit-milliseconds, an integer ≥ 0. @param price Micro-tokens for a unit-hour, an integer ≥ 0.
 * @returns Micro-tokens; may exceed AMOUNT_MAX, and then is only nearly exact.
 */
export function costOf(quantity: number, price: number): number {
  assert(isNatural(quantity) && isNatural(price), 'a quantity or price is not a whole number');
  const product = quantity * price;
  if (product <= Number.MAX_SAFE_INTEGER) {
    return (product - (product % QUANTITY_PER_UNIT_HOUR)) / QUANTITY_PER_UNIT_HOUR;
  }
  return Number((BigInt(quantity) * BigInt(price)) / BigInt(QUANTITY_PER_UNIT_HOUR));
}

/** @returns Whether a number is an integer in [0, 2^53). */
export function isNatural(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** @returns Micro-tokens as tokens with all six decimals, for people: `-1,234.500000`. */
export function tokensText(micros: bigint | number): string {
  const value = BigInt(micros);
  const size = value < 0n ? -value : value;
  const whole = (size / BigInt(MICROS_PER_TOKEN)).toString().replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
  const part = (size % BigInt(MICROS_PER_TOKEN)).toString().padStart(6, '0');
  return `${value < 0n ? '-' : ''}${whole}.${part}`;
}
