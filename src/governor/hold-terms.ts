/** Ends of holds: a heap of ends, of which obsolete ones are skipped. */
import { assert } from '../kernel/assert.ts';
import { TimeHeap } from '../kernel/time-heap.ts';

/** Ends of what jobs hold, by job number. 16 bytes a job and 20 an end not yet reached. */
export class HoldTerms {
  private readonly heap = new TimeHeap();
  /** By job: sequence of the end that counts; 0: none does. */
  private readonly current: number[] = [];
  /** By job: that end. */
  private readonly ends: number[] = [];
  private sequence = 0;

  /** Not after the next end; Infinity if there is none. Obsolete ends may be returned until `next` has skipped them. */
  get dueSeconds(): number {
    return this.heap.size === 0 ? Number.POSITIVE_INFINITY : (this.heap.times[0] as number);
  }

  /** Sets the end of the job's hold; Infinity: never. O(log holds). */
  set(job: number, untilSeconds: number): void {
    assert(job >= 0 && Number.isSafeInteger(job), 'the number of a job is not a count');
    while (this.current.length <= job) {
      this.current.push(0);
      this.ends.push(0);
    }
    if (untilSeconds === Number.POSITIVE_INFINITY) {
      this.current[job] = 0;
      return;
    }
    const sequence = ++this.sequence;
    this.current[job] = sequence;
    this.ends[job] = untilSeconds;
    this.heap.push(untilSeconds, sequence, job);
  }

  /** @returns True if the job's hold ends now or has ended. */
  isOver(job: number, timeSeconds: number): boolean {
    return (this.current[job] ?? 0) !== 0 && timeSeconds >= (this.ends[job] as number);
  }

  /** The job holds nothing any more. */
  clear(job: number): void {
    if (job < this.current.length) this.current[job] = 0;
  }

  /** @returns A job whose hold is over, which has no end from now on; −1: none is. */
  next(timeSeconds: number): number {
    const { heap } = this;
    while (heap.size > 0) {
      const counts = this.current[heap.ids[0] as number] === heap.sequences[0];
      if (counts && (heap.times[0] as number) > timeSeconds) return -1;
      const job = heap.pop();
      if (!counts) continue;
      this.current[job] = 0;
      return job;
    }
    return -1;
  }
}
