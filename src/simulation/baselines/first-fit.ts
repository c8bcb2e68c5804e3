/**
 * First fit: needs no score, only an order of the nodes.
 */
import type { PlacementPolicy, PolicyContext } from '../../governor/policy/policy.ts';
import type { Demand } from '../../model/demand.ts';
import { ScoringPolicy } from './scoring-policy.ts';

class FirstFitPolicy extends ScoringPolicy {
  constructor(context: PolicyContext) {
    super('first-fit', context.cluster, () => 0);
  }

  override choose(demand: Demand): number {
    const node = this.scan.firstFit(demand);
    this.nodesExamined = node < 0 ? this.cluster.nodeCount : node + 1;
    if (node >= 0) this.gpuMask = this.cluster.bestFitGpus(node, demand);
    return node;
  }
}

/** First fit: the first node, in the order in which nodes joined, that has room. */
export function createFirstFitPolicy(context: PolicyContext): PlacementPolicy {
  return new FirstFitPolicy(context);
}
