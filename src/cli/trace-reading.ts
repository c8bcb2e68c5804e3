/**
 * What the `teg trace` commands that read a file have in common: options, warnings, bad rows on standard error.
 */
import { TegError } from '../model/errors.ts';
import {
  DEFAULT_ASSUMPTIONS,
  type ReadOptions,
  type TraceKind,
  type TraceWarning,
} from '../traces/format.ts';
import { type OpenTrace, openTrace } from '../traces/readers.ts';
import type { TraceInput } from '../traces/source.ts';
import { formatCount } from './terminal/formatting.ts';
import type { TraceReadingOptions } from './trace-options.ts';

/**
 * @param warnings Filled while the file is read.
 * @returns How to read. Bad rows that are left out are reported on standard error.
 * @throws TegError TEG_OPTION_INVALID for an assumption that there is none of.
 */
export function readingOptions(options: TraceReadingOptions, warnings: TraceWarning[]): ReadOptions {
  for (const name of Object.keys(options.assume)) {
    if (Object.hasOwn(DEFAULT_ASSUMPTIONS, name)) continue;
    const names = Object.keys(DEFAULT_ASSUMPTIONS).join(', ');
    throw new TegError('TEG_OPTION_INVALID', `--assume: got '${name}', expected one of ${names}`);
  }
  return {
    ...(options.format === undefined ? {} : { format: options.format }),
    skipBad: options.skipBad,
    assume: options.assume,
    ...(options.map === undefined ? {} : { map: options.map }),
    onBad: (error) => process.stderr.write(`left out: ${error.message}\n`),
    onWarning: (warning) => warnings.push(warning),
  };
}

/**
 * Opens a trace that Ctrl-C ends also while it waits for a pipe.
 *
 * @throws TegError as `openTrace`; the signal's reason.
 */
export async function openTraceUntil(
  signal: AbortSignal,
  input: TraceInput,
  options: ReadOptions,
  kind?: TraceKind,
): Promise<OpenTrace> {
  return openTrace(untilAborted(input, signal), options, kind);
}

/** The same input, whose chunks end with the signal's reason. */
function untilAborted(input: TraceInput, signal: AbortSignal): TraceInput {
  return {
    name: input.name,
    access: () => input.access(),
    async *stream() {
      const chunks = input.stream()[Symbol.asyncIterator]();
      const stop = (): void => void chunks.return?.();
      signal.addEventListener('abort', stop);
      try {
        for (;;) {
          const next = await chunks.next().catch((error: unknown) => {
            signal.throwIfAborted();
            throw error;
          });
          signal.throwIfAborted();
          if (next.done === true) return;
          yield next.value;
        }
      } finally {
        signal.removeEventListener('abort', stop);
        await chunks.return?.();
      }
    },
  };
}

/** @returns One line of text. */
export function warningLine({ message, count }: TraceWarning): string {
  return count === 1 ? message : `${message}: ${formatCount(count)}`;
}
