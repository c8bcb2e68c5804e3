/**
 * Every heap of the house under the same laws: each has a form of its own, for its data, and all mean the same.
 */
import { describe, expect, test } from 'vitest';
import { ClassHeap } from '../../src/field/class-heap.ts';
import { type HeapEntry, OrderedHeap } from '../../src/governor/pods/state/ordered-heap.ts';
import { heapPush, heapRemove } from '../../src/governor/zone/zone-heap.ts';
import { ZoneJobTable } from '../../src/governor/zone/zone-jobs.ts';
import { ShapeHeads, ShapeHeap } from '../../src/governor/zone/zone-shape-heap.ts';
import { ZoneShapeTable } from '../../src/governor/zone/zone-shapes.ts';
import { AssertionFailure } from '../../src/kernel/assert.ts';
import { EventQueue } from '../../src/kernel/event-queue.ts';
import { TimeHeap } from '../../src/kernel/time-heap.ts';
import { DemandTable } from '../../src/model/demand.ts';
import { checkHeapLaws, TEST_HEAP_IDS, type TestHeap } from './heap.laws.ts';

function timeHeap(): TestHeap {
  const heap = new TimeHeap();
  return { push: (key, id) => heap.push(key, id, id), pop: () => heap.pop(), size: () => heap.size };
}

/** Ties leave in the order of their pushes, which is that of the ids. */
function eventQueue(): TestHeap {
  const queue = new EventQueue();
  return { push: (key, id) => queue.push(key, id), pop: () => queue.pop(), size: () => queue.size };
}

function classHeap(): TestHeap {
  const heap = new ClassHeap();
  const pop = (): number => {
    const id = heap.topClass();
    heap.pop();
    return id;
  };
  return { push: (key, id) => heap.push(id, key), pop, size: () => heap.size };
}

interface Item extends HeapEntry {
  readonly key: number;
  readonly id: number;
}

function orderedHeap(): TestHeap {
  const heap = new OrderedHeap<Item>((x, y) => x.key - y.key || x.id - y.id);
  const items = new Map<number, Item>();
  return {
    push: (key, id) => {
      items.set(id, { key, id, heapAt: -1 });
      heap.push(items.get(id) as Item);
    },
    pop: () => {
      const first = heap.pop() as Item;
      expect(first.heapAt).toBe(-1);
      return first.id;
    },
    remove: (id) => heap.remove(items.get(id) as Item),
    size: () => {
      const places = new Set<number>();
      heap.forEach((item) => void places.add(item.heapAt));
      expect([...places].sort((x, y) => x - y)).toEqual(Array.from({ length: heap.size }, (_, i) => i));
      return heap.size;
    },
  };
}

/** A pairing heap of jobs: the greater priority goes first, then the lower rank. */
function zoneHeap(): TestHeap {
  const jobs = new ZoneJobTable();
  jobs.ensure(TEST_HEAP_IDS);
  let root = -1;
  let size = 0;
  const remove = (id: number): void => {
    root = heapRemove(jobs, root, id);
    size--;
  };
  return {
    push: (key, id) => {
      jobs.submit(id, 0, -key, 0, id);
      root = heapPush(jobs, root, id);
      size++;
    },
    pop: () => {
      const first = root;
      remove(first);
      return first;
    },
    remove,
    size: () => size,
  };
}

/** Shapes by their first jobs; every change keeps positions and minima sound. */
function shapeHeap(): TestHeap {
  const demands = new DemandTable();
  const shapes = new ZoneShapeTable(demands);
  const heads = new ShapeHeads();
  const heap = new ShapeHeap(heads, shapes);
  for (let id = 0; id < TEST_HEAP_IDS; id++) {
    const cpuMilli = 1 + ((id * 37) % TEST_HEAP_IDS);
    const demand = demands.intern({ cpuMilli, memoryMib: id, gpuCount: 0, gpuMilli: 0, gpuModels: [] });
    shapes.intern(demand.id, 1, 1);
  }
  const sound = (): void => expect(heap.isSound()).toBe(true);
  const remove = (id: number): void => {
    heap.remove(id);
    sound();
  };
  return {
    push: (key, id) => {
      heads.set(id, id, -key, id);
      heap.add(id);
      sound();
    },
    pop: () => {
      const first = heap.first();
      remove(first);
      return first;
    },
    remove,
    rekey: (id, key) => {
      heads.set(id, id, -key, id);
      heap.moved(id);
      sound();
    },
    size: () => heap.size,
  };
}

describe.each([
  ['TimeHeap', timeHeap],
  ['EventQueue', eventQueue],
  ['ClassHeap', classHeap],
  ['OrderedHeap', orderedHeap],
  ['the heap of waiting jobs', zoneHeap],
  ['ShapeHeap', shapeHeap],
])('%s', (_, make) => {
  test('gives ids in the order of their keys, ties by the lower id', () => checkHeapLaws(make));
});

test.each([
  ['TimeHeap', () => new TimeHeap().pop()],
  ['ClassHeap', () => new ClassHeap().pop()],
  ['OrderedHeap', () => new OrderedHeap<Item>(() => 0).remove({ key: 0, id: 0, heapAt: -1 })],
])('%s gives nothing up that it does not hold', (_, taken) => {
  expect(taken).toThrow(AssertionFailure);
});
