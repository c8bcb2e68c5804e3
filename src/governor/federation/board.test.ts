import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import type { Demand } from '../../model/demand.ts';
import { DEMANDS_MAX } from '../../model/limits.ts';
import { Board } from './board.ts';
import { DemandId, entry, PlainReader, testDemands } from './federation.fixtures.ts';
import type { BoardEntry } from './messages.ts';

const demands = testDemands().demands;
const ONE = demands[DemandId.OneGpu] as Demand;
const HALF = demands[DemandId.HalfGpu] as Demand;

function boardOf(entries: readonly BoardEntry[], expireSeconds = 10, entriesMax = 64): Board {
  const board = new Board(new PlainReader(), expireSeconds, entriesMax);
  board.replace(entries);
  return board;
}

/** Ids of the entries that offer a demand a place. */
function offering(board: Board, at = 0, demand = ONE, gangMin = 1): number[] {
  const count = board.offersFor(demand, gangMin, at);
  expect(board.offers.count).toBe(count);
  return Array.from({ length: count }, (_, i) => board.entryOf(i).id);
}

describe('a board', () => {
  test('makes offers of its entries, with price, position and age of each', () => {
    const board = boardOf([
      entry(5, 1, { freeGpuMilli: 2000, takenAt: 1, newestAt: 3 }),
      entry(6, 1, { freeGpuMilli: 500, takenAt: 2 }),
      entry(7, 1, { freeGpuMilli: 4000, takenAt: 3 }),
    ]);
    expect(offering(board, 4)).toEqual([5, 7]);
    const { offers } = board;
    expect([...offers.slots.subarray(0, 2)]).toEqual([2, 4]);
    expect([...offers.prices.subarray(0, 2)]).toEqual([-2000, -4000]);
    expect([...offers.positions.subarray(0, 2)]).toEqual([5, 7]);
    expect([...offers.ages.subarray(0, 2)]).toEqual([3, 1]);
    expect(offering(board, 4, HALF)).toEqual([5, 6, 7]);
  });

  test('an empty one offers nothing', () => {
    const board = boardOf([]);
    expect(offering(board)).toEqual([]);
    expect([board.size, board.deciders(0), board.ageSeconds(0), board.isKnown(0)]).toEqual([0, 1, 0, false]);
  });

  test('keeps the newer of its own and the received entry, for any order of boards', () => {
    const versions = fc.array(fc.record({ id: fc.nat(4), version: fc.nat(20) }), {
      minLength: 1,
      maxLength: 40,
    });
    checkProperty(
      fc.property(versions, (heard) => {
        const board = boardOf([]);
        const newest = new Map<number, number>();
        for (const { id, version } of heard) {
          newest.set(id, Math.max(newest.get(id) ?? 0, version));
          const boards = [...newest.keys()].map((known) =>
            entry(known, known === id ? version : 0, { freeGpuMilli: 1000, takenAt: 0 }),
          );
          board.replace(boards);
          expect(offering(board)).toEqual([...newest.keys()]);
          const known = [...newest.keys()].map((_, i) => board.entryOf(i).version);
          expect(known).toEqual([...newest.values()]);
        }
      }),
    );
  });

  test('forgets entries that the new board does not have', () => {
    const board = boardOf([1, 2, 3].map((id) => entry(id, 1, { freeGpuMilli: 1000, takenAt: 0 })));
    board.replace([entry(2, 1, { freeGpuMilli: 1000, takenAt: 0 })]);
    expect(offering(board)).toEqual([2]);
  });

  test('reads no more entries than it may hold', () => {
    const many = [1, 2, 3, 4, 5].map((id) => entry(id, 1, { freeGpuMilli: 1000, takenAt: 0 }));
    const board = boardOf(many, 10, 3);
    expect(board.size).toBe(3);
    expect(offering(board)).toEqual([1, 2, 3]);
  });
});

describe('refusals at the limits of the packing', () => {
  /** Largest id of an entry that can be packed with any demand. */
  const ENTRY_MAX = Math.floor(Number.MAX_SAFE_INTEGER / DEMANDS_MAX) - 1;
  const at = (id: number): Demand => ({ ...ONE, id });

  test('the last ids keep apart', () => {
    const ids = [ENTRY_MAX - 1, ENTRY_MAX];
    const board = boardOf(ids.map((id) => entry(id, 1, { freeGpuMilli: 1000, takenAt: 0 })));
    board.refuse(ENTRY_MAX, DEMANDS_MAX - 1, 1);
    expect(offering(board, 0, at(DEMANDS_MAX - 1))).toEqual([ENTRY_MAX - 1]);
    expect(offering(board, 0, at(DEMANDS_MAX - 2))).toEqual(ids);
    expect(offering(board, 0, at(0))).toEqual(ids);
  });

  test('larger ones are refused', () => {
    const board = boardOf([ENTRY_MAX + 1, 1].map((id) => entry(id, 1, { freeGpuMilli: 1000, takenAt: 0 })));
    expect(() => board.refuse(ENTRY_MAX + 1, 0, 1)).toThrow('the id of an entry is too large');
    expect(() => board.refuse(1, DEMANDS_MAX, 1)).toThrow('the id of a demand is too large');
  });
});

