/**
 * When waiting jobs are tried: at their submission, and after nodes got room, and then only what can have become
 * possible by that.
 *
 * best-effort: eligible shapes in the order of their first jobs, until nothing more fits. strict-fifo: the first
 * of all waiting jobs, and the next only once that has started; every other shape's bound is 0 then.
 *
 * Invariant between steps, if no limit postponed anything: no waiting job is eligible. With a policy that finds a
 * node whenever one fits that means: no waiting job could start (best-effort), or the first could not (strict).
 */
import { BOUND_UNKNOWN, type WaitingQueue } from './waiting-queue.ts';
import type { ZoneCore } from './zone-core.ts';

/** Tries the waiting jobs of one zone. */
export class ZoneRetries {
  private readonly core: ZoneCore;
  private readonly waiting: WaitingQueue;
  private readonly strict: boolean;
  /** strict-fifo: the shape of the first job of all; its bound is kept, the others' are 0. −1: none. */
  private firstShape = -1;
  /** strict-fifo: whether another job may have become first since. */
  private firstUnsure = false;

  constructor(core: ZoneCore) {
    this.core = core;
    this.waiting = core.waiting;
    this.strict = core.options.queue === 'strict-fifo';
  }

  /** Whether shapes are worth a try but were postponed by a limit on one step. */
  get hasPostponed(): boolean {
    return this.waiting.eligible.count > 0;
  }

  /** @returns Whether a submitted job of this shape is tried at once, before it waits. */
  triesAtSubmission(shape: number, priority: number): boolean {
    if (!this.strict) return !this.waiting.holds(shape);
    const first = this.firstJob();
    return first < 0 || priority > (this.core.jobs.priorities[first] as number);
  }

  /** Lets a submitted job wait. @param found Members that its attempt found, −1 if it was not tried. */
  waitSubmitted(job: number, found: number, impossible: boolean): void {
    this.core.wait(job, Math.max(0, found), impossible);
    if (!this.strict || impossible || found < 0) return;
    const shape = this.core.jobs.shapes[job] as number;
    if (this.firstShape >= 0 && this.firstShape !== shape) this.waiting.setBound(this.firstShape, 0);
    this.waiting.setBound(shape, found);
    this.firstShape = shape;
  }

  /** Lets a job that lost its node wait again. Its shape is tried in this step unless its bound says no. */
  waitAgain(job: number): void {
    this.core.wait(job, this.strict ? 0 : BOUND_UNKNOWN, false);
    this.firstUnsure = true;
  }

  /** Takes a waiting job out of the queue. */
  leave(job: number): void {
    const shape = this.core.jobs.shapes[job] as number;
    this.waiting.remove(job);
    this.firstUnsure = true;
    if (shape === this.firstShape && !this.isActive(shape)) this.firstShape = -1;
  }

  /** Tries parked shapes again that the cluster could hold since it has a new node. */
  unpark(): void {
    const { parked } = this.waiting;
    for (let i = parked.length - 1; i >= 0; i--) {
      const shape = parked[i] as number;
      if (this.core.isImpossible(shape)) continue;
      this.waiting.unpark(shape);
      if (this.strict) this.waiting.setBound(shape, 0);
      this.firstUnsure = true;
    }
  }

  /** Makes everything worth a try again. */
  forget(): void {
    if (!this.strict) this.waiting.forgetBounds();
    else if (this.firstJob() >= 0) this.waiting.setBound(this.firstShape, BOUND_UNKNOWN);
  }

  /** @returns The job that goes before all others that can be tried, −1 if none waits. */
  firstJob(): number {
    if (!this.strict) {
      const shape = this.waiting.firstActive();
      return shape < 0 ? -1 : (this.waiting.heads[shape] as number);
    }
    if (this.firstUnsure) this.findFirst();
    return this.firstShape < 0 ? -1 : (this.waiting.heads[this.firstShape] as number);
  }

