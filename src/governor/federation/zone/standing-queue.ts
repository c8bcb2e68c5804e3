/** The ends of the standing requests of a zone. */
import { HoldState, type ZoneLedger } from './zone-ledger.ts';

/** One request, as of when it was last made. */
interface Standing {
  readonly local: number;
  readonly job: number;
  readonly deadline: number;
}

/** Requests in the order of their ends: all last equally long. */
export class StandingQueue {
  private readonly ledger: ZoneLedger;
  private queue: Standing[] = [];
  private head = 0;

  /** @param ledger Its `deadlines` of standing jobs are written here. */
  constructor(ledger: ZoneLedger) {
    this.ledger = ledger;
  }

  /** Time of the first end; Infinity if there is none. */
  get dueAt(): number {
    return this.queue[this.head]?.deadline ?? Number.POSITIVE_INFINITY;
  }

  /** A request is made or repeated. @param deadline Not before that of any other. */
  add(local: number, deadline: number): void {
    const job = this.ledger.jobs[local] as number;
    this.ledger.deadlines[local] = deadline;
    this.queue.push({ local, job, deadline });
  }

  /** Ends the due requests that were neither granted, nor withdrawn, nor repeated. */
  expire(timeSeconds: number, end: (local: number) => void): void {
    const { ledger, queue } = this;
    while (this.head < queue.length) {
      const { local, job, deadline } = queue[this.head] as Standing;
      if (deadline > timeSeconds) break;
      this.head++;
      const stands = ledger.states[local] === HoldState.Standing && ledger.jobs[local] === job;
      if (stands && ledger.deadlines[local] === deadline) end(local);
    }
    if (this.head > 1024 && 2 * this.head > queue.length) {
      this.queue = queue.slice(this.head);
      this.head = 0;
    }
  }
}
