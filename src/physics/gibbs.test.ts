import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { GibbsChoice } from './gibbs.ts';

const classes = fc.array(
  fc.record({ level: fc.double({ min: 0, max: 5, noNaN: true }), count: fc.integer({ min: 1, max: 50 }) }),
  { minLength: 1, maxLength: 20 },
);

function choiceOf(list: readonly { level: number; count: number }[]): GibbsChoice {
  return new GibbsChoice(
    Float64Array.from(list, (c) => c.level),
    Float64Array.from(list, (c) => c.count),
  );
}

describe('Gibbs choice', () => {
  test('draws every node in proportion to e^{−U/T}', () => {
    const gibbs = choiceOf([
      { level: 1, count: 3 },
      { level: 2, count: 5 },
    ]);
    gibbs.setTemperature(0.5);
    const [a, b] = gibbs.shares as unknown as [number, number];
    expect(a + b).toBeCloseTo(1, 12);
    expect(b / 5 / (a / 3)).toBeCloseTo(Math.exp(-2), 12);
    expect(gibbs.meanLevel()).toBeCloseTo(a + 2 * b, 12);
    gibbs.setTemperature(Number.POSITIVE_INFINITY);
    expect([...gibbs.shares]).toEqual([3 / 8, 5 / 8]);
    expect(gibbs.effectiveNodes()).toBeCloseTo(8, 12);
  });

  test('leaves out classes without nodes, however good', () => {
    const gibbs = choiceOf([
      { level: 0, count: 0 },
      { level: 900, count: 2 },
      { level: 901, count: 2 },
    ]);
    gibbs.setTemperature(1e-9);
    expect([...gibbs.shares]).toEqual([0, 1, 0]);
    expect(gibbs.loserFraction(2)).toBeCloseTo(0.25, 12);
  });

  test('N_eff lies between the best class and all nodes and rises with T', () => {
    checkProperty(
      fc.property(classes, (list) => {
        const gibbs = choiceOf(list);
        const all = list.reduce((sum, c) => sum + c.count, 0);
        let last = 0;
        for (const t of [0.01, 0.1, 0.5, 1, 3, 10, 1000]) {
          gibbs.setTemperature(t);
          const now = gibbs.effectiveNodes();
          expect(now).toBeGreaterThanOrEqual(last * (1 - 1e-9));
          expect(now).toBeLessThanOrEqual(all * (1 + 1e-9));
          last = now;
        }
      }),
    );
  });
});

describe('losers', () => {
  test('match a count of all outcomes', () => {
    // Nodes with probabilities ½, ¼, ¼; three deciders: 27 outcomes.
    const gibbs = choiceOf([
      { level: 0, count: 1 },
      { level: Math.LN2, count: 2 },
    ]);
    gibbs.setTemperature(1);
    const p = [0.5, 0.25, 0.25];
    let lost = 0;
    for (let i = 0; i < 3; i++)
      for (let j = 0; j < 3; j++)
        for (let k = 0; k < 3; k++)
          lost += (p[i] as number) * (p[j] as number) * (p[k] as number) * (3 - new Set([i, j, k]).size);
    expect(gibbs.loserFraction(3)).toBeCloseTo(lost / 3, 12);
    expect(gibbs.loserFraction(1)).toBeCloseTo(0, 12);
  });

  test('are what the short formula says while they are few', () => {
    const gibbs = choiceOf(Array.from({ length: 50 }, (_, k) => ({ level: k / 10, count: 20 })));
    gibbs.setTemperature(2);
    const exact = gibbs.loserFraction(20);
    expect(exact).toBeLessThan(0.1);
    expect(Math.abs(gibbs.approximateLoserFraction(20) / exact - 1)).toBeLessThan(0.1);
  });
});

describe('the controller', () => {
  const list = Array.from({ length: 50 }, (_, k) => ({ level: k / 10, count: 1 + k }));

  test('finds the lowest temperature within the budget', () => {
    const gibbs = choiceOf(list);
    const t = gibbs.controlTemperature(50, 0.05, 1e-3, 1e3);
    expect(gibbs.temperature).toBe(t);
    expect(gibbs.loserFraction(50)).toBeLessThanOrEqual(0.05);
    gibbs.setTemperature(t * 0.999);
    expect(gibbs.loserFraction(50)).toBeGreaterThan(0.05);
  });

  test('stays at its ends where nothing is needed or nothing is enough', () => {
    const gibbs = choiceOf(list);
    expect(gibbs.controlTemperature(1, 0.05, 1e-3, 1e3)).toBe(1e-3);
    expect(gibbs.controlTemperature(1e6, 0.01, 1e-3, 1e3)).toBeCloseTo(1e3, 6);
  });

  test('the cheapest temperature beats its neighbours, near and far', () => {
    const gibbs = choiceOf(list);
    const cost = (t: number): number => {
      gibbs.setTemperature(t);
      return gibbs.meanLevel() + 2 * gibbs.loserFraction(50);
    };
    const best = gibbs.cheapestTemperature(50, 2, 1e-3, 1e3);
    const least = cost(best);
    for (const factor of [0.01, 0.5, 0.9, 0.99, 1.01, 1.1, 2, 100]) {
      expect(cost(best * factor)).toBeGreaterThan(least);
    }
  });
});
