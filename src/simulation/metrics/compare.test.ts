import { describe, expect, test } from 'vitest';
import { DemandTable } from '../../model/demand.ts';
import { createFirstFitPolicy } from '../baselines/first-fit.ts';
import { JobTableBuilder } from '../inputs/job-table.ts';
import { runSimulation } from '../run/simulator.ts';
import { compareRuns } from './compare.ts';
import { comparisonResultSchema, type SimulationResult } from './result.ts';

const builder = new JobTableBuilder(new DemandTable());
builder.add({
  id: 'a',
  tenant: '',
  priority: 0,
  cpuMilli: 1000,
  memoryMib: 0,
  gpuCount: 1,
  gpuMilli: 1000,
  gpuModels: [],
  submitSeconds: 0,
  durationSeconds: 100,
  requestedSeconds: Number.NaN,
  podCount: 1,
  gangMin: 1,
});
const node = { name: 'n', cpuMilli: 1000, memoryMib: 1, gpuCount: 2, gpuModel: '', podsMax: 10 };

/** A real result with some figures replaced. */
function result(
  policy: string,
  seed: number,
  waitMean: number,
  more: Partial<SimulationResult> = {},
): SimulationResult {
  const jobs = builder.build();
  const run = runSimulation({
    nodes: [node],
    jobs,
    policy: { name: policy, create: createFirstFitPolicy },
    seed,
  });
  const wait = { count: 9, mean: waitMean, p50: 1, p90: 2, p99: 3, p999: 4, max: 5 };
  return { ...run, wait, ...more };
}

function metricOf(comparison: ReturnType<typeof compareRuns>, name: string) {
  return comparison.metrics.find((metric) => metric.metric === name);
}

const SEEDS = [1, 2, 3];

describe('compareRuns', () => {
  const a = [10, 200, 90].map((wait, i) => result('a', i + 1, wait));
  const b = [8, 198, 87.5].map((wait, i) => result('b', i + 1, wait));
  const c = [30, 180, 95].map((wait, i) => result('c', i + 1, wait));
  const comparison = compareRuns({ policies: ['a', 'b', 'c'], seeds: SEEDS, baseline: 'a', runs: [a, b, c] });

  test('pairs by seed: a small steady difference counts, a large unsteady one does not', () => {
    const [ofA, ofB, ofC] = metricOf(comparison, 'waitMean')?.policies ?? [];
    expect(ofA).toMatchObject({ verdict: 'baseline', difference: null, values: [10, 200, 90] });
    expect(ofB?.verdict).toBe('better');
    expect(ofB?.difference?.mean).toBeCloseTo(-(2 + 2 + 2.5) / 3, 12);
    // Student t with two degrees of freedom: 4.3027 × deviation 0.28868 ÷ √3.
    expect((ofB?.difference?.high as number) - (ofB?.difference?.mean as number)).toBeCloseTo(0.7171, 3);
    expect(ofC?.verdict).toBe('unclear');
  });

  test('figures equal in every run are equal, figures of no run are left out', () => {
    expect(metricOf(comparison, 'allocationGpu')?.policies[1]?.verdict).toBe('equal');
    expect(metricOf(comparison, 'decisionP99')).toBeUndefined();
    expect(metricOf(comparison, 'dropped')).toBeUndefined();
  });

  test('whether more is better depends on the figure', () => {
    const more = { jobs: { ...(a[0] as SimulationResult).jobs, finished: 7 } };
    const runs = [a, a.map((run) => ({ ...run, ...more }))];
    const compared = compareRuns({ policies: ['a', 'd'], seeds: SEEDS, baseline: 'a', runs });
    expect(metricOf(compared, 'finished')?.policies[1]).toMatchObject({
      verdict: 'better',
      difference: { mean: 6 },
    });
  });

  test('follows its schema, also after JSON', () => {
    expect(comparisonResultSchema.parse(JSON.parse(JSON.stringify(comparison)))).toEqual(comparison);
    expect(comparison.complete).toBe(true);
    expect(comparison.runs.map((run) => `${run.policy}${run.seed}`)).toEqual([
      ...['a1', 'a2', 'a3'],
      ...['b1', 'b2', 'b3'],
      ...['c1', 'c2', 'c3'],
    ]);
  });

  test('partial and missing runs count for nothing, and it says so', () => {
    const partial = { ...(b[2] as SimulationResult), complete: false };
    const runs = [
      [a[0], a[1], a[2]],
      [b[0], b[1], partial],
      [c[0], undefined, undefined],
    ];
    const compared = compareRuns({ policies: ['a', 'b', 'c'], seeds: SEEDS, baseline: 'a', runs });
    const [, ofB, ofC] = metricOf(compared, 'waitMean')?.policies ?? [];
    expect(ofB).toMatchObject({ values: [8, 198, null], difference: { mean: -2, low: -2, high: -2 } });
    expect(ofC).toMatchObject({ verdict: 'unclear', difference: { mean: 20, low: null, high: null } });
    expect(compared.complete).toBe(false);
    expect(compared.notes[0]).toMatch(/6 of 9 runs reached their end/);
    expect(compared.runs.length).toBe(7);
  });

  test('one seed has no intervals, equal seeds a warning', () => {
    const single = compareRuns({ policies: ['a', 'b'], seeds: [1], baseline: 'a', runs: [[a[0]], [b[0]]] });
    expect(single.notes.join()).toMatch(/one seed/);
    expect(metricOf(single, 'waitMean')?.policies[1]).toMatchObject({
      verdict: 'unclear',
      difference: { mean: -2 },
    });
    const same = [a[0], a[0], a[0]];
    const fixed = compareRuns({ policies: ['a', 'b'], seeds: SEEDS, baseline: 'a', runs: [same, same] });
    expect(fixed.notes.join()).toMatch(/every seed gave the same result.*--resample/);
  });
});
