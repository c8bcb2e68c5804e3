/**
 * A generated workload: heavy-tailed durations, GPU shares, gangs, arrays, CPU-only pods, tenants that submit in
 * bursts, and a daily rhythm. The distributions are stated in docs/traces.md.
 *
 * A pure function of its options and of the random stream: the same give the same jobs, byte for byte.
 */
import { mean } from '../kernel/statistics.ts';
import { TegError } from '../model/errors.ts';
import type { JobSpec } from '../model/job.ts';
import { GPU_MILLI, type NodeSpec } from '../model/node.ts';
import {
  type DurationDistribution,
  drawDuration,
  meanDuration,
  type RandomSource,
  WeightedChoice,
} from './distributions.ts';
import { ArrivalProcess, type ArrivalRhythm, DEFAULT_RHYTHM } from './generate-arrivals.ts';
import { requireInteger, requireNumber } from './generate-nodes.ts';

/** One class of jobs. Values of a list are equally likely, and independent of those of other lists. */
export interface JobClass {
  readonly name: string;
  /** Weight among the classes; > 0. */
  readonly share: number;
  /** GPUs a pod. */
  readonly gpuCount: number;
  /** Share of the GPU: used if gpuCount is 1; elements in [1, 1000]. */
  readonly gpuMilli: readonly number[];
  /** Cores a pod, in thousandths. */
  readonly cpuMilli: readonly number[];
  /** MiB for each core of the pod. */
  readonly memoryMibPerCore: readonly number[];
  readonly podCount: readonly number[];
  /** True if all pods have to start together (a gang); false if each starts on its own (an array). */
  readonly isGang: boolean;
  /** Factor of durations over those of `WorkloadOptions.duration`. */
  readonly durationFactor: number;
}

/** Shares of classes in the manner of openb's pods and Philly's gangs. */
export const DEFAULT_JOB_CLASSES: readonly JobClass[] = [
  jobClass('cpu', 0.12, 0, [0], [2_000, 4_000, 8_000, 16_000, 32_000], [2_048, 4_096], [1], 1),
  jobClass('cpu-array', 0.01, 0, [0], [1_000, 2_000], [2_048, 4_096], [8, 32, 128], 0.5, false),
  jobClass(
    'share',
    0.38,
    1,
    [100, 220, 330, 460, 500, 700, 810],
    [2_000, 4_000, 6_000, 8_000],
    [2_048, 4_096],
    [1],
    1,
  ),
  jobClass('one-gpu', 0.41, 1, [GPU_MILLI], [4_000, 8_000, 11_000, 12_000], [4_096], [1], 1),
  jobClass('two-gpus', 0.025, 2, [GPU_MILLI], [8_000, 16_000], [4_096], [1], 2),
  jobClass('four-gpus', 0.02, 4, [GPU_MILLI], [16_000, 32_000], [4_096], [1], 2),
  jobClass('eight-gpus', 0.025, 8, [GPU_MILLI], [64_000, 88_000], [2_048, 4_096], [1], 3),
  jobClass('gang', 0.01, 8, [GPU_MILLI], [64_000, 88_000], [2_048, 4_096], [2, 2, 4, 8], 4),
];

/** Durations: median 500 s, long body, and 2 % above 20,000 s with exponent 1.2; at most 30 days. Mean about 1 h. */
export const DEFAULT_DURATION: DurationDistribution = {
  medianSeconds: 500,
  sigma: 1.8,
  tailShare: 0.02,
  tailSeconds: 20_000,
  tailAlpha: 1.2,
  maxSeconds: 2_592_000,
};

/** The capacity that the offered load is relative to. */
export interface ClusterCapacity {
  readonly cpuMilli: number;
  readonly memoryMib: number;
  readonly gpuMilli: number;
  /** GPU models with their GPUs; jobs that name a model draw one in this proportion. */
  readonly gpuModels: Readonly<Record<string, number>>;
}

/** Options of a generated workload. */
export interface WorkloadOptions {
  /** Jobs; integer in [1, GENERATED_JOBS_MAX]. */
  readonly jobs: number;
  readonly capacity: ClusterCapacity;
  /** Arriving work per second over the capacity of the scarcest resource; > 0. Default 0.9. */
  readonly load?: number;
  /** Default `DEFAULT_JOB_CLASSES`; without GPUs in `capacity`, those of them that request none. */
  readonly classes?: readonly JobClass[];
  readonly duration?: DurationDistribution;
  readonly rhythm?: Partial<ArrivalRhythm>;
  /** Probability that a GPU job names one GPU model, in [0, 1]. Default 0.1. */
  readonly modelShare?: number;
  /** Requested time over duration is between 1 and this, log-uniform; ≥ 1. Default 10. */
  readonly requestFactorMax?: number;
  /** Probability of priority 100 instead of 0, in [0, 1]. Default 0.1. */
  readonly highPriorityShare?: number;
}

