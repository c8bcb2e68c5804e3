import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { Random } from '../../kernel/random.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { DemandTable } from '../../model/demand.ts';
import type { NodeSpec } from '../../model/node.ts';
import { heapRanks } from './heap-ranks.ts';
import {
  createKubeScheduler134Policy,
  createKubeSchedulerMostAllocatedPolicy,
  createKubeSchedulerPolicy,
  feasibleNodesToFind,
} from './kube-scheduler.ts';
import { ParallelWalk } from './parallel-walk.ts';

describe('feasibleNodesToFind', () => {
  it.each([
    [0, 0],
    [99, 99],
    [100, 100],
    [200, 100],
    [1000, 420],
    [1213, 497],
    [5000, 500],
    [5625, 281],
    [100_000, 5000],
  ])('of %i nodes looks for %i', (nodes, wanted) => {
    expect(feasibleNodesToFind(nodes)).toBe(wanted);
  });
});

describe('ParallelWalk', () => {
  it('visits every place once, each worker its chunk in order', () => {
    checkProperty(
      fc.property(fc.integer({ min: 0, max: 3000 }), fc.nat(), (count, seed) => {
        const walk = new ParallelWalk(new Random(seed));
        walk.begin(count);
        const places: number[] = [];
        for (let place = walk.next(); place >= 0; place = walk.next()) places.push(place);
        expect(places.toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
        const chunk = Math.max(1, Math.min(Math.floor(Math.sqrt(count)), Math.floor(count / 16) + 1));
        const chunks = [...new Set(places.map((place) => Math.floor(place / chunk)))];
        expect(chunks).toEqual(chunks.toSorted((a, b) => a - b));
        const inChunk = Map.groupBy(places, (place) => Math.floor(place / chunk));
        for (const order of inChunk.values()) expect(order).toEqual(order.toSorted((a, b) => a - b));
      }),
      { numRuns: 50 },
    );
  });
});

/** Go's container/heap: build in place, then the root. */
function rootOfHeap(scores: readonly number[]): number {
  const heap = scores.map((_, i) => i);
  const better = (a: number, b: number): boolean => scores[heap[a]!]! > scores[heap[b]!]!;
  for (let i = Math.floor(heap.length / 2) - 1; i >= 0; i--) {
    for (let at = i, child = 2 * at + 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && better(child + 1, child)) child++;
      if (!better(child, at)) break;
      [heap[at], heap[child]] = [heap[child]!, heap[at]!];
      at = child;
    }
  }
  return heap[0]!;
}

describe('heapRanks', () => {
  it('names the root of a heap built in place', () => {
    checkProperty(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 200 }),
        fc.nat(300),
        (scores, more) => {
          const ranks = heapRanks(scores.length + more);
          const best = Math.max(...scores);
          let root = -1;
          scores.forEach((score, i) => {
            if (score === best && (root < 0 || ranks[i]! < ranks[root]!)) root = i;
          });
          expect(root).toBe(rootOfHeap(scores));
        },
      ),
    );
  });
});

const NODE: NodeSpec = {
  name: '',
  cpuMilli: 10_000,
  memoryMib: 10_000,
  gpuCount: 2,
  gpuModel: 'T4',
  podsMax: 110,
};

/** A cluster of nodes with this much CPU, memory (both of 10,000) and GPU (of 2,000) in use, by one pod each. */
function clusterInUse(used: readonly (readonly [number, number, number])[]): ClusterState {
  const cluster = new ClusterState(new DemandTable());
  used.forEach(([cpuMilli, memoryMib, gpus], i) => {
    const node = cluster.addNode({ ...NODE, name: `node-${i}` });
    const demand = cluster.demands.intern({
      cpuMilli,
      memoryMib,
      gpuCount: gpus,
      gpuMilli: gpus > 0 ? 1000 : 0,
      gpuModels: [],
    });
    if (cpuMilli > 0) cluster.place(node, demand, cluster.bestFitGpus(node, demand));
  });
  return cluster;
}

/** Scores by node name, from the explanation. */
function scores(create: typeof createKubeSchedulerPolicy, cluster: ClusterState, gpuCount: number) {
  const policy = create({ cluster, random: new Random(1) });
  const demand = cluster.demands.intern({
    cpuMilli: 1000,
    memoryMib: 2000,
    gpuCount,
    gpuMilli: gpuCount > 0 ? 1000 : 0,
    gpuModels: [],
  });
  const { candidates } = policy.explain!(demand);
  return Object.fromEntries(candidates.map(({ label, value }) => [label, value]));
}

