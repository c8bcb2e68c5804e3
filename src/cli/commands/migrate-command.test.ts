import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { readTenants } from '../../traces/tenants/read-tenants.ts';
import { runCommandLine } from '../program.ts';

const folder = mkdtempSync(join(tmpdir(), 'teg-migrate-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

/** @returns Exit code and what standard error had. */
async function run(...args: string[]): Promise<{ code: number; errors: string }> {
  let errors = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    errors += String(text);
    return true;
  });
  return { code: await runCommandLine(['migrate', 'tenants', ...args]), errors };
}

test.each(['kueue', 'kai', 'volcano', 'yunikorn', 'slurm'])(
  'the example of docs/migrate.md: %s',
  async (source) => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/migrate.md'), 'utf8');
    const section = page.split('\n## ').find((text) => text.toLowerCase().startsWith(source)) ?? '';
    const [input = '', expected = ''] = [...section.matchAll(/```(?:yaml|text)\n(.*?)```/gs)].map(
      ([, text]) => text,
    );
    const from = join(folder, `${source}.in`);
    const to = join(folder, `${source}.yaml`);
    writeFileSync(from, input);
    const { code, errors } = await run('--from', source, from, '-o', to);
    expect({ code, errors }).toMatchObject({ code: 0 });
    if (process.env['UPDATE'] === '1')
      process.stdout.write(`${source}\n${readFileSync(to, 'utf8')}\n${errors}\n`);
    expect(readFileSync(to, 'utf8').split('---\n').slice(1).join('---\n')).toBe(expected);
    expect((await readTenants(to)).tenants.length).toBeGreaterThan(0);
  },
);

test('neither files nor a cluster, both, a missing file and Slurm on a cluster are refused', async () => {
  expect(await run('--from', 'kai')).toMatchObject({
    code: 2,
    errors: expect.stringContaining('TEG_OPTION_INVALID'),
  });
  expect((await run('--from', 'kai', 'x', '--kubeconfig', 'y')).code).toBe(2);
  expect((await run('--from', 'kai', join(folder, 'no'))).errors).toContain('TEG_INPUT_NOT_FOUND');
  expect((await run('--from', 'slurm', '--kubeconfig', 'y')).errors).toContain('Slurm has no API server');
});
