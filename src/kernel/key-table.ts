import { assert } from './assert.ts';
import { TABLE_KEYS_MAX } from './limits.ts';

/**
 * A hash table from three 32-bit integers to a small integer, in typed arrays.
 *
 * Why: a node's shape is looked up on every change; a string-keyed Map costs 50–130 ns and allocates its key,
 * this costs 10–20 ns and allocates only when it grows. Open addressing with linear probing, load ≤ 1/2.
 */
export class KeyTable {
  private mask: number;
  private count = 0;
  /** @shape [3 × slots] keys; meaningful where `values` ≥ 0. */
  private keys: Int32Array;
  /** @shape [slots] −1: empty. */
  private values: Int32Array;

  /** @param expected Keys expected; the table doubles beyond that. */
  constructor(expected = 1024) {
    assert(expected >= 0 && expected <= TABLE_KEYS_MAX / 2, 'keys expected of a table out of bounds');
    const slots = 2 ** Math.ceil(Math.log2(Math.max(16, expected * 2)));
    this.mask = slots - 1;
    this.keys = new Int32Array(3 * slots);
    this.values = new Int32Array(slots).fill(-1);
  }

  /** Keys held. */
  get size(): number {
    return this.count;
  }

  /** @returns The value of a key, or −1 if it is not held. */
  get(a: number, b: number, c: number): number {
    const slot = this.slotOf(a, b, c);
    return this.values[slot] as number;
  }

  /** Adds a key that is not held yet. @param value ≥ 0. */
  add(a: number, b: number, c: number, value: number): void {
    assert((a | 0) === a && (b | 0) === b && (c | 0) === c, 'a key is not of 32-bit integers');
    assert(value >= 0 && (value | 0) === value, 'a value is negative or not a 32-bit integer');
    if (2 * (this.count + 1) > this.mask + 1) this.grow();
    const slot = this.slotOf(a, b, c);
    assert((this.values[slot] as number) < 0, 'a key is added that is held already');
    this.keys[3 * slot] = a;
    this.keys[3 * slot + 1] = b;
    this.keys[3 * slot + 2] = c;
    this.values[slot] = value;
    this.count++;
  }

  /** Forgets a key that is held. Amortised O(1): those behind it in its run move up. */
  remove(a: number, b: number, c: number): void {
    const { keys, values, mask } = this;
    let hole = this.slotOf(a, b, c);
    if ((values[hole] as number) < 0) return;
    this.count--;
    for (let slot = (hole + 1) & mask; (values[slot] as number) >= 0; slot = (slot + 1) & mask) {
      const at = 3 * slot;
      const home = hashOf(keys[at] as number, keys[at + 1] as number, keys[at + 2] as number) & mask;
      // It may move up if its home is not between the hole and itself.
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      keys.copyWithin(3 * hole, at, at + 3);
      values[hole] = values[slot] as number;
      hole = slot;
    }
    values[hole] = -1;
  }

  /** Forgets everything; keeps the memory. */
  clear(): void {
    this.values.fill(-1);
    this.count = 0;
  }

  /** Replaces every value. @param map Gives the new value ≥ 0, or −1: the key is forgotten. O(slots). */
  mapValues(map: (value: number) => number): void {
    const { keys, values } = this;
    this.keys = new Int32Array(keys.length);
    this.values = new Int32Array(values.length).fill(-1);
    this.count = 0;
    for (let slot = 0; slot < values.length; slot++) {
      const value = values[slot] as number;
      const mapped = value < 0 ? -1 : map(value);
      if (mapped < 0) continue;
      const at = 3 * slot;
      this.add(keys[at] as number, keys[at + 1] as number, keys[at + 2] as number, mapped);
    }
  }

  /** Bytes held by the arrays. */
  get bytes(): number {
    return this.keys.byteLength + this.values.byteLength;
  }

  /** The slot that holds the key, or the empty one where it belongs. */
  private slotOf(a: number, b: number, c: number): number {
    const { keys, values, mask } = this;
    let slot = hashOf(a, b, c) & mask;
    while ((values[slot] as number) >= 0) {
      const at = 3 * slot;
      if (keys[at] === a && keys[at + 1] === b && keys[at + 2] === c) return slot;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private grow(): void {
    const { keys, values } = this;
    const slots = 2 * (this.mask + 1);
    assert(slots <= 2 * TABLE_KEYS_MAX, 'more keys than a table can hold');
    this.mask = slots - 1;
    this.keys = new Int32Array(3 * slots);
    this.values = new Int32Array(slots).fill(-1);
    const held = this.count;
    this.count = 0;
    for (let slot = 0; slot < values.length; slot++) {
      const value = values[slot] as number;
      if (value < 0) continue;
      const at = 3 * slot;
      this.add(keys[at] as number, keys[at + 1] as number, keys[at + 2] as number, value);
    }
    assert(this.count === held, 'a key was lost when the table grew');
  }
}

/** The search for a key begins at the slot of these last bits. */
function hashOf(a: number, b: number, c: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return h ^ (h >>> 13);
}
