/**
 * Waiting shapes in the order of their first jobs, searchable for the first one that fits.
 *
 * An indexed binary heap in which every position also has the least request of any shape below it. So the first shape
 * that fits a node is found without visiting those behind it, or branches in which none can fit: with a thousand shapes
 * waiting, the end of one job costs a few dozen visits and not a thousand attempts.
 *
 * Invariants: `positions[shape]` is the shape's place or −1; no shape goes before its parent; the minima of a position
 * are those of its own demand and of its children's.
 */

import { assert } from '../../kernel/assert.ts';
import { grown } from '../../kernel/grown.ts';
import type { Demand } from '../../model/demand.ts';
import { goesBefore } from '../queue-order.ts';
import type { ZoneShapeTable } from './zone-shapes.ts';

/** The first waiting job of each shape and its sort keys, copied from the job table for fast reading. */
export class ShapeHeads {
  /** @shape [shapes] job ids, −1 if none waits. */
  jobs: Int32Array = new Int32Array(16).fill(-1);
  /** @shape [shapes] its priority. */
  priorities: Int32Array = new Int32Array(16);
  /** @shape [shapes] its rank. */
  ranks: Float64Array = new Float64Array(16);

  /** @returns The shape's first job, −1 if none waits or the shape is new. */
  jobOf(shape: number): number {
    return shape < this.jobs.length ? (this.jobs[shape] as number) : -1;
  }

  /** Sets the shape's first job. Amortised O(1). */
  set(shape: number, job: number, priority: number, rank: number): void {
    if (shape >= this.jobs.length) this.widen(shape);
    this.jobs[shape] = job;
    this.priorities[shape] = priority;
    this.ranks[shape] = rank;
  }

  /** @returns True if the first job of shape `a` goes before that of shape `b`. */
  before(a: number, b: number): boolean {
    const { priorities, ranks } = this;
    return goesBefore(
      priorities[a] as number,
      ranks[a] as number,
      priorities[b] as number,
      ranks[b] as number,
    );
  }

  private widen(shape: number): void {
    const capacity = Math.max(shape + 1, this.jobs.length * 2);
    this.jobs = grown(this.jobs, capacity, -1);
    this.priorities = grown(this.priorities, capacity);
    this.ranks = grown(this.ranks, capacity);
  }
}

/** A set of shapes, the one whose first job goes first on top. */
export class ShapeHeap {
  /** Shapes in heap order. */
  readonly items: number[] = [];
  private readonly heads: ShapeHeads;
  private readonly shapes: ZoneShapeTable;
  private readonly positions: number[] = [];
  /** Least requests at or below each position. @shape [items] */
  private readonly cpuMilli: number[] = [];
  private readonly memoryMib: number[] = [];
  private readonly gpuMilli: number[] = [];
  /** Positions still to be visited by `search`; a binary heap never has more pending than its height. */
  private readonly pending: Int32Array = new Int32Array(64);

  constructor(heads: ShapeHeads, shapes: ZoneShapeTable) {
    this.heads = heads;
    this.shapes = shapes;
  }

  /** Shapes in the set. */
  get size(): number {
    return this.items.length;
  }

  /** @returns True if the shape is in the set. */
  has(shape: number): boolean {
    return shape < this.positions.length && (this.positions[shape] as number) >= 0;
  }

  /** @returns The first shape, −1 if there is none. */
  first(): number {
    return this.items.length > 0 ? (this.items[0] as number) : -1;
  }

  /** Adds a shape that is not in the set. O(log n). */
  add(shape: number): void {
    assert(!this.has(shape), 'a shape is added that is in the heap');
    while (this.positions.length <= shape) this.positions.push(-1);
    const at = this.items.length;
    this.items.push(shape);
    this.cpuMilli.push(0);
    this.memoryMib.push(0);
    this.gpuMilli.push(0);
    this.rise(at, shape);
    this.refresh(at);
  }

  /** Takes a shape of the set out. O(log n). */
  remove(shape: number): void {
    assert(this.has(shape), 'a shape is removed that is not in the heap');
    const at = this.positions[shape] as number;
    const last = this.items.pop() as number;
    const end = this.items.length;
    this.cpuMilli.pop();
    this.memoryMib.pop();
    this.gpuMilli.pop();
    this.positions[shape] = -1;
    if (end > 0) this.refresh((end - 1) >> 1);
    if (last === shape) return;
    this.settle(at, last);
  }

