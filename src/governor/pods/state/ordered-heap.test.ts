import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../../test/support/properties.ts';
import { type HeapEntry, OrderedHeap } from './ordered-heap.ts';

interface Item extends HeapEntry {
  readonly key: number;
  readonly id: number;
}

const before = (x: Item, y: Item): number => x.key - y.key || x.id - y.id;

describe('OrderedHeap', () => {
  test('equals a sorted list, with entries taken out of the middle', () => {
    const move = fc.record({
      what: fc.constantFrom('push', 'pop', 'remove'),
      key: fc.nat(9),
      pick: fc.nat(),
    });
    checkProperty(
      fc.property(fc.array(move, { maxLength: 120 }), (moves) => {
        const heap = new OrderedHeap<Item>(before);
        const list: Item[] = [];
        moves.forEach(({ what, key, pick }, id) => {
          if (what === 'push') {
            const item = { key, id, heapAt: -1 };
            heap.push(item);
            list.push(item);
            list.sort(before);
          } else if (what === 'pop') expect(heap.pop()).toBe(list.shift());
          else if (list.length > 0) {
            const [gone] = list.splice(pick % list.length, 1) as [Item];
            heap.remove(gone);
            expect(gone.heapAt).toBe(-1);
          }
          expect(heap.size).toBe(list.length);
          expect(heap.peek()).toBe(list[0]);
          const seen: Item[] = [];
          heap.forEach((item) => {
            seen[item.heapAt] = item;
          });
          expect(seen.filter((item) => item !== undefined)).toHaveLength(list.length);
        });
        while (list.length > 0) expect(heap.pop()).toBe(list.shift());
        expect(heap.pop()).toBeUndefined();
      }),
    );
  });
});
