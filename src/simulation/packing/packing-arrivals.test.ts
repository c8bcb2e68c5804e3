import { describe, expect, it } from 'vitest';
import type { JobSpec } from '../../model/job.ts';
import type { NodeSpec } from '../../model/node.ts';
import { LOAD_RATIO, nodesByRank, packingArrivals } from './packing-arrivals.ts';

function job(gpuCount: number, gpuMilli: number): JobSpec {
  return {
    id: '',
    tenant: '',
    priority: 0,
    submitSeconds: 0,
    durationSeconds: 1,
    requestedSeconds: 1,
    podCount: 1,
    gangMin: 1,
    cpuMilli: 1000,
    memoryMib: 1,
    gpuCount,
    gpuMilli,
    gpuModels: [],
  };
}

function nodes(count: number, gpuCount: number): NodeSpec[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `node-${String(i).padStart(4, '0')}`,
    cpuMilli: 1,
    memoryMib: 1,
    gpuCount,
    gpuModel: 'T4',
    podsMax: 1,
  }));
}

const JOBS = [job(1, 500), job(1, 1000), job(2, 1000), job(0, 0), job(4, 1000)];

function load(jobs: readonly JobSpec[], order: Int32Array): number {
  return order.reduce((sum, row) => sum + jobs[row]!.gpuCount * jobs[row]!.gpuMilli, 0);
}

describe('packingArrivals', () => {
  it('repeats pods until 130 % of the GPUs are requested, after every pod has come once', () => {
    const cluster = nodes(50, 2);
    const { order } = packingArrivals(JOBS, cluster, 42);
    const target = LOAD_RATIO * 100_000;
    expect([...order.subarray(0, JOBS.length)].sort()).toEqual([0, 1, 2, 3, 4]);
    expect(load(JOBS, order)).toBeGreaterThan(target - 1000);
    expect(load(JOBS, order)).toBeLessThan(target + 4000);
  });

  it('removes pods where there are too many', () => {
    const jobs = Array.from({ length: 500 }, () => job(1, 1000));
    const { order } = packingArrivals(jobs, nodes(50, 2), 42);
    expect(load(jobs, order)).toBe(130_000);
    expect(new Set(order).size).toBe(130);
  });

  it('leaves a list that requests exactly 130 % unchanged', () => {
    const jobs = Array.from({ length: 130 }, () => job(1, 1000));
    const { order } = packingArrivals(jobs, nodes(50, 2), 42);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 130 }, (_, i) => i));
  });

  it('ranks nodes by the order of their names, whatever their order in the list', () => {
    const cluster = nodes(200, 1);
    const { ranks } = packingArrivals(JOBS, cluster, 43);
    expect([...ranks].sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i));
    const reversed = packingArrivals(JOBS, cluster.toReversed(), 43);
    expect([...reversed.ranks].reverse()).toEqual([...ranks]);
    expect(nodesByRank(cluster.toReversed(), reversed.ranks)).toEqual(nodesByRank(cluster, ranks));
    expect(nodesByRank(cluster, ranks)[ranks[7]!]).toBe(cluster[7]);
  });

  it('is a function of the seed', () => {
    const runs = [1, 1, 2].map((seed) => packingArrivals(JOBS, nodes(20, 2), seed));
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]).not.toEqual(runs[2]);
  });

  it('refuses clusters and lists without GPUs', () => {
    expect(() => packingArrivals(JOBS, nodes(3, 0), 1)).toThrow(/3 nodes have no GPUs/);
    expect(() => packingArrivals([job(0, 0)], nodes(3, 1), 1)).toThrow(/none of the 1 pods requests a GPU/);
  });
});
