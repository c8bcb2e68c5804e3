/**
 * Decayed usage as Kueue's Admission Fair Sharing keeps it: sampled, with a penalty at the start of a job.
 *
 *     at each sample     usage ← (1 − A)·usage + A·held          A = 1 − 0.5^(sampling ÷ half-life)
 *     at a job's start   usage ← usage + A·request
 *
 * The penalty counts a job before the first sample sees it: otherwise one tenant could start all its jobs between two samples.
 *
 * @source Kueue, KEP-4136 Admission Fair Sharing; written from its definition.
 */
import { assert } from '../../kernel/assert.ts';
import { halvings } from '../prices/half-life.ts';

/** @returns A: the part of the usage that one sample renews, and the part of a request that counts at once; in (0, 1). */
export function admissionRate(samplingSeconds: number, halfLifeSeconds: number): number {
  assert(samplingSeconds > 0 && halfLifeSeconds > 0, 'a sampling interval and a half-life above 0');
  return 1 - halvings(samplingSeconds / halfLifeSeconds);
}

/**
 * @param samples Taken since the last call while the same was held, an integer ≥ 0.
 * @returns The usage after them, within a few ulp of one sample after the other. O(1).
 */
export function admissionUsage(
  usage: number,
  held: number,
  samples: number,
  samplingSeconds: number,
  halfLifeSeconds: number,
): number {
  return held + (usage - held) * halvings((samples * samplingSeconds) / halfLifeSeconds);
}
