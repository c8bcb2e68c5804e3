/** The figures of a result, each on a run that is small enough to be worked out by hand. */
import { describe, expect, test } from 'vitest';
import { DemandTable } from '../../model/demand.ts';
import type { JobSpec } from '../../model/job.ts';
import type { NodeSpec } from '../../model/node.ts';
import { JobTableBuilder } from '../inputs/job-table.ts';
import { policyByName } from '../inputs/policies.ts';
import type { SimulationOptions } from '../inputs/simulation-options.ts';
import type { SimulationResult } from '../metrics/result.ts';
import { runSimulation } from './simulator.ts';

function gpuJob(
  id: string,
  submitSeconds: number,
  durationSeconds: number,
  gpuCount: number,
  more: Partial<JobSpec> = {},
): JobSpec {
  return {
    id,
    tenant: '',
    priority: 0,
    cpuMilli: 100,
    memoryMib: 0,
    gpuCount,
    gpuMilli: 1000,
    gpuModels: [],
    submitSeconds,
    durationSeconds,
    requestedSeconds: Number.NaN,
    podCount: 1,
    gangMin: 1,
    ...more,
  };
}

function nodes(count: number, gpuCount: number): NodeSpec[] {
  return Array.from({ length: count }, (_, i) => {
    return { name: `n${i}`, cpuMilli: 64_000, memoryMib: 1000, gpuCount, gpuModel: 'A', podsMax: 100 };
  });
}

function run(
  jobs: readonly JobSpec[],
  cluster: readonly NodeSpec[],
  { policy = 'first-fit', ...more }: Partial<Omit<SimulationOptions, 'policy'>> & { policy?: string } = {},
): SimulationResult {
  const builder = new JobTableBuilder(new DemandTable());
  for (const job of jobs) builder.add(job);
  return runSimulation({
    nodes: cluster,
    jobs: builder.build(),
    policy: policyByName(policy),
    seed: 3,
    ...more,
  });
}

const FOREVER = Number.POSITIVE_INFINITY;

describe('a job that loses its node', () => {
  const gang = gpuJob('gang', 0, 1e5, 4, { podCount: 4, gangMin: 4 });
  const failures = { mtbfSeconds: 200_000, mttrSeconds: 100 };
  const result = run([gang], nodes(4, 4), { failures });

  test('waits once, until its first start: later starts are not waits', () => {
    expect(result.jobs.requeues).toBeGreaterThan(0);
    expect(result.wait).toMatchObject({ count: 1, mean: 0, max: 0 });
  });

  test('lost the holdings of all its pods', () => {
    const { finished, lost } = result.gpuHours as { finished: number; lost: number };
    // Use at any time belongs to a run that finished or to one that was lost.
    const used = ((result.allocation.gpu as number) * 16 * result.measuredSeconds) / 3600;
    expect(lost).toBeGreaterThan(1);
    expect(finished + lost).toBeCloseTo(used, 6);
  });
});

describe('what waits', () => {
  test('counts for the head-of-line loss up to the idle amount', () => {
    const jobs = [
      gpuJob('long', 0, 1000, 4),
      gpuJob('big', 10, 10, 8),
      ...[20, 20, 20].map((at, i) => gpuJob(`small-${i}`, at, 10, 2)),
      gpuJob('last', 1000, 10, 1),
    ];
    const result = run(jobs, nodes(1, 8), { queue: 'strict-fifo' });
    const { atSeconds = [], fittingGpu = [], waitingGpu = [] } = result.series ?? {};
    const at = atSeconds.indexOf(500);
    // Three jobs of two GPUs would fit, each on its own; only four GPUs are idle.
    expect([waitingGpu[at], fittingGpu[at]]).toEqual([14 / 8, 0.5]);
    expect(result.headOfLine.gpu).toBeCloseTo((980 * 0.5) / 1000, 2);
  });

  test('has waited since it arrived, also if that was in the warm-up', () => {
    const jobs = [gpuJob('a', 0, FOREVER, 1), gpuJob('b', 7, 5, 1)];
    const result = run(jobs, nodes(1, 1), { horizonSeconds: 100, warmupSeconds: 50 });
    expect(result.waitingLongestSeconds).toBe(93);
  });
});

describe('a list of pods without times', () => {
  // Two nodes of four GPUs. Pods of 3, 1, 3 and 1 GPUs: a policy that puts the single ones beside the large ones has
  // room for all.
  const pods = [1, 3, 3, 1].map((gpus, i) => gpuJob(`p${i}`, 0, FOREVER, gpus));
  const odd = gpuJob('late', 0, FOREVER, 4);

  test.each(['first-fit', 'best-fit', 'teg', 'random', 'fgd'])(
    '%s: the figures are those of the packed cluster',
    (policy) => {
      const result = run(pods, nodes(2, 4), { policy });
      expect(result.jobs).toMatchObject({ running: 4, waiting: 0 });
      expect(result.allocation.gpu).toBe(1);
      expect(result.allocationWhileArriving).toMatchObject({ gpu: 1, cpu: 400 / 128_000 });
      expect(result.series?.allocatedGpu).toEqual([1]);
      expect(result.series?.arrivedGpu).toEqual([1]);
      // Nothing is idle, so nothing is fragmented or will stay unsold.
      expect(result.fragmentation).toMatchObject({ share: 0, samples: 1 });
      expect(result.equilibrium).toMatchObject({ potential: 0, samples: 1 });
    },
  );

  test('they differ where policies pack differently', () => {
    const spread = run([pods[0] as JobSpec, pods[3] as JobSpec, odd], nodes(2, 4), {
      policy: 'kube-scheduler',
    });
    const packed = run([pods[0] as JobSpec, pods[3] as JobSpec, odd], nodes(2, 4), { policy: 'best-fit' });
    expect([spread.allocationWhileArriving.gpu, packed.allocationWhileArriving.gpu]).toEqual([2 / 8, 6 / 8]);
    expect([spread.jobs.waiting, packed.jobs.waiting]).toEqual([1, 0]);
    expect(spread.fragmentation?.share).toBeGreaterThan(packed.fragmentation?.share as number);
  });

  test('that end: the means are those of the time until all have ended', () => {
    const result = run(
      pods.map((pod, i) => ({ ...pod, durationSeconds: 10 * (i + 1) })),
      nodes(2, 4),
    );
    expect(result.allocation.gpu).toBeCloseTo((10 * 1 + 20 * 3 + 30 * 3 + 40 * 1) / (8 * 40), 12);
  });
});

test('a sample sees the state after all events of its instant', () => {
  const jobs = [gpuJob('a', 0, 50, 4), gpuJob('b', 50, 50, 2), gpuJob('c', 100, 10, 1)];
  const { series } = run(jobs, nodes(1, 4), { samples: 2 });
  expect(series?.atSeconds.slice(0, 3)).toEqual([0, 50, 100]);
  expect(series?.allocatedGpu.slice(0, 3)).toEqual([1, 0.5, 0.25]);
  expect(series?.arrivedGpu.slice(0, 3)).toEqual([1, 0.5, 0.25]);
});