/** Most jobs of a generated workload. */
export const GENERATED_JOBS_MAX = 1_000_000_000;

/** Defaults of `WorkloadOptions`. */
export const DEFAULT_WORKLOAD = {
  load: 0.9,
  classes: DEFAULT_JOB_CLASSES,
  duration: DEFAULT_DURATION,
  rhythm: DEFAULT_RHYTHM,
  modelShare: 0.1,
  requestFactorMax: 10,
  highPriorityShare: 0.1,
} as const;

/** @returns The classes that are drawn from. */
function classesOf({ classes, capacity }: WorkloadOptions): readonly JobClass[] {
  if (classes !== undefined) return classes;
  return capacity.gpuMilli > 0
    ? DEFAULT_JOB_CLASSES
    : DEFAULT_JOB_CLASSES.filter(({ gpuCount }) => gpuCount === 0);
}

/** @returns The sums over nodes for `WorkloadOptions.capacity`. */
export function capacityOf(nodes: Iterable<NodeSpec>): ClusterCapacity {
  const sum = { cpuMilli: 0, memoryMib: 0, gpuMilli: 0 };
  const gpuModels: Record<string, number> = {};
  for (const node of nodes) {
    sum.cpuMilli += node.cpuMilli;
    sum.memoryMib += node.memoryMib;
    sum.gpuMilli += node.gpuCount * GPU_MILLI;
    if (node.gpuCount === 0 || node.gpuModel === '') continue;
    gpuModels[node.gpuModel] = (gpuModels[node.gpuModel] ?? 0) + node.gpuCount;
  }
  return { ...sum, gpuModels };
}

/** Makes a workload, by arrival. @throws TegError TEG_OPTION_INVALID. Cost about 1 µs a job. */
export function generateJobs(options: WorkloadOptions, random: RandomSource): JobSpec[] {
  const jobs: JobSpec[] = [];
  for (const batch of generateJobBatches(options, random)) for (const job of batch) jobs.push(job);
  return jobs;
}

