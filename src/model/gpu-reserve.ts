/**
 * GPUs of nodes that advertise more of them than a bit mask can name, as time slicing and sharing plugins do.
 *
 * Such GPUs are interchangeable, so that only their number counts. The first `GPUS_PER_NODE_MAX` of a node have numbers
 * as on any node; the others form a reserve behind them. A whole GPU that is taken is replaced from the reserve at
 * once, so its number can be given out again; a returned GPU goes to a number that is taken, or else to the reserve.
 * Invariant: where the reserve of a node has a GPU, none of its numbers is taken by a whole-GPU pod.
 */
import { assert } from '../kernel/assert.ts';

interface Reserve {
  /** All GPUs of the node beyond those with a number. */
  readonly size: number;
  idle: number;
  /** Numbers taken by whole-GPU pods and not replaced. */
  taken: number;
}

/** The reserves of a cluster. Single writer. */
export class GpuReserves {
  private readonly byNode = new Map<number, Reserve>();

  /** Gives a node a reserve. @param size GPUs beyond those with a number, ≥ 1. */
  add(node: number, size: number): void {
    this.byNode.set(node, { size, idle: size, taken: 0 });
  }

  /** @returns GPUs of the node without a number; 0 for nearly every node. */
  size(node: number): number {
    return this.byNode.size === 0 ? 0 : (this.byNode.get(node)?.size ?? 0);
  }

  /** @returns Free GPUs in the reserve. */
  idle(node: number): number {
    return this.byNode.size === 0 ? 0 : (this.byNode.get(node)?.idle ?? 0);
  }

  /** A whole-GPU pod takes the idle GPU `g`. @returns True if another one takes its number. O(1). */
  take(node: number, g: number): boolean {
    const reserve = this.byNode.get(node);
    if (reserve === undefined) return false;
    if (reserve.idle > 0) {
      reserve.idle--;
      return true;
    }
    reserve.taken |= 1 << g;
    return false;
  }

  /**
   * A whole-GPU pod returns the GPU that it took as `g`. @returns The number that is idle again; −1: it went to the
   * reserve. O(1).
   */
  giveBack(node: number, g: number): number {
    const reserve = this.byNode.get(node);
    if (reserve === undefined) return g;
    if (reserve.taken === 0) {
      reserve.idle++;
      assert(reserve.idle <= reserve.size, 'more GPUs given back than taken');
      return -1;
    }
    const bit = reserve.taken & (1 << g) ? 1 << g : reserve.taken & -reserve.taken;
    reserve.taken &= ~bit;
    return 31 - Math.clz32(bit);
  }
}
