import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { newStream } from './chooser.ts';
import { offersOf, PlaceTable } from './choosers.fixtures.ts';
import { Ensemble } from './ensemble.ts';
import { controlTemperature, TEMPERATURE_DEFAULTS, type TemperatureOptions } from './temperature.ts';

/** 40 entries of which each has 25 single places and no ladder. */
const FLAT = offersOf(
  Array.from({ length: 40 }, (_, i) => ({ price: 100 + ((i * 17) % 40) * 3, near: 25, slots: 25 })),
);
/** 40 entries with few cheap places and room above. */
const LADDERS = offersOf(
  Array.from({ length: 40 }, (_, i) => ({
    price: ((i * 7) % 40) * 3,
    slope: 2 + (i % 3),
    near: 2,
    slots: 400,
  })),
);

function settle(
  offers: typeof FLAT,
  deciders: number,
  options: Partial<TemperatureOptions> = {},
  stream = newStream(0),
  choices = 12,
): { temperature: number; losers: number } {
  const ensemble = new Ensemble();
  for (let k = 0; k < choices; k++) {
    controlTemperature(ensemble, offers, deciders, stream, { ...TEMPERATURE_DEFAULTS, ...options });
  }
  return { temperature: stream.temperature, losers: ensemble.losers };
}

describe('the temperature controller', () => {
  test.each([
    [FLAT, 40, 0.05],
    [FLAT, 70, 0.05],
    [FLAT, 20, 0.02],
    [FLAT, 200, 0.2],
    [FLAT, 500, 0.3],
    [LADDERS, 5, 0.05],
    [LADDERS, 50, 0.05],
    [LADDERS, 300, 0.05],
  ])('%# finds the temperature that bisection finds', (offers, deciders, budget) => {
    const { temperature, losers } = settle(offers, deciders, { loserBudget: budget });
    expect(losers).toBeLessThanOrEqual(budget);
    expect(losers).toBeGreaterThan(0.88 * budget);
    // Losers stay below 0.1 by a formula that is good to 10 %, hence the wider bracket.
    const { choice } = new PlaceTable(offers);
    expect(temperature).toBeGreaterThan(choice.controlTemperature(deciders, 1.12 * budget, 1e-3, 1e6));
    expect(temperature).toBeLessThan(choice.controlTemperature(deciders, 0.8 * budget, 1e-3, 1e6));
  });

  test('rises with the crowd and comes down again when it goes', () => {
    const stream = newStream(0);
    const calm = settle(LADDERS, 3, {}, stream);
    const crowded = settle(LADDERS, 1000, {}, stream, 8);
    expect(crowded.temperature).toBeGreaterThan(5 * calm.temperature);
    expect(crowded.losers).toBeLessThanOrEqual(0.05);
    const again = settle(LADDERS, 3, {}, stream, 8);
    expect(again.temperature / calm.temperature).toBeCloseTo(1, 1);
  });

  test('alone it goes to the bottom', () => {
    expect(settle(LADDERS, 1).temperature).toBe(TEMPERATURE_DEFAULTS.low);
  });

  test('stops where choices are even, however many there are, and is back within five choices', () => {
    const stream = newStream(0);
    const { temperature } = settle(FLAT, 1e9, {}, stream);
    expect(temperature).toBe(16 * (117 + 25));
    expect(settle(FLAT, 40, {}, stream, 5).losers).toBeLessThanOrEqual(0.05);
  });

  test('keeps to its bounds', () => {
    expect(settle(LADDERS, 300, { high: 7 }).temperature).toBe(7);
    expect(settle(LADDERS, 2, { low: 9 }).temperature).toBe(9);
  });

  test('ends within the budget or at a bound, on any board', () => {
    const entry = fc.record({
      price: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      slope: fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
      near: fc.integer({ min: 1, max: 100 }),
      more: fc.integer({ min: 0, max: 10_000 }),
    });
    checkProperty(
      fc.property(
        fc.array(entry, { minLength: 2, maxLength: 12 }),
        fc.double({ min: 1, max: 1e4, noNaN: true }),
        (entries, deciders) => {
          const offers = offersOf(entries.map((e) => ({ ...e, slots: e.near + e.more })));
          const { temperature, losers } = settle(offers, deciders, {}, newStream(0), 30);
          const top = settle(offers, 1e12, {}, newStream(0), 30).temperature;
          expect(temperature).toBeGreaterThanOrEqual(TEMPERATURE_DEFAULTS.low);
          expect(temperature).toBeLessThanOrEqual(top);
          if (losers > 0.05) expect(temperature).toBeCloseTo(top, 6);
        },
      ),
      { numRuns: 1000, endOnFailure: true },
    );
  });
});
