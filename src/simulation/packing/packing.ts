/**
 * The packing experiment: pods arrive one at a time, each is placed or dropped, none ever leaves.
 *
 * Invariants: a pod is placed only where it fits (a policy that answers otherwise gets an error); the same options give
 * the same columns. Metrics and bins are those of the published benchmark (`docs/packing.md`).
 */
import { Fragmentation, typicalShapes } from '../../field/fragmentation.ts';
import type { PlacementPolicy, PolicyFactory, TypicalWorkload } from '../../governor/policy/policy.ts';
import { Random } from '../../kernel/random.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { type Demand, DemandTable } from '../../model/demand.ts';
import { TegError } from '../../model/errors.ts';
import type { JobSpec } from '../../model/job.ts';
import type { NodeSpec } from '../../model/node.ts';
import { PackingMetrics } from './packing-metrics.ts';

/** One packing experiment. */
export interface PackingOptions {
  /** Nodes in rank order: where two score the same, the earlier one wins. */
  readonly nodes: readonly NodeSpec[];
  /** Pod list; `podCount` is not expanded here: a row stands for one pod. */
  readonly jobs: readonly JobSpec[];
  /** Rows of `jobs` in the order in which they arrive. @shape [arrivals] in [0, jobs) */
  readonly order: Int32Array;
  readonly createPolicy: PolicyFactory;
  /** `list` (default): the policy is given the distribution of `jobs`; `learned`: it sees arrivals only. */
  readonly typical?: 'list' | 'learned';
  /** Seed of the policy's own random stream; default 0. */
  readonly seed?: number;
  /** Microseconds from any origin; absent: decisions are not timed. */
  readonly clockMicros?: () => number;
  /** Called after each arrival with the cluster as it is then. @param node −1: the pod was dropped. */
  readonly observe?: (cluster: ClusterState, node: number) => void;
}

/** Results of one packing experiment. Columns: by arrived GPU load in percent of the cluster's GPUs. */
export interface PackingResult {
  /** Allocated GPUs in percent. @shape [131]; NaN where nothing arrived near that load. */
  readonly alloc: Float64Array;
  /** Fragmented share of the idle GPUs in percent. @shape [131] */
  readonly fragRatio: Float64Array;
  /** Fragmented GPUs in percent of all GPUs. @shape [131] */
  readonly fragAmount: Float64Array;
  readonly arrivals: number;
  readonly dropped: number;
  /** After the last arrival: GPUs, CPU and memory in use, in percent. */
  readonly finalGpuPercent: number;
  readonly finalCpuPercent: number;
  readonly finalMemoryPercent: number;
  /** Mean nodes examined by a decision. */
  readonly nodesExaminedMean: number;
  /** Quantiles of a decision with its updates; NaN without a clock. */
  readonly decisionMicrosP50: number;
  readonly decisionMicrosP99: number;
}

/**
 * Runs one experiment.
 *
 * @throws TegError TEG_POLICY_INVALID if the policy answers with a node or GPUs that do not fit;
 *         TEG_CLUSTER_INVALID for nodes of the same name.
 */
export function runPacking(options: PackingOptions): PackingResult {
  const demands = new DemandTable();
  const demandOfJob = options.jobs.map((job) => demands.intern(job));
  const cluster = new ClusterState(demands, { nodesExpected: options.nodes.length });
  for (const node of options.nodes) cluster.addNode(node);
  const workload = workloadOf(demandOfJob, demands);
  const policy = options.createPolicy({
    cluster,
    random: new Random(options.seed ?? 0, 1),
    ...(options.typical === 'learned' ? {} : { typical: workload }),
  });
  const shapes = typicalShapes(workload.demands, workload.counts, demands);
  const metrics = new PackingMetrics(cluster, new Fragmentation(shapes, cluster));
  return arrive(options, demandOfJob, cluster, policy, metrics);
}

