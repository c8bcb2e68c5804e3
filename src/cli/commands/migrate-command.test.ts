import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { MIGRATION_SOURCES } from '../../traces/tenants/migrate/sources.ts';
import { readTenants } from '../../traces/tenants/read-tenants.ts';
import { runCommandLine } from '../program.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
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

/** A page says what its reader needs to decide, and no more. */
const WORDS_MAX = 400;

test.each(MIGRATION_SOURCES)('docs/migrate/%s.md shows what its command prints', async (source) => {
  const page = readFileSync(join(ROOT, 'docs', 'migrate', `${source}.md`), 'utf8');
  expect(page.split(/\s+/).filter((word) => word !== '').length).toBeLessThanOrEqual(WORDS_MAX);
  const [command = ''] = /(?<=^ {4})bin\/teg migrate .*$/m.exec(page) ?? [];
  const args = command.split(' ').slice(1);
  expect(args.slice(0, 4)).toEqual(['migrate', 'tenants', '--from', source]);
  const ended = spawnSync(process.execPath, [join(ROOT, 'bin', 'teg'), ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  expect(ended.status, ended.stderr).toBe(0);
  const blocks = [...page.matchAll(/```(?:yaml|text)\n(.*?)```/gs)].map(([, text]) => text);
  expect(blocks).toEqual([ended.stdout, ended.stderr]);
  const file = join(folder, `${source}.yaml`);
  writeFileSync(file, ended.stdout);
  expect((await readTenants(file)).tenants.length).toBeGreaterThan(0);
});

test.each(MIGRATION_SOURCES)(
  'nothing that becomes a tenant of %s is refused, and nothing is written',
  async (source) => {
    const empty = join(folder, 'empty');
    writeFileSync(empty, '');
    const output = join(folder, `${source}.out`);
    const { code, errors } = await run('--from', source, empty, '-o', output);
    expect(code).toBe(2);
    expect(errors).toMatch(
      /TEG_CONFIG_INVALID: .*empty \(empty\): got nothing that becomes a tenant, expected .*: name the file/,
    );
    expect(existsSync(output)).toBe(false);
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
