/**
 * Dynamics of the macro governor: one scalar m ≥ 0 that is near 0 while the cluster is healthy and grows by itself once
 * too much capacity is held idle. The tax on what is held idle is κ_τ m².
 *
 *     F(m; ψ) = ½ A m² + ¼ b m⁴ + ⅙ c m⁶ − h m,   A = a (ψ_c − ψ),   ṁ = −Γ ∂F/∂m
 *
 * Healthy (A > 0): m ≈ h/A, reached at rate ΓA. Stuck (A < 0, c = 0): m ≈ √(|A|/b), reached at rate 2Γ|A|; from the
 * seed h it grows as e^{Γ|A|t}, so that the tax ramps at 2Γ|A|. With b < 0 < c the onset is a jump with hysteresis: on at
 * A = 0, off at A = b²/4c.
 *
 * This is a design, not a law of clusters: ψ has no symmetry that would make a gang deadlock a Landau transition.
 *
 * @source theory §4.2.
 */
import { assert } from '../../kernel/assert.ts';

/** The constants of the free energy, of its motion, and of the tax. */
export interface LandauParameters {
  /** a > 0: by how much A falls when ψ rises by 1. */
  readonly slope: number;
  /** ψ_c in (0, 1): share of capacity held idle above which the tax sets in. */
  readonly psiCritical: number;
  /** b: > 0 for a continuous onset, < 0 for a jump (then `sextic` > 0). */
  readonly quartic: number;
  /** c ≥ 0; default 0. */
  readonly sextic?: number;
  /** h > 0: keeps m off 0, from where it could not grow. */
  readonly seed: number;
  /** Γ > 0, in 1/s: how fast m follows; see `gammaForAge`. */
  readonly gamma: number;
  /** κ_τ ≥ 0: tokens for a slot held idle for a second, at m = 1. */
  readonly taxScale: number;
}

/** Steps of `advanceLandau` cover this share of the fastest time scale: rates are then right within about 1 %. */
const STEP_SHARE = 0.02;
/** Its steps at most: some 80 time scales, after which m has settled to the last digit. */
const STEPS_MAX = 4096;
/** A relative move of a full step below this is none: m is within 1e-11 of its root. */
const SETTLED = 1e-13;
/** Halvings of a bracket until it is as narrow as numbers are. */
const HALVINGS = 200;

/** @throws AssertionFailure for parameters without a stable m for each ψ. */
export function assertLandau(p: LandauParameters): void {
  const c = p.sextic ?? 0;
  assert(p.slope > 0 && p.psiCritical > 0 && p.psiCritical < 1, 'a slope or a critical share out of range');
  assert(c >= 0 && (p.quartic > 0 || c > 0), 'a free energy without a lower bound');
  assert(p.seed > 0 && p.gamma > 0 && p.taxScale >= 0, 'a seed, a mobility or a tax scale out of range');
}

/** @returns A = a (ψ_c − ψ): negative where the tax has to rise. @param psi ψ in [0, 1]. */
export function landauCoefficient(p: LandauParameters, psi: number): number {
  return p.slope * (p.psiCritical - psi);
}

/** @returns The tax rate κ_τ m², tokens for a slot held idle for a second. */
export function landauTax(p: LandauParameters, m: number): number {
  return p.taxScale * m * m;
}

/** @returns ∂²F/∂m² = A + 3bm² + 5cm⁴: times Γ the rate at which m returns to a root. */
export function landauCurvature(p: LandauParameters, m: number, psi: number): number {
  const square = m * m;
  return landauCoefficient(p, psi) + 3 * p.quartic * square + 5 * (p.sextic ?? 0) * square * square;
}

/**
 * One step that keeps m ≥ 0 and rests exactly at the roots of ∂F/∂m = 0, however long it is:
 *
 *     m⁺ = [m (1 + x ((−A)⁺ + (−b)⁺ m²)) + x h] / [1 + x (A⁺ + b⁺ m² + c m⁴)],   x = Γ dt
 *
 * Growth stands in the numerator, decay in the denominator, and nothing is subtracted. First order: rates are right for
 * x|A| ≪ 1 only; see `advanceLandau`.
 *
 * @param m  ≥ 0. @param psi In [0, 1]. @param dtSeconds ≥ 0.
 */
