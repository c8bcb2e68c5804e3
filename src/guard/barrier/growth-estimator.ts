/**
 * Estimates the growth rate of a group's memory from readings that are quantised, late, or missing.
 *
 * The kernel charges memory in batches, so that usage moves in steps of q. A plain difference over a tick T then errs by
 * q/T, which a filter that multiplies it by the lag turns into overshoot. A first-order filter with weight α divides the
 * error by about 1/α and adds a lag of T(1 − α)/α, which belongs to τ̂ of the growth filter (`filterLag`).
 */
import { assert } from '../../kernel/assert.ts';

/** Settings of an estimator. */
export interface GrowthEstimatorOptions {
  /** α in (0, 1]: weight of the newest difference. */
  readonly weight: number;
  /** δ: an older reading is refused, seconds; > 0. */
  readonly staleSeconds: number;
}

/** Why a reading was refused. */
export type ReadingFault = 'not-a-number' | 'negative' | 'older-than-the-last';

/** Usage and growth of one group. Single writer. */
export class GrowthEstimator {
  private readonly options: GrowthEstimatorOptions;
  private lastTime = Number.NaN;
  private lastUsage = Number.NaN;
  private rate = Number.NaN;
  private fault: ReadingFault | undefined;

  constructor(options: GrowthEstimatorOptions) {
    assert(options.weight > 0 && options.weight <= 1, 'a weight outside (0, 1]');
    assert(options.staleSeconds > 0, 'readings of no age');
    this.options = options;
  }

  /**
   * Takes a reading. A faulty one changes nothing but `faultOfLast`; the estimate goes stale with time.
   *
   * @param usage   As read.
   * @param takenAt Time of the reading, seconds.
   */
  read(usage: number, takenAt: number): void {
    this.fault = this.faultOf(usage, takenAt);
    if (this.fault !== undefined) return;
    const elapsed = takenAt - this.lastTime;
    if (elapsed > 0) {
      const difference = (usage - this.lastUsage) / elapsed;
      const before = this.rate;
      this.rate = Number.isNaN(before) ? difference : before + this.options.weight * (difference - before);
    }
    this.lastTime = takenAt;
    this.lastUsage = usage;
  }

  /** Why the last reading was refused; undefined: it was taken. */
  get faultOfLast(): ReadingFault | undefined {
    return this.fault;
  }

  /** @returns Usage at the last good reading; NaN if there is none, or it is older than δ. */
  usageAt(time: number): number {
    return this.isFresh(time) ? this.lastUsage : Number.NaN;
  }

  /** @returns The filtered rate; NaN before two good readings, or if the last one is older than δ. */
  growthAt(time: number): number {
    return this.isFresh(time) ? this.rate : Number.NaN;
  }

  /** Forgets the rate: the group was frozen or thawed, and its past says nothing about it. */
  restart(): void {
    this.rate = Number.NaN;
    this.lastTime = Number.NaN;
    this.lastUsage = Number.NaN;
  }

  private isFresh(time: number): boolean {
    return time - this.lastTime <= this.options.staleSeconds;
  }

  private faultOf(usage: number, takenAt: number): ReadingFault | undefined {
    if (!Number.isFinite(usage) || !Number.isFinite(takenAt)) return 'not-a-number';
    if (usage < 0) return 'negative';
    return takenAt < this.lastTime ? 'older-than-the-last' : undefined;
  }
}

/** The lag that a filter of weight α adds at a tick of T seconds: T (1 − α)/α. */
export function filterLag(weight: number, tickSeconds: number): number {
  assert(weight > 0 && weight <= 1 && tickSeconds > 0, 'a weight or a tick out of range');
  return (tickSeconds * (1 - weight)) / weight;
}
