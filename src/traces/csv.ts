/**
 * Streams a table as text, CSV or the like, into rows of the model, a batch at a time.
 *
 * A row is a line: fields may be quoted (RFC 4180) but may not hold line ends, so that one stray quotation mark
 * costs one row and not the rest of the file. Fields are separated by commas, semicolons or tabs (`csv-header.ts`).
 */
import { TegError } from '../model/errors.ts';
import type { SpecProblem } from '../model/validate.ts';
import { BATCH_ROWS, quoted, type ReadContext } from './context.ts';
import {
  type ColumnMap,
  type CsvHeader,
  type Delimiter,
  type HeaderFormat,
  readHeader,
  splitCsvLine,
} from './csv-header.ts';
import { readLines } from './lines.ts';
import { Row } from './row.ts';
import type { OpenedInput } from './source.ts';

/** How a CSV format is read. */
export interface CsvFormat<T> extends HeaderFormat {
  /** Columns by the field of the model that is made from them, so that messages name the file's columns. */
  readonly columnOf?: Readonly<Record<string, string>>;
  /**
   * Prepares reading one file.
   *
   * @param column Gives the position of a column, −1 if it is absent.
   * @returns A function from a row to its item, or to undefined for a row without an item; it throws TegErrors of bad
   *   values.
   */
  prepare(column: (name: string) => number, context: ReadContext): (row: Row) => T | undefined;
  /** Finds a bound of the model that an item breaks; run on every item. */
  readonly findProblem: (item: T) => SpecProblem | undefined;
}

/**
 * Reads a CSV file.
 *
 * @param formats The layouts that files of the format come in; the first line decides between them.
 * @returns Batches of at most BATCH_ROWS items.
 * @throws TegError of the first bad row that is not tolerated; TEG_TRACE_BAD_HEADER; TEG_INPUT_TOO_LARGE;
 *   TEG_OPTION_INVALID if a mapped column is missing from the file.
 */
export async function* readCsv<T>(
  input: OpenedInput,
  formats: readonly CsvFormat<T>[],
  context: ReadContext,
): AsyncGenerator<T[]> {
  let reader: RowReader<T> | undefined;
  let lineNumber = 0;
  let batch: T[] = [];
  for await (const lines of readLines(input.name, input.chunks, context.limits.lineCharsMax)) {
    for (const line of lines) {
      lineNumber++;
      if (line === '') continue;
      if (reader === undefined) {
        const header = readHeader(line, formats, context.map);
        reader = rowReader(header, lineNumber, context);
        if (!header.isHeadless) continue;
      }
      const item = reader(line, lineNumber);
      if (item === undefined) continue;
      batch.push(item);
      if (batch.length === BATCH_ROWS) {
        yield batch;
        batch = [];
      }
    }
  }
  if (reader === undefined) {
    throw new TegError(
      'TEG_TRACE_BAD_HEADER',
      `${input.name}: got an empty file, expected a header with ${formats[0]?.columns.join(', ')}; check the file`,
    );
  }
  if (batch.length > 0) yield batch;
}

type RowReader<T> = (line: string, lineNumber: number) => T | undefined;

function rowReader<T>(
  header: CsvHeader<CsvFormat<T>>,
  lineNumber: number,
  context: ReadContext,
): RowReader<T> {
  const { format, names, shown, delimiter } = header;
  checkMap(header, context.map, context.file);
  checkHeader(header, lineNumber, context);
  const row = new Row(context, shown);
  const toItem = format.prepare((name) => names.indexOf(name), context);
  const { fieldCharsMax } = context.limits;
  return (text, number) => {
    try {
      row.line = number;
      row.fields = checkedFields(text, delimiter, names.length, fieldCharsMax, number, context);
      const item = toItem(row);
      const problem = item === undefined ? undefined : format.findProblem(item);
      if (problem !== undefined) throw itemError(row, names, format, problem);
      return item;
    } catch (error) {
      context.bad(error);
      return undefined;
    }
  };
}

/** Names the column and the text of the file where the field comes from one. */
function itemError<T>(
  row: Row,
  names: readonly string[],
  format: CsvFormat<T>,
  problem: SpecProblem,
): TegError {
  const field = /^\w*/.exec(problem.field)?.[0] ?? problem.field;
  const column = format.columnOf?.[field] ?? field;
  const position = names.indexOf(column);
  if (position >= 0) return row.bad(position, problem.expected);
  return row.context.problemError(row.line, { ...problem, field: column });
}

function checkMap<T>({ names, shown }: CsvHeader<CsvFormat<T>>, map: ColumnMap, file: string): void {
  for (const [name, theirs] of Object.entries(map)) {
    if (names.includes(name)) continue;
    throw new TegError(
      'TEG_OPTION_INVALID',
      `--map ${name}=${theirs}: ${file} has no column ${quoted(theirs)}, expected one of ${shown.slice(0, 30).map(quoted).join(', ')}`,
    );
  }
}

function checkHeader<T>(
  { names, missing }: CsvHeader<CsvFormat<T>>,
  line: number,
  context: ReadContext,
): void {
  const { fieldsMax } = context.limits;
  const twice = names.find((name, i) => name !== '' && names.indexOf(name) !== i);
  if (missing.length === 0 && twice === undefined && names.length <= fieldsMax) return;
  const got =
    names.length > fieldsMax
      ? `${names.length} columns, expected at most ${fieldsMax}`
      : twice !== undefined
        ? `column ${quoted(twice)} twice, expected every column once`
        : `columns ${quoted(names.join(','))}, expected also ${missing.join(', ')}`;
  throw new TegError(
    'TEG_TRACE_BAD_HEADER',
    `${context.file}:${line}: got ${got}; correct the header, map the columns (--map ${missing[0] ?? 'NAME'}=COLUMN), or name another --format`,
  );
}

function checkedFields(
  line: string,
  delimiter: Delimiter,
  count: number,
  fieldCharsMax: number,
  lineNumber: number,
  context: ReadContext,
): readonly string[] {
  const fields = splitCsvLine(line, delimiter);
  if (fields === undefined) {
    const expected = 'quotation marks in pairs around whole fields';
    throw context.error('TEG_TRACE_BAD_ROW', lineNumber, '', quoted(line), expected);
  }
  if (fields.length !== count) {
    const expected = `${count} as in the header`;
    throw context.error('TEG_TRACE_BAD_ROW', lineNumber, '', `${fields.length} fields`, expected);
  }
  if (line.length > fieldCharsMax) {
    const long = fields.find((field) => field.length > fieldCharsMax);
    if (long !== undefined) {
      const expected = `at most ${fieldCharsMax}`;
      throw context.error(
        'TEG_TRACE_BAD_ROW',
        lineNumber,
        '',
        `a field of ${long.length} characters`,
        expected,
      );
    }
  }
  return fields;
}
