/**
 * What a device draws now, from a sensor that shows the mean of a window: P(t) = P(t − w) + w dr/dt.
 *
 * The recursion is exact without noise, and never forgets an error; so it starts over whenever the reading has been steady for
 * a window, and then is the truth.
 */
import { assert } from '../../kernel/assert.ts';

/** Change of a reading over a window, relative, up to which it counts as steady. */
const STEADY = 0.02;
/** Most ticks in a window. */
export const INVERSE_TICKS_MAX = 65_536;

/** The estimator of one device. Single writer. Allocates nothing after construction. */
export class SensorInverse {
  /** Estimates of the last window. */
  private readonly ring: Float64Array;
  private next = 0;
  private last = Number.NaN;
  /** Ticks for which the reading has been steady. */
  private calm = 0;

  /** @param ticks Ticks in the sensor's window, 1 to `INVERSE_TICKS_MAX`. */
  constructor(ticks: number) {
    assert(Number.isInteger(ticks) && ticks >= 1 && ticks <= INVERSE_TICKS_MAX, 'a window of no ticks');
    this.ring = new Float64Array(ticks);
  }

  /** Takes the reading of a tick. @returns W; NaN for NaN: it starts over with the next reading. O(1), O(ticks) where the reading is steady. */
  update(reading: number): number {
    const { ring } = this;
    if (Number.isNaN(reading)) {
      this.last = reading;
      return reading;
    }
    const change = (reading - this.last) * ring.length;
    this.calm = Math.abs(change) <= STEADY * reading ? this.calm + 1 : 0;
    if (Number.isNaN(change) || this.calm >= ring.length) ring.fill(reading);
    else ring[this.next] = Math.max(0, (ring[this.next] as number) + change);
    const estimate = ring[this.next] as number;
    this.next = (this.next + 1) % ring.length;
    this.last = reading;
    return estimate;
  }
}
