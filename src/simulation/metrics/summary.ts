/**
 * From the counts of a run to its result: shares, percentiles, time series.
 */
import { QuantileSketch } from '../../kernel/quantile-sketch.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import { GPU_MILLI } from '../../model/node.ts';
import { MOVE_COST_MILLI } from '../equilibrium/equilibrium-sampler.ts';
import type { JobTable } from '../inputs/job-table.ts';
import type { InputLabels, SimulationOptions } from '../inputs/simulation-options.ts';
import type { DropReasons } from './drop-reasons.ts';
import { type JobShapes, SIZE_CLASSES } from './job-shapes.ts';
import type { ObservedPolicy } from './observed-policy.ts';
import {
  type Distribution,
  QUANTILE_GRID,
  type Series,
  SIMULATION_SCHEMA,
  type SimulationResult,
  type Timing,
} from './result.ts';
import { Integral, type RunMetrics, type Stretch } from './run-metrics.ts';
import type { RunProfile } from './run-profile.ts';
import type { StateSampler } from './state-sampler.ts';

/** Milli-GPU seconds of one GPU hour. */
const GPU_MILLI_HOUR = 3_600_000;

/** The records of a run. */
export interface RunRemains {
  readonly table: JobTable;
  readonly shapes: JobShapes;
  readonly cluster: ClusterState;
  readonly sampler: StateSampler;
  readonly metrics: RunMetrics;
  readonly drops: DropReasons;
  readonly policy: ObservedPolicy;
  readonly profile: RunProfile | undefined;
}

/** How it ended. */
export interface RunEnd {
  readonly ended: SimulationResult['ended'];
  readonly endSeconds: number;
  /** Microseconds of the whole run by the caller's clock. */
  readonly wallMicros: number;
}

/** Puts a run's result together. O(jobs). */
export function summarizeRun(options: SimulationOptions, parts: RunRemains, end: RunEnd): SimulationResult {
  const { cluster, metrics, policy, table, shapes } = parts;
  const all = metrics.measured();
  const early = metrics.whileArriving;
  // Where all jobs arrive at once and none ends, no time passes: the use at that instant counts.
  const used = end.endSeconds === 0 ? metrics.atOnce() : all;
  const whileArriving = early !== undefined && early.seconds > 0 ? early : used;
  const hasGpus = cluster.capacity.gpuMilli > 0;
  return {
    schema: SIMULATION_SCHEMA,
    complete: end.ended !== 'interrupted',
    ended: end.ended,
    policy: options.policy.name,
    seed: options.seed,
    cluster: describeCluster(options.labels, cluster),
    workload: describeWorkload(options.labels, table, shapes, cluster),
    options: describeOptions(options),
    endSeconds: end.endSeconds,
    measuredSeconds: all.seconds,
    jobs: jobCounts(metrics, parts.drops),
    allocation: allocationOf(used, cluster),
    allocationWhileArriving: allocationOf(whileArriving, cluster),
    peakGpu: ratioOrNull(metrics.peakGpuMilli, cluster.capacity.gpuMilli),
    fragmentation: hasGpus ? fragmentationOf(parts.sampler) : null,
    equilibrium: equilibriumResult(parts.sampler, cluster),
    wait: distributionOf(mergedSketch(metrics.waits), true),
    boundedSlowdown: distributionOf(mergedSketch(metrics.slowdowns), true),
    bySize: sizeClassResults(metrics.arrivedBySize, metrics.waits, metrics.slowdowns),
    waitingLongestSeconds: Math.max(0, end.endSeconds - metrics.earliestWaiting()),
    headOfLine: headOfLineOf(parts.sampler, cluster),
    nodes: {
      failures: metrics.nodeFailures,
      returns: metrics.nodeReturns,
      upShare:
        1 - (ratioOrNull(all.integrals[Integral.NodesDown] as number, all.seconds * cluster.nodeCount) ?? 0),
    },
    decisions: {
      count: policy.decisions,
      failed: policy.failures,
      nodesExamined: {
        mean: ratioOrNull(policy.nodesExaminedSum, policy.decisions) ?? 0,
        p50: policy.nodesExaminedSketch.quantile(0.5) || 0,
        p99: policy.nodesExaminedSketch.quantile(0.99) || 0,
        max: policy.decisions > 0 ? policy.nodesExaminedSketch.max : 0,
      },
    },
    gpuHours: hasGpus
      ? {
          finished: metrics.finishedGpuSeconds / GPU_MILLI_HOUR,
          lost: metrics.lostGpuSeconds / GPU_MILLI_HOUR,
        }
      : null,
    energy: energyOf(parts.sampler, metrics, end.endSeconds),
    quantileGrid: [...QUANTILE_GRID],
    ...(options.withSeries === false ? {} : { series: seriesOf(parts.sampler, cluster, table, shapes) }),
    ...(parts.profile === undefined ? {} : { timing: timingOf(options, parts, parts.profile, end) }),
  };
}

