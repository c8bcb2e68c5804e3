/**
 * Random placement: the floor that every other policy should beat.
 */
import type { Explanation, PlacementPolicy, PolicyContext } from '../../governor/policy/policy.ts';
import type { Random } from '../../kernel/random.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import { type Demand, isSharing } from '../../model/demand.ts';
import { explainScores } from './explain-scores.ts';
import { ScoreScan } from './score-scan.ts';

class RandomPolicy implements PlacementPolicy {
  readonly name = 'random';
  gpuMask = 0;
  nodesExamined = 0;
  private readonly cluster: ClusterState;
  private readonly random: Random;
  private readonly scan: ScoreScan;

  constructor(context: PolicyContext) {
    this.cluster = context.cluster;
    this.random = context.random;
    this.scan = new ScoreScan(context.cluster, () => 0);
  }

  choose(demand: Demand): number {
    this.nodesExamined = this.cluster.nodeCount;
    const fitting = this.scan.countFitting(demand);
    if (fitting === 0) return -1;
    const node = this.scan.fittingAt(demand, this.random.nextInt(fitting));
    this.gpuMask = isSharing(demand) ? this.anyGpu(node, demand) : this.cluster.bestFitGpus(node, demand);
    return node;
  }

  nodeChanged(node: number): void {
    this.scan.nodeChanged(node);
  }

  explain(demand: Demand, chosen = -1): Explanation {
    return explainScores(this.name, this.cluster, this.scan, demand, chosen);
  }

  /** One of the GPUs that fit a sharing pod, each equally likely. */
  private anyGpu(node: number, demand: Demand): number {
    const idle = this.cluster.gpuIdleMilli;
    const begin = this.cluster.gpuOffsets[node] as number;
    const end = this.cluster.gpuOffsets[node + 1] as number;
    let fitting = 0;
    let chosen = 0;
    for (let g = begin; g < end; g++) {
      if ((idle[g] as number) < demand.gpuMilli) continue;
      fitting++;
      if (this.random.nextInt(fitting) === 0) chosen = g - begin;
    }
    return 1 << chosen;
  }
}

/** Random: a fitting node, each equally likely; a sharing pod gets any of its GPUs that fit. */
export function createRandomPolicy(context: PolicyContext): PlacementPolicy {
  return new RandomPolicy(context);
}
