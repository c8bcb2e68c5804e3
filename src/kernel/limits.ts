/**
 * Bounds of 32-bit integers, and of what the kernel packs or counts in them.
 */

/** Largest 32-bit integer. */
export const INT32_MAX: number = 2 ** 31 - 1;

/** Smallest 32-bit integer. */
export const INT32_MIN: number = -(2 ** 31);

/** Numbers that 32 bits distinguish: seeds, stream numbers and draws are below it. */
export const UINT32_SPAN: number = 2 ** 32;

/** Most entries of one heap: four times an index is still a 32-bit integer. */
export const HEAP_ENTRIES_MAX: number = 2 ** 28;

/** Most pending events of one queue: slots of the ring are numbered by 32-bit integers. */
export const EVENTS_MAX: number = 2 ** 30;

/** Bucket numbers beyond this are rebased before they stop being exact small integers. */
export const EVENT_BUCKET_MAX: number = 2 ** 29;

/** Most keys of a table: three times a slot is still a 32-bit integer. */
export const TABLE_KEYS_MAX: number = 2 ** 28;

/** @returns True for a number that a column of 32-bit integers holds and that is not negative. */
export function isCount32(value: number): boolean {
  return value >= 0 && (value | 0) === value;
}
