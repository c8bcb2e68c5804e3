/**
 * Classes of one demand in one rent group, cheapest first: a binary heap whose stale entries are dropped when they
 * reach the top.
 *
 * A class that loses its last node stays in the heap until it comes to the top, and one that comes back is entered
 * again, so an entry may be stale or double; `tidy` rids the heap of both.
 */

import { assert } from '../kernel/assert.ts';
import { grown } from '../kernel/grown.ts';
import { HEAP_ENTRIES_MAX, INT32_MAX } from '../kernel/limits.ts';

/** Number of entries up to which a heap is not tidied. */
const TIDY_MIN = 64;

/** Ids and costs, cheapest first; ties go to the lower id. */
export class ClassHeap {
  size = 0;
  /** Size at which the owner should tidy up. */
  tidyAt = TIDY_MIN;
  private ids = new Int32Array(16);
  private costs = new Float32Array(16);

  /** The cheapest class; ties go to the lower id. Only if `size` > 0. */
  topClass(): number {
    return this.ids[0] as number;
  }

  /** Its cost. Only if `size` > 0. */
  topCost(): number {
    return this.costs[0] as number;
  }

  /** Adds a class. O(log size). @param cost A number that 32 bits hold exactly. */
  push(id: number, cost: number): void {
    if (this.size === this.ids.length) this.grow();
    let hole = this.size++;
    const { ids, costs } = this;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const parentCost = costs[parent] as number;
      if (parentCost < cost || (parentCost === cost && (ids[parent] as number) < id)) break;
      ids[hole] = ids[parent] as number;
      costs[hole] = parentCost;
      hole = parent;
    }
    ids[hole] = id;
    costs[hole] = cost;
  }

  /** Removes the top. Only if `size` > 0. O(log size). */
  pop(): void {
    assert(this.size > 0, 'pop of an empty heap of classes');
    const { ids, costs } = this;
    const n = --this.size;
    this.sink(0, ids[n] as number, costs[n] as number);
  }

  /** Puts an entry at `hole`, or below it where it belongs. */
  private sink(from: number, id: number, cost: number): void {
    const { ids, costs, size: n } = this;
    let hole = from;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= n) break;
      const right = child + 1;
      if (right < n) {
        const c = costs[child] as number;
        const r = costs[right] as number;
        if (r < c || (r === c && (ids[right] as number) < (ids[child] as number))) child = right;
      }
      const childCost = costs[child] as number;
      if (cost < childCost || (cost === childCost && id < (ids[child] as number))) break;
      ids[hole] = ids[child] as number;
      costs[hole] = childCost;
      hole = child;
    }
    ids[hole] = id;
    costs[hole] = cost;
  }

  /**
   * Keeps the entries whose class has nodes, each once, and of those the cheapest ones.
   *
   * @param stamps  By class; `stamp` is a value that none of them has.
   * @param sizeMax Entries above which only the cheapest are kept: this many, or more that cost the same.
   * @returns The highest cost kept if some were cut off, otherwise Infinity. O(size), amortised O(1).
   */
  tidy(nodeCounts: Int32Array, stamps: Int32Array, stamp: number, sizeMax: number): number {
    assert(sizeMax >= 1 && stamp <= INT32_MAX, 'a heap of no classes, or a stamp of more than 32 bits');
    const { ids, costs } = this;
    let kept = 0;
    for (let i = 0; i < this.size; i++) {
      const id = ids[i] as number;
      if (nodeCounts[id] === 0 || stamps[id] === stamp) continue;
      stamps[id] = stamp;
      ids[kept] = id;
      costs[kept++] = costs[i] as number;
    }
    let highest = Number.POSITIVE_INFINITY;
    if (kept > sizeMax) {
      highest = kthSmallest(costs.slice(0, kept), sizeMax);
      const count = kept;
      kept = 0;
      for (let i = 0; i < count; i++) {
        if ((costs[i] as number) > highest) continue;
        ids[kept] = ids[i] as number;
        costs[kept++] = costs[i] as number;
      }
    }
    this.size = kept;
    for (let i = (kept >> 1) - 1; i >= 0; i--) this.sink(i, ids[i] as number, costs[i] as number);
    this.tidyAt = Math.max(TIDY_MIN, 2 * kept);
    return highest;
  }

  /** Gives classes new ids, in the order of the old ones. @param ids New id by old id, −1: the class goes. O(size log size). */
  renumber(ids: Int32Array): void {
    const { size } = this;
    const had = this.ids.slice(0, size);
    const costs = this.costs.slice(0, size);
    this.size = 0;
    for (let i = 0; i < size; i++) {
      const id = ids[had[i] as number] as number;
      if (id >= 0) this.push(id, costs[i] as number);
    }
  }

  /** Empties the heap; keeps the memory. */
  clear(): void {
    this.size = 0;
    this.tidyAt = TIDY_MIN;
  }

  /** Bytes of the arrays. */
  get bytes(): number {
    return this.ids.byteLength + this.costs.byteLength;
  }

  private grow(): void {
    assert(this.ids.length < HEAP_ENTRIES_MAX, 'more classes than a heap can hold');
    this.ids = grown(this.ids, 2 * this.ids.length);
    this.costs = grown(this.costs, 2 * this.costs.length);
  }
}

/** @returns The k-th smallest value (k from 1). Reorders them. O(values). */
export function kthSmallest(values: Float32Array, k: number): number {
  assert(k >= 1 && k <= values.length, 'there are fewer values than that');
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const pivot = values[(low + high) >> 1] as number;
    let i = low;
    let j = high;
    while (i <= j) {
      while ((values[i] as number) < pivot) i++;
      while ((values[j] as number) > pivot) j--;
      if (i > j) break;
      const taken = values[i] as number;
      values[i++] = values[j] as number;
      values[j--] = taken;
    }
    if (k - 1 <= j) high = j;
    else if (k - 1 >= i) low = i;
    else break;
  }
  return values[k - 1] as number;
}
