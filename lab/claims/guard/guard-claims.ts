/** The claims of the guard's control laws, in the order of their tests. */
import type { Claim } from '../claim.ts';
import { BARRIER_DEGREES, BREAKER_HELD, CAPS_OPTIMAL } from './caps-claims.ts';
import { GROWTH_DEAD_TIME, GROWTH_GAIN, GROWTH_HELD, GROWTH_QUANTUM, GROWTH_STALE } from './growth-claims.ts';
import { GROWTH_BYPASS, GROWTH_FALLING_LIMIT, GROWTH_HARD, GROWTH_MILLION } from './growth-limit-claims.ts';
import { HEAT_HELD } from './heat-claims.ts';

/** G-01 to G-13. */
export const GUARD_CLAIMS: readonly Claim[] = [
  GROWTH_HELD,
  GROWTH_GAIN,
  GROWTH_STALE,
  GROWTH_DEAD_TIME,
  GROWTH_QUANTUM,
  GROWTH_FALLING_LIMIT,
  GROWTH_BYPASS,
  GROWTH_HARD,
  GROWTH_MILLION,
  HEAT_HELD,
  BREAKER_HELD,
  CAPS_OPTIMAL,
  BARRIER_DEGREES,
];
