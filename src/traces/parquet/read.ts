/**
 * Reads the Parquet files of `write.ts`, one row group after the other.
 *
 * All metadata of the file is checked before it is used: sizes against the limits, columns against the schema, pages by
 * `guard.ts`. Any exception of the library after that becomes TEG_INPUT_CORRUPT.
 */
import {
  type ColumnChunk,
  type FileMetaData,
  parquetMetadataAsync,
  parquetRead,
  type RowGroup,
  type SchemaElement,
} from 'hyparquet';
import { TegError } from '../../model/errors.ts';
import { BATCH_ROWS, type ReadContext } from '../context.ts';
import type { TraceKind } from '../format.ts';
import { type Cell, columnsByField, type Layout, SCHEMA_VERSION } from '../layout.ts';
import type { RandomAccess, TraceInput } from '../source.ts';
import { DECOMPRESSORS } from './codecs.ts';
import { checkChunk } from './guard.ts';

/** Bytes of the footer beyond which a file is refused. */
const FOOTER_BYTES_MAX = 67_108_864;

/** Physical types that a column may have; other tools write 64-bit integers by default. */
const PHYSICAL: Readonly<Record<string, readonly string[]>> = {
  STRING: ['BYTE_ARRAY'],
  JSON: ['BYTE_ARRAY'],
  NAMES: ['BYTE_ARRAY'],
  INT32: ['INT32', 'INT64'],
  DOUBLE: ['DOUBLE'],
};

/** Strings keep a byte order mark that they begin with. */
const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * @returns A Parquet file's statement of its contents. @throws TegError TEG_INPUT_CORRUPT, TEG_INPUT_UNKNOWN_FORMAT.
 */
export async function parquetKind(input: TraceInput): Promise<TraceKind> {
  const access = await input.access();
  try {
    const metadata = await readFooter(input.name, access);
    return kindOf(input.name, metadata);
  } finally {
    await access.close();
  }
}

/**
 * Reads a file.
 *
 * @returns Batches of at most BATCH_ROWS items. Bad rows are counted from 1; one is left out if it is tolerated.
 * @throws TegError TEG_INPUT_CORRUPT, TEG_TRACE_BAD_HEADER, TEG_INPUT_TOO_LARGE, or of the first bad row.
 */
export async function* readParquet<T>(
  input: TraceInput,
  layout: Layout<T>,
  context: ReadContext,
): AsyncGenerator<T[]> {
  const access = await input.access();
  try {
    const metadata = await readFooter(input.name, access);
    const present = checkSchema(input.name, metadata.schema, layout);
    let row = 0;
    for (const group of metadata.row_groups) {
      const rows = checkGroup(input.name, group, access, context);
      if (rows === 0) continue;
      const cells = await readGroup(input.name, access, metadata, group, present, context);
      yield* toItems(layout, cells, rows, row, context);
      row += rows;
    }
  } finally {
    await access.close();
  }
}

async function readFooter(name: string, access: RandomAccess): Promise<FileMetaData> {
  if (access.byteLength < 12) throw corrupt(name, `${access.byteLength} bytes`);
  const tail = new DataView(await access.slice(access.byteLength - 8));
  const footerBytes = tail.getUint32(0, true);
  if (footerBytes > Math.min(FOOTER_BYTES_MAX, access.byteLength - 12)) {
    throw corrupt(name, `a footer of ${footerBytes} bytes`);
  }
  return guarded(name, async () => {
    const metadata = await parquetMetadataAsync(access, {
      initialFetchSize: footerBytes + 8,
      geoparquet: false,
    });
    if (!Array.isArray(metadata.schema) || !Array.isArray(metadata.row_groups)) throw new Error('no schema');
    return metadata;
  });
}

function kindOf(name: string, metadata: FileMetaData): TraceKind {
  const value = (key: string): string | undefined =>
    metadata.key_value_metadata?.find((pair) => pair.key === key)?.value;
  const kind = value('teg.kind');
  const version = Number(value('teg.version') ?? 1);
  if (!(version <= SCHEMA_VERSION)) {
    throw new TegError(
      'TEG_INPUT_UNKNOWN_FORMAT',
      `${name}: got version ${value('teg.version')} of the columns, expected at most ${SCHEMA_VERSION}; update TEG`,
    );
  }
  if (kind === 'jobs' || kind === 'nodes' || kind === 'usage') return kind;
  const columns = new Set(metadata.schema.map((element) => element.name));
  if (columns.has('submit_s')) return 'jobs';
  if (columns.has('pods_max')) return 'nodes';
  throw new TegError(
    'TEG_INPUT_UNKNOWN_FORMAT',
    `${name}: got a Parquet file that TEG did not write, expected the columns of docs/traces.md; convert it`,
  );
}

/** Column names of the layout that the file has, with whether their values may be absent. */
function checkSchema<T>(
  name: string,
  schema: readonly SchemaElement[],
  layout: Layout<T>,
): Map<string, boolean> {
  const present = new Map<string, boolean>();
  const wrong = (column: string, got: string, expected: string): TegError =>
    new TegError(
      'TEG_TRACE_BAD_HEADER',
      `${name}: column '${column}': got ${got}, expected ${expected}; see docs/traces.md`,
    );
  const leaves = schema.slice(1);
  if (schema[0]?.num_children !== leaves.length || leaves.some((leaf) => leaf.type === undefined)) {
    throw wrong('', 'nested columns', 'flat ones');
  }
  for (const { name: column, type, optional } of layout.columns) {
    const found = leaves.filter((leaf) => leaf.name === column);
    const [leaf] = found;
    if (leaf === undefined && optional) continue;
    if (leaf === undefined || found.length > 1) throw wrong(column, `${found.length} of it`, 'one');
    if (!PHYSICAL[type]?.includes(leaf.type ?? '')) throw wrong(column, String(leaf.type), type);
    if (leaf.repetition_type === 'REPEATED') throw wrong(column, 'a repeated column', 'a flat one');
    present.set(column, leaf.repetition_type === 'OPTIONAL');
  }
  return present;
}

