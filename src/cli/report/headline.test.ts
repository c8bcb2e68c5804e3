/** The sentences say what the figures say and no more, also where another policy wins. */
import { describe, expect, test } from 'vitest';
import { compareRuns } from '../../simulation/metrics/compare.ts';
import type { ComparisonResult, SimulationResult } from '../../simulation/metrics/result.ts';
import { headline, keepUnits, sentenceText, tallies } from './headline.ts';
import { smallRun } from './report.fixtures.ts';

const BASE = smallRun('teg', 1);

/** A run with a share of GPUs in use and a mean wait. */
function run(policy: string, seed: number, gpu: number, waitMean: number): SimulationResult {
  const base = BASE.wait as NonNullable<typeof BASE.wait>;
  const wait = { ...base, mean: waitMean, ...(waitMean === 0 ? { p50: 0, p90: 0, p99: 0, max: 0 } : {}) };
  // The fuller, the nearer to an equilibrium: the text would say so, if it mentioned equilibria.
  const potential = 1 - gpu;
  const equilibrium = {
    potential,
    potentialLast: potential,
    potentialGpus: potential,
    exploitability: null,
    samples: 1,
  };
  return {
    ...BASE,
    policy,
    seed,
    wait,
    equilibrium,
    allocationWhileArriving: { ...BASE.allocationWhileArriving, gpu },
  };
}

/** @param figures For each policy, for each seed, share in use and mean wait. */
function compared(figures: Record<string, readonly (readonly [number, number])[]>): ComparisonResult {
  const policies = Object.keys(figures);
  const seeds = (figures[policies[0] as string] as unknown[]).map((_, i) => i + 1);
  const runs = policies.map((policy) =>
    (figures[policy] as readonly (readonly [number, number])[]).map(([gpu, wait], i) =>
      run(policy, i + 1, gpu, wait),
    ),
  );
  return compareRuns({ policies, seeds, baseline: policies[0] as string, runs });
}

function texts(result: ComparisonResult): string[] {
  return headline(result).map(sentenceText);
}

describe('the first sentence', () => {
  test('says which policy wins by how much, and which loses', () => {
    const result = compared({
      fgd: [0.92, 0.91, 0.93].map((gpu) => [gpu, 10]),
      teg: [0.9, 0.89, 0.911].map((gpu) => [gpu, 10]),
      'kube-scheduler': [0.8, 0.79, 0.812].map((gpu) => [gpu, 10]),
    });
    expect(texts(result)[0]).toBe(
      'TEG kept 90.0 % of 96 GPUs in use while jobs arrived: 2.0 points less than fgd and 10.0 points more than kube-scheduler.',
    );
  });

  test('calls chance chance, and equal equal', () => {
    const result = compared({
      teg: [0.9, 0.8, 0.7].map((gpu) => [gpu, 10]),
      fgd: [0.8, 0.9, 0.6].map((gpu) => [gpu, 10]),
      random: [0.901, 0.799, 0.7].map((gpu) => [gpu, 10]),
      'best-fit': [0.9, 0.8, 0.7].map((gpu) => [gpu, 10]),
    });
    expect(texts(result)[0]).toBe(
      'TEG kept 80.0 % of 96 GPUs in use while jobs arrived: 3.3 points more than fgd (may be chance), ' +
        'about as much as random and as much as best-fit.',
    );
  });

  test('one seed is one seed', () => {
    const result = compared({ teg: [[0.9, 10]], fgd: [[0.8, 20]] });
    expect(texts(result)[0]).toBe(
      'TEG kept 90.0 % of 96 GPUs in use while jobs arrived: 10.0 points more than fgd (one seed).',
    );
    expect(texts(result)[1]).toBe('A job waited 10.0 s on average; under fgd 20.0 s.');
  });
});

describe('the sentence about waits', () => {
  test('distinguishes clear differences from others, in both directions', () => {
    const waits = { teg: [10, 11, 12], worse: [20, 21, 22.5], better: [5, 6, 7.2], unclear: [12, 8, 15] };
    const result = compared(
      Object.fromEntries(
        Object.entries(waits).map(([policy, list]) => [policy, list.map((w) => [0.9, w] as const)]),
      ),
    );
    expect(texts(result)[1]).toBe(
      'A job waited 11.0 s on average; under worse 21.2 s (clearly longer), under better 6.1 s (clearly shorter) ' +
        'and under unclear 11.7 s (no clear difference).',
    );
  });

  test('says so where jobs were left waiting or could never run', () => {
    for (const left of [{ waiting: 3 }, { dropped: 2 }]) {
      const runs = ['teg', 'fgd'].map((policy) => {
        const quiet = run(policy, 1, 0.2, 0);
        return [{ ...quiet, jobs: { ...quiet.jobs, ...left } }];
      });
      const result = compareRuns({ policies: ['teg', 'fgd'], seeds: [1], baseline: 'fgd', runs });
      expect(texts(result)[1]).toBe('Every job that started did so at once under TEG.');
      expect(texts(result).join(' ')).not.toContain('does not fill');
    }
  });

  test('says where nothing ever waited', () => {
    const result = compared({ teg: [[0.2, 0]], fgd: [[0.2, 0]] });
    expect(texts(result)[1]).toBe(
      'Every job started at once, whatever the policy: this workload does not fill this cluster.',
    );
  });
});

test('without TEG the first policy is the subject', () => {
  const result = compared({ fgd: [[0.9, 10]], random: [[0.8, 10]] });
  expect(texts(result)[0]).toMatch(/^fgd kept 90\.0 %.* than random \(one seed\)\.$/);
});

test('wins and losses are counted by the names of the figures', () => {
  const result = compared({
    teg: [0.9, 0.89, 0.911].map((gpu) => [gpu, 30]),
    fgd: [0.8, 0.79, 0.812].map((gpu, i) => [gpu, 10 + i]),
  });
  const [tally] = tallies(result);
  // It says nothing of TEG's own potential, though that is lower.
  expect(result.metrics.find((m) => m.metric === 'potential')?.policies[1]?.verdict).toBe('worse');
  expect(tally?.better).toEqual(['GPUs in use']);
  expect(tally?.worse).toEqual(['wait, mean']);
  expect(tally?.unclear).toEqual([]);
});

test('no figures, no sentences', () => {
  const result = compared({ teg: [[0.9, 10]], fgd: [[0.8, 20]] });
  expect(headline({ ...result, metrics: [], runs: [] })).toEqual([]);
});

test('numbers keep their units', () => {
  expect(keepUnits('took 5 h 42 m and 3.1 µs, 16.2 points, 5 hosts')).toBe(
    'took 5\u00a0h\u00a042\u00a0m and 3.1\u00a0µs, 16.2\u00a0points, 5 hosts',
  );
});
