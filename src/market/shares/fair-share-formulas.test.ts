/** The published formulas of fair shares, on tables computed by hand and on examples of their sources. */
import { describe, expect, test } from 'vitest';
import { admissionRate, admissionUsage } from './admission-shares.ts';
import { borrowedShare, dominantShare } from './dominant-share.ts';
import { fairTreeFactors } from './fair-tree.ts';
import { timeShares } from './time-shares.ts';

describe('admission fair sharing', () => {
  test.each([
    // Half of the half-life: 1 − √½. Kueue's own test of the penalty: 4 CPUs at 5 and 10 minutes.
    [300, 600, 0.292893219],
    [600, 600, 0.5],
    [1200, 600, 0.75],
    // Kueue's defaults of 5 minutes and a week.
    [300, 604_800, 0.000343764],
  ])('a sample every %d s with a half-life of %d s renews %d', (sampling, halfLife, rate) => {
    expect(admissionRate(sampling, halfLife)).toBeCloseTo(rate, 9);
  });

  test.each([
    [0, 10, 1, 2.928932188],
    [0, 10, 2, 5],
    [0, 10, 4, 7.5],
    [7.5, 0, 2, 3.75],
    [7.5, 10, 0, 7.5],
  ])('a usage of %d while %d is held is after %d samples %d', (usage, held, samples, expected) => {
    expect(admissionUsage(usage, held, samples, 300, 600)).toBeCloseTo(expected, 9);
    const rate = admissionRate(300, 600);
    let plain = usage;
    for (let sample = 0; sample < samples; sample++) plain = (1 - rate) * plain + rate * held;
    expect(admissionUsage(usage, held, samples, 300, 600)).toBeCloseTo(plain, 12);
  });
});

describe('dominant shares', () => {
  test('fill as in the example of the DRF paper: 9 CPUs, 18 GB, tasks of ⟨1, 4⟩ and ⟨3, 1⟩', () => {
    const capacity = [9, 18];
    const tasks = [
      [1, 4],
      [3, 1],
    ] as const;
    const used = [
      [0, 0],
      [0, 0],
    ] as [number[], number[]];
    const schedule: string[] = [];
    for (const _ of [1, 2, 3, 4, 5]) {
      // The paper begins with B.
      const user = dominantShare(used[0], capacity, 1) < dominantShare(used[1], capacity, 1) ? 0 : 1;
      schedule.push('AB'[user] as string);
      used[user] = used[user].map((amount, k) => amount + (tasks[user][k] as number));
    }
    expect(schedule.join('')).toBe('BAABA');
    expect(used).toEqual([
      [3, 12],
      [6, 2],
    ]);
    expect(used.map((amounts) => dominantShare(amounts, capacity, 1))).toEqual([12 / 18, 6 / 9]);
  });

  test.each([
    // used, request, nominal, lendable, weight, share
    [[2, 5], [0, 0], [2, 5], [10, 10], 1, 0],
    [[3, 5], [0, 0], [2, 5], [10, 10], 1, 0.1],
    [[3, 7], [0, 0], [2, 5], [10, 10], 1, 0.2],
    [[3, 7], [0, 0], [2, 5], [10, 40], 1, 0.1],
    [[3, 7], [0, 0], [2, 5], [10, 10], 2, 0.1],
    [[2, 5], [4, 0], [2, 5], [10, 10], 1, 0.4],
    [[1, 0], [1, 0], [2, 5], [10, 10], 0, 0],
    [[1, 0], [2, 0], [2, 5], [10, 10], 0, Number.POSITIVE_INFINITY],
    [[3, 0], [0, 0], [2, 5], [0, 10], 1, 0],
  ])(
    'used %j and %j of nominal %j, with %j to be lent, weight %d: %d',
    (used, request, nominal, lendable, weight, share) => {
      expect(borrowedShare(used, request, nominal, lendable, weight)).toBeCloseTo(share, 12);
    },
  );

  test('of weight 0 comes after all others; a resource that the cluster lacks counts for nothing', () => {
    expect(dominantShare([0, 0], [9, 18], 0)).toBe(Number.POSITIVE_INFINITY);
    expect(dominantShare([3, 5], [9, 0], 2)).toBeCloseTo(1 / 6, 12);
  });
});

