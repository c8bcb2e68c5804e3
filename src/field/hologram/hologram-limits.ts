/** Bounds of holograms: readers accept and writers produce nothing beyond them. */

/** Largest sum that is represented; merging saturates there. Any two add up exactly in double precision. */
export const SUM_MAX: number = 2 ** 52;
/** Rates are kept in whole 2^−20 a second, so that they add up exactly in any order. */
export const RATE_UNIT: number = 2 ** -20;
/** Most nodes that one class counts; merging saturates there. */
export const CLASS_NODES_MAX: number = 2 ** 31 - 1;

/** Most entries of each part of a hologram, and most bytes of the whole. */
export const HOLOGRAM_LIMITS = {
  /** Encoded. */
  bytesMax: 1_048_576,
  /** Kinds of nodes (GPU model and labels). Merging keeps the first in canonical order. */
  flavorsMax: 1024,
  /** Merging keeps the first in canonical order. */
  classesMax: 16_384,
  /** GPU models with their rent sums. Merging keeps the first in canonical order. */
  modelsMax: 1024,
  /** Distinct strings: models, labels, names of further resources. */
  stringsMax: 8192,
  /** UTF-8 bytes of one string. */
  stringBytesMax: 1024,
  /** Labels of one kind of node. */
  labelsMax: 64,
  /** Further resources of one class. */
  resourcesMax: 64,
} as const;
