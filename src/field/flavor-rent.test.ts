import { describe, expect, test } from 'vitest';
import { ClusterState } from '../model/cluster-state.ts';
import { DemandTable } from '../model/demand.ts';
import { FlavorRent } from './flavor-rent.ts';

const OPTIONS = { lambda: 0.5, scarcityMax: 4, halfLifePods: 1000 };

function cluster(): { state: ClusterState; table: DemandTable } {
  const table = new DemandTable();
  const state = new ClusterState(table);
  const node = { cpuMilli: 64_000, memoryMib: 262_144, podsMax: 110 };
  for (let i = 0; i < 6; i++) {
    state.addNode({ ...node, name: `t${i}`, gpuCount: 2, gpuModel: i < 2 ? 'scarce' : 'plenty' });
  }
  return { state, table };
}

describe('FlavorRent', () => {
  const pod = { cpuMilli: 1000, memoryMib: 1024, gpuCount: 1, gpuMilli: 1000 };

  test('is zero as long as no pod names a model', () => {
    const { state, table } = cluster();
    const rent = new FlavorRent(state, OPTIONS);
    const free = table.intern({ ...pod, gpuModels: [] });
    rent.demandSeen(free, 10);
    expect(rent.rent(free, rent.groupOf(state.flavorIds[0] as number))).toBe(0);
  });

  test('rises as the free part of a named model shrinks, up to its cap, and falls when it comes back', () => {
    const { state, table } = cluster();
    const rent = new FlavorRent(state, OPTIONS);
    const bound = table.intern({ ...pod, gpuModels: ['scarce'] });
    const free = table.intern({ ...pod, gpuModels: [] });
    rent.demandSeen(bound, 1);
    rent.demandSeen(free, 3);
    const group = rent.groupOf(state.flavorIds[0] as number);
    const other = rent.groupOf(state.flavorIds[5] as number);
    // A quarter of the demand is bound to 4 of 12 GPUs: share · free / free_f = 0.25 · 12 / 4.
    expect(rent.rent(free, group)).toBeCloseTo(0.5 * 1000 * 0.75, 9);
    expect(rent.rent(free, other)).toBe(0);
    state.place(0, free, 1);
    rent.update(0);
    expect(rent.rent(free, group)).toBeCloseTo((0.5 * 1000 * 0.25 * 11) / 3, 9);
    state.setUp(0, false);
    state.setUp(1, false);
    rent.update(0);
    rent.update(1);
    expect(rent.rent(free, group)).toBe(0.5 * 1000 * 4);
    state.setUp(0, true);
    state.setUp(1, true);
    rent.update(0);
    rent.update(1);
    state.release(0, free, 1);
    rent.update(0);
    expect(rent.rent(free, group)).toBeCloseTo(0.5 * 1000 * 0.75, 9);
  });

  test('a pod that every model suits binds nothing', () => {
    const { state, table } = cluster();
    const rent = new FlavorRent(state, OPTIONS);
    const any = table.intern({ ...pod, gpuModels: ['scarce', 'plenty'] });
    rent.demandSeen(any, 5);
    expect(rent.rent(any, 0)).toBe(0);
  });

  test('a steady mix costs the same however long it lasts', () => {
    const { state, table } = cluster();
    const rent = new FlavorRent(state, OPTIONS);
    const bound = table.intern({ ...pod, gpuModels: ['scarce'] });
    const free = table.intern({ ...pod, gpuModels: [] });
    // A quarter of the demand is bound to a third of the GPUs: 0.25 · 12 / 4.
    const steady = 0.5 * 1000 * 0.75;
    for (let pods = 0; pods < 10 * OPTIONS.halfLifePods; pods += 4) {
      rent.demandSeen(bound, 1);
      rent.demandSeen(free, 3);
      expect(rent.rent(free, 0)).toBeCloseTo(steady, 6);
    }
    // Twice the arrivals of a half-life, not all arrivals ever.
    expect(rent.demandMilli).toBeLessThanOrEqual(2 * OPTIONS.halfLifePods * 1000);
  });

  test('demand is bound to nodes that are up: a model whose nodes are all down binds nothing', () => {
    const { state, table } = cluster();
    const rent = new FlavorRent(state, OPTIONS);
    const setUp = (nodes: readonly number[], up: boolean): void => {
      for (const node of nodes) {
        state.setUp(node, up);
        rent.update(node);
      }
    };
    const scarce = table.intern({ ...pod, gpuModels: ['scarce'] });
    setUp([0, 1], false);
    rent.demandSeen(scarce, 5);
    setUp([0, 1], true);
    expect(rent.rent(scarce, 0)).toBe(0);
    // Of a pod that may go to both, all of the demand goes to the one that is up; a third model distinguishes them from
    // any.
    state.addNode({ name: 'x', cpuMilli: 1000, memoryMib: 1000, podsMax: 9, gpuCount: 4, gpuModel: 'other' });
    rent.update(6);
    const either = table.intern({ ...pod, gpuModels: ['scarce', 'plenty'] });
    setUp([0, 1], false);
    rent.demandSeen(either, 8);
    const [ofScarce, ofPlenty] = [0, 5].map((node) =>
      rent.sumsOf(rent.groupOf(state.flavorIds[node] as number)),
    );
    expect([ofScarce?.boundMilli, ofPlenty?.boundMilli]).toEqual([0, 8000]);
    expect([ofScarce?.capacityMilli, ofPlenty?.capacityMilli]).toEqual([0, 8000]);
  });

  test('old demand counts half after a half-life, relative to new', () => {
    const { state, table } = cluster();
    const rent = new FlavorRent(state, OPTIONS);
    const bound = table.intern({ ...pod, gpuModels: ['scarce'] });
    const free = table.intern({ ...pod, gpuModels: [] });
    rent.demandSeen(bound, 1000);
    const first = rent.rent(free, 0);
    rent.demandSeen(free, 1000);
    expect(rent.rent(free, 0)).toBeLessThan(first / 2);
  });

  test('counts every GPU of a node once, however many and however often it is updated', () => {
    const { state } = cluster();
    const many = { cpuMilli: 64_000, memoryMib: 262_144, podsMax: 110, gpuCount: 300, gpuModel: 'many' };
    const node = state.addNode({ ...many, name: 'm' });
    const rent = new FlavorRent(state, OPTIONS);
    for (let i = 0; i < 3; i++) rent.update(node);
    expect(rent.sumsOf(rent.groupOf(state.flavorIds[node] as number)).capacityMilli).toBe(300_000);
  });
});
