/**
 * When a gang can start, and where: the running jobs leave in the order of their expected ends, until there is room.
 *
 * The question behind every reservation, of a champion as well as of EASY backfilling's head of the queue. The answer is
 * exact for equal pods if the expected ends are right and nothing else starts on the chosen nodes that stays longer.
 */
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import type { SchedulingPass } from '../zone/queue-discipline.ts';
import { podsFitting } from '../zone/zone-capacity.ts';

/** A running job and when it is expected to end. */
export interface ExpectedEnd {
  readonly job: number;
  /** Seconds, not before now; Infinity: unknown. */
  readonly endSeconds: number;
}

/** When and where a gang can start. */
export interface RoomPlan {
  /** Seconds; not before now. */
  readonly startSeconds: number;
  /** Nodes that together have room for the gang then; those that have no room now come first. */
  readonly nodes: readonly number[];
  /**
   * What keeping these nodes free costs: the time from now that GPUs (CPUs, if the gang needs no GPUs) stand idle on them
   * until the start, if nothing else uses them, also those that are too few for a pod until more are free. Seconds × pods.
   */
  readonly idleSeconds: number;
  /** Pods of other jobs of the same demand that would find room then besides the gang. */
  readonly slotsBeyond: number;
}

/**
 * Finds the earliest start of a gang.
 *
 * Why nodes that are busy now are preferred: what is free now stays open for other jobs, and on equal nodes of one slot
 * each exactly as many stay open as EASY backfilling counts as "extra".
 *
 * @param pods     Pods that have to start together, ≥ 1.
 * @param ends     Running jobs by ascending `endSeconds`; ends at one time count together.
 * @param excluded Nodes that must not be counted on.
 * @returns        Undefined: not even when all jobs with a known end have ended.
 * @cost O(nodes + pods that end before the start), some 0.2 µs each.
 */
export function earliestStart(
  pass: SchedulingPass,
  demand: Demand,
  pods: number,
  ends: Iterable<ExpectedEnd>,
  excluded?: ReadonlySet<number>,
): RoomPlan | undefined {
  const { cluster } = pass;
  const slots = new Int32Array(cluster.nodeCount);
  // Jobs on other nodes alone may end or not: most of them, where a gang names a model of which there are few.
  const matters = new Uint8Array(cluster.nodeCount);
  const serves = cluster.flavors.map(({ id }) => cluster.flavorCouldFit(id, demand));
  let total = 0;
  for (let node = 0; node < cluster.nodeCount; node++) {
    if (excluded?.has(node) === true || serves[cluster.flavorIds[node] as number] === false) continue;
    matters[node] = 1;
    slots[node] = podsFitting(cluster, node, demand);
    total += slots[node] as number;
  }
  const slotsNow = slots.slice();
  const amounts = demand.gpuTotalMilli > 0 ? cluster.freeGpuMilli : cluster.freeCpuMilli;
  const perPod = demand.gpuTotalMilli || Math.max(1, demand.cpuMilli);
  /** [node] Σ over what is free of the time at which it is. */
  const free = new Float64Array(cluster.nodeCount);
  const freeAt = new Float64Array(cluster.nodeCount);
  const now = pass.timeSeconds;
  for (let node = 0; node < cluster.nodeCount; node++) {
    free[node] = amounts[node] as number;
    freeAt[node] = (free[node] as number) * now;
  }
  let startSeconds = now;
  const recount = (node: number): void => {
    if (matters[node] === 0) return;
    const gained = podsFitting(cluster, node, demand) - (slots[node] as number);
    total += gained;
    slots[node] = (slots[node] as number) + gained;
    const more = (amounts[node] as number) - (free[node] as number);
    free[node] = (free[node] as number) + more;
    freeAt[node] = (freeAt[node] as number) + more * startSeconds;
  };
  const fitsNow = total >= pods;
  for (const { job, endSeconds } of fitsNow ? [] : ends) {
    // Ends at one time count together.
    if (endSeconds > startSeconds) {
      if (total >= pods || endSeconds === Number.POSITIVE_INFINITY) break;
      startSeconds = endSeconds;
    }
    pass.peekRelease(job, recount, matters);
  }
  pass.endPeek();
  if (total < pods) return undefined;
  const nodes = chooseNodes(cluster, slots, slotsNow, pods);
  let idleSeconds = 0;
  for (const node of nodes) {
    idleSeconds += ((free[node] as number) * startSeconds - (freeAt[node] as number)) / perPod;
  }
  return { startSeconds, nodes, idleSeconds, slotsBeyond: total - pods };
}

/**
 * @returns True if a gang finds room at this instant: a plan would start now. O(nodes until there is enough), at most all.
 *   The arguments are those of `earliestStart`.
 */
export function fitsNow(
  { cluster }: SchedulingPass,
  demand: Demand,
  pods: number,
  excluded?: ReadonlySet<number>,
): boolean {
  let left = pods;
  for (let node = 0; node < cluster.nodeCount && left > 0; node++) {
    if (excluded?.has(node) !== true) left -= podsFitting(cluster, node, demand);
  }
  return left <= 0;
}

/** Nodes without room now first, of these the roomiest; then the others by what they have now. */
function chooseNodes(
  cluster: ClusterState,
  slots: Int32Array,
  slotsNow: Int32Array,
  pods: number,
): readonly number[] {
  const { nodeCount } = cluster;
  let slotsMost = 0;
  for (let node = 0; node < nodeCount; node++) slotsMost = Math.max(slotsMost, slots[node] as number);
  // One number for each node, so that they are sorted without a comparison function: at most slots² × nodes < 2^53.
  const keys = new Float64Array(nodeCount);
  let count = 0;
  for (let node = 0; node < nodeCount; node++) {
    const then = slots[node] as number;
    if (then === 0) continue;
    const row = (slotsNow[node] as number) * (slotsMost + 1) + slotsMost - then;
    keys[count++] = row * nodeCount + node;
  }
  const order = keys.subarray(0, count).sort();
  const nodes: number[] = [];
  for (let left = pods; left > 0; ) {
    const node = (order[nodes.length] as number) % nodeCount;
    left -= slots[node] as number;
    nodes.push(node);
  }
  return nodes;
}

/** @returns The part of the cluster's GPUs that pods take; of its CPUs if they need no GPUs. O(1). */
export function shareOfCluster({ capacity }: ClusterState, demand: Demand, pods: number): number {
  return demand.gpuTotalMilli > 0
    ? (pods * demand.gpuTotalMilli) / Math.max(1, capacity.gpuMilli)
    : (pods * demand.cpuMilli) / Math.max(1, capacity.cpuMilli);
}
