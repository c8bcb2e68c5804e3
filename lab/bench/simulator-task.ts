/**
 * One cluster size of `teg bench simulator`: a workload that keeps the cluster nearly full, run through the simulator.
 */

import { cpuUsage, resourceUsage } from 'node:process';
import { loadPolicy } from '../../src/drivers/embedded/load-policy.ts';
import { Random } from '../../src/kernel/random.ts';
import { rounded } from '../../src/kernel/statistics.ts';
import { DemandTable } from '../../src/model/demand.ts';
import type { NodeSpec } from '../../src/model/node.ts';
import { type JobTable, JobTableBuilder } from '../../src/simulation/inputs/job-table.ts';
import type { SimulationResult } from '../../src/simulation/metrics/result.ts';
import { runSimulation } from '../../src/simulation/run/simulator.ts';
import {
  arrivalRate,
  capacityOf,
  DEFAULT_JOB_CLASSES,
  generateJobBatches,
  generateNodes,
  type WorkloadOptions,
} from '../../src/traces/generate.ts';

/** The stream of the seed that the workload is drawn from. */
const STREAM_WORKLOAD = 3;

/** Durations: log-normal and alike for all classes of jobs, so that a steady state is reached soon; mean 567 s. */
const DURATION = {
  medianSeconds: 500,
  sigma: 0.5,
  tailShare: 0,
  tailSeconds: 20_000,
  tailAlpha: 1.2,
  maxSeconds: 86_400,
};
const DURATION_MEAN_SECONDS = DURATION.medianSeconds * Math.exp(DURATION.sigma ** 2 / 2);
const CLASSES = DEFAULT_JOB_CLASSES.map((c) => ({ ...c, durationFactor: 1 }));

/** Neither bursts nor days: the fill is to be steady. */
const RHYTHM = { burstFactor: 1, diurnal: 0 };

/** Share of the arrivals after which the cluster counts as steady. */
const STEADY_FROM = 0.5;

/** One size. Plain data. */
export interface SimulatorTask {
  readonly nodes: number;
  readonly policy: string;
  /** Offered load of the scarcest resource. */
  readonly load: number;
  /** Arrivals, in multiples of what runs at a time. */
  readonly turnovers: number;
  readonly rounds: number;
  readonly typical: 'list' | 'learned';
  readonly seed: number;
  /** True: what the economy costs is measured instead. */
  readonly economy?: boolean;
}

/** Output of `teg bench simulator --json` for a size. */
export interface SimulatorRow {
  readonly nodes: number;
  readonly policy: string;
  /** Complete jobs (arrived, placed, left) a second of wall time while the cluster is steady; best round. */
  readonly jobsPerSecond: number;
  /** The same for a second of CPU time of the process, helper threads included; best round. */
  readonly jobsPerCpuSecond: number;
  /** From the first arrival to the last departure, the filling and draining included; best round. */
  readonly jobsPerSecondOverall: number;
  readonly peakMemoryBytes: number;
  /** Breakdown of the time, from a further run with a clock; sums to 1. */
  readonly share: {
    readonly queue: number;
    readonly field: number;
    readonly zone: number;
    readonly metrics: number;
  };
  readonly decisionMicrosP50: number | null;
  readonly decisionMicrosP99: number | null;
  readonly jobs: number;
  readonly pods: number;
  /** GPUs in use in the steady stretch, time mean, and the most. */
  readonly fillPercent: number;
  readonly peakFillPercent: number;
  readonly waitP99Seconds: number;
  readonly rounds: number;
}

/** Runs one size; blocks. @throws TegError of the policy and the options. */
export async function runSimulatorTask(task: SimulatorTask): Promise<SimulatorRow> {
  const policy = await loadPolicy(task.policy);
  const nodes = generateNodes({ nodes: task.nodes });
  const jobs = buildJobs(task, nodes);
  const base = {
    nodes,
    jobs,
    policy,
    seed: task.seed,
    typical: task.typical,
    withSeries: false,
    withEquilibrium: false,
  };
  const speeds: Speed[] = [];
  for (let round = 0; round < task.rounds; round++) {
    const meter = new SteadyMeter(jobs.spanSeconds);
    runSimulation({ ...base, onProgress: (ended, at) => meter.note(ended, at) });
    speeds.push(meter.speed());
  }
  const result = runSimulation({
    ...base,
    warmupSeconds: STEADY_FROM * jobs.spanSeconds,
    clockMicros: () => performance.now() * 1000,
  });
  return rowOf(task, jobs, speeds, result);
}

