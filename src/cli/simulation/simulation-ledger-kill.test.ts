/**
 * `teg simulate --ledger` is killed again and again, and done again on the same file: it goes on where the file ends, and the
 * file becomes that of a run that nobody killed, byte by byte. Six kills here; `TEG_LEDGER_KILLS=20` for more.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { hashText } from '../../market/hash-chain.ts';
import { faultText, verifyLedger } from '../../market/verify-ledger.ts';
import { SqliteLedgerStore } from '../../store/sqlite-ledger-store.ts';

const KILLS = Number(process.env.TEG_LEDGER_KILLS ?? 6);
const TEG = join(import.meta.dirname, '../../../bin/teg');
const EXAMPLES = join(import.meta.dirname, '../../../examples');
const folder = mkdtempSync(join(tmpdir(), 'teg-simulation-kill-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Many short jobs of several tenants over months of virtual time. */
function writeJobs(): string {
  const rng = new Random(3);
  const rows = [
    'id,tenant,submit_s,duration_s,pod_count,cpu_milli,memory_mib,gpu_count,gpu_milli,gpu_models',
  ];
  let submit = 0;
  for (let job = 0; job < 4_000; job++) {
    submit += rng.nextInt(5_000);
    const tenant = ['vision', 'speech'][rng.nextInt(2)];
    const duration = 60 + rng.nextInt(20_000);
    rows.push(`job-${job},${tenant},${submit},${duration},1,4000,16384,${1 + rng.nextInt(2)},1000,A100|H100`);
  }
  const path = join(folder, 'jobs.csv');
  writeFileSync(path, `${rows.join('\n')}\n`);
  return path;
}

const jobs = writeJobs();

/** Runs the simulation, and kills it after a time, milliseconds. @returns The signal that ended it. */
async function simulate(
  ledger: string,
  killAfterMs?: number,
): Promise<{ signal: string | null; stdout: string }> {
  const args = [TEG, 'simulate', '--cluster', join(EXAMPLES, 'nodes.csv'), '--jobs', jobs];
  args.push('--tenants', join(EXAMPLES, 'tenants.yaml'), '--queue', 'teg', '--no-series', '--json');
  const child = spawn(process.execPath, [...args, '--ledger', ledger], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  if (killAfterMs !== undefined) {
    void setTimeout(killAfterMs).then(() => child.kill('SIGKILL'));
  }
  const [, signal] = await once(child, 'close');
  return { signal, stdout };
}

/** What a file has: each batch's hash. Everything is recomputed, and adds up to 0. */
function hashesOf(path: string): string[] {
  if (!existsSync(path)) return [];
  const store = new SqliteLedgerStore(path);
  const batches = [...store.read()];
  store.close();
  const { fault, ledger } = verifyLedger(batches);
  expect(fault === undefined ? '' : faultText(fault)).toBe('');
  const sum = (ledger?.accounts.names ?? []).reduce(
    (total, _, at) => total + (ledger?.view(at).balance ?? 0n),
    0n,
  );
  expect(sum).toBe(0n);
  return batches.map(({ hash }) => hashText(hash));
}

test(`${KILLS} kills: the same run goes on, nothing is lost or doubled`, {
  timeout: 60_000 + 10_000 * KILLS,
}, async () => {
  const whole = join(folder, 'whole.ledger');
  const started = performance.now();
  const { stdout } = await simulate(whole);
  const milliseconds = performance.now() - started;
  const expected = hashesOf(whole);
  expect(expected.length).toBeGreaterThan(1_000);
  const rng = new Random(5);
  const counts: number[] = [];
  let path = join(folder, 'killed-0.ledger');
  for (let kill = 0; kill < KILLS; kill++) {
    const { signal } = await simulate(path, Math.round(milliseconds * (0.3 + 0.65 * rng.nextDouble())));
    const hashes = hashesOf(path);
    counts.push(hashes.length);
    expect(hashes).toEqual(expected.slice(0, hashes.length));
    // Where the kill came too late, the next file begins.
    if (signal === null) path = join(folder, `killed-${kill + 1}.ledger`);
  }
  expect(counts.filter((count) => count > 0 && count < expected.length).length).toBeGreaterThan(0);
  const last = await simulate(path);
  expect(last.stdout).toBe(stdout);
  expect(hashesOf(path)).toEqual(expected);
});
