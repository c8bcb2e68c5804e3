/**
 * Writes a trace in the normal form, as Parquet or CSV by the extension of the file's name.
 *
 * The file appears under its name only when it is whole; until then its name ends in `.partial`.
 */
import { open, rename, rm } from 'node:fs/promises';
import { createGzip } from 'node:zlib';
import { TegError } from '../model/errors.ts';
import type { TraceKind } from './format.ts';
import { csvHeader, toCsvLine } from './formats/normal-csv.ts';
import { LAYOUTS, type Layout, type TableLayout } from './layout.ts';
import { type ByteSink, ParquetFileWriter } from './parquet/write.ts';

/** Takes a trace in batches. Either `finish` or `abort` ends it. */
export interface TraceWriter<T> {
  write(items: readonly T[]): Promise<void>;
  /** Completes the file and gives it its name. */
  finish(): Promise<void>;
  /** Removes what was written. */
  abort(): Promise<void>;
}

/** Turns items into bytes, for one file format. */
interface Encoder<T> {
  write(items: readonly T[]): Promise<void>;
  finish(): Promise<void>;
}

/** Extensions that can be written. */
const EXTENSIONS = ['.parquet', '.csv', '.csv.gz'] as const;

/**
 * Starts writing a trace of a kind.
 *
 * @param path Ends in `.parquet`, `.csv` or `.csv.gz`.
 * @throws TegError TEG_OPTION_INVALID for another extension, TEG_OUTPUT_FAILED if it cannot be written.
 */
export async function createTraceWriter<Kind extends TraceKind>(
  kind: Kind,
  path: string,
): Promise<TraceWriter<(typeof LAYOUTS)[Kind] extends Layout<infer T> ? T : never>> {
  return createTableWriter(LAYOUTS[kind] as Layout<unknown>, path);
}

/** As `createTraceWriter`, for any table. */
export async function createTableWriter<T>(layout: TableLayout<T>, path: string): Promise<TraceWriter<T>> {
  const extension = EXTENSIONS.findLast((candidate) => path.endsWith(candidate));
  if (extension === undefined) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `${path}: got an unknown extension, expected one of ${EXTENSIONS.join(', ')}; rename the output`,
    );
  }
  const partial = `${path}.partial`;
  const file = await guarded(path, () => open(partial, 'w'));
  const sink: ByteSink = (bytes) => guarded(path, () => file.writeFile(bytes));
  const encoder =
    extension === '.parquet' ? new ParquetFileWriter(layout, sink) : csvEncoder(layout, sink, extension);
  return {
    write: (items) => encoder.write(items),
    async finish() {
      await encoder.finish();
      await guarded(path, async () => {
        await file.sync();
        await file.close();
        await rename(partial, path);
      });
    },
    async abort() {
      await file.close();
      await rm(partial, { force: true });
    },
  };
}

function csvEncoder<T>(layout: TableLayout<T>, sink: ByteSink, extension: string): Encoder<T> {
  const out = extension === '.csv.gz' ? gzipSink(sink) : { write: sink, finish: async () => {} };
  let isFirst = true;
  const put = async (lines: string[]): Promise<void> => {
    if (isFirst) lines.unshift(csvHeader(layout));
    isFirst = false;
    if (lines.length > 0) await out.write(Buffer.from(`${lines.join('\n')}\n`, 'utf8'));
  };
  return {
    write: async (items) => put(items.map((item) => toCsvLine(layout, item))),
    async finish() {
      await put([]);
      await out.finish();
    },
  };
}

/** Packs on the way; waits for the sink as `write` and `finish` are awaited. */
function gzipSink(sink: ByteSink): { write: ByteSink; finish: () => Promise<void> } {
  const gzip = createGzip();
  const written = (async () => {
    for await (const chunk of gzip) await sink(chunk as Uint8Array);
  })();
  return {
    async write(bytes) {
      if (gzip.write(bytes)) return;
      // A sink that fails ends the iteration above, and no drain would ever come.
      await Promise.race([new Promise((resolve) => gzip.once('drain', resolve)), written]);
    },
    async finish() {
      gzip.end();
      await written;
    },
  };
}

/** @throws TegError TEG_OUTPUT_FAILED where the operating system refuses. */
async function guarded<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    throw new TegError(
      'TEG_OUTPUT_FAILED',
      `got ${(error as NodeJS.ErrnoException).code} while writing '${path}', expected a writable file: free space or change its permissions, or name another file`,
      { cause: error },
    );
  }
}
