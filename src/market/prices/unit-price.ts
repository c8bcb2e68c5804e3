/**
 * The price of a unit-hour, from how full a flavour is: base × the marginal price of the barrier, 1/(1 − ρ), up to a cap.
 *
 *     p(ρ) = base · min(cap, 1/(1 − ρ))        p' by a unit = base / (C·(1 − ρ)²), 0 at the cap
 *
 * Price and slope are one dual number. What is quoted to a job is read where the load will be once the job is there, p + p'·own
 * demand: a large gang pays for the room that it takes from the others. The cap bounds how long a tenant saves for anything.
 *
 * Level. Mint is the capacity at price 1, so that rents come out even with mint at the load r with base·r/(1 − r) = 1: `baseAt`.
 *
 * @source theory §1A (barrier and marginal price), §1B (dual numbers, anticipated load), §5 (cap and waiting time).
 */
import { assert } from '../../kernel/assert.ts';
import { Dual } from '../../physics/dual.ts';
import { reciprocalPrice, reciprocalSlope } from '../../physics/price-functions.ts';
import { MICROS_PER_TOKEN } from '../amounts.ts';

/** How a flavour is priced. */
export interface PriceRule {
  /** Price of an idle flavour: micro-tokens for a unit-hour, an integer ≥ 1. */
  readonly base: number;
  /** Largest price over base, finite, ≥ 1. */
  readonly cap: number;
}

/** Cap of prices over base unless another is given. */
export const PRICE_CAP_DEFAULT = 20;

/** Load at which rents come out even with mint, unless another is given. */
export const EVEN_LOAD_DEFAULT = 0.9;

/** @returns The base at which a load pays just what is minted: (1 − load)/load tokens. @param load In (0, 1). */
export function baseAt(load: number): number {
  assert(load > 0 && load < 1, 'a load out of (0, 1)');
  return Math.max(1, Math.round((MICROS_PER_TOKEN * (1 - load)) / load));
}

/**
 * Price and slope.
 *
 * @param load     Units in use, ≥ 0; at or above the capacity the price is the cap. @param capacity Units, ≥ 0.
 * @returns Micro-tokens for a unit-hour, not rounded, and by how much it rises with one more unit.
 */
export function priceOf({ base, cap }: PriceRule, load: number, capacity: number): Dual {
  assert(base >= 1 && cap >= 1 && load >= 0 && capacity >= 0, 'a price rule, load or capacity out of bounds');
  if (isCapped(cap, load, capacity)) return new Dual(base * cap, 0);
  return new Dual(base * reciprocalPrice(load, capacity), base * reciprocalSlope(load, capacity));
}

/**
 * Price for a job or gang that is about to start: read where the load will be.
 *
 * @param own Units that it takes, ≥ 0.
 * @returns Whole micro-tokens for a unit-hour, in [base, base × cap].
 */
export function quotedPrice(rule: PriceRule, load: number, capacity: number, own: number): number {
  assert(own >= 0, 'a job of less than nothing');
  const { value, slope } = priceOf(rule, load, capacity);
  return Math.round(Math.min(rule.base * rule.cap, value + slope * own));
}

/** Whether 1/(1 − ρ) ≥ cap. */
function isCapped(cap: number, load: number, capacity: number): boolean {
  return (capacity - load) * cap <= capacity;
}
