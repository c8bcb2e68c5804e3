/**
 * The number of nodes to sample so that the best of them is good enough.
 *
 * The quality of a node for a job is 0 if the job does not fit there, which holds for all but a share f of the nodes,
 * and else its rank among those that fit, uniform in [0, 1]. The best of R independent samples is at most x with
 * probability (1 − f(1 − x))^R, so its mean is 1 − (1 − (1 − f)^(R+1)) / (f (R + 1)); with f = 1, R / (R + 1).
 *
 * @source The form x^R for f = 1: Delimitrou, Sanchez, Kozyrakis 2015, Tarcil: reconciling scheduling speed and quality
 *   in
 *         large shared clusters, SoCC, §3. The share f in it is ours.
 */

/** @param samples R ≥ 1. @param share f in [0, 1]. @returns The mean quality of the best of R, in [0, 1). */
export function bestOfQuality(samples: number, share: number): number {
  if (share <= 0) return 0;
  return 1 - (1 - (1 - share) ** (samples + 1)) / (share * (samples + 1));
}

/** @returns The least R ≥ 1 with a mean quality of at least `target`, or `samplesMax` + 1 if there is none up to there. */
export function samplesFor(target: number, share: number, samplesMax: number): number {
  let samples = 1;
  while (samples <= samplesMax && bestOfQuality(samples, share) < target) samples++;
  return samples;
}
