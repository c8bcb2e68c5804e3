/**
 * Liveness of the event loop: due work without a turn for a long time means that it is stuck, and the process should be
 * restarted.
 */

/** Watches one loop. Times are seconds of any clock that only goes forward. */
export class LoopHealth {
  readonly #stuckSeconds: number;
  /** Time since which work is due without a turn; NaN: none is. */
  #dueSince = Number.NaN;

  /** @param stuckSeconds The loop is stuck after this time without a turn. */
  constructor(stuckSeconds = 60) {
    this.#stuckSeconds = stuckSeconds;
  }

  /** Work waits for a turn. */
  due(nowSeconds: number): void {
    if (Number.isNaN(this.#dueSince)) this.#dueSince = nowSeconds;
  }

  /** A turn happened. */
  turned(): void {
    this.#dueSince = Number.NaN;
  }

  /** @returns '' or the problem. */
  problem(nowSeconds: number): string {
    const waited = nowSeconds - this.#dueSince;
    return waited > this.#stuckSeconds
      ? `work has waited ${Math.round(waited)} s for a turn of the loop`
      : '';
  }
}
