/**
 * Tables for the terminal: aligned by display width, bold heads on a colour terminal, plain text when piped.
 *
 * Not here: Markdown, HTML and JSON tables (the reports).
 */
import { styleText } from 'node:util';
import stringWidth from 'string-width';
import { wantsColor } from './color.ts';
import { formatCount, formatFixed } from './formatting.ts';

/** One cell; undefined and NaN print as a dash. */
export type TableCell = string | number | undefined;

/** One column of a table. */
export interface TableColumn {
  readonly header: string;
  /** Default: right if every cell is a number or missing, else left. */
  readonly align?: 'left' | 'right';
  /** How numbers print; default: whole numbers with commas, others with two decimals. */
  readonly format?: (value: number) => string;
  /** Cut this column's text with … where the table is wider than the terminal; default: left-aligned text columns. */
  readonly shrink?: boolean;
}

/** The destination of a table: the part of a stream that it needs. */
export interface TableStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** Options of `printTable` and `formatTable`. */
export interface TableOptions {
  /** Most columns of a line; default: the terminal's width, without bound when piped. At least 20. */
  readonly widthMax?: number;
  /** Row to print in bold, for example the one of interest. Index into `rows`. */
  readonly boldRow?: number;
  /** Line above the table. */
  readonly title?: string;
}

/** Narrowest that a column is cut to. */
const SHRUNK_WIDTH_MIN = 8;

const GAP = '  ';

/**
 * Prints a table to standard output (or `stream`).
 *
 * Colour obeys NO_COLOR, FORCE_COLOR and whether the stream is a terminal.
 */
export function printTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly TableCell[])[],
  options: TableOptions & { readonly stream?: TableStream } = {},
): void {
  const stream = options.stream ?? process.stdout;
  const widthMax = options.widthMax ?? (stream.isTTY === true ? stream.columns : undefined);
  const paint = wantsColor(stream);
  stream.write(`${formatTable(columns, rows, { ...options, ...(widthMax && { widthMax }) }, paint)}\n`);
}

/**
 * Lays a table out as text without a final line break.
 *
 * @param rows  @shape [rows][columns]; a shorter row is filled up with missing cells.
 * @param paint Whether to use bold and dim; default no.
 */
export function formatTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly TableCell[])[],
  options: TableOptions = {},
  paint = false,
): string {
  const rights = columns.map((column, c) => (column.align ?? defaultAlign(rows, c)) === 'right');
  const texts = rows.map((row) => columns.map((column, c) => cellText(row[c], column)));
  const widths = columns.map((column, c) =>
    texts.reduce((width, row) => Math.max(width, stringWidth(row[c] as string)), stringWidth(column.header)),
  );
  const shrinkable = columns.map((column, c) => column.shrink ?? !rights[c]);
  shrinkToFit(widths, shrinkable, options.widthMax ?? Number.POSITIVE_INFINITY);
  const line = (cells: readonly string[]): string =>
    cells
      .map((text, c) => pad(text, widths[c] as number, rights[c] as boolean))
      .join(GAP)
      .trimEnd();
  const lines = texts.map((row, r) => style('bold', line(row), paint && r === options.boldRow));
  const rule = widths.map((width) => '─'.repeat(width)).join(GAP);
  const head = [
    style('bold', line(columns.map((column) => column.header)), paint),
    style('dim', rule, paint),
  ];
  return [...(options.title === undefined ? [] : [options.title]), ...head, ...lines].join('\n');
}

function style(format: 'bold' | 'dim', text: string, on: boolean): string {
  return on ? styleText(format, text, { validateStream: false }) : text;
}

function defaultAlign(rows: readonly (readonly TableCell[])[], c: number): 'left' | 'right' {
  let numbers = 0;
  for (const row of rows) {
    const cell = row[c];
    if (typeof cell === 'string') return 'left';
    if (typeof cell === 'number') numbers++;
  }
  return numbers > 0 ? 'right' : 'left';
}

function cellText(cell: TableCell, column: TableColumn): string {
  if (cell === undefined || Number.isNaN(cell)) return '–';
  if (typeof cell === 'string') return oneLine(cell);
  if (column.format !== undefined) return column.format(cell);
  return Number.isInteger(cell) ? formatCount(cell) : formatFixed(cell, 2);
}

/** Control characters (a name from a file may hold any) must not move the cursor or break the line. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, '·');
}

/** Narrows the widest shrinkable columns, one by one, until the line fits or none can give more. */
function shrinkToFit(widths: number[], shrinkable: readonly boolean[], widthMax: number): void {
  const limit = Math.max(20, widthMax);
  let total = widths.reduce((sum, width) => sum + width, GAP.length * Math.max(0, widths.length - 1));
  while (total > limit) {
    let widest = -1;
    for (let c = 0; c < widths.length; c++) {
      const width = widths[c] as number;
      if (shrinkable[c] && width > SHRUNK_WIDTH_MIN && width > (widths[widest] ?? 0)) widest = c;
    }
    if (widest < 0) return;
    widths[widest] = (widths[widest] as number) - 1;
    total--;
  }
}

function pad(text: string, width: number, right: boolean): string {
  const fitted = cut(text, width);
  const blanks = ' '.repeat(Math.max(0, width - stringWidth(fitted)));
  return right ? blanks + fitted : fitted + blanks;
}

/** @returns The text, cut with … to a display width; characters that people see as one stay whole. */
function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let result = '';
  let used = 1;
  for (const { segment } of new Intl.Segmenter('en').segment(text)) {
    used += stringWidth(segment);
    if (used > width) break;
    result += segment;
  }
  return `${result}…`;
}
