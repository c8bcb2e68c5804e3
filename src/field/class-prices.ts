/**
 * What a class of nodes costs a demand: whether it fits, and the price on the class's rounded-down shape.
 *
 * A class is loaded once and then priced for many demands.
 */
import type { ClusterState } from '../model/cluster-state.ts';
import type { Demand } from '../model/demand.ts';
import type { ClassTable } from './class-table.ts';
import type { NodeShape, Price } from './price.ts';

/** Whether a class fits: surely, on some of its nodes perhaps (by what rounding cut off), or on none. */
export const Fit = { Surely: 1, Perhaps: 2, Never: 3 } as const;

/** Prices of classes. Single user. */
export class ClassPrices {
  private readonly cluster: ClusterState;
  private readonly classes: ClassTable;
  private price: Price;
  /** V of each class; NaN: not computed yet. @shape [classes] */
  private potentials: Float64Array = new Float64Array(1024).fill(Number.NaN);
  /** The class at hand; −1: none. */
  private id = -1;
  private readonly shape: NodeShape;
  /** The next point of the lattice above its CPU. */
  private cpuAbove = 0;
  private flavorId = 0;

  constructor(cluster: ClusterState, classes: ClassTable, price: Price) {
    this.cluster = cluster;
    this.classes = classes;
    this.price = price;
    this.shape = {
      cpuMilli: 0,
      memoryMib: 0,
      extended: [],
      whole: 0,
      a: 0,
      b: 0,
      d: 0,
      rest: 0,
      fresh: false,
    };
  }

  /** Replaces the prices. O(classes). */
  use(price: Price): void {
    this.price = price;
    this.potentials.fill(Number.NaN);
    this.id = -1;
  }

  /** Gives classes new ids, in the order of the old ones. @param ids New id by old id, −1: it is gone. O(classes). */
  renumber(ids: Int32Array): void {
    let kept = 0;
    for (let id = 0; id < ids.length && id < this.potentials.length; id++) {
      if ((ids[id] as number) >= 0) this.potentials[kept++] = this.potentials[id] as number;
    }
    this.potentials.fill(Number.NaN, kept);
    this.id = -1;
  }

  /** Takes a class to hand. O(1). */
  load(id: number): void {
    if (id === this.id) return;
    const { classes, shape } = this;
    this.id = id;
    this.flavorId = classes.flavorIds[id] as number;
    shape.cpuMilli = classes.cpuMilli[id] as number;
    shape.memoryMib = classes.memoryMib[id] as number;
    shape.extended = classes.extendedFloors[classes.extendedIds[id] as number] as readonly number[];
    shape.whole = classes.whole[id] as number;
    shape.a = classes.partials[3 * id] as number;
    shape.b = classes.partials[3 * id + 1] as number;
    shape.d = classes.partials[3 * id + 2] as number;
    shape.fresh = classes.fresh[id] === 1;
    const { points } = classes.lattice;
    this.cpuAbove = points[(classes.cpuIndexes[id] as number) + 1] ?? Number.POSITIVE_INFINITY;
  }

  /** @returns One of `Fit`, for the class at hand. O(1). */
  fit(demand: Demand): number {
    const { shape } = this;
    let fit: number = Fit.Surely;
    if (demand.gpuCount > 0) {
      if (demand.gpuMilli === 1000 || shape.whole > 0) {
        if (shape.whole < demand.gpuCount) return Fit.Never;
      } else if (shape.a < demand.gpuMilli) {
        if (shape.a + 9 < demand.gpuMilli) return Fit.Never;
        fit = Fit.Perhaps;
      }
    }
    if (shape.cpuMilli < demand.cpuMilli) {
      if (shape.fresh || this.cpuAbove <= demand.cpuMilli) return Fit.Never;
      fit = Fit.Perhaps;
    }
    if (shape.memoryMib < demand.memoryMib) {
      if (shape.fresh || 2 * shape.memoryMib <= demand.memoryMib) return Fit.Never;
      fit = Fit.Perhaps;
    }
    if (demand.constraintId !== 0 && !this.cluster.allows(this.flavorId, demand.constraintId))
      return Fit.Never;
    return demand.extended.length > 0 ? this.extendedFit(demand, fit) : fit;
  }

  /** @returns ΔV of a demand that fits the class at hand, milli-GPU, in 32 bits. O(1). */
  cost(demand: Demand): number {
    return Math.fround(this.price.cost(this.shape, demand, this.potential()));
  }

  /** @returns V before and after, of the last finite `cost`. */
  parts(): { readonly before: number; readonly after: number } {
    return { before: this.price.before, after: this.price.after };
  }

  /** Bytes of the arrays. */
  get bytes(): number {
    return this.potentials.byteLength;
  }

  private extendedFit(demand: Demand, fit: number): number {
    const { shape } = this;
    let result = fit;
    for (let r = 0; r < demand.extended.length; r++) {
      const need = demand.extended[r] as number;
      const floor = shape.extended[r] ?? 0;
      if (floor >= need) continue;
      if (shape.fresh || Math.max(1, 2 * floor) <= need) return Fit.Never;
      result = Fit.Perhaps;
    }
    return result;
  }

  /** V of the class at hand. */
  private potential(): number {
    const { id } = this;
    if (id >= this.potentials.length) this.grow(id + 1);
    let potential = this.potentials[id] as number;
    if (Number.isNaN(potential)) {
      potential = this.price.potential(this.shape);
      this.potentials[id] = potential;
    }
    return potential;
  }

  private grow(count: number): void {
    const potentials = new Float64Array(Math.max(count, 2 * this.potentials.length)).fill(Number.NaN);
    potentials.set(this.potentials);
    this.potentials = potentials;
  }
}
