/**
 * How old the governor's view of ψ may be before tax and held-idle capacity chase each other in a cycle, and the Γ that
 * leaves room for the age at hand.
 *
 * Plant: ψ̇ = σ(1 − ψ) − (ν + κm²)ψ: free capacity is taken by partial gangs at rate σ, they resolve at rate ν by
 * themselves and at rate κm² because of the tax. With m of `landau.ts` the loop, opened at the measurement, is
 *
 *     L(s) = 2κaΓm²ψ e^{−sτ} / ((s + σ + ν + κm²)(s + Γ ∂²F/∂m²))
 *
 * Without delay its fixed point is stable for all parameters. With delay it is while τ < PM/ω_c, where |L(iω_c)| = 1
 * and PM = π + arg L(iω_c) without the delay. Of the linearised loop: it says nothing about large swings.
 *
 * @source theory §4.4.
 */
import { assert } from '../../kernel/assert.ts';
import { assertLandau, type LandauParameters, landauCurvature, landauRoot } from './landau.ts';

/** How a cluster fills with held-idle capacity and sheds it; rates in 1/s. */
export interface HeldIdlePlant {
  /** σ > 0: at which partial gangs take what is not held idle. */
  readonly fill: number;
  /** ν ≥ 0: at which holdings resolve without a tax. */
  readonly resolve: number;
  /** κ > 0: at which they resolve for m = 1, on top. */
  readonly taxedResolve: number;
}

/** Where plant and governor are at rest. */
export interface LoopRest {
  readonly psi: number;
  readonly m: number;
}

/** The linearised loop's margin. */
export interface DelayMargin {
  readonly rest: LoopRest;
  /** ω_c, 1/s; 0 if the loop's gain is below 1 everywhere. */
  readonly crossover: number;
  /** PM, radians in (0, π]. */
  readonly phaseMargin: number;
  /** PM/ω_c: oldest view without a cycle; Infinity without a crossover. */
  readonly delaySecondsMax: number;
}

const HALVINGS = 100;
/** Bounds of the search for Γ, 1/s, and its points per factor of ten. */
const GAMMA_MIN = 1e-6;
const GAMMA_MAX = 1;
const GAMMA_POINTS_PER_DECADE = 20;

/** @returns dψ/dt of the plant. */
export function plantFlow(plant: HeldIdlePlant, psi: number, m: number): number {
  return plant.fill * (1 - psi) - (plant.resolve + plant.taxedResolve * m * m) * psi;
}

/** @returns The fixed point; unique for b > 0, since m rises with ψ and the flow falls with both. */
export function loopRest(p: LandauParameters, plant: HeldIdlePlant): LoopRest {
  assertLandau(p);
  assert(p.quartic > 0, 'a loop whose onset jumps may have no point of rest');
  assert(plant.fill > 0 && plant.resolve >= 0 && plant.taxedResolve > 0, 'a rate of the plant out of range');
  let lower = 0;
  let upper = 1;
  for (let i = 0; i < HALVINGS; i++) {
    const psi = (lower + upper) / 2;
    if (plantFlow(plant, psi, landauRoot(p, psi)) > 0) lower = psi;
    else upper = psi;
  }
  return { psi: lower, m: landauRoot(p, lower) };
}

/** @returns The delay margin of plant and governor, at their point of rest. */
export function delayMargin(p: LandauParameters, plant: HeldIdlePlant): DelayMargin {
  return marginAt(p, plant, loopRest(p, plant));
}

/** The rest does not depend on Γ, so that a search for Γ finds it once. */
function marginAt(p: LandauParameters, plant: HeldIdlePlant, rest: LoopRest): DelayMargin {
  const { psi, m } = rest;
  const plantPole = plant.fill + plant.resolve + plant.taxedResolve * m * m;
  const governorPole = p.gamma * landauCurvature(p, m, psi);
  const gain = 2 * plant.taxedResolve * p.slope * p.gamma * m * m * psi;
  // (ω² + p²)(ω² + q²) = gain²
  const difference = plantPole * plantPole - governorPole * governorPole;
  const square =
    (Math.sqrt(difference * difference + 4 * gain * gain) -
      plantPole * plantPole -
      governorPole * governorPole) /
    2;
  if (!(square > 0))
    return { rest, crossover: 0, phaseMargin: Math.PI, delaySecondsMax: Number.POSITIVE_INFINITY };
  const crossover = Math.sqrt(square);
  const phaseMargin = Math.PI - Math.atan2(crossover, plantPole) - Math.atan2(crossover, governorPole);
  return { rest, crossover, phaseMargin, delaySecondsMax: phaseMargin / crossover };
}

/**
 * The fastest governor that stays clear of a cycle: the largest Γ below which every delay margin is more than `safety`
 * times the oldest view.
 *
 * @param p          Its own `gamma` is not used.
 * @param plants     The plants that it may meet; it is safe with each. Not empty.
 * @param ageSeconds Worst age of the field, > 0.
 * @param safety     Factor between margin and age, ≥ 1.
 * @returns          Γ in [1e-6, 1] 1/s: the largest one if no view of that age can make a cycle.
 */
export function gammaForAge(
  p: Omit<LandauParameters, 'gamma'>,
  plants: readonly HeldIdlePlant[],
  ageSeconds: number,
  safety = 2,
): number {
  assert(plants.length > 0 && ageSeconds > 0 && safety >= 1, 'no plant, no age, or a margin below the age');
  const withGamma = (gamma: number): LandauParameters => ({ ...p, gamma });
  const rests = plants.map((plant) => loopRest(withGamma(1), plant));
  const isSafe = (gamma: number): boolean =>
    plants.every(
      (plant, i) =>
        marginAt(withGamma(gamma), plant, rests[i] as LoopRest).delaySecondsMax > safety * ageSeconds,
    );
  const ratio = 10 ** (1 / GAMMA_POINTS_PER_DECADE);
  let safe = GAMMA_MIN;
  assert(isSafe(safe), 'no governor is slow enough for a view of that age');
  while (safe < GAMMA_MAX && isSafe(safe * ratio)) safe *= ratio;
  if (safe >= GAMMA_MAX) return GAMMA_MAX;
  let unsafe = safe * ratio;
  for (let i = 0; i < HALVINGS; i++) {
    const middle = Math.sqrt(safe * unsafe);
    if (isSafe(middle)) safe = middle;
    else unsafe = middle;
  }
  return safe;
}