describe('shares by weight and past usage', () => {
  const queues = (deserved: number[], requests: number[], weights: number[], usages: number[]) => ({
    deserved,
    requests,
    weights,
    usages,
  });

  test.each([
    ['by weight', 0, queues([0, 0], [100, 100], [1, 1], [0.75, 0.25]), [50, 50]],
    // W′ = ½: ½ + ½ − ¾ = ¼ and ½ + ½ − ¼ = ¾.
    ['less for the one that used more', 1, queues([0, 0], [100, 100], [1, 1], [0.75, 0.25]), [25, 75]],
    ['k = 2: nothing for it', 2, queues([0, 0], [100, 100], [1, 1], [0.75, 0.25]), [0, 100]],
    ['k = ½', 0.5, queues([0, 0], [100, 100], [1, 1], [0.75, 0.25]), [37.5, 62.5]],
    // ¼ + ¼ − ½ = 0 and ¾ + ¾ − ½ = 1.
    ['by weight and usage', 1, queues([0, 0], [100, 100], [1, 3], [0.5, 0.5]), [0, 100]],
    ['what is deserved first', 0, queues([40, 0], [100, 100], [1, 1], [0, 0]), [70, 30]],
    ['deserved, as far as requested', 1, queues([40, 0], [10, 100], [1, 1], [0, 0]), [10, 90]],
    // 25, 25, 50, of which 15 are left: a third and two thirds of them.
    ['rounds', 0, queues([0, 0, 0], [10, 100, 100], [1, 1, 2], [0, 0, 0]), [10, 30, 60]],
    ['weight 0: nothing beyond what is deserved', 0, queues([0, 5], [50, 50], [1, 0], [0, 0]), [50, 5]],
  ])('%s', (_, k, given, expected) => {
    const shares = [...timeShares(100, given, k)];
    for (const [i, share] of shares.entries()) expect(share).toBeCloseTo(expected[i] as number, 9);
  });
});

describe('Fair Tree', () => {
  const ranks = (children: number[][], levelShares: number[]): number[] => {
    const factors = fairTreeFactors(children, levelShares);
    const leaves = children.filter((below, node) => node > 0 && below.length === 0).length;
    return [...factors].map((factor) => Math.round(factor * leaves));
  };

  test('ranks depth first: all below the account of the larger level share go first', () => {
    // 1: account of 2; 3 and 4 below it, 5 below account 2.
    const children = [[1, 2], [3, 4], [5], [], [], []];
    expect(ranks(children, [0, 2, 0.5, 0.1, 0.2, 9])).toEqual([0, 0, 0, 2, 3, 1]);
    expect(ranks(children, [0, 0.5, 2, 0.1, 0.2, 9])).toEqual([0, 0, 0, 1, 2, 3]);
  });

  test('merges the children of accounts of equal level share, and gives equal leaves one rank', () => {
    const children = [[1, 2], [3, 4], [5], [], [], []];
    expect(ranks(children, [0, 1, 1, 0.5, 2, 1])).toEqual([0, 0, 0, 1, 3, 2]);
    expect(ranks([[1, 2, 3], [], [], []], [0, 4, 4, 1])).toEqual([0, 3, 3, 1]);
    const none = Number.POSITIVE_INFINITY;
    expect(ranks([[1, 2, 3], [], [], []], [0, none, 0, none])).toEqual([0, 3, 1, 3]);
  });

  test('ranks a leaf beside accounts of equal level share before what is below them', () => {
    expect(ranks([[1, 2], [3], [], []], [0, 1, 1, 5])).toEqual([0, 0, 2, 1]);
  });
});
