/**
 * Every number option of every command has a least and a greatest value.
 */

import type { Command, Option } from 'commander';
import { describe, expect, test } from 'vitest';
import { ALL_COMMANDS } from '../../lab/commands.ts';
import { buildProgram } from './program.ts';

/** Placeholders of options that take numbers. */
const NUMERIC = /<(n|x|s|factor|duration|share|seeds|counts|times)>/;

/** Texts of which a reader of numbers takes at least one. */
const PROBES = ['1', '2', '0.5', '1s'];

function withDescendants(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withDescendants)];
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

const options = withDescendants(buildProgram(ALL_COMMANDS)).flatMap((command) =>
  command.options.map((option) => ({ name: `${pathOf(command)} ${option.flags}`, option })),
);

function parsed(option: Option, text: string): unknown {
  return option.parseArg?.(text, undefined as never);
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || (Array.isArray(value) && value.every((v) => typeof v === 'number'));
}

function takesNumbers({ option }: { option: Option }): boolean {
  return PROBES.some((text) => {
    try {
      return isNumber(parsed(option, text));
    } catch {
      return false;
    }
  });
}

describe('options that take numbers', () => {
  const numeric = options.filter(takesNumbers);

  test('are all read as numbers', () => {
    const declared = options.filter(({ option }) => NUMERIC.test(option.flags));
    expect(declared.filter((entry) => !numeric.includes(entry)).map(({ name }) => name)).toEqual([]);
    expect(numeric.length).toBeGreaterThan(70);
  });

  test.each(numeric)('$name is bounded', ({ option }) => {
    for (const text of ['1e18', '-1', 'NaN', '', 'Infinity', '1e400', '-0.5']) {
      expect(() => parsed(option, text), text).toThrow(
        expect.objectContaining({
          code: 'TEG_OPTION_INVALID',
          message: expect.stringMatching(/got '.*expected/),
        }),
      );
    }
  });
});
