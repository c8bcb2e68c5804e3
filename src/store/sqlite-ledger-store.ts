/**
 * The log of a ledger in one SQLite file, through `node:sqlite`.
 *
 * Write-ahead log with `synchronous = FULL`: a commit returns after its fsync. One connection, which locks the file for as long as it is
 * open. The row in `head` is written with every commit, so that rows that are gone from the end are missed.
 *
 * After any failed write the store stops: a second fsync may report success for pages that the first one dropped.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { areEqual, type ChainedBatch } from '../market/hash-chain.ts';
import { TegError } from '../model/errors.ts';
import type { LedgerStore } from './ledger-store.ts';
import { storeFailure } from './sqlite-failure.ts';

/** Oldest SQLite that does not lose committed pages with two connections to one write-ahead log. */
export const SQLITE_VERSION_MIN = '3.51.3';

/** `TEGL`, so that `file` and we know our own. */
const APPLICATION_ID = 0x5445474c;
const SCHEMA_VERSION = 1;
const HASH_BYTES = 32;

const SCHEMA = `
  CREATE TABLE batches (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL, hash BLOB NOT NULL) STRICT;
  CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
  INSERT INTO head VALUES (1, 0, zeroblob(${HASH_BYTES}));
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** Points of `append` where tests end the process. */
export type StorePoint = 'before-append' | 'in-transaction' | 'after-commit';

/** How a store is opened. */
export interface SqliteStoreOptions {
  /** Only reads: nothing is created, and the file is not changed. */
  readonly readOnly?: boolean;
  /** False: commits return before they are on the disk. For the negative control of a test. */
  readonly isDurable?: boolean;
  /** Called at each point of each append; for tests. */
  readonly onPoint?: (point: StorePoint) => void;
}

/** A SQLite file with a ledger's log. */
export class SqliteLedgerStore implements LedgerStore {
  count = 0;
  head: Uint8Array<ArrayBuffer> = new Uint8Array(HASH_BYTES);
  private readonly path: string;
  private readonly database: DatabaseSync;
  private readonly insert: StatementSync;
  private readonly setHead: StatementSync;
  private readonly onPoint: (point: StorePoint) => void;
  private state: 'open' | 'failed' | 'closed' = 'open';

  /**
   * Opens a file, or makes one.
   *
   * @throws TegError TEG_STORE_FAILED if it cannot be opened or SQLite is too old, TEG_STORE_LOCKED if it is in use, TEG_LEDGER_CORRUPT
   * if it is damaged or is not the log of a ledger.
   */
  constructor(
    path: string,
    { readOnly = false, isDurable = true, onPoint = () => {} }: SqliteStoreOptions = {},
  ) {
    this.path = path;
    this.onPoint = onPoint;
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(path, { readOnly, timeout: 0 });
      this.database = database;
      checkVersion(database);
      if (!readOnly) lock(database, isDurable);
      this.checkSchema(readOnly);
      this.insert = database.prepare('INSERT INTO batches VALUES (?, ?, ?)');
      this.setHead = database.prepare('UPDATE head SET count = ?, hash = ? WHERE id = 1');
      this.readHead();
    } catch (error) {
      database?.close();
      throw storeFailure(error, path, 'opened');
    }
  }

  append(batches: readonly ChainedBatch[]): void {
    this.checkOpen();
    const last = batches.at(-1);
    if (last === undefined) return;
    this.onPoint('before-append');
    const { database } = this;
    try {
      database.exec('BEGIN IMMEDIATE');
      let number = this.count;
      for (const batch of batches) {
        if (batch.number !== number) refuseNumber(batch.number, number);
        this.insert.run(number++, batch.bytes, batch.hash);
      }
      this.setHead.run(number, last.hash);
      this.onPoint('in-transaction');
      database.exec('COMMIT');
      this.count = number;
      this.head = last.hash;
    } catch (error) {
      this.state = 'failed';
      throw storeFailure(error, this.path, 'written');
    }
    this.onPoint('after-commit');
  }

  *read(): Generator<ChainedBatch> {
    this.checkOpen();
    let number = 0;
    let last = new Uint8Array(HASH_BYTES);
    try {
      for (const row of this.database
        .prepare('SELECT number, bytes, hash FROM batches ORDER BY number')
        .iterate()) {
        const batch = { number: Number(row.number), bytes: bytesOf(row.bytes), hash: bytesOf(row.hash) };
        number++;
        last = batch.hash;
        yield batch;
      }
    } catch (error) {
      throw storeFailure(error, this.path, 'read');
    }
    if (number !== this.count || !areEqual(last, this.head)) {
      throw new TegError(
        'TEG_LEDGER_CORRUPT',
        `'${this.path}': got ${number} batches, expected ${this.count} as its head says: the log is cut short or was changed; restore a copy`,
      );
    }
  }

  close(): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.database.close();
  }

  private checkOpen(): void {
    if (this.state === 'open') return;
    const why =
      this.state === 'closed'
        ? 'it is closed'
        : 'a write failed: open it again, and replay what was not acknowledged';
    throw new TegError('TEG_STORE_FAILED', `'${this.path}' cannot be used: ${why}`);
  }

  private checkSchema(readOnly: boolean): void {
    const { database, path } = this;
    const id = numberOf(database, 'PRAGMA application_id', 'application_id');
    const version = numberOf(database, 'PRAGMA user_version', 'user_version');
    const tables = numberOf(database, 'SELECT count(*) AS n FROM sqlite_schema', 'n');
    if (id === 0 && version === 0 && tables === 0 && !readOnly) {
      database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT`);
      return;
    }
    if (id === APPLICATION_ID && version === SCHEMA_VERSION) return;
    throw new TegError(
      'TEG_LEDGER_CORRUPT',
      `'${path}': got application ${id} of version ${version} with ${tables} tables, expected the log of a ledger, version ${SCHEMA_VERSION}`,
    );
  }

  private readHead(): void {
    const row = this.database.prepare('SELECT count, hash FROM head WHERE id = 1').get();
    if (row === undefined)
      throw new TegError('TEG_LEDGER_CORRUPT', `'${this.path}' has no head; restore a copy`);
    this.count = Number(row.count);
    this.head = bytesOf(row.hash);
  }
}

