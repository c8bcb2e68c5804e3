/**
 * Rules that share the capacity out again in every quantum: a tenant's jobs start while it holds less than its allocation.
 *
 *     quantum 0         1         2         at t = n · quantum: demands (held + waiting) ─▶ allocations, valid until the next
 *
 * Running jobs are not evicted, so that a tenant may hold more than its allocation: then none of its jobs start. A job that needs
 * more than is left of the allocation starts, too: what is held is compared, not what would be. Jobs that need nothing of what is
 * shared always may.
 */
import type { UpCapacity } from '../room-amounts.ts';
import type { RoomAmounts } from '../room-profile.ts';
import type { ShareChangeKind, ShareRule } from './share-rule.ts';
import type { ShareTree } from './share-tree.ts';

/** Length of a quantum: a job may wait for this long before its tenant's demand counts. */
const QUANTUM_SECONDS = 60;

/** A slice is half a GPU (half a core in a cluster without GPUs): half of a whole number of GPUs is a whole number of slices. */
export const SLICES_PER_UNIT = 2;

const SLICE_MILLI = 1000 / SLICES_PER_UNIT;

/** Shares out. */
export interface QuantumShares {
  /**
   * @param demands By node, of leaves: slices, integers ≥ 0. @param units Whole GPUs or cores of the cluster.
   * @param quanta  How many follow one another with these demands, ≥ 1.
   * @returns Slices by leaf in the last of them; may be kept until the next call.
   */
  allocate(demands: readonly number[], units: number, quanta: number): ArrayLike<number>;
}

/** Allocations by quantum. */
export class QuantumRule implements ShareRule {
  private readonly tree: ShareTree;
  private readonly capacity: UpCapacity;
  private readonly kind: number;
  private readonly shares: QuantumShares;
  private readonly quantumSeconds: number;
  private allocations: ArrayLike<number> = [];
  /** Number of the last quantum that was shared out; NaN: none. */
  private last = Number.NaN;

  /** @param kind Index of the amount that is shared. @param quantumSeconds > 0. */
  constructor(
    tree: ShareTree,
    capacity: UpCapacity,
    kind: number,
    shares: QuantumShares,
    quantumSeconds: number = QUANTUM_SECONDS,
  ) {
    this.tree = tree;
    this.capacity = capacity;
    this.kind = kind;
    this.shares = shares;
    this.quantumSeconds = quantumSeconds;
  }

  get dueSeconds(): number {
    return Number.isNaN(this.last) ? Number.POSITIVE_INFINITY : (this.last + 1) * this.quantumSeconds;
  }

  changing(_leaf: number, timeSeconds: number, _amounts: RoomAmounts, _change: ShareChangeKind): void {
    // Demands so far are those of the quanta that began before now.
    this.advance(Math.ceil(timeSeconds / this.quantumSeconds) - 1);
  }

  begin(timeSeconds: number): void {
    this.advance(Math.floor(timeSeconds / this.quantumSeconds));
  }

  keyOf(node: number): number {
    let allocated = 0;
    const { children } = this.tree;
    const below = [node];
    for (let at = below.pop(); at !== undefined; at = below.pop()) {
      allocated += this.allocations[at] ?? 0;
      below.push(...(children[at] as readonly number[]));
    }
    const used = this.tree.nodeAt(node).used[this.kind] as number;
    return allocated === 0 ? Number.POSITIVE_INFINITY : used / allocated;
  }

  mayStart(leaf: number, request: RoomAmounts): boolean {
    const used = this.tree.nodeAt(leaf).used[this.kind] as number;
    return request[this.kind] === 0 || used < (this.allocations[leaf] ?? 0) * SLICE_MILLI;
  }

  private advance(quantum: number): void {
    const quanta = Number.isNaN(this.last) ? 1 : quantum - this.last;
    if (quanta < 1) return;
    this.last = quantum;
    const { nodes, children } = this.tree;
    const demands = nodes.map(({ used, waiting }, node) =>
      (children[node] as readonly number[]).length > 0
        ? 0
        : Math.ceil(((used[this.kind] as number) + (waiting[this.kind] as number)) / SLICE_MILLI),
    );
    const units = Math.floor((this.capacity.get()[this.kind] as number) / (SLICE_MILLI * SLICES_PER_UNIT));
    this.allocations = this.shares.allocate(demands, units, quanta);
  }
}
