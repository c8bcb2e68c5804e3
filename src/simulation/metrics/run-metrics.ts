/**
 * The measurements of a run, counted as its events happen.
 *
 * Invariants: amounts in use are integrated exactly, event by event; distributions hold the jobs that arrived after the
 * warm-up; nothing is allocated per event. Not here: the use of the figures (`summary.ts`).
 */
import { assert } from '../../kernel/assert.ts';
import { QuantileSketch } from '../../kernel/quantile-sketch.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import { savedSeconds } from '../../model/eviction-terms.ts';
import type { JobTable } from '../inputs/job-table.ts';
import { type JobShapes, SIZE_CLASSES } from './job-shapes.ts';
import type { RunProfile } from './run-profile.ts';
import type { RunState, StateSampler } from './state-sampler.ts';

/** Run times below this count as this in the bounded slowdown. */
export const SLOWDOWN_BOUND_SECONDS = 10;

/** Rows of `RunMetrics.integrals`. */
export const Integral = { Gpu: 0, Cpu: 1, Memory: 2, NodesDown: 3 } as const;

/** Columns of `RunMetrics.lives`. */
const Life = {
  /** Start of the run. */
  Start: 0,
  /** End of the run on its own: NaN if the job does not run, Infinity if it never ends. */
  End: 1,
  /** Bounded slowdown if it ends on its own; NaN if the job does not count (warm-up). */
  Slowdown: 2,
  Shape: 3,
} as const;
const LIFE_LENGTH = 4;

/** Columns of `RunMetrics.kept`. */
const KEPT_LENGTH = 3;

/** Integrals over a stretch of virtual time: amounts × seconds. @shape [4], see `Integral`. */
export interface Stretch {
  readonly seconds: number;
  readonly integrals: Float64Array;
}

/** Live counts and integrals of one run. */
export class RunMetrics implements RunState {
  usedGpuMilli = 0;
  usedCpuMilli = 0;
  usedMemoryMib = 0;
  peakGpuMilli = 0;
  runningJobs = 0;
  waitingJobs = 0;
  nodesUp: number;
  /** @shape [shapes] */
  readonly waitingByShape: Int32Array;
  arrived = 0;
  finished = 0;
  dropped = 0;
  failed = 0;
  requeues = 0;
  podsPlaced = 0;
  podsLost = 0;
  nodeFailures = 0;
  nodeReturns = 0;
  /** Milli-GPU seconds of jobs that finished, and of runs that a failure or an eviction ended, without what checkpoints kept. */
  finishedGpuSeconds = 0;
  lostGpuSeconds = 0;
  /** @shape [size classes] */
  readonly waits: readonly QuantileSketch[] = SIZE_CLASSES.map(() => new QuantileSketch());
  /** @shape [size classes] */
  readonly slowdowns: readonly QuantileSketch[] = SIZE_CLASSES.map(() => new QuantileSketch());
  /** Jobs that arrived after the warm-up. @shape [size classes] */
  readonly arrivedBySize: Float64Array = new Float64Array(SIZE_CLASSES.length);
  /** The measured stretch until the last arrival (or the horizon), set when it is passed. */
  whileArriving: Stretch | undefined;

  private readonly table: JobTable;
  private readonly shapes: JobShapes;
  private readonly sampler: StateSampler;
  private readonly profile: RunProfile | undefined;
  private readonly warmupSeconds: number;
  private readonly arrivalsEnd: number;
  private readonly nodeCount: number;
  /** Integrals since the warm-up. @shape [4] */
  private readonly sums = new Float64Array(4);
  private now = 0;
  private measuredFrom = 0;
  private warm: boolean;
  /** The next virtual time at which more than adding up is due. */
  private nextMark: number;
  /**
   * The run that a job is in: four numbers a job side by side, because its end comes long after its start, when none
   * of them is in the cache: one miss instead of four. See `Life`. @shape [4 × jobs]
   */
  private readonly lives: Float64Array;
  /** 1: waits. @shape [jobs] */
  private readonly waitingFlags: Uint8Array;
  /** 1: has run before. @shape [jobs] */
  private readonly ranBefore: Uint8Array;
  /**
   * What checkpoints keep of ended runs: seconds, and milli-GPU seconds; and milli-GPU seconds of this run by pods that left,
   * minus those of a whole run that pods which joined did not do. @shape [KEPT_LENGTH × jobs]; [0] if all jobs have the default
   * terms.
   */
  private readonly kept: Float64Array;

