/**
 * The rent of scarce hardware, written once over an algebra: numbers give the charge of `FlavorRent`, duals its rise
 * with load as well.
 *
 * Here it is evaluated on the sums of a hologram, which may be of many zones: rents are not averaged: they are computed
 * from added sums.
 *
 * @source `flavor-rent.ts`; theory §1B (slopes).
 */
import { type Algebra, REAL } from '../../physics/algebra.ts';
import { DUAL, type Dual, differentiate } from '../../physics/dual.ts';
import { RENT_DEFAULTS, type RentOptions } from '../flavor-rent.ts';
import type { Hologram } from './hologram.ts';

/** An algebra whose numbers have a size, so that a formula may have a cap. */
export interface SizedAlgebra<T> extends Algebra<T> {
  /** @returns The plain value. */
  sizeOf(a: T): number;
}

/** Plain numbers. */
export const SIZED_REAL: SizedAlgebra<number> = { ...REAL, sizeOf: (a) => a };
/** Dual numbers. At a cap the derivative is that of the side in force. */
export const SIZED_DUAL: SizedAlgebra<Dual> = { ...DUAL, sizeOf: (a) => a.value };

/** The inputs of one GPU model's rent, in milli-GPU. */
export interface RentSums {
  /** Decayed demand that is bound to the model, and all of it. */
  readonly boundMilli: number;
  readonly demandMilli: number;
  /** Idle GPU of the model, and of all models. */
  readonly freeOfModelMilli: number;
  readonly freeMilli: number;
}

/**
 * Rent per milli-GPU requested, once `load` more milli-GPU of the model are in use: λ · min(cap, bound / demand · (free
 * − load) / max(1, freeOfModel − load)); 0 where nothing is bound.
 */
export function rentPerMilli<T>(
  algebra: SizedAlgebra<T>,
  sums: RentSums,
  { lambda, scarcityMax }: RentOptions,
  load: T,
): T {
  const { boundMilli, demandMilli, freeOfModelMilli, freeMilli } = sums;
  if (boundMilli === 0 || demandMilli === 0) return algebra.constant(0);
  const free = algebra.subtract(algebra.constant(freeMilli), load);
  const ofModel = algebra.subtract(algebra.constant(freeOfModelMilli), load);
  const one = algebra.constant(1);
  const least = algebra.sizeOf(ofModel) > 1 ? ofModel : one;
  const share = algebra.constant(boundMilli / demandMilli);
  const scarcity = algebra.divide(algebra.multiply(share, free), least);
  const capped = algebra.sizeOf(scarcity) < scarcityMax ? scarcity : algebra.constant(scarcityMax);
  return algebra.multiply(algebra.constant(lambda), capped);
}

/**
 * The rent of a GPU model according to a hologram.
 *
 * @returns `value`: rent per milli-GPU requested; `slope`: its rise for each milli-GPU placed.
 *          0 and 0 for a model that is not in it. O(models).
 */
export function rentOf(hologram: Hologram, gpuModel: string, options: RentOptions = RENT_DEFAULTS): Dual {
  const model = hologram.models.find((known) => known.gpuModel === gpuModel);
  let freeMilli = 0;
  for (const known of hologram.models) freeMilli += known.freeMilli;
  const sums = {
    boundMilli: model?.boundMilli ?? 0,
    demandMilli: hologram.demandMilli,
    freeOfModelMilli: model?.freeMilli ?? 0,
    freeMilli,
  };
  return differentiate((load) => rentPerMilli(SIZED_DUAL, sums, options, load), 0);
}
