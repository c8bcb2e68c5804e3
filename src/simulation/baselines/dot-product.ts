/**
 * Dot product of a pod's requests and the free amounts, after Tetris; here the node that matches least wins.
 *
 * @source Grandl et al. 2014, Multi-resource packing for cluster schedulers, SIGCOMM; as the DotProd baseline of
 *         Weng et al. 2023, USENIX ATC'23.
 */
import type { PlacementPolicy, PolicyContext } from '../../governor/policy/policy.ts';
import { LARGEST_CPU_MILLI, LARGEST_GPU_MILLI } from './largest-node.ts';
import { ScoringPolicy } from './scoring-policy.ts';

/** Dot product: the node whose free CPU and GPU, times the pod's, sum to the least. */
export function createDotProductPolicy(context: PolicyContext): PlacementPolicy {
  const { cluster } = context;
  return new ScoringPolicy('dot-product', cluster, (node, demand) => {
    const cpu =
      ((cluster.freeCpuMilli[node] as number) / LARGEST_CPU_MILLI) * (demand.cpuMilli / LARGEST_CPU_MILLI);
    const gpu =
      ((cluster.freeGpuMilli[node] as number) / LARGEST_GPU_MILLI) *
      (demand.gpuTotalMilli / LARGEST_GPU_MILLI);
    return Math.trunc(100 * (1 - (cpu + gpu) / 2));
  });
}
