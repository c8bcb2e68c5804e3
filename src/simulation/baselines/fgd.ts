/**
 * Fragmentation gradient descent: the node (and GPU) whose fragmentation grows least, or falls most.
 *
 * The score is cut to an integer and ties go to the first node: both carry the published result (uncut scores
 * spread pods and lose three points).
 *
 * @source Weng et al. 2023, Beware of Fragmentation, USENIX ATC'23, §4.3.
 */

import { Fragmentation, type TypicalShapes, typicalShapes } from '../../field/fragmentation.ts';
import type { Explanation, PlacementPolicy, PolicyContext } from '../../governor/policy/policy.ts';
import { grown } from '../../kernel/grown.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import { type Demand, isSharing } from '../../model/demand.ts';
import { GPU_MILLI, GPUS_PER_NODE_MAX } from '../../model/node.ts';
import { explainScores } from './explain-scores.ts';
import { ScoreScan } from './score-scan.ts';

/** Arrivals after which typical shapes are learned first, where none are given. */
const LEARN_FIRST = 64;
/** Growth of the number of arrivals after which they are learned again. */
const LEARN_GROWTH = 1.25;

/** The policy, and the base of mixtures with it. */
export class FgdPolicy implements PlacementPolicy {
  readonly name = 'fgd';
  gpuMask = 0;
  nodesExamined = 0;
  private readonly cluster: ClusterState;
  /** Integer scores by demand and node. */
  readonly scan: ScoreScan;
  private fragmentation: Fragmentation;
  /** F before a placement, by node; NaN where the node changed since. */
  private before: Float64Array;
  private readonly learning: boolean;
  /** [demand id] → arrivals so far, while learning. */
  private readonly counts: number[] = [];
  private seen = 0;
  private learnAt = LEARN_FIRST;
  /** Scratch: idle parts of one node. */
  private readonly idle = new Uint16Array(GPUS_PER_NODE_MAX);
  /** Mask of the GPUs of the best hypothetical placement of the last `score`. */
  private lastMask = 0;

  constructor(context: PolicyContext) {
    this.cluster = context.cluster;
    this.learning = context.typical === undefined;
    const { demands = [], weights = [], counts = weights } = context.typical ?? {};
    this.fragmentation = this.build(typicalShapes(demands, counts, context.cluster.demands));
    this.before = new Float64Array(context.cluster.nodeCount).fill(Number.NaN);
    this.scan = new ScoreScan(context.cluster, (node, demand) => this.score(node, demand));
  }

  demandSeen(demand: Demand, count = 1): void {
    if (!this.learning) return;
    while (this.counts.length <= demand.id) this.counts.push(0);
    this.counts[demand.id] = (this.counts[demand.id] as number) + count;
    this.seen += count;
    if (this.seen < this.learnAt) return;
    this.learnAt = Math.ceil(this.seen * LEARN_GROWTH);
    const table = this.cluster.demands;
    const shapes = typicalShapes(table.demands.slice(0, this.counts.length), this.counts, table);
    this.fragmentation = this.build(shapes);
    this.before.fill(Number.NaN);
    this.scan.invalidate();
  }

  choose(demand: Demand): number {
    this.nodesExamined = this.cluster.nodeCount;
    const node = this.scan.best(demand);
    if (node >= 0) this.gpuMask = this.gpusOn(node, demand);
    return node;
  }

  /** @returns The mask of the GPUs of a fitting node that fragment least. */
  gpusOn(node: number, demand: Demand): number {
    this.score(node, demand);
    return this.lastMask;
  }

  nodeChanged(node: number): void {
    if (node < this.before.length) this.before[node] = Number.NaN;
    this.scan.nodeChanged(node);
  }

  explain(demand: Demand, chosen?: number): Explanation {
    return explainScores(this.name, this.cluster, this.scan, demand, chosen);
  }

  private build(shapes: TypicalShapes): Fragmentation {
    return new Fragmentation(shapes, this.cluster);
  }

  /** The integer score in 0 … 100 of a fitting node; leaves the GPUs in `lastMask`. */
  private score(node: number, demand: Demand): number {
    const { cluster, idle } = this;
    const begin = cluster.gpuOffsets[node] as number;
    const gpuCount = (cluster.gpuOffsets[node + 1] as number) - begin;
    for (let g = 0; g < gpuCount; g++) idle[g] = cluster.gpuIdleMilli[begin + g] as number;
    const before = this.fragmentationBefore(node);
    if (isSharing(demand)) return this.scoreSharing(node, demand, before, gpuCount);
    this.lastMask = 0;
    let left = demand.gpuCount;
    for (let g = 0; g < gpuCount && left > 0; g++) {
      if (idle[g] !== GPU_MILLI) continue;
      idle[g] = 0;
      this.lastMask |= 1 << g;
      left--;
    }
    return this.scoreAfter(node, demand, before, gpuCount);
  }

  /** Tries each GPU that fits; the first of the best integer score is taken. */
  private scoreSharing(node: number, demand: Demand, before: number, gpuCount: number): number {
    const { idle } = this;
    let best = -1;
    for (let g = 0; g < gpuCount; g++) {
      const r = idle[g] as number;
      if (r < demand.gpuMilli) continue;
      idle[g] = r - demand.gpuMilli;
      const score = this.scoreAfter(node, demand, before, gpuCount);
      idle[g] = r;
      if (score > best) {
        best = score;
        this.lastMask = 1 << g;
      }
    }
    return best;
  }

  private scoreAfter(node: number, demand: Demand, before: number, gpuCount: number): number {
    const { cluster } = this;
    const cpu = (cluster.freeCpuMilli[node] as number) - demand.cpuMilli;
    const after = this.fragmentation.ofState(cluster.flavorIds[node] as number, cpu, this.idle, gpuCount);
    return Math.trunc(100 / (1 + Math.exp((after - before) / 1000)));
  }

  private fragmentationBefore(node: number): number {
    if (node >= this.before.length) {
      this.before = grown(this.before, Math.max(node + 1, 2 * this.before.length), Number.NaN);
    }
    let value = this.before[node] as number;
    if (Number.isNaN(value)) {
      value = this.fragmentation.ofNode(node);
      this.before[node] = value;
    }
    return value;
  }
}

/** Fragmentation gradient descent (FGD): the node whose fragmentation towards the typical workload grows least. */
export function createFgdPolicy(context: PolicyContext): PlacementPolicy {
  return new FgdPolicy(context);
}
