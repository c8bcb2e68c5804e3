/**
 * Power of nodes by what is placed on them: a GPU draws its full power if anything runs on it, a socket if its threads are
 * needed. Hardware of unknown power counts as 0.
 *
 * @source Lettich et al. 2024, arXiv 2412.17484, §III.
 */
import type { ClusterState, Flavor } from '../model/cluster-state.ts';
import type { Demand } from '../model/demand.ts';
import { GPU_MILLI } from '../model/node.ts';
import type { HardwarePower } from '../model/power-specs.ts';
import { powerOfFlavor, socketWatts } from './power-prices.ts';

/** Prices nodes in watts. Keeps nothing of their state. */
export class NodePower {
  private readonly cluster: ClusterState;
  /** By flavour id; null: unknown. */
  private readonly known: (HardwarePower | null)[] = [];

  constructor(cluster: ClusterState) {
    this.cluster = cluster;
  }

  /** @returns Watts of a node as it is. O(GPUs). */
  wattsOf(node: number): number {
    const power = this.powerOf(node);
    if (power === null) return 0;
    const { cluster } = this;
    const begin = cluster.gpuOffsets[node] as number;
    const end = cluster.gpuOffsets[node + 1] as number;
    let watts = socketWatts(power, this.flavorOf(node).cpuMilli, cluster.freeCpuMilli[node] as number);
    for (let g = begin; g < end; g++) {
      watts += cluster.gpuIdleMilli[g] === GPU_MILLI ? power.gpuIdleWatts : power.gpuFullWatts;
    }
    return watts;
  }

  /**
   * Watts that one more pod adds to a node on which it fits, by the GPUs that add least.
   *
   * @returns In [0, …]. O(GPUs).
   */
  wattsAdded(node: number, demand: Demand): number {
    const power = this.powerOf(node);
    if (power === null) return 0;
    const { cluster } = this;
    const total = this.flavorOf(node).cpuMilli;
    const free = cluster.freeCpuMilli[node] as number;
    const sockets = socketWatts(power, total, free - demand.cpuMilli) - socketWatts(power, total, free);
    return sockets + this.gpusStarted(node, demand) * (power.gpuFullWatts - power.gpuIdleWatts);
  }

  /** Idle GPUs that the pod must start: all of whole ones, one of a shared one unless a GPU in use has room. */
  private gpusStarted(node: number, demand: Demand): number {
    if (demand.gpuCount === 0 || demand.gpuMilli === GPU_MILLI) return demand.gpuCount;
    const { cluster } = this;
    const end = cluster.gpuOffsets[node + 1] as number;
    for (let g = cluster.gpuOffsets[node] as number; g < end; g++) {
      const idle = cluster.gpuIdleMilli[g] as number;
      if (idle < GPU_MILLI && idle >= demand.gpuMilli) return 0;
    }
    return 1;
  }

  private flavorOf(node: number): Flavor {
    return this.cluster.flavors[this.cluster.flavorIds[node] as number] as Flavor;
  }

  private powerOf(node: number): HardwarePower | null {
    const id = this.cluster.flavorIds[node] as number;
    let power = this.known[id];
    if (power === undefined) {
      power = powerOfFlavor(this.cluster.flavors[id] as Flavor);
      this.known[id] = power;
    }
    return power;
  }
}

/** The sum over a cluster, kept up to date node by node. Single writer. */
export class ClusterPower {
  /** Watts of all nodes. */
  watts = 0;
  private readonly nodes: NodePower;
  private readonly counted: number[] = [];

  /** @param cluster All its nodes count from the start. */
  constructor(cluster: ClusterState) {
    this.nodes = new NodePower(cluster);
    for (let node = 0; node < cluster.nodeCount; node++) this.nodeChanged(node);
  }

  /** A node joined, or a pod came or left. O(GPUs). */
  nodeChanged(node: number): void {
    const now = this.nodes.wattsOf(node);
    this.watts += now - (this.counted[node] ?? 0);
    this.counted[node] = now;
  }
}
