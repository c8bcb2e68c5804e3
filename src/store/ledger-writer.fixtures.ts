/**
 * A process that writes a ledger and is killed: run by `ledger-kill.test.ts`, not a test itself.
 *
 * It draws the same calls from its seed every time, so that after a crash it does all of them again; those that the log has
 * change nothing. After each commit it acknowledges on standard output: `number hash`, a line.
 */
import { writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { Random } from '../kernel/random.ts';
import { hashText } from '../market/hash-chain.ts';
import { RandomClient } from '../market/ledger.fixtures.ts';
import { DurableLedger } from './durable-ledger.ts';
import { SqliteLedgerStore, type StorePoint } from './sqlite-ledger-store.ts';

/** What the process does; its one argument, as JSON. */
export interface WriterOrders {
  readonly path: string;
  readonly seed: number;
  /** Calls in all, and calls for one commit. */
  readonly calls: number;
  readonly group: number;
  /** Dies by its own hand at that point, at the n-th time that something new is stored. */
  readonly dieAt?: { readonly point: StorePoint | 'after-ack'; readonly count: number };
  /** The negative control: acknowledges before it commits. */
  readonly acksFirst?: boolean;
  /** See `SqliteStoreOptions`. */
  readonly fence?: number;
  /** Another one: false, commits do not wait for the disk. */
  readonly isDurable?: boolean;
  /** See `DurableLedgerOptions`. */
  readonly checkpointBytes?: number;
}

const TENANTS = 3;

function run({
  checkpointBytes,
  path,
  seed,
  calls,
  group,
  dieAt,
  acksFirst = false,
  fence,
  isDurable = true,
}: WriterOrders): void {
  let passed = 0;
  const onPoint = (point: StorePoint | 'after-ack'): void => {
    if (point === dieAt?.point && ++passed === dieAt.count) process.kill(process.pid, 'SIGKILL');
  };
  const durable = new DurableLedger(new SqliteLedgerStore(path, { onPoint, isDurable, fence }), {
    halfLifeMicros: 1e9,
    ...(checkpointBytes === undefined ? {} : { checkpointBytes }),
  });
  const { ledger } = durable;
  const rng = new Random(seed, 5);
  const client = new RandomClient(rng, TENANTS, 1e6);
  for (let tenant = 0; tenant < TENANTS; tenant++) ledger.open(`tenant-${tenant}`, 0);
  const acknowledge = (number: number, hash: Uint8Array): void =>
    void writeSync(1, `${number} ${hashText(hash)}\n`);
  let time = 0;
  for (let call = 1; call <= calls; call++) {
    time += rng.nextInt(1e7);
    ledger.apply(client.chain(), time);
    if (call % group > 0 || durable.uncommitted === 0) continue;
    if (acksFirst) {
      const { number, hash } = durable.uncommittedHead;
      acknowledge(number, hash);
    }
    durable.commit();
    if (!acksFirst) acknowledge(durable.committed.number, durable.committed.hash);
    onPoint('after-ack');
  }
  durable.close();
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    run(JSON.parse(process.argv[2] ?? '') as WriterOrders);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    writeSync(2, `${code} ${String(error)}\n`);
    process.exitCode = 3;
  }
}
