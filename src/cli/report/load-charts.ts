/** Plots over time and over load: use, waiting and fragmentation. */
import type { ComparisonResult, Series, SimulationResult } from '../../simulation/metrics/result.ts';
import { formatPercent } from '../terminal/formatting.ts';
import { countAxis, shareAxis, timeAxis } from './axes.ts';
import type { Axis, Guide, LineChart, Point, PolicyLine } from './chart.ts';
import { countedRuns, resourceOf } from './report-source.ts';

/** How much of the time after the last arrival a plot over time shows, relative to the time before. */
const TAIL_SHOWN = 0.15;

/** Widths that load may be binned by; the first that gives at most `BINS_MAX` bins is taken. */
const BIN_WIDTHS = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5] as const;
const BINS_MAX = 24;

/** Share of the cluster that must be demanded at some time for the plots to show all of it. */
const BUSY_FROM = 0.5;

/** Demand beyond this many clusters is cut off in the plot over time. */
const AREA_MAX = 2;

/** Fewest instants of a bin for it to be shown. */
const BIN_SAMPLES_MIN = 3;

/** Fewest seeds of which one can be said to be in the middle. */
const MIDDLE_SEEDS_MIN = 3;

/** One policy's run in the plots over time. */
interface TimedRun {
  readonly policy: string;
  readonly run: SimulationResult;
  readonly series: Series;
}

/** @returns The plots over time and load; none where the runs kept no time series. */
export function loadCharts(result: ComparisonResult): LineChart[] {
  const timed = runsOfTypicalSeed(result);
  if (timed.length === 0) return [];
  const charts = [inUseOverTime(result, timed), inUseOverLoad(result), waitingOverTime(timed)];
  if (resourceOf(result) === 'gpu') charts.push(fragmentationOverLoad(result));
  return charts.filter((chart) => chart.lines.some((line) => line.points.length > 1));
}

/** The runs of the seed with the middle offered load: the one shown seed is to be a typical one. */
function runsOfTypicalSeed(result: ComparisonResult): TimedRun[] {
  const resource = resourceOf(result);
  const bySeed = result.seeds
    .map((seed) => {
      const runs = result.policies.flatMap((policy): TimedRun[] => {
        const run = countedRuns(result, policy).find((r) => r.seed === seed);
        return run?.series === undefined ? [] : [{ policy, run, series: run.series }];
      });
      const { offeredGpu = null, offeredCpu = null } = runs[0]?.run.workload ?? {};
      return { runs, offered: (resource === 'gpu' ? offeredGpu : offeredCpu) ?? 0 };
    })
    .filter(({ runs }) => runs.length > 0);
  const most = Math.max(0, ...bySeed.map(({ runs }) => runs.length));
  const whole = bySeed.filter(({ runs }) => runs.length === most).sort((a, b) => a.offered - b.offered);
  return whole[Math.floor((whole.length - 1) / 2)]?.runs ?? [];
}

function columns(result: ComparisonResult, series: Series): { inUse: number[]; arrived: number[] } {
  return resourceOf(result) === 'gpu'
    ? { inUse: series.allocatedGpu, arrived: series.arrivedGpu }
    : { inUse: series.allocatedCpu, arrived: series.arrivedCpu };
}

/** When the last job arrived, or the run was cut off. */
function arrivalsEnd(run: SimulationResult): number {
  return Math.min(run.workload.spanSeconds, run.endSeconds);
}

/** Length of a plot over time: a little longer than jobs arrive; the whole run where all arrive at once. */
function shownSeconds(timed: readonly TimedRun[]): number {
  return Math.max(
    1,
    ...timed.map(({ run }) => {
      const shown = arrivalsEnd(run) * (1 + TAIL_SHOWN);
      return shown > 0 ? Math.min(run.endSeconds, shown) : run.endSeconds;
    }),
  );
}

function resourceNoun(result: ComparisonResult): string {
  return resourceOf(result) === 'gpu' ? 'GPUs' : 'cores';
}