describe('age', () => {
  const entries = [
    entry(1, 1, { freeGpuMilli: 1000, takenAt: 0, sums: { arrivalsPerSecond: 3 } }),
    entry(2, 1, { freeGpuMilli: 1000, takenAt: 4, sums: { arrivalsPerSecond: 2 } }),
    // A group of which one part is old: it counts until its newest part is.
    entry(3, 1, { freeGpuMilli: 1000, takenAt: 0, newestAt: 6, sums: { arrivalsPerSecond: 1 } }, true),
  ];

  test('an entry counts until the last instant of its time, by its newest part', () => {
    const board = boardOf(entries);
    expect(offering(board, 10)).toEqual([1, 2, 3]);
    expect(offering(board, 10.001)).toEqual([2, 3]);
    expect(offering(board, 14.5)).toEqual([3]);
    expect(board.isKnown(16)).toBe(true);
    expect(offering(board, 16.1)).toEqual([]);
    expect(board.isKnown(16.1)).toBe(false);
  });

  test('is that of the oldest part that still counts', () => {
    const board = boardOf(entries);
    expect(board.ageSeconds(9)).toBe(9);
    expect(board.ageSeconds(12)).toBe(12);
    expect(boardOf(entries.slice(0, 2)).ageSeconds(12)).toBe(8);
    expect(board.ageSeconds(100)).toBe(0);
  });

  test('deciders are the arrivals since the entries were written, at least one', () => {
    const board = boardOf(entries);
    expect(board.deciders(10)).toBeCloseTo(3 * 10 + 2 * 6 + 1 * 4, 9);
    expect(board.deciders(12)).toBeCloseTo(2 * 8 + 1 * 6, 9);
    expect(board.deciders(100)).toBe(1);
    expect(boardOf([entry(1, 1, { freeGpuMilli: 0, takenAt: 0 })]).deciders(5)).toBe(1);
  });
});

describe('a gang', () => {
  test('is offered no zone whose free GPUs are fewer than it needs, even in a group that has enough', () => {
    const group = entry(9, 1, { freeGpuMilli: 8000, takenAt: 0 }, true);
    const board = boardOf([
      {
        ...group,
        hologram: { ...group.hologram, maxima: { ...group.hologram.maxima, zoneFreeGpuMilli: 3000 } },
      },
    ]);
    expect(offering(board, 0, ONE, 3)).toEqual([9]);
    expect(offering(board, 0, ONE, 4)).toEqual([]);
    expect(offering(board, 0, HALF, 6)).toEqual([9]);
    expect(offering(board, 0, HALF, 7)).toEqual([]);
  });
});

describe('a refusal', () => {
  const entries = [1, 2].map((id) => entry(id, 5, { freeGpuMilli: 4000, takenAt: 0 }));

  test('hides an entry from that demand until a newer version comes', () => {
    const board = boardOf(entries);
    board.refuse(1, ONE.id, 1);
    expect(offering(board)).toEqual([2]);
    expect(offering(board, 0, HALF)).toEqual([1, 2]);
    board.replace(entries);
    expect(offering(board)).toEqual([2]);
    board.replace([entry(1, 4, { freeGpuMilli: 4000, takenAt: 0 }), entries[1] as BoardEntry]);
    expect(offering(board)).toEqual([2]);
    board.replace([entry(1, 6, { freeGpuMilli: 4000, takenAt: 1 }), entries[1] as BoardEntry]);
    expect(offering(board)).toEqual([1, 2]);
  });

  test('of a gang says nothing of smaller ones, but of larger ones', () => {
    const board = boardOf(entries);
    board.refuse(1, ONE.id, 3);
    expect([1, 2, 3, 4].map((gang) => offering(board, 0, ONE, gang).includes(1))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    board.refuse(1, ONE.id, 4);
    expect(offering(board, 0, ONE, 3)).toEqual([2]);
    board.refuse(1, ONE.id, 2);
    expect([1, 2, 3].map((gang) => offering(board, 0, ONE, gang).includes(1))).toEqual([true, false, false]);
  });

  test('of an entry that is not known is ignored', () => {
    const board = boardOf(entries);
    board.refuse(77, ONE.id, 1);
    board.replace([...entries, entry(77, 1, { freeGpuMilli: 4000, takenAt: 0 })]);
    expect(offering(board)).toEqual([1, 2, 77]);
  });

  test('is forgotten with all others when there are too many; that costs probes, not memory', () => {
    const ids = Array.from({ length: 300 }, (_, id) => entry(id, 1, { freeGpuMilli: 4000, takenAt: 0 }));
    const board = boardOf(ids, 10, 300);
    for (let demand = 0; demand < 219; demand++) for (const { id } of ids) board.refuse(id, demand, 1);
    // 65,700 refusals were recorded, of which the 164 after the limit are left.
    const known = offering(board, 0, { ...ONE, id: 218 }).length;
    expect(known).toBeLessThan(300);
    expect(offering(board, 0, { ...ONE, id: 0 })).toHaveLength(300);
  });
});
