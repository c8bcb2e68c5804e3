/**
 * A tenant's statement of account: opening balance, each movement with its reason, closing balance; to the micro-token. By tenant
 * and rent period, or by job; whole, or a page of it.
 */
import { closestName } from '../kernel/closest-name.ts';
import { TegError } from '../model/errors.ts';
import { type LedgerBatch, readBatch } from './batch.ts';
import { type JobCharge, JobCharges, undivided } from './job-charges.ts';
import type { TransferId } from './transfer.ts';

/** One movement, seen from the account. */
export interface StatementLine {
  readonly timeMicros: number;
  /** See `Code`. */
  readonly code: number;
  /** −1: none. */
  readonly job: number;
  /** Of the job and of its hardware, where the log says it and the statement is by job. */
  readonly jobName?: string | undefined;
  readonly flavor?: string | undefined;
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
  /** Before the first line, and after the last one. */
  readonly opening: bigint;
  readonly openingReserved: bigint;
  readonly lines: readonly StatementLine[];
  readonly closing: bigint;
  readonly closingReserved: bigint;
  /** Lines to skip for the next page; undefined: there is none. Its opening is this closing. */
  readonly next: number | undefined;
}

/** Which statement. */
export interface StatementOptions {
  readonly account: string;
  /** Default: everything. */
  readonly fromMicros?: number | undefined;
  readonly toMicros?: number | undefined;
  /** True: rents are divided among jobs, where the log has notes of them. Default false. */
  readonly byJob?: boolean | undefined;
  /** Lines that are left out from the beginning; default 0. */
  readonly skip?: number | undefined;
  /** Most lines, ≥ 1; default 10^6. */
  readonly linesMax?: number | undefined;
}

const LINES_MAX_DEFAULT = 1e6;
/** Names of accounts that a message lists. */
const NAMES_SHOWN = 10;

/**
 * Reads a log once, up to the end of the page. Memory: the page, what is pending, and by job what runs.
 *
 * @throws TegError TEG_OPTION_INVALID if no account has that name.
 */
export function statementOf(batches: Iterable<LedgerBatch>, options: StatementOptions): Statement {
  const { account, fromMicros = 0, toMicros = Number.POSITIVE_INFINITY, byJob = false } = options;
  const { skip = 0, linesMax = LINES_MAX_DEFAULT } = options;
  const charges = new JobCharges();
  const { names } = charges.log;
  const lines: StatementLine[] = [];
  let [opening, openingReserved, closing, closingReserved] = [0n, 0n, 0n, 0n];
  let own = names.indexOf(account);
  let seen = 0;
  for (const { number, bytes } of batches) {
    const parts = readBatch(bytes, `batch ${number}`);
    const all = byJob ? charges.read(parts) : charges.log.read(parts);
    for (const each of all) {
      const line = lineOf('movement' in each ? each : undivided(each), own);
      if (line === undefined || line.timeMicros >= toMicros) continue;
      if (lines.length === linesMax) {
        const next = skip + linesMax;
        return {
          account,
          fromMicros,
          toMicros,
          opening,
          openingReserved,
          lines,
          closing,
          closingReserved,
          next,
        };
      }
      closing += BigInt(line.change);
      closingReserved += BigInt(line.reservedChange);
      const isBefore = line.timeMicros < fromMicros || seen++ < skip;
      if (isBefore) [opening, openingReserved] = [closing, closingReserved];
      else lines.push(line);
    }
    if (own < 0) own = names.indexOf(account);
  }
  if (own < 0) refuseName(account, names);
  const next = undefined;
  return { account, fromMicros, toMicros, opening, openingReserved, lines, closing, closingReserved, next };
}

function lineOf(
  { movement, moved, reservedChange, ...part }: JobCharge,
  own: number,
): StatementLine | undefined {
  const { record, debit, credit } = movement;
  if (own < 0 || (debit !== own && credit !== own)) return undefined;
  const change = (credit === own ? moved : 0) - (debit === own ? moved : 0);
  const reserve = debit === own ? reservedChange : 0;
  if (change === 0 && reserve === 0 && part.flavor === undefined) return undefined;
  const { timeMicros, code, id } = record;
  const { job, jobName, flavor, quantity, price } = part;
  return {
    ...{ timeMicros, code, job, quantity, price, id, change, reservedChange: reserve },
    ...(flavor === undefined ? {} : { jobName, flavor: flavor.name }),
  };
}

/** @throws TegError TEG_OPTION_INVALID, with the name that was probably meant. */
function refuseName(account: string, names: readonly string[]): never {
  const meant = closestName(account, names);
  const known = names.slice(0, NAMES_SHOWN).join(', ');
  const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : '';
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got the account '${account}', expected one of the ledger: ${known}${more}` +
      (meant === undefined ? '' : ` (did you mean '${meant}'?)`),
  );
}
