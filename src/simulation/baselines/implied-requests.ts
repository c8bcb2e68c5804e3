/**
 * The additions of kube-scheduler's scores for pods that name no CPU or memory: 100 millicores and 200 MiB each.
 *
 * Inferred from one change of a node at a time, as `PodKinds` is: a pod that came and took no CPU names none.
 *
 * @source kubernetes/kubernetes v1.34.1, pkg/scheduler/util/pod_resources.go.
 */
import { grown } from '../../kernel/grown.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';

/** Millicores that a pod without a CPU request counts as. */
const CPU_MILLI = 100;
/** MiB that a pod without a memory request counts as. */
const MEMORY_MIB = 200;

/** Sums of implied requests by node. */
export class ImpliedRequests {
  private readonly cluster: ClusterState;
  /** As last seen. @shape [nodes] */
  private pods: Int32Array = new Int32Array(0);
  private freeCpuMilli: Int32Array = new Int32Array(0);
  private freeMemoryMib: Int32Array = new Int32Array(0);
  /** Pods without a request. @shape [nodes] */
  private withoutCpu: Int32Array = new Int32Array(0);
  private withoutMemory: Int32Array = new Int32Array(0);

  constructor(cluster: ClusterState) {
    this.cluster = cluster;
    for (let node = 0; node < cluster.nodeCount; node++) this.see(node);
  }

  /** @returns Millicores that the node's pods count as on top of what they request. */
  cpuMilli(node: number): number {
    return CPU_MILLI * (this.withoutCpu[node] ?? 0);
  }

  /** @returns MiB that the node's pods count as on top of what they request. */
  memoryMib(node: number): number {
    return MEMORY_MIB * (this.withoutMemory[node] ?? 0);
  }

  /** @returns Millicores that a pod counts as. */
  cpuMilliOf(demand: Demand): number {
    return demand.cpuMilli === 0 ? CPU_MILLI : demand.cpuMilli;
  }

  /** @returns MiB that a pod counts as. */
  memoryMibOf(demand: Demand): number {
    return demand.memoryMib === 0 ? MEMORY_MIB : demand.memoryMib;
  }

  /** A pod came to the node or left it, or the node joined. */
  nodeChanged(node: number): void {
    const before = this.pods[node];
    if (before !== undefined) {
      const change = (this.cluster.podCounts[node] as number) - before;
      const empty = this.cluster.podCounts[node] === 0;
      if (this.freeCpuMilli[node] === this.cluster.freeCpuMilli[node] || empty) {
        this.withoutCpu[node] = empty ? 0 : Math.max(0, (this.withoutCpu[node] as number) + change);
      }
      if (this.freeMemoryMib[node] === this.cluster.freeMemoryMib[node] || empty) {
        this.withoutMemory[node] = empty ? 0 : Math.max(0, (this.withoutMemory[node] as number) + change);
      }
    }
    this.see(node);
  }

  private see(node: number): void {
    if (node >= this.pods.length) {
      const length = Math.max(64, node + 1, 2 * this.pods.length, this.cluster.nodeCount);
      this.pods = grown(this.pods, length);
      this.freeCpuMilli = grown(this.freeCpuMilli, length);
      this.freeMemoryMib = grown(this.freeMemoryMib, length);
      this.withoutCpu = grown(this.withoutCpu, length);
      this.withoutMemory = grown(this.withoutMemory, length);
    }
    this.pods[node] = this.cluster.podCounts[node] as number;
    this.freeCpuMilli[node] = this.cluster.freeCpuMilli[node] as number;
    this.freeMemoryMib[node] = this.cluster.freeMemoryMib[node] as number;
  }
}