  /**
   * @param warmupSeconds Virtual time from which means and percentiles count.
   * @param arrivalsEnd   Last arrival or horizon, whichever is first.
   * @param profile       Where samples are timed, if at all.
   */
  constructor(
    table: JobTable,
    shapes: JobShapes,
    cluster: ClusterState,
    sampler: StateSampler,
    warmupSeconds: number,
    arrivalsEnd: number,
    profile?: RunProfile,
  ) {
    this.profile = profile;
    this.table = table;
    this.shapes = shapes;
    this.sampler = sampler;
    this.warmupSeconds = warmupSeconds;
    this.arrivalsEnd = arrivalsEnd;
    this.nodeCount = cluster.nodeCount;
    this.nodesUp = cluster.nodeCount;
    this.waitingByShape = new Int32Array(shapes.count);
    this.lives = new Float64Array(LIFE_LENGTH * table.count).fill(Number.NaN);
    this.waitingFlags = new Uint8Array(table.count);
    this.ranBefore = new Uint8Array(table.count);
    this.kept = new Float64Array(table.hasTerms ? KEPT_LENGTH * table.count : 0);
    this.warm = warmupSeconds <= 0;
    this.nextMark = this.findNextMark();
  }

  /** Lets virtual time pass until `t`, before the events of that time happen: they come before the sample of that time. */
  advance(t: number): void {
    while (t > this.nextMark) this.passMark();
    this.integrate(t);
  }

  /** Lets virtual time end at `t`, after the events of that time. */
  finish(t: number): void {
    this.advance(t);
    while (t >= this.nextMark) this.passMark();
  }

  /** A job was submitted. */
  jobArrived(job: number): void {
    this.arrived++;
    if (!this.isMeasured(job)) return;
    const size = this.sizeOf(job);
    this.arrivedBySize[size] = (this.arrivedBySize[size] as number) + 1;
  }

  /** A job waits (again). */
  jobWaits(job: number): void {
    assert(this.waitingFlags[job] === 0, 'a job waits twice');
    const shape = this.shapes.shapeIds[job] as number;
    this.waitingFlags[job] = 1;
    this.waitingByShape[shape] = (this.waitingByShape[shape] as number) + 1;
    this.waitingJobs++;
  }

  /** A job does not wait from now on, if it did at all. */
  jobWaitsNoMore(job: number): void {
    if (this.waitingFlags[job] === 0) return;
    const shape = this.shapes.shapeIds[job] as number;
    this.waitingFlags[job] = 0;
    this.waitingByShape[shape] = (this.waitingByShape[shape] as number) - 1;
    this.waitingJobs--;
  }

  /** @returns The submission time of the job that has waited longest; Infinity if none waits. O(jobs). */
  earliestWaiting(): number {
    const job = this.waitingFlags.indexOf(1);
    return job < 0 ? Number.POSITIVE_INFINITY : (this.table.submitSeconds[job] as number);
  }

