/**
 * Least-loaded: every decider takes the entry that looks cheapest. A baseline, and the problem that the others solve:
 * on stale boards all deciders on the same data go to the same entry.
 */

import type { Chooser } from './chooser.ts';
import { assertChoice } from './chooser.ts';

/** @returns The cheapest entry; among equals the one with most slots, then the first. Draws nothing. */
export function createLeastLoadedChooser(): Chooser {
  return {
    name: 'least-loaded',
    choose(offers, deciders) {
      assertChoice(offers, deciders);
      const { count, prices, slots } = offers;
      let best = 0;
      for (let i = 1; i < count; i++) {
        const gain = (prices[best] as number) - (prices[i] as number);
        if (gain > 0 || (gain === 0 && (slots[i] as number) > (slots[best] as number))) best = i;
      }
      return best;
    },
  };
}
