/** Reports as options of commands: output paths, refusals before a run, output for the shell. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { runHere } from '../../../test/support/command-line.ts';
import { checkProperty } from '../../../test/support/properties.ts';
import { comparisonResultSchema } from '../../simulation/metrics/result.ts';
import { readDecisionCosts } from './decision-file.ts';
import { HOSTILE } from './report.fixtures.ts';
import { commandLine, prepareReports } from './report-options.ts';

const TEG = join(import.meta.dirname, '../../../bin/teg');
const SMALL = ['--cluster', 'generated:openb:20', '--jobs', 'generated:400'];

const folder = mkdtempSync(join(tmpdir(), 'teg-report-'));
afterAll(() => rmSync(folder, { recursive: true }));

function teg(...args: string[]) {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined };
  const options = { env, encoding: 'utf8', timeout: 60_000, maxBuffer: 1 << 26 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [TEG, ...args], options);
  return { status, stdout, stderr };
}

describe('a command line', () => {
  test('is taken apart by a shell into the same words', () => {
    const words = fc.array(
      fc.string({ unit: 'binary', maxLength: 12 }).filter((word) => !word.includes('\0')),
      {
        minLength: 1,
        maxLength: 6,
      },
    );
    checkProperty(
      fc.property(words, (list) => {
        const script = `printf '%s\\0' ${commandLine(list)}`;
        const { stdout } = spawnSync('sh', ['-c', script], { encoding: 'buffer' });
        expect(stdout).toEqual(Buffer.from(list.map((word) => `${word}\0`).join('')));
      }),
      { numRuns: 25 },
    );
  });

  test('is plain where it can be', () => {
    expect(commandLine(['bin/teg', 'compare', '--jobs', 'generated:100:0.95:8h', HOSTILE, ''])).toMatch(
      /^bin\/teg compare --jobs generated:100:0\.95:8h '<script>.*' ''$/,
    );
  });
});

describe('decision costs', () => {
  const cost = { nodes: 1000, policy: 'teg', p50Micros: 3.5, p99Micros: 9, bytesPerNode: 120 };

  test('are read as an array, or as the results of a benchmark', async () => {
    const path = join(folder, 'decision.json');
    const { bytesPerNode: _, ...kept } = cost;
    for (const value of [
      [cost, { ...cost, nodes: 10_000 }],
      { results: [cost, { ...cost, nodes: 10_000 }] },
    ]) {
      writeFileSync(path, JSON.stringify(value));
      expect(await readDecisionCosts(path)).toEqual([kept, { ...kept, nodes: 10_000 }]);
    }
  });

  test.each([
    ['not json', 'nodes,policy'],
    ['an empty array', '[]'],
    ['no array', '{"nodes": 5}'],
    ['no number', JSON.stringify([{ ...cost, p99Micros: 'fast' }])],
    ['no positive number', JSON.stringify([{ ...cost, nodes: 0 }])],
  ])('%s is refused with the expected form', async (_, text) => {
    const path = join(folder, 'bad.json');
    writeFileSync(path, text);
    await expect(readDecisionCosts(path)).rejects.toThrow(
      expect.objectContaining({
        code: 'TEG_INPUT_CORRUPT',
        message: expect.stringMatching(/expected an array of \{nodes, policy, p50Micros, p99Micros\}/),
      }),
    );
  });

  test('without a report are refused', async () => {
    await expect(prepareReports({ decisionCosts: 'x.json' })).rejects.toThrow(
      expect.objectContaining({ code: 'TEG_OPTION_INVALID' }),
    );
    expect(await prepareReports({})).toBeUndefined();
  });
});

describe('teg simulate and teg compare', () => {
  test('write both reports', () => {
    const html = join(folder, 'both.html');
    const markdown = join(folder, 'both.md');
    const decision = join(folder, 'decision.json');
    writeFileSync(decision, JSON.stringify([{ nodes: 1000, policy: 'teg', p50Micros: 3, p99Micros: 9 }]));
    const args = ['--policies', 'best-fit,random', '--seeds', '1-2', '--timing'];
    const files = ['--html', html, '--markdown', markdown, '--decision-costs', decision];
    const { status, stdout, stderr } = teg('compare', ...SMALL, ...args, ...files);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^mean over seeds/m);
    expect(stdout.endsWith(`\nreport: ${html}\nreport: ${markdown}\n`)).toBe(true);
    const page = readFileSync(html, 'utf8');
    expect(page).toContain('<h1>best-fit against random on 20 nodes');
    expect(page).toContain('id="decision-median"');
    expect(page).toContain('id="in-use-over-time"');
    const command = commandLine(['bin/teg', 'compare', ...SMALL, ...args, ...files]);
    expect(readFileSync(markdown, 'utf8')).toContain(`\n\`\`\`sh\n${command}\n\`\`\`\n`);
  });

  test('leave standard output to the JSON', () => {
    const markdown = join(folder, 'json.md');
    const { status, stdout, stderr } = teg(
      'compare',
      ...SMALL,
      ...['--policies', 'first-fit', '--seeds', '1', '--json', '--markdown', markdown],
    );
    expect(status).toBe(0);
    expect(comparisonResultSchema.safeParse(JSON.parse(stdout)).success).toBe(true);
    expect(stderr).toBe(`report: ${markdown}\n`);
    expect(readFileSync(markdown, 'utf8')).toMatch(/^# first-fit on 20 nodes/);
  });

  test('one run has a report too, and JSON without the series if that is wanted', () => {
    const html = join(folder, 'one.html');
    const args = ['--policy', 'first-fit', '--no-series', '--json', '--html', html];
    const { status, stdout } = teg('simulate', ...SMALL, ...args);
    expect(status).toBe(0);
    expect(JSON.parse(stdout).series).toBeUndefined();
    expect(readFileSync(html, 'utf8')).toContain('id="in-use-over-time"');
  });

  test.each([
    ['whose reader has gone', '| true', /^$/],
    [
      'on a full disk',
      '> /dev/full',
      /^error TEG_OUTPUT_FAILED: got ENOSPC: .* while writing 'standard output'/,
    ],
  ])('write their reports also with a standard output %s', (name, redirection, message) => {
    const html = join(folder, `${name}.html`);
    const args = ['compare', ...SMALL, '--policies', 'best-fit,random', '--seeds', '1-2', '--html', html];
    const script = `${commandLine([process.execPath, TEG, ...args])} ${redirection}`;
    const { stderr } = spawnSync('sh', ['-c', script], {
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
    });
    expect(stderr).toMatch(message);
    expect(readFileSync(html, 'utf8')).toContain('</html>');
  });

  test('refuse unwritable or unreadable files before they run', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const below = teg('compare', ...SMALL, '--html', join(file, 'report.html'));
    expect(below.status).toBe(1);
    expect(below.stderr).toMatch(
      /^error TEG_OUTPUT_FAILED: got ENOTDIR: a part of the path is a file while writing/,
    );
    expect(below.stdout).toBe('');
    const files = ['--html', join(folder, 'x.html'), '--decision-costs', join(folder, 'none')];
    const missing = await runHere(['compare', ...SMALL, ...files]);
    expect(missing.status).toBe(2);
    expect(missing.stderr).toMatch(/^error TEG_INPUT_NOT_FOUND: /);
    expect(existsSync(join(folder, 'x.html'))).toBe(false);
    const alone = await runHere(['simulate', ...SMALL, '--decision-costs', 'x.json']);
    expect(alone.status).toBe(2);
    expect(alone.stderr).toMatch(/^error TEG_OPTION_INVALID: got --decision-costs without a report/);
  });
});
