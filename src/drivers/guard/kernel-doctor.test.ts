import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findCgroupMounts } from './cgroup-mounts.ts';
import { noRealGroups } from './real-groups.fixtures.ts';

const why = noRealGroups();
const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'guard-main.ts');

/** In a process of its own: the doctor tries to be scheduled first. */
function examine(program: string): { readonly status: number | null; readonly stdout: string } {
  return spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
}

test.skipIf(why !== undefined)(
  `finds what this kernel offers, and leaves no group${why ? ` (${why})` : ''}`,
  () => {
    const { status, stdout } = spawnSync(process.execPath, [MAIN, 'guard', 'doctor', '--json'], {
      encoding: 'utf8',
    });
    const checks = JSON.parse(stdout) as { name: string; isThere: boolean; lost: string; remedy: string }[];
    expect(status).toBe(0);
    expect(checks.map(({ name }) => name)).toEqual([
      ...['memory controller', 'freezer', 'soft limit', 'pressure (PSI)', 'koffi', 'SCHED_FIFO'],
      ...['locked pages', 'oom_score_adj', 'swap'],
    ]);
    for (const { isThere, lost, remedy } of checks)
      expect([lost !== '', remedy !== '']).toEqual([!isThere, !isThere]);
    const { unified } = findCgroupMounts();
    expect(readdirSync(String(unified)).filter((name) => name.startsWith('teg-doctor'))).toEqual([]);
  },
);

test('without mounts a guard cannot run, and the checks say what is needed', () => {
  const url = new URL('./kernel-doctor.ts', import.meta.url).href;
  const mounts = '{ unified: undefined, unifiedHasMemory: false, memory: undefined }';
  const { stdout } = examine(
    `import { examineKernel } from '${url}'; console.log(JSON.stringify(examineKernel(${mounts})));`,
  );
  const checks = JSON.parse(stdout) as {
    name: string;
    isThere: boolean;
    isNeeded: boolean;
    remedy: string;
  }[];
  const missing = checks.filter(({ isThere, isNeeded }) => isNeeded && !isThere);
  expect(missing.map(({ name }) => name)).toEqual(['memory controller', 'freezer']);
  expect(missing[1]?.remedy).toMatch(/^mount -t cgroup2/);
});

test.skipIf(!existsSync('/proc/self/task'))(
  'a process keeps running and collecting garbage with its code locked',
  () => {
    const url = new URL('./system-calls.ts', import.meta.url).href;
    const { status, stdout } = examine(
      `import { takePrivileges } from '${url}';
     takePrivileges();
     for (let i = 0, kept = []; i < 40; i++, kept = i % 8 === 0 ? [] : kept) kept.push(Array.from({ length: 1e5 }, (_, j) => ({ j })));
     console.log('alive');`,
    );
    expect([status, stdout]).toEqual([0, 'alive\n']);
  },
);
