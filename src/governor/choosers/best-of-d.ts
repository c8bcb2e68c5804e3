/**
 * Best of d: d entries are drawn at random, the cheapest by the board is taken. A little information, used with
 * randomness, herds little: the simple rule to beat.
 *
 * @source Mitzenmacher 2000, How useful is old information?, IEEE TPDS 11(1).
 */

import { assert } from '../../kernel/assert.ts';
import type { Random } from '../../kernel/random.ts';
import type { ChoiceStream, Chooser, ZoneOffers } from './chooser.ts';
import { assertChoice } from './chooser.ts';
import { drawWeighted } from './ensemble.ts';

/** Entries drawn. */
const CHOICES = 2;

class BestOfDChooser implements Chooser {
  readonly name = 'best-of-d';
  private readonly choices: number;
  private readonly bySlots: boolean;

  constructor(choices: number, bySlots: boolean) {
    assert(Number.isInteger(choices) && choices >= 1, 'the best of none');
    this.choices = choices;
    this.bySlots = bySlots;
  }

  choose(offers: ZoneOffers, deciders: number, _stream: ChoiceStream, random: Random): number {
    assertChoice(offers, deciders);
    const { count, prices, slots } = offers;
    let total = 0;
    if (this.bySlots) for (let i = 0; i < count; i++) total += slots[i] as number;
    let best = -1;
    // Of equally cheap ones the first drawn stays: the draw is random already.
    for (let k = 0; k < this.choices; k++) {
      const i = this.bySlots ? drawWeighted(slots, count, total, random) : random.nextInt(count);
      if (best < 0 || (prices[i] as number) < (prices[best] as number)) best = i;
    }
    return best;
  }
}

/** @param choices d ≥ 1. @param bySlots Draw in proportion to slots, else every entry alike. */
export function createBestOfDChooser(choices: number = CHOICES, bySlots = true): Chooser {
  return new BestOfDChooser(choices, bySlots);
}
