/**
 * Best of d: d entries are drawn at random, the cheapest by the board is taken. A little information, used with
 * randomness, herds little: the simple rule to beat.
 *
 * @source Mitzenmacher 2000, How useful is old information?, IEEE TPDS 11(1).
 */
import type { Random } from '../../kernel/random.ts';
import type { ChoiceStream, Chooser, ZoneOffers } from './chooser.ts';
import { assertChoice } from './chooser.ts';
import { drawWeighted } from './ensemble.ts';

/** Entries drawn. */
const CHOICES = 2;

class BestOfDChooser implements Chooser {
  readonly name = 'best-of-d';

  choose(offers: ZoneOffers, deciders: number, _stream: ChoiceStream, random: Random): number {
    assertChoice(offers, deciders);
    const { count, prices, slots } = offers;
    let total = 0;
    for (let i = 0; i < count; i++) total += slots[i] as number;
    let best = -1;
    // Of equally cheap ones the first drawn stays: the draw is random already.
    for (let k = 0; k < CHOICES; k++) {
      const i = drawWeighted(slots, count, total, random);
      if (best < 0 || (prices[i] as number) < (prices[best] as number)) best = i;
    }
    return best;
  }
}

/** @returns The cheaper of two entries, drawn in proportion to their slots. */
export function createBestOfDChooser(): Chooser {
  return new BestOfDChooser();
}
