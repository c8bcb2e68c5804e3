/**
 * The number of requests that may be in flight: additive increase while latency stays, multiplicative decrease when it
 * grows.
 *
 * Why by latency: a busy server answers later long before it refuses, and requests that only wait inside it cost it
 * memory and slow all other clients down. Latency below `fineSeconds` never causes a shrink: with many in flight on few
 * cores half of it is waiting for one's own requests (Little's law), and fewer would lose throughput.
 */
import { assert } from '../../../kernel/assert.ts';

/** Bounds of the window. */
export interface LatencyWindowOptions {
  /** Integers, 1 ≤ min ≤ max. */
  readonly min: number;
  readonly max: number;
  /** Median latency, seconds, that needs no shrinking whatever its floor is. */
  readonly fineSeconds: number;
}

/** Shrinking needs a median this many times its floor. */
const GROWN_FACTOR = 2;
/** Factor of the window at a shrink. */
const SHRINK_FACTOR = 0.75;
/** The floor rises by this factor a round, so that a permanently slower server is not throttled forever. */
const FLOOR_DRIFT = 1.01;

/** The window; in rounds of as many answers as it is wide. */
export class LatencyWindow {
  readonly #options: LatencyWindowOptions;
  #size: number;
  #samples: number[] = [];
  #wasFull = false;
  #floorSeconds = Number.POSITIVE_INFINITY;

  constructor(options: LatencyWindowOptions) {
    assert(options.min >= 1 && options.max >= options.min, 'a window has bounds 1 <= min <= max');
    this.#options = options;
    this.#size = Math.max(options.min, options.max >> 1);
  }

  /** Number of requests that may be in flight now; integer in [min, max]. */
  get size(): number {
    return this.#size;
  }

  /**
   * Takes the latency of an answer. @param full True if the window was used up, or nearly so, when the request was
   * sent.
   */
  sample(latencySeconds: number, full: boolean): void {
    this.#samples.push(latencySeconds);
    this.#wasFull ||= full;
    if (this.#samples.length >= Math.max(8, this.#size)) this.#endRound();
  }

  /** The server reported overload. */
  shrink(): void {
    this.#size = Math.max(this.#options.min, Math.floor(this.#size * SHRINK_FACTOR));
    this.#samples = [];
    this.#wasFull = false;
  }

  #endRound(): void {
    const sorted = this.#samples.sort((a, b) => a - b);
    const median = sorted[sorted.length >> 1]!;
    this.#floorSeconds = Math.min(this.#floorSeconds * FLOOR_DRIFT, median);
    const wasFull = this.#wasFull;
    this.#samples = [];
    this.#wasFull = false;
    if (median > this.#options.fineSeconds && median > GROWN_FACTOR * this.#floorSeconds) this.shrink();
    else if (wasFull) this.#size = Math.min(this.#options.max, this.#size + Math.max(1, this.#size >> 3));
  }
}
