/**
 * Measures the ledger: transfers a second in memory, with its log, and recomputed; batches a second that are durable, by what
 * stores them and by how many share a commit.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MICROS_PER_HOUR, QUANTITY_PER_UNIT_HOUR } from '../../src/market/amounts.ts';
import { type Charge, escrow, mintAt, rentTick } from '../../src/market/charges.ts';
import { type ChainedBatch, HashChain } from '../../src/market/hash-chain.ts';
import { Ledger } from '../../src/market/ledger.ts';
import type { TransferId } from '../../src/market/transfer.ts';
import { verifyLedger } from '../../src/market/verify-ledger.ts';
import { TegError } from '../../src/model/errors.ts';
import { DurableLedger } from '../../src/store/durable-ledger.ts';
import { SqliteLedgerStore } from '../../src/store/sqlite-ledger-store.ts';
import { type MarketSpeed, measureMarket } from './market-speed.ts';

/** What is measured. */
export interface LedgerTask {
  /** Rent ticks of the workload: two transfers each, and a batch. */
  readonly ticks: number;
  /** Longest time for one row of the durable table. */
  readonly seconds: number;
  /** Folder in which the package lmdb is installed; undefined: it is not compared. */
  readonly lmdb?: string | undefined;
}

/** How fast the ledger itself is. */
export interface LedgerSpeed {
  readonly what: string;
  readonly transfersPerSecond: number;
}

/** How fast a store is. */
export interface StoreSpeed {
  readonly store: string;
  /** Batches for one commit. */
  readonly group: number;
  readonly batchesPerSecond: number;
  readonly commitsPerSecond: number;
}

/** How long a file takes to open. */
export interface OpeningSpeed {
  readonly what: string;
  readonly transfers: number;
  readonly milliseconds: number;
}

/** The four tables. */
export interface LedgerFigures {
  readonly bytesPerBatch: number;
  readonly ledger: readonly LedgerSpeed[];
  readonly market: readonly MarketSpeed[];
  readonly stores: readonly StoreSpeed[];
  readonly openings: readonly OpeningSpeed[];
}

/** Batches for one commit. */
const GROUPS = [1, 10, 100, 1_000];
/** Jobs that run while the market is measured, and restarts of them for each tick of the ledger's workload. */
const RUNNING = [1_000, 100_000];
const RESTARTS_PER_TICK = 10;
const JOBS = 1_000;
const TENANTS = 50;
const TRANSFERS_PER_TICK = 2;
const BATCHES_PER_OPENING_COMMIT = 1_000;

/** Stores groups of batches durably. */
interface Appender {
  append(batches: readonly ChainedBatch[]): void;
  close(): void;
}

