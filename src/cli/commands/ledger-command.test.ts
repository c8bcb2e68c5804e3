/** `teg ledger` on files that the product writes, and on ones that somebody changed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MICROS_PER_HOUR, QUANTITY_PER_UNIT_HOUR } from '../../market/amounts.ts';
import { escrow, mintAt, rent } from '../../market/charges.ts';
import { hashText } from '../../market/hash-chain.ts';
import { DurableLedger } from '../../store/durable-ledger.ts';
import { SqliteLedgerStore } from '../../store/sqlite-ledger-store.ts';
import type { StatementFile } from '../ledger/ledger-files.ts';

const TEG = join(import.meta.dirname, '..', '..', '..', 'bin', 'teg');
const folder = mkdtempSync(join(tmpdir(), 'teg-ledger-command-'));
const file = join(folder, 'market.ledger');
let head = '';
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(() => {
  const durable = new DurableLedger(new SqliteLedgerStore(file), { halfLifeMicros: 168 * MICROS_PER_HOUR });
  const { ledger } = durable;
  const tenant = ledger.open('nlp', 0);
  const use = { tenant, job: 7, quantity: 4 * QUANTITY_PER_UNIT_HOUR, price: 1_250_000 };
  const id = (position: number): { position: number; kind: number; subject: number } => ({
    position,
    kind: 1,
    subject: tenant,
  });
  ledger.apply([mintAt(id(1), tenant, 16_000_000)], 0);
  ledger.apply([escrow(id(2), use)], 10 * MICROS_PER_HOUR);
  ledger.apply([rent(id(3), id(2), use)], 11 * MICROS_PER_HOUR);
  durable.commit();
  head = hashText(durable.committed.hash);
  durable.close();
});

function teg(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined };
  return spawnSync(process.execPath, [TEG, 'ledger', ...args], { encoding: 'utf8', env });
}

test('verify recomputes, and says with what the log ends', () => {
  const { status, stdout } = teg('verify', file, '--head', head);
  expect(status).toBe(0);
  expect(stdout).toContain('5 batches with 9 records, recomputed; the balances add up to 0');
  expect(stdout).toMatch(/BURN\s+5\.000000\s+0\.000000/);
  expect(stdout).toContain(`head ${head}`);
});

test('verify finds a change: where, what, found, expected, and an exit code', () => {
  const changed = join(folder, 'changed.ledger');
  const source = new DatabaseSync(file);
  source.exec(`VACUUM INTO '${changed}'`);
  source.close();
  const database = new DatabaseSync(changed);
  database.exec('UPDATE batches SET bytes = zeroblob(length(bytes)) WHERE number = 3');
  database.close();
  const { status, stdout } = teg('verify', changed);
  expect(status).toBe(5);
  expect(stdout).toMatch(
    /NOT what a ledger writes.*\nbatch 3: the hash does not fit: got [0-9a-f]{64}, expected [0-9a-f]{64}/,
  );
  const other = teg('verify', file, '--head', '0'.repeat(64), '--json');
  expect(other.status).toBe(5);
  expect(JSON.parse(other.stdout).fault).toMatchObject({ found: head, expected: '0'.repeat(64) });
});

test('a statement adds up, as a table and as JSON', () => {
  const { status, stdout } = teg('statement', file, 'nlp');
  expect(status).toBe(0);
  expect(stdout).toMatch(/39600 +rent +7 +4 × 1\.25 +-5\.000000 +-5\.000000 +3\/1\/4/);
  const { lines, closing, opening } = JSON.parse(
    teg('statement', file, 'nlp', '--from', '36001', '--json').stdout,
  );
  const sum = lines.reduce(
    (total: bigint, { change }: { change: string }) => total + BigInt(change),
    BigInt(opening),
  );
  expect(sum).toBe(BigInt(closing));
  expect(BigInt(opening)).toBeGreaterThan(150_000_000n);
});

test('pages add up each, and say where the next one begins', () => {
  const page = (skip: number): StatementFile =>
    JSON.parse(teg('statement', file, 'nlp', '--lines', '2', '--skip', String(skip), '--json').stdout);
  const pages = [page(0), page(2)];
  expect(pages.map(({ skipped, next, lines }) => [skipped, next, lines.length])).toEqual([
    [0, 2, 2],
    [2, 4, 2],
  ]);
  expect(pages[1]?.opening).toBe(pages[0]?.closing);
  const { stdout } = teg('nlp', file, '--lines', '2', '--skip', '2');
  expect(stdout).toContain('lines 3 to 4; the next ones begin where these close: --skip 4');
});

test('the tenant first, and the file: the statement by job', () => {
  expect(teg('nlp', file).stdout).toBe(teg('statement', file, 'nlp', '--by', 'job').stdout);
  expect(teg('account', 'nlp', file).stdout).toBe(teg('nlp', file).stdout);
});

test('nothing to do is a failure that prints the usage', () => {
  const { status, stdout, stderr } = teg();
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain('Usage: teg ledger');
  expect(stderr).toContain(
    'TEG_OPTION_INVALID: got neither a tenant nor a command, expected for example: teg ledger TENANT FILE',
  );
});

test('what is not a ledger is refused in one line', () => {
  const other = join(folder, 'other.sqlite');
  const database = new DatabaseSync(other);
  database.exec('CREATE TABLE jobs (id INTEGER)');
  database.close();
  const text = join(folder, 'text');
  writeFileSync(text, 'not a database');
  const empty = join(folder, 'empty');
  writeFileSync(empty, '');
  const cut = join(folder, 'cut.ledger');
  writeFileSync(cut, readFileSync(file).subarray(0, 5_000));
  for (const [path, message] of [
    [
      other,
      /^error TEG_LEDGER_CORRUPT: .*got a database of another program \(application_id 0, user_version 0, 1 tables\), expected the log of a ledger/,
    ],
    [
      text,
      /^error TEG_INPUT_UNKNOWN_FORMAT: .*got a file of another kind, expected the file of a ledger.*name that file/,
    ],
    [empty, /^error TEG_INPUT_UNKNOWN_FORMAT: .*got an empty file, expected the file of a ledger/],
    [cut, /^error TEG_LEDGER_CORRUPT: .*malformed/],
    [folder, /^error TEG_INPUT_NOT_FOUND: got the folder/],
    [join(folder, 'none'), /^error TEG_INPUT_NOT_FOUND: .*there is none/],
  ] as const) {
    for (const command of [
      ['verify', path],
      ['nlp', path],
      ['export', path],
    ]) {
      const { status, stderr } = teg(...command);
      expect(stderr).toMatch(message);
      expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
      expect(status).toBe(2);
    }
  }
  expect(teg(file, 'nlp').stderr).toContain('the two may be the other way round');
  expect(teg('nlp').stderr).toContain("got 'nlp' alone, expected a tenant and the file of a ledger");
  expect(teg('nlq', file).stderr).toContain("(did you mean 'nlp'?)");
});

test('what cannot be read is one line', () => {
  expect(teg('verify', join(folder, 'none')).stderr).toMatch(/^error TEG_INPUT_NOT_FOUND: /);
  expect(teg('verify', join(folder, 'none')).status).toBe(2);
  expect(teg('verify', file, '--head', 'x').stderr).toMatch(/expected 64 hexadecimal digits/);
  expect(teg('statement', file, 'vision').stderr).toMatch(
    /got the account 'vision', expected one of the ledger: .*nlp/,
  );
});
