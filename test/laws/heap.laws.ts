/**
 * Laws of a heap: entries leave in the order of their keys, equal keys by the lower id, whatever was pushed, popped and
 * removed before; what is reported as held is what is held.
 */
import fc from 'fast-check';
import { expect } from 'vitest';
import { checkProperty } from '../support/properties.ts';

/** A heap of ids by integer keys, smallest first; an id is in it at most once. */
export interface TestHeap {
  push(key: number, id: number): void;
  /** Removes the first id. Called only while something is held. */
  pop(): number;
  /** Takes an id that is held out of the middle; absent where the heap cannot. */
  readonly remove?: (id: number) => void;
  /** Gives an id that is held another key; absent where the heap cannot. */
  readonly rekey?: (id: number, key: number) => void;
  size(): number;
}

/** Ids of one run are below this. */
export const TEST_HEAP_IDS = 160;

const operation = fc.record({
  what: fc.constantFrom('push', 'push', 'pop', 'remove', 'rekey'),
  // Few keys, so that ties are many.
  key: fc.integer({ min: -4, max: 4 }),
  pick: fc.nat(),
});

/** Checks the laws on random operations. @param make A new heap, empty. */
export function checkHeapLaws(make: () => TestHeap): void {
  checkProperty(
    fc.property(fc.array(operation, { maxLength: TEST_HEAP_IDS, size: 'max' }), (operations) => {
      const heap = make();
      const held: { key: number; id: number }[] = [];
      const sort = (): void => void held.sort((x, y) => x.key - y.key || x.id - y.id);
      operations.forEach(({ what, key, pick }, id) => {
        const at = pick % Math.max(1, held.length);
        const picked = held[at];
        if (what === 'push') {
          heap.push(key, id);
          held.push({ key, id });
        } else if (picked === undefined) return;
        else if (what === 'pop') expect(heap.pop()).toBe(held.shift()?.id);
        else if (what === 'remove' && heap.remove !== undefined) {
          heap.remove(picked.id);
          held.splice(at, 1);
        } else if (what === 'rekey' && heap.rekey !== undefined) {
          picked.key = key;
          heap.rekey(picked.id, key);
        }
        sort();
        expect(heap.size()).toBe(held.length);
      });
      for (const { id } of held) expect(heap.pop()).toBe(id);
      expect(heap.size()).toBe(0);
    }),
    { numRuns: 200 },
  );
}
