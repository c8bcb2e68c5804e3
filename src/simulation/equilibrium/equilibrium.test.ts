import { describe, expect, test } from 'vitest';
import { latticeOf, pricesOf } from '../../field/prices.ts';
import { Random } from '../../kernel/random.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { DemandTable } from '../../model/demand.ts';
import {
  bestMove,
  OPENINGS,
  openingsOf,
  type PlacedCluster,
  potentialOf,
  randomCluster,
} from './equilibrium.fixtures.ts';
import { Equilibrium, GAIN_MIN_MILLI, type RunningPod } from './equilibrium.ts';

function gainsOf({ cluster, price, pods }: PlacedCluster, pricesMax?: number): number[] {
  const equilibrium = new Equilibrium(cluster, price, OPENINGS, pricesMax);
  equilibrium.observe();
  const gains = new Float64Array(pods.length);
  return Array.from(gains.subarray(0, equilibrium.gains(pods, gains)));
}

/** Two nodes of two GPUs, and pods of one GPU on the nodes given. Every arrival takes both GPUs of a node. */
function pairCluster(nodesOfPods: readonly number[], podsPerNodeMax = 0): PlacedCluster {
  const table = new DemandTable();
  const cluster = new ClusterState(table);
  for (const name of ['a', 'b']) {
    cluster.addNode({ name, cpuMilli: 8000, memoryMib: 1000, gpuCount: 2, gpuModel: 'A', podsMax: 10 });
  }
  const pod = { cpuMilli: 0, memoryMib: 0, gpuMilli: 1000, gpuModels: [] };
  const pair = table.intern({ ...pod, gpuCount: 2 });
  const limit = podsPerNodeMax > 0 ? { spreadGroup: 's', podsPerNodeMax } : {};
  const single = table.intern({ ...pod, gpuCount: 1, ...limit });
  const pods = nodesOfPods.map((node): RunningPod => {
    const gpuMask = cluster.bestFitGpus(node, single);
    cluster.place(node, single, gpuMask);
    return { demand: single, node, gpuMask };
  });
  const typical = { demands: [pair], weights: [1] };
  return {
    cluster,
    pods,
    demands: [pair, single],
    price: pricesOf(cluster, latticeOf(cluster), typical, OPENINGS, 0),
  };
}

describe('two nodes of two GPUs, where pairs are requested', () => {
  test('a pod on each: one GPU is stranded on both, and each pod gains that twice and the opening', () => {
    const placed = pairCluster([0, 1]);
    // V of two idle GPUs is 0 (a pair will come), of one 1,000 (none will), of none 0.
    expect(new Equilibrium(placed.cluster, placed.price, OPENINGS).observe()).toBeCloseTo(2000, 6);
    // Staying costs V(1) − V(2) + opening = 1,035; beside the other it would cost V(0) − V(1) = −1,000.
    const [first, second] = gainsOf(placed);
    expect(first).toBeCloseTo(2000 + OPENINGS.openingMilli, 3);
    expect(second).toBeCloseTo(2000 + OPENINGS.openingMilli, 3);
  });

  test('both on one node: no pod gains, though neither GPU is idle', () => {
    const placed = pairCluster([0, 0]);
    expect(new Equilibrium(placed.cluster, placed.price, OPENINGS).observe()).toBeCloseTo(0, 6);
    expect(gainsOf(placed)).toEqual([0, 0]);
  });

  test('the same bad places without alternatives: no pod gains', () => {
    const placed = pairCluster([0, 1]);
    placed.cluster.setUp(1, false);
    const [pod] = placed.pods as [RunningPod];
    expect(gainsOf({ ...placed, pods: [pod] })).toEqual([0]);
  });

  test('a limit of pods a node: of one, no pod may join another; of two, both gain as without', () => {
    expect(gainsOf(pairCluster([0, 1], 1))).toEqual([0, 0]);
    expect(gainsOf(pairCluster([0, 1], 2))).toEqual(gainsOf(pairCluster([0, 1])));
  });

  test('without pods there is no gain, and Φ is that of empty nodes', () => {
    const placed = pairCluster([]);
    expect(gainsOf(placed)).toEqual([]);
    expect(new Equilibrium(placed.cluster, placed.price, OPENINGS).observe()).toBeCloseTo(0, 6);
  });
});