function describeCluster(
  labels: InputLabels | undefined,
  cluster: ClusterState,
): SimulationResult['cluster'] {
  return {
    label: labels?.cluster ?? '',
    nodes: cluster.nodeCount,
    gpus: cluster.capacity.gpus,
    cpuCores: cluster.capacity.cpuMilli / 1000,
    memoryGib: cluster.capacity.memoryMib / 1024,
    flavors: cluster.flavors.length,
  };
}

function describeWorkload(
  labels: InputLabels | undefined,
  table: JobTable,
  shapes: JobShapes,
  cluster: ClusterState,
): SimulationResult['workload'] {
  return {
    label: labels?.workload ?? '',
    jobs: table.count,
    pods: table.podTotal,
    demands: new Set(shapes.demands).size,
    spanSeconds: table.spanSeconds,
    load: labels?.load ?? 1,
    repeat: labels?.repeat ?? 1,
    resampled: labels?.resampled ?? false,
    ...offeredLoad(table, shapes, cluster),
  };
}

function describeOptions(options: SimulationOptions): SimulationResult['options'] {
  return {
    queue: options.queue ?? 'best-effort',
    typical: options.typical ?? 'learned',
    horizonSeconds: options.horizonSeconds ?? null,
    warmupSeconds: options.warmupSeconds ?? 0,
    mtbfSeconds: options.failures?.mtbfSeconds ?? null,
    mttrSeconds: options.failures?.mttrSeconds ?? null,
    lostPods: options.lostPods ?? 'requeue',
    retrySeconds: options.retrySeconds ?? null,
  };
}

function jobCounts(metrics: RunMetrics, drops: DropReasons): SimulationResult['jobs'] {
  return {
    arrived: metrics.arrived,
    finished: metrics.finished,
    dropped: metrics.dropped,
    droppedFor: Object.fromEntries([...drops.counts].sort(([a], [b]) => (a < b ? -1 : 1))),
    failed: metrics.failed,
    running: metrics.runningJobs,
    waiting: metrics.waitingJobs,
    requeues: metrics.requeues,
    podsPlaced: metrics.podsPlaced,
    podsLost: metrics.podsLost,
  };
}

function fragmentationOf(sampler: StateSampler): SimulationResult['fragmentation'] {
  const { means } = sampler;
  return {
    ratio: ratioOrNull(means.ratio, means.ratioWeight),
    share: ratioOrNull(means.share, means.weight) ?? 0,
    samples: means.samples,
    nodes: sampler.fragmentationNodes,
  };
}

function equilibriumResult(sampler: StateSampler, cluster: ClusterState): SimulationResult['equilibrium'] {
  const { means, potentialLastMilli } = sampler;
  const { gpuMilli } = cluster.capacity;
  if (means.looks === 0) return null;
  const potential = means.potential / means.lookWeight;
  const podMean = (sum: number): number => sum / means.podWeight;
  return {
    potentialGpus: potential / GPU_MILLI,
    potential: potential / gpuMilli,
    potentialLast: potentialLastMilli / gpuMilli,
    exploitability:
      means.podWeight === 0
        ? null
        : {
            mean: podMean(means.gain),
            max: sampler.gainMaxMilli,
            relative: ratioOrNull(means.relativeGain, means.relativeWeight),
            gaining: podMean(means.gaining),
            gainingBeyondMove: podMean(means.gainingBeyondMove),
            moveMilli: MOVE_COST_MILLI,
            pods: sampler.podsLooked,
          },
    samples: means.looks,
  };
}

