import { describe, expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { newStream } from './chooser.ts';
import { chiSquare, chiSquareLimit, countChoices, offersOf, PlaceTable } from './choosers.fixtures.ts';
import { createGibbsChooser } from './gibbs.ts';

describe('the Gibbs chooser', () => {
  test.each([1, 4, 30])('draws entries as the places of a board of %d rungs are shared', (rungs) => {
    const offers = offersOf(
      Array.from({ length: 12 }, (_, i) => ({
        price: 20 * Math.sin(i),
        slope: 1 + (i % 3),
        near: 3 + (i % 4),
        slots: rungs * (3 + (i % 4)),
      })),
    );
    const places = new PlaceTable(offers);
    places.choice.setTemperature(12);
    const chooser = createGibbsChooser({ low: 12, high: 12 });
    const counts = countChoices(chooser, offers, 1, 50_000, new Random(11));
    expect(chiSquare(counts, places.shares())).toBeLessThan(chiSquareLimit(12));
    // The statistic separates shares that are slightly off.
    places.choice.setTemperature(13);
    expect(chiSquare(counts, places.shares())).toBeGreaterThan(chiSquareLimit(12));
  });

  test('takes the cheapest at low temperature and any place at high', () => {
    const offers = offersOf([
      { price: 3, near: 5, slots: 5 },
      { price: 2, near: 1, slots: 1 },
      { price: 2, near: 3, slots: 3 },
    ]);
    const cold = countChoices(createGibbsChooser({ low: 1e-3, high: 1e-3 }), offers, 9, 4000, new Random(1));
    expect(cold[0]).toBe(0);
    expect(chiSquare(cold.slice(1), [0.25, 0.75])).toBeLessThan(chiSquareLimit(2));
    const hot = countChoices(createGibbsChooser({ low: 1e6, high: 1e9 }), offers, 9, 4000, new Random(1));
    expect(chiSquare(hot, [5 / 9, 1 / 9, 3 / 9])).toBeLessThan(chiSquareLimit(3));
  });

  test('spreads over more entries the more decide', () => {
    const offers = offersOf(
      Array.from({ length: 30 }, (_, i) => ({ price: 10 * i, slope: 1, near: 2, slots: 50 })),
    );
    const chooser = createGibbsChooser();
    const stream = newStream(0);
    const used = [1, 5, 20].map((deciders) => {
      const counts = countChoices(chooser, offers, deciders, 400, new Random(7), stream);
      return counts.filter((count) => count > 4).length;
    });
    expect(used[0]).toBeLessThanOrEqual(2);
    for (let i = 1; i < used.length; i++) expect(used[i]).toBeGreaterThan(used[i - 1] as number);
  });
});
