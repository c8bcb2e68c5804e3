/** How long to wait before the next attempt. */

/** Bounds of the waits. */
export interface BackoffOptions {
  readonly firstSeconds: number;
  readonly longestSeconds: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Waits that double with each failure and are spread by ± 50 %, so that many clients do not come back together. */
export class Backoff {
  private readonly options: BackoffOptions;
  private count = 0;

  constructor(options: BackoffOptions) {
    this.options = options;
  }

  /** Failures since the last success. */
  get failures(): number {
    return this.count;
  }

  /**
   * Counts a failure.
   *
   * @param retryAfterSeconds What the server asked for; NaN if it did not. It is a lower bound of the wait, itself
   *                          taken for no more than the longest wait.
   * @returns Seconds to wait, in [first / 2, longest × 1.5].
   */
  fail(retryAfterSeconds = Number.NaN): number {
    const { firstSeconds, longestSeconds, random } = this.options;
    const doubled = Math.min(longestSeconds, firstSeconds * 2 ** Math.min(this.count, 30));
    this.count++;
    const asked = Number.isNaN(retryAfterSeconds) ? 0 : Math.min(longestSeconds, retryAfterSeconds);
    const spread = random();
    return Math.max(asked * (1 + spread / 2), doubled * (0.5 + spread));
  }

  /** Counts a success: the next wait is the shortest again. */
  succeed(): void {
    this.count = 0;
  }
}
