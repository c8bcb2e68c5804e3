/**
 * Anticipated load (D3): an entry is drawn in proportion to the load that it should get, so that prices are level once
 * all deciders on the same data have arrived. No temperature, and nothing to tune.
 *
 * The price is read where the load will be: U + U'·L, with the load L of an entry no larger than its slots. The mass to
 * place is twice the other deciders so far on data of this age: as many again will decide on it before it is replaced,
 * and counting too few causes herding, while counting too many only spreads (docs/choosers.md has the figures). Ages of
 * single entries are not used: load that left meanwhile makes up for load that came.
 *
 * @source theory §1B D3 at T = 0; with unit slopes Dahlin 1999, Interpreting stale load information (ICDCS).
 */

import { assert } from '../../kernel/assert.ts';
import type { Random } from '../../kernel/random.ts';
import type { ChoiceStream, Chooser, ZoneOffers } from './chooser.ts';
import { assertChoice } from './chooser.ts';
import { drawWeighted } from './ensemble.ts';
import { waterLevel } from './water-level.ts';

/** The ratio of all deciders on the same data to those so far. */
const LIFETIME = 2;

class AnticipatedChooser implements Chooser {
  readonly name = 'anticipated';
  private loads = new Float64Array(64);

  choose(offers: ZoneOffers, deciders: number, _stream: ChoiceStream, random: Random): number {
    assertChoice(offers, deciders);
    const { count } = offers;
    if (count === 1) return 0;
    if (count > this.loads.length) this.loads = new Float64Array(2 * count);
    const total = anticipatedLoads(offers, LIFETIME * (deciders - 1), this.loads);
    return drawWeighted(this.loads, count, total, random);
  }
}

/**
 * @param mass ≥ 0.
 * @param out  Load that each entry should get; with mass 0, where the first of it would go; in proportion to slots if
 *             there is not more room than mass. @shape [≥ count]
 * @returns    The sum of `out`: the mass, up to rounding, in the first case.
 * @cost O(count), about six passes.
 */
export function anticipatedLoads(offers: ZoneOffers, mass: number, out: Float64Array): number {
  assert(mass >= 0 && out.length >= offers.count, 'a negative mass, or no room for the loads');
  const { count, prices, slopes, slots } = offers;
  const level = mass > 0 ? waterLevel(offers, mass) : Number.NEGATIVE_INFINITY;
  let total = 0;
  for (let i = 0; i < count; i++) {
    const above = level - (prices[i] as number);
    const load = above > 0 ? Math.min(above / (slopes[i] as number), slots[i] as number) : 0;
    out[i] = load;
    total += load;
  }
  return total > 0 ? total : firstDrop(offers, out);
}

/** The limit as the mass goes to 0: the cheapest entries only, in proportion to 1/U'. */
function firstDrop({ count, prices, slopes }: ZoneOffers, out: Float64Array): number {
  let least = prices[0] as number;
  let total = 0;
  for (let i = 0; i < count; i++) {
    const price = prices[i] as number;
    if (price < least) {
      out.fill(0, 0, i);
      least = price;
      total = 0;
    }
    const load = price === least ? 1 / (slopes[i] as number) : 0;
    out[i] = load;
    total += load;
  }
  assert(total > 0, 'no entry takes the first of the load: a price is not a number, or a slope not positive');
  return total;
}

/** @returns The choice by anticipated load. */
export function createAnticipatedChooser(): Chooser {
  return new AnticipatedChooser();
}
