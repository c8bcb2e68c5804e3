/**
 * The highest cap that keeps a device below its temperature limit, although commands take time and readings are coarse.
 *
 * The state is carried forward to when a command can take effect, with the device drawing all that it may until then; the
 * heat filter decides there. Heat that leaves is (T − inlet)/R with R and inlet at their upper bounds: less leaves in the
 * model than in truth, so no slope of a temperature that is read in whole degrees is needed.
 */
import { HeatFilter } from '../barrier/heat-filter.ts';

/** The device's constants, as bounds. */
export interface HeatCeilingOptions {
  /** °C. */
  readonly limit: number;
  /** K: a reading is at most that far below the truth. */
  readonly readingError: number;
  /** R, K/W, upper bound. */
  readonly kelvinPerWatt: number;
  /** R C, s, lower bound: how fast it heats. */
  readonly coolingSeconds: number;
  /** Lag of power behind the cap, s. */
  readonly lagSeconds: number;
  /** Fastest rise of the air's temperature, K/s. */
  readonly inletRise: number;
  /** Time between decisions, and the longest one from a command to its effect, s. */
  readonly tickSeconds: number;
  readonly deadSeconds: number;
  /** Range of the cap, W. */
  readonly floorWatts: number;
  readonly fullWatts: number;
}

/** The law of one device. No state. */
export class HeatCeiling {
  private readonly options: HeatCeilingOptions;
  private readonly filter: HeatFilter;
  /** From a decision to its effect, and to that of the next one. */
  private readonly horizon: number;

  constructor(options: HeatCeilingOptions) {
    const { kelvinPerWatt, coolingSeconds, lagSeconds, tickSeconds, deadSeconds } = options;
    this.options = options;
    this.horizon = deadSeconds + tickSeconds;
    this.filter = new HeatFilter({
      capacity: coolingSeconds / kelvinPerWatt,
      lagSeconds,
      coolingSeconds,
      gain: 1 / (this.horizon + lagSeconds),
      margin: 0,
      powerMin: options.floorWatts,
      powerMax: options.fullWatts,
    });
  }

  /**
   * @param celsius   As read.
   * @param air       Temperature of the air now, upper bound.
   * @param committed W that the device may draw until a command takes effect.
   * @returns         The highest cap; the floor if a value is not finite.
   */
  allow(celsius: number, air: number, committed: number): number {
    const { limit, readingError, kelvinPerWatt, coolingSeconds } = this.options;
    const now = celsius + readingError;
    // Until the command after this one takes effect.
    const inlet = air + 2 * this.horizon * this.options.inletRise;
    const settled = Math.max(inlet + kelvinPerWatt * committed, now);
    const later = settled + (now - settled) * Math.exp(-this.horizon / coolingSeconds);
    const flow = (later - inlet) / kelvinPerWatt;
    const slope = ((committed - flow) * kelvinPerWatt) / coolingSeconds;
    return this.filter.allow(later, Math.max(0, slope), flow, limit);
  }
}
