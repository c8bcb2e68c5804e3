/**
 * What the `teg trace` commands that read a file have in common: options, warnings, bad rows on standard error.
 */
import { TegError } from '../model/errors.ts';
import { DEFAULT_ASSUMPTIONS, type ReadOptions, type TraceWarning } from '../traces/format.ts';
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

/** @returns One line of text. */
export function warningLine({ message, count }: TraceWarning): string {
  return count === 1 ? message : `${message}: ${formatCount(count)}`;
}
