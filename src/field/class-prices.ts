/**
 * The price of a class of nodes to a demand: whether it fits, and the price on the class's rounded-down shape.
 *
 * A class is loaded once and then priced for many demands.
 */

import { grown } from '../kernel/grown.ts';
import { INT32_MAX } from '../kernel/limits.ts';
import type { ClusterState } from '../model/cluster-state.ts';
import type { Demand } from '../model/demand.ts';
import { GPU_MILLI } from '../model/node.ts';
import { CLASS_PARTIAL_STEP_MILLI, type ClassTable } from './class-table.ts';
import type { DemandColumns } from './demand-columns.ts';
import { emptyShape, type NodeShape, type Price } from './price.ts';

/** Fit of a class: surely, on some of its nodes perhaps (by the amounts that rounding cut off), or on none. */
export const Fit = { Surely: 1, Perhaps: 2, Never: 3 } as const;

/** Prices of classes. Single user. */
export class ClassPrices {
  private readonly cluster: ClusterState;
  private readonly classes: ClassTable;
  private price: Price;
  /** V of each class; NaN: not computed yet. @shape [classes] */
  private potentials: Float64Array = new Float64Array(1024).fill(Number.NaN);
  /** The loaded class; −1: none. */
  private id = -1;
  private readonly shape: NodeShape;
  /** Scratch: rows of demands that may fit. */
  private candidates: Int32Array = new Int32Array(64);
  /** The next point of the lattice above its CPU. */
  private cpuAbove = 0;
  private flavorId = 0;
  /** Its V. */
  private before = 0;

  constructor(cluster: ClusterState, classes: ClassTable, price: Price) {
    this.cluster = cluster;
    this.classes = classes;
    this.price = price;
    this.shape = emptyShape();
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

  /** Loads a class. O(1). */
  load(id: number): void {
    // A caller that prices a single node in between loads that node.
    if (id === this.id && this.price.holds(this.shape)) return;
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
    shape.short = classes.anyShort && classes.short[id] === 1;
    shape.flavorId = this.flavorId;
    const { points } = classes.lattice;
    this.cpuAbove = points[(classes.cpuIndexes[id] as number) + 1] ?? Number.POSITIVE_INFINITY;
    this.price.take(shape);
    this.before = this.potential();
  }

  /** @returns One of `Fit`, for the loaded class. O(1). */
  fit(demand: Demand): number {
    const { shape } = this;
    let fit: number = Fit.Surely;
    if (demand.gpuCount > 0) {
      if (demand.gpuMilli === GPU_MILLI || shape.whole > 0) {
        if (shape.whole < demand.gpuCount) return Fit.Never;
      } else if (shape.a < demand.gpuMilli) {
        if (shape.a + CLASS_PARTIAL_STEP_MILLI <= demand.gpuMilli) return Fit.Never;
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

  /** @returns ΔV of a demand that fits the loaded class, milli-GPU, in 32 bits. O(1). */
  cost(demand: Demand): number {
    return Math.fround(this.price.costHere(demand, this.before));
  }

  /**
   * Prices the loaded class for all demands: as `fit` and `cost`, in one loop.
   *
   * @param cells   Gets the costs at `at` + slot; Infinity where a demand does not surely fit.
   * @param perhaps Gets the slots of demands that perhaps fit. @returns How many.
   */
  costs(columns: DemandColumns, cells: Float32Array, at: number, perhaps: Int32Array): number {
    const count = this.findCandidates(columns);
    const { candidates, shape } = this;
    const { slots, demands, special } = columns;
    const { cpuMilli: cpus, memoryMib: memories, sharedMilli } = columns;
    const { cpuMilli, memoryMib } = shape;
    const part = shape.whole > 0 ? GPU_MILLI : shape.a;
    cells.fill(Number.POSITIVE_INFINITY, at, at + slots.length);
    let sure = 0;
    let maybe = 0;
    for (let i = 0; i < count; i++) {
      const row = candidates[i] as number;
      const slot = slots[row] as number;
      let surely =
        (sharedMilli[row] as number) <= part &&
        (cpus[row] as number) <= cpuMilli &&
        (memories[row] as number) <= memoryMib;
      if (special[row] === 1) {
        const demand = demands[slot] as Demand;
        const fit = this.fit(demand);
        if (fit === Fit.Never) continue;
        surely = fit === Fit.Surely;
        if (surely && demand.extended.length > 0) {
          cells[at + slot] = this.cost(demand);
          continue;
        }
      }
      if (surely) candidates[sure++] = row;
      else perhaps[maybe++] = slot;
    }
    this.price.costsHere(columns, candidates, sure, this.before, cells, at);
    return maybe;
  }

  /** Finds the rows of demands that the loaded class may fit, by CPU, memory and GPUs. @returns How many. */
  private findCandidates(columns: DemandColumns): number {
    const { cpuMilli: cpus, memoryMib: memories, wholeGpus, sharedMilli } = columns;
    const { cpuMilli, memoryMib, fresh, whole, a } = this.shape;
    if (this.candidates.length <= cpus.length) this.candidates = new Int32Array(2 * cpus.length + 1);
    const { candidates } = this;
    const partMax = (whole > 0 ? GPU_MILLI : a + CLASS_PARTIAL_STEP_MILLI - 1) | 0;
    const cpuMax = (fresh ? cpuMilli : Math.min(this.cpuAbove - 1, INT32_MAX)) | 0;
    const memoryMax = (fresh ? memoryMib : Math.min(Math.max(memoryMib, 2 * memoryMib - 1), INT32_MAX)) | 0;
    let count = 0;
    for (let row = 0; row < cpus.length; row++) {
      // No branch: the outcome of the fit cannot be predicted. The sign bit is set if any amount is too large.
      const over =
        (whole - (wholeGpus[row] as number)) |
        (partMax - (sharedMilli[row] as number)) |
        (cpuMax - (cpus[row] as number)) |
        (memoryMax - (memories[row] as number));
      candidates[count] = row;
      count += 1 + (over >> 31);
    }
    return count;
  }

  /** @returns V before and after, of the last finite `cost`. */
  parts(): { readonly before: number; readonly after: number } {
    return { before: this.price.before, after: this.price.after };
  }

  /** Bytes of the arrays. */
  get bytes(): number {
    return this.potentials.byteLength + this.candidates.byteLength;
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

  /** V of the loaded class. */
  private potential(): number {
    const { id } = this;
    if (id >= this.potentials.length) this.grow(id + 1);
    let potential = this.potentials[id] as number;
    if (Number.isNaN(potential)) {
      potential = this.price.potentialHere();
      this.potentials[id] = potential;
    }
    return potential;
  }

  private grow(count: number): void {
    this.potentials = grown(this.potentials, Math.max(count, 2 * this.potentials.length), Number.NaN);
  }
}
