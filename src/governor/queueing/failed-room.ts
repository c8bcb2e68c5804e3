/** What found no room since room was freed: such jobs are not tried again. Reservations closed are bits of a mask. */
import type { Demand } from '../../model/demand.ts';
import type { SchedulingPass } from '../zone/queue-discipline.ts';

/** Values of a mask of reservations. */
const BITS = 256;

/** The memory of one queue. */
export class FailedRoom {
  /** [demand × reservations closed] fewest pods that found no room. */
  private readonly least = new Map<number, number>();

  /** This number of pods of a demand found no room, with these nodes closed. */
  note(demand: Demand, pods: number, bits: number): void {
    const key = demand.id * BITS + bits;
    this.least.set(key, Math.min(this.least.get(key) ?? Number.POSITIVE_INFINITY, pods));
  }

  /** @returns True if this number of pods, or fewer, found no room with at most these nodes closed. O(subsets of the bits). */
  has(demand: Demand, pods: number, bits: number): boolean {
    if (this.least.size === 0) return false;
    for (let subset = bits; ; subset = (subset - 1) & bits) {
      if ((this.least.get(demand.id * BITS + subset) ?? Number.POSITIVE_INFINITY) <= pods) return true;
      if (subset === 0) return false;
    }
  }

  /**
   * What found no room is tried again where a node with more room than then could take a pod of it. Reservations may have
   * moved: what failed for their nodes is forgiven in any case.
   */
  forgive(pass: SchedulingPass): void {
    const { cluster } = pass;
    for (const key of this.least.keys()) {
      const demand = cluster.demands.demands[Math.floor(key / BITS)] as Demand;
      if (key % BITS !== 0 || pass.someFreed((node) => cluster.fits(node, demand))) this.least.delete(key);
    }
  }

  /** Everything may have room now. */
  clear(): void {
    this.least.clear();
  }
}
