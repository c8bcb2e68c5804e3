/**
 * The closed form of mint and evaporation, in integers: the same on every machine, whatever steps time takes.
 *
 *     B(t + Δ) = B(t)·2^(−Δ/h) + (m/κ)·(1 − 2^(−Δ/h)),   κ = ln 2 / h
 *
 * `Math.exp` may differ by an ulp from one engine to the next, and a ledger that cannot be recomputed elsewhere proves nothing;
 * so factors are fixed-point numbers with 128 bits behind the point. Their error is below 2^-120, that of a balance below one
 * part in 2^31 of a micro-token for a step.
 *
 * @source Theory of demurrage: a balance that evaporates is usage with exponential memory, sign flipped.
 */
import { assert } from '../kernel/assert.ts';
import { isNatural, MICROS_PER_HOUR } from './amounts.ts';

/** Bits behind the point of factors. */
export const FACTOR_BITS = 128n;

/** Bits behind the point of the fractions of a micro-token that are carried. */
export const FRACTION_BITS = 32n;

/** Shortest half-life: a second. */
export const HALF_LIFE_MICROS_MIN = 1_000_000;

/** Longest half-life: 250 years, which is as good as none. */
export const HALF_LIFE_MICROS_MAX: number = 250 * 365 * 24 * MICROS_PER_HOUR;

/** @returns Whether a half-life is in its bounds. */
export function isHalfLife(micros: number): boolean {
  return isNatural(micros) && micros >= HALF_LIFE_MICROS_MIN && micros <= HALF_LIFE_MICROS_MAX;
}

const ONE = 1n << FACTOR_BITS;
/** Bits of an exponent's fraction, read one byte at a time: one table a byte. */
const EXPONENT_BYTES = 12;
const EXPONENT_BITS = 96n;
const BYTE_SPAN = 256;

/** 1 / ln 2 with 64 decimals. */
const INVERSE_LN2 = 14426950408889634073599246810018921374266459541529859341354494069n;
const INVERSE_LN2_SCALE = 10n ** 64n;

let tables: readonly (readonly bigint[])[] | undefined;

/**
 * @param elapsedMicros  An integer ≥ 0.
 * @param halfLifeMicros An integer > 0.
 * @returns 2^(−elapsed/halfLife) with FACTOR_BITS bits behind the point, in [0, 2^FACTOR_BITS]. Some µs.
 */
export function decayFactor(elapsedMicros: number, halfLifeMicros: number): bigint {
  assert(isNatural(elapsedMicros) && isNatural(halfLifeMicros) && halfLifeMicros > 0, 'a time is not whole');
  const halvings = BigInt(Math.floor(elapsedMicros / halfLifeMicros));
  if (halvings > FACTOR_BITS) return 0n;
  const rest = elapsedMicros % halfLifeMicros;
  let exponent = (BigInt(rest) << EXPONENT_BITS) / BigInt(halfLifeMicros);
  tables ??= factorTables();
  let factor = ONE;
  for (let level = EXPONENT_BYTES - 1; level >= 0; level--) {
    const byte = Number(exponent & 0xffn);
    if (byte > 0) factor = (factor * (tables[level]?.[byte] as bigint)) >> FACTOR_BITS;
    exponent >>= 8n;
  }
  return factor >> halvings;
}

/** A half-life, with the factor of the interval that was asked for last: many accounts are brought to one time. */
export class Decay {
  readonly halfLifeMicros: number;
  /** What a mint of 1 micro-token an hour settles at, h / ln 2, with FACTOR_BITS bits behind the point. */
  private readonly ceilingPerRate: bigint;
  private elapsed = 0;
  private factor = ONE;

  /** @param halfLifeMicros An integer in [HALF_LIFE_MICROS_MIN, HALF_LIFE_MICROS_MAX]. */
  constructor(halfLifeMicros: number) {
    assert(isHalfLife(halfLifeMicros), 'a half-life out of bounds');
    this.halfLifeMicros = halfLifeMicros;
    this.ceilingPerRate =
      (BigInt(halfLifeMicros) * INVERSE_LN2 * ONE) / (INVERSE_LN2_SCALE * BigInt(MICROS_PER_HOUR));
  }

  /** @returns The factor of an interval. Two BigInt operations if it is that of the last call. */
  factorOf(elapsedMicros: number): bigint {
    if (elapsedMicros !== this.elapsed) {
      this.factor = decayFactor(elapsedMicros, this.halfLifeMicros);
      this.elapsed = elapsedMicros;
    }
    return this.factor;
  }

  /** @returns m/κ: micro-tokens that a mint of `rate` micro-tokens an hour never exceeds, rounded up. */
  ceilingOf(rate: number): number {
    return Number(((BigInt(rate) * this.ceilingPerRate) >> FACTOR_BITS) + 1n);
  }

  /**
   * @param balance       With FRACTION_BITS bits behind the point.
   * @param rate          Mint, micro-tokens an hour, an integer ≥ 0.
   * @param elapsedMicros An integer ≥ 0.
   * @returns The balance after that time, with as many bits, rounded down.
   */
  balanceAfter(balance: bigint, rate: number, elapsedMicros: number): bigint {
    const factor = this.factorOf(elapsedMicros);
    const kept = (balance * factor) >> FACTOR_BITS;
    if (rate === 0) return kept;
    const grown = BigInt(rate) * this.ceilingPerRate * (ONE - factor);
    return kept + (grown >> (2n * FACTOR_BITS - FRACTION_BITS));
  }

  /** @returns What an amount loses in that time, with FRACTION_BITS bits behind the point, rounded down. */
  lossOf(amount: number, elapsedMicros: number): bigint {
    return (BigInt(amount) * (ONE - this.factorOf(elapsedMicros))) >> (FACTOR_BITS - FRACTION_BITS);
  }
}

/** @returns By level ℓ and byte b: 2^(−b / 256^(ℓ+1)). A millisecond, once. */
function factorTables(): readonly (readonly bigint[])[] {
  const guard = 64n;
  const one = 1n << (FACTOR_BITS + guard);
  let root = one >> 1n;
  const levels: bigint[][] = [];
  for (let level = 0; level < EXPONENT_BYTES; level++) {
    const row: bigint[] = new Array(BYTE_SPAN).fill(one);
    for (let bit = 7; bit >= 0; bit--) {
      root = squareRoot(root * one);
      for (let byte = 0; byte < BYTE_SPAN; byte++) {
        if ((byte >> bit) & 1) row[byte] = ((row[byte] as bigint) * root) / one;
      }
    }
    levels.push(row.map((factor) => factor >> guard));
  }
  return levels;
}

/** @returns ⌊√value⌋ by Newton's method from above. */
function squareRoot(value: bigint): bigint {
  let guess = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (guess + value / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}
