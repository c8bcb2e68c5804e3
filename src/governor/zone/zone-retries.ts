/**
 * When waiting jobs are tried: at their submission, and after nodes got room, and then only those that this can have
 * made possible.
 *
 * best-effort: all jobs that can have become possible, in the order of first jobs, until nothing more fits.
 * strict-fifo: the first of all waiting jobs, and the next only once that has started. A limit on one step postpones
 * the next job and all behind it: no job overtakes.
 *
 * Invariant between steps, if no limit postponed anything: nothing is worth a try. With a policy that finds a node
 * whenever one fits that means: no waiting job could start (best-effort), or the first could not (strict-fifo).
 */
import { grown } from '../../kernel/grown.ts';
import type { WaitingQueue } from './waiting-queue.ts';
import type { ZoneCore } from './zone-core.ts';
import { JobState, Reason } from './zone-events.ts';

/** Up to this number of touched nodes, their free resources are read again after every attempt. */
const TOUCHED_FEW = 4;

/** Tries the waiting jobs of one zone. */
export class ZoneRetries {
  private readonly core: ZoneCore;
  private readonly waiting: WaitingQueue;
  private readonly strict: boolean;
  /** strict-fifo: the shape of the first job of all at the last check, −1 if none waited. */
  private firstShape = -1;
  /** strict-fifo: true if that is a one-pod shape that may fit on any node. */
  private firstFresh = false;
  /** Touched nodes for which declined gangs have been readmitted already. */
  private forgivenCount = 0;
  /** Number of this run, to distinguish cursors of other runs. */
  private run = 0;
  /** [shape] touched nodes before this one have no room for a one-pod shape; valid if `cursorRuns` is this run. */
  private cursors: Int32Array = new Int32Array(16);
  private cursorRuns: Float64Array = new Float64Array(16);
  /** The touched nodes' maximum of each resource. */
  private freeCpuMilliMax = 0;
  private freeMemoryMibMax = 0;
  private freeGpuMilliMax = 0;
  private readonly fitsTouched = (shape: number): boolean => this.findTouched(shape);

  constructor(core: ZoneCore) {
    this.core = core;
    this.waiting = core.waiting;
    this.strict = core.options.queue === 'strict-fifo';
  }

  /** True if a job is worth a try but was postponed by a limit on one step. */
  get hasPostponed(): boolean {
    if (this.core.touchedCount > 0) return true;
    if (this.strict) return this.firstShape >= 0 && this.isFirstEligible();
    return this.waiting.fresh.size > 0 || this.waiting.gangs.eligible.size > 0;
  }

  /** strict-fifo: the job that goes before all others that can be tried, −1 if none waits. */
  get firstJob(): number {
    const shape = this.waiting.active.first();
    return shape < 0 ? -1 : this.waiting.heads.jobOf(shape);
  }

  /** @returns True if a submitted job comes behind one that blocks it. */
  isBehind(priority: number): boolean {
    if (!this.strict) return false;
    const first = this.firstJob;
    return first >= 0 && priority <= this.core.jobs.priorityOf(first);
  }

  /** @returns True if it is known that no job of this shape fits now. */
  isKnownNotToFit(shape: number): boolean {
    const { shapes } = this.core;
    if (shapes.podCounts[shape] === 1) return !this.strict && this.waiting.holds(shape);
    return this.waiting.gangs.roomFor(shape) < (shapes.gangMins[shape] as number);
  }

  /** Lets a submitted job wait. @param found Members that its attempt found, −1 if it was not tried. */
  waitSubmitted(job: number, found: number, impossible: boolean): void {
    const shape = this.core.jobs.shapeOf(job);
    this.core.wait(job, impossible);
    if (impossible || found < 0) return;
    if (this.strict) {
      this.firstShape = shape;
      this.firstFresh = false;
    }
    if ((this.core.shapes.podCounts[shape] as number) > 1) this.learn(shape, false, found);
  }

  /**
   * Lets a job wait that lost its node, or that was submitted behind postponed ones. If its shape is unknown, it is
   * worth a try on any node.
   */
  waitUntried(job: number): void {
    const shape = this.core.jobs.shapeOf(job);
    const known = this.strict || this.waiting.holds(shape);
    this.core.wait(job, false);
    if (!known && this.core.shapes.podCounts[shape] === 1) this.waiting.setFresh(shape, true);
  }

