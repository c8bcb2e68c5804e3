/**
 * The output for a failure, and its exit code.
 *
 * 0 success · 1 the run failed · 2 bad input or options · 70 a bug in TEG · 130 interrupted (143 by SIGTERM, 129 by
 * SIGHUP).
 */
import { styleText } from 'node:util';
import { TegError, type TegErrorCode } from '../../model/errors.ts';
import { wantsColor } from './color.ts';
import { EXIT_INTERRUPTED, interruptedExitCode } from './interrupt.ts';

/** Exit code for input or options that cannot be used. */
export const EXIT_BAD_INPUT = 2;

/** Exit code for a failure of the run itself. */
export const EXIT_FAILED = 1;

/** Exit code for a bug: EX_SOFTWARE of sysexits.h. */
export const EXIT_BUG = 70;

/** Codes of failures that are not caused by the user's input. */
const RUN_FAILURES: ReadonlySet<TegErrorCode> = new Set([
  'TEG_LIMIT_REACHED',
  'TEG_OUTPUT_FAILED',
  'TEG_RUNTIME_MISSING',
  'TEG_INSTALL_FAILED',
  'TEG_SERVER_FAILED',
  'TEG_CONTROL_PLANE_NOT_BUILT',
  'TEG_CONTROL_PLANE_FAILED',
  'TEG_BENCH_FAILED',
]);

/** The next command to run, for the codes where there is one. */
const HINTS: Partial<Record<TegErrorCode, string>> = {
  TEG_POLICY_UNKNOWN: '`teg policies` lists the policies',
  TEG_POLICY_INVALID: 'docs/policies.md shows the interface and an example',
  TEG_TRACE_BAD_VALUE: '`--skip-bad N` tolerates up to N bad rows and counts them',
  TEG_TRACE_BAD_ROW: '`--skip-bad N` tolerates up to N bad rows and counts them',
};

/** The part of a stream that an error message needs. */
export interface ErrorStream {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/**
 * Prints a failure: one line and a hint for an expected one, the stack for a bug.
 *
 * @param optionHint Where the options at fault are described; printed with TEG_OPTION_INVALID only.
 * @returns The exit code.
 */
export function printError(
  error: unknown,
  stream: ErrorStream = process.stderr,
  optionHint?: string,
): number {
  const expected = toTegError(error);
  if (expected === undefined) return printBug(error, stream);
  const head = wantsColor(stream) ? styleText(['red', 'bold'], 'error', { validateStream: false }) : 'error';
  stream.write(`${head} ${expected.code}: ${expected.message}\n`);
  const hint = expected.code === 'TEG_OPTION_INVALID' ? optionHint : HINTS[expected.code];
  if (hint !== undefined) stream.write(`hint: ${hint}\n`);
  return exitCodeOf(expected.code);
}

/** @returns The exit code for a failure of this code. */
export function exitCodeOf(code: TegErrorCode): number {
  if (code === 'TEG_INTERRUPTED') return interruptedExitCode() ?? EXIT_INTERRUPTED;
  return RUN_FAILURES.has(code) ? EXIT_FAILED : EXIT_BAD_INPUT;
}

function printBug(error: unknown, stream: ErrorStream): number {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  stream.write(`${stack}\n`);
  stream.write('This is a bug in TEG. Please report it with the command that led to it.\n');
  return EXIT_BUG;
}

/** Failures of the file system are expected ones, wherever they arise; everything else unknown is a bug. */
function toTegError(error: unknown): TegError | undefined {
  if (error instanceof TegError) return error;
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return undefined;
  const path = 'path' in error ? ` '${String(error.path)}'` : '';
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new TegError('TEG_INPUT_NOT_FOUND', `got${path}, expected an existing path: check its spelling`);
    case 'EISDIR':
      return new TegError('TEG_INPUT_NOT_FOUND', `got the folder${path}, expected a file: name a file in it`);
    case 'EACCES':
    case 'EPERM':
      return new TegError('TEG_INPUT_NOT_FOUND', `no permission for${path}: check its owner and mode`);
    case 'ENOSPC':
    case 'EROFS':
    case 'EDQUOT':
      return new TegError(
        'TEG_OUTPUT_FAILED',
        `cannot write${path} (${error.code}): free some space or write elsewhere`,
      );
    default:
      return undefined;
  }
}