describe('against every node, state by state', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('gains and Φ of random clusters, seed %i', (seed) => {
    const placed = randomCluster({ nodes: 24, pods: 90, gpusMax: 3 }, new Random(seed, 1));
    const gains = gainsOf(placed);
    expect(gains).toHaveLength(placed.pods.length);
    for (const [i, pod] of placed.pods.entries()) {
      const { gain } = bestMove(placed, pod);
      expect(gains[i], `pod ${i}`).toBeCloseTo(gain > GAIN_MIN_MILLI ? gain : 0, 2);
    }
    expect(gains.some((gain) => gain > 0)).toBe(true);
    expect(new Equilibrium(placed.cluster, placed.price, OPENINGS).observe()).toBeCloseTo(
      potentialOf(placed),
      6,
    );
  });

  test('equal nodes are one class, and a pod on one of them sees the others', () => {
    const placed = pairCluster([0, 1]);
    const equilibrium = new Equilibrium(placed.cluster, placed.price, OPENINGS);
    equilibrium.observe();
    expect(equilibrium.classCount).toBe(1);
    expect(gainsOf(placed).every((gain) => gain > 0)).toBe(true);
  });
});

describe('best responses', () => {
  test.each([11, 12, 13])(
    'each lowers Φ and openings by its gain, and in the end no pod gains, seed %i',
    (seed) => {
      const placed = randomCluster({ nodes: 12, pods: 40, gpusMax: 3 }, new Random(seed, 1));
      const { cluster, pods } = placed;
      const before = gainsOf(placed).filter((gain) => gain > 0).length;
      let moves = 0;
      for (;;) {
        const gains = gainsOf(placed);
        const mover = gains.indexOf(Math.max(...gains));
        const gain = gains[mover] as number;
        if (gain === 0) break;
        expect(++moves).toBeLessThan(500);
        const pod = pods[mover] as RunningPod;
        const move = bestMove(placed, pod);
        const total = potentialOf(placed) + openingsOf(placed);
        cluster.release(pod.node, pod.demand, pod.gpuMask);
        cluster.place(move.node, pod.demand, move.gpuMask);
        pods[mover] = { demand: pod.demand, node: move.node, gpuMask: move.gpuMask };
        expect(total - potentialOf(placed) - openingsOf(placed)).toBeCloseTo(gain, 2);
      }
      expect(before).toBeGreaterThan(0);
      expect(moves).toBeGreaterThan(0);
    },
  );
});

describe('limits', () => {
  test('a sample prices as many demands as the limit allows, and leaves out the pods from the first beyond', () => {
    const placed = randomCluster({ nodes: 24, pods: 90, gpusMax: 3 }, new Random(21, 1));
    const all = gainsOf(placed);
    const equilibrium = new Equilibrium(placed.cluster, placed.price, OPENINGS);
    equilibrium.observe();
    const some = gainsOf(placed, 2 * equilibrium.classCount);
    expect(some).toEqual(all.slice(0, some.length));
    const kinds = (count: number): number =>
      new Set(placed.pods.slice(0, count).map((p) => p.demand.id)).size;
    expect(kinds(some.length)).toBe(2);
    expect(kinds(some.length + 1)).toBe(3);
  });

  test('one demand at least is priced', () => {
    const placed = randomCluster({ nodes: 24, pods: 90, gpusMax: 3 }, new Random(22, 1));
    expect(gainsOf(placed, 1).length).toBeGreaterThan(0);
  });

  test('looking changes nothing, and looking twice finds the same', () => {
    const placed = randomCluster({ nodes: 30, pods: 200, gpusMax: 8 }, new Random(23, 1));
    const { cluster } = placed;
    const idle = cluster.gpuIdleMilli.slice();
    const cpu = cluster.freeCpuMilli.slice();
    const first = gainsOf(placed);
    expect(gainsOf(placed)).toEqual(first);
    expect(first.every((gain) => gain === 0 || gain > GAIN_MIN_MILLI)).toBe(true);
    expect(cluster.gpuIdleMilli).toEqual(idle);
    expect(cluster.freeCpuMilli).toEqual(cpu);
  });
});
