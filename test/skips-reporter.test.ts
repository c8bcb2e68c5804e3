/**
 * Skipped tests are reported with their reasons, a run without a test fails, and so does a test without an assertion.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { skipLines } from './support/skips-reporter.ts';

const ROOT = join(import.meta.dirname, '..');
// Below the repository, so that vitest and its configuration are found.
const folder = mkdtempSync(join(ROOT, 'node_modules/.teg-skips-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a file of tests under this repository's configuration. */
function run(text: string) {
  writeFileSync(join(folder, 'x.test.ts'), `import { describe, expect, test } from 'vitest';\n${text}`);
  const config = `
    import config from ${JSON.stringify(join(ROOT, 'vitest.config.ts'))};
    export default {
      ...config,
      test: { ...config.test, projects: undefined, include: ['**/*.test.ts'], exclude: [] },
    };`;
  writeFileSync(join(folder, 'vitest.config.ts'), config);
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [vitest, 'run', '--root', folder], {
    encoding: 'utf8',
    env: {
      ...process.env,
      NO_COLOR: '1',
      FORCE_COLOR: undefined,
      TEG_TEST_REPORT: undefined,
      VITEST: undefined,
    },
  });
  return { status, output: stdout + stderr };
}

test('skips are grouped by file and by the title with the reason', () => {
  expect(skipLines([])).toEqual([]);
  expect(
    skipLines([
      { file: 'a.test.ts', titles: ['data (skipped: no ../data)', 'one'] },
      { file: 'a.test.ts', titles: ['data (skipped: no ../data)', 'two'] },
      { file: 'b.test.ts', titles: ['other'] },
    ]),
  ).toEqual(['3 skipped:', '  2 in a.test.ts: data (skipped: no ../data)', '  1 in b.test.ts: other']);
});

describe('a run', () => {
  test('reports at its end what it skipped', () => {
    const { status, output } = run(`
      test('one', () => expect(1).toBe(1));
      describe.skipIf(true)('data (skipped: no file)', () => { test('a', () => {}); test('b', () => {}); });`);
    expect(output).toContain('2 skipped:\n  2 in');
    expect(output).toContain('x.test.ts: data (skipped: no file)');
    expect(status).toBe(0);
  });

  test('in which nothing ran fails', () => {
    const { status, output } = run("test.skip('one', () => {});");
    expect(output).toContain('no test ran');
    expect(status).toBe(1);
  });

  test('with a test that asserts nothing fails', () => {
    const { status, output } = run("test('one', () => {});");
    expect(output).toContain('expected any number of assertion');
    expect(status).toBe(1);
  });
});
