/**
 * Options that would have no effect are refused, by the commands as they are run.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { runCommandLine } from '../program.ts';

const folder = mkdtempSync(join(tmpdir(), 'teg-ignored-'));
const nodes = join(folder, 'nodes.csv');
const swf = join(folder, 'jobs.swf');
writeFileSync(nodes, 'name,cpu_milli,memory_mib\nn,1000,1000\n');
writeFileSync(swf, '1 0 10 100 4 90.5 1024 4 3600 2048 1 3 1 -1 1 -1 -1 -1\n');
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());
const out = join(folder, 'out.csv');
const small = ['--cluster', 'generated:10', '--jobs', 'generated:10'];

test.each([
  ['trace generate nodes --gpus', ['trace', 'generate', 'nodes', out, '--gpus', '3']],
  ['trace generate nodes --model', ['trace', 'generate', 'nodes', out, '--model', 'FOO']],
  ['trace generate nodes --cores', ['trace', 'generate', 'nodes', out, '--cores', '7', '--mix', 'openb']],
  ['trace generate jobs --memory-gib', ['trace', 'generate', 'jobs', out, '--memory-gib', '7']],
  ['trace generate jobs --nodes', ['trace', 'generate', 'jobs', out, '--cluster', nodes, '--nodes', '7']],
  ['trace generate jobs --mix', ['trace', 'generate', 'jobs', out, '--cluster', nodes, '--mix', 'openb']],
  ['trace inspect --assume', ['trace', 'inspect', swf, '--assume', 'gpusPerPodMax=4']],
  ['trace convert --assume', ['trace', 'convert', nodes, out, '--assume', 'openbPodsPerNode=4']],
  ['trace inspect --map', ['trace', 'inspect', swf, '--map', 'id=x']],
  ['simulate --mttr', ['simulate', ...small, '--mttr', '1h']],
  ['simulate --lost', ['simulate', ...small, '--lost', 'fail']],
  ['simulate --no-series', ['simulate', ...small, '--no-series']],
  ['simulate --skip-bad', ['simulate', ...small, '--skip-bad', '3']],
  ['simulate --map', ['simulate', ...small, '--map', 'id=x']],
  ['simulate --workers', ['simulate', ...small, '--workers', '2']],
  ['simulate --moves', ['simulate', ...small, '--moves', '2']],
  ['simulate --decision', ['simulate', ...small, '--decision', nodes]],
  ['simulate --samples', ['simulate', ...small, '--zones', '2', '--samples', '5']],
  ['simulate --jobs-out', ['simulate', ...small, '--zones', '2', '--jobs-out', out]],
  ['simulate --timing', ['simulate', ...small, '--zones', '2', '--timing']],
  ['compare --mttr', ['compare', ...small, '--mttr', '1h']],
  ['compare --series', ['compare', ...small, '--series']],
  ['compare --skip-bad', ['compare', ...small, '--skip-bad', '3']],
])('%s', async (name, args) => {
  let text = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  expect(await runCommandLine(args)).toBe(2);
  expect(text).toContain('TEG_OPTION_INVALID');
  expect(text).toContain(name.split(' ').at(-1));
  expect(existsSync(out)).toBe(false);
});
