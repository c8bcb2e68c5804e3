/**
 * What a power cap costs a training job: throughput and energy for the same work, by cap.
 *
 * @source Medians over networks, batch sizes and optimisers of the traces of You et al. 2023, Zeus: Understanding and
 *         Optimizing GPU Energy Consumption of DNN Training, NSDI'23 (ml-energy/zeus, Apache-2.0). Relative to the highest
 *         limit of the same network, batch size and optimiser. Caps that are too low cost energy: A40 at 100 W.
 */
import { assert } from '../../kernel/assert.ts';

/** Throughput and energy of equal work, relative to the highest limit, by limit. */
export interface ThrottlingCurve {
  readonly fullWatts: number;
  /** Ascending limits, W; the last is `fullWatts`. */
  readonly limits: readonly number[];
  /** @shape [limits.length] */
  readonly throughput: readonly number[];
  readonly energy: readonly number[];
}

/** V100, 250 W. */
export const V100_THROTTLING: ThrottlingCurve = {
  fullWatts: 250,
  limits: [100, 125, 150, 175, 200, 250],
  throughput: [0.725, 0.853, 0.899, 0.941, 0.965, 1],
  energy: [0.836, 0.796, 0.806, 0.845, 0.897, 1],
};

/** A40, 300 W. */
export const A40_THROTTLING: ThrottlingCurve = {
  fullWatts: 300,
  limits: [100, 150, 175, 200, 300],
  throughput: [0.354, 0.751, 0.929, 0.956, 1],
  energy: [1.394, 0.954, 0.839, 0.866, 1],
};

/**
 * Throughput under a cap, relative to none.
 *
 * @param watts The cap. Below the lowest limit that was measured: proportional to the cap, which is a guess.
 * @returns     In [0, 1]; linear between limits.
 */
export function throughputUnderCap(curve: ThrottlingCurve, watts: number): number {
  const least = curve.limits[0] as number;
  if (!(watts > 0)) return 0;
  if (watts < least) return ((curve.throughput[0] as number) * watts) / least;
  return interpolated(curve, curve.throughput, watts);
}

/** Energy of the same work under a cap, relative to none. @param watts At least the lowest limit that was measured. */
export function energyUnderCap(curve: ThrottlingCurve, watts: number): number {
  assert(watts >= (curve.limits[0] as number), 'a cap below those that were measured');
  return interpolated(curve, curve.energy, watts);
}

function interpolated({ limits }: ThrottlingCurve, values: readonly number[], watts: number): number {
  const above = limits.findIndex((limit) => limit >= watts);
  if (above < 0) return values[values.length - 1] as number;
  if (above === 0) return values[0] as number;
  const low = limits[above - 1] as number;
  const part = (watts - low) / ((limits[above] as number) - low);
  return (1 - part) * (values[above - 1] as number) + part * (values[above] as number);
}