/** The points of a column up to an instant. */
function overTime(
  series: Series,
  values: readonly number[],
  untilSeconds: number,
  unitSeconds: number,
): Point[] {
  return series.atSeconds.flatMap((at, i): Point[] =>
    at <= untilSeconds ? [[at / unitSeconds, values[i] as number]] : [],
  );
}

function timeGuides({ run }: TimedRun, untilSeconds: number, unitSeconds: number): Guide[] {
  const guides: Guide[] = [];
  const { warmupSeconds } = run.options;
  if (warmupSeconds > 0 && warmupSeconds < untilSeconds) {
    guides.push({ text: 'warm-up ends', at: warmupSeconds / unitSeconds });
  }
  if (arrivalsEnd(run) < untilSeconds) {
    guides.push({ text: 'last arrival', at: arrivalsEnd(run) / unitSeconds });
  }
  return guides;
}

function inUseOverTime(result: ComparisonResult, timed: readonly TimedRun[]): LineChart {
  const until = shownSeconds(timed);
  const { axis, unitSeconds } = timeAxis('time since the first arrival', until);
  const first = timed[0] as TimedRun;
  const area = overTime(first.series, columns(result, first.series).arrived, until, unitSeconds);
  const noun = resourceNoun(result);
  const lines = timed.map(({ policy, series }) => ({
    policy,
    points: overTime(series, columns(result, series).inUse, until, unitSeconds),
  }));
  const wanted = Math.max(0, ...area.map(([, y]) => y));
  const most = Math.max(wanted, ...lines.flatMap(({ points }) => points.map(([, y]) => y)));
  const cut =
    wanted > AREA_MAX
      ? ` Demand is cut off at ${formatPercent(AREA_MAX, 0)}; at most it is ${formatPercent(wanted, 0)}.`
      : '';
  return {
    kind: 'lines',
    id: 'in-use-over-time',
    title: `${noun} in use over time`,
    reading:
      `Seed ${first.run.seed}${result.seeds.length < MIDDLE_SEEDS_MIN ? '' : ', the one of middle load'}. The grey area is the use had every job started ` +
      `when it arrived; where a line stays below it, jobs wait.${cut}`,
    x: axis,
    y: shareAxis(
      `${noun} in use (share of all)`,
      most > BUSY_FROM ? Math.min(Math.max(1, most), AREA_MAX) : most,
    ),
    lines,
    guides: [
      {
        text: `all ${noun}`,
        at: [
          [0, 1],
          [axis.domain[1], 1],
        ],
      },
      ...timeGuides(first, until, unitSeconds),
    ],
    area: { text: 'demand that has arrived', points: area.map(([x, y]) => [x, Math.min(y, AREA_MAX)]) },
    dots: false,
    steps: true,
  };
}

function waitingOverTime(timed: readonly TimedRun[]): LineChart {
  const until = shownSeconds(timed);
  const { axis, unitSeconds } = timeAxis('time since the first arrival', until);
  const first = timed[0] as TimedRun;
  const lines = timed.map(({ policy, series }) => ({
    policy,
    points: overTime(series, series.waitingJobs, until, unitSeconds),
  }));
  const most = Math.max(0, ...lines.flatMap(({ points }) => points.map(([, y]) => y)));
  return {
    kind: 'lines',
    id: 'waiting-over-time',
    title: 'Jobs waiting over time',
    reading: `Seed ${first.run.seed}. Jobs that have arrived and not started.`,
    x: axis,
    y: countAxis('jobs waiting', most),
    lines,
    guides: timeGuides(first, until, unitSeconds),
    dots: false,
    steps: true,
  };
}

/** One instant of one run while jobs arrived. */
interface Instant {
  readonly x: number;
  readonly y: number;
}

/** All instants that count, over all seeds. */
function instantsOf(
  result: ComparisonResult,
  policy: string,
  pick: (series: Series, i: number) => Instant | undefined,
): Instant[] {
  return countedRuns(result, policy).flatMap((run) => {
    const { series } = run;
    if (series === undefined) return [];
    const from = run.options.warmupSeconds;
    const to = arrivalsEnd(run);
    return series.atSeconds.flatMap((at, i) => {
      const instant = at >= from && at <= to ? pick(series, i) : undefined;
      return instant === undefined ? [] : [instant];
    });
  });
}

