/** `teg policies` lists what other commands take. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { QUEUE_NAMES } from '../../simulation/queueing/queue-names.ts';

const TEG = join(import.meta.dirname, '..', '..', '..', 'bin', 'teg');

function policies(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined };
  return spawnSync(process.execPath, [TEG, 'policies', ...args], { encoding: 'utf8', env });
}

test('--list-queues says what every queue that --queue takes does', () => {
  const { stdout, status } = policies('--list-queues', '--json');
  expect(status).toBe(0);
  const listed: { name: string; description: string }[] = JSON.parse(stdout);
  expect(listed.map(({ name }) => name)).toEqual([...QUEUE_NAMES]);
  expect(new Set(listed.map(({ description }) => description)).size).toBe(QUEUE_NAMES.length);
  expect(policies('--list-queues').stdout).toMatch(/^queue +description\n/);
});

test('two lists at once are refused', () => {
  const { stderr, status } = policies('--list-queues', '--list-choosers');
  expect(status).toBe(2);
  expect(stderr).toContain('got --list-queues together with --list-choosers');
});