  /** Tries what the touched nodes may have made possible, and what was postponed before. */
  run(): void {
    if (this.waiting.activeJobCount > 0) {
      if (this.strict) this.runStrict();
      else this.runBestEffort();
    }
    this.core.clearTouched();
  }

  private runBestEffort(): void {
    const { core, waiting } = this;
    for (let i = 0; i < core.touchedCount; i++) {
      waiting.raiseFor(core.cluster, core.touched[i] as number, i);
    }
    let gangAttemptsLeft = core.options.gangAttemptsPerEventMax;
    for (;;) {
      const shape = waiting.eligible.best(gangAttemptsLeft > 0);
      if (shape < 0) return;
      if ((core.shapes.podCounts[shape] as number) > 1) gangAttemptsLeft--;
      if (!this.tryShape(shape)) return;
    }
  }

  private runStrict(): void {
    const { core, waiting } = this;
    let gangAttemptsLeft = core.options.gangAttemptsPerEventMax;
    if (this.firstJob() >= 0) this.raiseFirst();
    while (this.firstJob() >= 0) {
      const shape = this.firstShape;
      if ((waiting.bounds[shape] as number) < (core.shapes.gangMins[shape] as number)) return;
      if ((core.shapes.podCounts[shape] as number) > 1 && gangAttemptsLeft-- <= 0) return;
      if (!this.tryShape(shape)) return;
    }
  }

  /** strict-fifo: raises the first shape's bound by what the touched nodes have room for. */
  private raiseFirst(): void {
    const { core } = this;
    const demand = core.demandOf(this.firstShape);
    for (let i = 0; i < core.touchedCount; i++) {
      const node = core.touched[i] as number;
      if (core.cluster.fits(node, demand)) this.waiting.raiseShape(core.cluster, node, this.firstShape, i);
    }
  }

  /** Tries the first job of an eligible shape. @returns false if this step has no room for its effects. */
  private tryShape(shape: number): boolean {
    const { core, waiting } = this;
    const podCount = core.shapes.podCounts[shape] as number;
    const bound = waiting.bounds[shape] as number;
    if (podCount === 1 && bound !== BOUND_UNKNOWN && !this.fitsTouched(shape)) {
      waiting.setBound(shape, 0);
      return true;
    }
    if (core.effects.room < podCount + 1) {
      this.postpone();
      return false;
    }
    const job = waiting.heads[shape] as number;
    const found = core.attempt(job);
    if (found < (core.shapes.gangMins[shape] as number)) {
      waiting.setBound(shape, found);
      return true;
    }
    this.leave(job);
    core.start(job, found);
    if (this.isActive(shape)) {
      if (found < podCount) waiting.setBound(shape, 0);
      else if (podCount > 1 && bound !== BOUND_UNKNOWN) waiting.setBound(shape, Math.max(0, bound - found));
    }
    return true;
  }

  /**
   * Whether one more pod of a one-pod shape fits on a node that was touched in this step. Nodes only fill up while
   * the retries run, so the search goes on where it ended last time.
   */
  private fitsTouched(shape: number): boolean {
    const { core, waiting } = this;
    const demand = core.demandOf(shape);
    let at = waiting.cursors[shape] as number;
    while (at < core.touchedCount && !core.cluster.fits(core.touched[at] as number, demand)) at++;
    waiting.cursors[shape] = at;
    return at < core.touchedCount;
  }

  /** Keeps eligible one-pod shapes eligible beyond this step, whose touched nodes will be forgotten. */
  private postpone(): void {
    this.waiting.eligible.forEachSingle((shape) => this.waiting.setBound(shape, BOUND_UNKNOWN));
  }

  private findFirst(): void {
    const shape = this.waiting.firstActive();
    this.firstUnsure = false;
    if (shape === this.firstShape) return;
    if (this.firstShape >= 0) this.waiting.setBound(this.firstShape, 0);
    if (shape >= 0) this.waiting.setBound(shape, BOUND_UNKNOWN);
    this.firstShape = shape;
  }

  private isActive(shape: number): boolean {
    return this.waiting.holds(shape) && !this.waiting.isParked(shape);
  }
}