function energyOf(
  { energy }: StateSampler,
  { finishedGpuSeconds }: RunMetrics,
  endSeconds: number,
): SimulationResult['energy'] {
  const joules = energy.joulesUntil(endSeconds);
  if (Number.isNaN(joules)) return null;
  return {
    kilowattHours: joules / 3.6e6,
    kilojoulesPerGpuHour: ratioOrNull(joules / 1000, finishedGpuSeconds / GPU_MILLI_HOUR),
  };
}

function headOfLineOf(sampler: StateSampler, cluster: ClusterState): SimulationResult['headOfLine'] {
  const { means } = sampler;
  return {
    gpu: ratioOrNull(means.fittingGpu, means.weight * cluster.capacity.gpuMilli),
    cpu: ratioOrNull(means.fittingCpu, means.weight * cluster.capacity.cpuMilli) ?? 0,
    samples: means.samples,
  };
}

/** Parts of the work: some timed throughout, some in one event of many. */
function timingOf(options: SimulationOptions, parts: RunRemains, profile: RunProfile, end: RunEnd): Timing {
  const { metrics, policy } = parts;
  const wallSeconds = end.wallMicros / 1e6;
  const scale = ratioOrNull(profile.events, profile.timedEvents) ?? 0;
  const field = Math.max(0, policy.microsSum - policy.timedCalls * profile.clockCost);
  const queue = scale * profile.queueMicros;
  const zone = scale * profile.zoneMicros;
  const counting = scale * profile.metricsMicros + profile.sampleMicros;
  const sum = queue + field + zone + counting;
  const shareOf = (micros: number): number => ratioOrNull(micros, sum) ?? 0;
  return {
    wallSeconds,
    jobsPerSecond: ratioOrNull(metrics.finished + metrics.dropped + metrics.failed, wallSeconds) ?? 0,
    decisionMicros: distributionOf(policy.decisionMicros, true),
    share: { queue: shareOf(queue), field: shareOf(field), zone: shareOf(zone), metrics: shareOf(counting) },
    peakMemoryBytes: options.memoryBytes?.() ?? null,
  };
}

/** @returns `numerator ÷ denominator`, or null if there is nothing to divide by. */
function ratioOrNull(numerator: number, denominator: number): number | null {
  return denominator > 0 && Number.isFinite(numerator) ? numerator / denominator : null;
}

/** @returns The percentiles of a sketch, null if it is empty. @param withGrid True to add the grid for plots. */
function distributionOf(sketch: QuantileSketch, withGrid: boolean): Distribution | null {
  if (sketch.count === 0) return null;
  const at = (q: number): number => sketch.quantile(q);
  return {
    count: sketch.count,
    mean: sketch.mean,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    p999: at(0.999),
    max: sketch.max,
    ...(withGrid ? { grid: QUANTILE_GRID.map((q) => significant(at(q))) } : {}),
  };
}

/** @returns All sketches in one. */
function mergedSketch(sketches: readonly QuantileSketch[]): QuantileSketch {
  const all = new QuantileSketch();
  for (const sketch of sketches) all.merge(sketch);
  return all;
}

/** @returns Means of the size classes that occurred. */
function sizeClassResults(
  arrivedBySize: Float64Array,
  waits: readonly QuantileSketch[],
  slowdowns: readonly QuantileSketch[],
): SimulationResult['bySize'] {
  return SIZE_CLASSES.map((size, i) => ({
    size,
    jobs: arrivedBySize[i] as number,
    wait: distributionOf(waits[i] as QuantileSketch, false),
    boundedSlowdown: distributionOf(slowdowns[i] as QuantileSketch, false),
  })).filter((entry) => entry.jobs > 0);
}

/** @returns Time means of the shares of capacity in use. */
function allocationOf(stretch: Stretch, cluster: ClusterState): SimulationResult['allocation'] {
  const { seconds, integrals } = stretch;
  const { capacity } = cluster;
  const mean = (row: number, total: number): number =>
    ratioOrNull(integrals[row] as number, seconds * total) ?? 0;
  return {
    gpu: capacity.gpuMilli > 0 ? mean(Integral.Gpu, capacity.gpuMilli) : null,
    cpu: mean(Integral.Cpu, capacity.cpuMilli),
    memory: mean(Integral.Memory, capacity.memoryMib),
  };
}

