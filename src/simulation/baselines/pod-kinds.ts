/**
 * Which kinds of GPU pods run on each node: kind 0 shares a GPU, kind k has k whole GPUs.
 *
 * Why inferred: a policy is informed that a node changed, not which pod came or left. One pod at a time changes one GPU
 * in part, or k GPUs as a whole, so the difference to the last known idle parts names its kind.
 * Invariant: exact while changes are reported pod by pod; after a report of several at once the counts are only as good
 * as the changed GPUs allow, and they are exact again once the node is empty.
 */
import { grown } from '../../kernel/grown.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import { GPU_MILLI, GPUS_PER_NODE_MAX } from '../../model/node.ts';

const KINDS = GPUS_PER_NODE_MAX + 1;

/** Counts of running GPU pods by node and kind. */
export class PodKinds {
  private readonly cluster: ClusterState;
  /** Idle parts as last seen. @shape [all GPUs] */
  private idle = new Uint16Array(0);
  /** @shape [nodes × KINDS] */
  private counts = new Int16Array(0);

  constructor(cluster: ClusterState) {
    this.cluster = cluster;
    for (let node = 0; node < cluster.nodeCount; node++) this.nodeChanged(node);
  }

  /** @returns A mask of the kinds that run on a node: bit k for kind k. */
  running(node: number): number {
    let mask = 0;
    const begin = node * KINDS;
    for (let kind = 0; kind < KINDS && begin + kind < this.counts.length; kind++) {
      if ((this.counts[begin + kind] as number) > 0) mask |= 1 << kind;
    }
    return mask;
  }

  /** A pod came to the node or left it. O(GPUs of the node). */
  nodeChanged(node: number): void {
    const { cluster } = this;
    const begin = cluster.gpuOffsets[node] as number;
    const end = cluster.gpuOffsets[node + 1] as number;
    this.grow(node, end);
    let whole = 0;
    for (let g = begin; g < end; g++) {
      const now = cluster.gpuIdleMilli[g] as number;
      const delta = (this.idle[g] as number) - now;
      this.idle[g] = now;
      if (delta === GPU_MILLI) whole++;
      else if (delta === -GPU_MILLI) whole--;
      else if (delta !== 0) this.add(node, 0, Math.sign(delta));
    }
    if (whole !== 0) this.add(node, Math.abs(whole), Math.sign(whole));
    if (cluster.freeGpuMilli[node] === (end - begin) * GPU_MILLI) {
      this.counts.fill(0, node * KINDS, (node + 1) * KINDS);
    }
  }

  private add(node: number, kind: number, change: number): void {
    const at = node * KINDS + kind;
    this.counts[at] = Math.max(0, (this.counts[at] as number) + change);
  }

  /** Room for a node; GPUs not seen before count as idle. */
  private grow(node: number, gpus: number): void {
    if (gpus > this.idle.length) {
      this.idle = grown(this.idle, Math.max(64, gpus, this.idle.length * 2), GPU_MILLI);
    }
    const needed = (node + 1) * KINDS;
    if (needed > this.counts.length) {
      this.counts = grown(this.counts, Math.max(64 * KINDS, needed, this.counts.length * 2));
    }
  }
}
