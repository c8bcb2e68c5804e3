/** Files with checkpoints: they open by what was written since, kills do them no harm, and what is wrong with one is found. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, test } from 'vitest';
import { Random } from '../kernel/random.ts';
import { RandomClient } from '../market/ledger.fixtures.ts';
import { verifyLedger } from '../market/verify-ledger.ts';
import { DurableLedger } from './durable-ledger.ts';
import { SqliteLedgerStore, type StorePoint } from './sqlite-ledger-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'teg-checkpoint-'));
afterAll(() => rmSync(folder, { recursive: true }));

const OPTIONS = { halfLifeMicros: 1e10, checkpointBytes: 20_000 };

/** Opens a file, makes some calls, commits each few. @returns Batches that the opening did again, and the last state. */
function live(
  path: string,
  seed: number,
  calls: number,
  onPoint?: (point: StorePoint) => void,
): { replayed: number; state: Uint8Array; count: number } {
  const store = new SqliteLedgerStore(path, onPoint === undefined ? {} : { onPoint });
  try {
    const durable = new DurableLedger(store, OPTIONS);
    const { ledger, replayed } = durable;
    for (let tenant = 0; tenant < 3; tenant++) ledger.open(`tenant-${tenant}`, ledger.nowMicros);
    const rng = new Random(seed);
    const client = new RandomClient(rng, 3, 1e9);
    client.position = ledger.transfers.lastPosition + 1;
    let time = ledger.nowMicros;
    for (let call = 0; call < calls; call++) {
      time += rng.nextInt(1e8);
      ledger.apply(client.chain(), time);
      if (call % 50 === 0) ledger.forget(Math.max(0, client.position - 60), time);
      if (call % 7 === 0) durable.commit();
    }
    durable.commit();
    return { replayed, state: ledger.checkpoint(), count: store.count };
  } finally {
    store.close();
  }
}

function faultOf(path: string): string | undefined {
  const store = new SqliteLedgerStore(path, { readOnly: true });
  const checkpoint = store.checkpoint()?.stored;
  const { fault } = verifyLedger(store.read(), { checkpoint });
  store.close();
  return fault?.what;
}

test('an opening does again what was written since the checkpoint, however many lives the ledger has had', () => {
  const path = join(folder, 'lives.ledger');
  let [last, count] = [new Uint8Array(), 0];
  for (let life = 0; life < 30; life++) {
    // Lives too short for a checkpoint of their own, and longer ones.
    const outcome = live(path, life, life % 3 === 0 ? 400 : 15);
    expect(outcome.replayed).toBeLessThan(250);
    if (life > 0) expect(outcome.count).toBeGreaterThan(count);
    [last, count] = [new Uint8Array(outcome.state), outcome.count];
  }
  expect(count).toBeGreaterThan(3_000);
  expect(faultOf(path)).toBeUndefined();
  // The same as what the whole log gives.
  const store = new SqliteLedgerStore(path, { readOnly: true });
  const { ledger } = verifyLedger(store.read());
  store.close();
  expect(ledger?.checkpoint()).toEqual(last);
});

test('a crash while a checkpoint is written leaves the one before', () => {
  const path = join(folder, 'crash.ledger');
  live(path, 1, 400);
  const onPoint = (point: StorePoint): void => {
    if (point === 'in-checkpoint') throw new Error('injected');
  };
  expect(() => live(path, 2, 800, onPoint)).toThrow('injected');
  expect(faultOf(path)).toBeUndefined();
  expect(live(path, 3, 10).replayed).toBeGreaterThan(0);
  expect(faultOf(path)).toBeUndefined();
});

test('one that is damaged is not used, and a verification says so; one that was forged is found by it', () => {
  const path = join(folder, 'damaged.ledger');
  const { count } = live(path, 1, 800);
  const change = (sql: string): void => {
    const database = new DatabaseSync(path);
    database.exec(sql);
    database.close();
  };
  change("UPDATE checkpoint SET bytes = CAST(substr(bytes, 1, 100) || x'07' || substr(bytes, 102) AS BLOB)");
  expect(faultOf(path)).toBe('the checkpoint after it');
  const store = new SqliteLedgerStore(path);
  expect(store.checkpoint()?.isIntact).toBe(false);
  const durable = new DurableLedger(store, OPTIONS);
  expect(durable.replayed).toBe(count);
  durable.ledger.open('after', durable.ledger.nowMicros);
  durable.commit();
  // The next checkpoint replaced it.
  expect(store.checkpoint()?.isIntact).toBe(true);
  // With a hash of its own, it is used; what it says is only found when everything is recomputed.
  const forged = durable.ledger.checkpoint();
  new Float64Array(forged.buffer, 0, 12)[11] = 7;
  store.saveCheckpoint(forged);
  durable.close();
  expect(faultOf(path)).toBe('the checkpoint after it');
});
