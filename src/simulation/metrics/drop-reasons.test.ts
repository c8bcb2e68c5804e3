import { describe, expect, test } from 'vitest';
import { ClusterState } from '../../model/cluster-state.ts';
import { DemandTable } from '../../model/demand.ts';
import type { PodSpec } from '../../model/job.ts';
import { lackOf } from './drop-reasons.ts';

const POD: PodSpec = { cpuMilli: 1, memoryMib: 1, gpuCount: 0, gpuMilli: 0, gpuModels: [] };

describe('lackOf', () => {
  test.each<[Partial<PodSpec>, string]>([
    [{ cpuMilli: 9000 }, 'cpu'],
    [{ memoryMib: 900 }, 'memory'],
    [{ gpuCount: 3, gpuMilli: 1000 }, 'gpu'],
    [{ extended: { rdma: 5 } }, 'rdma'],
    [{ extended: { rdma: 1, disk: 1 } }, 'disk'],
    [{ gpuCount: 1, gpuMilli: 500, gpuModels: ['B'] }, 'gpu model or labels'],
    [{ cpuMilli: 8000, memoryMib: 800 }, 'one node with all of it'],
    [{ cpuMilli: 4000 }, 'nodes for the gang'],
  ])('%j lacks %s', (more, reason) => {
    const demands = new DemandTable();
    const demand = demands.intern({ ...POD, ...more });
    const cluster = new ClusterState(demands);
    const gpus = { gpuCount: 2, gpuModel: 'A', podsMax: 10, extended: { rdma: 4 } };
    cluster.addNode({ name: 'wide', cpuMilli: 8000, memoryMib: 100, ...gpus });
    cluster.addNode({ name: 'deep', cpuMilli: 1000, memoryMib: 800, ...gpus });
    expect(lackOf(cluster, demand)).toBe(reason);
  });
});
