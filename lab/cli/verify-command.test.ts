/** `teg verify` from the user's side, and docs/results/claims.md as its output. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { atMost, type ClaimResult } from '../claims/claim.ts';
import { CLAIMS, testClaim } from '../claims/claims.ts';
import { claimRow, claimRowsSchema } from '../verify/claim-rows.ts';
import { claimSection, claimsMarkdown } from '../verify/claims-markdown.ts';
import { claimsPage } from '../verify/claims-page.ts';
import { printClaim } from '../verify/claims-text.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const TEG = join(ROOT, 'bin', 'teg');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'teg-verify-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function teg(...args: string[]) {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined };
  const { status, stdout, stderr } = spawnSync(process.execPath, [TEG, 'verify', ...args], {
    env,
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

/** A result like the claim's own, with other figures. */
function resultOf(measured: number, control: number): ClaimResult {
  const claim = CLAIMS[0];
  if (claim === undefined) throw new Error('no claims');
  return testClaim(
    {
      ...claim,
      title: 'Less < more & "so on"',
      measure: () => ({
        checks: [atMost('a | b', measured, 1)],
        controls: [atMost('c', control, 1)],
        notes: ['n'],
      }),
    },
    1,
  );
}

describe('teg verify', () => {
  test('prints the claim, its conditions, the measurement and the verdict', () => {
    const { status, stdout, stderr } = teg('T-10', 't1');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^T-01 Exact potential: holds\nA job that moves alone/);
    expect(stdout).toMatch(/^T-10 Dual numbers give exact slopes: holds$/m);
    expect(stdout).toMatch(/^Conditions: Every price and field in use/m);
    expect(stdout).toMatch(/^control: finite difference.* fails, as it must$/m);
    expect(stdout).toMatch(/^T-01 +Exact potential +\S+ +≤ 1e−9 +holds$/m);
    expect(stdout).not.toContain('T-02');
  });

  test('as JSON it keeps to its schema', () => {
    const { status, stdout } = teg('--json', 'T-01', 'T-05', 'T-10', 'T-17', '--seed', '3');
    expect(status).toBe(0);
    const rows = claimRowsSchema.parse(JSON.parse(stdout));
    expect(rows.map((row) => row.test)).toEqual(['T-01', 'T-05', 'T-10', 'T-17']);
    for (const row of rows) {
      expect(row).toMatchObject({ holds: true, negativeControlFails: true });
      expect(row.measured).toBe(row.checks[0]?.measured);
      expect(row.threshold).toBe(row.checks[0]?.threshold);
    }
    const schema = JSON.parse(teg('--json-schema').stdout);
    expect(schema).toMatchObject({
      type: 'array',
      items: {
        required: expect.arrayContaining([
          'test',
          'claim',
          'measured',
          'threshold',
          'holds',
          'negativeControlFails',
        ]),
      },
    });
  });

  test('the seed decides the figures', () => {
    const run = (seed: string): string => teg('T-05', '--json', '--seed', seed).stdout;
    expect(run('1')).toBe(run('1'));
    expect(run('1')).not.toBe(run('2'));
  });

  test('writes a page with plots that loads and runs nothing', () => {
    const file = join(folder, 'claims.html');
    const { status, stderr } = teg('T-15', '--html', file);
    expect({ status, stderr }).toEqual({ status: 0, stderr: `wrote ${file}\n` });
    const page = readFileSync(file, 'utf8');
    expect(page).toMatch(/^<!doctype html>/);
    expect(page.match(/<svg class="plot"/g)).toHaveLength(2);
    expect(page).toContain('1 of 1');
    expect(page).not.toMatch(/<script|href="http|src=/);
  });

  test.each([
    [['T-99'], /^error TEG_OPTION_INVALID: got the test 'T-99', expected one of T-01 to G-13/],
    [['nonsense'], /got the test 'nonsense'/],
    [['--seed', '-1'], /'--seed <n>'/],
  ])('refuses %j', (args, message) => {
    const { status, stdout, stderr } = teg(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('says where the page could not be written', () => {
    const { status, stdout, stderr } = teg('T-01', '--html', folder);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^error TEG_OUTPUT_FAILED: got EISDIR/);
  });
});

describe('the exit code', () => {
  /** Runs `teg verify T-01 T-10` with altered figures of T-01 and of its control. */
  function verifyWith(measured: number, control: number): { status: number | null; stdout: string } {
    const hook = `
      import { registerHooks } from 'node:module';
      registerHooks({
        load(url, context, next) {
          const loaded = next(url, context);
          if (!url.endsWith('/lab/claims/claims.ts')) return loaded;
          const planted = \`
            (CLAIMS as any)[0] = { ...CLAIMS[0], measure: () => ({
              checks: [{ what: 'planted', measured: ${measured}, low: -Infinity, high: 1, holds: ${measured <= 1} }],
              controls: [{ what: 'planted', measured: ${control}, low: -Infinity, high: 1, holds: ${control <= 1} }],
              notes: [],
            }) };\`;
          return { ...loaded, source: String(loaded.source) + planted };
        },
      });
    `;
    const args = [
      '--import',
      `data:text/javascript,${encodeURIComponent(hook)}`,
      TEG,
      'verify',
      'T-01',
      'T-10',
    ];
    const { status, stdout } = spawnSync(process.execPath, args, {
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
      encoding: 'utf8',
    });
    return { status, stdout };
  }

  test.each([
    ['a claim that holds and a control that fails', 0.5, 2, 0],
    ['a claim that does not hold', 2, 2, 1],
    ['a control that passes', 0.5, 0.5, 1],
  ])('after %s', (_, measured, control, code) => {
    const { status, stdout } = verifyWith(measured, control);
    expect(stdout).toContain('planted');
    expect(status).toBe(code);
  });
});

describe('a claim that fails', () => {
  const bad = resultOf(2, 2);
  const empty = resultOf(0, 0);

  test('is reported in every form', () => {
    expect(claimRow(bad)).toMatchObject({
      holds: false,
      measured: 2,
      threshold: '≤ 1',
      checks: [{ low: null, holds: false }],
    });
    expect(claimRow(empty)).toMatchObject({
      holds: true,
      negativeControlFails: false,
      negativeControls: [{ fails: false }],
    });
    expect(claimSection(bad)).toContain('| a \\| b | 2 | ≤ 1 | **does not hold** |');
    expect(claimSection(empty)).toContain('**passes, but must not**');
    expect(claimsMarkdown([bad, empty], 4)).toMatch(
      /seed 4[\s\S]*\*\*does not hold\*\*[\s\S]*a negative control passes/,
    );
    const page = claimsPage([bad, empty], 4, '1.2.3');
    expect(page).toContain('0 of 2');
    expect(page).toContain('Less &lt; more &amp; &quot;so on&quot;');
    let text = '';
    printClaim(bad, { write: (part) => (text += part) });
    printClaim(empty, { write: (part) => (text += part) });
    expect(text).toMatch(/DOES NOT HOLD[\s\S]*A CONTROL PASSES/);
  });
});

describe('docs/results/claims.md', () => {
  const text = readFileSync(join(ROOT, 'docs', 'results', 'claims.md'), 'utf8');

  test.each(CLAIMS.filter((claim) => claim.quick))(
    '$test holds, its controls fail, and the page says so',
    (claim) => {
      const result = testClaim(claim, 1);
      expect(result.checks.filter((check) => !check.holds)).toEqual([]);
      expect(result.controls.length).toBeGreaterThan(0);
      expect(result.controls.filter((control) => control.holds)).toEqual([]);
      for (const { x, y } of (result.plots ?? []).flatMap((plot) => plot.series)) {
        expect(x.length).toBe(y.length);
        expect([...x, ...y].every(Number.isFinite)).toBe(true);
      }
      // As `bin/teg verify --print-page > docs/results/claims.md` writes it.
      expect(text).toContain(`${claimSection(result)}\n`);
    },
  );

  test.each(CLAIMS)(
    '$test is there with its conditions, and holds',
    ({ test: id, title, claim, conditions, notClaimed }) => {
      expect(text).toContain(
        `## ${id} ${title}\n\n${claim}\n\n*Conditions.* ${conditions}\n\n*Not claimed.* ${notClaimed}\n`,
      );
      expect(text).toMatch(new RegExp(`^\\| ${id} \\|.*\\| holds \\|$`, 'm'));
    },
  );

  test('begins with the command that writes it', () => {
    const first = '<!-- Written by: bin/teg verify --print-page > docs/results/claims.md -->\n';
    expect(text.startsWith(first)).toBe(true);
    expect(claimsMarkdown([], 1).startsWith(first)).toBe(true);
  });

  test('nothing fails, and no claim is there that is not tested', () => {
    expect(text).not.toMatch(/\*\*(?:does not hold|passes|proves)/);
    expect(text.match(/^## [TG]-\d\d /gm)).toHaveLength(CLAIMS.length);
  });
});
