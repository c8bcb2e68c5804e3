/**
 * Integrals that simulated motion is held to: means under e^{−A/T}, and the time to cross a barrier.
 *
 * @source theory §2A; Kramers 1940; Hänggi, Talkner, Borkovec 1990, Rev. Mod. Phys. 62, eqs. 2.27 and 7.7.
 */
import { assert } from '../kernel/assert.ts';

/** Simpson's rule over [a, b]. @param intervals Even, ≥ 2. */
export function simpson(f: (x: number) => number, a: number, b: number, intervals: number): number {
  assert(intervals >= 2 && intervals % 2 === 0, "Simpson's rule takes an even number of intervals");
  const h = (b - a) / intervals;
  let sum = f(a) + f(b);
  for (let i = 1; i < intervals; i++) sum += (i % 2 === 1 ? 4 : 2) * f(a + i * h);
  return (sum * h) / 3;
}

/** @returns ⟨observable⟩ under e^{−A/T} on [a, b], outside which e^{−A/T} must be negligible. */
export function gibbsMean(
  field: (q: number) => number,
  observable: (q: number) => number,
  temperature: number,
  a: number,
  b: number,
): number {
  assert(temperature > 0 && a < b, 'a temperature is not positive, or the range is empty');
  const weight = (q: number): number => Math.exp(-field(q) / temperature);
  return simpson((q) => observable(q) * weight(q), a, b, 4000) / simpson(weight, a, b, 4000);
}

/**
 * Mean time of overdamped motion from `from` to first reach `to` > `from`: (1/T) ∫_from^to e^{A(y)/T} ∫_low^y e^{−A(z)/T} dz dy.
 *
 * @param low Below it e^{−A/T} is negligible.
 * @param intervals Of the trapezoid grid over [low, to].
 */
export function meanPassageTime(
  field: (q: number) => number,
  temperature: number,
  from: number,
  to: number,
  low: number,
  intervals = 20_000,
): number {
  assert(temperature > 0 && intervals >= 1, 'a temperature or a grid is not positive');
  assert(low <= from && from < to, 'a passage leads from nowhere, or backwards');
  const h = (to - low) / intervals;
  let below = 0;
  let time = 0;
  let weight = Math.exp(-field(low) / temperature);
  let outer = 0;
  for (let i = 1; i <= intervals; i++) {
    const y = low + i * h;
    const next = Math.exp(-field(y) / temperature);
    below += (h * (weight + next)) / 2;
    weight = next;
    const inner = y >= from ? below / next : 0;
    time += (h * (outer + inner)) / 2;
    outer = inner;
  }
  return time / temperature;
}

/**
 * Kramers' formula for the mean time from one well to the other: 2π e^{ΔA/T} / √(A''_well |A''_barrier|).
 * Overdamped, ΔA ≫ T; at ΔA/T of 3 to 5 it is 15–25 % short.
 */
export function kramersTime(
  height: number,
  temperature: number,
  wellCurvature: number,
  barrierCurvature: number,
): number {
  assert(
    temperature > 0 && wellCurvature > 0 && barrierCurvature !== 0,
    'the curvature of a well or of a barrier has the wrong sign',
  );
  return (
    (2 * Math.PI * Math.exp(height / temperature)) / Math.sqrt(wellCurvature * Math.abs(barrierCurvature))
  );
}
