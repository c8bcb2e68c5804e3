import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** Items of each format that the heap could not hold all at once; for YAML, the tree that its parser makes of them. */
test.each([
  ['openb-pods', 100_000],
  ['philly', 100_000],
  ['swf', 200_000],
  ['philly-log', 100_000],
  ['metacentrum-swf', 100_000],
  ['json', 100_000],
  ['yaml', 15_000],
])('%s: %d items are read and summarised in a heap of 32 MB', (format, items) => {
  const script = fileURLToPath(new URL('./memory.fixtures.ts', import.meta.url));
  const run = spawnSync(process.execPath, ['--max-old-space-size=32', script, format, String(items)], {
    encoding: 'utf8',
  });
  expect(run.stderr).toBe('');
  expect(run.stdout).toBe(String(items));
});
