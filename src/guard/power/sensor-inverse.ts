/**
 * What a device draws now, from a sensor that shows the mean of a window: P(t) = P(t − w) + w dr/dt.
 *
 * The recursion is exact without noise, and never forgets an error; so a part of the difference to the reading is dropped
 * each window.
 */
import { assert } from '../../kernel/assert.ts';

/** Part of the difference between estimate and reading that a window keeps. */
const KEPT = 0.9;
/** Most ticks in a window. */
export const INVERSE_TICKS_MAX = 65_536;

/** The estimator of one device. Single writer. Allocates nothing after construction. */
export class SensorInverse {
  /** Estimates of the last window. */
  private readonly ring: Float64Array;
  private next = 0;
  private last = Number.NaN;

  /** @param ticks Ticks in the sensor's window, 1 to `INVERSE_TICKS_MAX`. */
  constructor(ticks: number) {
    assert(Number.isInteger(ticks) && ticks >= 1 && ticks <= INVERSE_TICKS_MAX, 'a window of no ticks');
    this.ring = new Float64Array(ticks);
  }

  /** Takes the reading of a tick. @returns W; NaN for NaN: it starts over with the next reading. O(1). */
  update(reading: number): number {
    const { ring } = this;
    if (Number.isNaN(reading)) {
      this.last = reading;
      return reading;
    }
    if (Number.isNaN(this.last)) ring.fill(reading);
    else {
      const before = ring[this.next] as number;
      const exact = before + (reading - this.last) * ring.length;
      ring[this.next] = Math.max(0, reading + KEPT * (exact - reading));
    }
    const estimate = ring[this.next] as number;
    this.next = (this.next + 1) % ring.length;
    this.last = reading;
    return estimate;
  }
}
