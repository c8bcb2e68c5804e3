/** Random clusters with pods on them, and the pods' possible gains found by brute force: every node, state by state. */
import { emptyShape, type Price } from '../../field/price.ts';
import { latticeOf, pricesOf } from '../../field/prices.ts';
import { readNode } from '../../governor/policy/node-shape.ts';
import { TEG_DEFAULTS } from '../../governor/policy/teg-options.ts';
import type { Random } from '../../kernel/random.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { type Demand, DemandTable } from '../../model/demand.ts';
import type { PodSpec } from '../../model/job.ts';
import type { RunningPod } from './equilibrium.ts';

/** Openings of the prices. */
export const OPENINGS = TEG_DEFAULTS.price;

/** A cluster, pods that run on it, and prices. */
export interface PlacedCluster {
  readonly cluster: ClusterState;
  readonly pods: RunningPod[];
  readonly price: Price;
  readonly demands: readonly Demand[];
}

/** Options of a random cluster. */
export interface RandomClusterOptions {
  readonly nodes: number;
  readonly pods: number;
  /** GPUs of a node are 0 to n. */
  readonly gpusMax: number;
}

/** Pods of all kinds: without GPU, sharing, of several GPUs, bound to a model, with a further resource, spread out. */
const SPECS: readonly PodSpec[] = [
  { cpuMilli: 1000, memoryMib: 100, gpuCount: 0, gpuMilli: 0, gpuModels: [] },
  { cpuMilli: 7000, memoryMib: 0, gpuCount: 0, gpuMilli: 0, gpuModels: [] },
  { cpuMilli: 500, memoryMib: 50, gpuCount: 1, gpuMilli: 300, gpuModels: [] },
  { cpuMilli: 2000, memoryMib: 700, gpuCount: 1, gpuMilli: 650, gpuModels: ['A'] },
  { cpuMilli: 3000, memoryMib: 300, gpuCount: 1, gpuMilli: 1000, gpuModels: [] },
  { cpuMilli: 3000, memoryMib: 300, gpuCount: 2, gpuMilli: 1000, gpuModels: ['B'] },
  { cpuMilli: 100, memoryMib: 10, gpuCount: 1, gpuMilli: 50, gpuModels: [], extended: { rdma: 1 } },
  {
    cpuMilli: 100,
    memoryMib: 10,
    gpuCount: 1,
    gpuMilli: 90,
    gpuModels: [],
    spreadGroup: 's',
    podsPerNodeMax: 1,
  },
];

/** Makes a cluster of a few kinds of nodes, some down, and places pods at random where they fit. */
export function randomCluster(options: RandomClusterOptions, random: Random): PlacedCluster {
  const table = new DemandTable();
  const cluster = new ClusterState(table);
  const demands = SPECS.map((spec) => table.intern(spec));
  for (let i = 0; i < options.nodes; i++) {
    cluster.addNode({
      name: `n${i}`,
      cpuMilli: 8000 * (1 + random.nextInt(3)),
      memoryMib: 2000,
      gpuCount: random.nextInt(options.gpusMax + 1),
      gpuModel: random.nextInt(2) === 0 ? 'A' : 'B',
      podsMax: 4 + random.nextInt(2) * 20,
      extended: { rdma: random.nextInt(3) },
    });
  }
  const pods: RunningPod[] = [];
  for (let i = 0; i < options.pods; i++) {
    const demand = demands[random.nextInt(demands.length)] as Demand;
    const node = random.nextInt(options.nodes);
    if (!cluster.fits(node, demand)) continue;
    const gpuMask = randomGpus(cluster, node, demand, random);
    cluster.place(node, demand, gpuMask);
    pods.push({ demand, node, gpuMask });
  }
  for (let i = 0; i < options.nodes; i++)
    if (cluster.podCounts[i] === 0) cluster.setUp(i, random.nextInt(3) > 0);
  const typical = { demands, weights: demands.map(() => 1 / demands.length) };
  return { cluster, pods, demands, price: pricesOf(cluster, latticeOf(cluster), typical, OPENINGS, 0) };
}

/** A sharing pod takes any GPU that fits, so that it may be on the wrong one. */
function randomGpus(cluster: ClusterState, node: number, demand: Demand, random: Random): number {
  if (demand.gpuCount !== 1) return cluster.bestFitGpus(node, demand);
  const begin = cluster.gpuOffsets[node] as number;
  const count = (cluster.gpuOffsets[node + 1] as number) - begin;
  for (;;) {
    const g = random.nextInt(count);
    if ((cluster.gpuIdleMilli[begin + g] as number) >= demand.gpuMilli) return 1 << g;
  }
}

/** A place for a pod, and the saving against its present cost. */
export interface Move {
  readonly node: number;
  readonly gpuMask: number;
  readonly gain: number;
}

/** @returns Σ V over nodes that are up, milli-GPU. */
export function potentialOf({ cluster, price }: PlacedCluster): number {
  const shape = emptyShape();
  let sum = 0;
  for (let node = 0; node < cluster.nodeCount; node++) {
    if (cluster.up[node] === 0) continue;
    readNode(cluster, node, shape);
    sum += price.potential(shape);
  }
  return sum;
}

/** @returns The total cost of openings: nodes in use, and shared GPUs. */
export function openingsOf({ cluster, pods }: PlacedCluster): number {
  const nodes = new Set(pods.map(({ node }) => node)).size;
  const sharing = pods.filter(({ demand }) => demand.gpuCount === 1 && demand.gpuMilli < 1000);
  const gpus = new Set(
    sharing.map(({ node, gpuMask }) => (cluster.gpuOffsets[node] as number) + Math.log2(gpuMask)),
  ).size;
  return OPENINGS.openingMilli * nodes + OPENINGS.gpuOpeningMilli * gpus;
}

/**
 * The best move of a pod by the definition: it is taken away, put on every GPU of every node that has room, and each
 * time the potential of the whole cluster is summed again. O(nodes² × GPUs).
 */
export function bestMove(placed: PlacedCluster, pod: RunningPod): Move {
  const { cluster, pods } = placed;
  const { demand } = pod;
  const others = pods.filter((other) => other !== pod);
  const total = (node: number, gpuMask: number): number => {
    cluster.place(node, demand, gpuMask);
    const at = { ...placed, pods: [...others, { demand, node, gpuMask }] };
    const sum = potentialOf(at) + openingsOf(at);
    cluster.release(node, demand, gpuMask);
    return sum;
  };
  cluster.release(pod.node, demand, pod.gpuMask);
  const staying = total(pod.node, pod.gpuMask);
  let best: Move = { node: pod.node, gpuMask: pod.gpuMask, gain: 0 };
  for (let node = 0; node < cluster.nodeCount; node++) {
    if (!cluster.fits(node, demand)) continue;
    for (const gpuMask of masksOf(cluster, node, demand)) {
      const gain = staying - total(node, gpuMask);
      if (gain > best.gain) best = { node, gpuMask, gain };
    }
  }
  cluster.place(pod.node, demand, pod.gpuMask);
  return best;
}

function masksOf(cluster: ClusterState, node: number, demand: Demand): number[] {
  if (demand.gpuCount !== 1) return [cluster.bestFitGpus(node, demand)];
  const begin = cluster.gpuOffsets[node] as number;
  const count = (cluster.gpuOffsets[node + 1] as number) - begin;
  return Array.from({ length: count }, (_, g) => g)
    .filter((g) => (cluster.gpuIdleMilli[begin + g] as number) >= demand.gpuMilli)
    .map((g) => 1 << g);
}
