/** Reads a node into the form that the price uses, and maps a price's choice to its GPUs. */
import { GpuChoice, type NodeShape } from '../../field/price.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import { GPU_MILLI } from '../../model/node.ts';

/** Fills `shape` with the free resources of a node. O(GPUs of the node). */
export function readNode(cluster: ClusterState, node: number, shape: NodeShape): void {
  readGpus(
    cluster.gpuIdleMilli,
    cluster.gpuOffsets[node] as number,
    cluster.gpuOffsets[node + 1] as number,
    shape,
  );
  shape.cpuMilli = cluster.freeCpuMilli[node] as number;
  shape.memoryMib = cluster.freeMemoryMib[node] as number;
  shape.extended =
    cluster.freeExtended.length === 0 ? NONE : cluster.freeExtended.map((column) => column[node] ?? 0);
  shape.fresh = cluster.podCounts[node] === 0;
  shape.short = cluster.short.has(node);
  shape.flavorId = cluster.flavorIds[node] as number;
}

/**
 * Fills `shape` with the free resources of a node without some equal pods that are on it. Changes nothing else.
 *
 * @param gpuMasks GPUs of each of those pods. O(GPUs of the node × pods).
 */
export function readNodeWithout(
  cluster: ClusterState,
  node: number,
  demand: Demand,
  gpuMasks: readonly number[],
  shape: NodeShape,
): void {
  readNode(cluster, node, shape);
  const begin = cluster.gpuOffsets[node] as number;
  const idle = cluster.gpuIdleMilli.slice(begin, cluster.gpuOffsets[node + 1]);
  for (const gpuMask of gpuMasks) {
    for (let g = 0; g < idle.length; g++) {
      if ((gpuMask >> g) & 1) idle[g] = (idle[g] as number) + demand.gpuMilli;
    }
  }
  readGpus(idle, 0, idle.length, shape);
  const pods = gpuMasks.length;
  shape.cpuMilli += pods * demand.cpuMilli;
  shape.memoryMib += pods * demand.memoryMib;
  shape.extended = shape.extended.map((free, r) => free + pods * (demand.extended[r] ?? 0));
  shape.fresh = cluster.podCounts[node] === pods;
}

/** Sorts the idle parts of a node's GPUs into the fields of `shape`. */
function readGpus(idle: Uint16Array, begin: number, end: number, shape: NodeShape): void {
  let whole = 0;
  let a = 0;
  let b = 0;
  let d = 0;
  let rest = 0;
  for (let g = begin; g < end; g++) {
    const part = idle[g] as number;
    if (part === GPU_MILLI) whole++;
    else if (part > a) {
      rest += d;
      d = b;
      b = a;
      a = part;
    } else if (part > b) {
      rest += d;
      d = b;
      b = part;
    } else if (part > d) {
      rest += d;
      d = part;
    } else rest += part;
  }
  shape.whole = whole;
  shape.a = a;
  shape.b = b;
  shape.d = d;
  shape.rest = rest;
}

const NONE: readonly number[] = [];

/**
 * The GPUs a pod gets on a node after `price.cost(shape, …)` chose: whole GPUs lowest number first, a partial one by
 * its idle part (lowest number on ties).
 *
 * @returns Mask of GPU numbers.
 */
export function chosenGpus(
  cluster: ClusterState,
  node: number,
  demand: Demand,
  shape: NodeShape,
  choice: number,
): number {
  if (demand.gpuCount === 0) return 0;
  if (choice === GpuChoice.Whole) return idleGpus(cluster, node, demand.gpuCount, GPU_MILLI);
  const part = choice === GpuChoice.First ? shape.a : choice === GpuChoice.Second ? shape.b : shape.d;
  return idleGpus(cluster, node, 1, part);
}

/** The first `count` GPUs whose idle part is exactly `milli`. */
function idleGpus(cluster: ClusterState, node: number, count: number, milli: number): number {
  const begin = cluster.gpuOffsets[node] as number;
  const end = cluster.gpuOffsets[node + 1] as number;
  let mask = 0;
  let left = count;
  for (let g = begin; g < end && left > 0; g++) {
    if (cluster.gpuIdleMilli[g] === milli) {
      mask |= 1 << (g - begin);
      left--;
    }
  }
  return mask;
}
