/**
 * The running jobs in the order of their expected ends, kept up to date instead of sorted for every plan.
 *
 * Invariant: ascending by end, then job. An end that has passed although its job still runs is asked for again when the
 * order is read: the estimate of a job that overruns grows.
 */
import { assert } from '../../kernel/assert.ts';
import type { ExpectedEnd } from './future-room.ts';

/** Ends in one block; a block that grows beyond is cut in two. */
const BLOCK_MAX = 256;

/** See the head of the file. */
export class RunningEnds {
  /** Not empty, each in order, one after the other: adding an end moves the rest of one block. */
  private readonly blocks: ExpectedEnd[][] = [];
  private readonly ends = new Map<number, number>();
  private readonly expect: (job: number, timeSeconds: number) => number;

  /** @param expect When a running job is expected to end, not before that time; Infinity: unknown. */
  constructor(expect: (job: number, timeSeconds: number) => number) {
    this.expect = expect;
  }

  /** A job runs from now on. O(log running jobs). */
  add(job: number, timeSeconds: number): void {
    assert(!this.ends.has(job), 'a job runs twice');
    this.insert(job, this.expect(job, timeSeconds));
  }

  /** A job runs no more; no effect if it did not. O(log running jobs). */
  remove(job: number): void {
    const endSeconds = this.ends.get(job);
    if (endSeconds === undefined) return;
    this.ends.delete(job);
    const at = this.blockOf(endSeconds, job);
    const block = this.blocks[at] as ExpectedEnd[];
    block.splice(positionIn(block, endSeconds, job), 1);
    if (block.length === 0) this.blocks.splice(at, 1);
  }

  /** @returns The running jobs in order; valid until the next call. O(jobs that have overrun) and what is read of it. */
  at(timeSeconds: number): Iterable<ExpectedEnd> {
    const late: number[] = [];
    for (const { job, endSeconds } of this.inOrder()) {
      if (endSeconds >= timeSeconds) break;
      late.push(job);
    }
    for (const job of late) {
      this.remove(job);
      this.insert(job, this.expect(job, timeSeconds));
    }
    return this.inOrder();
  }

  private *inOrder(): Generator<ExpectedEnd> {
    for (const block of this.blocks) yield* block;
  }

  private insert(job: number, endSeconds: number): void {
    this.ends.set(job, endSeconds);
    const { blocks } = this;
    if (blocks.length === 0) blocks.push([]);
    const at = Math.min(this.blockOf(endSeconds, job), blocks.length - 1);
    const block = blocks[at] as ExpectedEnd[];
    block.splice(positionIn(block, endSeconds, job), 0, { job, endSeconds });
    if (block.length > BLOCK_MAX) blocks.splice(at + 1, 0, block.splice(BLOCK_MAX / 2));
  }

  /** The first block whose last end is not before this one; their number if there is none. */
  private blockOf(endSeconds: number, job: number): number {
    let from = 0;
    let to = this.blocks.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      const block = this.blocks[middle] as ExpectedEnd[];
      if (isBefore(block[block.length - 1], endSeconds, job)) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

/** The first position that is not before this end and job. */
function positionIn(block: readonly ExpectedEnd[], endSeconds: number, job: number): number {
  let from = 0;
  let to = block.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (isBefore(block[middle], endSeconds, job)) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** @param end Undefined: an empty block, before nothing. */
function isBefore(end: ExpectedEnd | undefined, endSeconds: number, job: number): boolean {
  if (end === undefined) return false;
  return end.endSeconds < endSeconds || (end.endSeconds === endSeconds && end.job < job);
}
