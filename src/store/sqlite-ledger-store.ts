/**
 * The log of a ledger in one SQLite file, through `node:sqlite`.
 *
 * Write-ahead log with `synchronous = FULL`: a commit returns after its fsync. The row in `head` is written with every commit, so
 * that rows that are gone from the end are missed.
 *
 * One writer. Every opening for writing takes a larger fencing token, and every commit requires that the token in the file still
 * is its own. By default the writer also locks the file for as long as it is open. A writer that is given its token (a leader
 * with its term) does not: the next leader can take over from one that hangs, and what that one writes when it wakes is refused.
 *
 * After any failed write the store stops: a second fsync may report success for pages that the first one dropped.
 */
import { createHash } from 'node:crypto';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { isNatural } from '../market/amounts.ts';
import type { LedgerBatch } from '../market/batch.ts';
import { areEqual, type ChainedBatch } from '../market/hash-chain.ts';
import type { StoredCheckpoint } from '../market/verify-ledger.ts';
import { TegError } from '../model/errors.ts';
import type { LedgerStore } from './ledger-store.ts';
import { storeFailure } from './sqlite-failure.ts';

/** Oldest SQLite that does not lose committed pages with two connections to one write-ahead log. */
export const SQLITE_VERSION_MIN = '3.51.3';

/** `TEGL`, so that `file` and we know our own. */
const APPLICATION_ID = 0x5445474c;
/** Version 1 had no fencing token, version 2 no checkpoint. */
const SCHEMA_VERSION = 3;
const HASH_BYTES = 32;
/** For how long a writer that does not lock the file waits for another one's commit, milliseconds. */
const SHARED_WAIT_MS = 2_000;

const CHECKPOINTS = `CREATE TABLE checkpoint (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL, head BLOB NOT NULL,
    bytes BLOB NOT NULL, hash BLOB NOT NULL) STRICT;`;

