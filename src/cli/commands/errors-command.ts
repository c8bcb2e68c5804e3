/**
 * `teg errors`: the registry of expected failures, as a table, JSON, or the page docs/errors.md.
 */
import type { Command } from 'commander';
import { ERROR_CODES, TegError, type TegErrorCode } from '../../model/errors.ts';
import { exitCodeOf } from '../terminal/error-printing.ts';

/** One expected failure in documented form. */
export interface ErrorEntry {
  readonly code: TegErrorCode;
  /** Exit code of `teg` when it ends with this failure. */
  readonly exitCode: number;
  readonly meaning: string;
}

/** @returns All expected failures in the order of the registry. */
export function listErrors(): ErrorEntry[] {
  return Object.entries(ERROR_CODES).map(([code, meaning]) => ({
    code: code as TegErrorCode,
    exitCode: exitCodeOf(code as TegErrorCode),
    meaning,
  }));
}

/** @param code In any case, with or without TEG_. @throws TegError TEG_OPTION_INVALID for one that there is not. */
function lookUp(code: string): ErrorEntry {
  const name = code.toUpperCase().replace(/^(?!TEG_)/, 'TEG_');
  const found = listErrors().find((entry) => entry.code === name);
  if (found !== undefined) return found;
  throw new TegError('TEG_OPTION_INVALID', `got the code '${code}', expected one that \`teg errors\` lists`);
}

/** @returns The text of docs/errors.md. */
export function errorsMarkdown(): string {
  const rows = listErrors().map(
    ({ code, exitCode, meaning }) => `| \`${code}\` | ${exitCode} | ${meaning} |`,
  );
  return `${[
    '# Error codes',
    '',
    'Written by `bin/teg errors --print-page > docs/errors.md` from the registry in `src/model/errors.ts`.',
    '',
    'An expected failure prints `error CODE: message` on standard error: the value received, what was expected, and what to',
    'do. Anything else that stops TEG is a bug: it prints a stack trace and ends with exit code 70.',
    '',
    '| code | exit code | meaning |',
    '|---|---|---|',
    ...rows,
  ].join('\n')}\n`;
}

/** Adds `teg errors`. */
export function addErrorsCommand(parent: Command): void {
  parent
    .command('errors')
    .argument('[code]', 'only this one, for example TEG_TRACE_BAD_ROW')
    .description('list the error codes and their meanings, or look one up')
    .option('--json', 'print JSON: an array of {code, exitCode, meaning}')
    .option('--print-page', 'print the page docs/errors.md')
    .action(async (code: string | undefined, options: { json?: boolean; printPage?: boolean }) => {
      if (options.printPage) {
        if (code !== undefined) {
          throw new TegError(
            'TEG_OPTION_INVALID',
            `got --print-page with ${code}, expected one of them: leave one out`,
          );
        }
        process.stdout.write(errorsMarkdown());
        return;
      }
      const entries = code === undefined ? listErrors() : [lookUp(code)];
      if (options.json) process.stdout.write(`${JSON.stringify(entries, null, 2)}\n`);
      else {
        const { printTable } = await import('../terminal/table.ts');
        const columns = [{ header: 'code', shrink: false }, { header: 'exit' }, { header: 'meaning' }];
        printTable(
          columns,
          entries.map(({ code, exitCode, meaning }) => [code, exitCode, meaning]),
        );
      }
    });
}
