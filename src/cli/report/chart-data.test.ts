/** The data of plots: shares above a value, axes, figures, decision costs. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { QUANTILE_GRID } from '../../simulation/metrics/result.ts';
import {
  countAxis,
  decadeAxis,
  durationAxis,
  logShareAxis,
  microsTick,
  shareAxis,
  timeAxis,
} from './axes.ts';
import { cardsOf } from './cards.ts';
import type { LineChart } from './chart.ts';
import { chartFigures } from './chart-figures.ts';
import { decisionCharts } from './decision-charts.ts';
import { distributionCharts, shareAbove } from './distribution-charts.ts';
import { loadCharts } from './load-charts.ts';
import { smallComparison } from './report.fixtures.ts';

describe('the share above a value', () => {
  test('of an exponential distribution, to a few percent of it', () => {
    const grid = QUANTILE_GRID.map((q) => (q < 1 ? -Math.log(1 - q) : 12));
    for (const x of [0.02, 0.1, 0.5, 1, 2, 4, 6]) {
      expect(shareAbove(grid, QUANTILE_GRID, 1_000_000, x) / Math.exp(-x)).toBeCloseTo(1, 1);
    }
  });

  test('falls from 1 to 0 and never rises', () => {
    const quantiles = fc
      .array(fc.double({ min: 0, max: 1e6, noNaN: true }), {
        minLength: QUANTILE_GRID.length,
        maxLength: QUANTILE_GRID.length,
      })
      .map((values) => Float64Array.from(values).sort());
    checkProperty(
      fc.property(quantiles, fc.integer({ min: 1, max: 1e6 }), (sorted, count) => {
        const grid = [...sorted];
        let before = 1;
        for (let x = 1e-3; x < 1e7; x *= 3) {
          const share = shareAbove(grid, QUANTILE_GRID, count, x);
          expect(share).toBeGreaterThanOrEqual(0);
          expect(share).toBeLessThanOrEqual(before + 1e-12);
          before = share;
        }
        expect(before).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});

describe('axes', () => {
  test('have ticks inside their domain, each with a text', () => {
    const upper = fc.double({ min: 1e-3, max: 1e7, noNaN: true });
    checkProperty(
      fc.property(upper, (value) => {
        const axes = [
          shareAxis('', Math.min(10, value)),
          logShareAxis('', Math.min(0.1, value), 0.5),
          countAxis('', value),
          timeAxis('', value).axis,
          durationAxis('', 1, value),
          decadeAxis('', value, value * 3),
          decadeAxis('', value, value * 3e4, microsTick),
        ];
        for (const { domain, ticks = domain, format, scale } of axes) {
          expect(domain[1]).toBeGreaterThan(domain[0]);
          if (scale === 'log') expect(domain[0]).toBeGreaterThan(0);
          for (const tick of ticks) {
            expect(tick).toBeGreaterThanOrEqual(domain[0] * 0.99);
            expect(tick).toBeLessThanOrEqual(domain[1] * 1.01);
          }
          if (axes.length > 0 && scale === 'log') expect(ticks.map(format)).not.toContain('');
        }
      }),
      { numRuns: 300 },
    );
  });

  test('read as people write them', () => {
    expect(durationAxis('', 1, 100_000).ticks?.map(durationAxis('', 1, 100_000).format)).toEqual([
      '1 s',
      '10 s',
      '1 min',
      '10 min',
      '1 h',
      '6 h',
      '1 d',
    ]);
    expect([0.01, 1, 100, 1_000, 1e6].map(microsTick)).toEqual(['10 ns', '1 µs', '100 µs', '1 ms', '1 s']);
    expect(timeAxis('t', 50_000).axis.label).toBe('t (hours)');
    expect(timeAxis('t', 500_000).axis.label).toBe('t (days)');
    expect(timeAxis('t', 3).axis.label).toBe('t (seconds)');
    expect(logShareAxis('', 2e-5, 0.3).ticks?.map(logShareAxis('', 2e-5, 0.3).format)).toEqual([
      '0.001 %',
      '0.01 %',
      '0.1 %',
      '1 %',
      '10 %',
      '100 %',
    ]);
  });
});

describe('plots of a comparison', () => {
  const result = smallComparison({ withTiming: true });
  const charts = [...loadCharts(result), ...distributionCharts(result), ...decisionCharts(result, undefined)];

  test('hold finite numbers only, inside their axes where nothing cuts them off', () => {
    for (const chart of charts) {
      const xs =
        chart.kind === 'lines'
          ? chart.lines.flatMap(({ points }) => points.map(([x]) => x))
          : chart.kind === 'dots'
            ? chart.dots.map(({ value }) => value)
            : chart.points.map(({ x }) => x);
      expect(xs.length, chart.id).toBeGreaterThan(0);
      for (const x of xs) {
        expect(x, chart.id).toBeGreaterThanOrEqual(chart.x.domain[0]);
        expect(x, chart.id).toBeLessThanOrEqual(chart.x.domain[1] + 1e-9);
      }
      if (chart.kind !== 'lines') continue;
      for (const y of chart.lines.flatMap(({ points }) => points.map((point) => point[1]))) {
        expect(y, chart.id).toBeGreaterThanOrEqual(chart.y.domain[0] - 1e-9);
        expect(y, chart.id).toBeLessThanOrEqual(chart.y.domain[1] + 1e-9);
      }
    }
  });

  test('over time show the run of the seed of middle load', () => {
    const offered = result.seeds.map((seed) => ({
      seed,
      load: result.runs.find((run) => run.seed === seed)?.workload.offeredGpu as number,
    }));
    const middle = offered.toSorted((a, b) => a.load - b.load)[1]?.seed;
    const chart = charts.find(({ id }) => id === 'in-use-over-time') as LineChart;
    expect(chart.reading).toContain(`Seed ${middle},`);
    const run = result.runs.find((r) => r.seed === middle && r.policy === 'fgd');
    const line = chart.lines.find(({ policy }) => policy === 'fgd');
    const shown = line?.points.map(([, y]) => y) ?? [];
    expect(shown.length).toBeGreaterThan(10);
    expect(shown).toEqual(run?.series?.allocatedGpu.slice(0, shown.length));
  });

  test('over load average the use at instants of about the same demand, from the warm-up to the last arrival', () => {
    const at = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90];
    const arrivedGpu = [0.9, 0.91, 0.52, 0.54, 0.5, 0.53, 0.83, 0.81, 0.82, 0.84];
    const allocatedGpu = [0, 0, 0.4, 0.5, 0.6, 0.5, 0.8, 0.7, 0.75, 0.1];
    const flat = at.map(() => 0);
    const runs = result.runs.slice(0, 1).map((run) => ({
      ...run,
      options: { ...run.options, warmupSeconds: 15 },
      workload: { ...run.workload, spanSeconds: 85 },
      series: {
        ...(run.series as NonNullable<typeof run.series>),
        atSeconds: at,
        arrivedGpu,
        allocatedGpu,
        waitingJobs: flat,
        fragmentationShare: flat,
      },
    }));
    const policies = [runs[0]?.policy as string];
    const chart = loadCharts({ ...result, policies, runs }).find(({ id }) => id === 'in-use-over-load');
    const points = chart?.lines[0]?.points.map(([x, y]) => [Number(x.toFixed(9)), Number(y.toFixed(9))]);
    expect(points).toEqual([
      [0.5225, 0.5],
      [0.82, 0.75],
    ]);
  });

  test('of waits begin at the share of jobs that waited at all', () => {
    const chart = charts.find(({ id }) => id === 'wait') as LineChart;
    for (const { policy, points } of chart.lines) {
      const runs = result.runs.filter((run) => run.policy === policy);
      const least = runs.map(({ wait, quantileGrid }) => {
        const grid = wait?.grid ?? [];
        return 1 - (quantileGrid[grid.findIndex((value) => value > 1)] as number);
      });
      const most = runs.map(({ wait, quantileGrid }) => {
        const grid = wait?.grid ?? [];
        return 1 - (quantileGrid[Math.max(0, grid.findIndex((value) => value > 1) - 1)] as number);
      });
      const mean = (values: number[]): number =>
        values.reduce((sum, value) => sum + value, 0) / values.length;
      expect(points[0]?.[1]).toBeGreaterThanOrEqual(mean(least) - 1e-9);
      expect(points[0]?.[1]).toBeLessThanOrEqual(mean(most) + 1e-9);
    }
  });

  test('have their figures in a table', () => {
    for (const chart of charts) {
      const { head, rows } = chartFigures(chart);
      expect(head.slice(1).toSorted(), chart.id).toEqual([...result.policies].toSorted());
      expect(rows.length, chart.id).toBeGreaterThan(1);
      expect(rows.length, chart.id).toBeLessThanOrEqual(16);
      for (const row of rows) expect(row.length, chart.id).toBe(head.length);
    }
  });
});

test('the figures of a line are read between its points', () => {
  const chart: LineChart = {
    kind: 'lines',
    id: 'x',
    title: 'x',
    reading: '',
    x: { ...decadeAxis('nodes', 10, 1000), ticks: [10, 100, 1000] },
    y: { label: 'y', scale: 'linear', domain: [0, 4], format: (value) => value.toFixed(1) },
    lines: [
      {
        policy: 'a',
        points: [
          [10, 1],
          [1000, 3],
        ],
      },
      { policy: 'b', points: [[100, 4]] },
    ],
    guides: [],
    dots: true,
  };
  expect(chartFigures(chart)).toEqual({
    head: ['nodes', 'a', 'b'],
    rows: [
      ['10', '1.0', '–'],
      ['100', '2.0', '4.0'],
      ['1,000', '3.0', '–'],
    ],
  });
});

test('cards: use, waits and cost, the best marked, bars of shares against 100 %, others against the longest', () => {
  const cards = cardsOf(smallComparison({ withTiming: true }));
  expect(cards.map(({ title }) => title)).toEqual([
    'GPUs in use',
    'mean wait',
    'wait of the largest jobs, p99',
    'median cost of a decision',
  ]);
  for (const { title, entries } of cards) {
    expect(entries.map(({ policy }) => policy)).toEqual(['teg', 'kube-scheduler', 'fgd']);
    const longest = Math.max(...entries.map(({ length }) => length));
    if (title === 'GPUs in use') expect(longest).toBeLessThan(1);
    else expect(longest).toBe(1);
  }
  const [use] = cards;
  const best = use?.entries.find(({ isBest }) => isBest);
  expect(best?.length).toBeCloseTo(Number.parseFloat(best?.text ?? '') / 100, 3);
});

test('decision costs: a line a policy, by nodes', () => {
  const result = smallComparison({ policies: ['teg'], seeds: [1] });
  const costs = [
    { nodes: 100_000, policy: 'fgd', p50Micros: 900, p99Micros: 1_500 },
    { nodes: 1_000, policy: 'fgd', p50Micros: 9, p99Micros: 15 },
    { nodes: 1_000, policy: 'teg', p50Micros: 3, p99Micros: 8 },
  ];
  const [median, p99] = decisionCharts(result, costs) as [LineChart, LineChart];
  expect(median.lines).toEqual([
    {
      policy: 'fgd',
      points: [
        [1_000, 9],
        [100_000, 900],
      ],
    },
    { policy: 'teg', points: [[1_000, 3]] },
  ]);
  expect(p99.lines[0]?.points).toEqual([
    [1_000, 15],
    [100_000, 1_500],
  ]);
  expect(median.x.domain).toEqual([1_000, 100_000]);
});

test('plots over time show the whole run where all jobs arrive at once', () => {
  const { runs, ...result } = smallComparison();
  const all = loadCharts({
    ...result,
    runs: runs.map((run) => ({ ...run, workload: { ...run.workload, spanSeconds: 0 } })),
  });
  const chart = all.find(({ id }) => id === 'in-use-over-time');
  const points = (chart as LineChart).lines.flatMap((line) => line.points);
  // The runs last for hours; one second was shown.
  expect(points.length).toBeGreaterThan(300);
});
