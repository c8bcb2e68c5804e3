/**
 * Power and fragmentation: a mixture of two scores, the power that a pod adds (PWR), normalised over the nodes that fit, and
 * that of fragmentation gradient descent.
 *
 * @source Lettich et al. 2024, Power- and Fragmentation-aware Online Scheduling for GPU Datacenters, arXiv 2412.17484, §IV:
 *         α = 0.1 is their balance of both.
 */
import { NodePower } from '../../field/node-power.ts';
import type { Explanation, PlacementPolicy, PolicyContext } from '../../governor/policy/policy.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import { explainScores } from './explain-scores.ts';
import { FgdPolicy } from './fgd.ts';
import { isFit, ScoreScan } from './score-scan.ts';

/** Part of PWR in the score. */
const ALPHA = 0.1;
/** Normalised scores lie in 0 … 100, as integers. */
const SCORE_SPAN = 100;

class PwrFgdPolicy implements PlacementPolicy {
  readonly name = 'pwr-fgd';
  gpuMask = 0;
  nodesExamined = 0;
  private readonly cluster: ClusterState;
  private readonly fgd: FgdPolicy;
  private readonly added: ScoreScan;
  private readonly alpha: number;

  constructor(context: PolicyContext, alpha: number) {
    const power = new NodePower(context.cluster);
    this.cluster = context.cluster;
    this.alpha = alpha;
    this.fgd = new FgdPolicy(context);
    this.added = new ScoreScan(context.cluster, (node, demand) =>
      Math.trunc(-power.wattsAdded(node, demand)),
    );
  }

  demandSeen(demand: Demand, count = 1): void {
    this.fgd.demandSeen(demand, count);
  }

  nodeChanged(node: number): void {
    this.fgd.nodeChanged(node);
    this.added.nodeChanged(node);
  }

  choose(demand: Demand): number {
    const { cluster, added, fgd } = this;
    this.nodesExamined = cluster.nodeCount;
    const watts = added.column(demand);
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (let node = 0; node < cluster.nodeCount; node++) {
      const score = added.at(watts, node, demand);
      if (!isFit(score)) continue;
      if (score < least) least = score;
      if (score > most) most = score;
    }
    const shapes = fgd.scan.column(demand);
    let best = -1;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (let node = 0; node < cluster.nodeCount; node++) {
      const score = added.at(watts, node, demand);
      if (!isFit(score)) continue;
      const power = most === least ? SCORE_SPAN : Math.trunc(((score - least) * SCORE_SPAN) / (most - least));
      const mixed = this.alpha * power + (1 - this.alpha) * fgd.scan.at(shapes, node, demand);
      if (mixed > bestScore) {
        bestScore = mixed;
        best = node;
      }
    }
    if (best >= 0) this.gpuMask = fgd.gpusOn(best, demand);
    return best;
  }

  explain(demand: Demand, chosen?: number): Explanation {
    return explainScores(this.name, this.cluster, this.fgd.scan, demand, chosen ?? this.expected(demand));
  }

  /** The answer of `choose`, which must not be changed by it. */
  private expected(demand: Demand): number {
    const { gpuMask, nodesExamined } = this;
    const node = this.choose(demand);
    this.gpuMask = gpuMask;
    this.nodesExamined = nodesExamined;
    return node;
  }
}

/** Power and fragmentation (PWR + FGD): the node where the pod adds little power and little fragmentation. */
export function createPwrFgdPolicy(context: PolicyContext): PlacementPolicy {
  return new PwrFgdPolicy(context, ALPHA);
}