  /**
   * Puts a tenant's held-back jobs, the first of each shape, among those that are tried. Later jobs of this step do not
   * overtake them. O(its shapes).
   */
  wakeTenant(tenant: number): void {
    for (const job of this.core.heldBack.wake(tenant)) this.lineUp(job);
    this.waiting.gangs.refresh();
  }

  /** A job of the lines has started or is cancelled: an equal one that is held back goes to the line in its place. O(1). */
  wakeNext(job: number): void {
    const next = this.core.heldBack.next(job);
    if (next >= 0) this.lineUp(next);
  }

  /** Lets a job wait in the line that is held back no longer. */
  private lineUp(job: number): void {
    const { jobs } = this.core;
    const since = jobs.sinceOf(job);
    this.waitUntried(job);
    jobs.enter(job, JobState.Waiting, Reason.None, since);
  }

  /** A node has joined: there is more to admit on. O(shapes held back). */
  wakeAll(): void {
    for (const tenant of this.core.heldBack.tenants()) this.wakeTenant(tenant);
  }

  /** A node has come up: jobs that were admitted on some nodes only may find room. */
  wakeNarrowed(): void {
    for (const tenant of this.core.heldBack.takeNarrowed()) this.wakeTenant(tenant);
  }

  /** Moves to the active ones the parked shapes that the cluster could hold since the touched new node. */
  unpark(): void {
    const { parked } = this.waiting;
    for (let i = parked.length - 1; i >= 0; i--) {
      const shape = parked[i] as number;
      if (!this.core.isImpossible(shape)) this.waiting.unpark(shape);
    }
  }

  /** Makes everything worth a try again. */
  forget(): void {
    this.waiting.gangs.forget();
    if (this.strict) this.firstFresh = true;
    else for (const shape of this.waiting.active.items) this.waiting.setFresh(shape, true);
  }

  /** Tries the jobs that the touched nodes may have made possible, and those postponed before. */
  tryWaiting(): void {
    const { core } = this;
    let complete = true;
    if (core.waiting.activeJobCount > 0) {
      this.run++;
      for (; this.forgivenCount < core.touchedCount; this.forgivenCount++) {
        this.waiting.gangs.forgive(core.touched[this.forgivenCount] as number);
      }
      complete = this.strict ? this.tryStrict() : this.tryBestEffort();
      this.waiting.gangs.refresh();
    }
    // Jobs that were not tried for want of room among the effects are found by their touched nodes in a later step.
    if (complete && core.touchedCount > 0) {
      core.clearTouched();
      this.forgivenCount = 0;
    }
    this.followFirst();
  }

  private tryBestEffort(): boolean {
    const { core, waiting } = this;
    let gangAttemptsLeft = core.options.gangAttemptsPerEventMax;
    this.boundTouched();
    for (;;) {
      waiting.gangs.refresh();
      const shape = this.nextShape();
      if (shape < 0) return true;
      const podCount = core.shapes.podCounts[shape] as number;
      // A limit postpones everything from here on: jobs behind this one must not overtake it.
      if (core.effects.room < podCount + 1) return false;
      if (podCount > 1 && gangAttemptsLeft-- <= 0) return false;
      this.tryFirstOf(shape);
      if (core.touchedCount <= TOUCHED_FEW) this.boundTouched();
    }
  }

  private tryStrict(): boolean {
    const { core } = this;
    let gangAttemptsLeft = core.options.gangAttemptsPerEventMax;
    for (;;) {
      this.followFirst();
      const shape = this.firstShape;
      if (shape < 0) return true;
      const podCount = core.shapes.podCounts[shape] as number;
      if (!this.isFirstEligible() && !(podCount === 1 && this.findTouched(shape))) return true;
      if (podCount > 1 && gangAttemptsLeft-- <= 0) return true;
      if (core.effects.room < podCount + 1) return false;
      this.tryFirstOf(shape);
    }
  }

  /** best-effort: the shape to try next, −1 if nothing is worth a try. */
  private nextShape(): number {
    const { waiting } = this;
    const best = this.firstOf(waiting.fresh.first(), waiting.gangs.eligible.first());
    if (this.core.touchedCount === 0) return best;
    const touched = waiting.active.search(
      this.freeCpuMilliMax,
      this.freeMemoryMibMax,
      this.freeGpuMilliMax,
      this.fitsTouched,
    );
    return this.firstOf(best, touched);
  }

