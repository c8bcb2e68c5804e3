import { describe, expect, test } from 'vitest';
import { ClusterState } from './cluster-state.ts';
import { type Demand, DemandTable } from './demand.ts';
import type { PodSpec } from './job.ts';

const POD: PodSpec = { cpuMilli: 100, memoryMib: 1, gpuCount: 1, gpuMilli: 1000, gpuModels: ['A', 'B'] };
const NODE = { cpuMilli: 1000, memoryMib: 10, gpuCount: 1, podsMax: 10 };

function clusterOf(demands: DemandTable): ClusterState {
  const cluster = new ClusterState(demands);
  for (const gpuModel of ['A', 'B', 'C']) cluster.addNode({ ...NODE, name: gpuModel, gpuModel });
  return cluster;
}

function fitting(cluster: ClusterState, demand: Demand): string[] {
  return cluster.names.filter((_, node) => cluster.fits(node, demand));
}

describe('a narrowed demand', () => {
  test('has the same amounts, fewer nodes, and is the same again for the same key', () => {
    const demands = new DemandTable();
    const cluster = clusterOf(demands);
    const demand = demands.intern(POD);
    const notA = demands.narrow(demand, 'not A', ({ gpuModel }) => gpuModel !== 'A');
    expect(notA).toMatchObject({ cpuMilli: 100, gpuTotalMilli: 1000 });
    expect([fitting(cluster, demand), fitting(cluster, notA)]).toEqual([['A', 'B'], ['B']]);
    expect(demands.narrow(demand, 'not A', () => true)).toBe(notA);
    const any = demands.intern({ ...POD, gpuModels: [] });
    expect(
      fitting(
        cluster,
        demands.narrow(any, 'not A', ({ gpuModel }) => gpuModel !== 'A'),
      ),
    ).toEqual(['B', 'C']);
  });
});

describe('a clone', () => {
  test('knows everything by the same ids, and grows by itself', () => {
    const demands = new DemandTable();
    const spread = { ...POD, extended: { rdma: 2 }, podsPerNodeMax: 1, spreadGroup: 's' };
    const ids = [POD, spread].map((pod) => demands.intern(pod).id);
    const copy = demands.clone();
    expect([POD, spread].map((pod) => copy.intern(pod).id)).toEqual(ids);
    expect([copy.findResource('rdma'), copy.spreadGroups]).toEqual([0, ['s']]);
    expect(copy.labelKeys()).toEqual(demands.labelKeys());
    copy.narrow(copy.intern(POD), 'none', () => false);
    copy.intern({ ...POD, cpuMilli: 7 });
    expect([demands.demands.length, copy.demands.length]).toEqual([2, 4]);
    expect(demands.constraints.length).toBe(2);
  });
});