/** @returns GPU and CPU time that the workload requests ÷ the cluster's while jobs arrive. */
function offeredLoad(
  table: JobTable,
  shapes: JobShapes,
  cluster: ClusterState,
): { offeredGpu: number | null; offeredCpu: number | null } {
  let gpu = 0;
  let cpu = 0;
  for (let job = 0; job < table.count; job++) {
    const shape = shapes.shapeIds[job] as number;
    const podSeconds = (table.durationSeconds[job] as number) * (shapes.podCounts[shape] as number);
    const demand = shapes.demands[shape] as Demand;
    if (demand.gpuTotalMilli > 0) gpu += podSeconds * demand.gpuTotalMilli;
    if (demand.cpuMilli > 0) cpu += podSeconds * demand.cpuMilli;
  }
  const span = table.spanSeconds;
  return {
    offeredGpu: ratioOrNull(gpu, span * cluster.capacity.gpuMilli),
    offeredCpu: ratioOrNull(cpu, span * cluster.capacity.cpuMilli),
  };
}

/** @returns The time series: amounts of the samples as shares, and the arrived load at the same instants. */
function seriesOf(sampler: StateSampler, cluster: ClusterState, table: JobTable, shapes: JobShapes): Series {
  const { columns } = sampler;
  const { gpuMilli, cpuMilli, memoryMib } = cluster.capacity;
  const shareOf = (amounts: readonly number[], total: number): number[] =>
    amounts.map((amount) => (total > 0 ? significant(amount / total) : 0));
  const known = (values: readonly number[]): (number | null)[] =>
    values.map((value) => (Number.isNaN(value) ? null : significant(value)));
  const arrived = (podAmounts: Float64Array): number[] => arrivedLoad(table, shapes, podAmounts, columns.at);
  return {
    atSeconds: columns.at.map(significant),
    allocatedGpu: shareOf(columns.usedGpu, gpuMilli),
    allocatedCpu: shareOf(columns.usedCpu, cpuMilli),
    allocatedMemory: shareOf(columns.usedMemory, memoryMib),
    arrivedGpu: shareOf(arrived(shapes.podGpuMilli), gpuMilli),
    arrivedCpu: shareOf(arrived(shapes.podCpuMilli), cpuMilli),
    fragmentationRatio: known(columns.fragmentationRatio),
    fragmentationShare: known(columns.fragmentationShare),
    waitingJobs: columns.waitingJobs.slice(),
    waitingGpu: shareOf(columns.waitingGpu, gpuMilli),
    fittingGpu: shareOf(columns.fittingGpu, gpuMilli),
    runningJobs: columns.runningJobs.slice(),
    nodesUp: shareOf(columns.nodesUp, cluster.nodeCount),
    potential: known(columns.potential.map((milli) => milli / gpuMilli)),
    exploitability: known(columns.exploitability),
  };
}

/**
 * The use at given instants, after the events of each, had every job started when it arrived.
 *
 * @param podAmounts Resources of one pod of each shape. @shape [shapes]
 * @param at         The instants, ascending.
 * @returns          One amount an instant. O(jobs · log instants).
 */
function arrivedLoad(
  table: JobTable,
  shapes: JobShapes,
  podAmounts: Float64Array,
  at: readonly number[],
): number[] {
  const changes = new Float64Array(at.length + 1);
  for (let job = 0; job < table.count; job++) {
    const shape = shapes.shapeIds[job] as number;
    const amount = (podAmounts[shape] as number) * (shapes.podCounts[shape] as number);
    const submit = table.submitSeconds[job] as number;
    const end = submit + (table.durationSeconds[job] as number);
    const from = firstNotBefore(at, submit);
    const to = firstNotBefore(at, end);
    changes[from] = (changes[from] as number) + amount;
    changes[to] = (changes[to] as number) - amount;
  }
  let sum = 0;
  return at.map((_, i) => {
    sum += changes[i] as number;
    return sum;
  });
}

/** @returns Index of the first of ascending instants that is not before `t`; their number if all are. */
function firstNotBefore(at: readonly number[], t: number): number {
  let low = 0;
  let high = at.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((at[middle] as number) < t) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** @returns A number cut to six significant figures: plots need no more, and files stay small. */
function significant(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(6)) : value;
}
