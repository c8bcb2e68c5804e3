/**
 * The running jobs in the order of their expected ends, for plans.
 *
 * Starts and ends of jobs are many and plans are few, so nothing is sorted before the order is read: new ends wait in no
 * order until then, and those of jobs that have ended are skipped.
 *
 * Invariants: `sorted` ascends by end, then job; an entry counts if it is the end that its job has now. An end that has
 * passed although its job still runs is asked for again when the order is read: the estimate of a job that overruns grows.
 */
import { assert } from '../../kernel/assert.ts';
import { grown } from '../../kernel/grown.ts';
import type { ExpectedEnd } from './future-room.ts';

const CAPACITY_FIRST = 64;

/** New ends that are kept apart from the sorted ones, at most as a part of these; and always so few. */
const FRESH_PART = 1 / 8;
const FRESH_MIN = 256;

/** See the head of the file. */
export class RunningEnds {
  /** [job] NaN: does not run. */
  private endOf = new Float64Array(CAPACITY_FIRST).fill(Number.NaN);
  /** [job] 1: is in `fresh`. */
  private isFresh = new Uint8Array(CAPACITY_FIRST);
  /** Jobs that started since the last merge, each once, and some of them have ended. */
  private fresh: number[] = [];
  /** Ends of jobs at the last merge; those before `head` are past. */
  private sorted: ExpectedEnd[] = [];
  private head = 0;
  private running = 0;
  private readonly expect: (job: number, timeSeconds: number) => number;
  private readonly compare = (a: number, b: number): number =>
    // NaN for two that are not expected to end: then the number decides, too.
    (this.endOf[a] as number) - (this.endOf[b] as number) || a - b;

  /** @param expect When a running job is expected to end, not before that time; Infinity: unknown. */
  constructor(expect: (job: number, timeSeconds: number) => number) {
    this.expect = expect;
  }

  /** A job runs from now on. Amortised O(1). @param job A dense number. */
  add(job: number, timeSeconds: number): void {
    if (job >= this.endOf.length) this.widen(job);
    assert(Number.isNaN(this.endOf[job]), 'a job runs twice');
    this.running++;
    this.setEnd(job, this.expect(job, timeSeconds));
    if (this.fresh.length > FRESH_MIN + 2 * this.running) this.dropEnded();
  }

  /** A job runs no more; no effect if it did not. O(1). */
  remove(job: number): void {
    if (Number.isNaN(this.endOf[job] ?? Number.NaN)) return;
    this.endOf[job] = Number.NaN;
    this.running--;
  }

  /**
   * @returns The running jobs in order; valid until the next call. O(new log new + jobs that have overrun) and what is read of
   *   it; now and then O(running jobs).
   */
  at(timeSeconds: number): Iterable<ExpectedEnd> {
    const { sorted, endOf } = this;
    this.dropEnded();
    for (const job of this.fresh) {
      if ((endOf[job] as number) < timeSeconds) endOf[job] = this.expect(job, timeSeconds);
    }
    for (; this.head < sorted.length; this.head++) {
      const { job, endSeconds } = sorted[this.head] as ExpectedEnd;
      if (endOf[job] !== endSeconds) continue;
      if (endSeconds >= timeSeconds) break;
      this.setEnd(job, this.expect(job, timeSeconds));
    }
    this.fresh.sort(this.compare);
    if (this.fresh.length > FRESH_MIN + FRESH_PART * sorted.length) this.merge();
    return this.inOrder();
  }

  private *inOrder(): Generator<ExpectedEnd> {
    const { sorted, fresh, endOf } = this;
    let at = this.head;
    for (const job of fresh) {
      const endSeconds = endOf[job] as number;
      for (; at < sorted.length; at++) {
        const other = sorted[at] as ExpectedEnd;
        if (other.endSeconds > endSeconds || (other.endSeconds === endSeconds && other.job > job)) break;
        // A job that started over, and is expected to end when it was before, is in both.
        if (other.job !== job && endOf[other.job] === other.endSeconds) yield other;
      }
      yield { job, endSeconds };
    }
    for (; at < sorted.length; at++) {
      const other = sorted[at] as ExpectedEnd;
      if (endOf[other.job] === other.endSeconds) yield other;
    }
  }

  /** Sorts all in. `fresh` has to be in order. */
  private merge(): void {
    this.sorted = [...this.inOrder()];
    this.head = 0;
    for (const job of this.fresh) this.isFresh[job] = 0;
    this.fresh = [];
  }

  private setEnd(job: number, endSeconds: number): void {
    this.endOf[job] = endSeconds;
    if (this.isFresh[job] === 1) return;
    this.isFresh[job] = 1;
    this.fresh.push(job);
  }

  /** Takes the jobs out of `fresh` that have ended. */
  private dropEnded(): void {
    const { fresh, endOf } = this;
    let kept = 0;
    for (const job of fresh) {
      if (Number.isNaN(endOf[job])) this.isFresh[job] = 0;
      else fresh[kept++] = job;
    }
    fresh.length = kept;
  }

  private widen(job: number): void {
    const capacity = Math.max(job + 1, 2 * this.endOf.length);
    this.endOf = grown(this.endOf, capacity, Number.NaN);
    this.isFresh = grown(this.isFresh, capacity);
  }
}
