/**
 * The key of a shape class: three 32-bit integers of bit fields, and the bounds that the fields set.
 *
 * host: flavour (16 bits), memory index (6), CPU index (10). GPUs: whole ones (5), levels of the three largest partial
 * ones (7 each), fresh (1), short (1). The third integer is the id of the further resources.
 */
import { assert } from '../kernel/assert.ts';

/** Most flavours whose ids fit into a class's key. */
export const CLASS_FLAVORS_MAX: number = 2 ** 16;
/** Most points of the lattice of free CPU. */
export const CLASS_CPU_POINTS_MAX: number = 2 ** 10;
/** Most whole GPUs of a class. */
export const CLASS_WHOLE_GPUS_MAX: number = 2 ** 5 - 1;
/** Highest level of a partial GPU. */
export const CLASS_PARTIAL_LEVEL_MAX: number = 2 ** 7 - 1;

/**
 * @returns Flavour, memory and CPU of a class in one integer. @param memoryIndex In [0, 64). @param cpuIndex Point of the
 * lattice.
 */
export function packHost(flavorId: number, memoryIndex: number, cpuIndex: number): number {
  assert(
    // One comparison: a value too large for its bits leaves a bit above them.
    ((flavorId >>> 16) | (memoryIndex >>> 6) | (cpuIndex >>> 10)) === 0,
    'a flavour, memory or CPU index does not fit its bits of a class',
  );
  return flavorId | (memoryIndex << 16) | (cpuIndex << 22);
}

/**
 * @returns The GPUs of a class in one integer. @param top0 Level of the largest partial GPU; then the next two. @param fresh 0 or
 * 1. @param short As `fresh`.
 */
export function packGpus(
  whole: number,
  top0: number,
  top1: number,
  top2: number,
  fresh: number,
  short = 0,
): number {
  assert(
    ((whole >>> 5) | (top0 >>> 7) | (top1 >>> 7) | (top2 >>> 7)) === 0,
    'whole GPUs or levels of partial ones do not fit their bits of a class',
  );
  return whole | (top0 << 5) | (top1 << 12) | (top2 << 19) | (fresh << 26) | (short << 27);
}