  private firstOf(a: number, b: number): number {
    if (a < 0 || b < 0) return a < 0 ? b : a;
    return this.waiting.heads.before(a, b) ? a : b;
  }

  /**
   * Tries the first job of a shape; if it starts, its pods are reported and it leaves the queue. It leaves, too, if it
   * is not admitted, or on some nodes only and these are full.
   */
  private tryFirstOf(shape: number): void {
    const { core, waiting } = this;
    const job = waiting.heads.jobOf(shape);
    const refusal = core.refusalOf(job);
    if (refusal !== undefined) {
      // The room for its shape was not examined: the next in line is tried.
      waiting.remove(job);
      core.holdBack(job, refusal, core.jobs.sinceOf(job));
      return;
    }
    const podCount = core.shapes.podCounts[shape] as number;
    const found = core.attemptAdmitted(job);
    const placed = found >= (core.shapes.gangMins[shape] as number);
    if (placed) {
      waiting.remove(job);
      core.start(job, found);
      this.wakeNext(job);
    }
    const { narrowedRefusal } = core;
    if (narrowedRefusal !== undefined) {
      // Only a part of the nodes was examined: nothing is learnt about the shape.
      if (!placed) {
        waiting.remove(job);
        core.holdBack(job, narrowedRefusal, core.jobs.sinceOf(job));
      }
      return;
    }
    if (found === podCount || !waiting.isActive(shape)) return;
    if (podCount > 1) {
      this.learn(shape, placed, found);
    } else {
      this.setCursor(shape, core.touchedCount);
      waiting.setFresh(shape, false);
      this.firstFresh = false;
    }
  }

  private learn(shape: number, placed: boolean, found: number): void {
    const countAll = this.core.cluster.nodeCount <= this.core.options.countRoomNodesMax;
    this.waiting.gangs.learn(shape, placed, found, countAll);
  }

  /**
   * True if a pod of a one-pod shape fits on a node touched in this step. Nodes only fill up while jobs are tried, so
   * the search continues where it ended before; after a failed attempt there is nothing left to search.
   */
  private findTouched(shape: number): boolean {
    const { core } = this;
    const demand = core.demandOf(shape);
    let at = this.cursorRuns[shape] === this.run ? (this.cursors[shape] as number) : 0;
    while (at < core.touchedCount && !core.cluster.fits(core.touched[at] as number, demand)) at++;
    this.setCursor(shape, at);
    return at < core.touchedCount;
  }

  private setCursor(shape: number, at: number): void {
    if (shape >= this.cursors.length) {
      const capacity = Math.max(shape + 1, this.cursors.length * 2);
      this.cursors = grown(this.cursors, capacity);
      this.cursorRuns = grown(this.cursorRuns, capacity);
    }
    this.cursors[shape] = at;
    this.cursorRuns[shape] = this.run;
  }

  private boundTouched(): void {
    const { core } = this;
    const { freeCpuMilli, freeMemoryMib, freeGpuMilli } = core.cluster;
    this.freeCpuMilliMax = 0;
    this.freeMemoryMibMax = 0;
    this.freeGpuMilliMax = 0;
    for (let i = 0; i < core.touchedCount; i++) {
      const node = core.touched[i] as number;
      this.freeCpuMilliMax = Math.max(this.freeCpuMilliMax, freeCpuMilli[node] as number);
      this.freeMemoryMibMax = Math.max(this.freeMemoryMibMax, freeMemoryMib[node] as number);
      this.freeGpuMilliMax = Math.max(this.freeGpuMilliMax, freeGpuMilli[node] as number);
    }
  }

  /** strict-fifo: true if the first job is worth a try on any node. */
  private isFirstEligible(): boolean {
    const single = this.core.shapes.podCounts[this.firstShape] === 1;
    return single ? this.firstFresh : this.waiting.gangs.isEligible(this.firstShape);
  }

  /** strict-fifo: notices if another shape's job is first now; for a one-pod job its fit is then unknown. */
  private followFirst(): void {
    if (!this.strict) return;
    const shape = this.waiting.active.first();
    if (shape === this.firstShape) return;
    this.firstShape = shape;
    this.firstFresh = true;
  }
}
