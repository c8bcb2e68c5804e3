/**
 * The jobs that wait, by shape, and which shapes are worth a try.
 *
 * For every waiting shape there is an upper bound of how many of its pods could be placed now: what was found at
 * the last attempt plus what released nodes have room for since. A shape is eligible while its bound reaches its
 * gang's minimum; so nothing is tried in vain that cannot have become possible, and nothing that became possible
 * is forgotten, however long it is postponed.
 *
 * Invariants: a shape with waiting jobs is either active (linked under its demand's row) or parked (impossible:
 * never tried until a node joins); eligible shapes are active; row columns repeat their demand's requests.
 */
import type { ClusterState } from '../model/cluster-state.ts';
import type { Demand, DemandTable } from '../model/demand.ts';
import { podsFitting } from './zone-capacity.ts';
import { EligibleShapes } from './zone-eligible.ts';
import { goesBefore, heapPush, heapRemove } from './zone-heap.ts';
import type { JobTable } from './zone-jobs.ts';
import type { ShapeTable } from './zone-shapes.ts';

/** A bound that says nothing: the shape was not tried since it became first, or anything may have changed. */
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
  /** Shapes whose first job is worth a try. */
  readonly eligible: EligibleShapes;
  /** Shapes parked as impossible, in no order. */
  readonly parked: number[] = [];

  /** [shape] the job that goes first, −1 if none waits. */
  readonly heads: number[] = [];
  /** [shape] jobs waiting. */
  readonly counts: number[] = [];
  /** [shape] upper bound of the pods that could be placed now, at most BOUND_UNKNOWN. */
  readonly bounds: number[] = [];
  /** [shape] position in `touched nodes` from which on a one-pod shape may still fit; see `ZoneRetries`. */
  readonly cursors: number[] = [];
  /** Demands with active shapes. @shape [rows] demand ids. */
  rowDemands: Int32Array = new Int32Array(16);
  /** Rows in use. */
  rowCount = 0;

  private readonly jobs: JobTable;
  private readonly shapes: ShapeTable;
  private readonly demands: DemandTable;
  private readonly states: number[] = [];
  private readonly nextsInDemand: number[] = [];
  private readonly prevsInDemand: number[] = [];
  /** [shape] position in `parked`, if it is parked. */
  private readonly parkedPositions: number[] = [];
  /** [demand] its row, −1 if none of its shapes is active. */
  private readonly rowOfDemand: number[] = [];
  private readonly firstInDemand: number[] = [];
  /** Requests by row. @shape [rows] */
  private rowCpuMilli: Int32Array = new Int32Array(16);
  private rowMemoryMib: Int32Array = new Int32Array(16);
  private rowGpuMilli: Int32Array = new Int32Array(16);

  constructor(jobs: JobTable, shapes: ShapeTable, demands: DemandTable) {
    this.jobs = jobs;
    this.shapes = shapes;
    this.demands = demands;
    this.eligible = new EligibleShapes(jobs, shapes, this.heads);
  }

  /** Jobs that could be tried: those not parked. */
  get activeJobCount(): number {
    return this.jobCount - this.parkedJobCount;
  }

  /** @returns Whether jobs of this shape wait. */
  holds(shape: number): boolean {
    return shape < this.heads.length && (this.heads[shape] as number) >= 0;
  }

  /** @returns Whether the shape's jobs are parked as impossible. */
  isParked(shape: number): boolean {
    return this.states[shape] === PARKED;
  }

  /**
   * Adds a job of `jobs.shapes[job]`. O(1).
   *
   * @param bound  For the first job of its shape: how many pods could be placed.
   * @param parked For the first job of its shape: whether it is impossible.
   */
  push(job: number, bound: number, parked: boolean): void {
    const shape = this.jobs.shapes[job] as number;
    this.ensure(shape);
    const head = this.heads[shape] as number;
    this.heads[shape] = heapPush(this.jobs, head, job);
    this.counts[shape] = (this.counts[shape] as number) + 1;
    this.jobCount++;
    if (head >= 0) this.headMoved(shape, head);
    else if (parked) this.park(shape);
    else this.activate(shape, bound);
    if (this.states[shape] === PARKED) this.parkedJobCount++;
  }

  /** Removes a waiting job. Amortised O(log of the jobs of its shape). */
  remove(job: number): void {
    const shape = this.jobs.shapes[job] as number;
    if (this.states[shape] === PARKED) this.parkedJobCount--;
    const before = this.heads[shape] as number;
    const head = heapRemove(this.jobs, before, job);
    if (head < 0) this.empty(shape);
    this.heads[shape] = head;
    if (head >= 0) this.headMoved(shape, before);
    this.counts[shape] = (this.counts[shape] as number) - 1;
    this.jobCount--;
  }

  /** Takes a parked shape among those that are tried, with an unknown bound. */
  unpark(shape: number): void {
    this.parkedJobCount -= this.counts[shape] as number;
    this.unlistParked(shape);
    this.activate(shape, BOUND_UNKNOWN);
  }

  /** Sets an active shape's bound, and thereby whether it is eligible. O(log of the eligible shapes). */
  setBound(shape: number, bound: number): void {
    this.bounds[shape] = bound;
    const eligible = bound >= (this.shapes.gangMins[shape] as number);
    if (eligible === this.eligible.has(shape)) return;
    if (eligible) this.eligible.add(shape);
    else this.eligible.remove(shape);
  }

  /**
   * Raises the bounds of all shapes with a member that fits on a node whose free resources grew.
   *
   * @param touchedAt Where the node stands among this step's touched nodes.
   */
  raiseFor(cluster: ClusterState, node: number, touchedAt: number): void {
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
        this.raiseDemand(cluster, node, this.rowDemands[row] as number, touchedAt);
      }
    }
  }

  /** Makes all active shapes eligible, whatever their bounds. */
  forgetBounds(): void {
    this.forEachActive((shape) => this.setBound(shape, BOUND_UNKNOWN));
  }

  /** @returns The active shape whose head goes before all others, −1 if none is active. O(active shapes). */
  firstActive(): number {
    let best = -1;
    this.forEachActive((shape) => {
      if (best < 0 || goesBefore(this.jobs, this.heads[shape] as number, this.heads[best] as number)) {
        best = shape;
      }
    });
    return best;
  }

  /** Visits the active shapes, by demand. The visitor must not add or remove jobs. */
  forEachActive(visit: (shape: number) => void): void {
    for (let row = 0; row < this.rowCount; row++) {
      let shape = this.firstInDemand[this.rowDemands[row] as number] as number;
      for (; shape >= 0; shape = this.nextsInDemand[shape] as number) visit(shape);
    }
  }

  /** @returns Whether the row columns repeat what their demand asks for; for the zone's check. */
  rowsAgree(): boolean {
    for (let row = 0; row < this.rowCount; row++) {
      const demand = this.demands.demands[this.rowDemands[row] as number] as Demand;
      if (this.rowOfDemand[demand.id] !== row) return false;
      if (this.rowCpuMilli[row] !== demand.cpuMilli || this.rowMemoryMib[row] !== demand.memoryMib)
        return false;
      if (this.rowGpuMilli[row] !== demand.gpuTotalMilli) return false;
    }
    return true;
  }

  /** Raises the bound of one active shape, whose member fits on the node, as `raiseFor` does. */
  raiseShape(cluster: ClusterState, node: number, shape: number, touchedAt: number): void {
    const bound = this.bounds[shape] as number;
    if (bound === BOUND_UNKNOWN) return;
    if ((this.shapes.podCounts[shape] as number) === 1) {
      if (bound === 0) this.cursors[shape] = touchedAt;
      this.setBound(shape, 1);
      return;
    }
    const demand = this.demands.demands[this.shapes.demandIds[shape] as number] as Demand;
    this.setBound(shape, Math.min(BOUND_UNKNOWN - 1, bound + podsFitting(cluster, node, demand)));
  }

  private raiseDemand(cluster: ClusterState, node: number, demandId: number, touchedAt: number): void {
    if (!cluster.fits(node, this.demands.demands[demandId] as Demand)) return;
    let shape = this.firstInDemand[demandId] as number;
    for (; shape >= 0; shape = this.nextsInDemand[shape] as number) {
      this.raiseShape(cluster, node, shape, touchedAt);
    }
  }

  private activate(shape: number, bound: number): void {
    this.states[shape] = ACTIVE;
    const demandId = this.shapes.demandIds[shape] as number;
    const first = this.firstInDemand[demandId] as number;
    if (first < 0) this.addRow(demandId);
    this.nextsInDemand[shape] = first;
    this.prevsInDemand[shape] = -1;
    if (first >= 0) this.prevsInDemand[first] = shape;
    this.firstInDemand[demandId] = shape;
    this.cursors[shape] = 0;
    this.setBound(shape, bound);
  }

  private park(shape: number): void {
    this.states[shape] = PARKED;
    this.parkedPositions[shape] = this.parked.length;
    this.parked.push(shape);
  }

  private empty(shape: number): void {
    if (this.states[shape] === PARKED) {
      this.unlistParked(shape);
    } else {
      if (this.eligible.has(shape)) this.eligible.remove(shape);
      const demandId = this.shapes.demandIds[shape] as number;
      const before = this.prevsInDemand[shape] as number;
      const after = this.nextsInDemand[shape] as number;
      if (before >= 0) this.nextsInDemand[before] = after;
      else this.firstInDemand[demandId] = after;
      if (after >= 0) this.prevsInDemand[after] = before;
      if (before < 0 && after < 0) this.removeRow(demandId);
    }
    this.states[shape] = EMPTY;
  }

  private unlistParked(shape: number): void {
    const at = this.parkedPositions[shape] as number;
    const last = this.parked.pop() as number;
    if (last !== shape) {
      this.parked[at] = last;
      this.parkedPositions[last] = at;
    }
  }

  /** Tells the eligible shapes, which are ordered by their first jobs, if this one's changed. */
  private headMoved(shape: number, before: number): void {
    if (this.heads[shape] !== before && this.eligible.has(shape)) this.eligible.moved(shape);
  }

  private addRow(demandId: number): void {
    const row = this.rowCount++;
    if (row === this.rowDemands.length) this.widenRows(row * 2);
    const demand = this.demands.demands[demandId] as Demand;
    this.setRow(row, demandId, demand.cpuMilli, demand.memoryMib, demand.gpuTotalMilli);
  }

  private removeRow(demandId: number): void {
    const row = this.rowOfDemand[demandId] as number;
    const last = --this.rowCount;
    if (row !== last) {
      this.setRow(
        row,
        this.rowDemands[last] as number,
        this.rowCpuMilli[last] as number,
        this.rowMemoryMib[last] as number,
        this.rowGpuMilli[last] as number,
      );
    }
    this.rowOfDemand[demandId] = -1;
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
    while (this.heads.length <= shape) {
      const added = this.heads.length;
      this.heads.push(-1);
      this.counts.push(0);
      this.bounds.push(0);
      this.cursors.push(0);
      this.states.push(EMPTY);
      this.nextsInDemand.push(-1);
      this.prevsInDemand.push(-1);
      this.parkedPositions.push(-1);
      const demandId = this.shapes.demandIds[added] as number;
      while (this.firstInDemand.length <= demandId) {
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
