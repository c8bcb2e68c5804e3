/**
 * `teg errors`: the registry of expected failures, as a table, JSON, or the page docs/errors.md.
 */
import type { Command } from 'commander';
import { ERROR_CODES, type TegErrorCode } from '../../model/errors.ts';
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
    .description('list the error codes and their meanings')
    .option('--json', 'print JSON: an array of {code, exitCode, meaning}')
    .option('--print-page', 'print the page docs/errors.md')
    .action(async (options: { json?: boolean; printPage?: boolean }) => {
      if (options.printPage) process.stdout.write(errorsMarkdown());
      else if (options.json) process.stdout.write(`${JSON.stringify(listErrors(), null, 2)}\n`);
      else {
        const { printTable } = await import('../terminal/table.ts');
        const columns = [{ header: 'code', shrink: false }, { header: 'exit' }, { header: 'meaning' }];
        printTable(
          columns,
          listErrors().map(({ code, exitCode, meaning }) => [code, exitCode, meaning]),
        );
      }
    });
}
