/**
 * The jobs that wait, by shape, and which shapes are worth a try.
 *
 * For every waiting shape there is a bound: at most so many of its pods could be placed now. For gangs it is what
 * the last attempt found plus what nodes that got room can take since; for one-pod shapes it is 0 (nothing fits
 * but maybe on the nodes that this step touched) or unknown. A shape is eligible while its bound reaches its
 * gang's minimum. So nothing is tried that cannot have become possible, and nothing that became possible is
 * forgotten, however long it is postponed.
 *
 * Invariants: a shape with waiting jobs is either active or parked (impossible: not tried until a node joins);
 * eligible shapes are active; active gangs are linked under the row of their demand, and row columns repeat what
 * the demand asks for.
 */
import type { ClusterState } from '../model/cluster-state.ts';
import type { Demand } from '../model/demand.ts';
import { podsFitting } from './zone-capacity.ts';
import type { JobTable } from './zone-jobs.ts';
import { ShapeLines } from './zone-lines.ts';
import { ShapeHeads, ShapeHeap } from './zone-shape-heap.ts';
import type { ShapeTable } from './zone-shapes.ts';

/** A bound that says nothing: anything may have changed since the last attempt. */
export const BOUND_UNKNOWN: number = 2 ** 30;

/** Where a shape's jobs are: nowhere, among those that are tried, or parked as impossible. */
const EMPTY = 0;
const ACTIVE = 1;
const PARKED = 2;

/** Waiting jobs of one zone. Written by its zone only. */
export class WaitingQueue {
  /** Jobs waiting, parked ones included. */
  jobCount = 0;
  /** Jobs waiting as impossible. */
  parkedJobCount = 0;
  /** Jobs of each shape in their order. */
  readonly lines: ShapeLines;
  /** First job of each shape. */
  readonly heads: ShapeHeads = new ShapeHeads();
  /** strict-fifo: all active shapes. best-effort: the active one-pod shapes. */
  readonly active: ShapeHeap;
  /** Eligible one-pod shapes. */
  readonly eligibleSingles: ShapeHeap;
  /** Eligible shapes of more than one pod. */
  readonly eligibleGangs: ShapeHeap;
  /** Shapes parked as impossible, in no order. */
  readonly parked: number[] = [];
  /** [shape] jobs waiting. */
  readonly counts: number[] = [];
  /** [shape] most of its pods that could be placed now, up to BOUND_UNKNOWN. */
  readonly bounds: number[] = [];

  private readonly jobs: JobTable;
  private readonly shapes: ShapeTable;
  private readonly strict: boolean;
  private readonly states: number[] = [];
  /** [shape] position in `parked`, if it is parked. */
  private readonly parkedPositions: number[] = [];
  private readonly nextsInDemand: number[] = [];
  private readonly prevsInDemand: number[] = [];
  /** [demand] first active gang shape, −1 if none. */
  private readonly firstInDemand: number[] = [];
  /** [demand] its row, −1 if it has no active gang shape. */
  private readonly rowOfDemand: number[] = [];
  private rowCount = 0;
  /** Demands with active gang shapes, and what they ask for. @shape [rows] */
  private rowDemands: Int32Array = new Int32Array(16);
  private rowCpuMilli: Int32Array = new Int32Array(16);
  private rowMemoryMib: Int32Array = new Int32Array(16);
  private rowGpuMilli: Int32Array = new Int32Array(16);

  constructor(jobs: JobTable, shapes: ShapeTable, strict: boolean) {
    this.jobs = jobs;
    this.shapes = shapes;
    this.strict = strict;
    this.lines = new ShapeLines(jobs);
    this.active = new ShapeHeap(this.heads, shapes);
    this.eligibleSingles = new ShapeHeap(this.heads, shapes);
    this.eligibleGangs = new ShapeHeap(this.heads, shapes);
  }

  /** Jobs that could be tried: those not parked. */
  get activeJobCount(): number {
    return this.jobCount - this.parkedJobCount;
  }

  /** Eligible shapes. */
  get eligibleCount(): number {
    return this.eligibleSingles.size + this.eligibleGangs.size;
  }

  /** @returns Whether jobs of this shape wait. */
  holds(shape: number): boolean {
    return this.heads.jobOf(shape) >= 0;
  }

  /** @returns Whether jobs of this shape wait and are not impossible. */
  isActive(shape: number): boolean {
    return this.states[shape] === ACTIVE;
  }

  /** @returns Whether the shape's jobs are parked as impossible. */
  isParked(shape: number): boolean {
    return this.states[shape] === PARKED;
  }

  /** @returns Whether the shape is eligible. */
  isEligible(shape: number): boolean {
    return this.eligibleHeap(shape).has(shape);
  }

