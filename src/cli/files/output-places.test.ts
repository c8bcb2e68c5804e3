/** Every command that writes a file: its folder has to exist, and it may not be a file that the command reads. */
import { spawnSync } from 'node:child_process';
import { existsSync, linkSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';

const TEG = join(import.meta.dirname, '../../../bin/teg');
const folder = mkdtempSync(join(tmpdir(), 'teg-places-'));
afterAll(() => rmSync(folder, { recursive: true }));

const JOBS = 'id,submit_s,duration_s,cpu_milli,memory_mib,gpu_count\n0,0,10,1000,1024,0\n';

beforeEach(() => {
  writeFileSync(join(folder, 'jobs.csv'), JOBS);
  rmSync(join(folder, 'link.csv'), { force: true });
  rmSync(join(folder, 'hard.csv'), { force: true });
  symlinkSync('jobs.csv', join(folder, 'link.csv'));
  linkSync(join(folder, 'jobs.csv'), join(folder, 'hard.csv'));
});

function teg(line: string) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [TEG, ...line.split(' ')], {
    encoding: 'utf8',
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
  });
  return { status, stdout, stderr };
}

const RUN = '--cluster generated:openb:10 --jobs jobs.csv';

describe('a file in a folder that does not exist', () => {
  test.each([
    'trace convert jobs.csv none/x.csv',
    'trace generate nodes none/x.csv',
    'trace generate jobs none/x.csv',
    `simulate ${RUN} --jobs-out none/x.csv`,
    `simulate ${RUN} --html none/x.csv`,
    `compare ${RUN} --markdown none/x.csv`,
    'snapshot --kubeconfig jobs.csv -o none/x.csv',
    'vopr --seed 1 --steps 10 --record none/x.csv',
  ])('is refused before the run: teg %s', (line) => {
    const { status, stdout, stderr } = teg(line);
    expect(stderr).toMatch(
      /^error TEG_OUTPUT_FAILED: got ENOENT: its folder does not exist while writing 'none\/x.csv', /,
    );
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });
});

describe('a file that is also read', () => {
  test.each([
    'trace convert jobs.csv jobs.csv',
    'trace convert jobs.csv ./jobs.csv',
    'trace convert jobs.csv link.csv',
    'trace convert link.csv hard.csv',
    'trace generate jobs --cluster jobs.csv jobs.csv',
    `simulate ${RUN} --jobs-out jobs.csv`,
    `simulate ${RUN} --html link.csv`,
    `compare ${RUN} --html jobs.csv`,
    'compare --cluster generated:openb:10 --jobs generated:10 --html jobs.csv --decision-costs jobs.csv',
    'snapshot --kubeconfig jobs.csv -o jobs.csv',
  ])('is refused, and stays as it is: teg %s', (line) => {
    const { status, stdout, stderr } = teg(line);
    expect(stderr).toMatch(/^error TEG_OPTION_INVALID: got '.*' to write, which is the file '.*' to read; /);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(readFileSync(join(folder, 'jobs.csv'), 'utf8')).toBe(JOBS);
  });

  test('another one of the same name is written', () => {
    expect(teg('trace convert jobs.csv other.csv').status).toBe(0);
    expect(teg('trace convert jobs.csv other.csv').status).toBe(0);
  });
});
