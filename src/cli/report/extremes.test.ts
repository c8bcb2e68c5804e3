/** Every step of a report on extreme results: it works, and its plots can be read. */
import { Window } from 'happy-dom';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { compareRuns } from '../../simulation/metrics/compare.ts';
import {
  type ComparisonResult,
  comparisonResultSchema,
  type SimulationResult,
} from '../../simulation/metrics/result.ts';
import { printSimulation } from '../simulation/simulation-tables.ts';
import type { Axis, Chart, LineChart, Point, ScatterChart } from './chart.ts';
import { chartsOf, shownPolicies } from './charts.ts';
import { printComparison } from './comparison-tables.ts';
import type { DecisionCost } from './decision-file.ts';
import { htmlReport } from './html-report.ts';
import { markdownReport } from './markdown-report.ts';
import { plotSvg } from './plot-svg.ts';
import { smallComparison, smallRun, sourceOf } from './report.fixtures.ts';
import { comparisonOf } from './report-source.ts';

const RUN = smallRun('teg', 1, { load: 3, withTiming: true });
const SERIES = RUN.series as NonNullable<SimulationResult['series']>;

function together(...runs: readonly SimulationResult[]): ComparisonResult {
  const policies = runs.map((_, i) => ['teg', 'fgd', 'random'][i] as string);
  const rows = runs.map((run, i) => [{ ...run, policy: policies[i] as string, seed: 1 }]);
  return compareRuns({ policies, seeds: [1], baseline: policies.at(-1) as string, runs: rows });
}

function withSeries(
  change: (column: readonly number[]) => number[],
  ...names: (keyof typeof SERIES)[]
): SimulationResult {
  const series = { ...SERIES };
  for (const name of names) series[name] = change(SERIES[name] as number[]) as never;
  return { ...RUN, series };
}

/** Every distribution times a factor. */
function slower(factor: number): SimulationResult {
  const scaled = (d: SimulationResult['wait']): SimulationResult['wait'] =>
    d === null
      ? null
      : (JSON.parse(JSON.stringify(d), (key, v) =>
          typeof v === 'number' && key !== 'count' ? v * factor : v,
        ) as SimulationResult['wait']);
  const bySize = RUN.bySize.map((entry) => ({ ...entry, wait: scaled(entry.wait) }));
  return { ...RUN, wait: scaled(RUN.wait), boundedSlowdown: scaled(RUN.boundedSlowdown), bySize };
}

const nothing = {
  ...RUN,
  jobs: {
    ...RUN.jobs,
    finished: 0,
    running: 0,
    waiting: 0,
    dropped: RUN.jobs.arrived,
    droppedFor: { gpu: 400 },
  },
  wait: null,
  boundedSlowdown: null,
  bySize: RUN.bySize.map((entry) => ({ ...entry, wait: null, boundedSlowdown: null })),
  allocationWhileArriving: { gpu: 0, cpu: 0, memory: 0 },
  allocation: { gpu: 0, cpu: 0, memory: 0 },
  fragmentation: null,
  peakGpu: 0,
  endSeconds: 0,
  workload: { ...RUN.workload, spanSeconds: 0, offeredGpu: null, offeredCpu: null },
  series: Object.fromEntries(Object.keys(SERIES).map((name) => [name, [0]])) as unknown as typeof SERIES,
  timing: undefined,
} as unknown as SimulationResult;

