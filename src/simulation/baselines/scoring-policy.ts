/**
 * A policy given by a score alone: it takes the highest-scoring node, the first among equals, and GPUs by best fit.
 */
import type { Explanation, PlacementPolicy } from '../../governor/policy/policy.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import { explainScores } from './explain-scores.ts';
import { type NodeScore, ScoreScan } from './score-scan.ts';

/** Chooses by one score. The base of the baselines that differ in their score alone. */
export class ScoringPolicy implements PlacementPolicy {
  readonly name: string;
  gpuMask = 0;
  nodesExamined = 0;
  protected readonly cluster: ClusterState;
  protected readonly scan: ScoreScan;

  constructor(name: string, cluster: ClusterState, score: NodeScore) {
    this.name = name;
    this.cluster = cluster;
    this.scan = new ScoreScan(cluster, score);
  }

  choose(demand: Demand): number {
    this.nodesExamined = this.cluster.nodeCount;
    const node = this.scan.best(demand);
    if (node >= 0) this.gpuMask = this.cluster.bestFitGpus(node, demand);
    return node;
  }

  nodeChanged(node: number): void {
    this.scan.nodeChanged(node);
  }

  explain(demand: Demand, chosen?: number): Explanation {
    return explainScores(this.name, this.cluster, this.scan, demand, chosen);
  }
}
