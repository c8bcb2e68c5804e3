/**
 * Summary of the jobs of a trace.
 */
import { grown } from '../kernel/grown.ts';
import type { JobSpec } from '../model/job.ts';
import { GPU_MILLI } from '../model/node.ts';
import type { TraceWarning } from './format.ts';
import {
  type Sketch,
  type SketchFactory,
  Tally,
  type TraceDistribution,
  toDistribution,
} from './summary-parts.ts';

/** Jobs that request the same number of GPUs a pod (sharing jobs apart). */
export interface GpuMixRow {
  /** `no GPU`, `share of one GPU`, or the number of GPUs a pod. */
  readonly gpus: string;
  readonly jobs: number;
  readonly pods: number;
  /** Requested by all their pods; shares count in part. */
  readonly gpusRequested: number;
  /** Of jobs that end. */
  readonly gpuHours: number;
  readonly cpuHours: number;
}

/** One of the tenants with most work. */
export interface TenantRow {
  readonly tenant: string;
  readonly jobs: number;
  readonly gpuHours: number;
  readonly cpuHours: number;
}

/** Summary of jobs. Hours are of jobs that end; requested sums are over all pods of all jobs. */
export interface JobsSummary {
  readonly jobs: number;
  readonly pods: number;
  /** First and last submit time, in seconds of the trace. */
  readonly firstSubmitSeconds: number;
  readonly lastSubmitSeconds: number;
  readonly spanSeconds: number;
  readonly coresRequested: number;
  readonly memoryGibRequested: number;
  readonly gpusRequested: number;
  readonly cpuHours: number;
  readonly gpuHours: number;
  /** Jobs that never end: durations below are of the others. */
  readonly endless: number;
  readonly gangs: number;
  readonly arrays: number;
  readonly withModel: number;
  readonly withAffinity: number;
  readonly withSpreadLimit: number;
  readonly withRequestedTime: number;
  readonly withPriority: number;
  readonly withPodGroup: number;
  readonly withNode: number;
  readonly durationSeconds: TraceDistribution;
  readonly interArrivalSeconds: TraceDistribution;
  readonly podsPerJob: TraceDistribution;
  readonly coresPerPod: TraceDistribution;
  readonly memoryGibPerPod: TraceDistribution;
  /** Of pods with GPUs, shares in part. */
  readonly gpusPerPod: TraceDistribution;
  /** Of jobs with GPUs, over all their pods. */
  readonly gpusPerJob: TraceDistribution;
  readonly gpuMix: readonly GpuMixRow[];
  readonly gpuModels: Readonly<Record<string, number>>;
  /** Amount requested of each further resource, over all pods. */
  readonly extended: Readonly<Record<string, number>>;
  readonly tenants: number;
  readonly topTenants: readonly TenantRow[];
}

/** Tenants that are listed. */
const TOP_TENANTS = 10;

/** Names of models and further resources that are listed. */
const TOP_NAMES = 50;

/** Submit times that are kept to be sorted: 32 MiB. */
const TIMES_MAX = 4_194_304;

const SECONDS_PER_HOUR = 3_600;

interface Work {
  jobs: number;
  pods: number;
  gpus: number;
  gpuHours: number;
  cpuHours: number;
}

/** Gathers the summary; `add` every job, then `result`. */
export class JobSummarizer {
  count = 0;
  private readonly sums = {
    pods: 0,
    cores: 0,
    memoryGib: 0,
    gpus: 0,
    cpuHours: 0,
    gpuHours: 0,
    endless: 0,
    gangs: 0,
    arrays: 0,
    withModel: 0,
    withAffinity: 0,
    withSpreadLimit: 0,
    withRequestedTime: 0,
    withPriority: 0,
    withPodGroup: 0,
    withNode: 0,
  };
  private readonly duration: Sketch;
  private readonly pods: Sketch;
  private readonly cores: Sketch;
  private readonly memory: Sketch;
  private readonly gpus: Sketch;
  private readonly gpusPerJob: Sketch;
  private readonly gaps: Sketch;
  private readonly mix = new Tally<Work>(newWork);
  private readonly tenants = new Tally<Work>(newWork);
  private readonly models = new Tally<{ count: number }>(() => ({ count: 0 }));
  private readonly extended = new Tally<{ count: number }>(() => ({ count: 0 }));
  private times = new Float64Array(1_024);
  private timeCount = 0;
  private first = Number.POSITIVE_INFINITY;
  private last = Number.NEGATIVE_INFINITY;

