/** One run of `teg bench fairness`: the four tenants under one queue. */
import { loadPolicy } from '../../src/drivers/embedded/load-policy.ts';
import { rounded } from '../../src/kernel/statistics.ts';
import { jainIndex } from '../../src/market/shares/fairness.ts';
import { DemandTable } from '../../src/model/demand.ts';
import type { JobRecords } from '../../src/simulation/inputs/job-log.ts';
import { type JobTable, JobTableBuilder } from '../../src/simulation/inputs/job-table.ts';
import type { DisciplineName } from '../../src/simulation/queueing/queue-names.ts';
import { runSimulation } from '../../src/simulation/run/simulator.ts';
import {
  FAIRNESS_HORIZON_SECONDS,
  FAIRNESS_MARKET,
  FAIRNESS_TENANTS,
  fairnessJobs,
  fairnessNodes,
} from './fairness-workload.ts';

/** Output of `teg bench fairness --json` for a queue. */
export interface FairnessRow {
  readonly queue: DisciplineName;
  /** Jain's index of GPU-hours over weight; 1: all had their share. */
  readonly jain: number;
  /** The smallest of what tenants had over what their weights give them. */
  readonly minShare: number;
  /** That, by tenant. */
  readonly shares: Readonly<Record<string, number>>;
  /** Part of the GPUs that jobs had, time mean. */
  readonly allocation: number;
  /** Of all jobs, from arrival to first start, or to the end for those that never started. */
  readonly waitP50Seconds: number;
  readonly waitP99Seconds: number;
  /** Jobs that never started. */
  readonly neverStarted: number;
  /** Starts of jobs that had been evicted. */
  readonly restarts: number;
}

/** @returns The jobs as a table, to be shared by the runs of one seed. */
export function fairnessTable(seed: number, withGangs: boolean): JobTable {
  const builder = new JobTableBuilder(new DemandTable());
  for (const job of fairnessJobs(seed, withGangs)) builder.add(job);
  return builder.build();
}

/** Runs one queue; best-fit chooses the nodes. O(jobs), some seconds. */
export async function runFairness(queue: DisciplineName, jobs: JobTable, seed: number): Promise<FairnessRow> {
  let records: JobRecords | undefined;
  const nodes = fairnessNodes();
  const result = runSimulation({
    ...{ nodes, jobs, seed, queue, runtimes: 'declared', policy: await loadPolicy('best-fit') },
    tenants: { market: FAIRNESS_MARKET, tenants: FAIRNESS_TENANTS },
    ...{ horizonSeconds: FAIRNESS_HORIZON_SECONDS, samples: 1, withSeries: false, withEquilibrium: false },
    onJobs: (kept) => {
      records = kept;
    },
  });
  const capacity = (nodes.reduce((sum, { gpuCount }) => sum + gpuCount, 0) * FAIRNESS_HORIZON_SECONDS) / 3600;
  // Of all runs of a job, those that were evicted included.
  const hours = new Map(result.tenants?.map(({ name, gpuHours }) => [name, gpuHours]));
  return { queue, ...sharesOf(hours, capacity), ...waitsOf(jobs, records as JobRecords) };
}

/** @param hours GPU-hours by tenant. @param capacity GPU-hours of the cluster. */
function sharesOf(
  hours: ReadonlyMap<string, number>,
  capacity: number,
): Pick<FairnessRow, 'jain' | 'minShare' | 'shares' | 'allocation'> {
  const all = FAIRNESS_TENANTS.reduce((sum, { name }) => sum + (hours.get(name) ?? 0), 0);
  const weights = FAIRNESS_TENANTS.reduce((sum, { weight }) => sum + weight, 0);
  const shares = FAIRNESS_TENANTS.map(
    ({ name, weight }) => ((hours.get(name) ?? 0) / all) * (weights / weight),
  );
  return {
    jain: rounded(jainIndex(shares), 4),
    minShare: rounded(Math.min(...shares), 3),
    shares: Object.fromEntries(
      FAIRNESS_TENANTS.map(({ name }, i) => [name, rounded(shares[i] as number, 3)]),
    ),
    allocation: rounded(all / capacity, 4),
  };
}

function waitsOf(
  jobs: JobTable,
  { submitSeconds, firstStartSeconds, runs }: JobRecords,
): Pick<FairnessRow, 'waitP50Seconds' | 'waitP99Seconds' | 'neverStarted' | 'restarts'> {
  const waits = new Float64Array(jobs.count);
  let [neverStarted, restarts] = [0, 0];
  for (let job = 0; job < jobs.count; job++) {
    const first = firstStartSeconds[job] as number;
    waits[job] = (Number.isNaN(first) ? FAIRNESS_HORIZON_SECONDS : first) - (submitSeconds[job] as number);
    if (Number.isNaN(first)) neverStarted++;
    restarts += Math.max(0, (runs[job] as number) - 1);
  }
  waits.sort();
  const quantile = (part: number): number => rounded(waits[Math.ceil(part * waits.length) - 1] as number, 0);
  return { waitP50Seconds: quantile(0.5), waitP99Seconds: quantile(0.99), neverStarted, restarts };
}
