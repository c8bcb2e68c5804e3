/**
 * Small CSV files of sequences and reference results, gzip or not, held whole.
 *
 * Not for traces: those stream through `src/traces`.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { TegError } from '../../src/model/errors.ts';
import { splitCsvLine } from '../../src/traces/csv-header.ts';

/** One row: text by column. */
export type CsvRecord = Readonly<Record<string, string>>;

/** Most bytes of a file once unpacked. */
const BYTES_MAX = 512 * 2 ** 20;

/**
 * @param columns Required columns.
 * @returns The rows in file order.
 * @throws TegError TEG_TRACE_BAD_HEADER, TEG_TRACE_BAD_ROW, TEG_INPUT_CORRUPT; an error of the file system.
 */
export function readCsvRecords(path: string, columns: readonly string[]): CsvRecord[] {
  const text = unpacked(path)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
  const lines = text.split(/\r?\n/).flatMap((line, i) => (line === '' ? [] : [fieldsOf(path, line, i + 1)]));
  const [header = [], ...rows] = lines;
  const missing = columns.filter((column) => !header.includes(column));
  if (missing.length > 0 || rows.length === 0) {
    throw new TegError(
      'TEG_TRACE_BAD_HEADER',
      `${path}: no ${missing.length > 0 ? `column ${missing.join(', ')}` : 'row'}; expected a header with ${columns.join(',')} and at least one row`,
    );
  }
  return rows.map((fields, i) => {
    if (fields.length !== header.length) {
      throw badRow(path, `row ${i + 1}: got ${fields.length} fields where the header has ${header.length}`);
    }
    return Object.fromEntries(header.map((column, c) => [column, fields[c] as string]));
  });
}

/** @param line 1-based line of the file, for the message. */
function fieldsOf(path: string, text: string, line: number): string[] {
  const fields = splitCsvLine(text);
  if (fields === undefined) throw badRow(path, `line ${line}: got unmatched quotation marks`);
  return fields.map((field) => field.trim());
}

function badRow(path: string, reason: string): TegError {
  return new TegError('TEG_TRACE_BAD_ROW', `${path}: ${reason}; expected comma-separated rows`);
}

/**
 * @param line 1-based row of the file without its header, for the message.
 * @returns The number in a column, in [lower, upper].
 * @throws TegError TEG_TRACE_BAD_VALUE.
 */
export function csvInteger(
  path: string,
  record: CsvRecord,
  line: number,
  column: string,
  upper: number = Number.MAX_SAFE_INTEGER,
): number {
  const text = record[column] ?? '';
  const value = Number(text);
  if (text !== '' && Number.isInteger(value) && value >= 0 && value <= upper) return value;
  throw new TegError(
    'TEG_TRACE_BAD_VALUE',
    `${path}: row ${line}, column ${column}: got '${text}', expected a whole number from 0 to ${upper}`,
  );
}

function unpacked(path: string): Buffer {
  const bytes = readFileSync(path);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: BYTES_MAX });
  } catch (error) {
    throw new TegError('TEG_INPUT_CORRUPT', `${path}: got damaged gzip data, expected a whole file`, {
      cause: error,
    });
  }
}
