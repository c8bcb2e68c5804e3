/**
 * Random choice: any place with equal probability. The baseline that reads no price.
 *
 * Why by slots and not by entries: an entry may be one zone or a group of many, large or small. By slots every place
 * gets the same load; by entries the small ones would be overrun (docs/choosers.md has the figures).
 */

import type { Chooser } from './chooser.ts';
import { assertChoice } from './chooser.ts';
import { drawWeighted } from './ensemble.ts';

/** @returns An entry in proportion to its slots. */
export function createRandomChooser(): Chooser {
  return {
    name: 'random',
    choose(offers, deciders, _stream, random) {
      assertChoice(offers, deciders);
      const { count, slots } = offers;
      let total = 0;
      for (let i = 0; i < count; i++) total += slots[i] as number;
      return drawWeighted(slots, count, total, random);
    },
  };
}
