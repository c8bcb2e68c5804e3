/** The heaps of one demand: in each rent group the cheapest classes that it fits, and those that may fit. */

import { assert } from '../kernel/assert.ts';
import { grown } from '../kernel/grown.ts';
import type { Demand } from '../model/demand.ts';
import { ClassHeap } from './class-heap.ts';

/** Heaps of one demand. */
export class DemandOrder {
  readonly demand: Demand;
  /** Its column of the cost rows. */
  readonly slot: number;
  /** True if the heaps are up to date. */
  built = false;
  lastAsked = 0;
  /** By rent group. */
  readonly heaps: ClassHeap[] = [];
  /** A lower bound of each group's costs: its heap's top; of an empty heap the cost up to which it is complete. */
  tops: Float64Array = new Float64Array(8).fill(Number.POSITIVE_INFINITY);
  /** Entries taken from the inbox since the demand's last look-up. */
  unaskedEntries = 0;
  /** Classes that may fit by the amounts that rounding cut off, whether or not they have nodes now. */
  readonly maybeFitting: number[] = [];
  /** Where the next scan of `maybeFitting` begins. */
  cursor = 0;

  constructor(demand: Demand, slot: number) {
    assert(slot >= 0, 'an order without a slot');
    this.demand = demand;
    this.slot = slot;
  }

  /** Makes heaps for groups [0, count), the new ones empty. */
  widen(count: number): void {
    while (this.heaps.length < count) this.heaps.push(new ClassHeap());
    if (this.tops.length >= count) return;
    this.tops = grown(this.tops, Math.max(count, 2 * this.tops.length), Number.POSITIVE_INFINITY);
  }

  /** Gives classes new ids. @param ids New id by old id, −1: the class is gone. */
  renumber(ids: Int32Array): void {
    for (const heap of this.heaps) heap.renumber(ids);
    const { maybeFitting } = this;
    let kept = 0;
    for (const id of maybeFitting) if ((ids[id] as number) >= 0) maybeFitting[kept++] = ids[id] as number;
    maybeFitting.length = kept;
  }

  /** Bytes of heaps and lists. */
  get bytes(): number {
    let sum = this.tops.byteLength + 8 * this.maybeFitting.length;
    for (const heap of this.heaps) sum += heap.bytes;
    return sum;
  }
}
