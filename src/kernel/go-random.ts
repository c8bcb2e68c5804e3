/**
 * The generator of Go's `math/rand` (an additive lagged Fibonacci sequence with lags 607 and 273), draw for draw.
 *
 * Why: the published packing benchmark shuffles its pods and ranks its nodes with it, so its arrival orders come
 * out from a pod list and a seed alone. For everything else use `Random`: it is faster and forks.
 *
 * @source Described in `docs/packing.md`; Knuth, The Art of Computer Programming, vol. 2, §3.2.2 (the recurrence).
 */
import { assert } from './assert.ts';
import { INT32_MAX, UINT32_SPAN } from './limits.ts';

/** Long lag: numbers in the register. */
const LENGTH = 607;
/** Distance between the two taps at the start. */
const FEED_START = 334;
/** Short lag: LENGTH − FEED_START. */
const SHORT_LAG = 273;
/** Steps by which the register of seed 1 is advanced to obtain the constants of every seed. */
const CONSTANT_STEPS = 7_800_000_000_000n;
const MASK_64 = (1n << 64n) - 1n;
const TWO_31 = INT32_MAX + 1;
/** Hexadecimal digits of one packed coefficient: 2 · 64 bits of a product and 10 bits for 607 sums, rounded up. */
const PACKED_DIGITS = 35;
const PACKED_BITS = 4n * BigInt(PACKED_DIGITS);

/** One step of the Lehmer sequence that seeds the register: 48271 · x mod (2³¹ − 1), exact in a double. */
function lehmer(x: number): number {
  return (48271 * x) % 2147483647;
}

/** The constants that every seed is mixed with, as low 32 and high 31 bits. */
interface Constants {
  readonly low: Uint32Array;
  readonly high: Uint32Array;
}

let constantsCache: Constants | undefined;

/**
 * The 607 constants, derived once per process instead of stored.
 *
 * The register of seed 1 is advanced 7.8 · 10¹² steps: output k is output k − 607 plus output k − 273, so the far
 * outputs are the early ones weighted by the coefficients of x^N modulo x⁶⁰⁷ − x³³⁴ − 1 over the integers
 * modulo 2⁶⁴. About 30 ms, once.
 */
function constants(): Constants {
  if (constantsCache !== undefined) return constantsCache;
  const early = earlyOutputs(2 * LENGTH - 1);
  const weights = powerOfX(CONSTANT_STEPS);
  // Correlation as a product: coefficient LENGTH − 1 + t is the sum over j of weights[j] · early[j + t].
  const product = unpack(pack(unpack(weights, LENGTH).reverse()) * pack(early), 2 * LENGTH);
  const low = new Uint32Array(LENGTH);
  const high = new Uint32Array(LENGTH);
  const steps = Number(CONSTANT_STEPS % BigInt(LENGTH));
  for (let t = 0; t < LENGTH; t++) {
    // Output number N − 606 + t sits where the feed pointed when it was made.
    const position = (((FEED_START - (steps - (LENGTH - 1) + t)) % LENGTH) + LENGTH) % LENGTH;
    const value = product[LENGTH - 1 + t] as bigint;
    low[position] = Number(value & 0xffffffffn);
    high[position] = Number((value >> 32n) & 0x7fffffffn);
  }
  constantsCache = { low, high };
  return constantsCache;
}

/** @returns One of the 607 constants that every seed is mixed with; for checking against published values. */
export function goRandomConstant(index: number): bigint {
  assert(Number.isInteger(index) && index >= 0 && index < LENGTH, 'there is no such constant');
  const { low, high } = constants();
  return (BigInt(high[index] as number) << 32n) | BigInt(low[index] as number);
}

/** Outputs −606 … count − 607 of the register of seed 1 before any constant is mixed in. */
function earlyOutputs(count: number): bigint[] {
  const register: bigint[] = [];
  let x = 1;
  for (let i = 0; i < 20; i++) x = lehmer(x);
  for (let i = 0; i < LENGTH; i++) {
    const a = lehmer(x);
    const b = lehmer(a);
    x = lehmer(b);
    register.push((BigInt(a) << 20n) ^ (BigInt(b) << 10n) ^ BigInt(x));
  }
  const outputs: bigint[] = [];
  for (let t = 0; t < LENGTH; t++) {
    outputs.push(register[(FEED_START - 1 - t + LENGTH) % LENGTH] as bigint);
  }
  for (let t = LENGTH; t < count; t++) {
    outputs.push(((outputs[t - LENGTH] as bigint) + (outputs[t - SHORT_LAG] as bigint)) & MASK_64);
  }
  return outputs;
}

/**
 * The polynomial x^exponent modulo x⁶⁰⁷ − x³³⁴ − 1, packed.
 *
 * A packed polynomial is one big integer with a coefficient modulo 2⁶⁴ every PACKED_BITS bits, so that a product
 * of polynomials is one product of integers and a sum one sum; a mask then cuts every coefficient to 64 bits.
 */
function powerOfX(exponent: bigint): bigint {
  const cut = packedMask(2 * LENGTH);
  let power = 1n;
  for (const bit of exponent.toString(2)) {
    power = power * power;
    if (bit === '1') power <<= PACKED_BITS;
    power = reduce(power & cut, cut);
  }
  return power;
}

/** Reduces a packed polynomial of degree at most 2 · 607 by x⁶⁰⁷ = x³³⁴ + 1. */
function reduce(polynomial: bigint, cut: bigint): bigint {
  const end = BigInt(LENGTH) * PACKED_BITS;
  let result = polynomial;
  for (let above = result >> end; above !== 0n; above = result >> end) {
    const below = BigInt.asUintN(Number(end), result);
    result = (below + above + (above << (BigInt(FEED_START) * PACKED_BITS))) & cut;
  }
  return result;
}

