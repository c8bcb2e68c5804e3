/**
 * Time averages of many independent Langevin walkers, with a standard error that needs no autocorrelation time: each
 * walker's own mean is one independent sample.
 */
import type { Random } from '../../src/kernel/random.ts';
import { meanInterval } from '../../src/kernel/statistics.ts';
import {
  baoabStep,
  eulerMaruyamaStep,
  type Force,
  leimkuhlerMatthewsStep,
  makeWalkers,
  type Walkers,
} from '../../src/physics/langevin.ts';

/** An integrator, and its name. */
export type Integrator = 'BAOAB' | 'Leimkuhler–Matthews' | 'Euler–Maruyama';

/** The average to take. */
export interface WalkerRun {
  readonly integrator: Integrator;
  readonly force: Force;
  readonly step: number;
  /** Of BAOAB. */
  readonly friction: number;
  readonly temperature: number;
  readonly walkers: number;
  /** Time that each walker is averaged over, after a tenth of it to settle. */
  readonly time: number;
  /** Where walkers start. */
  readonly start: (random: Random) => number;
}

/** @returns One step of an integrator with its settings bound. */
export function stepper(
  run: Pick<WalkerRun, 'integrator' | 'force' | 'step' | 'friction' | 'temperature'>,
  random: Random,
): (walkers: Walkers) => void {
  const { force, step, friction, temperature } = run;
  switch (run.integrator) {
    case 'BAOAB':
      return (w) => baoabStep(w, force, step, friction, temperature, random);
    case 'Leimkuhler–Matthews':
      return (w) => leimkuhlerMatthewsStep(w, force, step, temperature, random);
    case 'Euler–Maruyama':
      return (w) => eulerMaruyamaStep(w, force, step, temperature, random);
  }
}

/** @returns ⟨q²⟩ over time and walkers, and its standard error. */
export function meanSquare(run: WalkerRun, random: Random): { mean: number; error: number } {
  const { walkers: count, time, step, temperature, force } = run;
  const positions = Float64Array.from({ length: count }, () => run.start(random));
  const walkers = makeWalkers(positions, temperature, force, random);
  const advance = stepper(run, random);
  const steps = Math.ceil(time / step);
  for (let k = 0; k < steps / 10; k++) advance(walkers);
  const sums = new Float64Array(count);
  for (let k = 0; k < steps; k++) {
    advance(walkers);
    addSquares(walkers.positions, sums);
  }
  for (let i = 0; i < count; i++) sums[i] = (sums[i] as number) / steps;
  const { mean, deviation } = meanInterval(sums);
  return { mean, error: deviation / Math.sqrt(count) };
}

function addSquares(positions: Float64Array, sums: Float64Array): void {
  for (let i = 0; i < positions.length; i++) {
    const q = positions[i] as number;
    sums[i] = (sums[i] as number) + q * q;
  }
}

/** Force of (q² − 1)², in closed form: −4q(q² − 1). */
export function doubleWellForce(positions: Float64Array, out: Float64Array): void {
  for (let i = 0; i < positions.length; i++) {
    const q = positions[i] as number;
    out[i] = -4 * q * (q * q - 1);
  }
}
