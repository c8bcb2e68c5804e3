import { describe, expect, test } from 'vitest';
import { stream } from '../../test/support/random-cluster.ts';
import { ClassHeap, kthSmallest } from './class-heap.ts';

type Entry = readonly [id: number, cost: number];

function drained(heap: ClassHeap): Entry[] {
  const entries: Entry[] = [];
  while (heap.size > 0) {
    entries.push([heap.topClass(), heap.topCost()]);
    heap.pop();
  }
  return entries;
}

const byCost = (x: Entry, y: Entry): number => x[1] - y[1] || x[0] - y[0];

function randomEntries(seed: number, count: number): Entry[] {
  const random = stream(seed);
  // Few different costs, so that there are many ties.
  return Array.from({ length: count }, (_, id) => [id, random.nextInt(30) - 10]);
}

describe('ClassHeap', () => {
  test.each([4, 5])(
    'tidies: occupied classes, each once, the cheapest and those of equal cost (seed %i)',
    (seed) => {
      const entries = randomEntries(seed, 300);
      const nodeCounts = Int32Array.from(entries, ([id]) => (id % 3 === 0 ? 0 : 1));
      const heap = new ClassHeap();
      for (const [id, cost] of [...entries, ...entries.slice(0, 150)]) heap.push(id, cost);
      const highest = heap.tidy(nodeCounts, new Int32Array(300), 1, 40);
      const occupied = entries.filter(([id]) => id % 3 !== 0).sort(byCost);
      expect(highest).toBe(occupied[39]?.[1]);
      expect(heap.tidyAt).toBeGreaterThan(heap.size);
      expect(drained(heap)).toEqual(occupied.filter(([, cost]) => cost <= highest));
    },
  );

  test('tidies nothing away that it need not', () => {
    const heap = new ClassHeap();
    for (let id = 0; id < 20; id++) heap.push(id, -id);
    const highest = heap.tidy(new Int32Array(20).fill(1), new Int32Array(20), 1, 20);
    expect(highest).toBe(Number.POSITIVE_INFINITY);
    expect(drained(heap).map(([id]) => id)).toEqual(Array.from({ length: 20 }, (_, i) => 19 - i));
  });

  test('gives classes new ids and drops those that are gone', () => {
    const entries = randomEntries(6, 100);
    const heap = new ClassHeap();
    for (const [id, cost] of entries) heap.push(id, cost);
    const ids = Int32Array.from({ length: 100 }, (_, id) => (id % 2 === 0 ? id / 2 : -1));
    heap.renumber(ids);
    const expected = entries.filter(([id]) => id % 2 === 0).map(([id, cost]): Entry => [id / 2, cost]);
    expect(drained(heap)).toEqual(expected.sort(byCost));
  });

  test('finds the k-th smallest as sorting does', () => {
    const random = stream(7);
    for (let round = 0; round < 200; round++) {
      const values = Float32Array.from({ length: 1 + random.nextInt(60) }, () => random.nextInt(20));
      const k = 1 + random.nextInt(values.length);
      const sorted = values.slice().sort();
      expect(kthSmallest(values, k)).toBe(sorted[k - 1]);
    }
  });
});
