/** What jobs need and what the nodes have, as amounts: milli-GPU, milli-CPU, MiB. */
import type { QueuedJob } from '../../governor/zone/queue-discipline.ts';
import type { ClusterState, Flavor } from '../../model/cluster-state.ts';
import { GPU_MILLI } from '../../model/node.ts';
import type { RoomAmounts } from './room-profile.ts';

/** Number of the kinds of amounts. */
export const AMOUNT_KINDS = 3;

/** Index of milli-GPU. */
export const GPU_AMOUNT = 0;

/** Index of milli-CPU. */
export const CPU_AMOUNT = 1;

/** @returns What that many pods need. */
export function amountsOfPods({ demand }: Pick<QueuedJob, 'demand'>, pods: number): RoomAmounts {
  return [pods * demand.gpuCount * demand.gpuMilli, pods * demand.cpuMilli, pods * demand.memoryMib];
}

/** What the nodes that are up have together. */
export class UpCapacity {
  private readonly cluster: ClusterState;
  /** Undefined: to be counted. */
  private amounts: RoomAmounts | undefined;

  constructor(cluster: ClusterState) {
    this.cluster = cluster;
  }

  /** Nodes joined, came up or went down. */
  changed(): void {
    this.amounts = undefined;
  }

  /** @returns The amounts. O(nodes) after a change. */
  get(): RoomAmounts {
    const { cluster } = this;
    if (this.amounts !== undefined) return this.amounts;
    const sum: [number, number, number] = [0, 0, 0];
    for (let node = 0; node < cluster.nodeCount; node++) {
      if (cluster.up[node] === 0) continue;
      const { gpuCount, cpuMilli, memoryMib } = cluster.flavors[cluster.flavorIds[node] as number] as Flavor;
      sum[0] += gpuCount * GPU_MILLI;
      sum[1] += cpuMilli;
      sum[2] += memoryMib;
    }
    this.amounts = sum;
    return sum;
  }
}
