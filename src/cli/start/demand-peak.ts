/**
 * The peak demand of a workload, and the factor by which its arrivals must speed up to fill a cluster.
 *
 * Why: recorded workloads were mostly made for another cluster than the one under study; where no job ever waits, every
 * policy does the same. The peak of the demand shows that before anything is simulated.
 */
import type { JobTable } from '../../simulation/inputs/job-table.ts';

/** Instants at which the demand is sampled. */
const INSTANTS = 4096;

/** Steps of the search for the speed: each halves the open interval of its logarithm. */
const SEARCH_STEPS = 40;

/** Fastest that arrivals may become. */
const SPEED_MAX = 1e9;

/** The capacities of a cluster that count. */
export interface PeakCapacity {
  readonly gpuMilli: number;
  readonly cpuMilli: number;
}

/**
 * @param speed Arrivals come this many times as fast; durations stay.
 * @returns     The largest demand while jobs arrive, had every job started when it arrived, as a share of all GPUs (of
 *              all cores where there are none). Sampled at 4,096 even instants. O(jobs).
 */
export function demandPeak(table: JobTable, capacity: PeakCapacity, speed = 1): number {
  const total = capacity.gpuMilli > 0 ? capacity.gpuMilli : capacity.cpuMilli;
  const step = Math.max(table.spanSeconds / speed / INSTANTS, Number.MIN_VALUE);
  const changes = new Float64Array(INSTANTS + 2);
  for (let job = 0; job < table.count; job++) {
    const demand = table.demandOf(job);
    const pods = table.podCounts[job] as number;
    const amount = pods * (capacity.gpuMilli > 0 ? demand.gpuTotalMilli : demand.cpuMilli);
    const from = (table.submitSeconds[job] as number) / speed;
    const to = from + (table.durationSeconds[job] as number);
    const first = Math.min(INSTANTS, Math.ceil(from / step));
    const last = Math.min(INSTANTS + 1, Math.max(first, Math.ceil(to / step)));
    changes[first] = (changes[first] as number) + amount;
    changes[last] = (changes[last] as number) - amount;
  }
  let now = 0;
  let most = 0;
  for (let i = 0; i <= INSTANTS; i++) {
    now += changes[i] as number;
    if (now > most) most = now;
  }
  return total > 0 ? most / total : 0;
}

/** @returns The demand of all jobs together, as a share of all GPUs (of all cores where there are none). */
export function demandTogether(table: JobTable, capacity: PeakCapacity): number {
  return demandPeak(table, capacity, SPEED_MAX);
}

/**
 * @param target Peak to be reached.
 * @returns      The least speed, to two significant figures and at least 1, whose peak reaches the target; undefined if
 *               none does, because all jobs together ask for less.
 */
export function speedForPeak(table: JobTable, capacity: PeakCapacity, target: number): number | undefined {
  if (demandTogether(table, capacity) < target) return undefined;
  let lower = 0;
  let upper = Math.log(SPEED_MAX);
  for (let i = 0; i < SEARCH_STEPS && upper - lower > 0.005; i++) {
    const middle = (lower + upper) / 2;
    if (demandPeak(table, capacity, Math.exp(middle)) < target) lower = middle;
    else upper = middle;
  }
  return Math.max(1, Number(Math.exp(upper).toPrecision(2)));
}
