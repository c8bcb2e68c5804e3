/**
 * Options and settings that the pages name exist: options come from the commands, settings from the schema of the configuration.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ALL_COMMANDS } from '../lab/commands.ts';
import { buildProgram } from '../src/cli/program.ts';
import { RENAMED_OPTIONS } from '../src/cli/terminal/renamed-options.ts';
import { SCHEDULER_CONFIG_FIELDS } from '../src/drivers/kubernetes/config/config-schema.ts';

const ROOT = join(import.meta.dirname, '..');

/** Options of other programs that the pages show: Helm, kubectl, Node.js, npm, and scripts of the project that are no command of `teg`. */
const FOREIGN: ReadonlySet<string> = new Set([
  ...['--namespace', '--create-namespace', '--set', '--reuse-values', '--field-selector', '--for', '--watch'],
  ...['--input-type', '--omit', '--cpu-prof'],
  // bench/run.ts, test/fuzz, test/kubernetes/faults/run.ts.
  ...['--short', '--inputs', '--only', '--full', '--enforce'],
]);

/** @returns All options of a command and those below it. */
function optionsOf(command: Command): string[] {
  const own = command.options.flatMap(({ long, negate }) =>
    long == null ? [] : negate ? [long, long.replace('--no-', '--')] : [long],
  );
  return ['--help', ...own, ...command.commands.flatMap(optionsOf)];
}

/** @returns Paths of the fields of a schema, sections and fields. */
function pathsOf(fields: Readonly<Record<string, unknown>>, before = ''): string[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const inner = field instanceof z.ZodPrefault ? (field.unwrap() as z.ZodObject).shape : {};
    return [before + name, ...pathsOf(inner, `${before}${name}.`)];
  });
}

const PROGRAM = buildProgram(ALL_COMMANDS);
const OPTIONS = new Set(optionsOf(PROGRAM));
const PATHS = new Set(pathsOf(SCHEDULER_CONFIG_FIELDS));
const SECTIONS = [...PATHS].filter((path) => [...PATHS].some((other) => other.startsWith(`${path}.`)));

/** @returns Options that a text names and no command has. */
function unknownOptions(text: string): string[] {
  const named = [...text.matchAll(/(?<![\w-])--[a-z][a-z0-9]*(?:-[a-z0-9]+)*/g)].map(([option]) => option);
  return [...new Set(named)].filter((option) => !OPTIONS.has(option) && !FOREIGN.has(option));
}

/**
 * @returns Options in the command lines of a text that the command they are given to does not have, as `command: option`.
 * Command lines start with `teg`, `bin/teg`, `npm start --` or `npm run cluster --` and end with the line or its code span.
 */
function misplacedOptions(text: string): string[] {
  const lines = text
    .replaceAll(/npm start -- /g, 'teg start ')
    .replaceAll(/npm run cluster -- /g, 'teg cluster ')
    .matchAll(/(?<![\w-])teg ([a-z][^`\n|#;]*)/g);
  return [...lines].flatMap(([, line = '']) => {
    const words = line.split(/[\s'"]+/);
    let command: Command = PROGRAM;
    for (const word of words) {
      const below = command.commands.find((sub) => sub.name() === word);
      if (below === undefined) break;
      command = below;
    }
    if (command === PROGRAM) return [];
    const own = new Set(optionsOf(command));
    const given = words.flatMap((word) => /^--[a-z][a-z0-9-]*/.exec(word) ?? []);
    return given.filter((option) => !own.has(option)).map((option) => `${command.name()}: ${option}`);
  });
}

/** @returns Settings that a text names in code style and the configuration does not have. */
function unknownSettings(text: string): string[] {
  const setting = new RegExp(
    `(?<=\`)(?:${SECTIONS.join('|').replaceAll('.', '\\.')})\\.(?!ts\`)[a-z][A-Za-z]*(?=[\`:=])`,
    'g',
  );
  return [...new Set([...text.matchAll(setting)].map(([path]) => path))].filter((path) => !PATHS.has(path));
}

const pages = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md') && name !== 'CHANGELOG.md'),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
].map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));

describe('what pages name exists', () => {
  test.each(pages)('$path', ({ text }) => {
    expect(unknownOptions(text)).toEqual([]);
    expect(misplacedOptions(text)).toEqual([]);
    expect(unknownSettings(text)).toEqual([]);
  });
});

/** Where commands are run or shown, besides pages. `bench/run.ts` has them as lists of words. */
const RUNNERS = [
  '.ci/run',
  'bench/run.ts',
  ...['src/cli/commands', 'lab/cli'].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith('-command.ts'))
      .map((name) => join(folder, name)),
  ),
];

test.each(RUNNERS)('commands of %s have the options that they are given', (path) => {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const lines =
    path === 'bench/run.ts'
      ? text.replaceAll(/'(?=(?:bench|compare)\b)/g, 'teg ').replaceAll("', '", ' ')
      : text;
  expect(misplacedOptions(lines)).toEqual([]);
});

test('misspelt names are found', () => {
  expect(
    misplacedOptions(
      '    bin/teg bench zones --nodes 5 --loss 1%  # --x\n`npm start -- --quick --zones 3` --y',
    ),
  ).toEqual(['zones: --loss', 'start: --zones']);
  expect(misplacedOptions('teg places jobs --x; "teg trace generate nodes out --tenants=3"')).toEqual([
    'nodes: --tenants',
  ]);
  expect(unknownOptions('`teg simulate --policys teg --policy x` — a -- b')).toEqual(['--policys']);
  expect(
    unknownSettings('`gangs.repairSecond`, `gangs.repairSeconds`, `leaderElection.leaseDuration: 15s`'),
  ).toEqual(['gangs.repairSecond']);
  expect(unknownSettings('`server.tls.certFiles`')).toEqual(['server.tls.certFiles']);
});

test('the changelog names every renamed option, old and new', () => {
  const text = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8');
  for (const { old, now, since } of RENAMED_OPTIONS) {
    const start = text.indexOf(`## ${since}`);
    const section = text.slice(start, text.indexOf('\n## ', start));
    expect(start, since).toBeGreaterThanOrEqual(0);
    expect(section).toMatch(new RegExp(`\`${now}\`[^;]*\`${old}\``.replaceAll('-', '\\-')));
  }
});
