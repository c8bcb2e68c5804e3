/** The options and results of one run. */
import type { SchedulerName } from './schedulers.ts';
import type { Workload, WorkloadSize } from './workloads.ts';

/**
 * When measured pods are created: `meanwhile`, as in scheduler_perf, while the scheduler runs (creation then uses its
 * share of the machine too), or `before` the scheduler starts, which is when the clock starts then.
 */
export type CreationTime = 'meanwhile' | 'before';

/** One run: a scheduler on a workload. */
export interface BenchRun {
  readonly workload: Workload;
  readonly size: WorkloadSize;
  readonly scheduler: SchedulerName;
  readonly created: CreationTime;
}

/** The measurements. NaN where a figure has no meaning for the workload. Times in seconds, memory in bytes. */
export interface BenchFigures {
  /** Average of scheduler_perf; of gangs, and of runs that are too short for it, pods bound / `timeToLastBind`. */
  readonly podsPerSecond: number;
  readonly createToBindP50: number;
  readonly createToBindP99: number;
  /**
   * From the first creation (of pods created before: from the start of the scheduler) to the last bind, and to the last
   * `Scheduled` event.
   */
  readonly timeToLastBind: number;
  readonly timeToLastEvent: number;
  /** From the start of the process to the first bind; Restart only. */
  readonly timeToFirstBind: number;
  /** CPU seconds of the scheduler, and of API server and etcd, until then; Restart only. */
  readonly startCpu: number;
  readonly startServerCpu: number;
  /** Of the cluster's, in use at the end; Packing only. */
  readonly gpuPercent: number;
  readonly cpuPercent: number;
  /** CPU seconds for 1,000 pods bound, until the last event. */
  readonly schedulerCpuPer1000: number;
  readonly serverCpuPer1000: number;
  readonly observerCpuPer1000: number;
  readonly peakMemory: number;
  /** Measured pods that were bound, and `Scheduled` events about them. */
  readonly bound: number;
  readonly scheduledEvents: number;
}

/** Default figures: NaN unless a run measures them. */
export const NO_FIGURES: BenchFigures = {
  podsPerSecond: Number.NaN,
  createToBindP50: Number.NaN,
  createToBindP99: Number.NaN,
  timeToLastBind: Number.NaN,
  timeToLastEvent: Number.NaN,
  timeToFirstBind: Number.NaN,
  startCpu: Number.NaN,
  startServerCpu: Number.NaN,
  gpuPercent: Number.NaN,
  cpuPercent: Number.NaN,
  schedulerCpuPer1000: Number.NaN,
  serverCpuPer1000: Number.NaN,
  observerCpuPer1000: Number.NaN,
  peakMemory: Number.NaN,
  bound: Number.NaN,
  scheduledEvents: Number.NaN,
};
