/**
 * The energy of a cluster, from its power at the instants of the samples: a node's power holds until the next one. Idle power
 * counts; nodes that are down draw none. The model is that of `NodePower`.
 */
import { NodePower } from '../../field/node-power.ts';
import { powerOfFlavor } from '../../field/power-prices.ts';
import type { ClusterState, Flavor } from '../../model/cluster-state.ts';

/** Most nodes whose power is computed at an instant; beyond it they take turns. */
export const POWER_NODES_MAX = 65_536;

/** Integrates the power of one run. */
export class EnergyMeter {
  private readonly cluster: ClusterState;
  private readonly power: NodePower;
  private readonly isKnown: boolean;
  private cursor = 0;
  private watts = 0;
  private lastAt = 0;
  private sum = 0;

  /** @param cluster With all its nodes. */
  constructor(cluster: ClusterState) {
    this.cluster = cluster;
    this.power = new NodePower(cluster);
    this.isKnown =
      cluster.capacity.gpus > 0 && cluster.flavors.every((flavor: Flavor) => powerOfFlavor(flavor) !== null);
  }

  /** Reads the power of an instant. @param at Not before the last one, s. O(nodes), at most `POWER_NODES_MAX`. */
  sample(at: number): void {
    if (!this.isKnown) return;
    this.sum = this.joulesUntil(at);
    this.lastAt = at;
    const { cluster, power } = this;
    const looked = Math.min(cluster.nodeCount, POWER_NODES_MAX);
    let watts = 0;
    for (let i = 0; i < looked; i++) {
      const node = (this.cursor + i) % cluster.nodeCount;
      if (cluster.up[node] === 1) watts += power.wattsOf(node);
    }
    this.cursor = (this.cursor + looked) % cluster.nodeCount;
    this.watts = (watts * cluster.nodeCount) / looked;
  }

  /** @returns Energy from the start until `at`, J; NaN: there are no GPUs, or the power of some hardware is unknown. */
  joulesUntil(at: number): number {
    return this.isKnown ? this.sum + this.watts * Math.max(0, at - this.lastAt) : Number.NaN;
  }
}