/** @returns 64 one bits at each of `count` coefficients. */
function packedMask(count: number): bigint {
  return pack(new Array<bigint>(count).fill(MASK_64));
}

/** @returns The coefficients, lowest first, as one integer. */
function pack(coefficients: readonly bigint[]): bigint {
  let digits = '0x';
  for (let i = coefficients.length - 1; i >= 0; i--) {
    digits += (coefficients[i] as bigint).toString(16).padStart(PACKED_DIGITS, '0');
  }
  return BigInt(digits);
}

/** @returns The first `count` coefficients, each modulo 2⁶⁴, lowest first. */
function unpack(packed: bigint, count: number): bigint[] {
  const digits = packed.toString(16).padStart(count * PACKED_DIGITS, '0');
  const result: bigint[] = [];
  for (let end = digits.length; result.length < count; end -= PACKED_DIGITS) {
    result.push(BigInt(`0x${digits.slice(end - 16, end)}`));
  }
  return result;
}

/** A stream with the draws of Go's `rand.New(rand.NewSource(seed))`. */
export class GoRandom {
  /** @shape [607] low 32 bits. */
  private readonly low = new Uint32Array(LENGTH);
  /** @shape [607] bits 32 … 62. */
  private readonly high = new Uint32Array(LENGTH);
  private tap = 0;
  private feed = FEED_START;

  /** @param seed An integer; its residue modulo 2³¹ − 1 counts. */
  constructor(seed: number) {
    assert(Number.isSafeInteger(seed), 'a seed is not an integer');
    const mixed = constants();
    let x = ((seed % 2147483647) + 2147483647) % 2147483647;
    if (x === 0) x = 89482311;
    for (let i = 0; i < 20; i++) x = lehmer(x);
    for (let i = 0; i < LENGTH; i++) {
      const a = lehmer(x);
      const b = lehmer(a);
      x = lehmer(b);
      // (a << 40) xor (b << 20) xor c, cut to 63 bits.
      this.low[i] = (b << 20) ^ x ^ (mixed.low[i] as number);
      this.high[i] = ((a << 8) ^ (b >>> 12) ^ (mixed.high[i] as number)) & 0x7fffffff;
    }
  }

  /** Makes the next 63-bit number. @returns Its place in the register. */
  private advance(): number {
    this.tap = this.tap === 0 ? LENGTH - 1 : this.tap - 1;
    this.feed = this.feed === 0 ? LENGTH - 1 : this.feed - 1;
    const { low, high, tap, feed } = this;
    const sum = (low[feed] as number) + (low[tap] as number);
    const carry = sum >= UINT32_SPAN ? 1 : 0;
    low[feed] = sum;
    high[feed] = ((high[feed] as number) + (high[tap] as number) + carry) & 0x7fffffff;
    return feed;
  }

  /** @returns `Int63`. One draw. */
  nextInt63(): bigint {
    const at = this.advance();
    return (BigInt(this.high[at] as number) << 32n) | BigInt(this.low[at] as number);
  }

  /** @returns `Int31`: an integer in [0, 2³¹). One draw. */
  nextInt31(): number {
    return this.high[this.advance()] as number;
  }

  /** @returns `Uint32`: an integer in [0, 2³²). One draw. */
  nextU32(): number {
    const at = this.advance();
    return (this.high[at] as number) * 2 + ((this.low[at] as number) >>> 31);
  }

  /** @returns `Intn(n)`: an integer in [0, n), 0 < n < 2³¹. One draw, rarely more. */
  nextInt(n: number): number {
    assert(n > 0 && n < TWO_31, 'a draw among none, or among more than 31 bits');
    if ((n & (n - 1)) === 0) return this.nextInt31() & (n - 1);
    const limit = TWO_31 - 1 - (TWO_31 % n);
    let value = this.nextInt31();
    while (value > limit) value = this.nextInt31();
    return value % n;
  }

  /** `Shuffle`: permutes in place. @param items Any length below 2³¹. */
  shuffle(items: Int32Array): void {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.nextBelow(i + 1);
      const item = items[i] as number;
      items[i] = items[j] as number;
      items[j] = item;
    }
  }

  /** @returns `Perm(n)`: a random order of 0 … n − 1. */
  permutation(n: number): Int32Array {
    assert(n >= 0 && n < TWO_31, 'a permutation of more than 31 bits');
    const result = new Int32Array(n);
    for (let i = 0; i < n; i++) {
      const j = this.nextInt(i + 1);
      result[i] = result[j] as number;
      result[j] = i;
    }
    return result;
  }

  /** The multiplying form that only `Shuffle` uses: the high half of a 32 × 32 bit product, without bias. */
  private nextBelow(n: number): number {
    let draw = this.nextU32();
    let low = Math.imul(draw, n) >>> 0;
    if (low < n) {
      const threshold = (UINT32_SPAN - n) % n;
      while (low < threshold) {
        draw = this.nextU32();
        low = Math.imul(draw, n) >>> 0;
      }
    }
    return highHalf(draw, n);
  }
}

/** @returns The high 32 bits of a · b for a, b in [0, 2³²). */
function highHalf(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  // aHigh · b < 2⁴⁸ and aLow · b < 2⁴⁸: both exact.
  const upper = aHigh * b + Math.floor((aLow * b) / 65536);
  return Math.floor(upper / 65536);
}