/** The distribution of a pod list. */
function workloadOf(
  demandOfJob: readonly Demand[],
  table: DemandTable,
): TypicalWorkload & { readonly counts: number[] } {
  const counts = new Array<number>(table.demands.length).fill(0);
  for (const demand of demandOfJob) counts[demand.id] = (counts[demand.id] as number) + 1;
  const weights = counts.map((count) => count / demandOfJob.length);
  return { demands: table.demands.slice(), weights, counts };
}

function arrive(
  options: PackingOptions,
  demandOfJob: readonly Demand[],
  cluster: ClusterState,
  policy: PlacementPolicy,
  metrics: PackingMetrics,
): PackingResult {
  const { order, clockMicros } = options;
  const micros = new Float64Array(clockMicros === undefined ? 0 : order.length);
  let examined = 0;
  let dropped = 0;
  for (let i = 0; i < order.length; i++) {
    const demand = demandOfJob[order[i] as number] as Demand;
    const from = clockMicros === undefined ? 0 : clockMicros();
    policy.demandSeen?.(demand);
    const node = policy.choose(demand);
    examined += policy.nodesExamined;
    if (node >= 0) {
      placeChecked(cluster, policy, node, demand);
      policy.nodeChanged?.(node);
    } else {
      dropped++;
    }
    if (clockMicros !== undefined) micros[i] = clockMicros() - from;
    metrics.record(demand, node);
    options.observe?.(cluster, node);
  }
  micros.sort();
  const { capacity } = cluster;
  return {
    ...metrics.columns(),
    arrivals: order.length,
    dropped,
    finalGpuPercent: usedPercent(cluster.freeGpuMilli, cluster.nodeCount, capacity.gpuMilli),
    finalCpuPercent: usedPercent(cluster.freeCpuMilli, cluster.nodeCount, capacity.cpuMilli),
    finalMemoryPercent: usedPercent(cluster.freeMemoryMib, cluster.nodeCount, capacity.memoryMib),
    nodesExaminedMean: examined / order.length,
    decisionMicrosP50: quantile(micros, 0.5),
    decisionMicrosP99: quantile(micros, 0.99),
  };
}

function placeChecked(cluster: ClusterState, policy: PlacementPolicy, node: number, demand: Demand): void {
  if (node >= cluster.nodeCount || !Number.isInteger(node) || !cluster.fits(node, demand)) {
    throw new TegError(
      'TEG_POLICY_INVALID',
      `policy '${policy.name}' chose node ${node}, where the pod does not fit; expected the index of a fitting node or -1`,
    );
  }
  if (!gpusFit(cluster, node, demand, policy.gpuMask)) {
    throw new TegError(
      'TEG_POLICY_INVALID',
      `policy '${policy.name}' chose GPUs 0b${policy.gpuMask.toString(2)} of node ${node}; expected a mask of ${demand.gpuCount} of its GPUs with ${demand.gpuMilli} milli-GPU idle each`,
    );
  }
  cluster.place(node, demand, policy.gpuMask);
}

function gpusFit(cluster: ClusterState, node: number, demand: Demand, gpuMask: number): boolean {
  const begin = cluster.gpuOffsets[node] as number;
  const count = (cluster.gpuOffsets[node + 1] as number) - begin;
  let taken = 0;
  for (let mask = demand.gpuCount === 0 ? 0 : gpuMask; mask !== 0; mask &= mask - 1) {
    const g = 31 - Math.clz32(mask & -mask);
    if (g >= count || (cluster.gpuIdleMilli[begin + g] as number) < demand.gpuMilli) return false;
    taken++;
  }
  return taken === demand.gpuCount;
}

function usedPercent(free: Int32Array, nodeCount: number, capacity: number): number {
  let sum = 0;
  for (let node = 0; node < nodeCount; node++) sum += free[node] as number;
  return (100 * (capacity - sum)) / capacity;
}

function quantile(sorted: Float64Array, q: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number;
}