  constructor(makeSketch: SketchFactory) {
    this.duration = makeSketch();
    this.pods = makeSketch();
    this.cores = makeSketch();
    this.memory = makeSketch();
    this.gpus = makeSketch();
    this.gpusPerJob = makeSketch();
    this.gaps = makeSketch();
  }

  /** Takes a job. */
  add(job: JobSpec): void {
    this.count++;
    this.addTime(job.submitSeconds);
    const gpus = (job.gpuCount * job.gpuMilli) / GPU_MILLI;
    const hours = Number.isFinite(job.durationSeconds) ? job.durationSeconds / SECONDS_PER_HOUR : 0;
    const gpuHours = hours * gpus * job.podCount;
    const cpuHours = (hours * job.cpuMilli * job.podCount) / 1_000;
    for (const work of [this.mix.of(mixName(job)), this.tenants.of(job.tenant)]) {
      work.jobs++;
      work.pods += job.podCount;
      work.gpus += gpus * job.podCount;
      work.gpuHours += gpuHours;
      work.cpuHours += cpuHours;
    }
    this.addSums(job, gpus, gpuHours, cpuHours);
    this.addSketches(job, gpus);
    for (const model of job.gpuModels) this.models.of(model).count++;
    for (const [name, amount] of Object.entries(job.extended ?? {})) {
      this.extended.of(name).count += amount * job.podCount;
    }
  }

  /** @returns The summary of all jobs so far. */
  result(): JobsSummary {
    const { cores, memoryGib, gpus, ...sums } = this.sums;
    this.sortGaps();
    return {
      jobs: this.count,
      ...sums,
      firstSubmitSeconds: this.first,
      lastSubmitSeconds: this.last,
      spanSeconds: this.last - this.first,
      coresRequested: cores,
      memoryGibRequested: memoryGib,
      gpusRequested: gpus,
      durationSeconds: toDistribution(this.duration),
      interArrivalSeconds: toDistribution(this.gaps),
      podsPerJob: toDistribution(this.pods),
      coresPerPod: toDistribution(this.cores),
      memoryGibPerPod: toDistribution(this.memory),
      gpusPerPod: toDistribution(this.gpus),
      gpusPerJob: toDistribution(this.gpusPerJob),
      gpuMix: this.gpuMix(),
      gpuModels: named(this.models),
      extended: named(this.extended),
      tenants: this.tenants.size,
      topTenants: this.topTenants(),
    };
  }

  /** @returns Remarks for the reader of the summary. */
  warnings(): TraceWarning[] {
    const warnings: TraceWarning[] = [];
    if (this.count > TIMES_MAX) {
      const message = `times between arrivals are those of the first ${TIMES_MAX} jobs: jobs beyond`;
      warnings.push({ message, count: this.count - TIMES_MAX });
    }
    if (this.count > 1 && this.first === this.last) {
      warnings.push({
        message: 'all jobs arrive at the same time: no arrival times in this trace',
        count: 1,
      });
    }
    if (this.sums.endless === this.count && this.count > 0) {
      warnings.push({ message: 'no job ends: no durations in this trace', count: 1 });
    }
    return warnings;
  }

