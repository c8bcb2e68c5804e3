/**
 * A plain histogram of what nodes have left, on a logarithmic lattice, and the tree node that merges such summaries.
 *
 * Residuals are rounded down, so a class never promises more than its nodes have. A parent keeps the last summary of
 * every child and adds them up when asked: a summary that arrives twice, late, or out of order changes nothing.
 *
 * Boundaries are products of (1 + e), made by multiplication: the same on every engine, and no logarithm can round a
 * residual into the class above.
 *
 * @source theory §3.
 */

/** Boundaries r_min (1 + e)^k in (0, 1], for one resource as a share of a node's capacity. */
export class LogLattice {
  /** Lower boundary of class k ≥ 1; class 0 holds what is below r_min. */
  readonly floors: Float64Array;

  constructor(coarseness: number, smallest: number) {
    const floors = [0];
    for (let at = smallest; at <= 1; at *= 1 + coarseness) floors.push(at);
    this.floors = Float64Array.from(floors);
  }

  /** Classes, the empty one included. */
  get size(): number {
    return this.floors.length;
  }

  /** @returns The class of a residual: the last whose floor is not above it. O(log classes). */
  classOf(residual: number): number {
    let low = 0;
    let high = this.floors.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.floors[middle] as number) <= residual) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** What the class promises. */
  floorOf(k: number): number {
    return this.floors[k] as number;
  }
}

/** Nodes by class: how many in each occupied class. Merging is addition. */
export type Histogram = ReadonlyMap<number, number>;

/** @returns The sum of two histograms. Commutative and associative: counts are integers. */
export function merged(a: Histogram, b: Histogram): Map<number, number> {
  const sum = new Map(a);
  for (const [key, count] of b) sum.set(key, (sum.get(key) ?? 0) + count);
  return sum;
}

/** @returns Whether two histograms hold the same counts; a missing class counts 0. */
export function sameHistogram(a: Histogram, b: Histogram): boolean {
  const keys = new Set([...a.keys(), ...b.keys()]);
  for (const key of keys) if ((a.get(key) ?? 0) !== (b.get(key) ?? 0)) return false;
  return true;
}

/** A summary on its way: from which child, and its how-manieth. */
export interface Summary {
  readonly child: number;
  /** Rises with every summary of the child. */
  readonly version: number;
  readonly histogram: Histogram;
}

/** A tree node that keeps the last summary of each child. */
export class LastSummaryParent {
  private readonly last = new Map<number, Summary>();

  /** Takes a summary unless a later one of the child is known. */
  receive(summary: Summary): void {
    const known = this.last.get(summary.child);
    if (known === undefined || known.version < summary.version) this.last.set(summary.child, summary);
  }

  /** Forgets a child that is gone. */
  expire(child: number): void {
    this.last.delete(child);
  }

  /** @returns The sum of what the children said last. */
  total(): Map<number, number> {
    let sum = new Map<number, number>();
    for (const { histogram } of this.last.values()) sum = merged(sum, histogram);
    return sum;
  }
}
