/**
 * The waiting jobs of each shape in their order: higher priority first, then lower rank (earlier submission).
 *
 * A line is a linked list of jobs that came in order, which is nearly all of them, and a heap of those that did not:
 * jobs that lost a node and go back to their old place, and jobs of higher priority than the last in the list. So first
 * come, first served costs O(1) and few accesses to far memory, and all other cases O(log n), also when a whole cluster
 * is lost at once.
 *
 * Invariants: the list is in order; a job in it has IN_LIST as first; its links are `nextOf` and `previousOf`.
 */
import { heapPush, heapRemove, jobGoesBefore } from './zone-heap.ts';
import type { ZoneJobTable } from './zone-jobs.ts';

/** Value of `ZoneJobTable.firstOf` for a waiting job that is in a list and not in a heap. */
const IN_LIST = -2;

/** Lines by shape id. Written by the waiting queue only. */
export class ShapeLines {
  private readonly jobs: ZoneJobTable;
  private readonly listHeads: number[] = [];
  private readonly listTails: number[] = [];
  private readonly heapRoots: number[] = [];

  constructor(jobs: ZoneJobTable) {
    this.jobs = jobs;
  }

  /** Adds an empty line for the next shape id. */
  addShape(): void {
    this.listHeads.push(-1);
    this.listTails.push(-1);
    this.heapRoots.push(-1);
  }

  /** @returns The shape's job that goes before all others, −1 if none waits. O(1). */
  first(shape: number): number {
    const listed = this.listHeads[shape] as number;
    const heaped = this.heapRoots[shape] as number;
    if (listed < 0 || heaped < 0) return listed < 0 ? heaped : listed;
    return jobGoesBefore(this.jobs, listed, heaped) ? listed : heaped;
  }

  /** Adds a job of the shape. O(1). */
  push(shape: number, job: number): void {
    const { jobs } = this;
    const tail = this.listTails[shape] as number;
    if (tail >= 0 && jobGoesBefore(jobs, job, tail)) {
      this.heapRoots[shape] = heapPush(jobs, this.heapRoots[shape] as number, job);
      return;
    }
    jobs.setFirst(job, IN_LIST);
    jobs.setNext(job, -1);
    jobs.setPrevious(job, tail);
    if (tail >= 0) jobs.setNext(tail, job);
    else this.listHeads[shape] = job;
    this.listTails[shape] = job;
  }

  /** Removes a job of the shape's line. O(1) in the list, amortised O(log n) in the heap. */
  remove(shape: number, job: number): void {
    const { jobs } = this;
    if (jobs.firstOf(job) !== IN_LIST) {
      this.heapRoots[shape] = heapRemove(jobs, this.heapRoots[shape] as number, job);
      return;
    }
    const before = jobs.previousOf(job);
    const after = jobs.nextOf(job);
    if (before >= 0) jobs.setNext(before, after);
    else this.listHeads[shape] = after;
    if (after >= 0) jobs.setPrevious(after, before);
    else this.listTails[shape] = before;
  }

  /**
   * Visits all jobs of a line, and checks links and order; for the zone's check.
   *
   * @returns True if everything is consistent.
   */
  walk(shape: number, visit: (job: number) => void): boolean {
    const { jobs } = this;
    let before = -1;
    for (let job = this.listHeads[shape] as number; job >= 0; job = jobs.nextOf(job)) {
      if (jobs.firstOf(job) !== IN_LIST || jobs.previousOf(job) !== before) return false;
      if (before >= 0 && !jobGoesBefore(jobs, before, job)) return false;
      visit(job);
      before = job;
    }
    return before === this.listTails[shape] && this.walkHeap(this.heapRoots[shape] as number, visit);
  }

  private walkHeap(root: number, visit: (job: number) => void): boolean {
    const { jobs } = this;
    if (root < 0) return true;
    if (jobs.previousOf(root) !== -1 || jobs.nextOf(root) !== -1) return false;
    const stack = [root];
    for (let job = stack.pop(); job !== undefined; job = stack.pop()) {
      visit(job);
      let before = job;
      if (jobs.firstOf(job) < -1) return false;
      for (let child = jobs.firstOf(job); child >= 0; child = jobs.nextOf(child)) {
        if (jobs.previousOf(child) !== before || !jobGoesBefore(jobs, job, child)) return false;
        before = child;
        stack.push(child);
      }
    }
    return true;
  }
}
