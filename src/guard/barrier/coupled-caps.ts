/**
 * Limits that several actuators share: the wanted inputs, moved as little as possible, so that a weighted sum stays within
 * a bound and each input within its range.
 *
 * Minimises Σ w (u − wanted)² over a · u ≤ c and low ≤ u ≤ high. Only the multiplier λ ≥ 0 of the sum is unknown: u(λ) is
 * the wanted input less λ a/w, cut to its range, and a · u(λ) falls with λ; so λ is found by bisection. The bound is hard: the
 * answer is taken at the upper end of the last interval, never past it, and a bound below Σ a·low is reported, not slackened.
 *
 * @source Standard; equal to a dual active-set solver within 1e−9 in the tests. docs/guard-laws.md.
 */
import { assert } from '../../kernel/assert.ts';

/** The wanted inputs and their costs. All arrays in one order. */
export interface CapProblem {
  /** @shape [n] */
  readonly wanted: Float64Array;
  /** Cost of a deviation, > 0. @shape [n] */
  readonly weights: Float64Array;
  /** Share of each input in the sum, ≥ 0. @shape [n] */
  readonly shares: Float64Array;
  /** Ranges. @shape [n] */
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** Outcome: `free`: the bound does not bind; `binds`; `infeasible`: Σ a·low is above it, and `out` is `low`: go to freeze. */
export type CapOutcome = 'free' | 'binds' | 'infeasible';

/** Halvings of the interval of λ: past them it is narrower than a double's spacing. */
const HALVINGS_MAX = 100;

/**
 * Solves the problem.
 *
 * @param bound c.
 * @param out   The inputs. @shape [n]
 * @cost        O(n) a halving; at most 100 of them, mostly 50 to 60.
 */
export function coupledCaps(problem: CapProblem, bound: number, out: Float64Array): CapOutcome {
  const { wanted, weights, shares, low, high } = problem;
  const n = wanted.length;
  assert(weights.length === n && shares.length === n && low.length === n, 'arrays of other inputs');
  assert(high.length === n && out.length === n, 'arrays of other inputs');
  if (!(sumAt(problem, Number.POSITIVE_INFINITY, out) <= bound)) return 'infeasible';
  if (sumAt(problem, 0, out) <= bound) return 'free';
  let below = 0;
  let above = lambdaOfLow(problem);
  for (let i = 0; i < HALVINGS_MAX; i++) {
    const middle = below + (above - below) / 2;
    if (middle <= below || middle >= above) break;
    if (sumAt(problem, middle, out) <= bound) above = middle;
    else below = middle;
  }
  sumAt(problem, above, out);
  return 'binds';
}

/** Writes u(λ) to `out`. @returns a · u(λ). */
function sumAt(problem: CapProblem, lambda: number, out: Float64Array): number {
  const { wanted, weights, shares, low, high } = problem;
  let sum = 0;
  for (let i = 0; i < out.length; i++) {
    const share = shares[i] as number;
    const least = low[i] as number;
    // 0 · ∞ is not a number: an input without a share is never moved.
    const moved = share === 0 ? 0 : (lambda * share) / (weights[i] as number);
    const input = Math.min(Math.max((wanted[i] as number) - moved, least), high[i] as number);
    out[i] = input;
    sum += share * input;
  }
  return sum;
}

/** @returns A λ at which every input with a share is at its low end. */
function lambdaOfLow(problem: CapProblem): number {
  const { wanted, weights, shares, low } = problem;
  let lambda = 0;
  for (let i = 0; i < wanted.length; i++) {
    const share = shares[i] as number;
    if (share === 0) continue;
    lambda = Math.max(
      lambda,
      (((wanted[i] as number) - (low[i] as number)) * (weights[i] as number)) / share,
    );
  }
  return lambda;
}

/**
 * One sum without ranges, in closed form: u = wanted − w⁻¹ a max(0, a·wanted − c)/(a w⁻¹ a).
 *
 * @param problem `low` and `high` are not read.
 * @returns       True if the bound binds.
 */
export function oneCap(problem: CapProblem, bound: number, out: Float64Array): boolean {
  const { wanted, weights, shares } = problem;
  let sum = 0;
  let curvature = 0;
  for (let i = 0; i < out.length; i++) {
    const share = shares[i] as number;
    sum += share * (wanted[i] as number);
    curvature += (share * share) / (weights[i] as number);
  }
  const excess = Math.max(0, sum - bound);
  assert(excess === 0 || curvature > 0, 'a sum of no input is above its bound');
  for (let i = 0; i < out.length; i++) {
    const moved = excess === 0 ? 0 : ((shares[i] as number) * excess) / ((weights[i] as number) * curvature);
    out[i] = (wanted[i] as number) - moved;
  }
  return excess > 0;
}
