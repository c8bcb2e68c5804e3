/**
 * `teg ledger export --format focus-1.2`, on the file of a simulation: checked by a checker of the specification, and against the
 * ledger.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runHere } from '../../../test/support/command-line.ts';
import { problemsOfFocus } from './focus-columns.fixtures.ts';
import type { StatementFile, VerifiedFile } from './ledger-files.ts';

const EXAMPLES = join(import.meta.dirname, '../../../examples');
const folder = mkdtempSync(join(tmpdir(), 'teg-focus-'));
const file = join(folder, 'run.ledger');
afterAll(() => rmSync(folder, { recursive: true }));

type FocusRow = Record<string, string>;
let columns: string[] = [];
let rows: FocusRow[] = [];

beforeAll(async () => {
  const run = ['simulate', '--cluster', join(EXAMPLES, 'nodes.csv'), '--jobs', join(EXAMPLES, 'jobs.csv')];
  const { status } = await runHere([
    ...run,
    '--tenants',
    join(EXAMPLES, 'tenants.yaml'),
    '--queue',
    'teg',
    '--ledger',
    file,
  ]);
  expect(status).toBe(0);
  const { stdout } = await runHere(['ledger', 'export', file, '--start', '2026-11-30T22:00:00Z']);
  [columns, rows] = parsed(stdout);
});

function parsed(text: string): [string[], FocusRow[]] {
  const [header, ...lines] = parse(text) as string[][];
  return [
    header ?? [],
    lines.map((line) => Object.fromEntries(line.map((value, at) => [header?.[at] ?? '', value]))),
  ];
}

/** Tokens with six decimals as micro-tokens, exactly. */
function microsOf(text: string): bigint {
  expect(text).toMatch(/^\d+(\.\d{1,6})?$/);
  const [whole, part = ''] = text.split('.');
  return BigInt(whole as string) * 1_000_000n + BigInt(part.padEnd(6, '0'));
}

test('conforms to the specification', () => {
  expect(rows.length).toBeGreaterThan(10);
  expect(problemsOfFocus(columns, rows)).toEqual([]);
});

test('the cost adds up to the rents of the ledger, for all and for each tenant', async () => {
  const verified = JSON.parse((await runHere(['ledger', 'verify', file, '--json'])).stdout) as VerifiedFile;
  const sum = (of: readonly FocusRow[]): bigint =>
    of.reduce((total, row) => total + microsOf(row.PricingCurrencyEffectiveCost as string), 0n);
  expect(String(sum(rows))).toBe(verified.accounts.find(({ name }) => name === 'BURN')?.balance);
  for (const tenant of new Set(rows.map((row) => row.SubAccountId as string))) {
    const { stdout } = await runHere(['ledger', tenant, file, '--json']);
    const { lines } = JSON.parse(stdout) as StatementFile;
    const rent = lines.reduce(
      (total, { code, change }) => total - (code === 'rent' ? BigInt(change) : 0n),
      0n,
    );
    const own = rows.filter((row) => row.SubAccountId === tenant);
    expect(sum(own)).toBe(rent);
    // What a job was quoted is what it paid, where its tenant could pay.
    const quoted = own.reduce((total, row) => total + Number(row.ContractedCost), 0);
    expect(Number(rent) / 1e6).toBeLessThanOrEqual(quoted + own.length * 1e-6);
  }
  const jobs = new Set(rows.map((row) => row.ResourceId));
  expect(jobs.has('train-1')).toBe(true);
  expect([...new Set(rows.map((row) => row.SkuId))].sort()).toEqual(['a100', 'h100']);
  // The run begins two hours before the month ends.
  expect([...new Set(rows.map((row) => row.BillingPeriodStart))]).toEqual([
    '2026-11-01T00:00:00Z',
    '2026-12-01T00:00:00Z',
  ]);
});

test('a file has the same table', async () => {
  const output = join(folder, 'rents.csv');
  const { status, stdout } = await runHere([
    'ledger',
    'export',
    file,
    '--start',
    '2026-11-30T22:00:00Z',
    '--output',
    output,
  ]);
  expect([status, stdout]).toEqual([0, '']);
  expect(parsed(readFileSync(output, 'utf8'))).toEqual([columns, rows]);
});

test('a date that is none, and an unknown format, are refused', async () => {
  for (const start of ['2026-13-01', 'yesterday', '2026-12-01T00:00:00+02:00']) {
    const { status, stderr } = await runHere(['ledger', 'export', file, '--start', start]);
    expect([status, stderr]).toEqual([2, expect.stringContaining('expected a date in UTC such as')]);
  }
  expect((await runHere(['ledger', 'export', file, '--format', 'csv'])).stderr).toContain('focus-1.2');
});

describe('the checker', () => {
  const changed = (change: FocusRow): string[] =>
    problemsOfFocus(columns, [{ ...(rows[0] as FocusRow), ...change }]);

  test.each<[FocusRow, string]>([
    [{ EffectiveCost: '' }, 'EffectiveCost is null'],
    [{ EffectiveCost: '1,000' }, 'EffectiveCost is not a number'],
    [{ BillingCurrency: 'tokens' }, 'not a code of ISO 4217'],
    [{ ChargePeriodStart: '2026-11-30 22:00:00' }, 'ChargePeriodStart is not a date'],
    [
      { ChargePeriodEnd: '2026-11-30T22:00:00Z', ChargePeriodStart: '2026-11-30T22:00:00Z' },
      'period is empty',
    ],
    [{ BillingPeriodEnd: '2026-11-02T00:00:00Z' }, 'outside of its billing period'],
    [{ ChargeCategory: 'Rent' }, "ChargeCategory is 'Rent'"],
    [{ ContractedCost: '7' }, 'ContractedCost is not ContractedUnitPrice × PricingQuantity'],
    [{ ListUnitPrice: '' }, 'ListUnitPrice is null for usage'],
    [{ Tags: '[1]' }, 'Tags is not an object'],
    [{ Tags: '{"a":' }, 'Tags is not JSON'],
    [{ ResourceId: '' }, 'a name or type of no resource'],
    [{ SkuId: '' }, 'SkuId is null for usage'],
  ])('finds %j', (change, problem) => {
    expect(changed(change).join('\n')).toContain(problem);
  });

  test('finds columns that are missing, unknown or out of order', () => {
    expect(problemsOfFocus(columns.slice(1), [])).toEqual(['column BilledCost is missing']);
    expect(problemsOfFocus([...columns, 'Cost'], [])).toEqual([
      'column Cost is unknown',
      'column Cost is behind custom ones',
    ]);
  });
});
