import type { Command } from 'commander';
import { expect, test, vi } from 'vitest';
import { buildProgram, runCommandLine } from '../program.ts';
import { SIBLING_OPTIONS, siblingOption } from './sibling-options.ts';

function optionsOf(path: string): (string | undefined)[] {
  let command: Command | undefined = buildProgram();
  for (const name of path.split(' ').slice(1))
    command = command?.commands.find((each) => each.name() === name);
  return command?.options.map(({ long }) => long) ?? [];
}

test.each(SIBLING_OPTIONS)(
  '$given of $commands: only $now is an option there',
  ({ commands, given, now }) => {
    for (const path of commands) {
      expect(optionsOf(path)).toContain(now);
      expect(optionsOf(path)).not.toContain(given);
    }
  },
);

test('a name of another command leads to the own one', async () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    expect(await runCommandLine(['simulate', '--nodes', 'nodes.csv'])).toBe(2);
    const text = write.mock.calls.map(([part]) => String(part)).join('');
    expect(text).toContain("got '--nodes', expected '--cluster', as `teg simulate` names it");
  } finally {
    write.mockRestore();
  }
  expect(siblingOption('teg start', '--cluster=a.csv')).toBe('--nodes');
  expect(siblingOption('teg replay', '--cluster')).toBeUndefined();
});
