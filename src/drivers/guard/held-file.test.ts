import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cgroupPath, findCgroupMounts, ownCgroups } from './cgroup-mounts.ts';
import { fieldOf, HeldFile, HeldSwitch } from './held-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'teg-held-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'file');

test('a held file is read again and again', () => {
  writeFileSync(path, '12\n');
  const file = new HeldFile(path);
  expect(file.number()).toBe(12);
  writeFileSync(path, 'max\n');
  expect(file.number()).toBe(Number.POSITIVE_INFINITY);
  file.close();
  expect(file.number()).toBe(Number.POSITIVE_INFINITY);
  file.close();
});

test('what is not there is not a number', () => {
  const file = new HeldFile(join(folder, 'missing'));
  expect([file.text(), file.number(), file.field('a'), file.open()]).toEqual([
    undefined,
    Number.NaN,
    Number.NaN,
    false,
  ]);
  expect(new HeldSwitch(join(folder, 'missing')).write('1')).toBe(false);
});

test('a field is the one of that name, at the start of its line', () => {
  const text = 'total_rss 7\nrss 5\nactive_file 3\ninactive_file 2\n';
  expect(fieldOf(text, 'rss')).toBe(5);
  expect(fieldOf(text, 'active_file')).toBe(3);
  expect(fieldOf(text, 'file')).toBeNaN();
  expect(fieldOf('', 'rss')).toBeNaN();
});

test('a switch writes at the start, whatever was written before', () => {
  writeFileSync(path, '0');
  const one = new HeldSwitch(path);
  expect([one.write('1'), one.write('0'), one.write('1')]).toEqual([true, true, true]);
  expect(readFileSync(path, 'utf8')).toBe('1');
  one.close();
});

test('mounts are found by their types and options, with blanks in their paths', () => {
  const line = (place: string, type: string, options: string): string =>
    `30 20 0:27 / ${place} rw,relatime shared:9 - ${type} none rw,${options}`;
  const text = [
    line('/sys/fs/cgroup/memory\\040old', 'cgroup', 'memory'),
    line('/sys/fs/cgroup/cpu', 'cgroup', 'cpu,cpuacct'),
    line(folder, 'cgroup2', 'nsdelegate'),
  ].join('\n');
  writeFileSync(join(folder, 'cgroup.controllers'), 'cpu memory pids\n');
  const memory = '/sys/fs/cgroup/memory old';
  expect(findCgroupMounts(text)).toEqual({ unified: folder, unifiedHasMemory: true, memory });
  writeFileSync(join(folder, 'cgroup.controllers'), 'hugetlb\n');
  expect(findCgroupMounts(text).unifiedHasMemory).toBe(false);
  expect(findCgroupMounts('')).toEqual({ unified: undefined, unifiedHasMemory: false, memory: undefined });
});

test('own groups are those of memory and of version 2', () => {
  expect(ownCgroups('4:memory:/jobs/a\n3:cpu,cpuacct:/b\n0::/user.slice/c:d.scope\n')).toEqual([
    '/jobs/a',
    '/user.slice/c:d.scope',
  ]);
});

test('paths have one form, and cannot leave the mount', () => {
  expect([cgroupPath('/'), cgroupPath('//a//b/')]).toEqual(['/', '/a/b']);
  for (const bad of ['a', '', '/a/../b', '/.', '/a\0b'])
    expect(() => cgroupPath(bad)).toThrow(expect.objectContaining({ code: 'TEG_GUARD_GROUP' }));
});
