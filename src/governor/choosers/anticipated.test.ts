import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { Random } from '../../kernel/random.ts';
import { anticipate } from '../../physics/anticipated.ts';
import { anticipatedLoads, createAnticipatedChooser } from './anticipated.ts';
import { chiSquare, chiSquareLimit, countChoices, offersOf } from './choosers.fixtures.ts';
import { waterLevel } from './water-level.ts';

const entry = fc.record({
  price: fc.double({ min: -1000, max: 1000, noNaN: true }),
  slope: fc.double({ min: 0.01, max: 100, noNaN: true }),
  slots: fc.integer({ min: 1, max: 500 }),
});
const boards = fc.array(entry, { minLength: 1, maxLength: 40 });

function loadsOf(offers: ReturnType<typeof offersOf>, mass: number): Float64Array {
  const loads = new Float64Array(offers.count);
  anticipatedLoads(offers, mass, loads);
  return loads;
}

describe('anticipated loads', () => {
  test('without walls are the shares of D3', () => {
    checkProperty(
      fc.property(boards, fc.double({ min: 0.01, max: 1e4, noNaN: true }), (entries, mass) => {
        const offers = offersOf(entries.map((e) => ({ ...e, slots: 1e12 })));
        const loads = loadsOf(offers, mass);
        const shares = new Float64Array(entries.length);
        anticipate(
          {
            prices: Float64Array.from(entries, (e) => e.price),
            slopes: Float64Array.from(entries, (e) => e.slope),
            counts: new Float64Array(entries.length).fill(1),
          },
          mass,
          0,
          shares,
        );
        for (const [i, share] of shares.entries()) {
          expect(Math.abs((loads[i] as number) / mass - share)).toBeLessThan(1e-7);
        }
      }),
      { endOnFailure: true },
    );
  });

  test('stay within the slots, sum to the mass, and leave prices level where there is room', () => {
    checkProperty(
      fc.property(boards, fc.double({ min: 0.001, max: 0.999, noNaN: true }), (entries, fill) => {
        const offers = offersOf(entries);
        const mass = fill * entries.reduce((sum, e) => sum + e.slots, 0);
        const loads = loadsOf(offers, mass);
        const level = waterLevel(offers, mass);
        const total = loads.reduce((sum, load) => sum + load, 0);
        // A load is a difference of prices over a slope: each loses half a digit of the level.
        const lost = entries.reduce((sum, { slope }) => sum + (Number.EPSILON * Math.abs(level)) / slope, 0);
        expect(Math.abs(total - mass)).toBeLessThan(1e-9 * mass + 2 * lost);
        for (const [i, { price, slope, slots }] of entries.entries()) {
          const load = loads[i] as number;
          expect(load).toBeGreaterThanOrEqual(0);
          expect(load).toBeLessThanOrEqual(slots);
          if (load === 0) expect(price).toBeGreaterThanOrEqual(level);
          else if (load < slots) expect(price + slope * load).toBeCloseTo(level, 6);
          else expect(price + slope * load).toBeLessThanOrEqual(level + 1e-6);
        }
      }),
      { endOnFailure: true },
    );
  });

  test('of a mass beyond the room are in proportion to slots', () => {
    const offers = offersOf([
      { price: 5, slots: 30 },
      { price: 1, slots: 10 },
    ]);
    expect([...loadsOf(offers, 40)]).toEqual([30, 10]);
    expect([...loadsOf(offers, 1e9)]).toEqual([30, 10]);
  });

  test('of no mass go to the cheapest, the flatter the more', () => {
    const offers = offersOf([
      { price: 7, slope: 1e-3 },
      { price: 3, slope: 2 },
      { price: 4, slope: 1 },
      { price: 3, slope: 0.5 },
    ]);
    expect([...loadsOf(offers, 0)]).toEqual([0, 0.5, 0, 2]);
    const little = loadsOf(offers, 1e-6);
    expect((little[3] as number) / (little[1] as number)).toBeCloseTo(4, 6);
    expect(little[0]).toBe(0);
  });

  test('do not get lost in prices of any size', () => {
    for (const scale of [1e-9, 1e12, 1e300]) {
      const offers = offersOf([
        { price: -scale, slope: 1e-3, slots: 5 },
        { price: scale, slope: 1e-3, slots: 5 },
        { price: 0, slope: 1e-3, slots: 5 },
      ]);
      const loads = loadsOf(offers, 7);
      expect(Number.isFinite(loads[0])).toBe(true);
      if (scale > 1) expect(loads[0]).toBe(5);
      if (scale > 1) expect(loads[1]).toBe(0);
    }
  });
});

describe('the anticipated chooser', () => {
  test('draws by the load of twice the other deciders', () => {
    const offers = offersOf([
      { price: 10, slope: 1, slots: 50 },
      { price: 14, slope: 2, slots: 50 },
      { price: 18, slope: 1, slots: 3 },
      { price: 40, slope: 1, slots: 50 },
    ]);
    const loads = loadsOf(offers, 2 * 9);
    expect(loads[2]).toBeGreaterThan(0);
    expect(loads[3]).toBe(0);
    const shares = loads.map((load) => load / 18);
    const counts = countChoices(createAnticipatedChooser(), offers, 10, 20_000, new Random(5));
    expect(counts[3]).toBe(0);
    expect(chiSquare(counts.slice(0, 3), shares)).toBeLessThan(chiSquareLimit(3));
  });

  test('alone it takes the cheapest, and of equal ones any', () => {
    const offers = offersOf([{ price: 2 }, { price: 1 }, { price: 1 }]);
    const counts = countChoices(createAnticipatedChooser(), offers, 1, 4000, new Random(2));
    expect(counts[0]).toBe(0);
    expect(Math.abs((counts[1] as number) - 2000)).toBeLessThan(150);
  });

  test('does not mind the ages of entries', () => {
    const young = offersOf([{ price: 2 }, { price: 1, age: 0 }]);
    const old = offersOf([{ price: 2 }, { price: 1, age: 1e6 }]);
    const run = (offers: typeof old): number[] =>
      countChoices(createAnticipatedChooser(), offers, 4, 500, new Random(3));
    expect(run(young)).toEqual(run(old));
  });
});
