/**
 * The jobs that wait, by shape, and which shapes are worth a try.
 *
 * One-pod shapes are fresh (try them on any node) or known not to fit except perhaps on nodes that got room in this
 * step; gangs are tried when there is room for all they need (`gang-room-index.ts`). So no impossible shape is tried,
 * and no shape that became possible is lost, however long it is postponed.
 *
 * Invariants: a shape with waiting jobs is either active or parked (impossible: not tried until a node joins); fresh
 * and eligible shapes are active; every shape is ordered by its line's first job.
 */
import { assert } from '../../kernel/assert.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import { GangRoomIndex } from './gang-room-index.ts';
import type { ZoneJobTable } from './zone-jobs.ts';
import { ShapeLines } from './zone-lines.ts';
import { ShapeHeads, ShapeHeap } from './zone-shape-heap.ts';
import type { ZoneShapeTable } from './zone-shapes.ts';

/** The set of a shape's jobs: none, the active ones, or parked as impossible. */
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
  /** best-effort: one-pod shapes that may fit on any node. */
  readonly fresh: ShapeHeap;
  /** Active shapes of more than one pod. */
  readonly gangs: GangRoomIndex;
  /** Shapes parked as impossible, in no order. */
  readonly parked: number[] = [];
  /** [shape] jobs waiting. */
  readonly counts: number[] = [];

  private readonly jobs: ZoneJobTable;
  private readonly shapes: ZoneShapeTable;
  private readonly strict: boolean;
  private readonly states: number[] = [];
  /** [shape] position in `parked`, if it is parked. */
  private readonly parkedPositions: number[] = [];

  constructor(cluster: ClusterState, jobs: ZoneJobTable, shapes: ZoneShapeTable, strict: boolean) {
    this.jobs = jobs;
    this.shapes = shapes;
    this.strict = strict;
    this.lines = new ShapeLines(jobs);
    this.active = new ShapeHeap(this.heads, shapes);
    this.fresh = new ShapeHeap(this.heads, shapes);
    this.gangs = new GangRoomIndex(cluster, shapes, this.heads);
  }

  /** Jobs that could be tried: those not parked. */
  get activeJobCount(): number {
    return this.jobCount - this.parkedJobCount;
  }

  /** @returns True if jobs of this shape wait. */
  holds(shape: number): boolean {
    return this.heads.jobOf(shape) >= 0;
  }

  /** @returns True if jobs of this shape wait and are not impossible. */
  isActive(shape: number): boolean {
    return this.states[shape] === ACTIVE;
  }

  /** @returns True if the shape's jobs are parked as impossible. */
  isParked(shape: number): boolean {
    return this.states[shape] === PARKED;
  }

  /**
   * Adds a job. O(log of the shapes) if it becomes its shape's first, else O(1).
   *
   * @param parked For the first job of its shape: true if it is impossible.
   */
  push(job: number, parked: boolean): void {
    const shape = this.jobs.shapeOf(job);
    this.ensure(shape);
    const before = this.heads.jobOf(shape);
    this.lines.push(shape, job);
    this.updateHead(shape);
    this.counts[shape] = (this.counts[shape] as number) + 1;
    this.jobCount++;
    if (before >= 0) this.headMoved(shape, before);
    else if (parked) this.park(shape);
    else this.activate(shape);
    if (this.states[shape] === PARKED) this.parkedJobCount++;
  }

  /** Removes a waiting job. O(log of the shapes), and amortised O(log of its shape's jobs) if it came out of order. */
  remove(job: number): void {
    const shape = this.jobs.shapeOf(job);
    assert(this.states[shape] === ACTIVE || this.states[shape] === PARKED, 'no job of this shape waits');
    if (this.states[shape] === PARKED) this.parkedJobCount--;
    const before = this.heads.jobOf(shape);
    this.lines.remove(shape, job);
    this.counts[shape] = (this.counts[shape] as number) - 1;
    this.jobCount--;
    if (this.counts[shape] === 0) this.leave(shape);
    this.updateHead(shape);
    if (this.counts[shape] !== 0) this.headMoved(shape, before);
  }

  /** Moves a parked shape to the active ones. */
  unpark(shape: number): void {
    assert(this.states[shape] === PARKED, 'a shape is unparked that is not parked');
    this.parkedJobCount -= this.counts[shape] as number;
    this.unlistParked(shape);
    this.activate(shape);
  }

  /** Marks whether an active one-pod shape may fit on any node. */
  setFresh(shape: number, fresh: boolean): void {
    if (fresh === this.fresh.has(shape)) return;
    assert(!fresh || this.active.has(shape), 'a shape is fresh that is not active');
    if (fresh) this.fresh.add(shape);
    else this.fresh.remove(shape);
  }

  /** Visits the active shapes, in no order. The visitor must not add or remove jobs. */
  forEachActive(visit: (shape: number) => void): void {
    for (const shape of this.active.items) if (this.shapes.podCounts[shape] === 1) visit(shape);
    this.gangs.forEach(visit);
  }

  /** @returns True if the heaps are consistent; for the zone's check. @param exact See `GangRows.isSound`. */
  isSound(exact: boolean): boolean {
    const single = (shape: number): boolean => this.shapes.podCounts[shape] === 1;
    const known = (shape: number): boolean => this.isActive(shape) && (this.strict || single(shape));
    if (!this.active.items.every(known)) return false;
    if (!this.fresh.items.every((shape) => single(shape) && this.active.has(shape))) return false;
    return this.active.isSound() && this.fresh.isSound() && this.gangs.isSound(exact);
  }

  private updateHead(shape: number): void {
    const { jobs, heads } = this;
    const job = this.lines.first(shape);
    if (job < 0) heads.set(shape, -1, 0, 0);
    else if (heads.jobOf(shape) !== job) heads.set(shape, job, jobs.priorityOf(job), jobs.rankOf(job));
  }

  /** Restores the shape's position where it is ordered by its first job, if that changed. */
  private headMoved(shape: number, before: number): void {
    if (this.heads.jobOf(shape) === before) return;
    if (this.active.has(shape)) this.active.moved(shape);
    if (this.fresh.has(shape)) this.fresh.moved(shape);
    if (this.gangs.eligible.has(shape)) this.gangs.eligible.moved(shape);
  }

  private activate(shape: number): void {
    this.states[shape] = ACTIVE;
    const single = this.shapes.podCounts[shape] === 1;
    if (single || this.strict) this.active.add(shape);
    if (!single) this.gangs.link(shape);
  }

  /** Takes a shape out whose last job leaves. */
  private leave(shape: number): void {
    if (this.states[shape] === PARKED) {
      this.unlistParked(shape);
    } else {
      this.setFresh(shape, false);
      if (this.active.has(shape)) this.active.remove(shape);
      if (this.shapes.podCounts[shape] !== 1) this.gangs.unlink(shape);
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

  /** Gives every shape up to `shape` entries in the columns. */
  private ensure(shape: number): void {
    while (this.counts.length <= shape) {
      this.gangs.addShape(this.counts.length);
      this.lines.addShape();
      this.counts.push(0);
      this.states.push(EMPTY);
      this.parkedPositions.push(-1);
    }
  }
}
