/**
 * The output of `teg ledger`, as text and as JSON. Amounts are micro-tokens in decimal digits, because some of them
 * exceed the exact integers of JSON.
 */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { QUANTITY_PER_UNIT_HOUR, tokensText } from '../../market/amounts.ts';
import type { LedgerBatch } from '../../market/batch.ts';
import { type Statement, statementOf } from '../../market/statement.ts';
import { RentAudit } from '../../market/token-market/rent-audit.ts';
import { CODE_NAMES, idText } from '../../market/transfer.ts';
import { faultText, type LedgerFault, verifyLedger } from '../../market/verify-ledger.ts';
import { TegError } from '../../model/errors.ts';
import { SqliteLedgerStore } from '../../store/sqlite-ledger-store.ts';
import { printTable } from '../terminal/table.ts';

const MICROS_PER_TOKEN = 1e6;
const MICROS_PER_SECOND = 1e6;

/** Bounded by memory alone: the ledger may have been written with any bound. */
const TRANSFERS_MAX = 2 ** 26;

/** One account after all batches. */
interface VerifiedAccount {
  readonly name: string;
  readonly balance: string;
  readonly reserved: string;
}

/** Result of `teg ledger verify`. */
export interface VerifiedFile {
  readonly file: string;
  readonly batches: number;
  readonly records: number;
  readonly head: string;
  readonly accounts: readonly VerifiedAccount[];
  /** Absent: the log is valid. */
  readonly fault?: LedgerFault;
}

/** Result of `teg ledger statement`. */
export interface StatementFile extends Pick<Statement, 'account'> {
  /** Lines before these, and lines to skip for the next page; null: there is none. */
  readonly skipped: number;
  readonly next: number | null;
  readonly opening: string;
  readonly openingReserved: string;
  readonly closing: string;
  readonly closingReserved: string;
  readonly lines: readonly {
    readonly timeSeconds: number;
    readonly code: string;
    readonly job: number | null;
    /** By job, and where the log says it: the job's name, and what it ran on. */
    readonly jobName?: string | null;
    readonly flavor?: string;
    /** Unit-hours, null: not by quantity; tokens for a unit-hour, null: of several prices. */
    readonly quantity: number | null;
    readonly price: number | null;
    readonly change: string;
    readonly reservedChange: string;
    readonly transfer: string;
  }[];
}

const DAMAGED_CHECKPOINT: LedgerFault = {
  ...{ batch: -1, record: -1, what: 'the checkpoint', found: 'another hash', expected: 'that of its bytes' },
};

/** Recomputes the log of a file. @throws TegError of the store. */
export function verifyFile(file: string, head: string | undefined): VerifiedFile {
  if (head !== undefined && !/^[0-9a-f]{64}$/.test(head)) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `--head: got '${head.slice(0, 80)}', expected 64 hexadecimal digits in lower case`,
    );
  }
  return withStore(file, (store) => {
    const checkpoint = store.checkpoint();
    const options = {
      head,
      checkpoint: checkpoint?.stored,
      transfersMax: TRANSFERS_MAX,
      audit: new RentAudit(),
    };
    const { batches, records, head: end, ledger, fault } = verifyLedger(store.read(), options);
    const isDamaged = fault === undefined && checkpoint?.isIntact === false;
    const accounts = (ledger?.accounts.names ?? []).map((name, account): VerifiedAccount => {
      const view = ledger?.view(account);
      return { name, balance: String(view?.balance), reserved: String(view?.reserved) };
    });
    return {
      file,
      batches,
      records,
      head: end,
      accounts,
      ...(isDamaged ? { fault: DAMAGED_CHECKPOINT } : fault === undefined ? {} : { fault }),
    };
  });
}

/** Prints the result of a verification. */
export function printReport({ file, batches, records, head, accounts, fault }: VerifiedFile): void {
  if (fault !== undefined) {
    process.stdout.write(
      `${file} is NOT what a ledger writes. ${batches} batches before it are right.\n${faultText(fault)}\n`,
    );
    return;
  }
  printTable(
    [{ header: 'account' }, { header: 'balance', align: 'right' }, { header: 'reserved', align: 'right' }],
    accounts.map(({ name, balance, reserved }) => [
      name,
      tokensText(BigInt(balance)),
      tokensText(BigInt(reserved)),
    ]),
    { title: `${file}: ${batches} batches with ${records} records, recomputed; the balances add up to 0` },
  );
  process.stdout.write(`head ${head}\n`);
}

/** Which statement, from a command line. */
export interface StatementRequest {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly byJob: boolean;
  readonly skip: number;
  readonly lines: number;
}

