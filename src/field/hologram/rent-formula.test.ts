import { describe, expect, test } from 'vitest';
import { stream } from '../../../test/support/random-cluster.ts';
import type { Random } from '../../kernel/random.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { type Demand, DemandTable } from '../../model/demand.ts';
import { differentiate } from '../../physics/dual.ts';
import { RENT_DEFAULTS } from '../flavor-rent.ts';
import { plainHologramOf, randomZone, type TestZone, zoneOn } from './hologram.fixtures.ts';
import { mergeHolograms } from './hologram.ts';
import { rentOf, rentPerMilli, SIZED_DUAL, SIZED_REAL } from './rent-formula.ts';

const NO_LOAD = 0;
/** Draws 1: `zoneOn` then takes no node down. */
const NO_ONE_DOWN = { nextInt: () => 1 } as unknown as Random;

/** All rents of a zone, as charged for one whole GPU, by model. */
function chargedRents({ rent }: TestZone, demand: Demand): Map<string, number> {
  const rents = new Map<string, number>();
  for (let group = 0; group < rent.groupCount; group++) {
    const { gpuModel } = rent.sumsOf(group);
    if (gpuModel !== undefined) rents.set(gpuModel, rent.rent(demand, group) / demand.gpuTotalMilli);
  }
  return rents;
}

describe('the rent formula', () => {
  test("equals FlavorRent's, on its sums to the last digits and on holograms to the rounding of the sums", () => {
    const random = stream(4);
    let charged = 0;
    for (let i = 0; i < 100; i++) {
      const zone = randomZone(40, random);
      const gpus = zone.demands.find((demand) => demand.gpuCount > 0) as Demand;
      const hologram = plainHologramOf(zone);
      const sums = Array.from({ length: zone.rent.groupCount }, (_, group) => zone.rent.sumsOf(group));
      const freeMilli = sums.reduce((sum, group) => sum + group.freeMilli, 0);
      const { demandMilli } = zone.rent;
      for (const [gpuModel, rent] of chargedRents(zone, gpus)) {
        const group = sums.find((known) => known.gpuModel === gpuModel);
        const { boundMilli = 0, freeMilli: freeOfModelMilli = 0 } = group ?? {};
        const formula = rentPerMilli(
          SIZED_REAL,
          { boundMilli, demandMilli, freeOfModelMilli, freeMilli },
          RENT_DEFAULTS,
          NO_LOAD,
        );
        expect(Math.abs(formula - rent)).toBeLessThanOrEqual(1e-14 * rent);
        const rounding = 1 / Math.max(1, boundMilli) + 1 / Math.max(1, demandMilli);
        expect(Math.abs(rentOf(hologram, gpuModel).value - rent)).toBeLessThanOrEqual(rounding * rent);
        if (rent > 0) charged++;
      }
    }
    expect(charged).toBeGreaterThan(50);
  });

  test('its slope is the increase by a little more load, below the cap, at the cap, and where nothing is free', () => {
    const sums = { boundMilli: 250, demandMilli: 1000, freeOfModelMilli: 4000, freeMilli: 12_000 };
    const cases = [sums, { ...sums, freeOfModelMilli: 500 }, { ...sums, freeOfModelMilli: 0, freeMilli: 3 }];
    const slopes = cases.map((at) => {
      const dual = differentiate((load) => rentPerMilli(SIZED_DUAL, at, RENT_DEFAULTS, load), 0);
      const plain = (load: number): number => rentPerMilli(SIZED_REAL, at, RENT_DEFAULTS, load);
      expect(dual.value).toBe(plain(0));
      expect(dual.slope).toBeCloseTo((plain(1e-3) - plain(-1e-3)) / 2e-3, 9);
      return dual.slope;
    });
    // λ · share · (free − freeOfModel) / freeOfModel²; nothing at the cap; ever less free capacity where none of it is
    // of the model.
    expect(slopes[0]).toBeCloseTo((0.25 * 0.25 * 8000) / 4000 ** 2, 12);
    expect(slopes[1]).toBe(0);
    expect(slopes[2]).toBeCloseTo(-0.25 * 0.25, 12);
  });

  test('of merged zones is that of their sums, not the mean of their rents', () => {
    const table = new DemandTable();
    const pod = { cpuMilli: 1000, memoryMib: 1024, gpuCount: 1, gpuMilli: 1000 };
    const bound = table.intern({ ...pod, gpuModels: ['scarce'] });
    const free = table.intern({ ...pod, gpuModels: [] });
    const zoneWith = (scarce: number, plenty: number, named: number): TestZone => {
      const cluster = new ClusterState(table);
      for (let i = 0; i < scarce + plenty; i++) {
        cluster.addNode({
          name: `n${i}`,
          cpuMilli: 64_000,
          memoryMib: 262_144,
          podsMax: 110,
          gpuCount: 2,
          gpuModel: i < scarce ? 'scarce' : 'plenty',
        });
      }
      const zone = zoneOn(cluster, [], NO_ONE_DOWN);
      zone.rent.demandSeen(bound, named);
      zone.rent.demandSeen(free, 10 - named);
      return zone;
    };
    const merged = mergeHolograms([plainHologramOf(zoneWith(1, 3, 5)), plainHologramOf(zoneWith(3, 1, 1))]);
    // 6 of 20 pods are bound to 4 of 8 nodes.
    expect(rentOf(merged, 'scarce').value).toBeCloseTo(0.25 * (6 / 20) * (16 / 8), 12);
    expect(rentOf(merged, 'plenty')).toEqual({ value: 0, slope: 0 });
    expect(rentOf(merged, 'unheard of')).toEqual({ value: 0, slope: 0 });
  });
});
