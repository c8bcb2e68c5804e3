/**
 * A checkpoint: the state of a ledger between two calls, as bytes. A ledger that is made of it does what the first one would have
 * done.
 *
 *     doubles  version · half-life · time · number of the next batch · notes · time of the last note · floor · last position
 *              · accounts · transfers · bytes of names
 *     columns of the accounts, a double each · records of the remembered transfers (`record.ts`) in the order of their insertion
 *     · their states, a byte each · names of the accounts as JSON
 *
 * Canonical: ledgers with the same log have the same bytes, whether they were made of a checkpoint or not. So a verification,
 * which recomputes everything from the first batch, compares them.
 */
import { TegError } from '../model/errors.ts';
import type { AccountColumns } from './account-columns.ts';
import { isHalfLife } from './decay.ts';
import { RECORD_BYTES, Records } from './record.ts';
import type { ClientAction } from './transfer.ts';
import type { TransferTable } from './transfer-table.ts';

const CHECKPOINT_VERSION = 1;
const HEADER_DOUBLES = 11;
const DOUBLE_BYTES = 8;

/** What a ledger has beside its tables. */
export interface LedgerClock {
  readonly halfLifeMicros: number;
  readonly nowMicros: number;
  readonly batchNumber: number;
  readonly noteCount: number;
  readonly noteMicros: number;
}

/** @returns The state as bytes. O(n log n) in what is remembered. */
export function writeCheckpoint(
  clock: LedgerClock,
  accounts: AccountColumns,
  transfers: TransferTable,
): Uint8Array<ArrayBuffer> {
  const slots = transfers.inOrder();
  const names = new TextEncoder().encode(JSON.stringify(accounts.names));
  const columns = accounts.columns;
  const doubles = HEADER_DOUBLES + columns.length * accounts.count;
  const recordsAt = doubles * DOUBLE_BYTES;
  const statesAt = recordsAt + slots.length * RECORD_BYTES;
  const bytes = new Uint8Array(statesAt + slots.length + names.length);
  const header = new Float64Array(bytes.buffer, 0, doubles);
  const { halfLifeMicros, nowMicros, batchNumber, noteCount, noteMicros } = clock;
  header.set([CHECKPOINT_VERSION, halfLifeMicros, nowMicros, batchNumber, noteCount, noteMicros]);
  header.set([transfers.floor, transfers.lastPosition, accounts.count, slots.length, names.length], 6);
  columns.forEach((column, at) => {
    header.set(column.subarray(0, accounts.count), HEADER_DOUBLES + at * accounts.count);
  });
  // When an account that has nothing was last settled depends on calls that are not in the log, and nothing depends on it.
  const settledAt = HEADER_DOUBLES + columns.indexOf(accounts.settledMicros) * accounts.count;
  for (let account = 0; account < accounts.count; account++)
    if (accounts.isAtRest(account)) header[settledAt + account] = 0;
  slots.forEach((slot, at) => {
    const from = slot * RECORD_BYTES;
    bytes.set(transfers.records.bytes.subarray(from, from + RECORD_BYTES), recordsAt + at * RECORD_BYTES);
    bytes[statesAt + at] = transfers.states[slot] as number;
  });
  bytes.set(names, statesAt + slots.length);
  return bytes;
}

/** @returns Whether bytes are a checkpoint of this version. */
export function isCheckpoint(bytes: Uint8Array<ArrayBuffer>): boolean {
  return (
    bytes.length > DOUBLE_BYTES &&
    new Float64Array(bytes.slice(0, DOUBLE_BYTES).buffer)[0] === CHECKPOINT_VERSION
  );
}

/** @returns The half-life of the ledger, µs. @throws TegError TEG_LEDGER_CORRUPT as `readCheckpoint`. */
export function checkpointHalfLife(bytes: Uint8Array<ArrayBuffer>): number {
  const header = 2 * DOUBLE_BYTES;
  const [version, halfLife = Number.NaN] =
    bytes.length < header ? [] : new Float64Array(bytes.slice(0, header).buffer);
  if (version === CHECKPOINT_VERSION && isHalfLife(halfLife)) return halfLife;
  throw new TegError(
    'TEG_LEDGER_CORRUPT',
    `got a checkpoint of version ${version}, expected one of version ${CHECKPOINT_VERSION}`,
  );
}

/**
 * Fills the tables of a new ledger.
 *
 * @throws TegError TEG_LEDGER_CORRUPT if the bytes are not a checkpoint of this version.
 */
export function readCheckpoint(
  bytes: Uint8Array<ArrayBuffer>,
  accounts: AccountColumns,
  transfers: TransferTable,
): LedgerClock {
  const own = bytes.slice();
  const header = new Float64Array(
    own.buffer,
    0,
    Math.min(HEADER_DOUBLES, Math.floor(own.length / DOUBLE_BYTES)),
  );
  const field = (at: number): number => header[at] ?? Number.NaN;
  const [accountCount, transferCount, nameBytes] = [field(8), field(9), field(10)];
  const columns = accounts.columns.length;
  const recordsAt = (HEADER_DOUBLES + columns * accountCount) * DOUBLE_BYTES;
  const statesAt = recordsAt + transferCount * RECORD_BYTES;
  const expected = statesAt + transferCount + nameBytes;
  if (field(0) !== CHECKPOINT_VERSION || own.length !== expected) {
    throw new TegError(
      'TEG_LEDGER_CORRUPT',
      `got a checkpoint of version ${field(0)} with ${own.length} bytes, expected version ${CHECKPOINT_VERSION} with ${expected}`,
    );
  }
  const names = JSON.parse(new TextDecoder().decode(own.subarray(statesAt + transferCount))) as string[];
  for (const name of names.slice(accounts.count)) accounts.add(name, 0);
  // Read again: adding accounts may have widened them.
  accounts.columns.forEach((column, at) => {
    column.set(
      new Float64Array(own.buffer, (HEADER_DOUBLES + at * accountCount) * DOUBLE_BYTES, accountCount),
    );
  });
  const records = Records.over(own, recordsAt, transferCount);
  for (let at = 0; at < transferCount; at++) {
    const fields = records.fields(at);
    const { action, answer, moved, timeMicros } = fields;
    const slot = transfers.add({ ...fields, action: action as ClientAction });
    transfers.records.writeOutcome(slot, answer, moved, timeMicros);
    transfers.revive(slot, own[statesAt + at] as number, fields.id.position > field(6));
  }
  transfers.floor = field(6);
  transfers.lastPosition = field(7);
  const [, halfLifeMicros = 0, nowMicros = 0, batchNumber = 0, noteCount = 0, noteMicros = 0] = header;
  return { halfLifeMicros, nowMicros, batchNumber, noteCount, noteMicros };
}