/** Durable commits, and a lock on the file that is held until it is closed. */
function lock(database: DatabaseSync, isDurable: boolean): void {
  database.exec('PRAGMA locking_mode = EXCLUSIVE');
  database.exec('PRAGMA journal_mode = WAL');
  database.exec(`PRAGMA synchronous = ${isDurable ? 'FULL' : 'OFF'}`);
  // The first write takes the lock; it has to be one that writes a page.
  database.exec('BEGIN EXCLUSIVE; COMMIT');
}

function checkVersion(database: DatabaseSync): void {
  const version = String(database.prepare('SELECT sqlite_version() AS version').get()?.version);
  if (isAtLeast(version, SQLITE_VERSION_MIN)) return;
  throw new TegError(
    'TEG_STORE_FAILED',
    `got SQLite ${version}, expected at least ${SQLITE_VERSION_MIN}, as in Node.js 26: older ones can lose committed pages`,
  );
}

/** @returns Whether a version is not older than another, part by part. */
export function isAtLeast(version: string, least: string): boolean {
  const [mine, other] = [version, least].map((text) => text.split('.').map(Number));
  for (let at = 0; at < 3; at++) {
    const difference = (mine?.[at] ?? 0) - (other?.[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

function numberOf(database: DatabaseSync, sql: string, column: string): number {
  return Number(database.prepare(sql).get()?.[column]);
}

function bytesOf(value: unknown): Uint8Array<ArrayBuffer> {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  throw new TegError(
    'TEG_LEDGER_CORRUPT',
    `got a value that is not bytes, ${typeof value}, expected a batch or hash; restore a copy`,
  );
}

function refuseNumber(number: number, expected: number): never {
  throw new TegError(
    'TEG_STORE_FAILED',
    `got batch ${number}, expected number ${expected}: nothing may be left out`,
  );
}
