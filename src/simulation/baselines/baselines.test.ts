import { describe, expect, it } from 'vitest';
import type { PolicyFactory } from '../../governor/policy/policy.ts';
import { Random } from '../../kernel/random.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { type Demand, DemandTable } from '../../model/demand.ts';
import type { PodSpec } from '../../model/job.ts';
import { PolicyBench } from './baselines.fixtures.ts';
import { createBestFitPolicy } from './best-fit.ts';
import { createDotProductPolicy } from './dot-product.ts';
import { createFgdPolicy } from './fgd.ts';
import { createFirstFitPolicy } from './first-fit.ts';
import { createGpuClusteringPolicy } from './gpu-clustering.ts';
import { createGpuPackingPolicy } from './gpu-packing.ts';
import { createRandomPolicy } from './random.ts';

/** A node of the published cluster's largest kind, with GPUs whose idle parts are given. */
interface NodeState {
  readonly cpuMilli: number;
  readonly idle: readonly number[];
}

function pod(cpuMilli: number, gpuCount: number, gpuMilli: number): PodSpec {
  return { cpuMilli, memoryMib: 1, gpuCount, gpuMilli, gpuModels: [] };
}

/** A cluster in which each node has that CPU free and those GPU parts idle. */
function clusterOf(nodes: readonly NodeState[]): ClusterState {
  const cluster = new ClusterState(new DemandTable());
  nodes.forEach(({ cpuMilli, idle }, i) => {
    const node = cluster.addNode({
      name: `node-${i}`,
      cpuMilli,
      memoryMib: 1000,
      gpuCount: idle.length,
      gpuModel: 'G2',
      podsMax: 100,
    });
    idle.forEach((milli, g) => {
      if (milli < 1000) cluster.place(node, cluster.demands.intern(pod(0, 1, 1000 - milli)), 1 << g);
    });
  });
  return cluster;
}

/** Scores of all nodes for a pod. */
function scoresOf(create: PolicyFactory, nodes: readonly NodeState[], spec: PodSpec): number[] {
  const cluster = clusterOf(nodes);
  const policy = create({ cluster, random: new Random(1) });
  const { candidates } = policy.explain!(cluster.demands.intern(spec));
  return nodes.map((_, i) => candidates.find((c) => c.label === `node-${i}`)?.value ?? Number.NaN);
}

const IDLE_8 = new Array<number>(8).fill(1000);

describe('scores by hand', () => {
  it('best fit: least CPU and GPU left, against 128 cores and 8 GPUs', () => {
    const nodes = [
      { cpuMilli: 128_000, idle: IDLE_8 },
      { cpuMilli: 64_000, idle: [1000, 1000] },
      { cpuMilli: 4_000, idle: [1000] },
    ];
    // Left: 124,000 and 7,000; 60,000 and 1,000; nothing.
    expect(scoresOf(createBestFitPolicy, nodes, pod(4000, 1, 1000))).toEqual([7, 70, 100]);
  });

  it('dot product: free amounts times requests, least first', () => {
    const nodes = [
      { cpuMilli: 128_000, idle: IDLE_8 },
      { cpuMilli: 64_000, idle: [1000, 1000] },
    ];
    // 64 of 128 cores and 2 of 8 GPUs requested: 1 − (1 · ½ + 1 · ¼) / 2 and 1 − (½ · ½ + ¼ · ¼) / 2.
    expect(scoresOf(createDotProductPolicy, nodes, pod(64_000, 2, 1000))).toEqual([62, 84]);
  });

  it('GPU packing: shared GPUs, then idle GPUs of nodes in use, then idle nodes', () => {
    const nodes = [
      { cpuMilli: 9000, idle: IDLE_8 },
      { cpuMilli: 9000, idle: [1000, 1000, 500] },
      { cpuMilli: 9000, idle: [1000, 200] },
      { cpuMilli: 9000, idle: [1000, 1000] },
    ];
    // Idle node of 8: max(33 − 8, 8). A GPU with half idle: 100 − ⌊50 / 10⌋. One idle GPU of a node in use: 50 − 1.
    expect(scoresOf(createGpuPackingPolicy, nodes, pod(1, 1, 300))).toEqual([25, 95, 49, 31]);
    expect(scoresOf(createGpuPackingPolicy, nodes, pod(1, 2, 1000))).toEqual([25, 48, Number.NaN, 31]);
    expect(scoresOf(createGpuPackingPolicy, nodes, pod(1, 0, 0))).toEqual([0, 0, 0, 0]);
  });

  it('GPU clustering: nodes of the same kind of pods first, the fullest of them', () => {
    const bench = new PolicyBench(createGpuClusteringPolicy, [3, 3, 3, 2]);
    const put = (node: number, kind: number): void => {
      const demand = bench.demands[kind] as Demand;
      bench.cluster.place(node, demand, bench.cluster.bestFitGpus(node, demand));
      bench.policy.nodeChanged?.(node);
    };
    put(0, 2); // shares
    put(1, 4); // one GPU
    put(2, 2);
    put(2, 4); // both
    const values = (kind: number): number[] => {
      const { candidates } = bench.policy.explain!(bench.demands[kind] as Demand);
      return [0, 1, 2, 3].map((i) => candidates.find((c) => c.label === `node-${i}`)!.value);
    };
    // b = ⌊25 · used / 8000⌋ with used = 8000 − idle: 300 → 0, 1000 → 3, 1300 → 4; node 3 has 2 GPUs: 6000 → 18.
    expect(values(2)).toEqual([75, 3, 54, 43]);
    expect(values(4)).toEqual([0, 78, 54, 43]);
    expect(values(0)).toEqual([0, 0, 0, 0]);
    bench.policy.choose(bench.demands[2] as Demand);
    expect(bench.policy.gpuMask).toBe(1);
  });
});

