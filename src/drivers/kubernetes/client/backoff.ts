/** How long to wait before the next attempt. */

/** Bounds of the waits. */
export interface BackoffOptions {
  readonly firstSeconds: number;
  readonly longestSeconds: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Upper bound on the wait that a server may request, seconds. */
export const ASKED_SECONDS_MAX = 60;

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
   * @param retryAfterSeconds The wait that the server requested; NaN if none. It is a lower bound of the wait, itself
   *                          capped at `ASKED_SECONDS_MAX`.
   * @returns Seconds to wait: at least first / 2, at most 1.5 times the longer of the longest and the requested wait.
   */
  fail(retryAfterSeconds = Number.NaN): number {
    const { firstSeconds, longestSeconds, random } = this.options;
    const doubled = Math.min(longestSeconds, firstSeconds * 2 ** Math.min(this.count, 30));
    this.count++;
    const asked = Number.isNaN(retryAfterSeconds) ? 0 : Math.min(ASKED_SECONDS_MAX, retryAfterSeconds);
    const spread = random();
    return Math.max(asked * (1 + spread / 2), doubled * (0.5 + spread));
  }

  /** Counts a success: the next wait is the shortest again. */
  succeed(): void {
    this.count = 0;
  }
}
