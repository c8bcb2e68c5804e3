/**
 * When waiting jobs are tried: at their submission, and after nodes got room, and then only what can have become
 * possible by that.
 *
 * best-effort: whatever can have become possible, in the order of first jobs, until nothing more fits.
 * strict-fifo: the first of all waiting jobs, and the next only once that has started; only its shape's bound is
 * kept, every other's is 0.
 *
 * Invariant between steps, if no limit postponed anything: nothing is eligible and no node is touched. With a
 * policy that finds a node whenever one fits that means: no waiting job could start (best-effort), or the first
 * could not (strict-fifo).
 */
import { BOUND_UNKNOWN, type WaitingQueue } from './waiting-queue.ts';
import { podsFitting } from './zone-capacity.ts';
import type { ZoneCore } from './zone-core.ts';

/** Up to so many touched nodes, what they have free is looked at again after every attempt. */
const TOUCHED_FEW = 4;

/** Tries the waiting jobs of one zone. */
export class ZoneRetries {
  private readonly core: ZoneCore;
  private readonly waiting: WaitingQueue;
  private readonly strict: boolean;
  /** strict-fifo: the shape of the first job of all, whose bound is kept; −1 if none waits. */
  private firstShape = -1;
  /** Touched nodes by which gangs' bounds have been raised already. */
  private raisedCount = 0;
  /** Number of this run, to tell cursors of other runs apart. */
  private run = 0;
  /** [shape] touched nodes before this one have no room for a one-pod shape; valid if `cursorRuns` is this run. */
  private cursors: Int32Array = new Int32Array(16);
  private cursorRuns: Float64Array = new Float64Array(16);
  /** What the touched nodes have most of each resource. */
  private freeCpuMilliMax = 0;
  private freeMemoryMibMax = 0;
  private freeGpuMilliMax = 0;
  private readonly fitsTouched = (shape: number): boolean => this.findTouched(shape);

  constructor(core: ZoneCore) {
    this.core = core;
    this.waiting = core.waiting;
    this.strict = core.options.queue === 'strict-fifo';
  }

  /** Whether something is worth a try but was postponed by a limit on one step. */
  get hasPostponed(): boolean {
    return this.waiting.eligibleCount > 0 || this.core.touchedCount > 0;
  }

  /** strict-fifo: the job that goes before all others that can be tried, −1 if none waits. */
  get firstJob(): number {
    const shape = this.waiting.active.first();
    return shape < 0 ? -1 : this.waiting.heads.jobOf(shape);
  }

  /** @returns Whether a submitted job of this shape is tried at once, before it waits. */
  triesAtSubmission(shape: number, priority: number): boolean {
    if (!this.strict) return !this.waiting.holds(shape);
    const first = this.firstJob;
    return first < 0 || priority > this.core.jobs.priorityOf(first);
  }

  /** Lets a submitted job wait. @param found Members that its attempt found, −1 if it was not tried. */
  waitSubmitted(job: number, found: number, impossible: boolean): void {
    this.core.wait(job, Math.max(0, found), impossible);
    if (this.strict && !impossible && found >= 0) this.becomeFirst(this.core.jobs.shapeOf(job), found);
  }

  /** Lets a job that lost its node wait again. */
  waitAgain(job: number): void {
    this.core.wait(job, this.strict ? 0 : BOUND_UNKNOWN, false);
  }

  /** Takes parked shapes among those that are tried that the cluster could hold since it has a new node. */
  unpark(): void {
    const { parked } = this.waiting;
    for (let i = parked.length - 1; i >= 0; i--) {
      const shape = parked[i] as number;
      if (!this.core.isImpossible(shape)) this.waiting.unpark(shape, this.strict ? 0 : BOUND_UNKNOWN);
    }
  }

  /** Makes everything worth a try again. */
  forget(): void {
    if (!this.strict) this.waiting.forgetBounds();
    else if (this.firstShape >= 0) this.waiting.setBound(this.firstShape, BOUND_UNKNOWN);
  }

  /** Tries what the touched nodes may have made possible, and what was postponed before. */
  tryWaiting(): void {
    const { core } = this;
    let complete = true;
    if (core.waiting.activeJobCount > 0) {
      this.run++;
      complete = this.strict ? this.tryStrict() : this.tryBestEffort();
    }
    // What was not tried for want of room among the effects is found by its touched nodes in a later step.
    if (complete && core.touchedCount > 0) {
      core.clearTouched();
      this.raisedCount = 0;
    }
  }

