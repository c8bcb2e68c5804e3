/**
 * The normal form as CSV: the columns of `layout.ts`, for people and spreadsheets.
 *
 * Numbers are written in the shortest form that reads back the same. An empty field is an absent value; in a column of
 * numbers with a fraction it is NaN, and `Infinity` is written as such.
 */
import { INT32_MAX } from '../../kernel/limits.ts';
import { TegError } from '../../model/errors.ts';
import type { CsvFormat } from '../csv.ts';
import { type Cell, type Column, columnsByField, type Layout, type TableLayout } from '../layout.ts';
import { parseDecimal, type Row } from '../row.ts';

/** @returns The reader of a layout. Columns that may be absent may be left out of the file. */
export function normalCsv<T>(layout: Layout<T>): CsvFormat<T> {
  return {
    findProblem: layout.findProblem,
    columns: layout.columns.filter((column) => !column.optional).map((column) => column.name),
    ...(layout.excludes === undefined ? {} : { excludes: layout.excludes }),
    columnOf: columnsByField(layout),
    prepare(position) {
      const readers = new Map(
        layout.columns.map((column) => [column.name, cellReader(column, position(column.name))]),
      );
      return (row) => layout.toItem((name) => readers.get(name)?.(row) ?? null);
    },
  };
}

/** @returns The header line of a layout. */
export function csvHeader<T>(layout: TableLayout<T>): string {
  return layout.columns.map((column) => column.name).join(',');
}

/** @returns An item as a line. @throws TegError TEG_JOB_INVALID if a text holds a line end. */
export function toCsvLine<T>(layout: TableLayout<T>, item: T): string {
  return layout.columns.map((column) => toField(column, column.get(item))).join(',');
}

function cellReader<T>(column: Column<T>, position: number): (row: Row) => Cell {
  switch (column.type) {
    case 'STRING':
      return (row) => (column.optional && row.isEmpty(position) ? null : row.text(position));
    case 'JSON':
      return (row) => (row.isEmpty(position) ? null : json(row, position));
    case 'NAMES':
      return (row) => (row.isEmpty(position) ? null : names(row, position));
    case 'INT32':
      return (row) =>
        column.optional && row.isEmpty(position) ? null : row.integer(position, -INT32_MAX - 1, INT32_MAX);
    case 'DOUBLE':
      return (row) => (column.nullable && row.isEmpty(position) ? null : double(row, position));
  }
}

/** An absent number is NaN, which is refused with the whole item where it is required. */
function double(row: Row, position: number): number {
  const text = row.text(position);
  if (text === '') return Number.NaN;
  if (text === 'Infinity') return Number.POSITIVE_INFINITY;
  const value = parseDecimal(text);
  if (Number.isNaN(value)) throw row.bad(position, 'a number');
  if (!Number.isFinite(value)) throw row.bad(position, `a number of at most ${Number.MAX_VALUE}`);
  return value;
}

function names(row: Row, position: number): string {
  const text = row.text(position);
  return text.startsWith('[') ? json(row, position) : text;
}

/** The contents are checked with the whole item. */
function json(row: Row, position: number): string {
  const text = row.text(position);
  try {
    JSON.parse(text);
    return text;
  } catch {
    throw row.bad(position, 'JSON');
  }
}

function toField<T>(column: Column<T>, cell: Cell): string {
  if (cell === null || Number.isNaN(cell)) return '';
  // A required list is empty where the field is; an optional one is absent.
  if (cell === '[]' && column.type === 'NAMES') return '';
  const text = String(cell);
  if (!/[",\r\n]/.test(text)) return text;
  if (/[\r\n]/.test(text)) {
    throw new TegError(
      'TEG_JOB_INVALID',
      `got a text with a line end (${JSON.stringify(text.slice(0, 40))}), expected none in CSV; write Parquet`,
    );
  }
  return `"${text.replaceAll('"', '""')}"`;
}
