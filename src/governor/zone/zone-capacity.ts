/**
 * How many equal pods a node or a whole cluster can take: the arithmetic behind gang retries and "impossible".
 *
 * The counts are exact for one node: equal pods can be packed in any order, so filling greedily is best.
 */
import type { ClusterState, Flavor } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import { GPU_MILLI } from '../../model/node.ts';

/** @returns How many pods of a demand fit on a node together now. O(GPUs of the node). */
export function podsFitting(cluster: ClusterState, node: number, demand: Demand): number {
  if (!cluster.fits(node, demand)) return 0;
  const flavor = cluster.flavorOf(node);
  let count = flavor.podsMax - (cluster.podCounts[node] as number);
  if (demand.cpuMilli > 0) {
    count = Math.min(count, Math.floor((cluster.freeCpuMilli[node] as number) / demand.cpuMilli));
  }
  if (demand.memoryMib > 0) {
    count = Math.min(count, Math.floor((cluster.freeMemoryMib[node] as number) / demand.memoryMib));
  }
  if (demand.gpuCount > 0) count = Math.min(count, gpuPods(cluster, node, demand));
  for (let r = 0; r < demand.extended.length; r++) {
    const amount = demand.extended[r] as number;
    if (amount <= 0) continue;
    count = Math.min(count, Math.floor((cluster.freeExtended[r]?.[node] ?? 0) / amount));
  }
  if (demand.podsPerNodeMax > 0) {
    count = Math.min(count, demand.podsPerNodeMax - cluster.groupPods(node, demand.spreadGroupId));
  }
  return count;
}

/** Pods that the node's GPUs can take. */
function gpuPods(cluster: ClusterState, node: number, demand: Demand): number {
  const end = cluster.gpuOffsets[node + 1] as number;
  let parts = 0;
  for (let g = cluster.gpuOffsets[node] as number; g < end; g++) {
    parts += Math.floor((cluster.gpuIdleMilli[g] as number) / demand.gpuMilli);
  }
  parts += cluster.unnumberedGpus(node).idle * Math.floor(GPU_MILLI / demand.gpuMilli);
  return Math.floor(parts / demand.gpuCount);
}

/**
 * True if the cluster, empty and with all nodes up, could hold some pods of a demand together.
 *
 * @param flavorNodes Nodes of each flavour, up or down. @shape [flavours]
 * @param podCount    Pods, ≥ 1.
 * @returns           false: no event but a new node can make room. O(flavours).
 */
export function couldHold(
  cluster: ClusterState,
  flavorNodes: ArrayLike<number>,
  demand: Demand,
  podCount: number,
): boolean {
  let left = podCount;
  for (const flavor of cluster.flavors) {
    const nodes = flavorNodes[flavor.id] ?? 0;
    if (nodes === 0 || !cluster.flavorCouldFit(flavor.id, demand)) continue;
    left -= nodes * podsOnEmpty(flavor, demand, left);
    if (left <= 0) return true;
  }
  return false;
}

/** Pods that an empty node of a flavour that allows them can take, at most `atMost`. */
function podsOnEmpty(flavor: Flavor, demand: Demand, atMost: number): number {
  let count = Math.min(atMost, flavor.podsMax);
  if (demand.cpuMilli > 0) count = Math.min(count, Math.floor(flavor.cpuMilli / demand.cpuMilli));
  if (demand.memoryMib > 0) count = Math.min(count, Math.floor(flavor.memoryMib / demand.memoryMib));
  if (demand.gpuCount > 0) {
    const parts = flavor.gpuCount * Math.floor(GPU_MILLI / demand.gpuMilli);
    count = Math.min(count, Math.floor(parts / demand.gpuCount));
  }
  for (let r = 0; r < demand.extended.length; r++) {
    const amount = demand.extended[r] as number;
    if (amount > 0) count = Math.min(count, Math.floor((flavor.extended[r] ?? 0) / amount));
  }
  return demand.podsPerNodeMax > 0 ? Math.min(count, demand.podsPerNodeMax) : count;
}
