/**
 * Settings of TEG's placement inside a zone. One set for every workload; nothing is tuned per list or cluster.
 */

import type { ClassIndexOptions } from '../../field/class-index.ts';
import { RENT_DEFAULTS, type RentOptions } from '../../field/flavor-rent.ts';
import type { PriceOptions } from '../../field/prices.ts';
import { STRANDING_DEFAULTS } from '../../field/stranding.ts';

/** How the typical workload is learned where it is not given. */
export interface LearningOptions {
  /** Arrivals after which one counts half. */
  readonly halfLifePods: number;
  /** Arrivals before the first check; later checks come at four times as many, at most `lookEveryMax` apart. */
  readonly firstLookPods: number;
  readonly lookEveryMax: number;
  /** Prices are made again where the distribution moved by more than this total variation distance. */
  readonly driftMax: number;
  /** Departures after which pods count as leaving, and shapes weigh by `sizeBias`. */
  readonly departuresMin: number;
  /** Power of a shape's GPUs in its weight, once pods leave; see `pricesOf`. */
  readonly sizeBias: number;
}

/** All settings. */
export interface TegOptions {
  readonly price: PriceOptions;
  readonly rent: RentOptions;
  readonly index: ClassIndexOptions;
  readonly learning: LearningOptions;
  /** Most shape classes; see `ClassTable`. */
  readonly classesMax: number;
}

/** The defaults; `docs/field.md` has the measurements behind each. */
export const TEG_DEFAULTS: TegOptions = {
  price: { ...STRANDING_DEFAULTS, openingMilli: 35, gpuOpeningMilli: -5, milliPerWatt: 0 },
  rent: RENT_DEFAULTS,
  index: { demandsMax: 1024, boundaryProbesMax: 64 },
  learning: {
    halfLifePods: 20_000,
    firstLookPods: 64,
    lookEveryMax: 8192,
    driftMax: 0.08,
    departuresMin: 256,
    sizeBias: 2,
  },
  classesMax: 131_072,
};

/** With a price on power, where it is worth .6 points of allocation (docs/results/power.md). */
export const TEG_POWER: TegOptions = {
  ...TEG_DEFAULTS,
  price: { ...TEG_DEFAULTS.price, milliPerWatt: 2 },
};
