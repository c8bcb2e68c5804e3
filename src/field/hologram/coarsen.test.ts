import { expect, test } from 'vitest';
import { stream } from '../../../test/support/random-cluster.ts';
import { DemandTable } from '../../model/demand.ts';
import { coarsenHologram } from './coarsen.ts';
import { plainHologramOf, randomZone } from './hologram.fixtures.ts';
import { mergeHolograms } from './hologram.ts';
import { HOLOGRAM_DEFAULTS } from './hologram-source.ts';
import { StepLattice } from './step-lattice.ts';
import { encodeHologram } from './wire.ts';

const COARSE = { coarseness: 1, partialStepMilli: 50 };

test('equals a hologram taken coarser, before or after merging, and is smaller', () => {
  const random = stream(41);
  let fine = 0;
  let coarse = 0;
  for (let round = 0; round < 40; round++) {
    const table = new DemandTable();
    const zones = [1, 2, 3].map(() => randomZone(40, random, table));
    const holograms = zones.map((zone) => plainHologramOf(zone));
    const merged = mergeHolograms(holograms);
    const expected = encodeHologram(mergeHolograms(zones.map((zone) => plainHologramOf(zone, COARSE))));
    expect(encodeHologram(coarsenHologram(merged, COARSE))).toEqual(expected);
    expect(
      encodeHologram(mergeHolograms(holograms.map((hologram) => coarsenHologram(hologram, COARSE)))),
    ).toEqual(expected);
    fine += merged.classes.count;
    coarse += mergeHolograms(zones.map((zone) => plainHologramOf(zone, COARSE))).classes.count;
  }
  expect(coarse).toBeLessThan(0.9 * fine);
});

test('changes nothing where it is as coarse already', () => {
  const hologram = plainHologramOf(randomZone(40, stream(42)));
  expect(coarsenHologram(hologram, HOLOGRAM_DEFAULTS)).toEqual(hologram);
});

test('lattices are nested', () => {
  const random = stream(43);
  for (let i = 0; i < 2000; i++) {
    const value = Math.floor(2 ** (40 * random.nextDouble()));
    const [fine, coarse] = [new StepLattice(125, 0.25), new StepLattice(125, 0.5)];
    expect(coarse.floorOf(fine.floorOf(value))).toBe(coarse.floorOf(value));
  }
});
