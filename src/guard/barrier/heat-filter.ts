/**
 * The barrier of temperature: how much power a device may draw so that its temperature never passes its limit.
 *
 * Plant: C Ṫ = P − (T − Ta)/R, Ṗ = (u − P)/τ, u_min ≤ u ≤ u_max. With k1 = 1/τ + 1/(RC) the high-order barrier of Tmax − T
 * becomes u ≤ (T − Ta)/R + C τ k2 ψ, ψ = k1 (Tmax − T) − Ṫ, which u_min meets whenever T ≥ Ta + R u_min; and ψ then falls
 * at most as fast as k2 ψ, so that k2 ≤ 1/tick keeps ψ ≥ 0, and so T ≤ Tmax, between ticks too.
 *
 * R and Ta drift with dust, fans and the room. Where Ṫ and P are measured, P − C Ṫ is the same heat flow without either,
 * and is the form to use: a wrong R and Ta let the other one pass the limit by several kelvins.
 *
 * @source Derived; docs/guard-laws.md; G-10 of `teg verify`.
 */
import { assert } from '../../kernel/assert.ts';

/** Constants of a heat filter. */
export interface HeatFilterOptions {
  /** C, J/K; > 0. */
  readonly capacity: number;
  /** τ, seconds: lag of the power behind its cap; > 0. */
  readonly lagSeconds: number;
  /** R C, seconds; > 0. Sets k1 alone. */
  readonly coolingSeconds: number;
  /** k2, 1/s: at most 1/(tick + oldest age of a reading); > 0. */
  readonly gain: number;
  /** ε, K: kept below the limit, for old readings. ≥ 0. */
  readonly margin: number;
  /** Range of the cap, W. */
  readonly powerMin: number;
  readonly powerMax: number;
}

/** The filter of one device. No state. */
export class HeatFilter {
  private readonly options: HeatFilterOptions;
  private readonly k1: number;

  constructor(options: HeatFilterOptions) {
    const { capacity, lagSeconds, coolingSeconds, gain, margin, powerMin, powerMax } = options;
    assert(capacity > 0 && lagSeconds > 0 && coolingSeconds > 0 && gain > 0, 'a constant is not positive');
    assert(margin >= 0 && powerMin >= 0 && powerMin <= powerMax, 'a margin or a range of caps out of bounds');
    this.options = options;
    this.k1 = 1 / lagSeconds + 1 / coolingSeconds;
  }

  /**
   * The highest cap until the next tick.
   *
   * @param celsius  T, as read.
   * @param slope    Ṫ, K/s, measured; filtered, with the filter's lag counted in the age of readings.
   * @param flowWatt Heat that leaves: (T − Ta)/R, or P − C Ṫ as measured.
   * @param limit    Tmax.
   * @returns        In [powerMin, powerMax]; powerMin if a value is not finite: no reading, no heat.
   */
  allow(celsius: number, slope: number, flowWatt: number, limit: number): number {
    const { capacity, lagSeconds, gain, margin, powerMin, powerMax } = this.options;
    if (!Number.isFinite(celsius + slope + flowWatt + limit)) return powerMin;
    const watts = flowWatt + capacity * lagSeconds * gain * this.psi(celsius, slope, limit - margin);
    return Math.min(Math.max(watts, powerMin), powerMax);
  }

  /** @returns True if the limit can be held from here: T ≤ Tmax − ε and ψ ≥ 0. */
  admits(celsius: number, slope: number, limit: number): boolean {
    const top = limit - this.options.margin;
    return celsius <= top && this.psi(celsius, slope, top) >= 0;
  }

  private psi(celsius: number, slope: number, limit: number): number {
    return this.k1 * (limit - celsius) - slope;
  }
}
