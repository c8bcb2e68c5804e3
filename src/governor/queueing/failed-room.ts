/**
 * What found no room: such jobs are not tried again before there is room for as many pods.
 *
 * For a demand, with the nodes of some reservations closed, a vain attempt says how many pods there was room for. Nodes that get
 * room later add what they can take of it, so that the sum is never too small as long as the policy misses no node. Reservations
 * closed are bits of a mask; what is known behind them is forgotten when one of them moves (`moved`).
 */
import type { Demand } from '../../model/demand.ts';
import type { SchedulingPass } from '../zone/queue-discipline.ts';
import { podsFitting } from '../zone/zone-capacity.ts';

/** Values of a mask of reservations. */
const BITS = 256;

interface Room {
  /** Pods that there is room for, at most. */
  pods: number;
  /** Fewest pods of a gang that found too little. */
  least: number;
}

/** The memory of one queue. */
export class FailedRoom {
  /** [demand × reservations closed] */
  private readonly rooms = new Map<number, Room>();
  /** True if jobs that found no room may find it now, since `settle`. */
  isOver = true;

  /** Of this number of pods of a demand only some found room, with these nodes closed. */
  note(demand: Demand, pods: number, bits: number, found: number): void {
    const key = demand.id * BITS + bits;
    const room = this.rooms.get(key);
    if (room === undefined) this.rooms.set(key, { pods: found, least: pods });
    else {
      room.pods = found;
      room.least = found < room.least ? Math.min(room.least, pods) : pods;
    }
  }

  /** @returns True if this number of pods finds no room with at most these nodes closed. O(subsets of the bits). */
  has(demand: Demand, pods: number, bits: number): boolean {
    if (this.rooms.size === 0) return false;
    for (let subset = bits; ; subset = (subset - 1) & bits) {
      const room = this.rooms.get(demand.id * BITS + subset);
      if (room !== undefined && room.pods < pods) {
        if (pods < room.least) room.least = pods;
        return true;
      }
      if (subset === 0) return false;
    }
  }

  /**
   * Nodes with more room than at the last pass count.
   *
   * @param maskOf Reservations of a node, as bits.
   * @cost O(nodes × demands that found no room).
   */
  forgive(pass: Pick<SchedulingPass, 'cluster' | 'forEachFreed'>, maskOf: (node: number) => number): void {
    const { rooms } = this;
    const { cluster } = pass;
    if (rooms.size === 0) return;
    pass.forEachFreed((node) => {
      const mask = maskOf(node);
      for (const [key, room] of rooms) {
        if ((key & mask & (BITS - 1)) !== 0) continue;
        room.pods += podsFitting(cluster, node, cluster.demands.demands[Math.floor(key / BITS)] as Demand);
        if (room.pods < room.least) continue;
        rooms.delete(key);
        this.isOver = true;
      }
    });
  }

  /** A pass begins in which everything is tried that is not known to find no room. */
  settle(): void {
    this.isOver = false;
  }

  /** Reservations have come, gone, or have other nodes or another start. */
  moved(): void {
    this.isOver = true;
    for (const key of this.rooms.keys()) if (key % BITS !== 0) this.rooms.delete(key);
  }

  /** Everything may have room now. */
  clear(): void {
    this.isOver = true;
    this.rooms.clear();
  }
}