describe('choices', () => {
  it('first fit takes the first node with room', () => {
    const bench = new PolicyBench(createFirstFitPolicy, [0, 1, 1, 2]);
    expect([bench.arrive(4), bench.arrive(4), bench.arrive(4), bench.arrive(4), bench.arrive(4)]).toEqual([
      1, 2, 3, 3, -1,
    ]);
    expect(bench.policy.nodesExamined).toBe(4);
    bench.leave(0);
    expect(bench.arrive(4)).toBe(1);
    expect(bench.policy.nodesExamined).toBe(2);
  });

  it('random takes every fitting node and GPU about equally often', () => {
    const counts = new Map<string, number>();
    const bench = new PolicyBench(createRandomPolicy, [0, 2, 2], 5);
    for (let i = 0; i < 4000; i++) {
      const node = bench.arrive(2);
      const key = `${node}/${bench.policy.gpuMask}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      bench.leave(0);
    }
    expect([...counts.keys()].sort()).toEqual(['1/1', '1/2', '2/1', '2/2']);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(140);
  });

  it('FGD keeps whole GPUs whole where the workload is whole GPUs, and learns that from arrivals', () => {
    const bench = new PolicyBench(createFgdPolicy, [2, 2]);
    const whole = bench.demands[5] as Demand;
    for (let i = 0; i < 64; i++) bench.policy.demandSeen?.(whole);
    expect(bench.arrive(4)).toBe(0);
    // One GPU of node 0 is gone for jobs of two: the next one goes there too.
    expect(bench.arrive(7)).toBe(0);
    expect(bench.arrive(5)).toBe(1);
  });

  it('FGD gives a sharing pod the GPU that leaves the least fragments', () => {
    const cluster = clusterOf([{ cpuMilli: 64_000, idle: [1000, 500, 700] }]);
    const half = cluster.demands.intern(pod(1000, 1, 500));
    const whole = cluster.demands.intern(pod(1000, 1, 1000));
    const policy = createFgdPolicy({
      cluster,
      random: new Random(1),
      typical: { demands: [half, whole], weights: [0.5, 0.5], counts: [1, 1] },
    });
    expect(policy.choose(half)).toBe(0);
    expect(policy.gpuMask).toBe(0b010);
  });

  it('FGD counts a job of many pods as many', () => {
    const bench = new PolicyBench(createFgdPolicy, [2, 2]);
    bench.policy.demandSeen?.(bench.demands[5] as Demand, 64);
    expect(bench.arrive(4)).toBe(0);
    expect(bench.arrive(7)).toBe(0);
  });
});