/** @param rhythm Beside one without bursts and days. @returns The jobs of a size. */
export function buildJobs(
  task: SimulatorTask,
  nodes: readonly NodeSpec[],
  rhythm: WorkloadOptions['rhythm'] = {},
): JobTable {
  const workload: Omit<WorkloadOptions, 'jobs'> = {
    capacity: capacityOf(nodes),
    load: task.load,
    classes: CLASSES,
    duration: DURATION,
    rhythm: { ...RHYTHM, ...rhythm },
  };
  const running = arrivalRate({ ...workload, jobs: 1 }) * DURATION_MEAN_SECONDS;
  const jobs = Math.max(1, Math.round(task.turnovers * running));
  const builder = new JobTableBuilder(new DemandTable());
  const random = new Random(task.seed, STREAM_WORKLOAD);
  for (const batch of generateJobBatches({ ...workload, jobs }, random)) {
    for (const job of batch) builder.add(job);
  }
  return builder.build();
}

interface Speed {
  readonly steadyPerSecond: number;
  readonly steadyPerCpuSecond: number;
  readonly overallPerSecond: number;
}

/** Reads clocks when virtual time passes the beginning and the end of the steady stretch. */
class SteadyMeter {
  private readonly steadyFrom: number;
  private readonly steadyTo: number;
  private readonly begin = clocks(0);
  private from: Clocks | undefined;
  private to: Clocks | undefined;
  private ended = 0;

  constructor(spanSeconds: number) {
    this.steadyFrom = STEADY_FROM * spanSeconds;
    this.steadyTo = spanSeconds;
  }

  note(ended: number, at: number): void {
    if (this.from === undefined && at >= this.steadyFrom) this.from = clocks(ended);
    if (this.to === undefined && at >= this.steadyTo) this.to = clocks(ended);
    this.ended = ended;
  }

  speed(): Speed {
    const end = clocks(this.ended);
    const { begin, from = begin, to = end } = this;
    return {
      steadyPerSecond: (to.ended - from.ended) / (to.wallSeconds - from.wallSeconds),
      steadyPerCpuSecond: (to.ended - from.ended) / (to.cpuSeconds - from.cpuSeconds),
      overallPerSecond: end.ended / (end.wallSeconds - begin.wallSeconds),
    };
  }
}

interface Clocks {
  readonly ended: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
}

function clocks(ended: number): Clocks {
  const { user, system } = cpuUsage();
  return { ended, wallSeconds: performance.now() / 1000, cpuSeconds: (user + system) / 1e6 };
}

function rowOf(
  task: SimulatorTask,
  jobs: JobTable,
  speeds: readonly Speed[],
  result: SimulationResult,
): SimulatorRow {
  const best = (value: (speed: Speed) => number): number => Math.round(Math.max(...speeds.map(value)));
  const { timing } = result;
  const share = timing?.share ?? { queue: 0, field: 0, zone: 0, metrics: 0 };
  return {
    nodes: task.nodes,
    policy: task.policy,
    jobsPerSecond: best((s) => s.steadyPerSecond),
    jobsPerCpuSecond: best((s) => s.steadyPerCpuSecond),
    jobsPerSecondOverall: best((s) => s.overallPerSecond),
    peakMemoryBytes: resourceUsage().maxRSS * 1024,
    share: {
      queue: rounded(share.queue, 3),
      field: rounded(share.field, 3),
      zone: rounded(share.zone, 3),
      metrics: rounded(share.metrics, 3),
    },
    decisionMicrosP50: timing?.decisionMicros?.p50 ?? null,
    decisionMicrosP99: timing?.decisionMicros?.p99 ?? null,
    jobs: jobs.count,
    pods: jobs.podTotal,
    fillPercent: rounded(100 * (result.allocationWhileArriving.gpu ?? Number.NaN), 3),
    peakFillPercent: rounded(100 * (result.peakGpu ?? Number.NaN), 3),
    waitP99Seconds: rounded(result.wait?.p99 ?? 0, 3),
    rounds: task.rounds,
  };
}
