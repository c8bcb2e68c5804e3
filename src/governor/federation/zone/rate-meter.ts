/**
 * Events a second, as an exponentially weighted mean: O(1) memory, exact for a steady stream.
 */

/** A meter. Times must not go back. */
export class RateMeter {
  private readonly meanSeconds: number;
  /** Σ e^{−(now − t_i)/τ} at `at`. */
  private weight = 0;
  private at = Number.NEGATIVE_INFINITY;
  private since = Number.NaN;

  /** @param meanSeconds τ > 0: time for which events count. */
  constructor(meanSeconds: number) {
    this.meanSeconds = meanSeconds;
  }

  /** One event, now. */
  count(timeSeconds: number): void {
    if (Number.isNaN(this.since)) this.since = timeSeconds;
    this.weight = this.weight * this.decay(timeSeconds) + 1;
    this.at = timeSeconds;
  }

  /** @returns Events a second now; the time before the first event does not count as silence. */
  perSecond(timeSeconds: number): number {
    if (this.weight === 0) return 0;
    const watched = timeSeconds - this.since;
    // A meter that has watched for less than τ has not filled up: divide by the observed part.
    const full = this.meanSeconds * -Math.expm1(-watched / this.meanSeconds);
    return (this.weight * this.decay(timeSeconds)) / Math.max(full, this.meanSeconds / 16);
  }

  private decay(timeSeconds: number): number {
    return this.at === Number.NEGATIVE_INFINITY ? 0 : Math.exp((this.at - timeSeconds) / this.meanSeconds);
  }
}
