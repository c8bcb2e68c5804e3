import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { Random } from '../../kernel/random.ts';
import { type EntrySpec, offersOf, PlaceTable } from './choosers.fixtures.ts';
import { drawWeighted, Ensemble } from './ensemble.ts';

const LADDERS: readonly EntrySpec[] = [
  { price: 10, slope: 0.5, near: 4, slots: 40 },
  { price: 12, slope: 3, near: 1, slots: 7 },
  { price: 11, slope: 0.01, near: 2, slots: 200 },
  { price: 30, slope: 1, near: 5, slots: 5 },
];

const entry = fc.record({
  price: fc.integer({ min: -50, max: 50 }),
  slope: fc.double({ min: 1e-3, max: 20, noNaN: true }),
  near: fc.integer({ min: 1, max: 20 }),
  rungs: fc.integer({ min: 1, max: 30 }),
});

function sharesOf(ensemble: Ensemble, count: number): number[] {
  return Array.from(ensemble.weights.subarray(0, count), (weight) => weight / ensemble.total);
}

describe('an ensemble', () => {
  test.each([0.05, 0.5, 3, 40, 1e4])('is that of the places one by one, at T = %d', (temperature) => {
    const offers = offersOf(LADDERS);
    const ensemble = new Ensemble();
    ensemble.evaluate(offers, temperature, 2);
    const places = new PlaceTable(offers);
    places.choice.setTemperature(temperature);
    const shares = places.shares();
    for (const [i, share] of sharesOf(ensemble, 4).entries())
      expect(share).toBeCloseTo(shares[i] as number, 12);
    // Two deciders lose as often as they meet: with probability 1 / N_eff, over two.
    expect(ensemble.losers * 2 * places.choice.effectiveNodes()).toBeCloseTo(1, 10);
  });

  test('with one rung an entry’s losers follow the exact formula where there are many', () => {
    const offers = offersOf(
      LADDERS.map(({ price, near = 1 }) => ({ price, near: 50 * near, slots: 50 * near })),
    );
    const ensemble = new Ensemble();
    const places = new PlaceTable(offers);
    for (const deciders of [80, 300, 5000]) {
      ensemble.evaluate(offers, 2, deciders);
      places.choice.setTemperature(2);
      expect(ensemble.losers).toBeGreaterThan(0.1);
      expect(ensemble.losers).toBeCloseTo(places.choice.loserFraction(deciders), 12);
    }
  });

  test('elasticity is the slope of ln losers over ln T', () => {
    const offers = offersOf(LADDERS);
    const ensemble = new Ensemble();
    const logLosers = (temperature: number): number => {
      ensemble.evaluate(offers, temperature, 2);
      return Math.log(ensemble.losers);
    };
    for (const temperature of [0.2, 1, 5, 50]) {
      const difference = logLosers(temperature * 1.0001) - logLosers(temperature / 1.0001);
      ensemble.evaluate(offers, temperature, 2);
      expect(ensemble.elasticity).toBeCloseTo(difference / (2 * Math.log(1.0001)), 5);
    }
  });

  test('counts places between near and slots, and losers that fall as T rises', () => {
    checkProperty(
      fc.property(
        fc.array(entry, { minLength: 1, maxLength: 8 }),
        fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
        fc.integer({ min: 1, max: 10_000 }),
        (entries, temperature, deciders) => {
          const offers = offersOf(entries.map((e) => ({ ...e, slots: e.near * e.rungs })));
          const ensemble = new Ensemble();
          ensemble.evaluate(offers, temperature, deciders);
          const { losers, elasticity } = ensemble;
          for (let i = 0; i < offers.count; i++) {
            expect(ensemble.places[i]).toBeGreaterThanOrEqual((offers.near[i] as number) * (1 - 1e-12));
            expect(ensemble.places[i]).toBeLessThanOrEqual((offers.slots[i] as number) * (1 + 1e-12));
          }
          expect(losers).toBeGreaterThanOrEqual(-1e-12);
          expect(losers).toBeLessThan(1);
          expect(elasticity).toBeLessThanOrEqual(1e-9);
          ensemble.evaluate(offers, 1.1 * temperature, deciders);
          expect(ensemble.losers).toBeLessThanOrEqual(losers + 1e-9);
        },
      ),
    );
  });

  test('a level ladder has as many places as slots', () => {
    const ensemble = new Ensemble();
    ensemble.evaluate(offersOf([{ price: 1, slope: 0, near: 2, slots: 9 }]), 1, 10);
    expect(ensemble.places[0]).toBe(9);
    expect(ensemble.losers).toBeCloseTo(1 - (9 * (1 - (8 / 9) ** 10)) / 10, 12);
  });

  test('grows with the board', () => {
    const ensemble = new Ensemble();
    ensemble.evaluate(offersOf(Array.from({ length: 1000 }, (_, i) => ({ price: i }))), 1, 1);
    expect(ensemble.total).toBeCloseTo(1 / (1 - Math.exp(-1)), 10);
  });
});

describe('drawWeighted', () => {
  test('never draws weight 0, nor beyond the count', () => {
    const random = new Random(1);
    const weights = Float64Array.of(0, 1e-300, 0, 2e-300, 0, 5);
    const seen = new Set(Array.from({ length: 200 }, () => drawWeighted(weights, 5, 3e-300, random)));
    expect([...seen].sort()).toEqual([1, 3]);
  });
});
