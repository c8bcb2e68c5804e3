/**
 * Langevin motion: walkers that slide down a field and are kicked by noise, so that they visit places in proportion to
 * e^{−A/T}. Three integrators: BAOAB (with momentum), Leimkuhler–Matthews (without), and Euler–Maruyama, the simple
 * one, included because the others avoid its bias.
 *
 * What it means to an operator: T is how far from the best place a walker may stray, friction how quickly it forgets
 * where it was heading (low: fewer, smoother moves).
 *
 * Stability: all are explicit, the step h must stay below 2/ω_max, ω² = max A''. On a barrier −ln(1 − ρ) that bound
 * does not exist unless ρ is capped; BAOAB on (q² − 1)² at T = 0.5 runs away at h = 0.4.
 *
 * Noise comes from `fillNormal` (Math.log): the last bit may differ between engines.
 *
 * @source theory §2A; Leimkuhler & Matthews 2013, Rational construction of stochastic numerical methods for molecular
 *         sampling, AMRX (arXiv 1203.5428).
 */
import { assert } from '../kernel/assert.ts';
import { fillNormal } from '../kernel/normal.ts';
import type { Random } from '../kernel/random.ts';

/** Writes −∇A at every coordinate. @param positions @shape [n] @param out @shape [n] */
export type Force = (positions: Float64Array, out: Float64Array) => void;

/** Walkers side by side, or the coordinates of one: the force decides which. @shape all arrays [n] */
export interface Walkers {
  readonly positions: Float64Array;
  /** Only BAOAB moves them. */
  readonly momenta: Float64Array;
  /** Force at `positions`; kept up to date by every step, set by `makeWalkers`. */
  readonly forces: Float64Array;
  /** Noise of the last step; Leimkuhler–Matthews uses it again. */
  readonly noise: Float64Array;
  readonly scratch: Float64Array;
}

/** @returns Walkers at the given positions with momenta drawn at the temperature. */
export function makeWalkers(
  positions: ArrayLike<number>,
  temperature: number,
  force: Force,
  random: Random,
): Walkers {
  assert(temperature >= 0, 'a temperature is negative');
  const n = positions.length;
  const walkers: Walkers = {
    positions: Float64Array.from(positions),
    momenta: new Float64Array(n),
    forces: new Float64Array(n),
    noise: new Float64Array(n),
    scratch: new Float64Array(n),
  };
  fillNormal(walkers.noise, random);
  fillNormal(walkers.momenta, random);
  const thermal = Math.sqrt(temperature);
  for (let i = 0; i < n; i++) walkers.momenta[i] = thermal * (walkers.momenta[i] as number);
  force(walkers.positions, walkers.forces);
  return walkers;
}

/**
 * One BAOAB step: kick, drift, friction and noise, drift, kick. Mass 1; one force evaluation.
 *
 * Positions are exact for quadratic fields and have a bias of order h² else; ⟨p²⟩ is not exact, do not check with it.
 */
export function baoabStep(
  w: Walkers,
  force: Force,
  step: number,
  friction: number,
  temperature: number,
  random: Random,
): void {
  const { positions, momenta, forces, noise } = w;
  assert(step > 0 && friction >= 0 && temperature >= 0, 'a step, a friction or a temperature out of range');
  const half = step / 2;
  const keep = Math.exp(-friction * step);
  const kick = Math.sqrt(temperature * (1 - keep * keep));
  fillNormal(noise, random);
  for (let i = 0; i < positions.length; i++) {
    const p = (momenta[i] as number) + half * (forces[i] as number);
    const drawn = keep * p + kick * (noise[i] as number);
    positions[i] = (positions[i] as number) + half * (p + drawn);
    momenta[i] = drawn;
  }
  force(positions, forces);
  for (let i = 0; i < positions.length; i++)
    momenta[i] = (momenta[i] as number) + half * (forces[i] as number);
}

/**
 * One Leimkuhler–Matthews step: q ← q − h∇A + √(2Th) (ξ_k + ξ_{k+1})/2, the noise of the last step used again.
 * Overdamped; the bias of positions is of order h², where Euler–Maruyama's is of order h, at the same cost.
 */
export function leimkuhlerMatthewsStep(
  w: Walkers,
  force: Force,
  step: number,
  temperature: number,
  random: Random,
): void {
  const { positions, forces, noise, scratch } = w;
  assert(step > 0 && temperature >= 0, 'a step or a temperature out of range');
  const kick = Math.sqrt(2 * temperature * step) / 2;
  fillNormal(scratch, random);
  for (let i = 0; i < positions.length; i++) {
    const next = scratch[i] as number;
    positions[i] =
      (positions[i] as number) + step * (forces[i] as number) + kick * ((noise[i] as number) + next);
    noise[i] = next;
  }
  force(positions, forces);
}

/** One Euler–Maruyama step: q ← q − h∇A + √(2Th) ξ. Overdamped; biased in order h. */
export function eulerMaruyamaStep(
  w: Walkers,
  force: Force,
  step: number,
  temperature: number,
  random: Random,
): void {
  const { positions, forces, noise } = w;
  assert(step > 0 && temperature >= 0, 'a step or a temperature out of range');
  const kick = Math.sqrt(2 * temperature * step);
  fillNormal(noise, random);
  for (let i = 0; i < positions.length; i++) {
    positions[i] = (positions[i] as number) + step * (forces[i] as number) + kick * (noise[i] as number);
  }
  force(positions, forces);
}
