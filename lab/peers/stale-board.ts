/**
 * A copy of the cluster as of the last refresh: the view of schedulers that do not query the nodes.
 *
 * All of a peer's schedulers read the same board, refreshed at once every `stalenessSeconds`; so their information is
 * at most that old. Only nodes that changed are copied. Not copied: the number of pods of a spread group on a node, so
 * a demand with such a limit may find on the board a node that refuses it.
 */
import type { ClusterState } from '../../src/model/cluster-state.ts';

/** A stale view. As large as the cluster. */
export class StaleBoard {
  /** The past state. Readers may put pods on it, if they take them away again. */
  readonly cluster: ClusterState;
  /** Nodes on which pods had ended before the last refresh: `freed[0 … freedCount)`. @shape [nodes] */
  readonly freed: Int32Array;
  freedCount = 0;
  private readonly source: ClusterState;
  /** Nodes that changed since. @shape [nodes] */
  private readonly changed: Int32Array;
  private changedCount = 0;
  /** @shape [nodes] 1: changed, 2: pods ended on it */
  private readonly changes: Uint8Array;

  /** @param source The true state. @param copy Another cluster of the same nodes, in the same order and state. */
  constructor(source: ClusterState, copy: ClusterState) {
    this.source = source;
    this.cluster = copy;
    this.freed = new Int32Array(source.nodeCount);
    this.changed = new Int32Array(source.nodeCount);
    this.changes = new Uint8Array(source.nodeCount);
  }

  /** A pod was put on a node of the source. */
  filledAt(node: number): void {
    if (this.changes[node] !== 0) return;
    this.changes[node] = 1;
    this.changed[this.changedCount++] = node;
  }

  /** A pod ended on a node of the source. */
  freedAt(node: number): void {
    this.filledAt(node);
    this.changes[node] = 2;
  }

  /** Brings the board up to date with the cluster. O(changes since the last time). */
  refresh(): void {
    this.freedCount = 0;
    for (let i = 0; i < this.changedCount; i++) {
      const node = this.changed[i] as number;
      copyNode(this.source, this.cluster, node);
      if (this.changes[node] === 2) this.freed[this.freedCount++] = node;
      this.changes[node] = 0;
    }
    this.changedCount = 0;
  }
}

function copyNode(from: ClusterState, into: ClusterState, node: number): void {
  into.freeCpuMilli[node] = from.freeCpuMilli[node] as number;
  into.freeMemoryMib[node] = from.freeMemoryMib[node] as number;
  into.freeGpuMilli[node] = from.freeGpuMilli[node] as number;
  into.podCounts[node] = from.podCounts[node] as number;
  const end = from.gpuOffsets[node + 1] as number;
  for (let g = from.gpuOffsets[node] as number; g < end; g++) {
    into.gpuIdleMilli[g] = from.gpuIdleMilli[g] as number;
  }
  for (let r = 0; r < from.freeExtended.length; r++) {
    (into.freeExtended[r] as Float64Array)[node] = (from.freeExtended[r] as Float64Array)[node] as number;
  }
}
