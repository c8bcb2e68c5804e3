/**
 * The arrival order and node ranks of the published packing benchmark, from a pod list and a seed alone.
 *
 * Invariant: the same lists and seed give the same order as the published runs, draw for draw; the steps and their
 * draws are listed in `docs/packing.md`.
 */
import { GoRandom } from '../../kernel/go-random.ts';
import { TegError } from '../../model/errors.ts';
import type { JobSpec } from '../../model/job.ts';
import { GPU_MILLI, type NodeSpec } from '../../model/node.ts';

/** GPU load that arrives, relative to the cluster's GPUs. */
export const LOAD_RATIO = 1.3;
/** Draws that the published program makes before it shuffles. */
const DRAWS_BEFORE_SHUFFLE = 1;
/** Draws that it makes between tuning the load and ranking the nodes. */
const DRAWS_BEFORE_RANKS = 10;
/** Most arrivals: a list with hardly any GPU demand would have to be repeated without end. */
const ARRIVALS_MAX = 20_000_000;

/** The draws of one seed of the benchmark. */
export interface PackingArrivals {
  /** Rows of the pod list in the order of arrival. @shape [arrivals] */
  readonly order: Int32Array;
  /** Rank of each node: on a tie the lower one wins. @shape [nodes] a permutation of 0 … nodes − 1 */
  readonly ranks: Int32Array;
}

/**
 * Draws arrivals and ranks.
 *
 * @param jobs  Pod list in name order, one pod a row.
 * @param nodes The cluster; ranks go by its names' order.
 * @param seed  The published runs used 42 … 51.
 * @throws TegError TEG_CLUSTER_INVALID without GPUs; TEG_JOB_INVALID where no pod requests any;
 *         TEG_LIMIT_REACHED beyond 20 million arrivals.
 */
export function packingArrivals(
  jobs: readonly JobSpec[],
  nodes: readonly NodeSpec[],
  seed: number,
): PackingArrivals {
  const random = new GoRandom(seed);
  for (let i = 0; i < DRAWS_BEFORE_SHUFFLE; i++) random.nextInt31();
  const rows = Int32Array.from(jobs, (_, row) => row);
  random.shuffle(rows);
  const order = tuneLoad(rows, jobs, clusterGpuMilli(nodes), random);
  for (let i = 0; i < DRAWS_BEFORE_RANKS; i++) random.nextInt31();
  const permutation = random.permutation(nodes.length);
  const byName = nodes.map((_, i) => i).sort((a, b) => compare(nodes[a], nodes[b]));
  const ranks = new Int32Array(nodes.length);
  byName.forEach((node, i) => {
    ranks[node] = permutation[i] as number;
  });
  return { order, ranks };
}

/** @returns The nodes in the order of their ranks. @param ranks A permutation. @shape [nodes] */
export function nodesByRank(nodes: readonly NodeSpec[], ranks: Int32Array): NodeSpec[] {
  const ordered = new Array<NodeSpec>(nodes.length);
  nodes.forEach((node, i) => {
    ordered[ranks[i] as number] = node;
  });
  return ordered;
}

function clusterGpuMilli(nodes: readonly NodeSpec[]): number {
  let sum = 0;
  for (const node of nodes) sum += node.gpuCount * GPU_MILLI;
  if (sum > 0) return sum;
  throw new TegError(
    'TEG_CLUSTER_INVALID',
    `the ${nodes.length} nodes have no GPUs; the packing benchmark measures GPU allocation: give nodes with GPUs`,
  );
}

/** Removes or repeats pods at random until their GPU load is LOAD_RATIO of the cluster's. */
function tuneLoad(
  rows: Int32Array,
  jobs: readonly JobSpec[],
  clusterMilli: number,
  random: GoRandom,
): Int32Array {
  const target = LOAD_RATIO * clusterMilli;
  const order = Array.from(rows);
  let load = 0;
  for (const job of jobs) load += job.gpuCount * job.gpuMilli;
  if (load === 0) {
    throw new TegError(
      'TEG_JOB_INVALID',
      `none of the ${jobs.length} pods requests a GPU; the packing benchmark needs some that do`,
    );
  }
  if (load > target) removeSome(order, jobs, load, target, random);
  else if (load < target) repeatSome(order, jobs, load, target, random);
  return Int32Array.from(order);
}

function removeSome(
  order: number[],
  jobs: readonly JobSpec[],
  load: number,
  target: number,
  random: GoRandom,
): void {
  let left = load;
  while (left > target) {
    const [row] = order.splice(random.nextInt(order.length), 1);
    const job = jobs[row as number] as JobSpec;
    left -= job.gpuCount * job.gpuMilli;
  }
}

/**
 * Stops, as published, at the first drawn pod of which one GPU's share would pass the target; a pod with several
 * GPUs may itself pass it, and then one more is drawn in vain.
 */
function repeatSome(
  order: number[],
  jobs: readonly JobSpec[],
  load: number,
  target: number,
  random: GoRandom,
): void {
  let reached = load;
  for (;;) {
    const row = random.nextInt(jobs.length);
    const job = jobs[row] as JobSpec;
    if (reached + job.gpuMilli > target) return;
    if (order.length >= ARRIVALS_MAX) {
      throw new TegError(
        'TEG_LIMIT_REACHED',
        `more than ${ARRIVALS_MAX} arrivals to load the cluster; expected a pod list with more GPU demand`,
      );
    }
    order.push(row);
    reached += job.gpuCount * job.gpuMilli;
  }
}

function compare(a: NodeSpec | undefined, b: NodeSpec | undefined): number {
  const left = a?.name ?? '';
  const right = b?.name ?? '';
  return left < right ? -1 : left > right ? 1 : 0;
}
