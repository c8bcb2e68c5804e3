import type { Command } from 'commander';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ALL_COMMANDS } from '../../../lab/commands.ts';
import { buildProgram, runCommandLine } from '../program.ts';
import { RENAMED_OPTIONS, renamedOption } from './renamed-options.ts';

afterEach(() => vi.restoreAllMocks());

const program = buildProgram(ALL_COMMANDS);

/** @returns Names of the options of a command; undefined if there is no such command. */
function optionNames(path: string): (string | null | undefined)[] | undefined {
  let command: Command | undefined = program;
  for (const word of path.split(' ').slice(1)) command = command?.commands.find((sub) => sub.name() === word);
  return command?.options.map(({ long }) => long);
}

async function refusal(path: string, ...args: readonly string[]): Promise<string> {
  let text = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  expect(await runCommandLine([...path.split(' ').slice(1), ...args], ALL_COMMANDS)).toBe(2);
  return text;
}

const entries = RENAMED_OPTIONS.flatMap(({ commands, ...names }) =>
  commands.map((path) => ({ path, ...names })),
);

describe.each(entries)('$path $old', ({ path, old, now, since }) => {
  test('is gone, and the new name is there', () => {
    expect(optionNames(path)).toContain(now);
    expect(optionNames(path)).not.toContain(old);
  });

  test.each([[[old, 'x']], [[`${old}=x`]]])('%j is refused with the new name', async (args) => {
    expect(await refusal(path, ...args)).toBe(
      `error TEG_OPTION_INVALID: got '${old}', expected '${now}': renamed in ${since}\nhint: \`${path} --help\` lists the options\n`,
    );
  });
});

test('a command and an old name stand together once', () => {
  const names = entries.map(({ path, old }) => `${path} ${old}`);
  expect(names).toEqual([...new Set(names)]);
});

test('an option that never was of the command is an unknown one', async () => {
  expect(renamedOption('teg errors', '--plant')).toBeUndefined();
  expect(await refusal('teg errors', '--plant', 'x')).toContain("unknown option '--plant'");
});

test('an old name of version 0.1.0 is not forgotten', () => {
  // Not read from the table: an entry that is dropped would take its tests along.
  const known = (path: string, ...olds: readonly string[]): void => {
    for (const old of olds) expect(renamedOption(path, old), `${path} ${old}`).toBeDefined();
  };
  known('teg start', '--decision', '--load');
  known('teg simulate', '--decision', '--load', '--lost', '--typical', '--moves');
  known('teg compare', '--decision', '--load', '--lost', '--typical');
  known('teg bench packing', '--typical');
  known('teg bench decision', '--typical', '--warmup');
  known('teg bench simulator', '--typical');
  known('teg bench zones', '--moves');
  known('teg bench choosers', '--staleness', '--arrivals');
  known('teg bench kubernetes', '--out');
  known('teg verify', '--markdown');
  known('teg errors', '--markdown');
  known('teg policies', '--choosers');
  known('teg vopr', '--plant');
});
