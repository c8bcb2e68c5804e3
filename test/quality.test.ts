/**
 * How well TEG packs and how long its jobs wait, on made-up data with fixed seeds: a change that makes either worse fails.
 *
 * The bounds lie a little below what was measured when they were written; the comments have the figures.
 */

import { beforeAll, describe, expect, test } from 'vitest';
import type { PackingList } from '../lab/packing/packing-inputs.ts';
import { type PackingRow, runPackingList } from '../lab/packing/packing-run.ts';
import { compare } from '../src/drivers/embedded/simulations.ts';
import { Random } from '../src/kernel/random.ts';
import { mean } from '../src/kernel/statistics.ts';
import { policyByName } from '../src/simulation/inputs/policies.ts';
import type { ComparisonResult } from '../src/simulation/metrics/result.ts';
import { capacityOf, generateJobs, generateNodes, OPENB_LIKE_MIX } from '../src/traces/generate.ts';

/** On a busy machine. */
const HOOK_MS = 180_000;

describe('packing a made-up list', () => {
  const nodes = generateNodes({ nodes: 100, mix: OPENB_LIKE_MIX });
  const list: PackingList = {
    name: 'made-up',
    jobs: [...generateJobs({ jobs: 1400, load: 2, capacity: capacityOf(nodes) }, new Random(1, 3))],
    given: new Map(),
  };
  const rows = new Map<string, PackingRow[]>();

  beforeAll(() => {
    for (const name of ['teg', 'fgd', 'best-fit']) {
      const runs = [42, 43].map((seed) =>
        runPackingList(nodes, { list, policy: policyByName(name), seed, typical: 'list' }),
      );
      rows.set(name, runs);
    }
  }, HOOK_MS);

  const figure = (policy: string, of: (row: PackingRow) => number): number =>
    mean((rows.get(policy) as PackingRow[]).map(of));

  test('TEG uses as much as FGD, and a point more than best-fit', () => {
    // Measured at 130 % asked: TEG 97.9 %, FGD 98.1 %, best-fit 96.8 %.
    const use = (policy: string): number => figure(policy, ({ alloc130 }) => alloc130);
    expect(use('teg')).toBeGreaterThan(97.5);
    expect(use('teg') - use('fgd')).toBeGreaterThan(-0.5);
    expect(use('teg') - use('best-fit')).toBeGreaterThan(0.7);
  });

  test('what TEG leaves idle is less fragmented than what FGD leaves', () => {
    // Measured: TEG 96.2 %, FGD 98.1 % of what is idle.
    const fragments = (policy: string): number => figure(policy, ({ fragRatio130 }) => fragRatio130);
    expect(fragments('fgd') - fragments('teg')).toBeGreaterThan(1.2);
  });
});

describe('running a made-up workload', () => {
  let result: ComparisonResult;
  beforeAll(async () => {
    result = await compare(
      {
        cluster: 'generated:openb:60',
        jobs: 'generated:3000:0.95:8h',
        policies: ['teg', 'kube-scheduler', 'fgd'],
        seeds: [1, 2],
        baseline: 'kube-scheduler',
        warmupSeconds: 14_400,
      },
      { workers: 2 },
    );
  }, HOOK_MS);
  const of = (name: string): Record<string, number> => {
    const metric = result.metrics.find((m) => m.metric === name);
    return Object.fromEntries(
      (metric?.policies ?? []).map(({ policy, mean: interval }) => [policy, interval?.mean ?? Number.NaN]),
    );
  };

  test('TEG keeps more GPUs in use than kube-scheduler, and no fewer than FGD', () => {
    // Measured: TEG 62.9 %, kube-scheduler 47.5 %, FGD 62.7 %.
    const use = of('allocationGpu') as { teg: number; 'kube-scheduler': number; fgd: number };
    expect(use.teg - use['kube-scheduler']).toBeGreaterThan(0.12);
    expect(use.teg - use.fgd).toBeGreaterThan(-0.01);
  });

  test('its jobs wait a fraction of the time', () => {
    // Measured: TEG 16.6 s, kube-scheduler 191 s, FGD 29.2 s; of the largest 99 in 100 within 6 h, 15 h and 6 h.
    const wait = of('waitMean') as { teg: number; 'kube-scheduler': number; fgd: number };
    expect(wait.teg).toBeLessThan(wait['kube-scheduler'] / 5);
    expect(wait.teg).toBeLessThan(wait.fgd);
    const largest = of('waitLargestP99') as { teg: number; 'kube-scheduler': number };
    expect(largest.teg).toBeLessThan(largest['kube-scheduler'] * 0.6);
  });

  test('its placements are nearest to an equilibrium, and it looks at no nodes one by one', () => {
    // Measured: 26, 84 and 44 milli-GPU.
    const gain = of('exploitability') as { teg: number; 'kube-scheduler': number; fgd: number };
    expect(gain.teg).toBeLessThan(0.75 * Math.min(gain.fgd, gain['kube-scheduler']));
    expect(of('nodesExamined').teg).toBeLessThan(0.1);
  });
});