  private tryBestEffort(): boolean {
    const { core, waiting } = this;
    for (; this.raisedCount < core.touchedCount; this.raisedCount++) {
      waiting.raiseGangs(core.cluster, core.touched[this.raisedCount] as number);
    }
    this.boundTouched();
    let gangAttemptsLeft = core.options.gangAttemptsPerEventMax;
    for (;;) {
      const shape = this.nextShape(gangAttemptsLeft > 0);
      if (shape < 0) return true;
      const podCount = core.shapes.podCounts[shape] as number;
      if (core.effects.room < podCount + 1) return false;
      if (podCount > 1) gangAttemptsLeft--;
      this.tryFirstOf(shape);
      if (core.touchedCount <= TOUCHED_FEW) this.boundTouched();
    }
  }

  private tryStrict(): boolean {
    const { core, waiting } = this;
    let gangAttemptsLeft = core.options.gangAttemptsPerEventMax;
    this.followFirst();
    if (this.firstShape >= 0) this.raiseFirst();
    for (;;) {
      const shape = this.firstShape;
      if (shape < 0) return true;
      const podCount = core.shapes.podCounts[shape] as number;
      const bound = waiting.bounds[shape] as number;
      const eligible = bound >= (core.shapes.gangMins[shape] as number);
      if (!eligible && !(podCount === 1 && this.findTouched(shape))) return true;
      if (podCount > 1 && gangAttemptsLeft-- <= 0) return true;
      if (core.effects.room < podCount + 1) return false;
      this.tryFirstOf(shape);
      this.followFirst();
    }
  }

  /** best-effort: the shape to try next, −1 if nothing (but postponed gangs) is worth a try. */
  private nextShape(withGangs: boolean): number {
    const { waiting } = this;
    let best = waiting.eligibleSingles.first();
    if (withGangs) best = this.firstOf(best, waiting.eligibleGangs.first());
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

  /** Tries the first job of a shape; if it starts, its pods are told and it leaves the queue. */
  private tryFirstOf(shape: number): void {
    const { core, waiting } = this;
    const job = waiting.heads.jobOf(shape);
    const podCount = core.shapes.podCounts[shape] as number;
    const found = core.attempt(job);
    if (found < (core.shapes.gangMins[shape] as number)) {
      waiting.setBound(shape, found);
      this.setCursor(shape, core.touchedCount);
      return;
    }
    waiting.remove(job);
    core.start(job, found);
    if (!waiting.isActive(shape)) return;
    const bound = waiting.bounds[shape] as number;
    if (found < podCount) waiting.setBound(shape, 0);
    else if (podCount > 1 && bound !== BOUND_UNKNOWN) waiting.setBound(shape, Math.max(0, bound - found));
  }

  /**
   * Whether a pod of a one-pod shape fits on a node touched in this step. Nodes only fill up while jobs are tried,
   * so the search goes on where it ended before; after a failed attempt there is nothing left to search.
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
      const cursors = new Int32Array(capacity);
      cursors.set(this.cursors);
      this.cursors = cursors;
      const runs = new Float64Array(capacity);
      runs.set(this.cursorRuns);
      this.cursorRuns = runs;
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

  /** strict-fifo: raises the first shape's bound by what the touched nodes have room for. */
  private raiseFirst(): void {
    const { core } = this;
    const shape = this.firstShape;
    if (core.shapes.podCounts[shape] === 1) return;
    for (; this.raisedCount < core.touchedCount; this.raisedCount++) {
      const node = core.touched[this.raisedCount] as number;
      this.waiting.raise(shape, podsFitting(core.cluster, node, core.demandOf(shape)));
    }
  }

  /** strict-fifo: notices if another shape's job is first now; nothing is known about that one. */
  private followFirst(): void {
    const shape = this.waiting.active.first();
    if (shape !== this.firstShape) this.becomeFirst(shape, BOUND_UNKNOWN);
  }

  private becomeFirst(shape: number, bound: number): void {
    const before = this.firstShape;
    if (before >= 0 && before !== shape && this.waiting.isActive(before)) this.waiting.setBound(before, 0);
    if (shape >= 0) this.waiting.setBound(shape, bound);
    this.firstShape = shape;
  }
}