  /** @param pods Pods that run from now on. */
  jobStarted(job: number, pods: number, t: number): void {
    const { shapes } = this;
    this.jobWaitsNoMore(job);
    const shape = shapes.shapeIds[job] as number;
    this.usedGpuMilli += pods * (shapes.podGpuMilli[shape] as number);
    this.usedCpuMilli += pods * (shapes.podCpuMilli[shape] as number);
    this.usedMemoryMib += pods * (shapes.podMemoryMib[shape] as number);
    if (this.usedGpuMilli > this.peakGpuMilli) this.peakGpuMilli = this.usedGpuMilli;
    this.runningJobs++;
    this.podsPlaced += pods;
    const { table, lives } = this;
    const submit = table.submitSeconds[job] as number;
    const duration = table.durationSeconds[job] as number;
    const isMeasured = submit >= this.warmupSeconds;
    const life = LIFE_LENGTH * job;
    const done = this.kept[KEPT_LENGTH * job] ?? 0;
    lives[life + Life.Start] = t;
    lives[life + Life.End] = t + Math.max(0, duration - done);
    lives[life + Life.Slowdown] = isMeasured ? boundedSlowdown(t - submit - done, duration) : Number.NaN;
    lives[life + Life.Shape] = shape;
    if (this.ranBefore[job] === 1) return;
    this.ranBefore[job] = 1;
    if (!isMeasured) return;
    (this.waits[shapes.sizeClasses[shape] as number] as QuantileSketch).insert(t - submit);
  }

  /** @param pods Pods that a running job gains; negative: loses. */
  jobResized(job: number, pods: number): void {
    const { shapes } = this;
    const shape = shapes.shapeIds[job] as number;
    this.usedGpuMilli += pods * (shapes.podGpuMilli[shape] as number);
    this.usedCpuMilli += pods * (shapes.podCpuMilli[shape] as number);
    this.usedMemoryMib += pods * (shapes.podMemoryMib[shape] as number);
    if (this.usedGpuMilli > this.peakGpuMilli) this.peakGpuMilli = this.usedGpuMilli;
    if (pods > 0) this.podsPlaced += pods;
    else this.podsLost -= pods;
    if (this.kept.length === 0) return;
    const run = this.now - (this.lives[LIFE_LENGTH * job + Life.Start] as number);
    const at = KEPT_LENGTH * job + 2;
    this.kept[at] = (this.kept[at] as number) - pods * run * (shapes.podGpuMilli[shape] as number);
  }

  /** @param pods Pods that ran until now. To be called after `jobFinished` or `jobLost`. */
  jobReleased(job: number, pods: number): void {
    const { shapes, lives } = this;
    const shape = lives[LIFE_LENGTH * job + Life.Shape] as number;
    assert(!Number.isNaN(lives[LIFE_LENGTH * job + Life.End]), 'a job is released that does not run');
    lives[LIFE_LENGTH * job + Life.End] = Number.NaN;
    this.usedGpuMilli -= pods * (shapes.podGpuMilli[shape] as number);
    this.usedCpuMilli -= pods * (shapes.podCpuMilli[shape] as number);
    this.usedMemoryMib -= pods * (shapes.podMemoryMib[shape] as number);
    this.runningJobs--;
  }

  /** A job ended on its own. */
  jobFinished(job: number, pods: number, t: number): void {
    const { shapes, lives } = this;
    this.finished++;
    const shape = lives[LIFE_LENGTH * job + Life.Shape] as number;
    const run = t - (lives[LIFE_LENGTH * job + Life.Start] as number);
    this.finishedGpuSeconds += run * pods * (shapes.podGpuMilli[shape] as number);
    if (this.kept.length > 0) {
      const at = KEPT_LENGTH * job;
      this.finishedGpuSeconds += (this.kept[at + 1] as number) + (this.kept[at + 2] as number);
    }
    const slowdown = lives[LIFE_LENGTH * job + Life.Slowdown] as number;
    if (Number.isNaN(slowdown)) return;
    (this.slowdowns[shapes.sizeClasses[shape] as number] as QuantileSketch).insert(slowdown);
  }

  /** A job's run ended with its node, or by an eviction. */
  jobLost(job: number, pods: number, t: number): void {
    const { shapes, lives } = this;
    const shape = lives[LIFE_LENGTH * job + Life.Shape] as number;
    const run = t - (lives[LIFE_LENGTH * job + Life.Start] as number);
    const gpuMilli = pods * (shapes.podGpuMilli[shape] as number);
    this.podsLost += pods;
    this.lostGpuSeconds += run * gpuMilli;
    if (this.kept.length === 0) return;
    const saved = savedSeconds(run, this.table.termsOf(job));
    const at = KEPT_LENGTH * job;
    this.lostGpuSeconds += (this.kept[at + 2] as number) - saved * gpuMilli;
    this.kept[at] = (this.kept[at] as number) + saved;
    this.kept[at + 1] = (this.kept[at + 1] as number) + saved * gpuMilli;
    this.kept[at + 2] = 0;
  }

