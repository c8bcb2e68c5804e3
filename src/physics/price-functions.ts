/**
 * The prices and fields in use, each written once over an algebra: numbers give the price, duals its slope as well.
 *
 * Loads ρ are fractions of a capacity. The closed forms below them are what hot loops use; a test holds them to the
 * generic formula.
 *
 * @source theory §1A (potential, price), §1B (slopes), §2A (double well), §2B (free energy of classes).
 */
import { assert } from '../kernel/assert.ts';
import type { Algebra } from './algebra.ts';

/** The potential of a node: −ln(1 − ρ), a wall without end at ρ = 1. ρ < 1. */
export function barrier<T>(algebra: Algebra<T>, rho: T): T {
  const none = algebra.constant(0);
  return algebra.subtract(none, algebra.log(algebra.subtract(algebra.constant(1), rho)));
}

/** The marginal price of the barrier: 1 / (1 − ρ), also the mean response of an M/M/1 server. ρ < 1. */
export function reciprocal<T>(algebra: Algebra<T>, rho: T): T {
  return algebra.divide(algebra.constant(1), algebra.subtract(algebra.constant(1), rho));
}

/** c₀ + c₁ρ + c₂ρ² + …, by Horner's rule. */
export function polynomial<T>(algebra: Algebra<T>, coefficients: readonly number[], rho: T): T {
  assert(coefficients.length > 0, 'a polynomial without coefficients');
  let sum = algebra.constant(0);
  for (let i = coefficients.length - 1; i >= 0; i--) {
    sum = algebra.add(algebra.multiply(sum, rho), algebra.constant(coefficients[i] as number));
  }
  return sum;
}

/** The double well (q² − 1)²: two minima at ±1, a barrier of height 1 between them. */
export function doubleWell<T>(algebra: Algebra<T>, q: T): T {
  return polynomial(algebra, [1, 0, -2, 0, 1], q);
}

/**
 * Free energy of a histogram as a smooth field: −T ln Σ_k g_k e^{−U_k/T} e^{−(q − c_k)²/2w²}.
 *
 * @param centres c_k, where class k stands on the feature axis. @shape [k]
 * @param levels  U_k. @shape [k]
 * @param counts  g_k ≥ 0, not all 0 near q. @shape [k]
 * @param width   w > 0, the smoothing.
 * @cost O(classes), two exponentials each.
 */
export function smoothedFreeEnergy<T>(
  algebra: Algebra<T>,
  centres: ArrayLike<number>,
  levels: ArrayLike<number>,
  counts: ArrayLike<number>,
  temperature: number,
  width: number,
  q: T,
): T {
  assert(temperature > 0 && width > 0, 'a temperature or a width is not positive');
  assert(
    levels.length === centres.length && counts.length === centres.length,
    'columns of classes differ in length',
  );
  const narrowness = algebra.constant(-1 / (2 * width * width));
  let sum = algebra.constant(0);
  for (let k = 0; k < centres.length; k++) {
    const weight = (counts[k] as number) * Math.exp(-(levels[k] as number) / temperature);
    const away = algebra.subtract(q, algebra.constant(centres[k] as number));
    const bump = algebra.exp(algebra.multiply(narrowness, algebra.multiply(away, away)));
    sum = algebra.add(sum, algebra.multiply(algebra.constant(weight), bump));
  }
  return algebra.multiply(algebra.constant(-temperature), algebra.log(sum));
}

/** `reciprocal` of plain numbers: divisions only, the same on every engine. */
export function reciprocalPrice(load: number, capacity: number): number {
  assert(load < capacity, 'a load that is not below its capacity has no price');
  return capacity / (capacity - load);
}

/** Slope of `reciprocalPrice` by the load. */
export function reciprocalSlope(load: number, capacity: number): number {
  assert(load < capacity, 'a load that is not below its capacity has no price');
  const room = capacity - load;
  return capacity / (room * room);
}
