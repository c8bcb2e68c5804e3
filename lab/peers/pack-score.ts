/** Packing scores of a pod on a node, by which peers choose among fitting nodes. Higher is better. */
import type { ClusterState } from '../../src/model/cluster-state.ts';
import type { Demand } from '../../src/model/demand.ts';
import { GPU_MILLI } from '../../src/model/node.ts';

/** Weight of GPUs, for pods that request some; cores and memory have 1. */
const GPU_WEIGHT = 5;

/**
 * kube-scheduler's NodeResourcesFit with MostAllocated and weights cpu 1, memory 1, GPU 5.
 *
 * @returns In [0, 100], whole.
 * @source kubernetes v1.34, pkg/scheduler/framework/plugins/noderesources/most_allocated.go.
 */
export function mostAllocatedScore(cluster: ClusterState, node: number, demand: Demand): number {
  const flavor = cluster.flavorOf(node);
  let sum = 0;
  let weights = 0;
  if (flavor.cpuMilli > 0) {
    sum += percentUsed(flavor.cpuMilli, cluster.freeCpuMilli[node] as number, demand.cpuMilli);
    weights += 1;
  }
  if (flavor.memoryMib > 0) {
    sum += percentUsed(flavor.memoryMib, cluster.freeMemoryMib[node] as number, demand.memoryMib);
    weights += 1;
  }
  if (demand.gpuCount > 0) {
    const capacity = flavor.gpuCount * GPU_MILLI;
    sum += GPU_WEIGHT * percentUsed(capacity, cluster.freeGpuMilli[node] as number, demand.gpuTotalMilli);
    weights += GPU_WEIGHT;
  }
  return weights === 0 ? 0 : Math.floor(sum / weights);
}

function percentUsed(capacity: number, free: number, request: number): number {
  return Math.floor(((capacity - free + request) * 100) / capacity);
}

/**
 * Nomad's best fit, Σ over resources of 10^(free share after), with the sign reversed. Nomad counts cores and memory;
 * GPUs count here too for pods that request some, because a packer that ignores GPUs would not be a fair opponent.
 *
 * @returns In (−30, −2].
 * @source hashicorp/nomad, nomad/structs/funcs.go, ScoreFitBinPack; the form is BestFit v3 of Google's work on job
 *   packing.
 */
export function binPackScore(cluster: ClusterState, node: number, demand: Demand): number {
  const flavor = cluster.flavorOf(node);
  let sum = 10 ** freeShare(flavor.cpuMilli, cluster.freeCpuMilli[node] as number, demand.cpuMilli);
  sum += 10 ** freeShare(flavor.memoryMib, cluster.freeMemoryMib[node] as number, demand.memoryMib);
  if (demand.gpuCount > 0) {
    const free = cluster.freeGpuMilli[node] as number;
    sum += 10 ** freeShare(flavor.gpuCount * GPU_MILLI, free, demand.gpuTotalMilli);
  }
  return -sum;
}

function freeShare(capacity: number, free: number, request: number): number {
  return capacity > 0 ? (free - request) / capacity : 0;
}
