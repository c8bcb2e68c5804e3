import { describe, expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { DemandTable } from '../../model/demand.ts';
import { randomCluster } from './equilibrium.fixtures.ts';
import { ExactClasses } from './equilibrium-classes.ts';

/** All distinguishing properties of a node, as text. */
function stateOf(cluster: ClusterState, node: number): string {
  const gpus = cluster.gpuIdleMilli.slice(cluster.gpuOffsets[node], cluster.gpuOffsets[node + 1]).sort();
  const isFull = (cluster.podCounts[node] as number) >= cluster.flavorOf(node).podsMax;
  return JSON.stringify([
    cluster.flavorIds[node],
    cluster.freeCpuMilli[node],
    cluster.freeMemoryMib[node],
    Array.from(gpus).filter((idle) => idle > 0),
    cluster.freeExtended.map((column) => column[node]),
    cluster.podCounts[node] === 0,
    isFull,
  ]);
}

function membersOf(classes: ExactClasses, id: number): number[] {
  const nodes: number[] = [];
  for (let node = classes.firsts[id] as number; node >= 0; node = classes.next[node] as number)
    nodes.push(node);
  return nodes;
}

describe('ExactClasses', () => {
  test.each([1, 2, 3, 4])(
    'groups just the equal nodes, and leaves out those that are down, seed %i',
    (seed) => {
      // Few pods on many nodes of few kinds, at most three GPUs: many are equal.
      const { cluster } = randomCluster({ nodes: 400, pods: 300, gpusMax: 3 }, new Random(seed, 1));
      const classes = new ExactClasses();
      classes.collect(cluster);
      const byState = new Map<string, number[]>();
      for (let node = 0; node < cluster.nodeCount; node++) {
        if (cluster.up[node] === 0) {
          expect(classes.classOf[node]).toBe(-1);
          continue;
        }
        const state = stateOf(cluster, node);
        byState.set(state, [...(byState.get(state) ?? []), node]);
      }
      expect(classes.count).toBe(byState.size);
      expect(classes.count).toBeLessThan(300);
      for (const nodes of byState.values()) {
        const id = classes.classOf[nodes[0] as number] as number;
        expect(membersOf(classes, id).sort((a, b) => a - b)).toEqual(nodes);
        expect(classes.nodeCounts[id]).toBe(nodes.length);
      }
    },
  );

  test('an empty node is not one whose pods take nothing, nor one that is full of them', () => {
    const table = new DemandTable();
    const cluster = new ClusterState(table);
    for (const name of ['a', 'b', 'c', 'd']) {
      cluster.addNode({ name, cpuMilli: 1000, memoryMib: 10, gpuCount: 1, gpuModel: 'A', podsMax: 2 });
    }
    const nothing = table.intern({ cpuMilli: 0, memoryMib: 0, gpuCount: 0, gpuMilli: 0, gpuModels: [] });
    for (const node of [1, 2, 2]) cluster.place(node, nothing, 0);
    const classes = new ExactClasses();
    classes.collect(cluster);
    expect(Array.from(classes.classOf.subarray(0, 4))).toEqual([0, 1, 2, 0]);
    expect(Array.from(classes.open.subarray(0, 3))).toEqual([1, 1, 0]);
  });

  test('the free amount of a further resource distinguishes nodes', () => {
    const table = new DemandTable();
    const cluster = new ClusterState(table);
    for (const name of ['a', 'b', 'c']) {
      const size = { cpuMilli: 1000, memoryMib: 10, gpuCount: 1, gpuModel: 'A', podsMax: 9 };
      cluster.addNode({ name, ...size, extended: { rdma: 2 } });
    }
    const pod = { cpuMilli: 0, memoryMib: 0, gpuCount: 0, gpuMilli: 0, gpuModels: [] };
    cluster.place(0, table.intern(pod), 0);
    cluster.place(1, table.intern({ ...pod, extended: { rdma: 1 } }), 0);
    cluster.place(2, table.intern(pod), 0);
    const classes = new ExactClasses();
    classes.collect(cluster);
    expect(Array.from(classes.classOf.subarray(0, 3))).toEqual([0, 1, 0]);
  });

  test('can be used again, also for more nodes', () => {
    const classes = new ExactClasses();
    for (const nodes of [5, 200, 3]) {
      const { cluster } = randomCluster({ nodes, pods: 50, gpusMax: 2 }, new Random(9, 1));
      const fresh = new ExactClasses();
      fresh.collect(cluster);
      classes.collect(cluster);
      expect(classes.count).toBe(fresh.count);
      expect(classes.classOf.slice(0, nodes)).toEqual(fresh.classOf.slice(0, nodes));
    }
  });
});
