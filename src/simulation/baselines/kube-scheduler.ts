/**
 * The node choice of kube-scheduler's default profile: sample nodes that fit in turn, score them, take a best one.
 *
 * Behaviour for one pod: from where the last search ended, 16 workers walk the nodes until enough fit (all below 100
 * nodes, else a share that falls with their number); those are scored. Of equal best scores it draws one up to v1.34;
 * since v1.35 it takes the root of a heap that is built in the order in which the nodes were found, because the random
 * number that should decide is set only where extenders are configured. The scores are NodeResourcesFit and
 * NodeResourcesBalancedAllocation. Left out, because they are the same for every node here: TaintToleration,
 * NodeAffinity (preferred), PodTopologySpread, InterPodAffinity, ImageLocality. Left out too: preemption (no pod has
 * priority over another here), the queue (the zone's own), and the batching of v1.35 (it does nothing for plain pods
 * with the default plugins). Shared GPUs do not exist for kube-scheduler. Here a GPU is a node-level resource counted
 * in thousandths, a pod still has to fit on whole devices (or in one), and gets those of best fit.
 *
 * @source kubernetes/kubernetes v1.34.1, pkg/scheduler: schedule_one.go, framework/plugins/noderesources; the
 *         score of BalancedAllocation since v1.36: pull request 135573.
 */
import type {
  Explanation,
  PlacementPolicy,
  PolicyContext,
  PolicyFactory,
} from '../../governor/policy/policy.ts';
import type { Random } from '../../kernel/random.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import { GPU_MILLI } from '../../model/node.ts';
import { explainScores } from './explain-scores.ts';
import { heapRanks } from './heap-ranks.ts';
import { ImpliedRequests } from './implied-requests.ts';
import { ParallelWalk } from './parallel-walk.ts';
import { isFit, ScoreScan } from './score-scan.ts';

/** The parts of a node's NodeResourcesFit score. */
interface KubeSchedulerOptions {
  readonly name: string;
  /** Prefer nodes with the least, or the most, of their resources allocated. */
  readonly strategy: 'LeastAllocated' | 'MostAllocated';
  /** Weights of the scored resources; integers ≥ 0. */
  readonly weights: { readonly cpu: number; readonly memory: number; readonly gpu: number };
  /** BalancedAllocation: how even the node is with the pod (to v1.35), or how much the pod changes that (v1.36). */
  readonly balance: 'level' | 'change';
  /** Among equal scores: one drawn by lot (to v1.34), or the one that a heap has at its root (since v1.35). */
  readonly ties: 'lot' | 'heap';
}

/** The default profile since v1.36. */
const LEAST_ALLOCATED: KubeSchedulerOptions = {
  name: 'kube-scheduler',
  strategy: 'LeastAllocated',
  weights: { cpu: 1, memory: 1, gpu: 0 },
  balance: 'change',
  ties: 'heap',
};

/** The bin-packing profile: MostAllocated with weights cpu 1, memory 1, nvidia.com/gpu 5. */
const MOST_ALLOCATED: KubeSchedulerOptions = {
  name: 'kube-scheduler-most-allocated',
  strategy: 'MostAllocated',
  weights: { cpu: 1, memory: 1, gpu: 5 },
  balance: 'change',
  ties: 'heap',
};

/** The default profile of v1.34. */
const LEAST_ALLOCATED_1_34: KubeSchedulerOptions = {
  ...LEAST_ALLOCATED,
  name: 'kube-scheduler-1.34',
  balance: 'level',
  ties: 'lot',
};

/** The bin-packing profile of v1.34. */
const MOST_ALLOCATED_1_34: KubeSchedulerOptions = {
  ...MOST_ALLOCATED,
  name: 'kube-scheduler-most-allocated-1.34',
  balance: 'level',
  ties: 'lot',
};

/** Below this many nodes all are examined. */
const NODES_FOR_SAMPLING = 100;
/** Least share of nodes to find, in percent. */
const PERCENT_MIN = 5;

