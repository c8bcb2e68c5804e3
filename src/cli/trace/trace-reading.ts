/** Shared parts of the `teg trace` commands that read a file: options, warnings, bad rows on standard error. */
import { TegError } from '../../model/errors.ts';
import {
  FORMAT_ASSUMPTIONS,
  type ReadOptions,
  type TraceKind,
  type TraceWarning,
} from '../../traces/format.ts';
import { type OpenTrace, openTrace } from '../../traces/readers.ts';
import type { TraceInput } from '../../traces/source.ts';
import { formatCount } from '../terminal/formatting.ts';
import { ignoresNothing } from '../terminal/ignored-resources.ts';
import type { TraceReadingOptions } from './trace-options.ts';

/**
 * @param warnings Filled while the file is read.
 * @returns How to read. Bad rows that are left out are reported on standard error.
 */
export function readingOptions(options: TraceReadingOptions, warnings: TraceWarning[]): ReadOptions {
  return {
    ...(options.format === undefined ? {} : { format: options.format }),
    skipBad: options.skipBad,
    assume: options.assume,
    ...(options.ignoreResource === undefined ? {} : { ignoredResources: options.ignoreResource }),
    ...(options.map === undefined ? {} : { map: options.map }),
    onBad: (error) => process.stderr.write(`left out: ${error.message}\n`),
    onWarning: (warning) => warnings.push(warning),
  };
}

/**
 * Opens a trace that Ctrl-C ends also while it waits for a pipe.
 *
 * @throws TegError as `openTrace`; TEG_OPTION_INVALID for an assumption that the format does not make; the signal's reason.
 */
export async function openTraceUntil(
  signal: AbortSignal,
  input: TraceInput,
  options: ReadOptions,
  kind?: TraceKind,
): Promise<OpenTrace> {
  const trace = await openTrace(untilAborted(input, signal), options, kind);
  if (options.ignoredResources !== undefined && trace.format !== 'kubernetes') {
    await trace.close();
    throw ignoresNothing(`${input.name}, which is ${trace.format}`);
  }
  const made: readonly string[] = FORMAT_ASSUMPTIONS[trace.format] ?? [];
  const ignored = Object.keys(options.assume ?? {}).find((name) => !made.includes(name));
  if (ignored === undefined) return trace;
  await trace.close();
  const expected = made.length === 0 ? 'none, because nothing is assumed of it' : made.join(', ');
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got --assume ${ignored} for ${input.name}, which is ${trace.format}, expected ${expected}`,
  );
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