/** Runs everything. @throws TegError of the store. */
export async function measureLedger({ ticks, seconds, lmdb }: LedgerTask): Promise<LedgerFigures> {
  const log: ChainedBatch[] = [];
  const chain = new HashChain();
  const transfers = TRANSFERS_PER_TICK * ticks;
  const rate = (what: string, run: () => void): LedgerSpeed => {
    const start = performance.now();
    run();
    return { what, transfersPerSecond: transfers / ((performance.now() - start) / 1e3) };
  };
  // Once to warm up.
  runTicks(newLedger(), Math.min(ticks, 10_000));
  const ledger = [
    rate('in memory', () => runTicks(newLedger(), ticks)),
    rate('with its log, hashed', () =>
      runTicks(
        newLedger((batch) => log.push(chain.append(batch))),
        ticks,
      ),
    ),
    rate('recomputed from its log', () => void verifyLedger(log)),
  ];
  const market = RUNNING.map((running) => measureMarket(running, RESTARTS_PER_TICK * ticks));
  const folder = mkdtempSync(join(tmpdir(), 'teg-bench-ledger-'));
  try {
    const stores: StoreSpeed[] = [];
    for (const group of GROUPS) {
      const path = join(folder, `sqlite-${group}`);
      stores.push(measureStore('SQLite', group, log, seconds, new SqliteLedgerStore(path)));
    }
    for (const group of lmdb === undefined ? [] : GROUPS) {
      const appender = await openLmdb(lmdb as string, join(folder, `lmdb-${group}`));
      stores.push(measureStore('LMDB', group, log, seconds, appender));
    }
    const bytes = log.reduce((sum, batch) => sum + batch.bytes.length, 0);
    const openings = measureOpenings(join(folder, 'opened'), log, transfers);
    return { bytesPerBatch: bytes / log.length, ledger, market, stores, openings };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function newLedger(onBatch?: (batch: { number: number; bytes: Uint8Array<ArrayBuffer> }) => void): Ledger {
  return new Ledger({ halfLifeMicros: 168 * MICROS_PER_HOUR, onBatch });
}

/** The work of a market: JOBS jobs of TENANTS tenants pay rent in turn, and reserve the next horizon. */
function runTicks(ledger: Ledger, ticks: number): void {
  const tenants = Array.from({ length: TENANTS }, (_, tenant) => ledger.open(`tenant-${tenant}`, 0));
  let position = 0;
  const nextId = (job: number): TransferId => ({ position: position++, kind: 1, subject: job });
  const charge = (job: number, hours: number): Charge => {
    const quantity = hours * QUANTITY_PER_UNIT_HOUR;
    return { tenant: tenants[job % TENANTS] as number, job, quantity, price: 1_250_000 };
  };
  ledger.apply(
    tenants.map((tenant) => mintAt(nextId(tenant), tenant, 1e9)),
    0,
  );
  const escrows = Array.from({ length: JOBS }, (_, job) => nextId(job));
  let time = MICROS_PER_HOUR;
  ledger.apply(
    escrows.map((id, job) => escrow(id, charge(job, 1))),
    time,
  );
  for (let tick = 0; tick < ticks; tick++) {
    const job = tick % JOBS;
    time += 1_000;
    const ids = { rent: nextId(job), escrow: nextId(job) };
    ledger.apply(rentTick(ids, escrows[job] as TransferId, charge(job, 0.25), charge(job, 1)), time);
    escrows[job] = ids.escrow;
    if (job === 0) ledger.forget(Math.max(0, position - 10 * JOBS), time);
  }
}

function measureStore(
  store: string,
  group: number,
  log: readonly ChainedBatch[],
  seconds: number,
  appender: Appender,
): StoreSpeed {
  const start = performance.now();
  let stored = 0;
  let commits = 0;
  let elapsed = 0;
  while (stored < log.length && elapsed < 1e3 * seconds) {
    const batches = log.slice(stored, stored + group);
    appender.append(batches);
    stored += batches.length;
    commits++;
    elapsed = performance.now() - start;
  }
  appender.close();
  return {
    store,
    group,
    batchesPerSecond: stored / (elapsed / 1e3),
    commitsPerSecond: commits / (elapsed / 1e3),
  };
}

/** Opens a file of the whole log without a checkpoint, and again with the one that this stored. */
function measureOpenings(path: string, log: readonly ChainedBatch[], transfers: number): OpeningSpeed[] {
  const options = { halfLifeMicros: 168 * MICROS_PER_HOUR };
  const store = new SqliteLedgerStore(path);
  for (let from = 0; from < log.length; from += BATCHES_PER_OPENING_COMMIT)
    store.append(log.slice(from, from + BATCHES_PER_OPENING_COMMIT));
  store.close();
  const open = (what: string): OpeningSpeed => {
    const start = performance.now();
    const durable = new DurableLedger(new SqliteLedgerStore(path), options);
    const milliseconds = performance.now() - start;
    // The first opening did all batches again: its next commit stores a checkpoint.
    durable.ledger.open(what, durable.ledger.nowMicros);
    durable.commit();
    durable.close();
    return { what, transfers, milliseconds };
  };
  return [open('all batches again'), open('the checkpoint and what follows')];
}

/** @throws TegError TEG_OPTION_INVALID if the package is not there. */
function resolveIn(installed: string): string {
  try {
    return createRequire(join(resolve(installed), 'package.json')).resolve('lmdb');
  } catch (error) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `--lmdb: got '${installed}', expected a folder in which \`npm install lmdb\` was run: the package is not there`,
      { cause: error },
    );
  }
}

/** What is used of the package lmdb. */
interface LmdbModule {
  open(options: Record<string, unknown>): {
    transactionSync(action: () => void): void;
    put(key: number, value: Uint8Array): unknown;
    close(): Promise<void>;
  };
}

/** The rival: one transaction for each append, flushed before it returns. */
async function openLmdb(installed: string, path: string): Promise<Appender> {
  const file = resolveIn(installed);
  const lmdb = (await import(pathToFileURL(file).href)) as { readonly default?: LmdbModule } & LmdbModule;
  const { open } = lmdb.default ?? lmdb;
  const database = open({
    path,
    encoding: 'binary',
    keyEncoding: 'uint32',
    overlappingSync: false,
    noSubdir: true,
  });
  return {
    append: (batches) => {
      database.transactionSync(() => {
        // A value is the hash, then the batch, as in a row of the other store.
        for (const { number, bytes, hash } of batches)
          void database.put(number, Buffer.concat([hash, bytes]));
      });
    },
    close: () => void database.close(),
  };
}
