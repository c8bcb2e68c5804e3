/**
 * Batches: the effect of one call of a ledger, as bytes. A batch is the unit that is stored, chained by hashes and
 * recomputed.
 *
 *     header  uint32 records · uint32 bytes of names · uint32 call · int32 account · double time, µs · double number of the batch
 *     records, 96 bytes each (`record.ts`), then UTF-8: the name of an account that was opened, or those of notes
 *
 * A record's place is its number in the batch. The call and its records are the request; the ledger's own records
 * (mint, evaporation, expiry) and all outcomes follow from it, so a log is verified by making the calls again.
 */
import { TegError } from '../model/errors.ts';
import { RECORD_BYTES, Records } from './record.ts';
import { LEDGER_KIND, TransferAction } from './transfer.ts';

/** Bytes before the first record. */
export const BATCH_HEADER_BYTES = 32;

/** Calls of a ledger that change it. */
export const Call = { Genesis: 0, Open: 1, Apply: 2, Settle: 3, Forget: 4, Expire: 5, Note: 6 } as const;

/** Most records of a batch: one that is longer is damaged. */
const BATCH_RECORDS_MAX = 2 ** 24;

const NO_NAMES = new Uint8Array(0);

/** The effect of one call. */
export interface LedgerBatch {
  /** 0 is the genesis; no number is left out. */
  readonly number: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The parts of a batch. */
export interface BatchParts {
  readonly number: number;
  readonly call: number;
  /** Account of the call, −1: none or all. */
  readonly account: number;
  readonly timeMicros: number;
  readonly records: Records;
  readonly count: number;
  readonly name: string;
}

/** Builds a batch record by record. The header lies at the end of the first slot, right before the records. */
export class BatchBuilder {
  private readonly records = new Records(64);
  private count = 0;

  /** Records so far. */
  get size(): number {
    return this.count;
  }

  /** Adds a copy of a record. */
  add(from: Records, at: number): void {
    this.records.reserve(this.count + 2);
    this.records.copy(++this.count, from, at);
  }

  /** Adds a record of the ledger's own. Its id is the batch and its place. */
  addOwn(own: OwnRecord, batchNumber: number): void {
    this.records.reserve(this.count + 2);
    const at = ++this.count;
    const { pending, action, moved, timeMicros } = own;
    this.records.write(at, {
      id: { position: batchNumber, kind: LEDGER_KIND, subject: at - 1 },
      // Written as it is: the actions of the ledger's own have numbers behind those of clients.
      action: action as 1,
      debit: own.debit,
      credit: own.credit,
      amount: moved,
      timeoutMicros: 0,
      code: own.code,
      job: own.job,
      quantity: 0,
      price: 0,
      pending,
    });
    this.records.writeOutcome(at, 0, moved, timeMicros);
  }

  /** Takes back the records from `size` on. */
  cut(size: number): void {
    this.count = size;
  }

  /** @returns The batch, in bytes of its own; the builder is empty again. */
  finish(header: {
    readonly number: number;
    readonly call: number;
    readonly account: number;
    readonly timeMicros: number;
    readonly name: string;
  }): LedgerBatch {
    const { number, call, account, timeMicros, name } = header;
    const names = name === '' ? NO_NAMES : new TextEncoder().encode(name);
    const { bytes, words, doubles } = this.records;
    const from = RECORD_BYTES - BATCH_HEADER_BYTES;
    words[from / 4] = this.count;
    words[from / 4 + 1] = names.length;
    words[from / 4 + 2] = call;
    words[from / 4 + 3] = account;
    doubles[from / 8 + 2] = timeMicros;
    doubles[from / 8 + 3] = number;
    const to = (this.count + 1) * RECORD_BYTES;
    this.count = 0;
    if (names.length === 0) return { number, bytes: bytes.slice(from, to) };
    const named = new Uint8Array(to - from + names.length);
    named.set(bytes.subarray(from, to));
    named.set(names, to - from);
    return { number, bytes: named };
  }
}

/** A record that the ledger derives. */
export interface OwnRecord {
  readonly action: number;
  readonly debit: number;
  readonly credit: number;
  readonly moved: number;
  readonly code: number;
  readonly job: number;
  readonly timeMicros: number;
  readonly pending: { position: number; kind: number; subject: number } | undefined;
}

/**
 * Takes a batch apart.
 *
 * @param place Which batch, for the message.
 * @throws TegError TEG_LEDGER_CORRUPT if its lengths do not fit.
 */
export function readBatch(bytes: Uint8Array<ArrayBuffer>, place: string): BatchParts {
  const refuse = (message: string): never => {
    throw new TegError('TEG_LEDGER_CORRUPT', `${place}: ${message}`);
  };
  if (bytes.length < BATCH_HEADER_BYTES) {
    refuse(`got ${bytes.length} bytes, expected at least ${BATCH_HEADER_BYTES}: the batch is cut short`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(0, true);
  const nameBytes = view.getUint32(4, true);
  const expected = BATCH_HEADER_BYTES + count * RECORD_BYTES + nameBytes;
  if (count > BATCH_RECORDS_MAX || expected !== bytes.length) {
    refuse(
      `got ${bytes.length} bytes, expected ${expected} for ${count} records and ${nameBytes} bytes of names`,
    );
  }
  const end = BATCH_HEADER_BYTES + count * RECORD_BYTES;
  const records = Records.over(bytes, BATCH_HEADER_BYTES, count);
  return {
    number: view.getFloat64(24, true),
    call: view.getUint32(8, true),
    account: view.getInt32(12, true),
    timeMicros: view.getFloat64(16, true),
    records,
    count,
    name: nameBytes === 0 ? '' : new TextDecoder().decode(bytes.subarray(end)),
  };
}

/** @returns Whether a client requested the record; otherwise the ledger derived it. */
export function isClientAction(action: number): boolean {
  return action >= TransferAction.Post && action <= TransferAction.SetMint;
}