/** @returns The number of fitting nodes that a search wants among `nodeCount`. */
export function feasibleNodesToFind(nodeCount: number): number {
  if (nodeCount < NODES_FOR_SAMPLING) return nodeCount;
  const percent = Math.max(PERCENT_MIN, 50 - Math.floor(nodeCount / 125));
  return Math.max(NODES_FOR_SAMPLING, Math.floor((nodeCount * percent) / 100));
}

class KubeSchedulerPolicy implements PlacementPolicy {
  readonly name: string;
  gpuMask = 0;
  nodesExamined = 0;
  private readonly cluster: ClusterState;
  private readonly random: Random;
  private readonly options: KubeSchedulerOptions;
  private readonly scan: ScoreScan;
  private readonly implied: ImpliedRequests;
  private readonly walk: ParallelWalk;
  /** Of equals, which a heap has at its root, by the order in which they were put in: the least. */
  private heapRanks: Int32Array = new Int32Array(0);
  /** Where the next search begins. */
  private start = 0;

  constructor(context: PolicyContext, options: KubeSchedulerOptions) {
    this.name = options.name;
    this.cluster = context.cluster;
    this.random = context.random;
    this.options = options;
    this.walk = new ParallelWalk(context.random);
    this.implied = new ImpliedRequests(context.cluster);
    this.scan = new ScoreScan(context.cluster, (node, demand) => this.score(node, demand));
  }

  choose(demand: Demand): number {
    const count = this.cluster.nodeCount;
    this.nodesExamined = 0;
    if (count === 0) return -1;
    const wanted = feasibleNodesToFind(count);
    if (this.heapRanks.length < wanted) this.heapRanks = heapRanks(wanted);
    const best = this.search(demand, count, wanted);
    this.start = ((this.start % count) + this.nodesExamined) % count;
    if (best >= 0) this.gpuMask = this.cluster.bestFitGpus(best, demand);
    return best;
  }

  /** Walks the nodes until `wanted` fit. @returns The best of them, or −1. */
  private search(demand: Demand, count: number, wanted: number): number {
    const { scan, walk, random, heapRanks } = this;
    const byLot = this.options.ties === 'lot';
    const scores = scan.column(demand);
    let found = 0;
    let best = -1;
    let bestScore = 0;
    let bestRank = 0;
    let ties = 0;
    walk.begin(count);
    for (let place = walk.next(); place >= 0; place = walk.next()) {
      const node = (this.start + place) % count;
      const score = scan.at(scores, node, demand);
      if (isFit(score)) {
        // The search ends at the first fitting node beyond those wanted, and does not count it as examined.
        if (found === wanted) break;
        const rank = heapRanks[found++] as number;
        if (best < 0 || score > bestScore) {
          best = node;
          bestScore = score;
          bestRank = rank;
          ties = 1;
        } else if (score === bestScore && (byLot ? random.nextInt(++ties) === 0 : rank < bestRank)) {
          best = node;
          bestRank = rank;
        }
      }
      this.nodesExamined++;
    }
    return best;
  }

  nodeChanged(node: number): void {
    this.implied.nodeChanged(node);
    this.scan.nodeChanged(node);
  }

  /** Scores of all fitting nodes; the choice itself sees a sample of them and breaks ties by lot. */
  explain(demand: Demand, chosen?: number): Explanation {
    return explainScores(this.name, this.cluster, this.scan, demand, chosen);
  }

  private score(node: number, demand: Demand): number {
    return this.fitScore(node, demand) + this.balanceScore(node, demand);
  }