  /**
   * Adds a job. O(log of the shapes) if it becomes its shape's first, else O(1).
   *
   * @param bound  For the first job of its shape: how many pods could be placed.
   * @param parked For the first job of its shape: whether it is impossible.
   */
  push(job: number, bound: number, parked: boolean): void {
    const shape = this.jobs.shapeOf(job);
    this.ensure(shape);
    const before = this.heads.jobOf(shape);
    this.lines.push(shape, job);
    this.updateHead(shape);
    this.counts[shape] = (this.counts[shape] as number) + 1;
    this.jobCount++;
    if (before >= 0) this.headMoved(shape, before);
    else if (parked) this.park(shape);
    else this.activate(shape, bound);
    if (this.states[shape] === PARKED) this.parkedJobCount++;
  }

  /** Removes a waiting job. Amortised O(log of the jobs of its shape, and of the shapes), O(log of the shapes) mostly. */
  remove(job: number): void {
    const shape = this.jobs.shapeOf(job);
    if (this.states[shape] === PARKED) this.parkedJobCount--;
    const before = this.heads.jobOf(shape);
    this.lines.remove(shape, job);
    this.counts[shape] = (this.counts[shape] as number) - 1;
    this.jobCount--;
    if (this.counts[shape] === 0) this.leave(shape);
    this.updateHead(shape);
    if (this.counts[shape] !== 0) this.headMoved(shape, before);
  }

  /** Takes a parked shape among those that are tried. */
  unpark(shape: number, bound: number): void {
    this.parkedJobCount -= this.counts[shape] as number;
    this.unlistParked(shape);
    this.activate(shape, bound);
  }

  /** Sets an active shape's bound, and thereby whether it is eligible. O(log of the eligible shapes). */
  setBound(shape: number, bound: number): void {
    this.bounds[shape] = bound;
    const heap = this.eligibleHeap(shape);
    const eligible = bound >= (this.shapes.gangMins[shape] as number);
    if (eligible === heap.has(shape)) return;
    if (eligible) heap.add(shape);
    else heap.remove(shape);
  }

  /** Raises the bounds of all gangs with a member that fits on a node whose free resources grew. */
  raiseGangs(cluster: ClusterState, node: number): void {
    const cpu = cluster.freeCpuMilli[node] as number;
    const memory = cluster.freeMemoryMib[node] as number;
    const gpu = cluster.freeGpuMilli[node] as number;
    const { rowCpuMilli, rowMemoryMib, rowGpuMilli } = this;
    for (let row = 0; row < this.rowCount; row++) {
      if (
        (rowGpuMilli[row] as number) <= gpu &&
        (rowCpuMilli[row] as number) <= cpu &&
        (rowMemoryMib[row] as number) <= memory
      ) {
        let shape = this.firstInDemand[this.rowDemands[row] as number] as number;
        const more = podsFitting(cluster, node, this.shapes.demands[shape] as Demand);
        for (; shape >= 0; shape = this.nextsInDemand[shape] as number) this.raise(shape, more);
      }
    }
  }

  /** Raises an active shape's bound. */
  raise(shape: number, more: number): void {
    const bound = this.bounds[shape] as number;
    if (more > 0 && bound !== BOUND_UNKNOWN) this.setBound(shape, Math.min(BOUND_UNKNOWN - 1, bound + more));
  }

  /** Makes all active shapes eligible, whatever their bounds. */
  forgetBounds(): void {
    this.forEachActive((shape) => this.setBound(shape, BOUND_UNKNOWN));
  }

  /** Visits the active shapes, in no order. The visitor must not add or remove jobs. */
  forEachActive(visit: (shape: number) => void): void {
    for (const shape of this.active.items) if (this.shapes.podCounts[shape] === 1) visit(shape);
    for (let row = 0; row < this.rowCount; row++) {
      let shape = this.firstInDemand[this.rowDemands[row] as number] as number;
      for (; shape >= 0; shape = this.nextsInDemand[shape] as number) visit(shape);
    }
  }

  /** @returns Whether heaps and rows hold what they have to; for the zone's check. */
  isSound(): boolean {
    for (let row = 0; row < this.rowCount; row++) {
      const shape = this.firstInDemand[this.rowDemands[row] as number] as number;
      const demand = this.shapes.demands[shape] as Demand;
      if (this.rowOfDemand[demand.id] !== row || this.rowDemands[row] !== demand.id) return false;
      if (this.rowCpuMilli[row] !== demand.cpuMilli || this.rowMemoryMib[row] !== demand.memoryMib)
        return false;
      if (this.rowGpuMilli[row] !== demand.gpuTotalMilli) return false;
    }
    const singles = this.active.items.filter((shape) => this.shapes.podCounts[shape] === 1).length;
    if (!this.strict && singles !== this.active.size) return false;
    return this.active.isSound() && this.eligibleSingles.isSound() && this.eligibleGangs.isSound();
  }

  private eligibleHeap(shape: number): ShapeHeap {
    return this.shapes.podCounts[shape] === 1 ? this.eligibleSingles : this.eligibleGangs;
  }

