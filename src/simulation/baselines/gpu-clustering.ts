/**
 * GPU clustering: nodes run pods of one kind, where a kind is "shares a GPU" or a number of whole GPUs.
 *
 * @source The GpuClustering baseline of Weng et al. 2023, USENIX ATC'23; the formula as in `docs/packing.md`.
 */
import type { PlacementPolicy, PolicyContext } from '../../governor/policy/policy.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import { type Demand, isSharing } from '../../model/demand.ts';
import { GPUS_PER_NODE_MAX } from '../../model/node.ts';
import { LARGEST_GPU_MILLI } from './largest-node.ts';
import { PodKinds } from './pod-kinds.ts';
import { ScoringPolicy } from './scoring-policy.ts';

class GpuClusteringPolicy extends ScoringPolicy {
  private readonly kinds: PodKinds;

  constructor(context: PolicyContext) {
    super('gpu-clustering', context.cluster, (node, demand) =>
      clusteringScore(context.cluster, this.kinds, node, demand),
    );
    this.kinds = new PodKinds(context.cluster);
  }

  override nodeChanged(node: number): void {
    this.kinds.nodeChanged(node);
    super.nodeChanged(node);
  }
}

function clusteringScore(cluster: ClusterState, kinds: PodKinds, node: number, demand: Demand): number {
  if (demand.gpuCount === 0) return 0;
  const used = LARGEST_GPU_MILLI - (cluster.freeGpuMilli[node] as number);
  const base = Math.trunc((25 * used) / LARGEST_GPU_MILLI);
  const running = kinds.running(node);
  if (running === 0) return base + 25;
  const kind = 1 << (isSharing(demand) ? 0 : Math.min(demand.gpuCount, GPUS_PER_NODE_MAX));
  if ((running & kind) === 0) return base;
  return running === kind ? base + 75 : base + 50;
}

/** GPU clustering: the fullest node that runs pods of the same kind (sharing, or as many whole GPUs) and no other. */
export function createGpuClusteringPolicy(context: PolicyContext): PlacementPolicy {
  return new GpuClusteringPolicy(context);
}
