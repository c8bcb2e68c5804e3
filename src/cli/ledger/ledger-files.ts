/**
 * The output of `teg ledger`, as text and as JSON. Amounts are micro-tokens in decimal digits, because some of them
 * exceed the exact integers of JSON.
 */
import { existsSync } from 'node:fs';
import { QUANTITY_PER_UNIT_HOUR, tokensText } from '../../market/amounts.ts';
import { type Statement, statementOf } from '../../market/statement.ts';
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
  readonly opening: string;
  readonly openingReserved: string;
  readonly closing: string;
  readonly closingReserved: string;
  readonly lines: readonly {
    readonly timeSeconds: number;
    readonly code: string;
    readonly job: number | null;
    /** Unit-hours, null: not by quantity; tokens for a unit-hour, null: of several prices. */
    readonly quantity: number | null;
    readonly price: number | null;
    readonly change: string;
    readonly reservedChange: string;
    readonly transfer: string;
  }[];
}

/** Recomputes the log of a file. @throws TegError of the store. */
export function verifyFile(file: string, head: string | undefined): VerifiedFile {
  if (head !== undefined && !/^[0-9a-f]{64}$/.test(head)) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `--head: got '${head.slice(0, 80)}', expected 64 hexadecimal digits in lower case`,
    );
  }
  return withStore(file, (store) => {
    const {
      batches,
      records,
      head: end,
      ledger,
      fault,
    } = verifyLedger(store.read(), { head, transfersMax: TRANSFERS_MAX });
    const accounts = (ledger?.accounts.names ?? []).map((name, account): VerifiedAccount => {
      const view = ledger?.view(account);
      return { name, balance: String(view?.balance), reserved: String(view?.reserved) };
    });
    return { file, batches, records, head: end, accounts, ...(fault === undefined ? {} : { fault }) };
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

/** Reads a statement from a file. @throws TegError of the store, TEG_OPTION_INVALID for an unknown account. */
export function statementFromFile(file: string, account: string, from?: number, to?: number): StatementFile {
  const times = {
    ...(from === undefined ? {} : { fromMicros: from * MICROS_PER_SECOND }),
    ...(to === undefined ? {} : { toMicros: to * MICROS_PER_SECOND }),
  };
  const statement = withStore(file, (store) => statementOf(store.read(), { account, ...times }));
  const { opening, openingReserved, closing, closingReserved, lines } = statement;
  return {
    account,
    opening: String(opening),
    openingReserved: String(openingReserved),
    lines: lines.map((line) => ({
      timeSeconds: line.timeMicros / MICROS_PER_SECOND,
      code: CODE_NAMES[line.code] ?? String(line.code),
      job: line.job < 0 ? null : line.job,
      quantity: line.quantity > 0 || line.price > 0 ? line.quantity / QUANTITY_PER_UNIT_HOUR : null,
      price: line.price > 0 ? line.price / MICROS_PER_TOKEN : null,
      change: String(line.change),
      reservedChange: String(line.reservedChange),
      transfer: idText(line.id),
    })),
    closing: String(closing),
    closingReserved: String(closingReserved),
  };
}

/** Prints a statement. */
export function printStatement(statement: StatementFile): void {
  const { account, opening, openingReserved, lines, closing, closingReserved } = statement;
  const amount = (micros: string): string => (micros === '0' ? '' : tokensText(BigInt(micros)));
  const total = (name: string, balance: string, reserved: string): string[] => {
    return ['', name, '', '', tokensText(BigInt(balance)), tokensText(BigInt(reserved)), ''];
  };
  printTable(
    [
      { header: 'seconds', align: 'right' },
      ...[{ header: 'code' }, { header: 'job', align: 'right' as const }, { header: 'unit-hours × price' }],
      ...[
        { header: 'balance', align: 'right' as const },
        { header: 'reserved', align: 'right' as const },
      ],
      { header: 'transfer' },
    ],
    [
      total('opening', opening, openingReserved),
      ...lines.map(({ timeSeconds, code, job, quantity, price, change, reservedChange, transfer }) => [
        String(timeSeconds),
        code,
        job === null ? '' : String(job),
        quantityText(quantity, price),
        amount(change),
        amount(reservedChange),
        transfer,
      ]),
      total('closing', closing, closingReserved),
    ],
    { title: `Statement of ${account}, in tokens` },
  );
}

/** @returns `4 × 1.25`, or the quantity alone where it was charged at several prices. */
function quantityText(quantity: number | null, price: number | null): string {
  if (quantity === null) return '';
  return price === null ? String(Number(quantity.toFixed(4))) : `${quantity} × ${price}`;
}

function withStore<Result>(file: string, use: (store: SqliteLedgerStore) => Result): Result {
  if (!existsSync(file)) {
    throw new TegError('TEG_INPUT_NOT_FOUND', `got '${file}', expected the file of a ledger: there is none`);
  }
  const store = new SqliteLedgerStore(file, { readOnly: true });
  try {
    return use(store);
  } finally {
    store.close();
  }
}
