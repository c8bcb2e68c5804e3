import { expect, test } from 'vitest';
import { randomCluster, stream } from '../../../test/support/random-cluster.ts';
import { DemandTable } from '../../model/demand.ts';
import { SharedPrices } from './shared-prices.ts';
import { TEG_DEFAULTS } from './teg-options.ts';

const table = new DemandTable();
const small = table.intern({ cpuMilli: 2000, memoryMib: 1024, gpuCount: 1, gpuMilli: 500, gpuModels: [] });
const large = table.intern({ cpuMilli: 8000, memoryMib: 1024, gpuCount: 4, gpuMilli: 1000, gpuModels: [] });

function shared(given: boolean): SharedPrices {
  const cluster = randomCluster(20, stream(1), table);
  const typical = given ? { demands: [small, large], weights: [0.9, 0.1] } : undefined;
  const learning = { ...TEG_DEFAULTS.learning, firstLookPods: 16, departuresMin: 3 };
  return new SharedPrices(cluster, typical, { ...TEG_DEFAULTS, learning });
}

test('all zones read the same prices, made once', () => {
  const prices = shared(true);
  const views = [prices.view(), prices.view()];
  for (const view of views) expect(view.price).toBe(prices.price);
});

test('every arrival is reported to the owner; each zone notices new prices at its own next arrival, once', () => {
  const prices = shared(false);
  const [busy, idle] = [prices.view(), prices.view()];
  const before = prices.price;
  for (let i = 0; i < 16; i++) expect(prices.demandSeen(small, 1)).toBe(i === 15);
  expect(prices.price).not.toBe(before);
  expect(busy.price).toBe(before);
  expect(busy.demandSeen(small, 1)).toBe(true);
  expect(busy.price).toBe(prices.price);
  expect(busy.demandSeen(small, 1)).toBe(false);
  // A zone that misses several renewals goes straight to the last one.
  for (let i = 0; i < 400; i++) prices.demandSeen(large, 1);
  expect(idle.price).toBe(before);
  expect(idle.demandSeen(small, 1)).toBe(true);
  expect(idle.price).toBe(prices.price);
  expect(idle.demandSeen(small, 1)).toBe(false);
});

test('reports of zones are not counted again', () => {
  const prices = shared(false);
  const view = prices.view();
  const before = prices.price;
  for (let i = 0; i < 1000; i++) {
    expect(view.demandSeen(small, 1)).toBe(false);
    view.departureSeen();
  }
  for (let i = 0; i < 15; i++) expect(prices.demandSeen(small, 1)).toBe(false);
  expect(prices.price).toBe(before);
});

test('departures reported by the owner renew even given prices, at the next arrival', () => {
  const prices = shared(true);
  const before = prices.price;
  for (let i = 0; i < 100; i++) expect(prices.demandSeen(small, 1)).toBe(false);
  for (let i = 0; i < 3; i++) prices.departureSeen();
  expect(prices.price).toBe(before);
  expect(prices.demandSeen(small, 1)).toBe(true);
  expect(prices.price).not.toBe(before);
  expect(prices.demandSeen(small, 1)).toBe(false);
});
