/** The figures behind a plot as a short table, for readers who cannot see the plot or want the numbers. */
import type { Axis, Chart, LineChart, ScatterChart } from './chart.ts';

/** Rows of the table of a plot with many points. */
const ROWS_MAX = 12;

/** A table of text. @shape rows [rows][head] */
export interface FigureTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** @returns One row for each of up to twelve places along the x axis, or for each row of dots. */
export function chartFigures(chart: Chart): FigureTable {
  if (chart.kind === 'lines') return lineFigures(chart);
  return chart.kind === 'dots' ? dotFigures(chart) : scatterFigures(chart);
}

function lineFigures({ x, y, lines }: LineChart): FigureTable {
  const places = placesOf(
    lines.map(({ points }) => points.map(([at]) => at)),
    x,
  );
  return {
    head: [x.label, ...lines.map(({ policy }) => policy)],
    rows: places.map((place) => [
      valueText(x, place),
      ...lines.map(({ points }) => {
        const value = valueAt(points, place, x);
        return value === undefined ? '–' : valueText(y, value);
      }),
    ]),
  };
}

/** The given ticks of an axis; else even steps between the ends of the lines. */
function placesOf(xs: readonly (readonly number[])[], axis: Axis): readonly number[] {
  const all = xs.flat();
  if (all.length === 0) return [];
  const [lower, upper] = [Math.min(...all), Math.max(...all)];
  if (axis.ticks !== undefined)
    return axis.ticks.filter((tick) => tick >= lower * 0.999 && tick <= upper * 1.001);
  const longest = xs.reduce((a, b) => (b.length > a.length ? b : a));
  if (longest.length <= ROWS_MAX) return longest;
  return Array.from(
    { length: ROWS_MAX },
    (_, i) => longest[Math.round((i * (longest.length - 1)) / (ROWS_MAX - 1))] as number,
  );
}

/** On a straight line between the two points around a place, in the scale of the axis. */
function valueAt(
  points: readonly (readonly [number, number])[],
  place: number,
  axis: Axis,
): number | undefined {
  const upper = points.findIndex(([x]) => x >= place * (1 - 1e-9));
  if (upper < 0) return undefined;
  const [x1, y1] = points[upper] as readonly [number, number];
  if (upper === 0) return Math.abs(x1 - place) <= 1e-6 * Math.abs(place) + 1e-9 ? y1 : undefined;
  const [x0, y0] = points[upper - 1] as readonly [number, number];
  const scale = (value: number): number => (axis.scale === 'log' ? Math.log(value) : value);
  return y0 + ((y1 - y0) * (scale(place) - scale(x0))) / (scale(x1) - scale(x0));
}

/** An axis may name its ticks only: values between them are given in plain digits. */
function valueText(axis: Axis, value: number): string {
  const text = axis.format(value);
  return text === '' ? String(Number(value.toPrecision(3))) : text;
}

function dotFigures({ x, rows, dots }: Extract<Chart, { kind: 'dots' }>): FigureTable {
  const policies = [...new Set(dots.map(({ policy }) => policy))];
  return {
    head: [x.label, ...policies],
    rows: rows.map((row) => [
      row,
      ...policies.map((policy) => {
        const dot = dots.find((d) => d.row === row && d.policy === policy);
        return dot === undefined ? '–' : (dot.text.split(': ').at(-1) as string);
      }),
    ]),
  };
}

/** The text of each point has its name before the colon, and then the two values. */
function scatterFigures({ x, y, points }: ScatterChart): FigureTable {
  return {
    head: ['', x.label, y.label],
    rows: points.map(({ text }) => {
      const [name = '', values = ''] = text.split(': ');
      return [name, ...values.split(', ')];
    }),
  };
}
