/**
 * The sizes by which the published baselines normalise: those of the largest node of their cluster.
 *
 * @source Weng et al. 2023, USENIX ATC'23; see `docs/packing.md`.
 */

/** CPU of the largest node. */
export const LARGEST_CPU_MILLI = 128_000;

/** GPUs of the largest node. */
export const LARGEST_GPU_MILLI = 8_000;
