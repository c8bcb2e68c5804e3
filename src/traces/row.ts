/** One row of a text table, with readers of typed fields that report the exact error and its place. */
import type { TegError } from '../model/errors.ts';
import { quoted, type ReadContext } from './context.ts';

/** Largest absolute time in seconds that a trace may have: 10,000 years. */
export const SECONDS_MAX = 315_576_000_000;

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/;

/** The current row. One object for all rows of a file: no caller may keep it. */
export class Row {
  readonly context: ReadContext;
  readonly columns: readonly string[];
  /** Number of the line in the file, from 1. */
  line = 0;
  fields: readonly string[] = [];

  /** @param columns Names for messages; @param context The reading. */
  constructor(context: ReadContext, columns: readonly string[]) {
    this.context = context;
    this.columns = columns;
  }

  /** @returns The raw field; '' if the column (−1) is absent. */
  text(column: number): string {
    return column < 0 ? '' : (this.fields[column] as string);
  }

  /** @returns True if the field is empty or its column absent. */
  isEmpty(column: number): boolean {
    return this.text(column) === '';
  }

  /** @returns A name that is not empty. @throws TegError TEG_TRACE_BAD_VALUE. */
  name(column: number): string {
    const text = this.text(column);
    if (text === '') throw this.bad(column, 'a name that is not empty');
    return text;
  }

  /** @returns An integer in [lower, upper]. @throws TegError TEG_TRACE_BAD_VALUE. */
  integer(column: number, lower: number, upper: number): number {
    const text = this.text(column);
    const value = parseInteger(text);
    if (!(value >= lower && value <= upper)) throw this.bad(column, rangeText('an integer', lower, upper));
    return value;
  }

  /** @returns A finite number in [lower, upper]. @throws TegError TEG_TRACE_BAD_VALUE. */
  decimal(column: number, lower: number, upper: number): number {
    const value = parseDecimal(this.text(column));
    if (!(value >= lower && value <= upper)) throw this.bad(column, rangeText('a number', lower, upper));
    return value;
  }

  /** @returns A time in seconds, finite. @throws TegError TEG_TRACE_BAD_VALUE. */
  seconds(column: number): number {
    return this.decimal(column, -SECONDS_MAX, SECONDS_MAX);
  }

  /** @returns The error for this field. */
  bad(column: number, expected: string): TegError {
    const name = this.columns[column] ?? `${column + 1}`;
    return this.context.error('TEG_TRACE_BAD_VALUE', this.line, name, quoted(this.text(column)), expected);
  }
}

/** @returns For example `an integer in [0, 30]`, or the one value where there is only one. */
function rangeText(what: string, lower: number, upper: number): string {
  return lower === upper ? String(lower) : `${what} in [${lower}, ${upper}]`;
}

/** @returns The integer in a text, digits with an optional sign and nothing else; NaN otherwise. */
export function parseInteger(text: string): number {
  const length = text.length;
  let i = 0;
  const first = text.charCodeAt(0);
  if (first === 45 || first === 43) i = 1;
  if (i === length || length > 16) return Number.NaN;
  let value = 0;
  for (; i < length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return first === 45 && value !== 0 ? -value : value;
}

/** @returns The number in a text in decimal notation, with or without an exponent; NaN otherwise. */
export function parseDecimal(text: string): number {
  const integer = parseInteger(text);
  if (!Number.isNaN(integer)) return integer;
  return text.length <= 40 && DECIMAL.test(text) ? Number(text) : Number.NaN;
}
