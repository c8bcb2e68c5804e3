/** `teg simulate --ledger` from the user's side: the file is what `teg ledger` verifies and reads. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runHere } from '../../../test/support/command-line.ts';
import { simulationResultSchema } from '../../simulation/metrics/result.ts';
import type { StatementFile, VerifiedFile } from '../ledger/ledger-files.ts';

const EXAMPLES = join(import.meta.dirname, '../../../examples');
const RUN = [
  ...['simulate', '--cluster', join(EXAMPLES, 'nodes.csv'), '--jobs', join(EXAMPLES, 'jobs.csv')],
  ...['--queue', 'teg', '--no-series', '--json'],
];
const TENANTS = ['--tenants', join(EXAMPLES, 'tenants.yaml')];

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'teg-ledger-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('teg simulate --ledger', () => {
  test('writes rents that can be recomputed, and add up to what tenants used', async () => {
    const file = join(folder, 'run.ledger');
    const run = await runHere([...RUN, ...TENANTS, '--ledger', file]);
    expect(run.status).toBe(0);
    const { tenants = [] } = simulationResultSchema.parse(JSON.parse(run.stdout));
    const verified = JSON.parse((await runHere(['ledger', 'verify', file, '--json'])).stdout) as VerifiedFile;
    expect(verified.fault).toBeUndefined();
    const sum = verified.accounts.reduce((total, { balance }) => total + BigInt(balance), 0n);
    expect(sum).toBe(0n);
    // Nothing runs any more: nothing is reserved.
    expect(verified.accounts.filter(({ reserved }) => reserved !== '0')).toEqual([]);
    // The tenant `default` mints nothing, and so pays nothing.
    const paying = tenants.filter(({ name, started }) => started > 0 && name !== 'default');
    expect(paying.length).toBe(3);
    for (const { name, gpuHours } of paying) {
      const { stdout } = await runHere(['ledger', 'statement', file, name, '--json']);
      const statement = JSON.parse(stdout) as StatementFile;
      const quantity = statement.lines.reduce((total, line) => total + (line.quantity ?? 0), 0);
      // Units are GPU-hours at most: an A100 counts half, and CPUs a little.
      expect(quantity).toBeGreaterThan(gpuHours / 3);
      expect(quantity).toBeLessThan(2 * gpuHours + 1);
      const change = statement.lines.reduce((total, line) => total + BigInt(line.change), 0n);
      expect(change).toBe(BigInt(statement.closing));
    }
  });

  test('does the same run as without it', async () => {
    const file = join(folder, 'same.ledger');
    const withFile = await runHere([...RUN, ...TENANTS, '--ledger', file]);
    const without = await runHere([...RUN, ...TENANTS]);
    expect(withFile.stdout).toBe(without.stdout);
  });

  test('refuses tenants nobody named', async () => {
    const { status, stderr } = await runHere([...RUN, '--ledger', join(folder, 'nobody.ledger')]);
    expect(status).toBe(2);
    expect(stderr).toContain('got --ledger without --tenants, expected both: say who pays');
  });

  test('done twice on one file is done once; another run is refused and changes nothing', async () => {
    const file = join(folder, 'twice.ledger');
    const head = async (): Promise<string> => (await runHere(['ledger', 'verify', file])).stdout;
    const first = await runHere([...RUN, ...TENANTS, '--ledger', file]);
    const before = await head();
    const second = await runHere([...RUN, ...TENANTS, '--ledger', file]);
    expect([second.status, second.stdout]).toEqual([0, first.stdout]);
    expect(await head()).toBe(before);
    // Another order of jobs, and a run that ends before.
    for (const other of [
      ['--arrival-speed', '2'],
      ['--horizon', '2h'],
    ]) {
      const { status, stderr } = await runHere([...RUN, ...TENANTS, ...other, '--ledger', file]);
      expect(stderr).toMatch(/TEG_LEDGER_OTHER/);
      expect(status).toBe(2);
      expect(await head()).toBe(before);
    }
  });
});