/** @returns Rows of the group. */
function checkGroup(name: string, group: RowGroup, access: RandomAccess, context: ReadContext): number {
  const { groupRowsMax, groupBytesMax } = context.limits;
  const rows = Number(group.num_rows);
  if (!(Number.isInteger(rows) && rows >= 0)) throw corrupt(name, `a row group of ${rows} rows`);
  if (!Array.isArray(group.columns)) throw corrupt(name, 'a row group without columns');
  let bytes = 0;
  for (const chunk of group.columns) bytes += chunkRange(name, chunk, access).size;
  if (rows <= groupRowsMax && bytes <= groupBytesMax) return rows;
  throw new TegError(
    'TEG_INPUT_TOO_LARGE',
    `${name}: got a row group of ${rows} rows in ${bytes} bytes, expected at most ${groupRowsMax} rows in ${groupBytesMax} bytes; write it with smaller row groups`,
  );
}

function chunkRange(name: string, chunk: ColumnChunk, access: RandomAccess): { start: number; size: number } {
  const meta = chunk.meta_data;
  const start = Number(meta?.dictionary_page_offset || meta?.data_page_offset);
  const size = Number(meta?.total_compressed_size);
  const isInside =
    Number.isInteger(start) &&
    Number.isInteger(size) &&
    start >= 4 &&
    size >= 0 &&
    start + size <= access.byteLength;
  if (isInside && chunk.file_path === undefined) return { start, size };
  throw corrupt(name, `a column of ${size} bytes at ${start}`);
}

/** Values by column name; each has as many as the group has rows. */
async function readGroup(
  name: string,
  access: RandomAccess,
  metadata: FileMetaData,
  group: RowGroup,
  present: ReadonlyMap<string, boolean>,
  context: ReadContext,
): Promise<Map<string, ArrayLike<unknown>>> {
  const rows = Number(group.num_rows);
  const columns = new Map<string, unknown[]>();
  return guarded(name, async () => {
    let bytesLeft = context.limits.groupBytesMax;
    for (const [column, nullable] of present) {
      const chunk = theChunk(group, column, metadata.schema, rows);
      const { start, size } = chunkRange(name, chunk, access);
      const bytes = new Uint8Array(await access.slice(start, start + size));
      if (chunk.meta_data === undefined) throw new Error(`no metadata of column ${column}`);
      bytesLeft -= checkChunk(bytes, chunk.meta_data, { rows, bytesMax: bytesLeft, nullable });
      columns.set(column, new Array(rows));
    }
    await parquetRead({
      file: access,
      metadata: { ...metadata, num_rows: group.num_rows, row_groups: [group] },
      columns: [...present.keys()],
      compressors: DECOMPRESSORS,
      parsers: { stringFromBytes: (bytes: Uint8Array) => bytes && UTF8.decode(bytes) },
      onChunk({ columnName, columnData, rowStart }) {
        const values = columns.get(columnName);
        for (let i = 0; values !== undefined && i < columnData.length; i++)
          values[rowStart + i] = columnData[i];
      },
    });
    return columns;
  });
}

function theChunk(
  group: RowGroup,
  column: string,
  schema: readonly SchemaElement[],
  rows: number,
): ColumnChunk {
  const found = group.columns.filter((chunk) => chunk.meta_data?.path_in_schema?.[0] === column);
  const [chunk] = found;
  const meta = chunk?.meta_data;
  const element = schema.find((candidate) => candidate.name === column);
  const isGood =
    found.length === 1 &&
    meta?.path_in_schema.length === 1 &&
    meta.type === element?.type &&
    Number(meta.num_values) === rows;
  if (!isGood || chunk === undefined) throw new Error(`column '${column}' does not match the schema`);
  return chunk;
}

function* toItems<T>(
  layout: Layout<T>,
  columns: ReadonlyMap<string, ArrayLike<unknown>>,
  rows: number,
  rowBefore: number,
  context: ReadContext,
): Generator<T[]> {
  let index = 0;
  const cells = (column: string): Cell => toCell(columns.get(column)?.[index]);
  let batch: T[] = [];
  for (; index < rows; index++) {
    try {
      batch.push(toItem(layout, cells, rowBefore + index + 1, context));
    } catch (error) {
      context.bad(error);
    }
    if (batch.length === BATCH_ROWS) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

function toItem<T>(layout: Layout<T>, cells: (column: string) => Cell, row: number, context: ReadContext): T {
  let item: T;
  try {
    item = layout.toItem(cells);
  } catch (error) {
    throw context.error('TEG_TRACE_BAD_VALUE', row, '', (error as Error).message, 'JSON in text columns');
  }
  const problem = layout.findProblem(item);
  if (problem !== undefined) {
    const field = /^\w*/.exec(problem.field)?.[0] ?? '';
    throw context.problemError(row, { ...problem, field: columnsByField(layout)[field] ?? problem.field });
  }
  return item;
}

function toCell(value: unknown): Cell {
  if (typeof value === 'string' || typeof value === 'number') return value;
  return typeof value === 'bigint' ? Number(value) : null;
}

async function guarded<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof TegError) throw error;
    throw corrupt(name, (error as Error).message, error);
  }
}

function corrupt(name: string, got: string, cause?: unknown): TegError {
  return new TegError(
    'TEG_INPUT_CORRUPT',
    `${name}: got a damaged Parquet file (${got}), expected a whole one as TEG writes it; write it again`,
    { cause },
  );
}
