/** An option has one meaning in all commands: it takes the same kind of value everywhere. */
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { ALL_COMMANDS } from '../../lab/commands.ts';
import { buildProgram } from './program.ts';

/** Sources of nodes and jobs: a file, a number to generate (for each cluster, where several are measured), or either. */
const SOURCES: ReadonlySet<string> = new Set(['--nodes', '--cluster', '--pods', '--jobs']);
const SOURCE_FORMS = ['<file>', '<n>', '<counts>', '<source>'];

/** Words of the field that stand for two things: where a statement begins or who is left; squeue's --start, or when a ledger begins. */
const WORDS_OF_THE_FIELD: Readonly<Record<string, readonly string[]>> = {
  '--from': ['<seconds>', '<source>'],
  '--start': ['', '<date>'],
};

function withDescendants(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withDescendants)];
}

/** @returns The kind of value of each option, by its name. */
function formsOf(program: Command): Map<string, Set<string>> {
  const forms = new Map<string, Set<string>>();
  for (const { long, flags } of withDescendants(program).flatMap(({ options }) => options)) {
    const name = String(long).replace('--no-', '--');
    forms.set(name, (forms.get(name) ?? new Set()).add(/<.*>/.exec(flags)?.[0] ?? ''));
  }
  return forms;
}

test('an option takes the same kind of value in all its commands', () => {
  const forms = formsOf(buildProgram(ALL_COMMANDS));
  const several = [...forms].filter(([name, { size }]) => size > 1 && !SOURCES.has(name));
  expect(several.filter(([name]) => WORDS_OF_THE_FIELD[name] === undefined)).toEqual([]);
  for (const [name, own] of several) expect([...own].sort()).toEqual(WORDS_OF_THE_FIELD[name]);
  for (const name of SOURCES)
    expect(SOURCE_FORMS).toEqual(expect.arrayContaining([...(forms.get(name) ?? [])]));
});

test('two forms under one name are found', () => {
  const program = buildProgram([
    (parent) => parent.command('a').option('--out <dir>'),
    (parent) => parent.command('b').option('--out <file>'),
  ]);
  expect(formsOf(program).get('--out')).toEqual(new Set(['<dir>', '<file>']));
});
