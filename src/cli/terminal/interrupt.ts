/**
 * Ctrl-C, SIGTERM and SIGHUP as an AbortSignal: the first one asks the run to end cleanly, the second ends the process at once.
 */
import { TegError } from '../../model/errors.ts';

/** Exit code of a process that SIGINT ended, by the shells' convention of 128 + the signal's number. */
export const EXIT_INTERRUPTED = 130;

/** The same for SIGTERM, which service managers and container runtimes send. */
export const EXIT_TERMINATED = 143;

/** The same for SIGHUP, which a terminal sends that is closed. */
export const EXIT_HUNG_UP = 129;

/**
 * Signals this close together are one press of Ctrl-C: npm and `bin/teg` pass on a signal that the terminal has
 * already sent to the whole process group.
 */
export const SAME_PRESS_MS = 200;

let controller: AbortController | undefined;
let exitCode = EXIT_INTERRUPTED;
let firstMs = 0;
let successful = false;

/**
 * Starts to watch for SIGINT (Ctrl-C), SIGTERM and SIGHUP, once a process however often it is called.
 *
 * The run looks at `signal.aborted` at convenient points (or listens), stops, and returns its partial result marked
 * as partial; `main.ts` then ends with the signal's exit code. Nothing else is killed before that: a second signal is.
 *
 * @returns A signal that aborts with TegError TEG_INTERRUPTED as its reason.
 */
export function interruptSignal(): AbortSignal {
  if (controller === undefined) {
    controller = new AbortController();
    process.on('SIGINT', () => onSignal(EXIT_INTERRUPTED));
    process.on('SIGTERM', () => onSignal(EXIT_TERMINATED));
    process.on('SIGHUP', () => onSignal(EXIT_HUNG_UP));
  }
  return controller.signal;
}

/** From now on an interruption is the normal end of the command: its exit code is 0, unless it is interrupted twice. */
export function interruptionIsSuccess(): void {
  successful = true;
}

/** @returns The exit code of the user's interruption; undefined if there was none. */
export function interruptedExitCode(): number | undefined {
  return controller?.signal.aborted === true ? exitCode : undefined;
}

function onSignal(code: number): void {
  const nowMs = performance.now();
  if (controller === undefined || controller.signal.aborted) {
    if (nowMs - firstMs < SAME_PRESS_MS) return;
    process.exit(code);
  }
  firstMs = nowMs;
  exitCode = successful ? 0 : code;
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[2Kstopping … (Ctrl-C again ends at once)\n');
  controller.abort(
    new TegError(
      'TEG_INTERRUPTED',
      'stopped by the user before the run was complete; start it again for all of it',
    ),
  );
}
