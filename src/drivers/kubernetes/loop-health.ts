/**
 * Whether the loop goes on: work that is due and no turn for long means that it is stuck, and the process is better restarted.
 */

/** Watches one loop. Times are seconds of any clock that only goes forward. */
export class LoopHealth {
  readonly #stuckSeconds: number;
  /** Since when work is due without a turn; NaN: none is. */
  #dueSince = Number.NaN;

  /** @param stuckSeconds Without a turn for so long the loop is stuck. */
  constructor(stuckSeconds = 60) {
    this.#stuckSeconds = stuckSeconds;
  }

  /** Work waits for a turn. */
  due(nowSeconds: number): void {
    if (Number.isNaN(this.#dueSince)) this.#dueSince = nowSeconds;
  }

  /** A turn was made. */
  turned(): void {
    this.#dueSince = Number.NaN;
  }

  /** @returns '' or what is wrong. */
  problem(nowSeconds: number): string {
    const waited = nowSeconds - this.#dueSince;
    return waited > this.#stuckSeconds
      ? `work has waited ${Math.round(waited)} s for a turn of the loop`
      : '';
  }
}