  private updateHead(shape: number): void {
    const { jobs, heads } = this;
    const job = this.lines.first(shape);
    if (job < 0) heads.set(shape, -1, 0, 0);
    else if (heads.jobOf(shape) !== job) heads.set(shape, job, jobs.priorityOf(job), jobs.rankOf(job));
  }

  /** Puts the shape in its place where it is ordered by its first job, if that changed. */
  private headMoved(shape: number, before: number): void {
    if (this.heads.jobOf(shape) === before) return;
    if (this.active.has(shape)) this.active.moved(shape);
    const heap = this.eligibleHeap(shape);
    if (heap.has(shape)) heap.moved(shape);
  }

  private activate(shape: number, bound: number): void {
    this.states[shape] = ACTIVE;
    const single = this.shapes.podCounts[shape] === 1;
    if (single || this.strict) this.active.add(shape);
    if (!single) this.linkGang(shape);
    this.setBound(shape, bound);
  }

  /** Takes a shape out whose last job leaves. */
  private leave(shape: number): void {
    if (this.states[shape] === PARKED) {
      this.unlistParked(shape);
    } else {
      const heap = this.eligibleHeap(shape);
      if (heap.has(shape)) heap.remove(shape);
      if (this.active.has(shape)) this.active.remove(shape);
      if (this.shapes.podCounts[shape] !== 1) this.unlinkGang(shape);
    }
    this.states[shape] = EMPTY;
  }

  private park(shape: number): void {
    this.states[shape] = PARKED;
    this.parkedPositions[shape] = this.parked.length;
    this.parked.push(shape);
  }

  private unlistParked(shape: number): void {
    const at = this.parkedPositions[shape] as number;
    const last = this.parked.pop() as number;
    if (last !== shape) {
      this.parked[at] = last;
      this.parkedPositions[last] = at;
    }
  }

  private linkGang(shape: number): void {
    const demand = this.shapes.demands[shape] as Demand;
    const first = this.firstInDemand[demand.id] as number;
    this.nextsInDemand[shape] = first;
    this.prevsInDemand[shape] = -1;
    this.firstInDemand[demand.id] = shape;
    if (first >= 0) {
      this.prevsInDemand[first] = shape;
      return;
    }
    const row = this.rowCount++;
    if (row === this.rowDemands.length) this.widenRows(row * 2);
    this.setRow(row, demand.id, demand.cpuMilli, demand.memoryMib, demand.gpuTotalMilli);
  }

  private unlinkGang(shape: number): void {
    const { id } = this.shapes.demands[shape] as Demand;
    const before = this.prevsInDemand[shape] as number;
    const after = this.nextsInDemand[shape] as number;
    if (before >= 0) this.nextsInDemand[before] = after;
    else this.firstInDemand[id] = after;
    if (after >= 0) this.prevsInDemand[after] = before;
    if (before < 0 && after < 0) this.removeRow(this.rowOfDemand[id] as number);
  }

  private removeRow(row: number): void {
    this.rowOfDemand[this.rowDemands[row] as number] = -1;
    const last = --this.rowCount;
    if (row === last) return;
    this.setRow(
      row,
      this.rowDemands[last] as number,
      this.rowCpuMilli[last] as number,
      this.rowMemoryMib[last] as number,
      this.rowGpuMilli[last] as number,
    );
  }

  private setRow(row: number, demandId: number, cpuMilli: number, memoryMib: number, gpuMilli: number): void {
    this.rowDemands[row] = demandId;
    this.rowCpuMilli[row] = cpuMilli;
    this.rowMemoryMib[row] = memoryMib;
    this.rowGpuMilli[row] = gpuMilli;
    this.rowOfDemand[demandId] = row;
  }

  private widenRows(capacity: number): void {
    this.rowDemands = widened(this.rowDemands, capacity);
    this.rowCpuMilli = widened(this.rowCpuMilli, capacity);
    this.rowMemoryMib = widened(this.rowMemoryMib, capacity);
    this.rowGpuMilli = widened(this.rowGpuMilli, capacity);
  }

  /** Gives every shape up to `shape`, and its demand, entries in the columns. */
  private ensure(shape: number): void {
    while (this.counts.length <= shape) {
      const { id } = this.shapes.demands[this.counts.length] as Demand;
      this.lines.addShape();
      this.counts.push(0);
      this.bounds.push(0);
      this.states.push(EMPTY);
      this.parkedPositions.push(-1);
      this.nextsInDemand.push(-1);
      this.prevsInDemand.push(-1);
      while (this.firstInDemand.length <= id) {
        this.firstInDemand.push(-1);
        this.rowOfDemand.push(-1);
      }
    }
  }
}

function widened(from: Int32Array, capacity: number): Int32Array {
  const into = new Int32Array(capacity);
  into.set(from);
  return into;
}
