import { expect, test } from 'vitest';
import type { NodeSpec } from '../../src/model/node.ts';
import { churn, federation, jobsOf } from '../../src/simulation/federation/federation.fixtures.ts';
import { LocalTeam, runFederation } from '../../src/simulation/federation/federation-run.ts';
import { typicalOf } from '../../src/simulation/inputs/workload-of.ts';
import { generateNodes } from '../../src/traces/generate-nodes.ts';
import { runSingleZone } from './single-zone.ts';

const NODE: NodeSpec = {
  name: 'n0',
  cpuMilli: 64_000,
  memoryMib: 262_144,
  gpuCount: 4,
  gpuModel: 'A100',
  podsMax: 110,
};
const ONE_GPU = { gpuCount: 1, gpuMilli: 1000, durationSeconds: Number.POSITIVE_INFINITY };

test('a zone fills up, and no further', () => {
  const jobs = jobsOf(Array.from({ length: 6 }, (_, i) => ({ ...ONE_GPU, submitSeconds: i })));
  const samples = [1.5, 3.5, 10].map((horizon) => runSingleZone([NODE], jobs, undefined, 1, horizon, 1));
  expect(samples.map(({ allocation, placedJobs }) => [allocation, placedJobs])).toEqual([
    [0.5, 2],
    [1, 4],
    [1, 4],
  ]);
});

test('the mean is that of the later half of the looks', () => {
  const jobs = jobsOf([0, 1, 2, 3].map((submitSeconds) => ({ ...ONE_GPU, submitSeconds })));
  // Samples at 0.5, 1.5, 2.5, 3.5 (the last one at the horizon): 1/4, 2/4, 3/4, 4/4.
  expect(runSingleZone([NODE], jobs, undefined, 1, 2, 0.5).allocationMean).toBeCloseTo((0.5 + 0.75) / 2, 9);
  expect(runSingleZone([NODE], jobs, undefined, 1, 0.25, 1)).toEqual({
    allocation: 0.25,
    allocationMean: 0.25,
    placedJobs: 1,
  });
});

test('a waiting job starts the moment that another ends; a job that does not fit blocks no other', () => {
  const jobs = jobsOf([
    { ...ONE_GPU, podCount: 4, gangMin: 4, durationSeconds: 10 },
    { ...ONE_GPU, podCount: 5, gangMin: 5, submitSeconds: 1 },
    { ...ONE_GPU, submitSeconds: 2 },
    { ...ONE_GPU, podCount: 2, gangMin: 2, submitSeconds: 3 },
  ]);
  expect(runSingleZone([NODE], jobs, undefined, 1, 9.9, 1)).toMatchObject({ allocation: 1, placedJobs: 1 });
  expect(runSingleZone([NODE], jobs, undefined, 1, 10, 1)).toMatchObject({ allocation: 0.75, placedJobs: 3 });
});

test('it knows the typical workload, and gives the same for the same seed', () => {
  const nodes = generateNodes({ nodes: 32 });
  const jobs = churn(nodes, 1.1, 20, Number.POSITIVE_INFINITY);
  const run = (seed: number) => runSingleZone(nodes, jobs, typicalOf(jobs), seed, 30, 1);
  const result = run(1);
  expect(run(1)).toEqual(result);
  expect(result.allocation).toBeGreaterThan(0.9);
  expect(result.allocation).toBeLessThanOrEqual(1);
});

test('zones that know each other from summaries come close to one that knows all', async () => {
  const nodes = generateNodes({ nodes: 64 });
  const jobs = churn(nodes, 1.2, 20, Number.POSITIVE_INFINITY);
  const single = runSingleZone(nodes, jobs, typicalOf(jobs), 1, 60, 1);
  const many = await runFederation(new LocalTeam(federation({ nodes, jobs }), 1), { horizonSeconds: 60 });
  const gpuMilli = many.samples.at(-1)?.runningGpuMilli as number;
  const allocation = gpuMilli / many.facts.capacityGpuMilli;
  // Eight zones of eight nodes: each strands a little at its end. Figures for large clusters: `teg bench zones`.
  expect(allocation / single.allocation).toBeGreaterThan(0.95);
  expect(allocation / single.allocation).toBeLessThan(1.03);
});
