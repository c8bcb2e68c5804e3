/**
 * Calls the reader of a format, and checks every item that comes out of it.
 */
import type { JobSpec } from '../model/job.ts';
import type { NodeSpec } from '../model/node.ts';
import type { ReadContext } from './context.ts';
import { type CsvFormat, readCsv } from './csv.ts';
import { CSV_FORMATS, type CsvFormatName } from './csv-formats.ts';
import type { TraceFormat } from './format.ts';
import type { OpenedInput, TraceInput } from './source.ts';

/** What a trace is made of. */
export type TraceItem = JobSpec | NodeSpec;

/**
 * Streams a trace in a known format.
 *
 * @param input  For formats that need random access.
 * @param opened The started reading; closed at the end, also after an error.
 */
export async function* streamAny(
  _input: TraceInput,
  opened: OpenedInput,
  format: TraceFormat,
  _kind: 'jobs' | 'nodes',
  context: ReadContext,
): AsyncGenerator<TraceItem[]> {
  try {
    if (Object.hasOwn(CSV_FORMATS, format)) {
      const csv = CSV_FORMATS[format as CsvFormatName] as CsvFormat<TraceItem>;
      yield* readCsv(opened, csv, context);
    }
  } finally {
    await opened.chunks.return(undefined);
  }
}
