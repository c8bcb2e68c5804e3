/**
 * GPU packing: fill GPUs already shared, then idle GPUs of nodes in use, and open an idle node last.
 *
 * @source The GpuPacking baseline of Weng et al. 2023, USENIX ATC'23; the formula as in `docs/packing.md`.
 */
import type { PlacementPolicy, PolicyContext } from '../../governor/policy/policy.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import { GPU_MILLI, GPUS_PER_NODE_MAX } from '../../model/node.ts';
import { ScoringPolicy } from './scoring-policy.ts';

/** Scratch: idle parts of one node's GPUs, least first. */
const sorted: Uint16Array = new Uint16Array(GPUS_PER_NODE_MAX);

/** GPU packing: shared GPUs first, then idle GPUs of nodes in use, idle nodes last. */
export function createGpuPackingPolicy(context: PolicyContext): PlacementPolicy {
  const { cluster } = context;
  return new ScoringPolicy('gpu-packing', cluster, (node, demand) => packingScore(cluster, node, demand));
}

function packingScore(cluster: ClusterState, node: number, demand: Demand): number {
  if (demand.gpuCount === 0) return 0;
  const begin = cluster.gpuOffsets[node] as number;
  const end = cluster.gpuOffsets[node + 1] as number;
  const gpuCount = end - begin;
  const idle = sorted.subarray(0, gpuCount);
  idle.set(cluster.gpuIdleMilli.subarray(begin, end));
  if (idle.every((milli) => milli === GPU_MILLI)) return Math.max(33 - gpuCount, gpuCount);
  idle.sort();
  let left = demand.gpuCount;
  let wholeTaken = 0;
  let idlePercent = 0;
  for (let g = 0; g < gpuCount && left > 0; g++) {
    const milli = idle[g] as number;
    if (milli < demand.gpuMilli) continue;
    if (milli === GPU_MILLI) wholeTaken++;
    idlePercent += Math.floor((milli * 100) / GPU_MILLI);
    left--;
  }
  if (wholeTaken > 0) return Math.max(50 - wholeTaken, 33);
  return Math.max(100 - Math.floor(idlePercent / 10), 50);
}
