/**
 * Units that several layers convert between.
 */

/** Bytes of one MiB. */
export const BYTES_PER_MIB = 1_048_576;
