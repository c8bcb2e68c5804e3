/**
 * Best fit over CPU and GPU, normalised by the largest node of the published benchmark.
 *
 * @source The BestFit baseline of Weng et al. 2023, USENIX ATC'23; the formula as in `docs/packing.md`.
 */
import type { PlacementPolicy, PolicyContext } from '../../governor/policy/policy.ts';
import { LARGEST_CPU_MILLI, LARGEST_GPU_MILLI } from './largest-node.ts';
import { ScoringPolicy } from './scoring-policy.ts';

/** Best fit: the node with the least CPU and GPU left over after the pod. */
export function createBestFitPolicy(context: PolicyContext): PlacementPolicy {
  const { cluster } = context;
  return new ScoringPolicy('best-fit', cluster, (node, demand) => {
    const cpuLeft = (cluster.freeCpuMilli[node] as number) - demand.cpuMilli;
    const gpuLeft = (cluster.freeGpuMilli[node] as number) - demand.gpuTotalMilli;
    const left = (cpuLeft / LARGEST_CPU_MILLI) * 0.5 + (gpuLeft / LARGEST_GPU_MILLI) * 0.5;
    return Math.trunc((1 - left) * 100);
  });
}