  /** Requests count as 100 millicores and 200 MiB where a pod names none. */
  private fitScore(node: number, demand: Demand): number {
    const { cluster, implied } = this;
    const { weights } = this.options;
    const flavor = cluster.flavorOf(node);
    const cpu = flavor.cpuMilli - (cluster.freeCpuMilli[node] as number);
    const memory = flavor.memoryMib - (cluster.freeMemoryMib[node] as number);
    const cpuAfter = cpu + implied.cpuMilli(node) + implied.cpuMilliOf(demand);
    const memoryAfter = memory + implied.memoryMib(node) + implied.memoryMibOf(demand);
    let sum = 0;
    let weightSum = 0;
    if (flavor.cpuMilli > 0) {
      sum += weights.cpu * this.share(cpuAfter, flavor.cpuMilli);
      weightSum += weights.cpu;
    }
    if (flavor.memoryMib > 0) {
      sum += weights.memory * this.share(memoryAfter, flavor.memoryMib);
      weightSum += weights.memory;
    }
    // An extended resource counts only for pods that request it.
    if (demand.gpuCount > 0 && weights.gpu > 0) {
      const capacity = flavor.gpuCount * GPU_MILLI;
      const used = capacity - (cluster.freeGpuMilli[node] as number);
      sum += weights.gpu * this.share(used + demand.gpuTotalMilli, capacity);
      weightSum += weights.gpu;
    }
    return weightSum === 0 ? 0 : Math.floor(sum / weightSum);
  }

  /** 0 … 100: the free part (LeastAllocated) or the used part (MostAllocated), in whole percent. */
  private share(requested: number, capacity: number): number {
    if (this.options.strategy === 'LeastAllocated') {
      return requested > capacity ? 0 : Math.floor(((capacity - requested) * 100) / capacity);
    }
    return Math.floor((Math.min(requested, capacity) * 100) / capacity);
  }

  private balanceScore(node: number, demand: Demand): number {
    if (demand.cpuMilli === 0 && demand.memoryMib === 0 && demand.gpuCount === 0) return 0;
    const { cluster } = this;
    const flavor = cluster.flavorOf(node);
    const cpu = flavor.cpuMilli - (cluster.freeCpuMilli[node] as number);
    const memory = flavor.memoryMib - (cluster.freeMemoryMib[node] as number);
    const after = evenness(
      cpu + demand.cpuMilli,
      flavor.cpuMilli,
      memory + demand.memoryMib,
      flavor.memoryMib,
    );
    if (this.options.balance === 'level') return after;
    const before = evenness(cpu, flavor.cpuMilli, memory, flavor.memoryMib);
    return 50 + Math.trunc((50 + after - before) / 2);
  }
}

/** 0 … 100: 100 less half the difference of the two fractions in percent. */
function evenness(cpu: number, cpuCapacity: number, memory: number, memoryCapacity: number): number {
  if (cpuCapacity === 0 || memoryCapacity === 0) return 100;
  const cpuFraction = Math.min(1, cpu / cpuCapacity);
  const memoryFraction = Math.min(1, memory / memoryCapacity);
  return Math.trunc((1 - Math.abs((cpuFraction - memoryFraction) / 2)) * 100);
}

/** @returns A factory of kube-scheduler with a scoring profile of the caller's choice. */
function kubeSchedulerFactory(options: KubeSchedulerOptions): PolicyFactory {
  return (context) => new KubeSchedulerPolicy(context, options);
}

/** kube-scheduler, default profile (LeastAllocated): spreads pods over a sample of the nodes that fit. */
export const createKubeSchedulerPolicy: PolicyFactory = kubeSchedulerFactory(LEAST_ALLOCATED);

/** kube-scheduler with MostAllocated (cpu 1, memory 1, GPU 5): packs within a sample of the nodes that fit. */
export const createKubeSchedulerMostAllocatedPolicy: PolicyFactory = kubeSchedulerFactory(MOST_ALLOCATED);

/** kube-scheduler v1.34, default profile: scores how even a node is, not how it changes; ties by lot. */
export const createKubeScheduler134Policy: PolicyFactory = kubeSchedulerFactory(LEAST_ALLOCATED_1_34);

/** kube-scheduler v1.34 with MostAllocated (cpu 1, memory 1, GPU 5). */
export const createKubeSchedulerMostAllocated134Policy: PolicyFactory =
  kubeSchedulerFactory(MOST_ALLOCATED_1_34);
