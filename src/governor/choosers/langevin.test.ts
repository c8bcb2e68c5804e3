import { describe, expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { DUAL, differentiate } from '../../physics/dual.ts';
import { smoothedFreeEnergy } from '../../physics/price-functions.ts';
import { newStream } from './chooser.ts';
import { countChoices, type EntrySpec, offersOf, PlaceTable, totalVariation } from './choosers.fixtures.ts';
import { Ensemble } from './ensemble.ts';
import { createGibbsChooser } from './gibbs.ts';
import { createLangevinChooser, Kernel, WALK_DEFAULTS } from './langevin.ts';

/** Two groups of zones, one apart each, with a gap between them that no kernel reaches across, in mixed order. */
const GROUPS: readonly EntrySpec[] = [
  ...Array.from({ length: 12 }, (_, i) => ({ price: 3 * Math.sin(2 * i), near: 2 + (i % 3), position: i })),
  { price: -1, near: 40, position: 500 },
  { price: 1, near: 30, position: 900 },
  ...Array.from({ length: 6 }, (_, i) => ({ price: 1 + (i % 2), near: 4, position: 17 - i })),
];
const FIXED = { low: 2, high: 2 };

function shareOf(offers: ReturnType<typeof offersOf>, temperature: number): number[] {
  const places = new PlaceTable(offers);
  places.choice.setTemperature(temperature);
  return places.shares();
}

describe('the force', () => {
  test.each([0.5, 1, 2])(
    'is minus the dual derivative of the smoothed free energy over T, w = %d',
    (width) => {
      const entries = Array.from({ length: 9 }, (_, i) => ({
        price: 40 * Math.cos(3 * i),
        slope: 2,
        near: 1 + i,
        slots: 6 * (1 + i),
        position: i * 0.8,
      }));
      const offers = offersOf(entries);
      const ensemble = new Ensemble();
      const kernel = new Kernel();
      const temperature = 15;
      ensemble.evaluate(offers, temperature, 5);
      for (let q = -1; q < 8; q += 0.37) {
        kernel.read(offers, ensemble, q, width);
        const near = Array.from(entries.keys()).filter(
          (i) => Math.abs((offers.positions[i] as number) - q) <= 4 * width,
        );
        const { slope } = differentiate(
          (x) =>
            smoothedFreeEnergy(
              DUAL,
              near.map((i) => offers.positions[i] as number),
              near.map((i) => offers.prices[i] as number),
              near.map((i) => ensemble.places[i] as number),
              temperature,
              width,
              x,
            ),
          q,
        );
        expect(kernel.force).toBeCloseTo(-slope / temperature, 9);
      }
    },
  );

  test('reads nothing out of reach', () => {
    const offers = offersOf([
      { price: 0, position: 0 },
      { price: -1e6, position: 8.1 },
    ]);
    const ensemble = new Ensemble();
    const kernel = new Kernel();
    ensemble.evaluate(offers, 1, 1);
    kernel.read(offers, ensemble, 0, 2);
    expect(kernel.weights[1]).toBe(0);
    expect(kernel.total).toBeGreaterThan(0);
    kernel.read(offers, ensemble, 100, 2);
    expect({ total: kernel.total, nearest: kernel.nearest, force: kernel.force }).toEqual({
      total: 0,
      nearest: 1,
      force: 0,
    });
  });
});

describe('the Langevin chooser', () => {
  const offers = offersOf(GROUPS);

  test.each([0.5, 2, 6])('chooses entries by their Gibbs shares in the long run, w = %d', (width) => {
    const chooser = createLangevinChooser(FIXED, { width, teleport: 0.2 });
    const counts = countChoices(chooser, offers, 1, 150_000, new Random(3));
    expect(totalVariation(counts, shareOf(offers, 2))).toBeLessThan(0.025);
  });

  test('without jumps it does not get across a gap: the purpose of jumps', () => {
    const chooser = createLangevinChooser(FIXED, { teleport: 0 });
    const counts = countChoices(chooser, offers, 1, 20_000, new Random(3));
    expect((counts[12] as number) + (counts[13] as number)).toBe(0);
    expect(totalVariation(counts, shareOf(offers, 2))).toBeGreaterThan(0.2);
  });

  test('moves far less than exact draws do', () => {
    const row = offersOf(Array.from({ length: 60 }, (_, i) => ({ price: 3 * Math.sin(7 * i), near: 3 })));
    const meanMove = (chooser: ReturnType<typeof createGibbsChooser>): number => {
      const random = new Random(4);
      const stream = newStream(30);
      let sum = 0;
      let last = chooser.choose(row, 1, stream, random);
      for (let k = 0; k < 5000; k++) {
        const next = chooser.choose(row, 1, stream, random);
        sum += Math.abs(next - last);
        last = next;
      }
      return sum / 5000;
    };
    expect(meanMove(createGibbsChooser(FIXED))).toBeGreaterThan(15);
    expect(meanMove(createLangevinChooser(FIXED))).toBeLessThan(6);
  });

  test('starts at home', () => {
    const chooser = createLangevinChooser(FIXED, { teleport: 0 });
    let sum = 0;
    for (let k = 0; k < 200; k++) {
      const pick = chooser.choose(offers, 1, newStream(14), new Random(k));
      sum += Math.abs((offers.positions[pick] as number) - 14);
    }
    expect(sum / 200).toBeLessThan(4);
  });

  test('is put at the nearest entry where there is none', () => {
    const stream = newStream(600);
    const chooser = createLangevinChooser(FIXED, { teleport: 0 });
    expect(offers.positions[chooser.choose(offers, 1, stream, new Random(1))]).toBe(500);
    expect(Math.abs(stream.position - 500)).toBeLessThan(4 * WALK_DEFAULTS.width);
  });

  test('continues from its position when its entries are gone', () => {
    const stream = newStream(3);
    const random = new Random(6);
    const chooser = createLangevinChooser(FIXED, { teleport: 0 });
    for (let k = 0; k < 50; k++) chooser.choose(offers, 1, stream, random);
    const left = offersOf(GROUPS.slice(12, 14));
    expect(chooser.choose(left, 1, stream, random)).toBe(0);
    expect(Math.abs(stream.position - 500)).toBeLessThan(4 * WALK_DEFAULTS.width);
  });
});
