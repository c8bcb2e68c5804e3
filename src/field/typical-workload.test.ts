import { describe, expect, test } from 'vitest';
import { DemandTable } from '../model/demand.ts';
import { TypicalLearner } from './typical-workload.ts';

const table = new DemandTable();
const demands = [1, 2, 3].map((k) =>
  table.intern({ cpuMilli: 1000 * k, memoryMib: 1024, gpuCount: 0, gpuMilli: 0, gpuModels: [] }),
);
const [a, b, c] = demands as [(typeof demands)[number], (typeof demands)[number], (typeof demands)[number]];

describe('TypicalLearner', () => {
  test('gives the shares of the arrivals; drift is the total variation distance since the last settle', () => {
    const learner = new TypicalLearner(1e9);
    learner.add(a, 3);
    learner.add(b, 1);
    expect(learner.drift()).toBeCloseTo(0.5, 6);
    expect(learner.settle().weights[0]).toBeCloseTo(0.75, 6);
    expect(learner.drift()).toBeCloseTo(0, 9);
    learner.add(c, 4);
    // (3, 1, 0)/4 against (3, 1, 4)/8.
    expect(learner.drift()).toBeCloseTo(0.5, 6);
    expect(learner.seen).toBe(8);
  });

  test('forgets: after one half-life of others an arrival weighs about half of a new one', () => {
    const learner = new TypicalLearner(1000);
    for (let i = 0; i < 100; i++) learner.add(a, 1);
    for (let i = 0; i < 1000; i++) learner.add(b, 1);
    for (let i = 0; i < 100; i++) learner.add(c, 1);
    const { weights } = learner.settle();
    expect((weights[0] as number) / (weights[2] as number)).toBeCloseTo(2 ** -1.1, 2);
  });

  test('continues through many half-lives: weights stay finite and add up to 1', () => {
    const learner = new TypicalLearner(10);
    for (let i = 0; i < 50_000; i++) learner.add(demands[i % 3] as (typeof demands)[number], 1);
    learner.add(a, 1);
    const { weights } = learner.settle();
    expect(weights.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 9);
    expect(Math.min(...weights)).toBeGreaterThan(0.25);
  });
});
