/** One run of `teg bench queues`: a workload under one queue, with one knowledge of run times. */
import { loadPolicy } from '../../src/drivers/embedded/load-policy.ts';
import { rounded } from '../../src/kernel/statistics.ts';
import { DemandTable } from '../../src/model/demand.ts';
import type { JobRecords } from '../../src/simulation/inputs/job-log.ts';
import { type JobTable, JobTableBuilder } from '../../src/simulation/inputs/job-table.ts';
import type { QueueFigures } from '../../src/simulation/inputs/queue-figures.ts';
import type { DisciplineName, RuntimeKnowledge } from '../../src/simulation/queueing/queue-names.ts';
import { runSimulation } from '../../src/simulation/run/simulator.ts';
import type { QueueWorkloadName } from './queue-workload-names.ts';
import { loadQueueWorkload, type QueueWorkload } from './queue-workloads.ts';

/** Plain data. */
export interface QueuesTask {
  readonly workload: QueueWorkloadName;
  readonly queue: DisciplineName;
  readonly knowledge: RuntimeKnowledge;
  /** Chooses the nodes. */
  readonly policy: string;
  readonly seed: number;
  /** Folder of the published traces. */
  readonly traces: string;
  readonly quick: boolean;
}

/** Output of `teg bench queues --json` for a run. */
export interface QueuesRow {
  readonly workload: QueueWorkloadName;
  readonly knowledge: RuntimeKnowledge;
  readonly queue: DisciplineName;
  /** 1/(C·T) ∫ min(idle, Σ waiting jobs that would fit now) dt while jobs arrive, exactly. */
  readonly headOfLine: number;
  /** 99th percentiles of arrival to first start. */
  readonly largeWaitP99Seconds: number | null;
  readonly smallWaitP99Seconds: number | null;
  /** Share of the GPUs (CPUs, where there are none) in use, time mean while jobs arrive. */
  readonly allocation: number;
  /** Share of the starts stated in advance that were kept; null: none was stated. */
  readonly startsByKept: number | null;
}

/** Keeps the last workload, which the next run mostly shares. */
export class QueuesTaskRunner {
  private key = '';
  private loaded: { workload: QueueWorkload; table: JobTable } | undefined;

  /** Runs one. @throws TegError of files and policies. */
  async run(task: QueuesTask, shouldStop: () => boolean = () => false): Promise<QueuesRow> {
    const { workload, table } = await this.load(task);
    let records: JobRecords | undefined;
    let figures: QueueFigures | undefined;
    const result = runSimulation({
      nodes: workload.nodes,
      jobs: table,
      policy: await loadPolicy(task.policy),
      seed: task.seed,
      queue: task.queue,
      runtimes: task.knowledge,
      samples: 1,
      withSeries: false,
      withEquilibrium: false,
      shouldStop,
      onJobs: (kept) => {
        records = kept;
      },
      onQueue: (measured) => {
        figures = measured;
      },
    });
    const waits = waitsBySize(table, records as JobRecords, workload.smallMost);
    const { headOfLine, promises } = figures as QueueFigures;
    const { gpu, cpu } = result.allocationWhileArriving;
    return {
      workload: task.workload,
      knowledge: task.knowledge,
      queue: task.queue,
      headOfLine: rounded(headOfLine, 6),
      largeWaitP99Seconds: percentile99(waits.large),
      smallWaitP99Seconds: percentile99(waits.small),
      allocation: rounded(gpu ?? cpu, 6),
      startsByKept: promises === null || promises.made === 0 ? null : promises.kept / promises.made,
    };
  }

  private async load({ workload: name, traces, seed, quick }: QueuesTask): Promise<{
    workload: QueueWorkload;
    table: JobTable;
  }> {
    const key = JSON.stringify([name, traces, seed, quick]);
    if (this.loaded === undefined || key !== this.key) {
      const workload = await loadQueueWorkload(name, traces, seed, quick);
      const builder = new JobTableBuilder(new DemandTable());
      for (const job of workload.jobs) builder.add(job);
      this.loaded = { workload, table: builder.build({ load: workload.arrivalSpeed }) };
      this.key = key;
    }
    return this.loaded;
  }
}

function waitsBySize(
  table: JobTable,
  { submitSeconds, firstStartSeconds }: JobRecords,
  smallMost: number,
): { small: number[]; large: number[] } {
  const small: number[] = [];
  const large: number[] = [];
  for (let job = 0; job < table.count; job++) {
    const { gpuCount, gpuMilli, cpuMilli } = table.demandOf(job);
    const amount =
      (table.podCounts[job] as number) * (gpuCount > 0 ? (gpuCount * gpuMilli) / 1000 : cpuMilli / 1000);
    const wait = (firstStartSeconds[job] as number) - (submitSeconds[job] as number);
    if (!Number.isNaN(wait)) (amount > smallMost ? large : small).push(wait);
  }
  return { small, large };
}

/** The smallest value that 99 % do not exceed. */
function percentile99(values: number[]): number | null {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  return rounded(sorted[Math.ceil(0.99 * sorted.length) - 1] as number, 1);
}
