/**
 * The part of a cluster that reservations may keep idle, as savings that grow with time and are spent by what stands idle.
 *
 * Unit: seconds of the whole cluster. So over any time T reservations made from it keep at most share × T + savedMax of the
 * cluster idle, and what one of them overdraws.
 */

/** See the head of the file. O(1) a call. */
export class IdleBudget {
  private readonly share: number;
  private readonly savedMaxSeconds: number;
  private atSeconds = Number.NaN;
  private saved = 0;

  /**
   * @param share            In [0, 1].
   * @param savedMaxSeconds  Savings stop growing here, ≥ 0.
   */
  constructor(share: number, savedMaxSeconds: number) {
    this.share = share;
    this.savedMaxSeconds = savedMaxSeconds;
  }

  /** Savings; negative: overdrawn. */
  get savedSeconds(): number {
    return this.saved;
  }

  /** Time passes. @param idleShare Part of the cluster that reservations have kept idle since the last call. */
  advance(timeSeconds: number, idleShare: number): void {
    const seconds = Number.isNaN(this.atSeconds) ? 0 : timeSeconds - this.atSeconds;
    this.atSeconds = timeSeconds;
    this.saved = Math.min(this.savedMaxSeconds, this.saved + seconds * (this.share - idleShare));
  }

  /** @returns When savings reach an amount if nothing is spent, perhaps in the past; Infinity: never. */
  reachesAt(savedSeconds: number): number {
    if (savedSeconds <= this.saved) return this.atSeconds;
    if (this.share === 0 || savedSeconds > this.savedMaxSeconds) return Number.POSITIVE_INFINITY;
    return this.atSeconds + (savedSeconds - this.saved) / this.share;
  }
}
