/**
 * A binary heap of objects by a comparison: for queues of a few thousand entries that carry names anyway.
 *
 * Every entry knows its position, so that it can be taken out of the middle: a heap never holds stale entries.
 */
import { assert } from '../../../kernel/assert.ts';

/** An entry of a heap. */
export interface HeapEntry {
  /** Its index in the one heap that holds it; −1: in none. Changed by the heap only. */
  heapAt: number;
}

/** A heap; the entry that goes first is on top. The keys of entries must not change while they are in it. */
export class OrderedHeap<Entry extends HeapEntry> {
  private readonly entries: Entry[] = [];
  private readonly compare: (x: Entry, y: Entry) => number;

  /**
   * @param compare < 0 if `x` goes before `y`; a total order, so that the order of removal does not depend on the
   *   heap's shape.
   */
  constructor(compare: (x: Entry, y: Entry) => number) {
    this.compare = compare;
  }

  /** Entries. */
  get size(): number {
    return this.entries.length;
  }

  /** @returns The entry that goes first, undefined if there is none. */
  peek(): Entry | undefined {
    return this.entries[0];
  }

  /** Adds an entry that is in no heap. O(log n). */
  push(entry: Entry): void {
    assert(entry.heapAt < 0, 'an entry is pushed that is in a heap');
    this.entries.push(entry);
    this.rise(entry, this.entries.length - 1);
  }

  /** Removes the entry that goes first. O(log n). @returns undefined if there is none. */
  pop(): Entry | undefined {
    const top = this.entries[0];
    if (top !== undefined) this.remove(top);
    return top;
  }

  /** Removes an entry that is in this heap. O(log n). */
  remove(entry: Entry): void {
    const { entries } = this;
    const hole = entry.heapAt;
    assert(entries[hole] === entry, 'an entry is removed from a heap that it is not in');
    const last = entries.pop() as Entry;
    entry.heapAt = -1;
    if (last === entry) return;
    if (hole > 0 && this.compare(last, entries[(hole - 1) >> 1] as Entry) < 0) this.rise(last, hole);
    else this.sink(last, hole);
  }

  /** Visits all entries, in no particular order. */
  forEach(visit: (entry: Entry) => void): void {
    for (const entry of this.entries) visit(entry);
  }

  private rise(entry: Entry, from: number): void {
    const { entries } = this;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = entries[parent] as Entry;
      if (this.compare(above, entry) <= 0) break;
      entries[at] = above;
      above.heapAt = at;
      at = parent;
    }
    entries[at] = entry;
    entry.heapAt = at;
  }

  private sink(entry: Entry, from: number): void {
    const { entries } = this;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= entries.length) break;
      const right = child + 1;
      if (right < entries.length && this.compare(entries[right] as Entry, entries[child] as Entry) < 0) {
        child = right;
      }
      const below = entries[child] as Entry;
      if (this.compare(entry, below) <= 0) break;
      entries[at] = below;
      below.heapAt = at;
      at = child;
    }
    entries[at] = entry;
    entry.heapAt = at;
  }
}
