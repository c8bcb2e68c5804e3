/**
 * Water-filling with walls: the level ν that prices rise to when a mass of load fills the cheapest entries first,
 *
 *     Σ_z L_z(ν) = mass,    L_z(ν) = clamp((ν − U_z) / U'_z, 0, slots_z)
 *
 * The sum is piecewise linear in ν and rises, so Newton's method inside a bracket that only shrinks reaches the right
 * piece in a few passes and is exact there. Why not by sorting: with walls there are two breakpoints an entry, and for
 * the few dozen entries of a board a sort costs more than the passes. Nothing is allocated.
 */

import { assert } from '../../kernel/assert.ts';
import type { ZoneOffers } from './chooser.ts';
import { leastOf } from './ensemble.ts';

/** More than enough: a pass either finds the piece or halves the bracket. */
const PASSES_MAX = 200;
/** Accuracy of the mass, relative. */
const PRECISION = 1e-12;

/**
 * @param mass > 0.
 * @returns    ν; Infinity if all slots together are not more than the mass.
 * @cost O(count) a pass, about six passes.
 */
export function waterLevel(offers: ZoneOffers, mass: number): number {
  assert(mass > 0 && offers.count >= 1, 'no mass, or nowhere to put it');
  const { count, prices, slopes, slots } = offers;
  let low = leastOf(prices, count);
  let high = low;
  let room = 0;
  for (let i = 0; i < count; i++) {
    const own = slots[i] as number;
    room += own;
    high = Math.max(high, (prices[i] as number) + (slopes[i] as number) * Math.min(own, mass));
  }
  if (room <= mass) return Number.POSITIVE_INFINITY;
  let level = low;
  for (let pass = 0; pass < PASSES_MAX; pass++) {
    let filled = 0;
    let rate = 0;
    for (let i = 0; i < count; i++) {
      const above = level - (prices[i] as number);
      if (above < 0) continue;
      const slope = slopes[i] as number;
      const load = above / slope;
      const wall = slots[i] as number;
      filled += Math.min(load, wall);
      if (load < wall) rate += 1 / slope;
    }
    const missing = mass - filled;
    if (Math.abs(missing) <= PRECISION * mass) break;
    if (missing > 0) low = level;
    else high = level;
    const newton = level + missing / rate;
    const next = newton > low && newton < high ? newton : low + (high - low) / 2;
    if (next === level) break;
    level = next;
  }
  return level;
}