  private addTime(seconds: number): void {
    if (seconds < this.first) this.first = seconds;
    if (seconds > this.last) this.last = seconds;
    if (this.timeCount === TIMES_MAX) return;
    if (this.timeCount === this.times.length) {
      this.times = grown(this.times, this.times.length * 2);
    }
    this.times[this.timeCount++] = seconds;
  }

  /** Files need not be in order of arrival (openb's are not). */
  private sortGaps(): void {
    const times = this.times.subarray(0, this.timeCount).sort();
    for (let i = 1; i < times.length; i++) this.gaps.insert((times[i] as number) - (times[i - 1] as number));
    this.timeCount = 0;
  }

  private addSums(job: JobSpec, gpus: number, gpuHours: number, cpuHours: number): void {
    const { sums } = this;
    sums.pods += job.podCount;
    sums.cores += (job.cpuMilli * job.podCount) / 1_000;
    sums.memoryGib += (job.memoryMib * job.podCount) / 1_024;
    sums.gpus += gpus * job.podCount;
    sums.gpuHours += gpuHours;
    sums.cpuHours += cpuHours;
    if (!Number.isFinite(job.durationSeconds)) sums.endless++;
    if (job.gangMin > 1) sums.gangs++;
    if (job.podCount > 1 && job.gangMin === 1) sums.arrays++;
    if (job.gpuModels.length > 0) sums.withModel++;
    if (job.affinity !== undefined && job.affinity.length > 0) sums.withAffinity++;
    if (job.podsPerNodeMax !== undefined) sums.withSpreadLimit++;
    if (!Number.isNaN(job.requestedSeconds)) sums.withRequestedTime++;
    if (job.priority !== 0) sums.withPriority++;
    if (job.podGroup !== undefined) sums.withPodGroup++;
    if (job.nodeName !== undefined) sums.withNode++;
  }

  private addSketches(job: JobSpec, gpus: number): void {
    if (Number.isFinite(job.durationSeconds)) this.duration.insert(job.durationSeconds);
    this.pods.insert(job.podCount);
    this.cores.insert(job.cpuMilli / 1_000);
    this.memory.insert(job.memoryMib / 1_024);
    if (gpus === 0) return;
    this.gpus.insert(gpus);
    this.gpusPerJob.insert(gpus * job.podCount);
  }

  private gpuMix(): GpuMixRow[] {
    const rows = this.mix.top(Number.MAX_SAFE_INTEGER, (work) => work.jobs);
    return rows
      .sort((a, b) => mixOrder(a.name) - mixOrder(b.name))
      .map(({ name, sums }) => ({
        gpus: name,
        jobs: sums.jobs,
        pods: sums.pods,
        gpusRequested: sums.gpus,
        gpuHours: sums.gpuHours,
        cpuHours: sums.cpuHours,
      }));
  }

  private topTenants(): TenantRow[] {
    const byGpu = this.sums.gpuHours > 0;
    return this.tenants
      .top(TOP_TENANTS, (work) => (byGpu ? work.gpuHours : work.cpuHours))
      .map(({ name, sums }) => ({
        tenant: name,
        jobs: sums.jobs,
        gpuHours: sums.gpuHours,
        cpuHours: sums.cpuHours,
      }));
  }
}

const NO_GPU = 'no GPU';
const SHARE = 'share of one GPU';

function mixName(job: JobSpec): string {
  if (job.gpuCount === 0) return NO_GPU;
  return job.gpuCount === 1 && job.gpuMilli < GPU_MILLI ? SHARE : String(job.gpuCount);
}

function mixOrder(name: string): number {
  return name === NO_GPU ? 0 : name === SHARE ? 0.5 : Number(name);
}

function newWork(): Work {
  return { jobs: 0, pods: 0, gpus: 0, gpuHours: 0, cpuHours: 0 };
}

function named(tally: Tally<{ count: number }>): Record<string, number> {
  const top = tally.top(TOP_NAMES, (sums) => sums.count);
  return Object.fromEntries(top.map(({ name, sums }) => [name, sums.count]));
}
