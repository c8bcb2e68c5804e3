/**
 * Notes: what ran, for whom, at which price; written into the log beside the rents that follow from it.
 *
 *     flavor  its number, name, base price      job    a number, and its name, before its first start
 *     start   account, flavor, job, milli-units, quoted price, rate      end    of which start
 *     quote   the price of a flavor from now on, for all that runs: the rent of the time before is over
 *
 * Rents are sums by tenant and period. With the notes they can be recomputed, and divided among jobs, and the ledger does not
 * need a transfer for each job: a job costs two records, however long it runs. A note is known by its number: the same one twice
 * is written once.
 */
import type { BatchParts } from './batch.ts';
import { Records } from './record.ts';
import { LEDGER_KIND, TransferAction } from './transfer.ts';

/** Between the names of a batch. */
const SEPARATOR = '\u0000';

/** Fields of a note; those that it does not have are 0, −1 or absent. */
interface NoteFields {
  readonly action: number;
  readonly account?: number;
  readonly flavor?: number;
  readonly job?: number;
  /** Milli-units. */
  readonly milli?: number;
  /** Micro-tokens for a unit-hour. */
  readonly price?: number;
  /** Micro-tokens an hour. */
  readonly rate?: number;
  /** Number of the start that ends. */
  readonly start?: number;
  /** Of a flavor or job. */
  readonly name?: string;
}

/** Notes that wait to be written. */
export class NoteBuffer {
  readonly records: Records = new Records(64);
  count = 0;
  private names: string[] = [];
  private next: number;

  /** @param first Number of the first note. */
  constructor(first = 0) {
    this.next = first;
  }

  /** Adds a note. @returns Its number. */
  add(note: NoteFields, timeMicros: number): number {
    const { action, account = 0, flavor = 0, job = -1, milli = 0, price = 0, rate = 0, start, name } = note;
    const number = this.next++;
    this.records.reserve(this.count + 1);
    this.records.write(this.count, {
      id: { position: number, kind: LEDGER_KIND, subject: 0 },
      // Written as it is: notes have numbers behind those of clients.
      action: action as 1,
      ...{
        debit: account,
        credit: flavor,
        amount: rate,
        timeoutMicros: 0,
        code: 0,
        job,
        quantity: milli,
        price,
      },
      pending: start === undefined ? undefined : { position: start, kind: LEDGER_KIND, subject: 0 },
    });
    this.records.writeOutcome(this.count++, 0, 0, timeMicros);
    if (name !== undefined) this.names.push(name.replaceAll(SEPARATOR, ' ').toWellFormed());
    return number;
  }

  /** Names of the notes, as a batch keeps them. */
  get text(): string {
    return this.names.join(SEPARATOR);
  }

  /** Forgets what was written. */
  clear(): void {
    this.count = 0;
    this.names = [];
  }
}

/** One note of a log. */
export interface Note extends Required<Omit<NoteFields, 'name'>> {
  readonly number: number;
  readonly name: string | undefined;
  readonly timeMicros: number;
}

/** @returns The notes of a batch, in order. */
export function* readNotes({ records, count, name }: BatchParts): Generator<Note> {
  const names = name.split(SEPARATOR);
  let used = 0;
  for (let at = 0; at < count; at++) {
    const { action, id, debit, credit, job, quantity, price, amount, pending, timeMicros } =
      records.fields(at);
    const isNamed = action === TransferAction.NoteFlavor || action === TransferAction.NoteJob;
    yield {
      ...{
        action,
        number: id.position,
        account: debit,
        flavor: credit,
        job,
        milli: quantity,
        price,
        rate: amount,
      },
      start: pending?.position ?? -1,
      name: isNamed ? names[used++] : undefined,
      timeMicros,
    };
  }
}
