/**
 * What a market notes in its ledger's log: starts, ends and quotes, so that rents can be recomputed and divided among jobs.
 */
import type { Ledger } from '../ledger.ts';
import { TransferAction } from '../transfer.ts';
import { NoteBuffer } from '../usage-notes.ts';

/** Notes that wait for the next tick, at most. */
const NOTES_MAX = 1_024;

/** The notes of one market. Single writer: the market. */
export class UsageLog {
  private readonly ledger: Ledger;
  private readonly notes: NoteBuffer;
  /** By lease: the number of its start, −1: not noted. */
  private readonly starts: number[] = [];

  /** @param first Number of its first note. */
  constructor(ledger: Ledger, first: number) {
    this.ledger = ledger;
    this.notes = new NoteBuffer(first);
  }

  /**
   * A flavor that will be priced. Flavors are noted once, in the order of their numbers. @param base Micro-tokens for a
   * unit-hour.
   */
  flavor(flavor: number, name: string, base: number, timeMicros: number): void {
    this.notes.add({ action: TransferAction.NoteFlavor, flavor, name, price: base }, timeMicros);
  }

  /** The price of all that runs on a flavor from now on. */
  quote(flavor: number, price: number, timeMicros: number): void {
    this.notes.add({ action: TransferAction.NoteQuote, flavor, price }, timeMicros);
  }

  /** A lease starts. @param name Of the job, if it was not noted for a lease of it that runs. */
  started(
    lease: number,
    use: {
      readonly account: number;
      readonly flavor: number;
      readonly job: number;
      readonly milli: number;
      readonly price: number;
      readonly rate: number;
    },
    name: string | undefined,
    timeMicros: number,
  ): void {
    if (name !== undefined)
      this.notes.add({ action: TransferAction.NoteJob, job: use.job, name }, timeMicros);
    this.starts[lease] = this.notes.add({ action: TransferAction.NoteStart, ...use }, timeMicros);
    this.flushSome(timeMicros);
  }

  /** A lease ends, which may not have been noted. */
  ended(lease: number, timeMicros: number): void {
    const start = this.starts[lease] ?? -1;
    this.starts[lease] = -1;
    if (start < 0) return;
    this.notes.add({ action: TransferAction.NoteEnd, start }, timeMicros);
    this.flushSome(timeMicros);
  }

  /** Writes what waits. */
  flush(timeMicros: number): void {
    const { notes } = this;
    this.ledger.note(notes.records, notes.count, notes.text, timeMicros);
    notes.clear();
  }

  private flushSome(timeMicros: number): void {
    if (this.notes.count >= NOTES_MAX) this.flush(timeMicros);
  }
}
