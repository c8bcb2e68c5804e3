/**
 * Jobs that wait for room, one line a demand: first in, first out, and any may leave.
 *
 * Invariants: a job is in at most one line; a demand is active iff its line is not empty.
 */

/** Lines by demand. 9 bytes a job. */
export class WaitingLines {
  /** Jobs in all lines. */
  size = 0;
  /** Demands with a line: `active[0 … activeCount)`, in no particular order. @shape [demands] */
  readonly active: Int32Array;
  activeCount = 0;
  /** First and last job of a line, −1 if it is empty. @shape [demands] */
  private readonly heads: Int32Array;
  private readonly tails: Int32Array;
  /** Where a demand is in `active`. @shape [demands] */
  private readonly places: Int32Array;
  /** Neighbours in line, −1 at the ends. @shape [jobs] */
  private readonly nexts: Int32Array;
  private readonly previous: Int32Array;
  /** @shape [jobs] 1: in a line */
  private readonly waits: Uint8Array;

  /** @param jobs Of the workload. @param demands Of its table. */
  constructor(jobs: number, demands: number) {
    this.active = new Int32Array(demands);
    this.heads = new Int32Array(demands).fill(-1);
    this.tails = new Int32Array(demands).fill(-1);
    this.places = new Int32Array(demands);
    this.nexts = new Int32Array(jobs);
    this.previous = new Int32Array(jobs);
    this.waits = new Uint8Array(jobs);
  }

  /** @returns True if a job is in a line. */
  has(job: number): boolean {
    return this.waits[job] === 1;
  }

  /** @returns The first job of a demand's line, −1 if there is none. */
  first(demand: number): number {
    return this.heads[demand] as number;
  }

  /** @returns The next job of the same line, −1 if it is the last. */
  after(job: number): number {
    return this.nexts[job] as number;
  }

  /** Adds a job, which is in no line, at the end. */
  push(demand: number, job: number): void {
    const last = this.tails[demand] as number;
    this.waits[job] = 1;
    this.nexts[job] = -1;
    this.previous[job] = last;
    this.tails[demand] = job;
    this.size++;
    if (last >= 0) {
      this.nexts[last] = job;
      return;
    }
    this.heads[demand] = job;
    this.places[demand] = this.activeCount;
    this.active[this.activeCount++] = demand;
  }

  /** Takes a job, which is in this demand's line, out of it. */
  remove(demand: number, job: number): void {
    const next = this.nexts[job] as number;
    const before = this.previous[job] as number;
    this.waits[job] = 0;
    this.size--;
    if (before >= 0) this.nexts[before] = next;
    else this.heads[demand] = next;
    if (next >= 0) this.previous[next] = before;
    else this.tails[demand] = before;
    if ((this.heads[demand] as number) >= 0) return;
    const place = this.places[demand] as number;
    const last = this.active[--this.activeCount] as number;
    this.active[place] = last;
    this.places[last] = place;
  }
}
