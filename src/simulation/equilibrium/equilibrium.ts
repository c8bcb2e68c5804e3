/**
 * The distance of a placement from an equilibrium: the potential Φ of all nodes, and the gains of pods by moving alone.
 *
 * Every pod is quoted its marginal cost, c_j(n) = V(node n with j) − V(node n without j) + openings, the field's price
 * without rent. Its exploitability is c_j(where it is) − min c_j over all places with room, staying included; it is 0
 * for every pod in a Nash equilibrium, and at most μ in a μ-equilibrium, where a move costs μ. As prices are marginal,
 * a move lowers Σ V + openings by exactly its pod's gain. Rent is left out: it depends on a policy's learning, and the
 * distance of a placement must not depend on the policy that made it.
 *
 * Invariants: nothing is changed; a sample prices at most `PRICES_MAX` (node class, demand) pairs, but at least one
 * demand. Where a node has four or more GPUs in partial use the price counts the smallest parts as lost in any case, so
 * gains there are off by as much.
 *
 * @source Monderer and Shapley 1996, Potential games, Games and Economic Behavior 14.
 */
import { emptyShape, type NodeShape, type Price } from '../../field/price.ts';
import { readNode } from '../../governor/policy/node-shape.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import { type Demand, isSharing } from '../../model/demand.ts';
import { GPU_MILLI, GPUS_PER_NODE_MAX } from '../../model/node.ts';
import { ExactClasses } from './equilibrium-classes.ts';
import { CheapestPlaces } from './equilibrium-places.ts';

/** Most prices of a sample, node classes × demands; pods beyond are left out. */
export const PRICES_MAX = 262_144;

/** Gains up to this are rounding: prices are compared in 32 bits. Milli-GPU. */
export const GAIN_MIN_MILLI = 0.01;

/** Cost of using an empty node and of sharing a whole GPU, as in `PriceOptions`. */
export interface Openings {
  readonly openingMilli: number;
  readonly gpuOpeningMilli: number;
}

/** A running pod. */
export interface RunningPod {
  readonly demand: Demand;
  readonly node: number;
  /** Its GPUs of the node, as bits. */
  readonly gpuMask: number;
}

/** Samples one cluster. Some 60 bytes a node. */
export class Equilibrium {
  private readonly cluster: ClusterState;
  private readonly price: Price;
  private readonly openings: Openings;
  private readonly pricesMax: number;
  private readonly classes = new ExactClasses();
  private readonly places: CheapestPlaces;
  /** V of each class. @shape [≥ classes] */
  private values = new Float64Array(0);
  /** Scratch: a node in its present state, and without a pod. */
  private readonly shape = emptyShape();
  private readonly without = emptyShape();
  private readonly idle = new Uint16Array(GPUS_PER_NODE_MAX);

  /**
   * @param price     Prices of the typical workload, the same for every compared policy.
   * @param openings  The openings of `price`.
   * @param pricesMax Default PRICES_MAX.
   */
  constructor(cluster: ClusterState, price: Price, openings: Openings, pricesMax: number = PRICES_MAX) {
    this.cluster = cluster;
    this.price = price;
    this.openings = openings;
    this.pricesMax = pricesMax;
    this.places = new CheapestPlaces(cluster, this.classes, price);
  }

  /** Classes of equal nodes at the last `observe`. */
  get classCount(): number {
    return this.classes.count;
  }

  /**
   * Reads the present state of the cluster.
   *
   * @returns Φ = Σ V over the nodes that are up, milli-GPU. O(nodes).
   */
  observe(): number {
    const { cluster, classes, price, shape } = this;
    classes.collect(cluster);
    if (this.values.length < classes.count) this.values = new Float64Array(cluster.nodeCount);
    let sum = 0;
    for (let id = 0; id < classes.count; id++) {
      readNode(cluster, classes.firsts[id] as number, shape);
      const value = price.potential(shape);
      this.values[id] = value;
      sum += value * (classes.nodeCounts[id] as number);
    }
    return sum;
  }

