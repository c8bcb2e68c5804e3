/**
 * Placing one job, all or nothing: asks the policy for one member after the other, and undoes everything if fewer than
 * the gang's minimum find room.
 *
 * The zone has the last word: a choice that does not fit is an error of the policy, never an overfull node.
 */
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import { TegError } from '../../model/errors.ts';
import type { PlacementPolicy } from '../policy/policy.ts';
import type { GangRoomIndex } from './gang-room-index.ts';
import type { HeldPod } from './held-pods.ts';

/** Places and releases members on one cluster through one policy. */
export class GangPlacer {
  /** @shape [members of the last attempt] their nodes. */
  nodes: Int32Array = new Int32Array(16);
  /** @shape [members of the last attempt] their GPUs. */
  gpuMasks: Int32Array = new Int32Array(16);
  private readonly cluster: ClusterState;
  private readonly policy: PlacementPolicy;
  private readonly gangs: GangRoomIndex;

  /** @param gangs Informed of every change before and after it. */
  constructor(cluster: ClusterState, policy: PlacementPolicy, gangs: GangRoomIndex) {
    this.cluster = cluster;
    this.policy = policy;
    this.gangs = gangs;
  }

  /**
   * Places up to `podCount` members, at least `gangMin`.
   *
   * @returns The members that found room. If fewer than `gangMin`, nothing is placed any more; otherwise they
   *          are placed and `nodes` and `gpuMasks` say where. O(podCount) choices.
   * @throws TegError TEG_POLICY_INVALID if the policy chose a node or GPUs without room; nothing is placed then.
   */
  place(demand: Demand, podCount: number, gangMin: number): number {
    if (podCount > this.nodes.length) this.widen(podCount);
    let placed = 0;
    while (placed < podCount) {
      const node = this.policy.choose(demand);
      if (node === -1) break;
      const gpuMask = this.policy.gpuMask;
      if (!holds(this.cluster, node, demand, gpuMask)) {
        this.undo(demand, placed);
        throw this.brokenPromise(node, demand, gpuMask);
      }
      this.gangs.before(node);
      this.cluster.place(node, demand, gpuMask);
      this.gangs.after(node);
      this.nodes[placed] = node;
      this.gpuMasks[placed] = gpuMask;
      placed++;
      this.policy.nodeChanged?.(node);
    }
    if (placed < gangMin) this.undo(demand, placed);
    return placed;
  }

  /** Places a member on each of these nodes, or none. @returns True if all fit. O(nodes × GPUs of a node). */
  placeOn(demand: Demand, nodes: readonly number[]): boolean {
    if (nodes.length > this.nodes.length) this.widen(nodes.length);
    for (const [placed, node] of nodes.entries()) {
      const gpuMask = this.cluster.fits(node, demand) ? gpusWithLeast(this.cluster, node, demand) : undefined;
      if (gpuMask === undefined) {
        this.undo(demand, placed);
        return false;
      }
      this.nodes[placed] = node;
      this.gpuMasks[placed] = gpuMask;
      this.restore(node, demand, gpuMask);
    }
    return true;
  }

  /** Makes pods that were placed before the members of the last attempt. */
  adopt(pods: readonly HeldPod[]): void {
    if (pods.length > this.nodes.length) this.widen(pods.length);
    for (const [member, { node, gpuMask }] of pods.entries()) {
      this.nodes[member] = node;
      this.gpuMasks[member] = gpuMask;
    }
  }

  /** Releases one pod and informs all parts. */
  release(node: number, demand: Demand, gpuMask: number): void {
    this.gangs.before(node);
    this.cluster.release(node, demand, gpuMask);
    this.gangs.after(node);
    this.policy.nodeChanged?.(node);
  }

  /** Places one pod again where it was: takes a `release` back. */
  restore(node: number, demand: Demand, gpuMask: number): void {
    this.gangs.before(node);
    this.cluster.place(node, demand, gpuMask);
    this.gangs.after(node);
    this.policy.nodeChanged?.(node);
  }

  private undo(demand: Demand, placed: number): void {
    for (let member = placed - 1; member >= 0; member--) {
      this.release(this.nodes[member] as number, demand, this.gpuMasks[member] as number);
    }
  }

  private brokenPromise(node: number, demand: Demand, gpuMask: number): TegError {
    return new TegError(
      'TEG_POLICY_INVALID',
      `policy '${this.policy.name}' chose node ${node} with GPUs 0b${(gpuMask >>> 0).toString(2)} for demand ` +
        `${demand.id} (${demand.cpuMilli} mCPU, ${demand.memoryMib} MiB, ${demand.gpuCount} GPUs of ` +
        `${demand.gpuMilli} milli), which has no room there; expected −1 or a node that fits with as many GPU ` +
        'bits as gpuCount: correct its choose()',
    );
  }

  private widen(members: number): void {
    const capacity = Math.max(members, this.nodes.length * 2);
    this.nodes = new Int32Array(capacity);
    this.gpuMasks = new Int32Array(capacity);
  }
}

/** @returns True if the pod can be placed on exactly these GPUs of the node. */
export function holds(cluster: ClusterState, node: number, demand: Demand, gpuMask: number): boolean {
  if (!(Number.isInteger(node) && node >= 0 && node < cluster.nodeCount)) return false;
  if (!cluster.fits(node, demand)) return false;
  const begin = cluster.gpuOffsets[node] as number;
  const count = (cluster.gpuOffsets[node + 1] as number) - begin;
  let taken = 0;
  for (let mask = gpuMask; mask !== 0; mask &= mask - 1) {
    const g = 31 - Math.clz32(mask & -mask);
    if (g >= count || (cluster.gpuIdleMilli[begin + g] as number) < demand.gpuMilli) return false;
    taken++;
  }
  return taken === demand.gpuCount;
}

/** @returns The GPUs of a pod on a node: those with least room that suffices, the first of equals; undefined: too few. */
function gpusWithLeast(
  cluster: ClusterState,
  node: number,
  { gpuCount, gpuMilli }: Demand,
): number | undefined {
  const begin = cluster.gpuOffsets[node] as number;
  const count = (cluster.gpuOffsets[node + 1] as number) - begin;
  let mask = 0;
  for (let taken = 0; taken < gpuCount; taken++) {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let g = 0; g < count; g++) {
      const idle = cluster.gpuIdleMilli[begin + g] as number;
      if ((mask & (1 << g)) !== 0 || idle < gpuMilli || idle >= least) continue;
      best = g;
      least = idle;
    }
    if (best < 0) return undefined;
    mask |= 1 << best;
  }
  return mask;
}
