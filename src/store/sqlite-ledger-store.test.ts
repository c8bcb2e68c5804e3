import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, test } from 'vitest';
import { Random } from '../kernel/random.ts';
import { areEqual } from '../market/hash-chain.ts';
import { RandomClient } from '../market/ledger.fixtures.ts';
import { verifyLedger } from '../market/verify-ledger.ts';
import { TegError } from '../model/errors.ts';
import { DurableLedger } from './durable-ledger.ts';
import { isAtLeast, SqliteLedgerStore } from './sqlite-ledger-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'teg-store-'));
afterAll(() => rmSync(folder, { recursive: true }));
const PAGE_BYTES = 4_096;

/** Writes a ledger of some calls and closes it. */
function writeLedger(path: string, calls: number): void {
  const durable = new DurableLedger(new SqliteLedgerStore(path), { halfLifeMicros: 1e9 });
  const rng = new Random(1);
  for (const name of ['a', 'b', 'c']) durable.ledger.open(name, 0);
  const client = new RandomClient(rng, 3, 1e6);
  for (let call = 1; call <= calls; call++) {
    durable.ledger.apply(client.chain(), call * 1e6);
    if (call % 7 === 0) durable.commit();
  }
  durable.commit();
  durable.close();
}

/** @returns The code of the failure, the fault of the log, or its head. */
function read(path: string): string {
  try {
    const store = new SqliteLedgerStore(path, { readOnly: true });
    try {
      const { fault, head } = verifyLedger(store.read());
      return fault === undefined ? head : 'fault';
    } finally {
      store.close();
    }
  } catch (error) {
    if (error instanceof TegError) return error.code;
    throw error;
  }
}

describe('a file', () => {
  const path = join(folder, 'good.ledger');
  writeLedger(path, 200);

  test('gives back what was stored, and the ledger goes on', () => {
    const store = new SqliteLedgerStore(path);
    const before = [...store.read()];
    expect(before).toHaveLength(store.count);
    expect(areEqual(before.at(-1)?.hash as Uint8Array, store.head)).toBe(true);
    const durable = new DurableLedger(store, { halfLifeMicros: 5e9 });
    // The half-life is that of the log.
    expect(durable.ledger.halfLifeMicros).toBe(1e9);
    durable.ledger.open('d', 1e12);
    expect(durable.uncommitted).toBe(1);
    durable.commit();
    expect([...store.read()].slice(0, -1)).toEqual(before);
    durable.close();
    durable.close();
    expect(() => store.append([])).toThrow('it is closed');
  });

  test('has one writer: a second one is refused, also from another process', () => {
    const store = new SqliteLedgerStore(path);
    const refused = expect.objectContaining({ code: 'TEG_STORE_LOCKED' });
    expect(() => new SqliteLedgerStore(path)).toThrow(refused);
    const module = JSON.stringify(join(import.meta.dirname, 'sqlite-ledger-store.ts'));
    const script = `import { SqliteLedgerStore } from ${module};
      try { new SqliteLedgerStore(${JSON.stringify(path)}); console.log('opened'); } catch (error) { console.log(error.code); }`;
    const other = (): string =>
      spawnSync(process.execPath, ['--input-type=module-typescript', '-e', script], {
        encoding: 'utf8',
      }).stdout.trim();
    expect(other()).toBe('TEG_STORE_LOCKED');
    store.close();
    expect(other()).toBe('opened');
  });

  test('is found out if any page is cut off', () => {
    const pages = statSync(path).size / PAGE_BYTES;
    expect(pages).toBeGreaterThan(10);
    const copy = join(folder, 'cut.ledger');
    for (let page = 0; page < pages; page++) {
      copyFileSync(path, copy);
      truncateSync(copy, page * PAGE_BYTES);
      expect(read(copy), `${page} pages`).toBe('TEG_LEDGER_CORRUPT');
    }
  });

  test('is found out if a bit flips anywhere that counts', () => {
    const good = read(path);
    expect(good).toMatch(/^[0-9a-f]{64}$/);
    const bytes = readFileSync(path);
    const copy = join(folder, 'flipped.ledger');
    const rng = new Random(8);
    const outcomes = new Map<string, number>();
    for (let page = 0; page < bytes.length / PAGE_BYTES; page++) {
      for (let round = 0; round < 3; round++) {
        const at = page * PAGE_BYTES + rng.nextInt(PAGE_BYTES);
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] as number) ^ (1 << rng.nextInt(8));
        writeFileSync(copy, damaged);
        const outcome = read(copy);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    }
    // Found, or in a place that holds nothing of the log; never another log.
    for (const outcome of outcomes.keys()) {
      expect(['fault', 'TEG_LEDGER_CORRUPT', 'TEG_STORE_FAILED', good]).toContain(outcome);
    }
    expect(outcomes.get('fault') ?? 0).toBeGreaterThan(10);
  });

  test('is found out if rows are gone from its end, or it is not a ledger at all', () => {
    const copy = join(folder, 'rows.ledger');
    copyFileSync(path, copy);
    const database = new DatabaseSync(copy);
    database.exec('DELETE FROM batches WHERE number = (SELECT max(number) FROM batches)');
    database.close();
    const store = new SqliteLedgerStore(copy);
    expect(() => [...store.read()]).toThrow(/got \d+ batches, expected \d+ as its head says/);
    store.close();
    const other = join(folder, 'other.sqlite');
    new DatabaseSync(other).exec('CREATE TABLE t (x)');
    expect(() => new SqliteLedgerStore(other)).toThrow('expected the log of a ledger');
    writeFileSync(other, 'not a database, but long enough to be looked at as if it were one'.repeat(20));
    expect(() => new SqliteLedgerStore(other)).toThrow(
      expect.objectContaining({ code: 'TEG_LEDGER_CORRUPT' }),
    );
    const none = join(folder, 'none.ledger');
    expect(() => new SqliteLedgerStore(none, { readOnly: true })).toThrow(
      expect.objectContaining({ code: 'TEG_STORE_FAILED' }),
    );
  });
});

test('a write that fails stops the store for good, and leaves nothing of it', () => {
  const path = join(folder, 'stopped.ledger');
  let broken = true;
  const store = new SqliteLedgerStore(path, {
    onPoint: (point) => {
      if (point === 'in-transaction' && broken && store.count > 0)
        throw new TegError('TEG_STORE_FAILED', 'injected');
    },
  });
  const durable = new DurableLedger(store, { halfLifeMicros: 1e9 });
  durable.ledger.open('a', 0);
  expect(() => durable.commit()).toThrow('injected');
  broken = false;
  expect(() => durable.commit()).toThrow('a write failed: open it again');
  expect(() => [...store.read()]).toThrow('a write failed');
  durable.close();
  const again = new DurableLedger(new SqliteLedgerStore(path), { halfLifeMicros: 1e9 });
  expect(again.ledger.accounts.find('a')).toBe(-1);
  again.close();
});

test('versions are compared part by part', () => {
  expect(['3.51.3', '3.53.4', '4.0.0', '3.51.10'].map((version) => isAtLeast(version, '3.51.3'))).toEqual([
    ...[true, true, true, true],
  ]);
  expect(['3.51.2', '3.9.9', '2.99.99', '3.51'].map((version) => isAtLeast(version, '3.51.3'))).toEqual([
    ...[false, false, false, false],
  ]);
});
