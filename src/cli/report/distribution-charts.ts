/** Plots of distributions over jobs: how long they waited, how much longer that made them, and which jobs it hit. */
import type { ComparisonResult, Distribution, SimulationResult } from '../../simulation/metrics/result.ts';
import { decadeAxis, durationAxis, logShareAxis } from './axes.ts';
import type { Axis, Chart, DotChart, LineChart, Point, PolicyLine } from './chart.ts';
import { formatUnit } from './comparison-tables.ts';
import { countedRuns } from './report-source.ts';

/** Points of a distribution's line. */
const LINE_POINTS = 80;

/** Shortest wait and least slowdown that the plots resolve. */
const WAIT_MIN_SECONDS = 1;
const SLOWDOWN_MIN = 1.01;

const SIZE_NAMES: Readonly<Record<SimulationResult['bySize'][number]['size'], string>> = {
  'cpu-only': 'no GPU',
  'gpu-share': 'part of a GPU',
  'gpu-1': '1 GPU',
  'gpu-2-8': '2 to 8 GPUs',
  'gpu-over-8': 'over 8 GPUs',
};

/** @returns The text of a size class of jobs, for people. */
export function sizeName(size: SimulationResult['bySize'][number]['size']): string {
  return SIZE_NAMES[size];
}

/** @returns The plots of distributions; none for quantities that were not measured or are the same for all jobs. */
export function distributionCharts(result: ComparisonResult): Chart[] {
  return [waitChart(result), sizeChart(result), slowdownChart(result)].filter((chart) => chart !== undefined);
}

/**
 * The share of values above `x`, by the quantiles of a distribution.
 *
 * Between two quantiles the share falls on a straight line in (log value, log share), the natural ones for a tail; no
 * value exceeds the largest.
 *
 * @param grid  Quantiles, ascending values. @shape [levels]
 * @param levels Ascending from 0 to 1. @shape [levels]
 * @param x     > 0.
 */
export function shareAbove(
  grid: readonly number[],
  levels: readonly number[],
  count: number,
  x: number,
): number {
  const upper = grid.findIndex((value) => value > x);
  if (upper < 0) return 0;
  if (upper === 0) return 1;
  const least = 1 / Math.max(1, count);
  const [v0, v1] = [grid[upper - 1] as number, grid[upper] as number];
  const s0 = Math.max(least, 1 - (levels[upper - 1] as number));
  const s1 = Math.max(least, 1 - (levels[upper] as number));
  if (v0 <= 0) return s0;
  const part = Math.log(x / v0) / Math.log(v1 / v0);
  return s0 * (s1 / s0) ** part;
}

type Pick = (run: SimulationResult) => Distribution | null;

/** The share of jobs above each value, averaged over seeds. `missing`: jobs that are above every value. */
function tailLines(
  result: ComparisonResult,
  pick: Pick,
  lower: number,
  missing: (run: SimulationResult) => number,
): PolicyLine[] {
  const upper = Math.max(0, ...result.runs.filter((run) => run.complete).map((run) => pick(run)?.max ?? 0));
  if (upper <= lower) return [];
  const xs = Array.from(
    { length: LINE_POINTS },
    (_, i) => lower * (upper / lower) ** (i / (LINE_POINTS - 1)),
  );
  return result.policies.map((policy) => {
    const runs = countedRuns(result, policy).filter((run) => pick(run)?.grid !== undefined);
    const points = xs.map((x): Point => {
      const shares = runs.map((run) => {
        const { grid = [], count } = pick(run) as Distribution;
        const lost = missing(run);
        return (shareAbove(grid, run.quantileGrid, count, x) * count + lost) / (count + lost);
      });
      return [x, shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length)];
    });
    return { policy, points };
  });
}

/** Cuts lines where they fall below the axis: a logarithmic axis has no 0. */
function above(lines: readonly PolicyLine[], least: number): PolicyLine[] {
  return lines.map(({ policy, points }) => ({ policy, points: points.filter(([, y]) => y >= least) }));
}

