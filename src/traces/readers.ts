/**
 * Opens a trace: recognises its format and calls the reader of that format.
 */
import { TegError } from '../model/errors.ts';
import type { JobSpec } from '../model/job.ts';
import type { NodeSpec } from '../model/node.ts';
import type { TraceBatch } from './batch.ts';
import { ReadContext } from './context.ts';
import { type CsvFormat, readCsv } from './csv.ts';
import { csvLayouts, isCsvFormat } from './csv-formats.ts';
import type { ColumnMap } from './csv-header.ts';
import { detectHead, isParquet } from './detect.ts';
import { describes, type ReadOptions, TRACE_FORMATS, type TraceFormat, type TraceKind } from './format.ts';
import { expandMachines, METACENTRUM_MACHINES } from './formats/metacentrum.ts';
import { readMetacentrumSwf } from './formats/metacentrum-swf.ts';
import { readPhillyLog } from './formats/philly-log.ts';
import { readSwf } from './formats/swf.ts';
import { readKubernetes } from './kubernetes/read.ts';
import { LAYOUTS } from './layout.ts';
import { parquetKind, readParquet } from './parquet/read.ts';
import { type OpenedInput, openInput, type TraceInput } from './source.ts';
import { unknownFormat } from './unknown-format.ts';
import type { UsageSample } from './usage.ts';

/** A trace that is being read. */
export interface OpenTrace {
  readonly format: TraceFormat;
  /** Notes and bad rows so far. */
  readonly context: ReadContext;
  /** To be iterated once; stopping early closes the file. */
  readonly batches: AsyncGenerator<TraceBatch>;
  /** Closes the file if `batches` is never iterated. */
  close(): Promise<void>;
}

/**
 * Starts reading a trace.
 *
 * @param kind The kind that the caller needs; absent: the one that the file describes.
 * @throws TegError TEG_INPUT_NOT_FOUND, TEG_INPUT_CORRUPT, TEG_INPUT_UNKNOWN_FORMAT.
 */
export async function openTrace(
  input: TraceInput,
  options: ReadOptions = {},
  kind?: TraceKind,
): Promise<OpenTrace> {
  const opened = await openInput(input);
  try {
    const format = options.format ?? (await recognise(input, opened, options.map));
    if (kind !== undefined && !describes(format, kind)) throw wrongKind(input.name, format, kind);
    if (options.map !== undefined && !isCsvFormat(format)) throw unmappable(input.name, format);
    const context = new ReadContext(input.name, options);
    return { format, context, batches: readAll(input, opened, format, context), close: opened.close };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function recognise(
  input: TraceInput,
  opened: OpenedInput,
  map: ColumnMap | undefined,
): Promise<TraceFormat> {
  if (!isParquet(opened.head)) {
    return detectHead(opened.head, map) ?? unknownFormat(input.name, opened.head, map);
  }
  const kind = await parquetKind(input);
  return PARQUET_FORMATS[kind];
}

async function* readAll(
  input: TraceInput,
  opened: OpenedInput,
  format: TraceFormat,
  context: ReadContext,
): AsyncGenerator<TraceBatch> {
  try {
    yield* readFormat(input, opened, format, context);
    context.finish();
  } finally {
    await opened.close();
  }
}

async function* readFormat(
  input: TraceInput,
  opened: OpenedInput,
  format: TraceFormat,
  context: ReadContext,
): AsyncGenerator<TraceBatch> {
  switch (format) {
    case 'kubernetes':
      return yield* readKubernetes(opened, context);
    case 'swf':
      return yield* jobs(readSwf(opened, context));
    case 'metacentrum-swf':
      return yield* jobs(readMetacentrumSwf(opened, context));
    case 'philly-log':
      return yield* jobs(readPhillyLog(opened, context));
    case 'metacentrum-machines':
      for await (const groups of readCsv(opened, [METACENTRUM_MACHINES], context)) {
        for (const group of groups) yield* nodes(expandMachines(group));
      }
      return;
    case 'teg-jobs':
      return yield* jobs(readParquet(input, LAYOUTS.jobs, context));
    case 'teg-nodes':
      return yield* nodes(readParquet(input, LAYOUTS.nodes, context));
    case 'teg-usage':
      return yield* usage(readParquet(input, LAYOUTS.usage, context));
    default:
      return yield* readCsvFormat(opened, format, context);
  }
}

async function* readCsvFormat(
  opened: OpenedInput,
  format: TraceFormat,
  context: ReadContext,
): AsyncGenerator<TraceBatch> {
  if (!isCsvFormat(format)) throw new Error(`no reader for ${format}`);
  const csv = csvLayouts(format);
  if (describes(format, 'jobs')) yield* jobs(readCsv(opened, csv as readonly CsvFormat<JobSpec>[], context));
  else if (describes(format, 'nodes'))
    yield* nodes(readCsv(opened, csv as readonly CsvFormat<NodeSpec>[], context));
  else yield* usage(readCsv(opened, csv as readonly CsvFormat<UsageSample>[], context));
}

type Batches<T> = Iterable<readonly T[]> | AsyncIterable<readonly T[]>;

async function* jobs(batches: Batches<JobSpec>): AsyncGenerator<TraceBatch> {
  for await (const items of batches) yield { kind: 'jobs', items };
}

async function* nodes(batches: Batches<NodeSpec>): AsyncGenerator<TraceBatch> {
  for await (const items of batches) yield { kind: 'nodes', items };
}

async function* usage(batches: Batches<UsageSample>): AsyncGenerator<TraceBatch> {
  for await (const items of batches) yield { kind: 'usage', items };
}

const PARQUET_FORMATS = { jobs: 'teg-jobs', nodes: 'teg-nodes', usage: 'teg-usage' } as const;

function wrongKind(name: string, format: TraceFormat, kind: TraceKind): TegError {
  return new TegError(
    'TEG_INPUT_UNKNOWN_FORMAT',
    `${name}: got ${format} (${TRACE_FORMATS[format].description}), expected a file that describes ${kind}; name another file`,
  );
}

function unmappable(name: string, format: TraceFormat): TegError {
  return new TegError(
    'TEG_OPTION_INVALID',
    `got --map for ${name}, which is ${format} (${TRACE_FORMATS[format].description}), expected a table as text; leave --map out`,
  );
}