const EXTREMES: Readonly<Record<string, () => ComparisonResult>> = {
  'an ordinary comparison': () => smallComparison({ withTiming: true, load: 2 }),
  'a cluster without GPUs': () => smallComparison({ isCpuOnly: true, nodes: 2, load: 4, seeds: [1, 2] }),
  'one run': () => comparisonOf(RUN),
  'one run that was stopped': () => comparisonOf({ ...RUN, complete: false, ended: 'interrupted' }),
  'no run that reached its end': () => together({ ...RUN, complete: false }, { ...RUN, complete: false }),
  'runs cut off before anything finished': () => smallComparison({ horizonSeconds: 1 }),
  'runs in which nothing started': () => together(nothing, nothing),
  'one run in which nothing started': () => comparisonOf(nothing),
  'equal values everywhere': () => together(RUN, RUN, RUN),
  'a cluster that is hardly used': () =>
    together(
      withSeries((c) => c.map((v) => v * 1e-4), 'allocatedGpu', 'arrivedGpu', 'fragmentationShare'),
      withSeries((c) => c.map((v) => v * 2e-4), 'allocatedGpu', 'arrivedGpu', 'fragmentationShare'),
    ),
  'a cluster of which nothing is used': () =>
    together(withSeries((c) => c.map(() => 0), 'allocatedGpu', 'arrivedGpu', 'waitingJobs', 'runningJobs')),
  'a demand of fifty clusters': () =>
    together(
      withSeries((c) => c.map((v) => v * 50), 'arrivedGpu'),
      RUN,
    ),
  'one job that waits': () => together(withSeries((c) => c.map((_, i) => i % 2), 'waitingJobs')),
  'millions of jobs that wait': () =>
    together(
      withSeries((c) => c.map((v) => v * 123_457), 'waitingJobs'),
      RUN,
    ),
  'waits of a lifetime': () => together(slower(1e5), RUN),
  'waits of milliseconds': () => together(slower(1e-7), slower(2e-7)),
  'a run of a second': () =>
    together({
      ...withSeries((c) => c.map((v) => v / 1e5), 'atSeconds'),
      endSeconds: 1,
      workload: { ...RUN.workload, spanSeconds: 0.8 },
    }),
  'a run of a century': () =>
    together({
      ...withSeries((c) => c.map((v) => v * 4e4), 'atSeconds'),
      endSeconds: RUN.endSeconds * 4e4,
      workload: { ...RUN.workload, spanSeconds: RUN.workload.spanSeconds * 4e4 },
    }),
  'no time series': () => together({ ...RUN, series: undefined }, { ...RUN, series: undefined }),
};

const DECISIONS: readonly (readonly DecisionCost[] | undefined)[] = [
  undefined,
  [{ nodes: 1, policy: 'teg', p50Micros: 1, p99Micros: 1 }],
  [
    { nodes: 1_000, policy: 'teg', p50Micros: 1e-4, p99Micros: 1e9 },
    { nodes: 1e9, policy: 'other', p50Micros: 1, p99Micros: 1 },
  ],
];

afterEach(() => void vi.restoreAllMocks());

/** The standard output of a function. */
function printed(act: () => void): string {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
    text += part;
    return true;
  });
  act();
  vi.restoreAllMocks();
  return text;
}