/** From the share of a single job to the start of the highest line. */
function tailAxis(label: string, lines: readonly PolicyLine[], least: number): Axis {
  const most = Math.max(...lines.flatMap(({ points }) => points.map(([, y]) => y)));
  const lower = Math.max(1e-5, least);
  return logShareAxis(label, lower, Math.min(1, Math.max(most, 10 * lower)));
}

/** The share of one job, the smallest over all runs. */
function leastShare(result: ComparisonResult, pick: Pick): number {
  const counts = result.runs.map((run) => pick(run)?.count ?? 0);
  return 1 / Math.max(10, ...counts);
}

function waitChart(result: ComparisonResult): LineChart | undefined {
  const pick: Pick = (run) => run.wait;
  const lines = tailLines(result, pick, WAIT_MIN_SECONDS, (run) => run.jobs.waiting);
  if (lines.length === 0) return undefined;
  const y = tailAxis('jobs that waited longer (share of all)', lines, leastShare(result, pick));
  const upper = Math.max(...lines.flatMap(({ points }) => points.map(([x]) => x)));
  return {
    kind: 'lines',
    id: 'wait',
    title: 'How long jobs waited',
    reading:
      'All seeds: the share of jobs that waited longer than the time below. Lower and further left is better; both ' +
      'axes are logarithmic. Jobs that had not started at the end count as waiting longest.',
    x: durationAxis('wait', WAIT_MIN_SECONDS, upper),
    y,
    lines: above(lines, y.domain[0]),
    guides: [],
    dots: false,
  };
}

function slowdownChart(result: ComparisonResult): LineChart | undefined {
  const pick: Pick = (run) => run.boundedSlowdown;
  const lines = tailLines(result, pick, SLOWDOWN_MIN, () => 0);
  if (lines.length === 0) return undefined;
  const y = tailAxis('jobs slowed down more (share of all)', lines, leastShare(result, pick));
  const upper = Math.max(...lines.flatMap(({ points }) => points.map(([x]) => x)));
  return {
    kind: 'lines',
    id: 'slowdown',
    title: 'How much waiting slowed jobs down',
    reading:
      'All seeds: the share of finished jobs whose time from arrival to end was more than x times their run ' +
      'time (of at least 10 s). Lower and further left is better.',
    x: decadeAxis('bounded slowdown (times the run time)', 1, upper),
    y,
    lines: above(lines, y.domain[0]),
    guides: [],
    dots: false,
  };
}

/** Mean waits by size of job: a policy that fragments makes the large ones wait. */
function sizeChart(result: ComparisonResult): DotChart | undefined {
  const rows = presentSizes(result);
  const dots = result.policies.flatMap((policy) =>
    rows.flatMap((size) => {
      const waits = countedRuns(result, policy).flatMap(
        ({ bySize }) => bySize.find((entry) => entry.size === size)?.wait?.mean ?? [],
      );
      if (waits.length === 0) return [];
      const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
      const text = `${policy}, ${sizeName(size)}: ${formatUnit(mean, 'seconds')}`;
      return [{ policy, row: sizeName(size), value: Math.max(WAIT_MIN_SECONDS, mean), text }];
    }),
  );
  const upper = Math.max(0, ...dots.map(({ value }) => value));
  if (rows.length < 2 || upper <= WAIT_MIN_SECONDS) return undefined;
  const x = durationAxis('mean wait', WAIT_MIN_SECONDS, upper);
  return {
    kind: 'dots',
    id: 'wait-by-size',
    title: 'Mean wait by size of job',
    reading:
      'All seeds. Left is better; the axis is logarithmic, and all waits up to a second lie at its left end.',
    x: { ...x, format: (value) => (value === WAIT_MIN_SECONDS ? '≤ 1 s' : x.format(value)) },
    rows: rows.map(sizeName),
    dots,
  };
}

/** @returns The size classes that occur, small ones first. */
export function presentSizes(result: ComparisonResult): SimulationResult['bySize'][number]['size'][] {
  const present = new Set(result.runs.flatMap((run) => run.bySize.map(({ size }) => size)));
  return (Object.keys(SIZE_NAMES) as SimulationResult['bySize'][number]['size'][]).filter((s) =>
    present.has(s),
  );
}
