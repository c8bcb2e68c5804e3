/**
 * A 4-ary heap of (time, sequence, id) in typed arrays: the front and the far end of `EventQueue`.
 *
 * Invariant: entries leave by time, equal times by sequence; sequences are unique, so the order does not depend
 * on the heap's shape.
 */

import { assert } from './assert.ts';
import { grown } from './grown.ts';
import { HEAP_ENTRIES_MAX } from './limits.ts';

/** Entries that a new heap has room for. */
const CAPACITY_FIRST = 16;

/** A growing heap; the earliest entry is at index 0 of its columns. */
export class TimeHeap {
  size = 0;
  /** @shape [capacity] in heap order. */
  times: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** @shape [capacity] */
  sequences: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** @shape [capacity] */
  ids: Int32Array = new Int32Array(CAPACITY_FIRST);

  /** Adds an entry. O(log n). @param time Not NaN. @param sequence Unique in this heap. @param id 32-bit integer. */
  push(time: number, sequence: number, id: number): void {
    assert(!Number.isNaN(time) && !Number.isNaN(sequence), 'a time or sequence is not a number');
    if (this.size === this.times.length) this.widen();
    const { times, sequences, ids } = this;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 2;
      const parentTime = times[parent] as number;
      if (time > parentTime || (time === parentTime && sequence > (sequences[parent] as number))) break;
      times[at] = parentTime;
      sequences[at] = sequences[parent] as number;
      ids[at] = ids[parent] as number;
      at = parent;
    }
    times[at] = time;
    sequences[at] = sequence;
    ids[at] = id;
  }

  /** Removes the earliest entry. The heap must not be empty. O(log n). @returns Its id. */
  pop(): number {
    assert(this.size > 0, 'pop of an empty heap');
    const { times, sequences, ids } = this;
    const id = ids[0] as number;
    const last = --this.size;
    if (last > 0) {
      const at = sink(times, sequences, ids, last, times[last] as number, sequences[last] as number);
      times[at] = times[last] as number;
      sequences[at] = sequences[last] as number;
      ids[at] = ids[last] as number;
    }
    return id;
  }

  private widen(): void {
    const capacity = this.times.length * 2;
    assert(capacity <= HEAP_ENTRIES_MAX, 'more entries than a heap can hold');
    this.times = grown(this.times, capacity);
    this.sequences = grown(this.sequences, capacity);
    this.ids = grown(this.ids, capacity);
  }
}

/** Moves smaller entries up from the root until (time, sequence) has its place among `count` entries. */
function sink(
  times: Float64Array,
  sequences: Float64Array,
  ids: Int32Array,
  count: number,
  time: number,
  sequence: number,
): number {
  let at = 0;
  for (;;) {
    const first = 4 * at + 1;
    if (first >= count) return at;
    const end = first + 4 < count ? first + 4 : count;
    let best = first;
    let bestTime = times[first] as number;
    for (let child = first + 1; child < end; child++) {
      const childTime = times[child] as number;
      if (
        childTime < bestTime ||
        (childTime === bestTime && (sequences[child] as number) < (sequences[best] as number))
      ) {
        best = child;
        bestTime = childTime;
      }
    }
    if (time < bestTime || (time === bestTime && sequence < (sequences[best] as number))) return at;
    times[at] = bestTime;
    sequences[at] = sequences[best] as number;
    ids[at] = ids[best] as number;
    at = best;
  }
}