const NO_NUMBER = /NaN|Infinity|undefined|\bnull\b|\[object/;

describe.each(Object.entries(EXTREMES))('%s', (_, make) => {
  test('has a result in JSON, tables in the terminal, Markdown and a page', () => {
    const result = make();
    expect(comparisonResultSchema.safeParse(JSON.parse(JSON.stringify(result))).success).toBe(true);
    expect(printed(() => printComparison(result))).not.toMatch(NO_NUMBER);
    for (const run of result.runs.slice(0, 2))
      expect(printed(() => printSimulation(run))).not.toMatch(NO_NUMBER);
    for (const decisions of DECISIONS) {
      const source = sourceOf(result, decisions === undefined ? {} : { decisions });
      expect(markdownReport(source)).not.toMatch(NO_NUMBER);
      expect(htmlReport(source)).not.toMatch(NO_NUMBER);
    }
  });

  test('has plots that can be read', () => {
    const result = make();
    let plots = 0;
    for (const decisions of DECISIONS) {
      const source = sourceOf(result, decisions === undefined ? {} : { decisions });
      for (const chart of chartsOf(source)) {
        checkChart(chart);
        for (const width of [620, 350]) checkPlot(chart, plotSvg(chart, shownPolicies(source), width), width);
        plots++;
      }
    }
    // Two of each measurement of decision costs, whatever the runs.
    expect(plots).toBeGreaterThanOrEqual(4);
  });
});

function pointsOf(chart: LineChart | ScatterChart): readonly Point[] {
  if (chart.kind === 'scatter') return chart.points.map(({ x, y }): Point => [x, y]);
  return [...chart.lines.flatMap(({ points }) => points), ...(chart.area?.points ?? [])];
}

/** Everything that is drawn lies between the ends of the axes, and cut-off values are reported. */
function checkChart(chart: Chart): void {
  const inside = ({ domain: [from, to] }: Axis, value: number): boolean =>
    value >= from - 1e-9 * Math.abs(to) && value <= to * (1 + 1e-9);
  const outside =
    chart.kind === 'dots'
      ? chart.dots.filter(({ value }) => !inside(chart.x, value))
      : pointsOf(chart).filter(([x, y]) => !inside(chart.x, x) || !inside(chart.y, y));
  expect(outside, chart.id).toEqual([]);
  for (const axis of chart.kind === 'dots' ? [chart.x] : [chart.x, chart.y]) {
    expect(axis.domain[1], chart.id).toBeGreaterThan(axis.domain[0]);
  }
}

const ORIGIN = /translate\((-?[\d.]+), ?(-?[\d.]+)\)/;

/** Labels of ticks differ, do not overlap and lie inside; steps have corners, not ramps. */
function checkPlot(chart: Chart, svg: string, width: number): void {
  const { document } = new Window();
  document.write(svg);
  for (const axis of chart.kind === 'dots' ? ['x'] : ['x', 'y']) {
    const ticks = [...document.querySelectorAll(`[aria-label="${axis}-axis tick label"] text`)];
    const labels = ticks.map((tick) => tick.textContent ?? '');
    const where = `${chart.id}, ${axis}: ${labels.join(' | ')}`;
    expect(labels.length, where).toBeGreaterThan(1);
    expect(labels, where).not.toContain('');
    expect(new Set(labels).size, where).toBe(labels.length);
    if (axis === 'x') {
      const spans = ticks.map((tick, i) => {
        const at = Number(ORIGIN.exec(tick.getAttribute('transform') ?? '')?.[1]);
        const half = ((labels[i] as string).length * 6.2) / 2;
        return [at - half, at + half] as const;
      });
      expect(Math.min(...spans.map(([from]) => from)), where).toBeGreaterThanOrEqual(0);
      expect(Math.max(...spans.map(([, to]) => to)), where).toBeLessThanOrEqual(width + 4);
      for (const [i, [from]] of spans.slice(1).entries()) {
        expect(from, where).toBeGreaterThan((spans[i] as readonly [number, number])[1]);
      }
    } else {
      for (const [i, tick] of ticks.entries()) {
        const right = Number(ORIGIN.exec(tick.getAttribute('transform') ?? '')?.[1]);
        expect(right - (labels[i] as string).length * 6.2, where).toBeGreaterThanOrEqual(0);
      }
    }
  }
  if (chart.kind !== 'lines' || chart.steps !== true) return;
  for (const { policy, points } of chart.lines.filter((line) => line.points.length > 1)) {
    const path = [...document.querySelectorAll('path[aria-label]')].find(
      (p) => p.getAttribute('aria-label') === policy,
    );
    const corners = [...(path?.getAttribute('d') ?? '').matchAll(/[ML](-?[\d.]+),(-?[\d.]+)/g)].map((m) => [
      Number(m[1]),
      Number(m[2]),
    ]);
    expect(corners.length, `${chart.id}: ${policy}`).toBe(2 * points.length - 1);
    for (const [i, [x, y]] of corners.slice(1).entries()) {
      const [x0, y0] = corners[i] as number[];
      expect(x === x0 || y === y0, `${chart.id}: ${policy}`).toBe(true);
    }
  }
}
