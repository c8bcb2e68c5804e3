import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, test, vi } from 'vitest';
import { ALL_COMMANDS } from '../../../lab/commands.ts';
import { ERROR_CODES, TegError, type TegErrorCode } from '../../model/errors.ts';
import { buildProgram } from '../program.ts';
import { exitCodeOf, type FailedCommand, HINTS, printError } from './error-printing.ts';

/** Prints an error as to a pipe. */
function printed(error: unknown, command: FailedCommand = {}): { exitCode: number; text: string } {
  vi.stubEnv('FORCE_COLOR', undefined);
  let text = '';
  const stream = {
    write(part: string) {
      text += part;
    },
  };
  const exitCode = printError(error, stream, command);
  vi.unstubAllEnvs();
  return { exitCode, text };
}

/** The error that reading this path raises. */
function failureOfReading(path: string): unknown {
  try {
    readFileSync(path);
  } catch (error) {
    return error;
  }
  throw new Error(`${path} could be read`);
}

describe('printError', () => {
  test('an expected failure is one line and where to look', () => {
    const result = printed(new TegError('TEG_POLICY_UNKNOWN', "got 'tge', expected one of teg, fgd"));
    expect(result).toEqual({
      exitCode: 2,
      text: "error TEG_POLICY_UNKNOWN: got 'tge', expected one of teg, fgd\nhint: `teg policies` lists the policies\n",
    });
  });

  test('the hint for options comes from the caller', () => {
    const { text } = printed(new TegError('TEG_OPTION_INVALID', 'x'), {
      optionHint: '`teg simulate --help` lists the options',
    });
    expect(text).toBe('error TEG_OPTION_INVALID: x\nhint: `teg simulate --help` lists the options\n');
    expect(printed(new TegError('TEG_OPTION_INVALID', 'x')).text).toBe('error TEG_OPTION_INVALID: x\n');
  });

  test('hints name options that the command has, whatever fails in whatever command', () => {
    const withDescendants = (command: Command): Command[] => [
      command,
      ...command.commands.flatMap(withDescendants),
    ];
    let count = 0;
    for (const command of withDescendants(buildProgram(ALL_COMMANDS))) {
      const options = new Set(command.options.map(({ long }) => String(long)));
      for (const code of Object.keys(HINTS) as TegErrorCode[]) {
        const { text } = printed(new TegError(code, 'x'), { options });
        for (const named of text.match(/--[a-z-]+/g) ?? []) {
          expect(options, `${command.name()}: ${text}`).toContain(named);
          count++;
        }
      }
    }
    expect(count).toBeGreaterThan(10);
  });

  test('a failure of the run ends with 1, an interruption with 130', () => {
    expect(printed(new TegError('TEG_LIMIT_REACHED', 'x')).exitCode).toBe(1);
    expect(printed(new TegError('TEG_INTERRUPTED', 'x')).exitCode).toBe(130);
  });

  test('a missing file, wherever it was met, is bad input', () => {
    const missing = printed(failureOfReading('/no/such/file'));
    expect(missing.exitCode).toBe(2);
    expect(missing.text).toMatch(
      /^error TEG_INPUT_NOT_FOUND: got '\/no\/such\/file': there is no such file \(ENOENT\); expected an existing path/,
    );
    const folder = printed(failureOfReading('/'));
    expect(folder.text).toContain('it is a folder (EISDIR); expected a file');
  });

  test('a full disk is a failure of the run', () => {
    const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write', path: '/a' });
    expect(printed(full)).toMatchObject({ exitCode: 1, text: expect.stringContaining('TEG_OUTPUT_FAILED') });
  });

  test('anything else is a bug with its stack', () => {
    const { exitCode, text } = printed(new TypeError('x is not a function'));
    expect(exitCode).toBe(70);
    expect(text).toContain('TypeError: x is not a function');
    expect(text).toContain('error-printing.test.ts');
    expect(text).toContain('bug in TEG');
    expect(printed('thrown text').exitCode).toBe(70);
  });
});

test('every code has an exit code that is not success', () => {
  for (const code of Object.keys(ERROR_CODES)) {
    expect([1, 2, 130]).toContain(exitCodeOf(code as TegErrorCode));
  }
});