  /** A node fails. */
  nodeFailed(): void {
    this.nodeFailures++;
    this.nodesUp--;
  }

  /** A node returns. */
  nodeReturned(): void {
    this.nodeReturns++;
    this.nodesUp++;
  }

  /** @returns When the job's present run ends: NaN if it does not run, Infinity if it never ends. */
  runEnd(job: number): number {
    return this.lives[LIFE_LENGTH * job + Life.End] as number;
  }

  /** @returns Integrals from the warm-up to `t`; call after `advance(t)`. */
  measured(): Stretch {
    const seconds = this.warm ? this.now - this.measuredFrom : 0;
    return { seconds, integrals: this.warm ? this.sums.slice() : new Float64Array(4) };
  }

  /**
   * @returns The present amounts in use and down, in the form of a stretch of one second: for a run without any time.
   */
  atOnce(): Stretch {
    const { usedGpuMilli, usedCpuMilli, usedMemoryMib, nodeCount, nodesUp } = this;
    const integrals = Float64Array.of(usedGpuMilli, usedCpuMilli, usedMemoryMib, nodeCount - nodesUp);
    return { seconds: 1, integrals };
  }

  private isMeasured(job: number): boolean {
    return (this.table.submitSeconds[job] as number) >= this.warmupSeconds;
  }

  private sizeOf(job: number): number {
    return this.shapes.sizeClasses[this.shapes.shapeIds[job] as number] as number;
  }

  private integrate(t: number): void {
    const dt = t - this.now;
    if (dt <= 0) return;
    const { sums } = this;
    sums[0] = (sums[0] as number) + dt * this.usedGpuMilli;
    sums[1] = (sums[1] as number) + dt * this.usedCpuMilli;
    sums[2] = (sums[2] as number) + dt * this.usedMemoryMib;
    sums[3] = (sums[3] as number) + dt * (this.nodeCount - this.nodesUp);
    this.now = t;
  }

  private takeSample(): void {
    const { profile, sampler } = this;
    if (profile === undefined) {
      sampler.sample(this);
      return;
    }
    const from = profile.clockMicros();
    sampler.sample(this);
    profile.sampleMicros += profile.clockMicros() - from;
  }

  private findNextMark(): number {
    let mark = this.sampler.nextAt;
    if (!this.warm) mark = Math.min(mark, this.warmupSeconds);
    if (this.whileArriving === undefined) mark = Math.min(mark, this.arrivalsEnd);
    return mark;
  }

  private passMark(): void {
    const mark = this.nextMark;
    if (!this.warm && mark >= this.warmupSeconds) {
      this.integrate(mark);
      this.warm = true;
      this.sums.fill(0);
      this.measuredFrom = mark;
    }
    if (mark >= this.sampler.nextAt) this.takeSample();
    if (this.whileArriving === undefined && mark >= this.arrivalsEnd) {
      this.integrate(mark);
      this.whileArriving = this.measured();
    }
    this.nextMark = this.findNextMark();
  }
}

/**
 * @param delaySeconds From arrival to the start of the run that finished: waiting, and runs that were lost.
 * @param runSeconds   The job's own run time.
 * @returns max(1, (delay + run) ÷ max(run, 10 s)): 1 for a job that never waited, without the noise of tiny jobs.
 * @source Feitelson et al. 1997, Theory and practice in parallel job scheduling, JSSPP.
 */
export function boundedSlowdown(delaySeconds: number, runSeconds: number): number {
  return Math.max(1, (delaySeconds + runSeconds) / Math.max(runSeconds, SLOWDOWN_BOUND_SECONDS));
}
