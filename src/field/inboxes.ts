/**
 * Inboxes: classes that each demand has yet to enter into its heaps, with their costs; one short list a demand slot.
 *
 * Why not enter them at once: most are empty again before their demand's next look-up, and an entry here costs two
 * writes. All lists lie in one array, because one class is written to many of them in a row.
 */

import { grown } from '../kernel/grown.ts';

/** Entries that a list holds. */
export const INBOX_SIZE = 256;

/** Lists by slot. Single writer. */
export class Inboxes {
  /** @shape [slots] */
  sizes: Int32Array = new Int32Array(0);
  /** @shape [slots × INBOX_SIZE] */
  ids: Int32Array = new Int32Array(0);
  /** @shape [slots × INBOX_SIZE] */
  costs: Float32Array = new Float32Array(0);

  /** Makes room for slots [0, count). */
  widen(count: number): void {
    if (count <= this.sizes.length) return;
    const n = Math.max(count, 16, 2 * this.sizes.length);
    this.sizes = grown(this.sizes, n);
    this.ids = grown(this.ids, n * INBOX_SIZE);
    this.costs = grown(this.costs, n * INBOX_SIZE);
  }

  /** Gives classes new ids. @param ids New id by old id, −1: the entry goes. O(entries). */
  renumber(ids: Int32Array): void {
    for (let slot = 0; slot < this.sizes.length; slot++) {
      const begin = slot * INBOX_SIZE;
      let kept = begin;
      for (let i = begin; i < begin + (this.sizes[slot] as number); i++) {
        const id = ids[this.ids[i] as number] as number;
        if (id < 0) continue;
        this.ids[kept] = id;
        this.costs[kept++] = this.costs[i] as number;
      }
      this.sizes[slot] = kept - begin;
    }
  }

  /** Bytes of the arrays. */
  get bytes(): number {
    return this.sizes.byteLength + this.ids.byteLength + this.costs.byteLength;
  }
}
