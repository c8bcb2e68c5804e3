/**
 * Growth of columns: typed arrays that hold one number for each row of a table.
 *
 * A table doubles its columns when a row no longer fits, so a push costs O(1) on average. Readers index the columns
 * themselves; nothing lies between them and the array. A column that was held before growth is stale afterwards.
 */
import { assert } from './assert.ts';

/** A typed array of numbers. */
export type NumberColumn =
  | Float64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/**
 * A longer copy of a column. O(length); the column itself is not changed.
 *
 * @param length Rows of the copy, at least those of the column.
 * @param fill   Value of the added rows.
 * @returns      An array of the same kind, on a buffer of its own.
 */
export function grown<Kind extends NumberColumn>(column: Kind, length: number, fill = 0): Kind {
  assert(length >= column.length, 'a column was to grow to fewer rows than it has');
  const longer = new (column.constructor as new (length: number) => Kind)(length);
  longer.set(column);
  if (fill !== 0) longer.fill(fill, column.length);
  return longer;
}