/** Means of y over bins of x: one line a policy, without bins of too few instants. */
function binned(byPolicy: ReadonlyMap<string, readonly Instant[]>): PolicyLine[] {
  const most = Math.max(0, ...[...byPolicy.values()].flat().map(({ x }) => x));
  const width = BIN_WIDTHS.find((w) => most / w <= BINS_MAX) ?? most / BINS_MAX;
  return [...byPolicy].map(([policy, instants]) => {
    const sums = new Map<number, { count: number; x: number; y: number }>();
    for (const { x, y } of instants) {
      const bin = Math.floor(x / width);
      const sum = sums.get(bin) ?? { count: 0, x: 0, y: 0 };
      sums.set(bin, { count: sum.count + 1, x: sum.x + x, y: sum.y + y });
    }
    const points = [...sums.values()]
      .filter(({ count }) => count >= BIN_SAMPLES_MIN)
      .map(({ count, x, y }): Point => [x / count, y / count])
      .sort(([a], [b]) => a - b);
    return { policy, points };
  });
}

function bounds(lines: readonly PolicyLine[]): { xMin: number; x: number; y: number } {
  const points = lines.flatMap((line) => line.points);
  const xs = points.map(([x]) => x);
  return { xMin: Math.min(1, ...xs), x: Math.max(0, ...xs), y: Math.max(0, ...points.map(([, y]) => y)) };
}

function inUseOverLoad(result: ComparisonResult): LineChart {
  const noun = resourceNoun(result);
  const lines = binned(
    new Map(
      result.policies.map((policy) => [
        policy,
        instantsOf(result, policy, (series, i) => {
          const { inUse, arrived } = columns(result, series);
          return { x: arrived[i] as number, y: inUse[i] as number };
        }),
      ]),
    ),
  );
  const most = bounds(lines);
  const isBusy = most.x > BUSY_FROM;
  const upper = isBusy ? Math.max(1, most.x) : most.x;
  const x: Axis = shareAxis(`arrived load (${noun} wanted, share of all)`, upper, isBusy ? most.xMin : 0);
  return {
    kind: 'lines',
    id: 'in-use-over-load',
    title: `${noun} in use against arrived load`,
    reading:
      'All seeds, while jobs arrive: how much is in use at instants of about the same demand. On the dotted line ' +
      'everything that has arrived runs; above it, a backlog is being worked off.',
    x,
    y: shareAxis(`${noun} in use (share of all)`, isBusy ? 1 : most.y),
    lines,
    guides: [
      {
        text: 'everything runs',
        at: [
          [0, 0],
          [Math.min(1, x.domain[1]), Math.min(1, x.domain[1])],
        ],
      },
    ],
    dots: true,
  };
}

function fragmentationOverLoad(result: ComparisonResult): LineChart {
  const lines = binned(
    new Map(
      result.policies.map((policy) => [
        policy,
        instantsOf(result, policy, (series, i) => {
          const y = series.fragmentationShare[i];
          return y == null ? undefined : { x: series.allocatedGpu[i] as number, y };
        }),
      ]),
    ),
  );
  const most = bounds(lines);
  const y = shareAxis('fragmented GPUs (share of all)', most.y);
  const [, top] = y.domain;
  return {
    kind: 'lines',
    id: 'fragmentation',
    title: 'Idle GPUs that the typical job cannot use',
    reading:
      'All seeds, while jobs arrive, at instants of about the same use. Lower is better; on the dotted line nothing ' +
      'of the idle resources would be of use.',
    x: shareAxis('GPUs in use (share of all)', 1, most.xMin),
    y,
    lines,
    guides: [
      {
        text: 'all that is idle',
        at: [
          [Math.max(0, 1 - top), Math.min(1, top)],
          [1, 0],
        ],
      },
    ],
    dots: true,
  };
}
