/**
 * Handling of a process output that can no longer be written: the reader of a pipe has gone, the terminal was closed,
 * the disk behind a redirection is full.
 *
 * A closed pipe or terminal ends the process quietly: that is the reader's right and not a failure. But not while
 * results are still to be written to files: they come first.
 */
import { asOutputFailure } from '../files/output-file.ts';
import { interruptedExitCode } from './interrupt.ts';

/** Codes of writes to a pipe without a reader, and to a terminal that was closed. */
const GONE: ReadonlySet<string> = new Set(['EPIPE', 'EIO']);

let isHeld = false;
let heldBack: [stream: string, error: Error] | undefined;

/** From now on output that cannot be written does not end the process, until `releaseOutput`. */
export function holdOutput(): void {
  isHeld = true;
}

/** The results are in their files: failures of the output meanwhile are handled now. */
export function releaseOutput(): void {
  isHeld = false;
  if (heldBack !== undefined) onOutputError(...heldBack);
}

/**
 * Handles an `error` event of standard output or standard error.
 *
 * @param stream For people, for example `standard output`.
 * @throws TegError TEG_OUTPUT_FAILED unless the reader has gone, which ends the process.
 */
export function onOutputError(stream: string, error: Error): void {
  if (isHeld) {
    heldBack ??= [stream, error];
    return;
  }
  if ('code' in error && GONE.has(String(error.code))) {
    process.exit(interruptedExitCode() ?? process.exitCode ?? 0);
  }
  throw asOutputFailure(stream, error);
}