/** Reads a statement from a file. @throws TegError of the store, TEG_OPTION_INVALID for an unknown account. */
export function statementFromFile(file: string, account: string, request: StatementRequest): StatementFile {
  const { from, to, byJob, skip, lines: linesMax } = request;
  const times = {
    ...(from === undefined ? {} : { fromMicros: from * MICROS_PER_SECOND }),
    ...(to === undefined ? {} : { toMicros: to * MICROS_PER_SECOND }),
  };
  const options = { account, ...times, byJob, skip, linesMax };
  const statement = withStore(file, (store) => statementOf(store.read(), options), account);
  const { opening, openingReserved, closing, closingReserved, lines, next } = statement;
  return {
    account,
    skipped: skip,
    opening: String(opening),
    openingReserved: String(openingReserved),
    lines: lines.map((line) => ({
      timeSeconds: line.timeMicros / MICROS_PER_SECOND,
      code: CODE_NAMES[line.code] ?? String(line.code),
      job: line.job < 0 ? null : line.job,
      ...(line.flavor === undefined ? {} : { jobName: line.jobName ?? null, flavor: line.flavor }),
      quantity: line.quantity > 0 || line.price > 0 ? line.quantity / QUANTITY_PER_UNIT_HOUR : null,
      price: line.price > 0 ? line.price / MICROS_PER_TOKEN : null,
      change: String(line.change),
      reservedChange: String(line.reservedChange),
      transfer: idText(line.id),
    })),
    closing: String(closing),
    closingReserved: String(closingReserved),
    next: next ?? null,
  };
}

/** Prints a statement. */
export function printStatement(statement: StatementFile): void {
  const { account, opening, openingReserved, lines, closing, closingReserved, skipped, next } = statement;
  const hasFlavors = lines.some(({ flavor }) => flavor !== undefined);
  const amount = (micros: string): string => (micros === '0' ? '' : tokensText(BigInt(micros)));
  const withFlavor = (cells: string[], flavor: string): string[] =>
    hasFlavors ? [...cells.slice(0, 3), flavor, ...cells.slice(3)] : cells;
  const total = (name: string, balance: string, reserved: string): string[] =>
    withFlavor(['', name, '', '', tokensText(BigInt(balance)), tokensText(BigInt(reserved)), ''], '');
  const right = { align: 'right' as const };
  printTable(
    [
      { header: 'seconds', ...right },
      ...[{ header: 'code' }, { header: 'job', ...right }, ...(hasFlavors ? [{ header: 'flavor' }] : [])],
      { header: 'unit-hours × price' },
      ...[{ header: 'balance', ...right }, { header: 'reserved', ...right }, { header: 'transfer' }],
    ],
    [
      total('opening', opening, openingReserved),
      ...lines.map((line) =>
        withFlavor(
          [
            ...[
              String(line.timeSeconds),
              line.code,
              line.jobName ?? (line.job === null ? '' : String(line.job)),
            ],
            quantityText(line.quantity, line.price),
            ...[amount(line.change), amount(line.reservedChange), line.transfer],
          ],
          line.flavor ?? '',
        ),
      ),
      total('closing', closing, closingReserved),
    ],
    { title: `Statement of ${account}, in tokens` },
  );
  if (next === null) return;
  process.stdout.write(
    `lines ${skipped + 1} to ${next}; the next ones begin where these close: --skip ${next}
`,
  );
}

/** Reads the batches of a file. @throws TegError of the store, TEG_INPUT_NOT_FOUND. */
export async function withBatches<Result>(
  file: string,
  use: (batches: Iterable<LedgerBatch>) => Promise<Result>,
): Promise<Result> {
  const store = openStore(file);
  try {
    return await use(store.read());
  } finally {
    store.close();
  }
}

/** @returns `4 × 1.25`, or the quantity alone where it was charged at several prices. */
function quantityText(quantity: number | null, price: number | null): string {
  if (quantity === null) return '';
  const rounded = Number(quantity.toFixed(4));
  return price === null ? String(rounded) : `${rounded} × ${price}`;
}

function withStore<Result>(file: string, use: (store: SqliteLedgerStore) => Result, other?: string): Result {
  const store = openStore(file, other);
  try {
    return use(store);
  } finally {
    store.close();
  }
}

/** @param other The argument beside the file, which may be the file. @throws TegError TEG_INPUT_NOT_FOUND, and of the store. */
function openStore(file: string, other?: string): SqliteLedgerStore {
  if (!existsSync(file)) {
    const isTurned = other !== undefined && existsSync(other);
    throw new TegError(
      'TEG_INPUT_NOT_FOUND',
      `got '${file}', expected the file of a ledger, as \`teg simulate --ledger FILE\` writes it: there is none` +
        (isTurned ? `; '${other}' is a file, and the two may be the other way round` : ''),
    );
  }
  if (statSync(file).isDirectory()) {
    throw new TegError('TEG_INPUT_NOT_FOUND', `got the folder '${file}', expected the file of a ledger`);
  }
  refuseOtherContents(file);
  return new SqliteLedgerStore(file, { readOnly: true });
}

/** Text that every database of SQLite begins with. */
const SQLITE_MAGIC = 'SQLite format 3\0';

/** @throws TegError TEG_INPUT_UNKNOWN_FORMAT: no database, and so no ledger that was damaged. */
function refuseOtherContents(file: string): void {
  const bytes = Buffer.alloc(SQLITE_MAGIC.length);
  const descriptor = openSync(file, 'r');
  let length: number;
  try {
    length = readSync(descriptor, bytes, 0, bytes.length, 0);
  } finally {
    closeSync(descriptor);
  }
  if (bytes.toString('latin1', 0, length) === SQLITE_MAGIC) return;
  const got = length === 0 ? 'an empty file' : 'a file of another kind';
  throw new TegError(
    'TEG_INPUT_UNKNOWN_FORMAT',
    `${file}: got ${got}, expected the file of a ledger, as \`teg simulate --tenants FILE --queue teg --ledger FILE\` writes it: name that file`,
  );
}
