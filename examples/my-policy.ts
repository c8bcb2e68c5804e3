/**
 * A placement policy of your own: the fitting node with the most free CPU among a few drawn at random.
 *
 * Run it: bin/teg bench packing --policies ./examples/my-policy.ts,fgd …, or --policy ./examples/my-policy.ts
 * wherever a command takes a policy. docs/policies.md explains the interface.
 */
import type { PlacementPolicy, PolicyContext } from '../src/governor/policy/policy.ts';
import type { Demand } from '../src/model/demand.ts';

/** Shown by commands that describe the policy. */
export const description = 'The node with the most free CPU among eight drawn at random.';

/** Nodes drawn for one pod. */
const PROBES = 8;

class RoomiestOfEight implements PlacementPolicy {
  readonly name = 'roomiest-of-eight';
  gpuMask = 0;
  nodesExamined = 0;
  private readonly context: PolicyContext;

  constructor(context: PolicyContext) {
    this.context = context;
  }

  choose(demand: Demand): number {
    const { cluster, random } = this.context;
    let best = -1;
    this.nodesExamined = 0;
    // All randomness comes from the policy's own stream, so that a run with the same seed is the same run.
    for (let probe = 0; probe < PROBES && cluster.nodeCount > 0; probe++) {
      const node = random.nextInt(cluster.nodeCount);
      this.nodesExamined++;
      if (!cluster.fits(node, demand)) continue;
      if (best < 0 || cluster.freeCpuMilli[node]! > cluster.freeCpuMilli[best]!) best = node;
    }
    if (best < 0) best = this.firstFit(demand);
    if (best >= 0) this.gpuMask = cluster.bestFitGpus(best, demand);
    return best;
  }

  /** Near saturation eight probes seldom hit: no pod should wait while there is room for it. */
  private firstFit(demand: Demand): number {
    const { cluster } = this.context;
    for (let node = 0; node < cluster.nodeCount; node++) {
      this.nodesExamined++;
      if (cluster.fits(node, demand)) return node;
    }
    return -1;
  }
}

/** The one export that a policy file must have. */
export function createPolicy(context: PolicyContext): PlacementPolicy {
  return new RoomiestOfEight(context);
}
