import { describe, expect, test } from 'vitest';
import { StrandingTables } from '../../field/stranding-tables.ts';
import type { PlacementPolicy, PolicyContext } from '../../governor/policy/policy.ts';
import { Random } from '../../kernel/random.ts';
import { DemandTable } from '../../model/demand.ts';
import type { JobSpec } from '../../model/job.ts';
import type { NodeSpec } from '../../model/node.ts';
import { createFirstFitPolicy } from '../baselines/first-fit.ts';
import { type JobTable, JobTableBuilder } from '../inputs/job-table.ts';
import { policyByName } from '../inputs/policies.ts';
import type { SimulationOptions } from '../inputs/simulation-options.ts';
import type { SimulationResult } from '../metrics/result.ts';
import { runSimulation } from '../run/simulator.ts';

const FIRST_FIT = { name: 'first-fit', create: createFirstFitPolicy };

function nodes(count: number, gpuCount: number): NodeSpec[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `n${i}`,
    cpuMilli: 10_000,
    memoryMib: 1000,
    gpuCount,
    gpuModel: 'A',
    podsMax: 1000,
  }));
}

function tableOf(jobs: Iterable<JobSpec>): JobTable {
  const builder = new JobTableBuilder(new DemandTable());
  for (const spec of jobs) builder.add(spec);
  return builder.build();
}

function run(jobs: JobTable, more: Partial<SimulationOptions> = {}): SimulationResult {
  return runSimulation({ nodes: nodes(12, 2), jobs, policy: FIRST_FIT, seed: 1, ...more });
}

/** Jobs of half a GPU and of a whole one that come and go. */
function* gpuJobs(count: number): Generator<JobSpec> {
  const random = new Random(7, 99);
  for (let i = 0; i < count; i++) {
    yield {
      id: `g${i}`,
      tenant: '',
      priority: 0,
      cpuMilli: 0,
      memoryMib: 0,
      gpuCount: 1,
      gpuMilli: random.nextInt(2) === 0 ? 500 : 1000,
      gpuModels: [],
      submitSeconds: i * 5,
      durationSeconds: 20 + random.nextInt(400),
      requestedSeconds: Number.NaN,
      podCount: 1,
      gangMin: 1,
    };
  }
}

describe('distance from an equilibrium', () => {
  const jobs = tableOf(gpuJobs(300));

  test('is measured at instants until the last arrival, and is in the series there', () => {
    const { equilibrium, series, workload } = run(jobs, { samples: 100 });
    expect(equilibrium).not.toBeNull();
    const looks = series?.potential.filter((value) => value !== null) ?? [];
    expect(looks).toHaveLength(equilibrium?.samples as number);
    expect(looks.length).toBeGreaterThanOrEqual(25);
    const measured = series?.atSeconds.filter((_, i) => series.potential[i] !== null) ?? [];
    expect(Math.max(...measured)).toBeLessThanOrEqual(workload.spanSeconds);
    const mean = looks.reduce((sum, value) => sum + value, 0) / looks.length;
    expect(equilibrium?.potential).toBeCloseTo(mean, 4);
    expect(equilibrium?.potentialGpus).toBeCloseTo(24 * mean, 3);
    expect(equilibrium?.potentialLast).toBeCloseTo(looks.at(-1) as number, 5);
    const gains = series?.exploitability.filter((value) => value !== null) ?? [];
    const { mean: gain = 0, max = 0, gaining = 0, gainingBeyondMove = 0 } = equilibrium?.exploitability ?? {};
    expect(gain).toBeCloseTo(gains.reduce((sum, value) => sum + value, 0) / gains.length, 3);
    expect(gain).toBeGreaterThan(0);
    expect(max).toBeGreaterThan(gain);
    expect(gaining).toBeGreaterThanOrEqual(gainingBeyondMove);
    expect(gaining).toBeLessThanOrEqual(1);
  });

  test('measuring it changes nothing else', () => {
    const { equilibrium, series, ...others } = run(jobs);
    const without = run(jobs, { withEquilibrium: false });
    const { equilibrium: absent, series: columns, ...rest } = without;
    expect(equilibrium).not.toBeNull();
    expect(absent).toBeNull();
    expect(rest).toEqual(others);
    const { potential, exploitability, ...same } = series ?? {};
    const { potential: none, exploitability: neither, ...sameColumns } = columns ?? {};
    expect(sameColumns).toEqual(same);
    expect([...(none ?? []), ...(neither ?? [])].every((value) => value === null)).toBe(true);
  });

  test.each([
    ['first-fit', 1],
    ['teg', 3],
    ['full-scan', 3],
  ])('%s with tables of another run finds the same and builds none', (name, least) => {
    const policy = policyByName(name);
    const tables = new StrandingTables();
    const first = run(jobs, { policy, tables });
    const { built } = tables;
    expect(built).toBeGreaterThanOrEqual(least);
    expect(run(jobs, { policy, tables, seed: 2 }).jobs.arrived).toBe(first.jobs.arrived);
    expect(run(jobs, { policy, tables })).toEqual(first);
    expect(tables.built).toBe(built);
    expect(run(jobs, { policy })).toEqual(first);
  });

  test('pods on the first node that fits gain little where room is always for all; spread at random they gain', () => {
    const mean = (policy: SimulationOptions['policy']): number =>
      run(jobs, { policy }).equilibrium?.exploitability?.mean as number;
    const spread = { name: 'least-full', create: leastFull };
    expect(mean(spread)).toBeGreaterThan(2 * mean(FIRST_FIT));
  });

  test('without GPUs there is none', () => {
    const cpuJobs = tableOf(
      [...gpuJobs(50)].map((job) => ({ ...job, gpuCount: 0, gpuMilli: 0, cpuMilli: 1000 })),
    );
    expect(run(cpuJobs, { nodes: nodes(3, 0) }).equilibrium).toBeNull();
  });

  test('arrivals before the end of the warm-up count for no mean', () => {
    const all = run(jobs, { samples: 100 }).equilibrium;
    const late = run(jobs, { samples: 100, warmupSeconds: 750 }).equilibrium;
    expect(late?.samples).toBeLessThan(all?.samples as number);
    expect(late?.potentialLast).toBe(all?.potentialLast);
  });
});

/** Puts every pod on the node with the most idle GPU. */
function leastFull({ cluster }: PolicyContext): PlacementPolicy {
  return {
    name: 'least-full',
    gpuMask: 0,
    nodesExamined: 0,
    choose(demand) {
      let best = -1;
      for (let node = 0; node < cluster.nodeCount; node++) {
        if (!cluster.fits(node, demand)) continue;
        if (best < 0 || (cluster.freeGpuMilli[node] as number) > (cluster.freeGpuMilli[best] as number))
          best = node;
      }
      if (best >= 0) Object.assign(this, { gpuMask: cluster.bestFitGpus(best, demand) });
      return best;
    },
  };
}