/** As `generateJobs`, in batches of 1,024, so that memory does not grow with the workload. */
export function* generateJobBatches(options: WorkloadOptions, random: RandomSource): Generator<JobSpec[]> {
  checkOptions(options);
  const full = { ...DEFAULT_WORKLOAD, ...options, classes: classesOf(options) };
  const rhythm = { ...DEFAULT_RHYTHM, ...options.rhythm };
  const arrivals = new ArrivalProcess(arrivalRate(options), rhythm, random);
  const classChoice = new WeightedChoice(full.classes.map((c) => c.share));
  const models = Object.keys(full.capacity.gpuModels).sort();
  const modelChoice = new WeightedChoice(models.map((model) => full.capacity.gpuModels[model] as number));
  let batch: JobSpec[] = [];
  for (let i = 0; i < full.jobs; i++) {
    const { seconds, tenant } = arrivals.next(random);
    const c = full.classes[classChoice.draw(random)] as JobClass;
    const namesModel = c.gpuCount > 0 && models.length > 0 && random.nextFloat() < full.modelShare;
    const gpuModels = namesModel ? [models[modelChoice.draw(random)] as string] : [];
    batch.push(drawJob(i, seconds, `tenant-${tenant}`, c, gpuModels, full, random));
    if (batch.length === 1_024) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

/**
 * Refuses with TEG_OPTION_INVALID a cluster that lacks a resource that the jobs request.
 *
 * @returns Jobs a second on average, so that the work that arrives keeps the scarcest of CPU, memory and GPUs busy to
 *   the share `load`: λ = load / max_r(mean work of r a job / capacity of r).
 */
export function arrivalRate(options: WorkloadOptions): number {
  const classes = classesOf(options);
  const seconds = meanDuration(options.duration ?? DEFAULT_DURATION);
  const shareTotal = classes.reduce((sum, c) => sum + c.share, 0);
  const work = { cpuMilli: 0, memoryMib: 0, gpuMilli: 0 };
  for (const c of classes) {
    const podSeconds = (c.share / shareTotal) * mean(c.podCount) * seconds * c.durationFactor;
    work.cpuMilli += podSeconds * mean(c.cpuMilli);
    work.memoryMib += (podSeconds * mean(c.cpuMilli) * mean(c.memoryMibPerCore)) / 1_000;
    work.gpuMilli += podSeconds * c.gpuCount * (c.gpuCount === 1 ? mean(c.gpuMilli) : GPU_MILLI);
  }
  const { capacity } = options;
  const busiest = Math.max(
    busyShare('cores', work.cpuMilli, capacity.cpuMilli),
    busyShare('memory', work.memoryMib, capacity.memoryMib),
    busyShare('GPUs', work.gpuMilli, capacity.gpuMilli),
  );
  return (options.load ?? DEFAULT_WORKLOAD.load) / busiest;
}

function busyShare(resource: string, work: number, capacity: number): number {
  if (work === 0) return 0;
  if (capacity > 0) return work / capacity;
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got a cluster without ${resource}, which generated jobs request, expected some; ` +
      'correct the file of nodes, or name a file of jobs instead of a number of jobs to make up',
  );
}

type DrawSettings = Required<Pick<WorkloadOptions, 'duration' | 'requestFactorMax' | 'highPriorityShare'>>;

function drawJob(
  index: number,
  submitSeconds: number,
  tenant: string,
  c: JobClass,
  gpuModels: readonly string[],
  settings: DrawSettings,
  random: RandomSource,
): JobSpec {
  const cpuMilli = pick(c.cpuMilli, random);
  const podCount = pick(c.podCount, random);
  const durationSeconds = drawDuration(scaled(settings.duration, c.durationFactor), random);
  const factor = settings.requestFactorMax ** random.nextFloat();
  const gpuMilli = c.gpuCount === 1 ? pick(c.gpuMilli, random) : GPU_MILLI;
  return {
    id: `job-${index}`,
    tenant,
    priority: random.nextFloat() < settings.highPriorityShare ? 100 : 0,
    cpuMilli,
    memoryMib: Math.ceil((cpuMilli * pick(c.memoryMibPerCore, random)) / 1_000),
    gpuCount: c.gpuCount,
    gpuMilli: c.gpuCount === 0 ? 0 : gpuMilli,
    gpuModels,
    submitSeconds,
    durationSeconds,
    requestedSeconds: Math.ceil(durationSeconds * factor),
    podCount,
    gangMin: c.isGang ? podCount : 1,
  };
}

function scaled(duration: DurationDistribution, factor: number): DurationDistribution {
  return {
    ...duration,
    medianSeconds: duration.medianSeconds * factor,
    tailSeconds: duration.tailSeconds * factor,
    maxSeconds: duration.maxSeconds * factor,
  };
}

function pick(values: readonly number[], random: RandomSource): number {
  return values[Math.floor(random.nextFloat() * values.length)] as number;
}

function jobClass(
  name: string,
  share: number,
  gpuCount: number,
  gpuMilli: readonly number[],
  cpuMilli: readonly number[],
  memoryMibPerCore: readonly number[],
  podCount: readonly number[],
  durationFactor: number,
  isGang = true,
): JobClass {
  return { name, share, gpuCount, gpuMilli, cpuMilli, memoryMibPerCore, podCount, isGang, durationFactor };
}

function checkOptions(options: WorkloadOptions): void {
  requireInteger('jobs', options.jobs, 1, GENERATED_JOBS_MAX);
  requireNumber('load', options.load ?? DEFAULT_WORKLOAD.load, 1e-9, 1e9);
  requireNumber('modelShare', options.modelShare ?? 0, 0, 1);
  requireNumber('highPriorityShare', options.highPriorityShare ?? 0, 0, 1);
  requireNumber('requestFactorMax', options.requestFactorMax ?? 1, 1, 1e6);
  const duration = options.duration ?? DEFAULT_DURATION;
  requireNumber('duration.medianSeconds', duration.medianSeconds, 1, 1e9);
  requireNumber('duration.maxSeconds', duration.maxSeconds, duration.medianSeconds, 1e9);
  requireNumber('duration.sigma', duration.sigma, 0, 10);
  requireNumber('duration.tailShare', duration.tailShare, 0, 1);
  requireNumber('duration.tailSeconds', duration.tailSeconds, 1, duration.maxSeconds);
  requireNumber('duration.tailAlpha', duration.tailAlpha, 1.000001, 100);
  requireInteger('number of job classes', (options.classes ?? DEFAULT_JOB_CLASSES).length, 1, 1_000);
}
