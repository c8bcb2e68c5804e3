/**
 * 2^(−x) and log2 by arithmetic that every engine does alike.
 *
 * `Math.pow` and `Math.log2` may differ in their last bit from engine to engine, and what a market computes decides who starts: a
 * replay on another machine must decide the same. The ledger's own balances are integers (`decay.ts`); these are for what lies
 * between two of its settlements.
 */
import { assert } from '../../kernel/assert.ts';

/** 2^(−1075) is 0. */
const HALVINGS_MAX = 1_075;
/** Terms of the exponential series on [−ln √2, ln √2]: the rest is below 2^−53. */
const TERMS = 14;

const POWERS: Float64Array = powers();

/** @returns 2^(−x), within 2 ulp; 0 for x above 1,075. @param x ≥ 0; Infinity is allowed. */
export function halvings(x: number): number {
  assert(x >= 0, 'a negative number of halvings');
  if (x > HALVINGS_MAX) return 0;
  const whole = Math.round(x);
  const y = (whole - x) * Math.LN2;
  let sum = 1;
  for (let term = TERMS; term > 0; term--) sum = 1 + (sum * y) / term;
  return sum * (POWERS[whole] as number);
}

/** What a half-life leaves of an amount after some time. @param elapsed ≥ 0, in the unit of the half-life. */
export function decayed(amount: number, elapsed: number, halfLife: number): number {
  return elapsed === 0 ? amount : amount * halvings(elapsed / halfLife);
}

/**
 * A balance that mints at a constant rate and evaporates: b·2^(−Δ/h) + c·(1 − 2^(−Δ/h)), with c = m/κ.
 *
 * Also decayed usage, where c is the rate of use over κ.
 */
export function settledBalance(balance: number, ceiling: number, elapsed: number, halfLife: number): number {
  if (elapsed === 0) return balance;
  return ceiling + (balance - ceiling) * halvings(elapsed / halfLife);
}

/**
 * How long a tenant saves for a price out of its mint: h · log2((c − b) / (c − p)), where c = m/κ.
 *
 * @param balance What is available, possibly below 0. @param price What is to be paid. @param ceiling m/κ of its mint.
 * @param halfLife An integer of microseconds, or of any other unit.
 * @returns The first whole time at which `settledBalance` reaches the price: 0 if it can pay now, Infinity if evaporation never
 * lets it
 *   (κP ≥ m), for then it must save in a reserve. The same on every engine.
 */
export function affordableAfter(balance: number, price: number, ceiling: number, halfLife: number): number {
  if (balance >= price) return 0;
  if (!(price < ceiling)) return Number.POSITIVE_INFINITY;
  const guess = Math.ceil(halfLife * Math.log2((ceiling - balance) / (ceiling - price)));
  if (!Number.isSafeInteger(guess)) return Number.POSITIVE_INFINITY;
  const isEnough = (time: number): boolean => settledBalance(balance, ceiling, time, halfLife) >= price;
  let [low, high] = [0, Math.max(1, guess)];
  // The guess may be off by rounding; the predicate decides. Close to the ceiling rounding may never reach the price.
  for (let step = 1; !isEnough(high); step *= 2) {
    low = high;
    high += step;
    if (high > 2 * guess + 2) return Number.POSITIVE_INFINITY;
  }
  for (let step = 1; low < high - step; step *= 2) {
    if (isEnough(high - step)) high -= step;
    else {
      low = high - step;
      break;
    }
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

function powers(): Float64Array {
  const table = new Float64Array(HALVINGS_MAX + 1);
  let power = 1;
  for (let n = 0; n <= HALVINGS_MAX; n++) {
    table[n] = power;
    power /= 2;
  }
  return table;
}
