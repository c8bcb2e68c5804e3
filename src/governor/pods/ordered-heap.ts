/**
 * A binary heap of objects by a comparison: for queues whose entries are few thousands and carry names anyway.
 */

/** A heap; the entry that goes first is on top. */
export class OrderedHeap<Entry> {
  private readonly entries: Entry[] = [];
  private readonly compare: (x: Entry, y: Entry) => number;

  /** @param compare < 0 if `x` goes before `y`; a total order, so that what leaves when does not depend on the heap's shape. */
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

  /** Adds an entry. O(log n). */
  push(entry: Entry): void {
    const { entries } = this;
    let at = entries.length;
    entries.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = entries[parent] as Entry;
      if (this.compare(above, entry) <= 0) break;
      entries[at] = above;
      at = parent;
    }
    entries[at] = entry;
  }

  /** Removes the entry that goes first. O(log n). @returns undefined if there is none. */
  pop(): Entry | undefined {
    const { entries } = this;
    const top = entries[0];
    const last = entries.pop();
    if (last === undefined || entries.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= entries.length) break;
      if (
        child + 1 < entries.length &&
        this.compare(entries[child + 1] as Entry, entries[child] as Entry) < 0
      )
        child++;
      if (this.compare(last, entries[child] as Entry) <= 0) break;
      entries[at] = entries[child] as Entry;
      at = child;
    }
    entries[at] = last;
    return top;
  }

  /** Visits all entries, in no particular order. */
  forEach(visit: (entry: Entry) => void): void {
    this.entries.forEach(visit);
  }
}