  /** Restores the position of a shape of the set after its first job changed. O(log n). */
  moved(shape: number): void {
    assert(this.has(shape), 'a shape is moved that is not in the heap');
    this.settle(this.positions[shape] as number, shape);
  }

  /**
   * The first shape in order that requests no more than the bounds and that `accepts` takes.
   *
   * @param accepts Called for shapes within the bounds only; must not change the set.
   * @returns       A shape, −1 if there is none.
   */
  search(
    cpuMilliMax: number,
    memoryMibMax: number,
    gpuMilliMax: number,
    accepts: (shape: number) => boolean,
  ): number {
    const { items, cpuMilli, memoryMib, gpuMilli, pending, heads } = this;
    const { demands } = this.shapes;
    let best = -1;
    let depth = 0;
    pending[depth++] = 0;
    while (depth > 0) {
      const at = pending[--depth] as number;
      if (
        at >= items.length ||
        (cpuMilli[at] as number) > cpuMilliMax ||
        (gpuMilli[at] as number) > gpuMilliMax ||
        (memoryMib[at] as number) > memoryMibMax
      ) {
        continue;
      }
      const shape = items[at] as number;
      if (best >= 0 && heads.before(best, shape)) continue;
      const demand = demands[shape] as Demand;
      if (
        demand.cpuMilli <= cpuMilliMax &&
        demand.gpuTotalMilli <= gpuMilliMax &&
        demand.memoryMib <= memoryMibMax &&
        accepts(shape)
      ) {
        best = shape;
        continue;
      }
      pending[depth++] = 2 * at + 2;
      pending[depth++] = 2 * at + 1;
    }
    return best;
  }

  /** @returns True if order, positions and minima hold; for the zone's check. */
  isSound(): boolean {
    return this.items.every((shape, at) => {
      const parent = this.items[(at - 1) >> 1];
      const { cpuMilli, memoryMib, gpuTotalMilli } = this.shapes.demands[shape] as Demand;
      const below = [2 * at + 1, 2 * at + 2].filter((child) => child < this.items.length);
      const least = (own: number, column: readonly number[]): number =>
        Math.min(own, ...below.map((child) => column[child] as number));
      return (
        this.positions[shape] === at &&
        (parent === undefined || !this.heads.before(shape, parent)) &&
        this.cpuMilli[at] === least(cpuMilli, this.cpuMilli) &&
        this.memoryMib[at] === least(memoryMib, this.memoryMib) &&
        this.gpuMilli[at] === least(gpuTotalMilli, this.gpuMilli)
      );
    });
  }

  /** Puts `shape` in its place, coming from position `from`. */
  private settle(from: number, shape: number): void {
    if (this.rise(from, shape) === from) this.refresh(this.sink(from, shape));
    else this.refresh(from);
  }

  private rise(from: number, shape: number): number {
    const { items, positions, heads } = this;
    let at = from;
    while (at > 0) {
      const parent = items[(at - 1) >> 1] as number;
      if (!heads.before(shape, parent)) break;
      items[at] = parent;
      positions[parent] = at;
      at = (at - 1) >> 1;
    }
    items[at] = shape;
    positions[shape] = at;
    return at;
  }

  private sink(from: number, shape: number): number {
    const { items, positions, heads } = this;
    let at = from;
    for (let child = 2 * at + 1; child < items.length; child = 2 * at + 1) {
      const right = child + 1;
      if (right < items.length && heads.before(items[right] as number, items[child] as number)) child = right;
      const lower = items[child] as number;
      if (!heads.before(lower, shape)) break;
      items[at] = lower;
      positions[lower] = at;
      at = child;
    }
    items[at] = shape;
    positions[shape] = at;
    return at;
  }

  /** Recomputes the minima from position `from` up to the root. */
  private refresh(from: number): void {
    const { items, cpuMilli, memoryMib, gpuMilli } = this;
    for (let at = from; at >= 0; at = at === 0 ? -1 : (at - 1) >> 1) {
      const demand = this.shapes.demands[items[at] as number] as Demand;
      let cpu = demand.cpuMilli;
      let memory = demand.memoryMib;
      let gpu = demand.gpuTotalMilli;
      const end = Math.min(2 * at + 3, items.length);
      for (let child = 2 * at + 1; child < end; child++) {
        cpu = Math.min(cpu, cpuMilli[child] as number);
        memory = Math.min(memory, memoryMib[child] as number);
        gpu = Math.min(gpu, gpuMilli[child] as number);
      }
      cpuMilli[at] = cpu;
      memoryMib[at] = memory;
      gpuMilli[at] = gpu;
    }
  }
}