describe('the scores of kube-scheduler, by hand', () => {
  const cluster = clusterInUse([
    [0, 0, 0],
    [4000, 1000, 0],
    [5000, 5000, 1],
  ]);

  it('LeastAllocated and the level of balance, as in 1.34', () => {
    // Empty: least (90 + 80) / 2 = 85, fractions .1 and .2: balance 95.
    // [4000, 1000]: least (50 + 70) / 2 = 60, fractions .5 and .3: balance 90.
    // [5000, 5000]: least (40 + 30) / 2 = 35, fractions .6 and .7: balance 95.
    expect(scores(createKubeScheduler134Policy, cluster, 0)).toEqual({
      'node-0': 85 + 95,
      'node-1': 60 + 90,
      'node-2': 35 + 95,
    });
  });

  it('LeastAllocated and the change of balance, as in 1.36', () => {
    // Balance before: 100, 85 (fractions .4 and .1), 100; the score is 50 + (50 + after − before) / 2.
    expect(scores(createKubeSchedulerPolicy, cluster, 0)).toEqual({
      'node-0': 85 + 50 + 22,
      'node-1': 60 + 50 + 27,
      'node-2': 35 + 50 + 22,
    });
  });

  it('MostAllocated counts GPUs five times for pods that request some, and not for others', () => {
    // Without GPU: (10 + 20) / 2, (50 + 30) / 2, (60 + 70) / 2.
    expect(scores(createKubeSchedulerMostAllocatedPolicy, cluster, 0)).toEqual({
      'node-0': 15 + 72,
      'node-1': 40 + 77,
      'node-2': 65 + 72,
    });
    // With one of two: (10 + 20 + 5 · 50) / 7 = 40, (50 + 30 + 250) / 7 = 47, (60 + 70 + 5 · 100) / 7 = 90.
    expect(scores(createKubeSchedulerMostAllocatedPolicy, cluster, 1)).toEqual({
      'node-0': 40 + 72,
      'node-1': 47 + 77,
      'node-2': 90 + 72,
    });
  });
});

describe('the search of kube-scheduler', () => {
  it('examines a share of the nodes and continues where it stopped', () => {
    const cluster = clusterInUse(Array.from({ length: 3000 }, () => [0, 0, 0] as const));
    const policy = createKubeSchedulerPolicy({ cluster, random: new Random(7) });
    const demand = cluster.demands.intern({
      cpuMilli: 100,
      memoryMib: 100,
      gpuCount: 0,
      gpuMilli: 0,
      gpuModels: [],
    });
    const chosen: number[] = [];
    for (let i = 0; i < 50; i++) {
      const node = policy.choose(demand);
      expect(policy.nodesExamined).toBe(780);
      // The workers run ahead of each other, but not by half the cluster.
      expect((node - 780 * i + 780 * 3000) % 3000).toBeLessThan(1500);
      chosen.push(node);
      cluster.place(node, demand, 0);
      policy.nodeChanged!(node);
    }
    // LeastAllocated takes a node that is still empty every time.
    expect(new Set(chosen).size).toBe(50);
  });

  it('draws among equals in 1.34: the seed decides, and only the seed', () => {
    const choices = [1, 1, 2, 3].map((seed) => {
      const cluster = clusterInUse(Array.from({ length: 50 }, () => [0, 0, 0] as const));
      const policy = createKubeScheduler134Policy({ cluster, random: new Random(seed) });
      const demand = cluster.demands.intern({
        cpuMilli: 1,
        memoryMib: 1,
        gpuCount: 0,
        gpuMilli: 0,
        gpuModels: [],
      });
      return Array.from({ length: 10 }, () => policy.choose(demand)).join();
    });
    expect(choices[0]).toBe(choices[1]);
    expect(new Set(choices).size).toBe(3);
  });

  it('has nothing to choose from without nodes', () => {
    const cluster = new ClusterState(new DemandTable());
    const policy = createKubeSchedulerPolicy({ cluster, random: new Random(1) });
    const demand = cluster.demands.intern({
      cpuMilli: 1,
      memoryMib: 1,
      gpuCount: 0,
      gpuMilli: 0,
      gpuModels: [],
    });
    expect(policy.choose(demand)).toBe(-1);
  });
});
