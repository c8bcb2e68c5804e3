/**
 * A power sensor that shows the mean of the last window: a step appears as a ramp that lasts a window.
 *
 * @source NVIDIA's `power.draw` from Ampere on is such a mean over 1 s; steps of an H100 node show as ramps of 1.0 to 1.1 s.
 */
import { assert } from '../../kernel/assert.ts';

/** Most samples of a window. */
export const BOXCAR_SAMPLES_MAX = 65_536;

/** The sensor of one device. Single writer. Allocates nothing after construction. */
export class Boxcar {
  /** Ring of the last samples. */
  private readonly samples: Float64Array;
  private next = 0;
  private sum: number;

  /** @param samples Samples in a window, 1 to `BOXCAR_SAMPLES_MAX`. @param watts What the device drew before. */
  constructor(samples: number, watts: number) {
    assert(
      Number.isInteger(samples) && samples >= 1 && samples <= BOXCAR_SAMPLES_MAX,
      'a window of no samples, or of too many',
    );
    this.samples = new Float64Array(samples).fill(watts);
    this.sum = watts * samples;
  }

  /** Takes the mean power since the last sample. O(1). */
  push(watts: number): void {
    const { samples } = this;
    this.sum += watts - (samples[this.next] as number);
    samples[this.next] = watts;
    this.next++;
    if (this.next < samples.length) return;
    this.next = 0;
    // Rounding errors of the running sum would grow without end.
    let sum = 0;
    for (const sample of samples) sum += sample;
    this.sum = sum;
  }

  /** @returns The reading, W. */
  read(): number {
    return this.sum / this.samples.length;
  }
}
