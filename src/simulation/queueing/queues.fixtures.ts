/** Runs of queueing disciplines on clusters of one-slot nodes, for tests. */
import { DemandTable } from '../../model/demand.ts';
import type { JobSpec } from '../../model/job.ts';
import type { NodeSpec } from '../../model/node.ts';
import { createFirstFitPolicy } from '../baselines/first-fit.ts';
import type { JobRecords } from '../inputs/job-log.ts';
import { JobTableBuilder } from '../inputs/job-table.ts';
import type { QueueFigures } from '../inputs/queue-figures.ts';
import type { SimulationOptions } from '../inputs/simulation-options.ts';
import type { SimulationResult } from '../metrics/result.ts';
import { runSimulation } from '../run/simulator.ts';
import type { DisciplineName, RuntimeKnowledge } from './queue-names.ts';

/** A job of whole slots. */
export interface SlotJob {
  readonly submitSeconds: number;
  readonly durationSeconds: number;
  readonly slots: number;
  /** NaN or absent: unknown. */
  readonly requestedSeconds?: number;
  readonly priority?: number;
  readonly tenant?: string;
  readonly user?: string;
}

/** Runs slot jobs on a cluster of that many one-slot nodes. @returns When each started, from the first arrival; NaN: never. */
export function startsOf(
  jobs: readonly SlotJob[],
  slots: number,
  queue: DisciplineName,
  runtimes: RuntimeKnowledge = 'exact',
): number[] {
  return runSlots(jobs, slots, queue, runtimes).starts;
}

/** What a run of slot jobs came to. */
export interface SlotRun extends Pick<SimulationResult, 'heldIdle' | 'endSeconds'> {
  readonly starts: number[];
  readonly figures: QueueFigures;
  /** By id, the reasons of jobs that wait at the horizon. */
  readonly waiting: Record<string, string>;
}

/** As `startsOf`, with the figures of the queue, and by id the reasons of jobs that wait at the horizon. */
export function runSlots(
  jobs: readonly SlotJob[],
  slots: number,
  queue: DisciplineName,
  runtimes: RuntimeKnowledge = 'exact',
  more: Pick<SimulationOptions, 'tenants' | 'horizonSeconds' | 'failures' | 'lostPods'> = {},
): SlotRun {
  const builder = new JobTableBuilder(new DemandTable());
  for (const [i, job] of jobs.entries()) builder.add(specOf(job, i));
  let records: JobRecords | undefined;
  let figures: QueueFigures | undefined;
  const { waiting, heldIdle, endSeconds } = runSimulation({
    nodes: slotNodes(slots),
    jobs: builder.build(),
    policy: { name: 'first-fit', create: createFirstFitPolicy },
    seed: 1,
    queue,
    runtimes,
    samples: 1,
    withSeries: false,
    withEquilibrium: false,
    ...more,
    onQueue: (measured) => {
      figures = measured;
    },
    onJobs: (kept) => {
      records = kept;
    },
  });
  const starts = new Array<number>(jobs.length).fill(Number.NaN);
  records?.ids.forEach((id, row) => {
    starts[Number(id)] = records?.firstStartSeconds[row] as number;
  });
  const reasons = Object.fromEntries((waiting?.jobs ?? []).map(({ id, code }) => [id, code]));
  return { starts, figures: figures as QueueFigures, waiting: reasons, heldIdle, endSeconds };
}

function specOf(job: SlotJob, index: number): JobSpec {
  const { submitSeconds, durationSeconds, slots, requestedSeconds = Number.NaN, user } = job;
  return {
    id: `${index}`,
    tenant: job.tenant ?? '',
    priority: job.priority ?? 0,
    cpuMilli: 1000,
    memoryMib: 0,
    gpuCount: 0,
    gpuMilli: 0,
    gpuModels: [],
    submitSeconds,
    durationSeconds,
    requestedSeconds,
    podCount: slots,
    gangMin: slots,
    ...(user === undefined ? {} : { user }),
  };
}

function slotNodes(count: number): NodeSpec[] {
  const node = { cpuMilli: 1000, memoryMib: 1000, gpuCount: 0, gpuModel: '', podsMax: 10 };
  return Array.from({ length: count }, (_, i) => ({ ...node, name: `slot-${i}` }));
}
