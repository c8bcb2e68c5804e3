/**
 * Boards for the tests of choosers.
 */

import type { Random } from '../../kernel/random.ts';
import { GibbsChoice } from '../../physics/gibbs.ts';
import { type ChoiceStream, type Chooser, makeOffers, newStream, type ZoneOffers } from './chooser.ts';

/** An entry; absent fields are 1, and `slots` defaults to `near`. */
export interface EntrySpec {
  readonly price: number;
  readonly slope?: number;
  readonly near?: number;
  readonly slots?: number;
  /** Default: the entry's index. */
  readonly position?: number;
  readonly age?: number;
}

/** @returns A board of these entries, with spare capacity that holds garbage. */
export function offersOf(entries: readonly EntrySpec[]): ZoneOffers {
  const offers = makeOffers(entries.length + 3);
  offers.prices.fill(-1e9);
  offers.slots.fill(1e9);
  offers.positions.fill(0);
  offers.count = entries.length;
  entries.forEach(({ price, slope = 1, near = 1, slots = near, position = -1, age = 1 }, i) => {
    offers.entries[i] = i;
    offers.prices[i] = price;
    offers.slopes[i] = slope;
    offers.near[i] = near;
    offers.slots[i] = slots;
    offers.positions[i] = position < 0 ? i : position;
    offers.ages[i] = age;
  });
  return offers;
}

/** @returns How often each entry was chosen. */
export function countChoices(
  chooser: Chooser,
  offers: ZoneOffers,
  deciders: number,
  times: number,
  random: Random,
  stream: ChoiceStream = newStream(0),
): number[] {
  const counts = new Array<number>(offers.count).fill(0);
  for (let k = 0; k < times; k++) {
    const i = chooser.choose(offers, deciders, stream, random);
    counts[i] = (counts[i] as number) + 1;
  }
  return counts;
}

/** Pearson's statistic. Above its degrees of freedom + 4 √(2 × them) the counts do not come from the shares. */
export function chiSquare(counts: readonly number[], shares: ArrayLike<number>): number {
  const times = counts.reduce((sum, count) => sum + count, 0);
  return counts.reduce((sum, count, i) => {
    const expected = times * (shares[i] as number);
    return sum + (count - expected) ** 2 / expected;
  }, 0);
}

/** @returns The largest that `chiSquare` may be. */
export function chiSquareLimit(categories: number): number {
  return categories - 1 + 4 * Math.sqrt(2 * (categories - 1));
}

/** @returns Half the sum of differences between shares and counts. */
export function totalVariation(counts: readonly number[], shares: ArrayLike<number>): number {
  const times = counts.reduce((sum, count) => sum + count, 0);
  return counts.reduce((sum, count, i) => sum + Math.abs(count / times - (shares[i] as number)) / 2, 0);
}

/** The table of a board, place by place: each rung of each entry's ladder a class of its own. */
export class PlaceTable {
  readonly choice: GibbsChoice;
  /** Entry of each class. */
  private readonly owners: number[] = [];
  private readonly count: number;

  /** @param offers Their `slots / near` must be whole numbers. */
  constructor(offers: ZoneOffers) {
    const levels: number[] = [];
    const counts: number[] = [];
    this.count = offers.count;
    for (let i = 0; i < offers.count; i++) {
      const near = offers.near[i] as number;
      for (let rung = 0; rung < (offers.slots[i] as number) / near; rung++) {
        levels.push((offers.prices[i] as number) + rung * near * (offers.slopes[i] as number));
        counts.push(near);
        this.owners.push(i);
      }
    }
    this.choice = new GibbsChoice(Float64Array.from(levels), Float64Array.from(counts));
  }

  /** @returns Shares of the entries at the temperature set last. */
  shares(): number[] {
    const shares = new Array<number>(this.count).fill(0);
    this.owners.forEach((owner, k) => {
      shares[owner] = (shares[owner] as number) + (this.choice.shares[k] as number);
    });
    return shares;
  }
}
