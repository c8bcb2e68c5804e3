/** Conservative backfilling on nodes of several GPUs, and where jobs are cancelled: slot worlds have neither. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { FirstFit, makeCluster } from '../../governor/zone/zone.fixtures.ts';
import { Zone } from '../../governor/zone/zone.ts';
import { JobState, ZoneEventKind } from '../../governor/zone/zone-events.ts';
import { RuntimeEstimates } from '../../market/runtimes/runtime-estimates.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { DemandTable } from '../../model/demand.ts';
import { createFirstFitPolicy } from '../baselines/first-fit.ts';
import { JobTableBuilder } from '../inputs/job-table.ts';
import type { QueueFigures } from '../inputs/queue-figures.ts';
import { runSimulation } from '../run/simulator.ts';
import { ConservativeQueue } from './conservative-queue.ts';
import { areSlots } from './slot-plan.ts';

test('reservations move forward when a job before them is cancelled', () => {
  // Four GPUs. Demand 4: one GPU.
  const cluster = makeCluster([2]);
  const queue = new ConservativeQueue(cluster, new RuntimeEstimates());
  const zone = new Zone(cluster, new FirstFit(cluster), {}, undefined, queue);
  const jobs = [
    [0, 3, 100],
    [1, 4, 50],
    [2, 1, 200],
  ] as const;
  for (const [job, pods, expectedSeconds] of jobs) {
    const event = { job, demandId: 4, podCount: pods, gangMin: pods, priority: 0, expectedSeconds };
    zone.step({ kind: ZoneEventKind.JobSubmitted, ...event }, 0);
  }
  zone.step({ kind: ZoneEventKind.Tick }, 0);
  expect([1, 2].map((job) => zone.stateOf(job))).toEqual([JobState.Waiting, JobState.Waiting]);
  zone.step({ kind: ZoneEventKind.JobCancelled, job: 1 }, 1);
  zone.step({ kind: ZoneEventKind.Tick }, 1);
  expect(zone.stateOf(2)).toBe(JobState.Running);
});

interface Gang {
  gap: number;
  durationSeconds: number;
  pods: number;
  gpus: number;
}

/** Gangs of pods with one to four GPUs each, on three nodes of four GPUs. @returns The figures of the queue. */
function runGangs(jobs: readonly Gang[]): { promises: QueueFigures['promises']; waiting: number } {
  const builder = new JobTableBuilder(new DemandTable());
  let submitSeconds = 0;
  for (const [i, { gap, durationSeconds, pods, gpus }] of jobs.entries()) {
    submitSeconds += gap;
    const podCount = Math.min(pods, 3 * Math.floor(4 / gpus));
    const pod = { cpuMilli: 100, memoryMib: 1, gpuCount: gpus, gpuMilli: 1000, gpuModels: [] };
    const times = { submitSeconds, durationSeconds, requestedSeconds: Number.NaN };
    builder.add({ id: `${i}`, tenant: '', priority: 0, ...pod, ...times, podCount, gangMin: podCount });
  }
  const node = { cpuMilli: 8000, memoryMib: 1000, gpuCount: 4, gpuModel: 'A100', podsMax: 10 };
  let figures: QueueFigures | undefined;
  const result = runSimulation({
    nodes: Array.from({ length: 3 }, (_, i) => ({ ...node, name: `n${i}` })),
    jobs: builder.build(),
    policy: { name: 'first-fit', create: createFirstFitPolicy },
    seed: 1,
    queue: 'conservative',
    runtimes: 'exact',
    samples: 1,
    withSeries: false,
    withEquilibrium: false,
    onQueue: (measured) => {
      figures = measured;
    },
  });
  return { promises: figures?.promises ?? null, waiting: result.jobs.waiting };
}

test('where no node holds two pods, but none takes a whole node, what is left over counts for nobody', () => {
  const job = { gap: 0, durationSeconds: 1, pods: 2, gpus: 3 };
  expect(runGangs([job, job])).toEqual({ promises: { made: 2, kept: 2 }, waiting: 0 });
});

test.each([
  { gpuMilli: 1000, isSlots: true },
  { gpuMilli: 501, isSlots: true },
  { gpuMilli: 500, isSlots: false },
])(
  'two pods of $gpuMilli thousandths of an only GPU: at most one a node: $isSlots',
  ({ gpuMilli, isSlots }) => {
    const demands = new DemandTable();
    demands.intern({ cpuMilli: 0, memoryMib: 0, gpuCount: 1, gpuMilli, gpuModels: [] });
    const cluster = new ClusterState(demands);
    cluster.addNode({ name: 'n', cpuMilli: 8000, memoryMib: 1, gpuCount: 1, gpuModel: 'A100', podsMax: 10 });
    expect(areSlots(cluster)).toBe(isSlots);
  },
);

test('on nodes of several GPUs every stated start is kept where run times are exact', () => {
  let made = 0;
  const job = fc.record({
    gap: fc.nat(12),
    durationSeconds: fc.integer({ min: 1, max: 40 }),
    pods: fc.integer({ min: 1, max: 6 }),
    gpus: fc.integer({ min: 1, max: 4 }),
  });
  checkProperty(
    fc.property(fc.array(job, { minLength: 1, maxLength: 40 }), (jobs) => {
      const { promises, waiting } = runGangs(jobs);
      expect(waiting).toBe(0);
      expect(promises?.kept).toBe(promises?.made);
      made += promises?.made ?? 0;
    }),
    { numRuns: 100 },
  );
  expect(made).toBeGreaterThan(500);
});
