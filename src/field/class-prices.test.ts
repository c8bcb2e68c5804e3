import { describe, expect, test } from 'vitest';
import { churn, randomCluster, randomDemands, stream } from '../../test/support/random-cluster.ts';
import { TEG_DEFAULTS } from '../governor/policy/teg-options.ts';
import { TegPolicy } from '../governor/policy/teg-policy.ts';
import type { Demand } from '../model/demand.ts';
import { ClassPrices, Fit } from './class-prices.ts';
import { DemandColumns } from './demand-columns.ts';

describe('ClassPrices', () => {
  test.each([1, 2])('prices a class for all demands as for each alone (seed %i)', (seed) => {
    const random = stream(seed);
    const cluster = randomCluster(80, random);
    const shapes = randomDemands(120, random, cluster.demands);
    const policy = new TegPolicy({ cluster, random: stream(1) }, TEG_DEFAULTS);
    const columns = new DemandColumns();
    const distinct = [...new Set(shapes)];
    for (const [slot, demand] of distinct.entries()) columns.set(slot, demand);
    churn(cluster, policy, random, 3000, shapes);
    const { classes } = policy;
    const prices = new ClassPrices(cluster, classes, policy.prices.price);
    const cells = new Float32Array(10 + distinct.length);
    const perhaps = new Int32Array(distinct.length);
    const seen = { [Fit.Surely]: 0, [Fit.Perhaps]: 0, [Fit.Never]: 0 } as Record<number, number>;
    for (let i = 0; i < classes.occupiedCount; i++) {
      prices.load(classes.occupied[i] as number);
      const count = prices.costs(columns, cells, 10, perhaps);
      const maybe = new Set(perhaps.subarray(0, count));
      for (let slot = 0; slot < distinct.length; slot++) {
        const demand = distinct[slot] as Demand;
        const fit = prices.fit(demand);
        seen[fit] = (seen[fit] as number) + 1;
        expect(maybe.has(slot)).toBe(fit === Fit.Perhaps);
        const expected = fit === Fit.Surely ? prices.cost(demand) : Number.POSITIVE_INFINITY;
        expect(cells[10 + slot]).toBe(expected);
        expect(expected).not.toBeNaN();
      }
    }
    expect(Math.min(seen[Fit.Surely] as number, seen[Fit.Never] as number)).toBeGreaterThan(500);
    expect(seen[Fit.Perhaps]).toBeGreaterThan(20);
  });

  test('a class that surely fits fits on each of its nodes; one that never fits on none', () => {
    const random = stream(4);
    const cluster = randomCluster(60, random);
    const shapes = randomDemands(80, random, cluster.demands).filter((d) => d.podsPerNodeMax === 0);
    const policy = new TegPolicy({ cluster, random: stream(1) }, TEG_DEFAULTS);
    churn(cluster, policy, random, 2000, shapes);
    const { classes } = policy;
    const prices = new ClassPrices(cluster, classes, policy.prices.price);
    for (let node = 0; node < cluster.nodeCount; node++) {
      const id = classes.classOf[node] as number;
      if (id < 0) continue;
      prices.load(id);
      for (const demand of shapes) {
        const fit = prices.fit(demand);
        if (fit !== Fit.Perhaps) expect(cluster.fits(node, demand)).toBe(fit === Fit.Surely);
      }
    }
  });

  test('continues with its class after another caller priced a single node', () => {
    const random = stream(5);
    const cluster = randomCluster(30, random);
    const shapes = randomDemands(40, random, cluster.demands);
    const policy = new TegPolicy({ cluster, random: stream(1) }, TEG_DEFAULTS);
    churn(cluster, policy, random, 500, shapes);
    const { price } = policy.prices;
    const prices = new ClassPrices(cluster, policy.classes, price);
    const id = policy.classes.occupied[0] as number;
    const demand = shapes.find((d) => {
      prices.load(id);
      return prices.fit(d) === Fit.Surely;
    }) as Demand;
    const before = prices.cost(demand);
    const other = {
      cpuMilli: 9e4,
      memoryMib: 9e4,
      extended: [],
      whole: 3,
      a: 0,
      b: 0,
      d: 0,
      rest: 0,
      fresh: true,
      short: false,
      flavorId: 0,
    };
    price.cost(other, demand, Number.NaN);
    prices.load(id);
    expect(prices.cost(demand)).toBe(before);
  });
});
