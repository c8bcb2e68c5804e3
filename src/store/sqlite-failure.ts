/**
 * Failures of SQLite as failures of TEG.
 */
import { TegError, type TegErrorCode } from '../model/errors.ts';

/** Primary result codes of SQLite, https://sqlite.org/rescode.html. */
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;
/** The primary code is the low byte of an extended one. */
const PRIMARY_MASK = 0xff;

/** @returns The failure to throw. @param done The failed action, as a participle: opened, read, written. */
export function storeFailure(error: unknown, path: string, done: string): unknown {
  if (error instanceof TegError || !(error instanceof Error)) return error;
  const extended = 'errcode' in error ? Number(error.errcode) : Number.NaN;
  if (Number.isNaN(extended)) return error;
  const [code, advice] = meaningOf(extended & PRIMARY_MASK);
  return new TegError(
    code,
    `'${path}' could not be ${done}: ${error.message} (SQLite ${extended}); ${advice}`,
    { cause: error },
  );
}

function meaningOf(primary: number): [TegErrorCode, string] {
  if (primary === SQLITE_BUSY || primary === SQLITE_LOCKED)
    return ['TEG_STORE_LOCKED', 'expected that no other process has it open: a ledger has one writer'];
  if (primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB)
    return ['TEG_LEDGER_CORRUPT', 'expected the log of a ledger: restore a copy'];
  return ['TEG_STORE_FAILED', 'expected a file that can be read and written, and room on its disk'];
}
