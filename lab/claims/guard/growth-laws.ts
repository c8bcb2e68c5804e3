/** Laws of memory growth under test: the filter of the guard, and the laws that must fail beside it. MB, MB/s. */
import { GrowthFilter, type GrowthFilterOptions } from '../../../src/guard/barrier/growth-filter.ts';
import { atMost, type Check } from '../claim.ts';
import { type GrowthLaw, type GrowthRun, runGrowth, rungeKutta } from './memory-plant.ts';

/** M. */
export const LIMIT = 400;
/** ū. */
export const RATE_MAX = 1000;
/** T. */
export const TICK = 0.01;
/** τ. */
export const LAG = 0.1;
/** Usage at the start: off the grid of ū T, on which a law that is too hot lands on the limit by chance. */
const START = 3;
/** Rounding of a run, MB. */
export const ROUNDING = 1e-6;

/** A group of the design's table: 3 s at full demand. */
export function standardRun(law: GrowthLaw, changes: Partial<GrowthRun> = {}): GrowthRun {
  return {
    law,
    lagSeconds: LAG,
    tickSeconds: TICK,
    seconds: 3,
    rateMax: RATE_MAX,
    limit: () => LIMIT,
    usage: START,
    ...changes,
  };
}

/** The guard's filter. */
export function filtered(changes: Partial<GrowthFilterOptions> = {}): GrowthLaw {
  const filter = new GrowthFilter({ ...FILTER, ...changes });
  return (usage, growth, limit, time) => filter.allow(usage, growth, limit, time);
}

/** The filter's constants where nothing is old, late or in error. */
export const FILTER: GrowthFilterOptions = {
  lagSeconds: LAG,
  tickSeconds: TICK,
  staleSeconds: 0,
  deadSeconds: 0,
  rateMax: RATE_MAX,
  margin: 0,
};

/** The high-order barrier with any gains, cut to what an actuator has. */
export function barrierOf(k1: number, k2: number, lag: number): GrowthLaw {
  return (usage, growth, limit) => cut(growth + lag * (k1 * k2 * (limit - usage) - (k1 + k2) * growth));
}

/** A barrier that ignores the lag. */
export function firstDegree(gain: number): GrowthLaw {
  return (usage, _growth, limit) => cut(gain * (limit - usage));
}

/** Full rate below the limit, none above. */
export const threshold: GrowthLaw = (usage, _growth, limit) => (usage < limit ? RATE_MAX : 0);

/** The barrier of a limit that falls by `slope` MB/s. */
export function fallingBarrier(slope: (time: number) => number): GrowthLaw {
  return (usage, growth, limit, time) =>
    cut((limit + LAG * slope(time) - usage - LAG * growth) / TICK + slope(time));
}

/** The barrier as a soft constraint: slack is allowed at a penalty. */
export function slackened(penalty: number): GrowthLaw {
  return (usage, growth, limit) => {
    const bound = (limit - usage - LAG * growth) / TICK;
    return cut(bound >= RATE_MAX ? RATE_MAX : bound + (RATE_MAX - bound) / (1 + penalty));
  };
}

/** @returns A rate within [0, ū]. */
export function cut(rate: number): number {
  return Math.min(Math.max(rate, 0), RATE_MAX);
}

/** @param law Makes the law with fresh state for each run. @returns Overshoot past the limit, MB; the larger of two integrators. */
export function overshoot(law: () => GrowthLaw, changes: Partial<GrowthRun> = {}): number {
  const exact = runGrowth(standardRun(law(), changes)).overshoot;
  return Math.max(exact, runGrowth(standardRun(law(), { ...changes, integrator: rungeKutta })).overshoot);
}

/** @returns The check that a limit is not passed. @param measured MB. */
export function held(what: string, measured: number): Check {
  return atMost(`overshoot in MB, ${what}`, measured, ROUNDING);
}

/** @returns Figures of a note, with a minus sign. */
export function figures(values: readonly number[], digits = 1): string {
  return values.map((x) => x.toFixed(digits).replace('-', '−')).join('/');
}