export function landauStep(p: LandauParameters, m: number, psi: number, dtSeconds: number): number {
  assert(m >= 0 && dtSeconds >= 0, 'an order below 0, or a step back in time');
  const coefficient = landauCoefficient(p, psi);
  const { quartic, sextic = 0 } = p;
  const x = p.gamma * dtSeconds;
  const square = m * m;
  const growth = Math.max(-coefficient, 0) + Math.max(-quartic, 0) * square;
  const decay = Math.max(coefficient, 0) + Math.max(quartic, 0) * square + sextic * square * square;
  return (m * (1 + x * growth) + x * p.seed) / (1 + x * decay);
}

/**
 * m after a time in which ψ stays the same, in steps short enough for rates that are right within 2 %.
 *
 * @param m ≥ 0. @param psi In [0, 1]. @param dtSeconds ≥ 0, of any length.
 * @cost At most 4,096 steps, about 20 µs; one or two for a second of a governor that is as slow as `gammaForAge` makes it.
 */
export function advanceLandau(p: LandauParameters, m: number, psi: number, dtSeconds: number): number {
  assert(dtSeconds >= 0, 'a step back in time');
  const coefficient = Math.abs(landauCoefficient(p, psi));
  const quartic = Math.abs(p.quartic);
  const sextic = p.sextic ?? 0;
  let at = m;
  let left = dtSeconds;
  for (let steps = 0; left > 0 && steps < STEPS_MAX; steps++) {
    const square = at * at;
    const fastest = p.gamma * (coefficient + 3 * quartic * square + 5 * sextic * square * square);
    const dt = fastest * left > STEP_SHARE ? STEP_SHARE / fastest : left;
    const next = landauStep(p, at, psi, dt);
    // A full step that moves nothing is at rest.
    if (dt < left && Math.abs(next - at) <= SETTLED * at) return next;
    at = next;
    left -= dt;
  }
  return at;
}

/** @returns The largest m with ∂F/∂m = 0 at a ψ: where m settles from above. */
export function landauRoot(p: LandauParameters, psi: number): number {
  assertLandau(p);
  const coefficient = landauCoefficient(p, psi);
  const { quartic, sextic = 0, seed } = p;
  const slopeAt = (m: number): number => {
    const square = m * m;
    return m * (coefficient + quartic * square + sextic * square * square) - seed;
  };
  let [lower, upper] = rootBracket(coefficient, quartic, sextic, slopeAt);
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (lower + upper) / 2;
    if (middle === lower || middle === upper) break;
    if (slopeAt(middle) > 0) upper = middle;
    else lower = middle;
  }
  return (lower + upper) / 2;
}

/** @returns An interval in which ∂F/∂m rises through 0 for the last time. */
function rootBracket(
  coefficient: number,
  quartic: number,
  sextic: number,
  slopeAt: (m: number) => number,
): [lower: number, upper: number] {
  // A + 3bu + 5cu² = 0 with u = m²: where ∂F/∂m turns. Beyond the larger u it only rises.
  const discriminant = 9 * quartic * quartic - 20 * coefficient * sextic;
  const turns = quartic < 0 && discriminant > 0;
  const larger = turns ? Math.sqrt((-3 * quartic + Math.sqrt(discriminant)) / (10 * sextic)) : 0;
  if (turns && slopeAt(larger) > 0) {
    const smaller = (-3 * quartic - Math.sqrt(discriminant)) / (10 * sextic);
    return [0, Math.sqrt(Math.max(smaller, 0))];
  }
  let upper = Math.max(1, 2 * larger);
  while (slopeAt(upper) <= 0) upper *= 2;
  return [larger, upper];
}

/** @returns r = 2Γa(ψ − ψ_c), 1/s: how fast the tax ramps from its seed; ≤ 0 below the critical share. */
export function taxRampRate(p: LandauParameters, psi: number): number {
  return -2 * p.gamma * landauCoefficient(p, psi);
}

/** Where a governor switches its tax on and off: shares of capacity held idle, `offPsi` ≤ `onPsi`. */
export interface DeadBand {
  readonly onPsi: number;
  readonly offPsi: number;
}

/**
 * The dead band of the jump variant with the same a and ψ_c: on at A = 0, off at A = B²/4c, which is
 * ψ = ψ_c − B²/(4ac).
 *
 * @param quartic B > 0, the −¼Bm⁴ of the free energy. @param sextic c > 0.
 */
export function deadBandOf(p: LandauParameters, quartic: number, sextic: number): DeadBand {
  assert(quartic > 0 && sextic > 0, 'a jump needs B > 0 and c > 0');
  const offPsi = p.psiCritical - (quartic * quartic) / (4 * sextic * p.slope);
  return { onPsi: p.psiCritical, offPsi: Math.max(offPsi, 0) };
}