  /**
   * The gains of pods by moving alone, at the instant of the last `observe`.
   *
   * @param pods  They run on nodes that are up.
   * @param gains Gets the gains of the first pods, milli-GPU: 0, or more than GAIN_MIN_MILLI. @shape [≥ pods]
   * @returns     The number of sampled pods: all, or as many as the limit on prices allows.
   * @cost        O(classes) for each distinct demand of the pods.
   */
  gains(pods: readonly RunningPod[], gains: Float64Array): number {
    const demandsMax = Math.max(1, Math.floor(this.pricesMax / Math.max(1, this.classes.count)));
    const slotById = new Map<number, number>();
    const demands: Demand[] = [];
    let looked = 0;
    for (const { demand } of pods) {
      if (!slotById.has(demand.id)) {
        if (demands.length === demandsMax) break;
        slotById.set(demand.id, demands.length);
        demands.push(demand);
      }
      looked++;
    }
    this.places.find(demands, this.values);
    for (let i = 0; i < looked; i++) {
      const pod = pods[i] as RunningPod;
      const slot = slotById.get(pod.demand.id) as number;
      const gain = this.gainOf(pod, this.places.cheapestOther(slot, pod.node));
      gains[i] = gain > GAIN_MIN_MILLI ? gain : 0;
    }
    return looked;
  }

  /**
   * Excess of the cost of staying over the cheapest place, its node's other GPUs included. @param other Any other node.
   */
  private gainOf({ demand, node, gpuMask }: RunningPod, other: number): number {
    const { price, without } = this;
    const { openingMilli, gpuOpeningMilli } = this.openings;
    const opensGpu = this.readWithout(node, demand, gpuMask);
    const before = price.potential(without);
    const openings = (without.fresh ? openingMilli : 0) + (opensGpu ? gpuOpeningMilli : 0);
    const here = this.values[this.classes.classOf[node] as number] as number;
    const staying = here - before + openings;
    return staying - Math.min(price.cost(without, demand, before), other);
  }

  /** Reads a node without one of its pods. @returns True if the pod shares a GPU with no other. */
  private readWithout(node: number, demand: Demand, gpuMask: number): boolean {
    const { cluster, without, idle } = this;
    const begin = cluster.gpuOffsets[node] as number;
    const count = (cluster.gpuOffsets[node + 1] as number) - begin;
    let opensGpu = false;
    for (let g = 0; g < count; g++) {
      const had = ((gpuMask >>> g) & 1) * demand.gpuMilli;
      idle[g] = (cluster.gpuIdleMilli[begin + g] as number) + had;
      opensGpu ||= had > 0 && idle[g] === GPU_MILLI && isSharing(demand);
    }
    readNode(cluster, node, without);
    without.cpuMilli += demand.cpuMilli;
    without.memoryMib += demand.memoryMib;
    if (demand.extended.length > 0) {
      without.extended = without.extended.map((amount, r) => amount + (demand.extended[r] ?? 0));
    }
    without.fresh = cluster.podCounts[node] === 1;
    readGpus(idle.subarray(0, count), without);
    return opensGpu;
  }
}

/** Writes idle parts of GPUs in the price's form: whole ones, the three largest others, and the sum of the rest. */
function readGpus(idle: Uint16Array, shape: NodeShape): void {
  const parts = idle.slice().sort();
  let whole = 0;
  while (whole < parts.length && parts[parts.length - 1 - whole] === GPU_MILLI) whole++;
  const largest = (rank: number): number => parts[parts.length - 1 - whole - rank] ?? 0;
  shape.whole = whole;
  shape.a = largest(0);
  shape.b = largest(1);
  shape.d = largest(2);
  shape.rest = 0;
  for (let rank = 3; rank < parts.length - whole; rank++) shape.rest += largest(rank);
}
