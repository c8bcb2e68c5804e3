import { expect, test } from 'vitest';
import { randomCluster, stream } from '../../../test/support/random-cluster.ts';
import { latticeOf } from '../../field/prices.ts';
import { DemandTable } from '../../model/demand.ts';
import { TEG_DEFAULTS } from './teg-options.ts';
import { TypicalPrices } from './typical-prices.ts';

const table = new DemandTable();
const small = table.intern({ cpuMilli: 2000, memoryMib: 1024, gpuCount: 1, gpuMilli: 500, gpuModels: [] });
const large = table.intern({ cpuMilli: 8000, memoryMib: 1024, gpuCount: 4, gpuMilli: 1000, gpuModels: [] });

function prices(learning: Partial<(typeof TEG_DEFAULTS)['learning']>, given: boolean): TypicalPrices {
  const cluster = randomCluster(20, stream(1), table);
  const typical = given ? { demands: [small, large], weights: [0.9, 0.1] } : undefined;
  return new TypicalPrices(cluster, latticeOf(cluster), typical, {
    ...TEG_DEFAULTS,
    learning: { ...TEG_DEFAULTS.learning, ...learning },
  });
}

test('learned prices are renewed at the looks where the mix has moved, and not where it has not', () => {
  const learned = prices({ firstLookPods: 16 }, false);
  for (let i = 0; i < 16; i++) expect(learned.demandSeen(small, 1)).toBe(i === 15);
  for (let i = 0; i < 48; i++) expect(learned.demandSeen(small, 1)).toBe(false);
  let renewed = 0;
  for (let i = 0; i < 192; i++) if (learned.demandSeen(large, 1)) renewed++;
  expect(renewed).toBe(1);
});

test('given prices stay, until pods are seen to leave: then large pods weigh more', () => {
  const fixed = prices({ departuresMin: 3 }, true);
  const shape = {
    cpuMilli: 32_000,
    memoryMib: 262_144,
    extended: [],
    whole: 4,
    a: 0,
    b: 0,
    d: 0,
    rest: 0,
    fresh: false,
    short: false,
    flavorId: 0,
  };
  for (let i = 0; i < 1000; i++) expect(fixed.demandSeen(small, 1)).toBe(false);
  const before = fixed.price.cost(shape, small, Number.NaN);
  for (let i = 0; i < 3; i++) fixed.departureSeen();
  expect(fixed.demandSeen(small, 1)).toBe(true);
  expect(fixed.demandSeen(small, 1)).toBe(false);
  expect(fixed.renewals).toBe(1);
  // Breaking up room for a large pod costs more once that pod weighs more.
  expect(fixed.price.cost(shape, small, Number.NaN)).toBeGreaterThan(before);
});
