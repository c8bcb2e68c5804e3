/** What a market's flavours have on the nodes that are up: prices and mint follow failures and repairs. */
import { capacityUnits } from '../market/tenants/tenant-mints.ts';
import type { TenantUsage } from '../market/tenants/tenant-usage.ts';
import type { ClusterState } from '../model/cluster-state.ts';
import { GPU_MILLI } from '../model/node.ts';
import type { FlavorMap } from './node-flavors.ts';

/** Counts one cluster. */
export class NodesUp {
  private readonly cluster: ClusterState;
  private readonly flavors: FlavorMap;
  private readonly usage: TenantUsage;
  private turnsSeen = 0;

  /** @param usage With the capacity of all nodes, up or down. */
  constructor(cluster: ClusterState, flavors: FlavorMap, usage: TenantUsage) {
    this.cluster = cluster;
    this.flavors = flavors;
    this.usage = usage;
  }

  /** @returns Whether a node went down or came back since the last call. O(1). */
  hasChanged(): boolean {
    const { turns } = this.cluster;
    const isOther = turns !== this.turnsSeen;
    this.turnsSeen = turns;
    return isOther;
  }

  /** @returns Micro-units by flavour. O(nodes). */
  units(): number[] {
    const { cluster, flavors, usage } = this;
    const units = usage.tree.market.flavors.map((_, flavor) => capacityUnits(usage, flavor));
    for (let node = 0; node < cluster.nodeCount; node++) {
      const flavor = flavors.ofNode(node);
      if (cluster.up[node] === 1 || flavor < 0 || cluster.closed.has(node)) continue;
      const { cpuMilli, memoryMib, gpuCount } = cluster.flavorOf(node);
      const lost = usage.unitsOfPod(flavor, { cpuMilli, memoryMib, gpuTotalMilli: gpuCount * GPU_MILLI });
      units[flavor] = Math.max(0, (units[flavor] as number) - lost);
    }
    return units;
  }
}
