/** Plots of queues: what standing idle for large jobs costs against how long they wait, and waits by size. */
import type { ComparisonResult } from '../../simulation/metrics/result.ts';
import { durationAxis, shareAxis, timeAxis } from './axes.ts';
import type { Chart, DotChart, ScatterChart } from './chart.ts';
import { formatUnit } from './comparison-tables.ts';
import { presentSizes, sizeName } from './distribution-charts.ts';
import { countedRuns } from './report-source.ts';

/** Shorter waits are drawn as this. */
const WAIT_MIN_SECONDS = 1;

/** What one queue did. */
export interface QueuePoint {
  readonly queue: string;
  /** What distinguishes it from others of the same queue, written beside its point: what it knew of run times. May be empty. */
  readonly label: string;
  /** Share of capacity. */
  readonly headOfLine: number;
  /** 99th percentiles by class of jobs. */
  readonly waits: readonly { readonly name: string; readonly seconds: number }[];
}

/**
 * @param id     Part of the addresses of the plots: letters and hyphens.
 * @param name   What the queues ran on; ends the titles. May be empty.
 * @param points The last wait of each is that of the large jobs.
 * @returns      The plots that there are figures for.
 */
export function queueCharts(id: string, name: string, points: readonly QueuePoint[]): Chart[] {
  const suffix = name === '' ? '' : `: ${name}`;
  return [tradeChart(id, suffix, points), ...waitCharts(id, suffix, points)].filter(
    (chart) => chart !== undefined,
  );
}

/** @returns The plots of a comparison of queues; none where policies are compared. */
export function comparedQueueCharts(result: ComparisonResult): Chart[] {
  if (new Set(result.runs.map(({ options }) => options.queue)).size < 2) return [];
  const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;
  const sizes = presentSizes(result);
  const points = result.policies.flatMap((queue): QueuePoint[] => {
    const runs = countedRuns(result, queue);
    if (runs.length === 0) return [];
    const waits = sizes.flatMap((size) => {
      const values = runs.flatMap((run) => run.bySize.find((entry) => entry.size === size)?.wait?.p99 ?? []);
      return values.length === 0 ? [] : [{ name: sizeName(size), seconds: mean(values) }];
    });
    const headOfLine = mean(runs.map((run) => run.headOfLine.gpu ?? run.headOfLine.cpu));
    return waits.length === 0 ? [] : [{ queue, label: queue, headOfLine, waits }];
  });
  return queueCharts('queues', '', points);
}

function tradeChart(id: string, suffix: string, points: readonly QueuePoint[]): ScatterChart | undefined {
  const known = points.filter(({ waits }) => waits.length > 0);
  if (known.length < 2) return undefined;
  const large = ({ waits }: QueuePoint): number => (waits.at(-1) as QueuePoint['waits'][number]).seconds;
  const { axis, unitSeconds } = timeAxis('wait of large jobs, p99', Math.max(...known.map(large)));
  const y = shareAxis('head-of-line loss', 1.08 * Math.max(...known.map(({ headOfLine }) => headOfLine)));
  const [from, to] = axis.domain;
  return {
    kind: 'scatter',
    id: `${id}-trade`,
    title: `What large jobs wait, and what stands idle for it${suffix}`,
    reading:
      'Head-of-line loss: the share of capacity that is idle although a waiting job would fit. Left and lower is better; ' +
      'best-effort lies at the bottom: it lets nothing idle that fits. Names without room are left out; the figures have all.',
    x: { ...axis, domain: [from, to * 1.05] },
    y,
    points: known.map((point) => ({
      policy: point.queue,
      x: large(point) / unitSeconds,
      y: point.headOfLine,
      label: point.label,
      text: `${point.label}: ${formatUnit(large(point), 'seconds')}, ${(point.headOfLine * 100).toFixed(2)} %`,
    })),
  };
}

function waitCharts(id: string, suffix: string, points: readonly QueuePoint[]): DotChart[] {
  const rows = [...new Set(points.flatMap(({ waits }) => waits.map(({ name }) => name)))];
  const dots = points.flatMap(({ queue, waits }) =>
    waits.map(({ name, seconds }) => ({
      policy: queue,
      row: name,
      value: Math.max(WAIT_MIN_SECONDS, seconds),
      text: `${queue}, ${name}: ${formatUnit(seconds, 'seconds')}`,
    })),
  );
  const upper = Math.max(0, ...dots.map(({ value }) => value));
  if (rows.length < 2 || upper <= WAIT_MIN_SECONDS) return [];
  const x = durationAxis('wait, p99', WAIT_MIN_SECONDS, upper);
  return [
    {
      kind: 'dots',
      id: `${id}-waits`,
      title: `The wait that 1 in 100 jobs passes, by class${suffix}`,
      reading: 'Left is better; the axis is logarithmic, and all waits up to a second lie at its left end.',
      x: { ...x, format: (value) => (value === WAIT_MIN_SECONDS ? '≤ 1 s' : x.format(value)) },
      rows,
      dots,
    },
  ];
}
