/** Two processes and one file: who took over last writes, and the one before is refused whatever it was doing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, test } from 'vitest';
import { hashText } from '../market/hash-chain.ts';
import { verifyLedger } from '../market/verify-ledger.ts';
import { DurableLedger } from './durable-ledger.ts';
import type { WriterOrders } from './ledger-writer.fixtures.ts';
import { SqliteLedgerStore } from './sqlite-ledger-store.ts';

const WRITER = join(import.meta.dirname, 'ledger-writer.fixtures.ts');
const OPTIONS = { halfLifeMicros: 1e9 };
const folder = mkdtempSync(join(tmpdir(), 'teg-fence-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A writer that runs. */
class Writer {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly ended: Promise<unknown>;

  constructor(orders: WriterOrders) {
    this.child = spawn(process.execPath, [WRITER, JSON.stringify(orders)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (data) => {
      this.stdout += data;
    });
    this.child.stderr?.on('data', (data) => {
      this.stderr += data;
    });
    this.ended = once(this.child, 'close');
  }

  /** Acknowledged batches: number → hash. */
  get acks(): Map<number, string> {
    const lines = this.stdout.split('\n').slice(0, -1);
    return new Map(lines.map((line) => [Number(line.split(' ')[0]), line.split(' ')[1] ?? '']));
  }

  async hasAcks(count: number): Promise<void> {
    while (this.acks.size < count) await once(this.child.stdout as NodeJS.EventEmitter, 'data');
  }
}

test('a leader that hangs is replaced, and what it writes when it wakes is refused', {
  timeout: 60_000,
}, async () => {
  const path = join(folder, 'led.ledger');
  const old = new Writer({ path, seed: 3, calls: 1e6, group: 4, fence: 7 });
  await old.hasAcks(20);
  old.child.kill('SIGSTOP');
  let next = new Writer({ path, seed: 3, calls: 4_000, group: 4, fence: 8 });
  await next.ended;
  while (next.stderr.startsWith('TEG_STORE_LOCKED')) {
    // It hangs within a commit: the file is locked until it ends.
    old.child.kill('SIGCONT');
    await old.hasAcks(old.acks.size + 1);
    old.child.kill('SIGSTOP');
    next = new Writer({ path, seed: 3, calls: 4_000, group: 4, fence: 8 });
    await next.ended;
  }
  expect([next.child.exitCode, next.stderr]).toEqual([0, '']);
  old.child.kill('SIGCONT');
  await old.ended;
  expect(old.stderr).toMatch(
    /^TEG_STORE_FENCED .*got the fencing token 7, .*has seen 8: another process leads/,
  );
  expect(old.child.exitCode).toBe(3);

  const store = new SqliteLedgerStore(path, { readOnly: true });
  const batches = [...store.read()];
  const { fence } = store;
  store.close();
  expect(fence).toBe(8);
  expect(verifyLedger(batches).fault).toBeUndefined();
  // What either of them acknowledged is there, and once.
  for (const [number, hash] of [...old.acks, ...next.acks]) {
    const { hash: stored } = batches[number] as (typeof batches)[number];
    expect(hashText(stored)).toBe(hash);
  }
  expect(next.acks.has(batches.length - 1)).toBe(true);
});

describe('a fencing token', () => {
  const code = (run: () => unknown): string => {
    try {
      run();
      return 'done';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };

  test('counts up by itself, and a smaller or equal one is refused', () => {
    const path = join(folder, 'tokens.ledger');
    for (const expected of [1, 2, 3]) {
      const store = new SqliteLedgerStore(path);
      expect(store.fence).toBe(expected);
      store.close();
    }
    expect(code(() => new SqliteLedgerStore(path, { fence: 2 }))).toBe('TEG_STORE_FENCED');
    expect(code(() => new SqliteLedgerStore(path, { fence: 3 }))).toBe('TEG_STORE_FENCED');
    const store = new SqliteLedgerStore(path, { fence: 40 });
    store.close();
    const after = new SqliteLedgerStore(path);
    expect(after.fence).toBe(41);
    after.close();
  });

  test('refuses a commit in the same instant at which another leader opens the file, and leaves nothing of it', () => {
    const path = join(folder, 'instant.ledger');
    let takesOver: (() => void) | undefined;
    const stale = new DurableLedger(
      new SqliteLedgerStore(path, {
        fence: 1,
        onPoint: (point) => point === 'before-append' && takesOver?.(),
      }),
      OPTIONS,
    );
    stale.ledger.open('a', 0);
    let next: DurableLedger | undefined;
    takesOver = () => {
      next = new DurableLedger(new SqliteLedgerStore(path, { fence: 2 }), OPTIONS);
    };
    expect(code(() => stale.commit())).toBe('TEG_STORE_FENCED');
    // For good, and the new leader is not held up.
    expect(code(() => stale.commit())).toBe('TEG_STORE_FAILED');
    expect(next?.ledger.accounts.find('a')).toBe(-1);
    next?.ledger.open('b', 0);
    next?.commit();
    next?.close();
    stale.close();
    const again = new DurableLedger(new SqliteLedgerStore(path), OPTIONS);
    expect([again.ledger.accounts.find('a'), again.ledger.accounts.find('b')]).toEqual([-1, 4]);
    again.close();
  });

  test('negative control: where the file has the old token again, the stale writer gets through', () => {
    const path = join(folder, 'unchecked.ledger');
    const stale = new DurableLedger(new SqliteLedgerStore(path, { fence: 1 }), OPTIONS);
    const next = new DurableLedger(new SqliteLedgerStore(path, { fence: 2 }), OPTIONS);
    next.close();
    const database = new DatabaseSync(path);
    database.exec('UPDATE head SET fence = 1');
    database.close();
    stale.ledger.open('a', 0);
    expect(code(() => stale.commit())).toBe('done');
    stale.close();
  });

  test('a file of version 1 is read as it is, and gets tokens when it is written', () => {
    const path = join(folder, 'version-1.ledger');
    new DurableLedger(new SqliteLedgerStore(path), OPTIONS).close();
    const database = new DatabaseSync(path);
    database.exec('ALTER TABLE head DROP COLUMN fence; DROP TABLE checkpoint; PRAGMA user_version = 1;');
    database.close();
    const reader = new SqliteLedgerStore(path, { readOnly: true });
    expect([[...reader.read()].length, reader.fence]).toEqual([1, 0]);
    reader.close();
    const durable = new DurableLedger(new SqliteLedgerStore(path), OPTIONS);
    durable.ledger.open('a', 0);
    durable.commit();
    durable.close();
    const after = new SqliteLedgerStore(path, { readOnly: true });
    expect([after.count, after.fence]).toEqual([2, 1]);
    after.close();
  });
});
