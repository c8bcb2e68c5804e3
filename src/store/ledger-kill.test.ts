/**
 * Kills the process that writes a ledger, again and again on one file: nothing that it acknowledged is lost, and whatever is
 * there is a right ledger. Ten times here; `TEG_LEDGER_KILLS=200 vitest run src/store/ledger-kill.test.ts` for more.
 *
 * A kill proves nothing about a loss of power, as the kernel keeps what was written: that is `ledger-power.test.ts`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { Random } from '../kernel/random.ts';
import { hashText } from '../market/hash-chain.ts';
import { faultText, verifyLedger } from '../market/verify-ledger.ts';
import type { WriterOrders } from './ledger-writer.fixtures.ts';
import { SqliteLedgerStore } from './sqlite-ledger-store.ts';

const KILLS = Number(process.env.TEG_LEDGER_KILLS ?? 10);
const WRITER = join(import.meta.dirname, 'ledger-writer.fixtures.ts');
const CALLS = 1e5;
const folder = mkdtempSync(join(tmpdir(), 'teg-ledger-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  /** Acknowledged batches: number → hash. */
  readonly acks: Map<number, string>;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/**
 * Runs a writer. @param command Words before the runtime, for limits and injected faults. @param killAfter Acks, then
 * milliseconds.
 */
async function runWriter(
  orders: WriterOrders,
  { command = [], killAfter }: { command?: string[]; killAfter?: { acks: number; ms: number } } = {},
): Promise<Outcome> {
  const [program = '', ...words] = [...command, process.execPath, WRITER, JSON.stringify(orders)];
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  let acks = 0;
  const kill = async (): Promise<void> => {
    await setTimeout(killAfter?.ms ?? 0);
    child.kill('SIGKILL');
  };
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  child.stdout.on('data', (data) => {
    stdout += data;
    const before = acks;
    acks = stdout.split('\n').length - 1;
    if (killAfter !== undefined && before < killAfter.acks && acks >= killAfter.acks) void kill();
  });
  if (killAfter?.acks === 0) void kill();
  const [, signal] = await once(child, 'close');
  const lines = stdout.split('\n').slice(0, -1);
  return {
    acks: new Map(lines.map((line) => [Number(line.split(' ')[0]), line.split(' ')[1] ?? ''])),
    signal,
    stderr,
  };
}

/** What the file says: the number of batches, or what is wrong. */
function inspect(path: string, acks: ReadonlyMap<number, string>): number | string {
  if (!existsSync(path)) return acks.size === 0 ? 0 : 'no file';
  const store = new SqliteLedgerStore(path);
  const hashes: string[] = [];
  const batches = [...store.read()];
  const checkpoint = store.checkpoint()?.stored;
  store.close();
  for (const { hash } of batches) hashes.push(hashText(hash));
  for (const [number, hash] of acks) {
    if (hashes[number] !== hash)
      return `batch ${number} was acknowledged and is ${hashes[number] === undefined ? 'lost' : 'another'}`;
  }
  const { fault } = verifyLedger(batches, { checkpoint });
  return fault === undefined ? batches.length : faultText(fault);
}

test(`${KILLS} kills at named and at random points lose nothing that was acknowledged`, {
  timeout: 60_000 + 20_000 * KILLS,
}, async () => {
  const rng = new Random(11);
  const path = join(folder, 'killed.ledger');
  const points = ['before-append', 'in-transaction', 'after-commit', 'after-ack'] as const;
  let stored = 0;
  let replayed = 0;
  for (let run = 0; run < KILLS; run++) {
    const point = points[run % (2 * points.length)];
    const orders = { path, seed: 3, calls: CALLS, group: 1 + rng.nextInt(8), checkpointBytes: 20_000 };
    const { acks, signal, stderr } =
      point === undefined
        ? await runWriter(orders, { killAfter: { acks: rng.nextInt(40), ms: rng.nextInt(40) } })
        : await runWriter({ ...orders, dieAt: { point, count: 1 + rng.nextInt(30) } });
    expect([signal, stderr]).toEqual(['SIGKILL', '']);
    const count = inspect(path, acks);
    expect(count, `after ${point ?? 'a random point'}`).toBeTypeOf('number');
    expect(count as number).toBeGreaterThanOrEqual(stored);
    if (stored > 0) replayed++;
    stored = count as number;
  }
  expect(stored).toBeGreaterThan(10 * KILLS);
  expect(replayed).toBeGreaterThan(0);
});

test('kills while a checkpoint is stored leave the one before, or none, and the writer goes on', async () => {
  const path = join(folder, 'checkpoints.ledger');
  const orders = { path, seed: 6, calls: 4_000, group: 4, checkpointBytes: 20_000 };
  for (const count of [1, 1, 2]) {
    const { acks, signal } = await runWriter({ ...orders, dieAt: { point: 'in-checkpoint', count } });
    expect(signal).toBe('SIGKILL');
    expect(inspect(path, acks)).toBeTypeOf('number');
  }
  const { acks, stderr } = await runWriter(orders);
  expect(stderr).toBe('');
  expect(inspect(path, acks)).toBeGreaterThan(3_000);
});

test('negative control: a writer that acknowledges before it commits is found out', async () => {
  const path = join(folder, 'careless.ledger');
  const dieAt = { point: 'in-transaction', count: 20 } as const;
  const { acks, signal } = await runWriter({ path, seed: 3, calls: CALLS, group: 3, dieAt, acksFirst: true });
  expect(signal).toBe('SIGKILL');
  expect(inspect(path, acks)).toMatch(/was acknowledged and is lost/);
});

describe('a disk that fails', () => {
  test('a file that may not grow stops the writer, and nothing acknowledged is lost', async () => {
    const path = join(folder, 'full.ledger');
    const command = ['bash', '-c', 'trap "" XFSZ; ulimit -f 400; exec "$@"', 'bash'];
    const orders = { path, seed: 4, calls: CALLS, group: 4 };
    const { acks, stderr } = await runWriter(orders, { command });
    expect(stderr).toMatch(/^TEG_STORE_FAILED .*could not be written/);
    expect(acks.size).toBeGreaterThan(10);
    const count = inspect(path, acks);
    expect(count).toBeTypeOf('number');
    // With room again, the same client goes on.
    const later = await runWriter({ ...orders, calls: 400 });
    expect(later.stderr).toBe('');
    expect(inspect(path, later.acks)).toBeGreaterThan(0);
  });

  const canInject = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;
  test.skipIf(!canInject)(
    'a failed fsync stops the writer: no second try, and nothing acknowledged is lost',
    async () => {
      for (const when of [16, 25]) {
        const path = join(folder, `fsync-${when}.ledger`);
        const calls = 'trace=fsync,fdatasync';
        const inject = `inject=fsync,fdatasync:error=EIO:when=${when}`;
        const command = ['strace', '-f', '-o', '/dev/null', '-e', calls, '-e', inject];
        const { acks, stderr } = await runWriter({ path, seed: 5, calls: CALLS, group: 4 }, { command });
        expect(stderr).toMatch(/^TEG_STORE_FAILED .*disk I\/O error/);
        expect(acks.size).toBeGreaterThan(0);
        expect(inspect(path, acks)).toBeTypeOf('number');
      }
    },
  );
});
