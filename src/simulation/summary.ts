/**
 * From the counts of a run to its result: shares, percentiles, time series.
 */
import { QuantileSketch } from '../kernel/quantile-sketch.ts';
import type { ClusterState } from '../model/cluster-state.ts';
import type { Demand } from '../model/demand.ts';
import { type JobShapes, SIZE_CLASSES } from './job-shapes.ts';
import type { JobTable } from './job-table.ts';
import { type Distribution, QUANTILE_GRID, type Series, type SimulationResult } from './result.ts';
import { Integral, type Stretch } from './run-metrics.ts';
import type { StateSampler } from './state-sampler.ts';

/** @returns `numerator ÷ denominator`, or null if there is nothing to divide by. */
export function ratioOrNull(numerator: number, denominator: number): number | null {
  return denominator > 0 && Number.isFinite(numerator) ? numerator / denominator : null;
}

/** @returns The percentiles of a sketch, null if it is empty. @param withGrid Whether to add the grid for plots. */
export function distributionOf(sketch: QuantileSketch, withGrid: boolean): Distribution | null {
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
export function mergedSketch(sketches: readonly QuantileSketch[]): QuantileSketch {
  const all = new QuantileSketch();
  for (const sketch of sketches) all.merge(sketch);
  return all;
}

/** @returns Means of the size classes that occurred. */
export function sizeClassResults(
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
export function allocationOf(stretch: Stretch, cluster: ClusterState): SimulationResult['allocation'] {
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

/** @returns GPU and CPU time that the workload asks for ÷ what the cluster has while jobs arrive. */
export function offeredLoad(
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
export function seriesOf(
  sampler: StateSampler,
  cluster: ClusterState,
  table: JobTable,
  shapes: JobShapes,
): Series {
  const { columns } = sampler;
  const { gpuMilli, cpuMilli, memoryMib } = cluster.capacity;
  const shareOf = (amounts: readonly number[], total: number): number[] =>
    amounts.map((amount) => (total > 0 ? significant(amount / total) : 0));
  const known = (values: readonly number[]): (number | null)[] =>
    values.map((value) => (Number.isNaN(value) ? null : significant(value)));
  const arrived = (podAmounts: Float64Array): number[] =>
    arrivedLoad(table, shapes, podAmounts, sampler.intervalSeconds, columns.at.length);
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
  };
}

/**
 * What would be in use at evenly spaced instants had every job started when it arrived.
 *
 * @param podAmounts What one pod of each shape takes. @shape [shapes]
 * @returns          @shape [count]. O(jobs + count).
 */
function arrivedLoad(
  table: JobTable,
  shapes: JobShapes,
  podAmounts: Float64Array,
  intervalSeconds: number,
  count: number,
): number[] {
  const changes = new Float64Array(count + 1);
  for (let job = 0; job < table.count; job++) {
    const shape = shapes.shapeIds[job] as number;
    const amount = (podAmounts[shape] as number) * (shapes.podCounts[shape] as number);
    const submit = table.submitSeconds[job] as number;
    const end = submit + (table.durationSeconds[job] as number);
    const from = Math.min(count, Math.floor(submit / intervalSeconds) + 1);
    const to = Math.min(count, Math.floor(end / intervalSeconds) + 1);
    changes[from] = (changes[from] as number) + amount;
    changes[to] = (changes[to] as number) - amount;
  }
  let sum = 0;
  return Array.from({ length: count }, (_, i) => {
    sum += changes[i] as number;
    return sum;
  });
}

/** @returns A number cut to six significant figures: plots need no more, and files stay small. */
export function significant(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(6)) : value;
}