const SCHEMA = `
  CREATE TABLE batches (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL, hash BLOB NOT NULL) STRICT;
  CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL, hash BLOB NOT NULL,
    fence INTEGER NOT NULL DEFAULT 0) STRICT;
  INSERT INTO head VALUES (1, 0, zeroblob(${HASH_BYTES}), 0);
  ${CHECKPOINTS}
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** What brings the schema of an older version to this one. */
function migrationFrom(version: number): string {
  const fence = version < 2 ? 'ALTER TABLE head ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;' : '';
  return `${fence} ${CHECKPOINTS} PRAGMA user_version = ${SCHEMA_VERSION};`;
}

/** Points of `append` and `saveCheckpoint` where tests end the process. */
export type StorePoint = 'before-append' | 'in-transaction' | 'after-commit' | 'in-checkpoint';

/** How a store is opened. */
export interface SqliteStoreOptions {
  /** Only reads: nothing is created, and the file is not changed. */
  readonly readOnly?: boolean;
  /** False: commits return before they are on the disk. For the negative control of a test. */
  readonly isDurable?: boolean;
  /**
   * Fencing token, an integer in [1, 2^53): larger than that of every opening before. Given: the file is not locked. Absent: the
   * next one, and the file is locked.
   */
  readonly fence?: number | undefined;
  /** Called at each point of each append; for tests. */
  readonly onPoint?: (point: StorePoint) => void;
}

/** A SQLite file with a ledger's log. */
export class SqliteLedgerStore implements LedgerStore {
  count = 0;
  head: Uint8Array<ArrayBuffer> = new Uint8Array(HASH_BYTES);
  /** The fencing token of this opening; if it only reads, that of the last writer. */
  fence = 0;
  private readonly path: string;
  private readonly database: DatabaseSync;
  private readonly insert: StatementSync;
  private readonly setHead: StatementSync;
  private readonly onPoint: (point: StorePoint) => void;
  private readonly version: number;
  private state: 'open' | 'failed' | 'closed' = 'open';

  /**
   * Opens a file, or makes one.
   *
   * @throws TegError TEG_STORE_FAILED if it cannot be opened or SQLite is too old, TEG_STORE_LOCKED if it is in use,
   * TEG_STORE_FENCED if the file has seen as large a token, TEG_LEDGER_CORRUPT if it is damaged or is not the log of a ledger.
   */
  constructor(
    path: string,
    { readOnly = false, isDurable = true, fence, onPoint = () => {} }: SqliteStoreOptions = {},
  ) {
    this.path = path;
    this.onPoint = onPoint;
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(path, { readOnly, timeout: fence === undefined ? 0 : SHARED_WAIT_MS });
      this.database = database;
      checkVersion(database);
      if (!readOnly) prepareToWrite(database, isDurable, fence === undefined);
      const version = this.checkSchema(readOnly);
      this.version = version;
      if (!readOnly) takeFence(database, path, fence);
      this.insert = database.prepare('INSERT INTO batches VALUES (?, ?, ?)');
      this.setHead = database.prepare(
        version === 1
          ? 'UPDATE head SET count = ?, hash = ? WHERE id = 1'
          : 'UPDATE head SET count = ?, hash = ? WHERE id = 1 AND count = ? AND fence = ?',
      );
      this.readHead(version);
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
      const { changes } = this.setHead.run(this.count + batches.length, last.hash, this.count, this.fence);
      if (changes !== 1) refuseStale(database, this.path, this.fence);
      let number = this.count;
      for (const batch of batches) {
        if (batch.number !== number) refuseNumber(batch.number, number);
        this.insert.run(number++, batch.bytes, batch.hash);
      }
      this.onPoint('in-transaction');
      database.exec('COMMIT');
      this.count = number;
      this.head = last.hash;
    } catch (error) {
      this.state = 'failed';
      rollBack(database);
      throw storeFailure(error, this.path, 'written');
    }
    this.onPoint('after-commit');
  }

  checkpoint(): ReturnType<LedgerStore['checkpoint']> {
    this.checkOpen();
    if (this.version < SCHEMA_VERSION) return undefined;
    try {
      const row = this.database.prepare('SELECT count, head, bytes, hash FROM checkpoint WHERE id = 1').get();
      if (row === undefined) return undefined;
      const stored = { count: Number(row.count), head: bytesOf(row.head), bytes: bytesOf(row.bytes) };
      return { stored, isIntact: areEqual(bytesOf(row.hash), checkpointHash(stored)) };
    } catch (error) {
      throw storeFailure(error, this.path, 'read');
    }
  }

  saveCheckpoint(bytes: Uint8Array<ArrayBuffer>): void {
    this.checkOpen();
    const { database, count, head } = this;
    try {
      database.exec('BEGIN IMMEDIATE');
      if (this.setHead.run(count, head, count, this.fence).changes !== 1)
        refuseStale(database, this.path, this.fence);
      database
        .prepare('INSERT OR REPLACE INTO checkpoint VALUES (1, ?, ?, ?, ?)')
        .run(count, head, bytes, checkpointHash({ count, head, bytes }));
      this.onPoint('in-checkpoint');
      database.exec('COMMIT');
    } catch (error) {
      this.state = 'failed';
      rollBack(database);
      throw storeFailure(error, this.path, 'written');
    }
  }

  /** @returns The batches from the last one backwards; nothing is checked. */
  *readBack(): Generator<LedgerBatch> {
    this.checkOpen();
    try {
      for (const row of this.database
        .prepare('SELECT number, bytes FROM batches ORDER BY number DESC')
        .iterate())
        yield { number: Number(row.number), bytes: bytesOf(row.bytes) };
    } catch (error) {
      throw storeFailure(error, this.path, 'read');
    }
  }

  *read(from?: StoredCheckpoint): Generator<ChainedBatch> {
    this.checkOpen();
    let number = from?.count ?? 0;
    let last = from?.head ?? new Uint8Array(HASH_BYTES);
    try {
      for (const row of this.database
        .prepare('SELECT number, bytes, hash FROM batches WHERE number >= ? ORDER BY number')
        .iterate(number)) {
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

  /** @returns The version of the schema: an older one only where nothing may be written. */
  private checkSchema(readOnly: boolean): number {
    const { database, path } = this;
    const id = numberOf(database, 'PRAGMA application_id', 'application_id');
    const version = numberOf(database, 'PRAGMA user_version', 'user_version');
    const tables = numberOf(database, 'SELECT count(*) AS n FROM sqlite_schema', 'n');
    if (id === 0 && version === 0 && tables === 0 && !readOnly) {
      database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT`);
      return SCHEMA_VERSION;
    }
    if (id === APPLICATION_ID && version >= 1 && version <= SCHEMA_VERSION) {
      if (readOnly || version === SCHEMA_VERSION) return version;
      database.exec(`BEGIN IMMEDIATE; ${migrationFrom(version)} COMMIT`);
      return SCHEMA_VERSION;
    }
    throw new TegError(
      'TEG_LEDGER_CORRUPT',
      `'${path}': got a database of another program (application_id ${id}, user_version ${version}, ${tables} tables), expected the log of a ledger, version ${SCHEMA_VERSION} or before: name the file that --ledger wrote, or read it with the version of teg that did`,
    );
  }

  private readHead(version: number): void {
    const columns = version === 1 ? 'count, hash' : 'count, hash, fence';
    const row = this.database.prepare(`SELECT ${columns} FROM head WHERE id = 1`).get();
    if (row === undefined)
      throw new TegError('TEG_LEDGER_CORRUPT', `'${this.path}' has no head; restore a copy`);
    this.count = Number(row.count);
    this.head = bytesOf(row.hash);
    this.fence = Number(row.fence ?? 0);
  }
}

