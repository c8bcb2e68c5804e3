/**
 * SHA-256 without I/O, so that a room that only computes can chain its records.
 *
 * Why own: the rooms that decide may not import `node:crypto`. About 150 MB/s here, enough for records of some hundred bytes;
 * `sha256.test.ts` holds it to `node:crypto`.
 *
 * @source FIPS PUB 180-4, Secure Hash Standard, §4.1.2, §5, §6.2.
 */
import { assert } from './assert.ts';

/** Bytes of a digest. */
export const SHA256_BYTES = 32;

const BLOCK_BYTES = 64;
const ROUNDS = 64;
/** The length of a message in bits stands in its last 8 bytes. */
const LENGTH_BYTES = 8;
const BITS_PER_BYTE = 8;
const WORD_SPAN = 2 ** 32;

/** First 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const ROUND_CONSTANTS = rootFractions(ROUNDS, Math.cbrt);
/** And of the square roots of the first 8: the initial state. */
const INITIAL = rootFractions(8, Math.sqrt);

/** A message that is hashed piece by piece. After `digest` it starts again. */
export class Sha256 {
  /** @shape [8] */
  private readonly state: Int32Array = Int32Array.from(INITIAL);
  private readonly block: Uint8Array = new Uint8Array(BLOCK_BYTES);
  private readonly schedule: Int32Array = new Int32Array(ROUNDS);
  private fill = 0;
  private bytes = 0;

  /** Adds bytes to the message. O(bytes). */
  update(bytes: Uint8Array): this {
    const { block } = this;
    this.bytes += bytes.length;
    let at = 0;
    if (this.fill > 0) {
      at = Math.min(BLOCK_BYTES - this.fill, bytes.length);
      block.set(bytes.subarray(0, at), this.fill);
      this.fill += at;
      if (this.fill < BLOCK_BYTES) return this;
      compress(this.state, this.schedule, block, 0);
      this.fill = 0;
    }
    for (; at + BLOCK_BYTES <= bytes.length; at += BLOCK_BYTES)
      compress(this.state, this.schedule, bytes, at);
    block.set(bytes.subarray(at), 0);
    this.fill = bytes.length - at;
    return this;
  }

  /** @returns The 32 bytes of the message's digest, a new array. */
  digest(): Uint8Array<ArrayBuffer> {
    const { block, state, schedule } = this;
    const bits = this.bytes * BITS_PER_BYTE;
    assert(bits < Number.MAX_SAFE_INTEGER, 'a message is too long to be counted in bits');
    block[this.fill] = 0x80;
    block.fill(0, this.fill + 1);
    if (this.fill + 1 > BLOCK_BYTES - LENGTH_BYTES) {
      compress(state, schedule, block, 0);
      block.fill(0);
    }
    writeWord(block, BLOCK_BYTES - LENGTH_BYTES, Math.floor(bits / WORD_SPAN));
    writeWord(block, BLOCK_BYTES - LENGTH_BYTES / 2, bits | 0);
    compress(state, schedule, block, 0);
    const digest = new Uint8Array(SHA256_BYTES);
    for (let i = 0; i < state.length; i++) writeWord(digest, 4 * i, state[i] as number);
    state.set(INITIAL);
    this.fill = 0;
    this.bytes = 0;
    return digest;
  }
}

/** Writes the low 32 bits of a word, the highest byte first. */
function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

/** @returns For the first primes, 32 bits behind the binary point of a root. */
function rootFractions(count: number, root: (value: number) => number): Int32Array {
  const fractions = new Int32Array(count);
  let found = 0;
  for (let n = 2; found < count; n++) {
    if (!isPrime(n)) continue;
    const value = root(n);
    fractions[found++] = ((value - Math.floor(value)) * WORD_SPAN) | 0;
  }
  return fractions;
}

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) {
    if (n % divisor === 0) return false;
  }
  return true;
}

/** One block of 64 bytes into the state. Letters are those of the standard. */
function compress(state: Int32Array, schedule: Int32Array, bytes: Uint8Array, at: number): void {
  expand(schedule, bytes, at);
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  let e = state[4] as number;
  let f = state[5] as number;
  let g = state[6] as number;
  let h = state[7] as number;
  for (let t = 0; t < ROUNDS; t++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const choice = (e & f) ^ (~e & g);
    const t1 = (h + s1 + choice + (ROUND_CONSTANTS[t] as number) + (schedule[t] as number)) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const majority = (a & b) ^ (a & c) ^ (b & c);
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + s0 + majority) | 0;
  }
  state[0] = (state[0] as number) + a;
  state[1] = (state[1] as number) + b;
  state[2] = (state[2] as number) + c;
  state[3] = (state[3] as number) + d;
  state[4] = (state[4] as number) + e;
  state[5] = (state[5] as number) + f;
  state[6] = (state[6] as number) + g;
  state[7] = (state[7] as number) + h;
}

/** The 64 words of a block's message schedule. */
function expand(schedule: Int32Array, bytes: Uint8Array, at: number): void {
  for (let t = 0; t < 16; t++) {
    const i = at + 4 * t;
    schedule[t] =
      ((bytes[i] as number) << 24) |
      ((bytes[i + 1] as number) << 16) |
      ((bytes[i + 2] as number) << 8) |
      (bytes[i + 3] as number);
  }
  for (let t = 16; t < ROUNDS; t++) {
    const x = schedule[t - 15] as number;
    const y = schedule[t - 2] as number;
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    schedule[t] = ((schedule[t - 16] as number) + s0 + (schedule[t - 7] as number) + s1) | 0;
  }
}
