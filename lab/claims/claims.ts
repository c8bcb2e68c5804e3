/** All claims, in the order of their tests, and the procedure of a test. */
import { Random } from '../../src/kernel/random.ts';
import { DAMPED_AGENTS } from './agent-claims.ts';
import { ANTICIPATED_ARRIVALS } from './arrival-claims.ts';
import type { Claim, ClaimResult } from './claim.ts';
import { COLLISIONS, PROBES_FLAT } from './collision-claims.ts';
import { DAMPED_STEP, STALE_GRADIENT_CERTIFICATE } from './damping-claims.ts';
import { DUAL_NUMBERS } from './dual-claims.ts';
import { BEST_RESPONSE_STOPS, EQUILIBRIUM_GAP } from './equilibrium-claims.ts';
import { FEDERATION_DEADLOCK } from './federation-claims.ts';
import { GANG_DEADLOCK, HEALTHY_TAX } from './gang-claims.ts';
import { GLAUBER_GIBBS } from './glauber-claims.ts';
import { GUARD_CLAIMS } from './guard/guard-claims.ts';
import { LANDAU_STEP, TAX_DEAD_BAND, TAX_LOOP_DELAY } from './landau-claims.ts';
import { ALIAS_OR_LANGEVIN } from './langevin-choice-claims.ts';
import { LEDGER_ADDS_UP } from './market/ledger-claims.ts';
import { BETWEEN_KARMA_AND_MAX_MIN, LIES_GAIN_NOTHING, SHARING_INCENTIVE } from './market/sharing-claims.ts';
import { BALANCE_IS_USAGE, SAVED_GANGS, SPENDING_BOUNDS } from './market/spending-claims.ts';
import { CLASS_PACKING } from './packing-claims.ts';
import { BARRIER_CROSSING } from './passage-claims.ts';
import { AVERAGE_PRICE_DEFECT, EXACT_POTENTIAL } from './potential-claims.ts';
import { LARGE_JOBS_AND_IDLE_SLOTS, SMALL_JOBS } from './queue-claims.ts';
import { DOUBLE_WELL_BIAS, HARMONIC_SAMPLING } from './sampler-claims.ts';
import { MERGEABLE_SUMMARIES } from './summary-claims.ts';
import { EARLY_WARNING } from './warning-claims.ts';

/** Every claim that `teg verify` tests. */
export const CLAIMS: readonly Claim[] = [
  EXACT_POTENTIAL,
  BEST_RESPONSE_STOPS,
  EQUILIBRIUM_GAP,
  GLAUBER_GIBBS,
  AVERAGE_PRICE_DEFECT,
  DAMPED_STEP,
  STALE_GRADIENT_CERTIFICATE,
  DAMPED_AGENTS,
  ANTICIPATED_ARRIVALS,
  DUAL_NUMBERS,
  HARMONIC_SAMPLING,
  DOUBLE_WELL_BIAS,
  BARRIER_CROSSING,
  PROBES_FLAT,
  COLLISIONS,
  ALIAS_OR_LANGEVIN,
  MERGEABLE_SUMMARIES,
  CLASS_PACKING,
  LANDAU_STEP,
  TAX_DEAD_BAND,
  EARLY_WARNING,
  TAX_LOOP_DELAY,
  GANG_DEADLOCK,
  HEALTHY_TAX,
  LEDGER_ADDS_UP,
  SPENDING_BOUNDS,
  BALANCE_IS_USAGE,
  BETWEEN_KARMA_AND_MAX_MIN,
  SAVED_GANGS,
  LIES_GAIN_NOTHING,
  SHARING_INCENTIVE,
  LARGE_JOBS_AND_IDLE_SLOTS,
  SMALL_JOBS,
  FEDERATION_DEADLOCK,
  ...GUARD_CLAIMS,
];

/** Numbers of the guard's tests begin here. */
const GUARD_FROM = 1000;

/**
 * The number of a test: `T-06` → 6, `G-06` → 1006. It names the random stream, so that a claim's result does not depend on
 * others.
 */
export function numberOf(claim: Claim): number {
  return (claim.test.startsWith('G') ? GUARD_FROM : 0) + Number(claim.test.slice(2));
}

/**
 * Runs a claim's test.
 *
 * @param seed   The same seed gives the same measurements.
 * @param isFull See `Claim.measure`.
 * @cost Up to about 10 s of processor time, in full a minute (T-36: 2); `claim.quick` ones below 1 s.
 */
export function testClaim(claim: Claim, seed: number, isFull = false): ClaimResult {
  const measured = claim.measure(new Random(seed, numberOf(claim)), isFull);
  return {
    ...measured,
    claim,
    holds: measured.checks.every((check) => check.holds),
    negativeControlFails:
      measured.controls.length > 0 && measured.controls.every((control) => !control.holds),
  };
}