/** Durable commits. @param isLocked Whether the file is locked until it is closed. */
function prepareToWrite(database: DatabaseSync, isDurable: boolean, isLocked: boolean): void {
  if (isLocked) database.exec('PRAGMA locking_mode = EXCLUSIVE');
  database.exec('PRAGMA journal_mode = WAL');
  database.exec(`PRAGMA synchronous = ${isDurable ? 'FULL' : 'OFF'}`);
  // The first write takes the lock; it has to be one that writes a page.
  if (isLocked) database.exec('BEGIN EXCLUSIVE; COMMIT');
}

/** Covers all of it, so that a bit that flips is found. */
function checkpointHash({ count, head, bytes }: StoredCheckpoint): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(String(count)).update(head).update(bytes).digest());
}

/** Makes this the only writer whose commits count. @param fence Undefined: the next one. */
function takeFence(database: DatabaseSync, path: string, fence: number | undefined): void {
  const token = fence ?? numberOf(database, 'SELECT fence FROM head WHERE id = 1', 'fence') + 1;
  const take = database.prepare('UPDATE head SET fence = ? WHERE id = 1 AND fence < ?');
  if (!isNatural(token) || take.run(token, token).changes !== 1) refuseStale(database, path, token);
}

function refuseStale(database: DatabaseSync, path: string, fence: number): never {
  const found = numberOf(database, 'SELECT fence FROM head WHERE id = 1', 'fence');
  throw new TegError(
    'TEG_STORE_FENCED',
    `'${path}': got the fencing token ${fence}, expected one larger than that of every writer before, and the file has seen ${found}: ` +
      'another process leads; nothing was written, stop and replay under a new token',
  );
}

/** Gives the file free for the next writer. What the log says is what was committed, whether this succeeds or not. */
function rollBack(database: DatabaseSync): void {
  if (!database.isTransaction) return;
  try {
    database.exec('ROLLBACK');
  } catch {
    // The failure that led here is the one to report.
  }
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
