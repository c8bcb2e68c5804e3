/**
 * A tenant's statement of account: opening balance, each movement with its reason, closing balance; to the micro-token.
 */
import { TegError } from '../model/errors.ts';
import { type LedgerBatch, readBatch } from './batch.ts';
import { LogReader, type Movement } from './log-reader.ts';
import type { TransferId } from './transfer.ts';

/** One movement, seen from the account. */
export interface StatementLine {
  readonly timeMicros: number;
  /** See `Code`. */
  readonly code: number;
  /** −1: none. */
  readonly job: number;
  /** Unit-milliseconds, and micro-tokens for a unit-hour; 0 and 0: not by quantity. */
  readonly quantity: number;
  readonly price: number;
  readonly id: TransferId;
  /** Micro-tokens by which the balance and the reserve changed. */
  readonly change: number;
  readonly reservedChange: number;
}

/** Balance is what the account has, reserved tokens included; the rest is available. */
export interface Statement {
  readonly account: string;
  /** Lines are of times in [from, to). */
  readonly fromMicros: number;
  readonly toMicros: number;
  readonly opening: bigint;
  readonly openingReserved: bigint;
  readonly lines: readonly StatementLine[];
  readonly closing: bigint;
  readonly closingReserved: bigint;
}

/** Which statement. */
export interface StatementOptions {
  readonly account: string;
  /** Default: everything. */
  readonly fromMicros?: number;
  readonly toMicros?: number;
  /** Most lines; default 10^6. */
  readonly linesMax?: number;
}

const LINES_MAX_DEFAULT = 1e6;

/**
 * Reads a log once.
 *
 * @throws TegError TEG_OPTION_INVALID if no account has that name, TEG_LIMIT_REACHED for more lines than `linesMax`.
 */
export function statementOf(batches: Iterable<LedgerBatch>, options: StatementOptions): Statement {
  const {
    account,
    fromMicros = 0,
    toMicros = Number.POSITIVE_INFINITY,
    linesMax = LINES_MAX_DEFAULT,
  } = options;
  const reader = new LogReader();
  const lines: StatementLine[] = [];
  let [opening, openingReserved, closing, closingReserved] = [0n, 0n, 0n, 0n];
  let own = reader.names.indexOf(account);
  for (const { number, bytes } of batches) {
    for (const movement of reader.read(readBatch(bytes, `batch ${number}`))) {
      const line = lineOf(movement, own);
      if (line === undefined || line.timeMicros >= toMicros) continue;
      closing += BigInt(line.change);
      closingReserved += BigInt(line.reservedChange);
      if (line.timeMicros < fromMicros) [opening, openingReserved] = [closing, closingReserved];
      else lines.push(line);
      if (lines.length > linesMax) refuseLength(account, linesMax);
    }
    if (own < 0) own = reader.names.indexOf(account);
  }
  if (own < 0) refuseName(account, reader.names);
  return { account, fromMicros, toMicros, opening, openingReserved, lines, closing, closingReserved };
}

function lineOf(
  { record, debit, credit, moved, reservedChange }: Movement,
  own: number,
): StatementLine | undefined {
  if (own < 0 || (debit !== own && credit !== own)) return undefined;
  const change = (credit === own ? moved : 0) - (debit === own ? moved : 0);
  const reserve = debit === own ? reservedChange : 0;
  if (change === 0 && reserve === 0) return undefined;
  const { timeMicros, code, job, quantity, price, id } = record;
  return { timeMicros, code, job, quantity, price, id, change, reservedChange: reserve };
}

function refuseLength(account: string, linesMax: number): never {
  throw new TegError(
    'TEG_LIMIT_REACHED',
    `the statement of '${account}' has more than ${linesMax} lines: ask for a shorter time`,
  );
}

function refuseName(account: string, names: readonly string[]): never {
  const known = names.slice(0, 10).join(', ');
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got the account '${account}', expected one of the ledger: ${known}`,
  );
}
