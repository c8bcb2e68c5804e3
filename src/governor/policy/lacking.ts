/** Reasons of a failed placement: the nodes by the first thing that each lacks for a demand. */
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';

/** @returns Nodes by the first thing that each lacks for a demand that fits nowhere. O(nodes). */
export function lackingByReason(cluster: ClusterState, demand: Demand): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let node = 0; node < cluster.nodeCount; node++) {
    const reason = firstLack(cluster, node, demand);
    if (reason !== '') counts[reason] = (counts[reason] ?? 0) + 1;
  }
  return counts;
}

function firstLack(cluster: ClusterState, node: number, demand: Demand): string {
  if (cluster.fits(node, demand)) return '';
  const flavor = cluster.flavorOf(node);
  if (cluster.up[node] === 0) return 'down';
  if (!cluster.allows(flavor.id, demand.constraintId)) return 'not allowed by the constraint';
  if ((cluster.podCounts[node] as number) >= flavor.podsMax) return 'too many pods';
  if ((cluster.freeCpuMilli[node] as number) < demand.cpuMilli) return 'insufficient cpu';
  if ((cluster.freeMemoryMib[node] as number) < demand.memoryMib) return 'insufficient memory';
  if (idleGpus(cluster, node, demand.gpuMilli) < demand.gpuCount) return 'insufficient gpu';
  for (let r = 0; r < demand.extended.length; r++) {
    if ((cluster.freeExtended[r]?.[node] ?? 0) < (demand.extended[r] as number)) {
      return `insufficient ${cluster.demands.resourceNames[r]}`;
    }
  }
  return 'spread limit reached';
}

function idleGpus(cluster: ClusterState, node: number, gpuMilli: number): number {
  let count = 0;
  const end = cluster.gpuOffsets[node + 1] as number;
  for (let g = cluster.gpuOffsets[node] as number; g < end; g++) {
    if ((cluster.gpuIdleMilli[g] as number) >= gpuMilli) count++;
  }
  return count;
}
