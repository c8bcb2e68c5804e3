/**
 * The contents of a plot, independent of how it is drawn: lines or dots of each policy between two axes, in plain data.
 *
 * Invariant: every number is finite, and positive on a logarithmic axis.
 */

/** One axis. */
export interface Axis {
  /** With its unit. */
  readonly label: string;
  readonly scale: 'linear' | 'log';
  readonly domain: readonly [number, number];
  /** Positions of the ticks; default: the plotting library's choice. */
  readonly ticks?: readonly number[];
  /** Least distance of the ticks of a linear axis. */
  readonly stepMin?: number;
  readonly format: (value: number) => string;
}

/** A point: x, y. */
export type Point = readonly [number, number];

/** The line of one policy. */
export interface PolicyLine {
  readonly policy: string;
  /** By x. */
  readonly points: readonly Point[];
}

/** A line that belongs to no policy: a bound, or an instant. */
export interface Guide {
  readonly text: string;
  /** A vertical line there, or a line through these points. */
  readonly at: number | readonly Point[];
}

/** Lines of policies over a numeric axis. */
export interface LineChart {
  readonly kind: 'lines';
  /** Part of the page's address: letters and hyphens. */
  readonly id: string;
  readonly title: string;
  /** The quantity plotted and how to read it, for people. */
  readonly reading: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly PolicyLine[];
  readonly guides: readonly Guide[];
  /** Filled from the bottom of the plot, behind the lines. */
  readonly area?: { readonly text: string; readonly points: readonly Point[] };
  /** True if each point is marked, because there are few. */
  readonly dots: boolean;
  /** True if a value holds until the next point: a straight line between them would show values that never occurred. */
  readonly steps?: boolean;
}

/** Dots of policies, in rows by category. */
export interface DotChart {
  readonly kind: 'dots';
  readonly id: string;
  readonly title: string;
  readonly reading: string;
  readonly x: Axis;
  readonly rows: readonly string[];
  readonly dots: readonly {
    readonly policy: string;
    readonly row: string;
    readonly value: number;
    /** The text that a dot shows when pointed at. */
    readonly text: string;
  }[];
}

/** Single points of policies between two numeric axes. */
export interface ScatterChart {
  readonly kind: 'scatter';
  readonly id: string;
  readonly title: string;
  readonly reading: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly points: readonly {
    readonly policy: string;
    readonly x: number;
    readonly y: number;
    /** Written beside the point. */
    readonly label: string;
    /** The text that a point shows when pointed at: `name: value, value`. */
    readonly text: string;
  }[];
}

/** A plot. */
export type Chart = LineChart | DotChart | ScatterChart;

/** @returns Policies that a chart shows, in the order of `policies`. */
export function policiesIn(chart: Chart, policies: readonly string[]): string[] {
  const parts = chart.kind === 'lines' ? chart.lines : chart.kind === 'dots' ? chart.dots : chart.points;
  const shown = new Set(parts.map(({ policy }) => policy));
  return policies.filter((policy) => shown.has(policy));
}
