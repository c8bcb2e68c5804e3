/**
 * The output for a failure, and its exit code.
 *
 * 0 success · 1 the run failed · 2 bad input or options · 70 a bug in TEG · 130 interrupted (143 by SIGTERM, 129 by
 * SIGHUP).
 */
import { styleText } from 'node:util';
import { TegError, type TegErrorCode } from '../../model/errors.ts';
import { readFault } from '../../model/file-faults.ts';
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
  'TEG_STORE_FAILED',
  'TEG_STORE_LOCKED',
  'TEG_STORE_FENCED',
  'TEG_GUARD_UNSUPPORTED',
  'TEG_GUARD_RUNNING',
  'TEG_GUARD_NOT_RUNNING',
]);

const SKIP_BAD = '`--skip-bad N` tolerates up to N bad rows and counts them';

/** What to do next, for the codes where there is something: the first text whose options the command has. */
export const HINTS: Partial<Record<TegErrorCode, readonly string[]>> = {
  TEG_POLICY_UNKNOWN: ['`teg policies` lists the policies'],
  TEG_POLICY_INVALID: ['docs/policies.md shows the interface and an example'],
  TEG_TRACE_BAD_VALUE: [SKIP_BAD],
  TEG_TRACE_BAD_ROW: [SKIP_BAD],
  TEG_INPUT_UNKNOWN_FORMAT: [
    '`--format NAME` names the format, `--map NAME=COLUMN` a column of another name',
    '`--map NAME=COLUMN` names a column of the file of jobs',
  ],
};

/** What is known of the command that failed. */
export interface FailedCommand {
  /** Where the options at fault are described; printed with TEG_OPTION_INVALID only. */
  readonly optionHint?: string;
  /** Its options, with both dashes: hints name no others. */
  readonly options?: ReadonlySet<string>;
}

/** The part of a stream that an error message needs. */
export interface ErrorStream {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

/**
 * Prints a failure: one line and a hint for an expected one, the stack for a bug.
 *
 * @returns The exit code.
 */
export function printError(
  error: unknown,
  stream: ErrorStream = process.stderr,
  command: FailedCommand = {},
): number {
  const expected = toTegError(error);
  if (expected === undefined) return printBug(error, stream);
  const head = wantsColor(stream) ? styleText(['red', 'bold'], 'error', { validateStream: false }) : 'error';
  stream.write(`${head} ${expected.code}: ${expected.message}\n`);
  const hint = hintFor(expected.code, command);
  if (hint !== undefined) stream.write(`hint: ${hint}\n`);
  return exitCodeOf(expected.code);
}

function hintFor(code: TegErrorCode, { optionHint, options = new Set() }: FailedCommand): string | undefined {
  if (code === 'TEG_OPTION_INVALID') return optionHint;
  return HINTS[code]?.find((text) => (text.match(/--[a-z-]+/g) ?? []).every((option) => options.has(option)));
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
      return new TegError(
        'TEG_INPUT_NOT_FOUND',
        `got${path}: ${readFault(error)}; expected an existing path: check its spelling`,
      );
    case 'EISDIR':
      return new TegError(
        'TEG_INPUT_NOT_FOUND',
        `got${path}: ${readFault(error)}; expected a file: name a file in it`,
      );
    case 'EACCES':
    case 'EPERM':
      return new TegError('TEG_INPUT_NOT_FOUND', `got${path}: ${readFault(error)}; check its owner and mode`);
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
