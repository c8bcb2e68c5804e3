/**
 * Draws charts as SVG text with Observable Plot on a document that lives in memory.
 *
 * Invariants: no script, no reference to anything outside; colours are CSS variables of the page; every text is
 * escaped by the document's own serialisation.
 */
import * as Plot from '@observablehq/plot';
import { Window } from 'happy-dom';
import { linearTicks, TICKS_MAX } from './axes.ts';
import type { Axis, Chart, DotChart, Guide, LineChart, ScatterChart } from './chart.ts';
import { labelPlaces } from './label-places.ts';
import { policyLook } from './policy-look.ts';

/** Height of a plot of lines, in pixels. */
const LINES_HEIGHT = 330;

/** Room above the frame for the name of the y axis and, below it, those of vertical rules; and below the frame. */
const TOP_MARGIN = 42;
const BOTTOM_MARGIN = 44;

/** Room beside the frame: on the right for half a label, on the left at least. */
const RIGHT_MARGIN = 30;
const LEFT_MARGIN = 58;

/** Most ticks of a y axis. */
const Y_TICKS_MAX = 6;

/** Height of a row of dots, and of what is above and below them. */
const ROW_HEIGHT = 52;
const ROWS_MARGIN = 56;

/** Pixels between the dots of two policies in a row. */
const DOT_DISTANCE = 9;

/** Names of vertical rules stand left of them from this share of the axis on. */
const NAME_BEFORE = 0.7;

/** Below this width there is less room for names. */
const NARROW = 480;

let memoryDocument: Window['document'] | undefined;

/** One document serves all plots: making one takes longer than drawing. */
function plotDocument(): Window['document'] {
  memoryDocument ??= new Window().document;
  return memoryDocument;
}

/** The parts of a DOM element that a finished plot needs. */
interface PlotElement {
  readonly outerHTML: string;
  setAttribute(name: string, value: string): void;
  querySelector(selector: string): { remove(): void } | null;
}

/**
 * Draws a chart.
 *
 * @param policies All policies of the report, in order: their places decide their looks.
 * @param width    In pixels.
 * @returns        One `svg` element as text.
 */
export function plotSvg(chart: Chart, policies: readonly string[], width: number): string {
  const plot = draw(chart, policies, width);
  // Plot's own style sheet, the same in every plot: the page has it once.
  plot.querySelector('style')?.remove();
  plot.setAttribute('role', 'img');
  plot.setAttribute('aria-label', `${chart.title}. ${chart.reading}`);
  return compact(plot.outerHTML);
}

function draw(chart: Chart, policies: readonly string[], width: number): PlotElement {
  if (chart.kind === 'lines') return linePlot(chart, policies, width);
  return chart.kind === 'dots' ? dotPlot(chart, policies, width) : scatterPlot(chart, policies, width);
}

/** An axis in Plot's terms. */
function scaleOptions(axis: Axis): Plot.ScaleOptions {
  return { type: axis.scale, domain: [...axis.domain], label: null };
}

/** Of the axes' text, in pixels: about the width of a character, and the gap between two labels. */
const CHARACTER_WIDTH = 6.8;
const LABEL_GAP = 10;

function labelWidth(axis: Axis, ticks: readonly number[]): number {
  return CHARACTER_WIDTH * Math.max(1, ...ticks.map((tick) => axis.format(tick).length));
}

/** At most `countMax` ticks: those of a linear axis at round distances, every n-th of the given ones. */
function ticksOf(axis: Axis, countMax: number): number[] {
  if (axis.ticks === undefined) return linearTicks(axis.domain, countMax, axis.stepMin);
  const step = Math.ceil(axis.ticks.length / countMax);
  return axis.ticks.filter((_, i) => i % step === 0);
}

/** The number of ticks that have room for their labels side by side. */
function ticksBeside(axis: Axis, width: number): number[] {
  for (let countMax = TICKS_MAX; countMax > 2; countMax--) {
    const ticks = ticksOf(axis, countMax);
    if (ticks.length * (labelWidth(axis, ticks) + LABEL_GAP) <= width) return ticks;
  }
  return ticksOf(axis, 2);
}

/** Room left of the frame for the labels of the y axis. */
function leftMargin(axis: Axis): number {
  return Math.max(LEFT_MARGIN, Math.ceil(labelWidth(axis, ticksOf(axis, Y_TICKS_MAX)) + LABEL_GAP));
}

function frameOptions(width: number, height: number): Plot.PlotOptions {
  return {
    document: plotDocument(),
    className: 'plot',
    width,
    height,
    marginTop: TOP_MARGIN,
    marginRight: RIGHT_MARGIN,
    marginBottom: BOTTOM_MARGIN,
    style: { fontSize: '12px' },
  } as Plot.PlotOptions;
}

/** @param width Of the frame, in pixels. */
function xAxisMarks(axis: Axis, width: number): Plot.Markish[] {
  const ticks = ticksBeside(axis, width);
  const options = { label: axis.label, labelAnchor: 'center', labelArrow: 'none', tickSize: 0 } as const;
  return [
    Plot.gridX(ticks, { stroke: 'var(--grid)', strokeOpacity: 1 }),
    Plot.axisX(ticks, { ...options, text: axis.format }),
  ];
}

function yAxisMarks(axis: Axis): Plot.Markish[] {
  const ticks = ticksOf(axis, Y_TICKS_MAX);
  const options = { label: axis.label, labelAnchor: 'top', labelArrow: 'none', tickSize: 0 } as const;
  return [
    Plot.gridY(ticks, { stroke: 'var(--grid)', strokeOpacity: 1 }),
    Plot.axisY(ticks, { ...options, text: axis.format }),
  ];
}

/** The same name for every part of a mark: Plot reads a plain text as the name of a column. */
function named(text: string): { ariaLabel: () => string } {
  return { ariaLabel: () => text };
}

/** First first: its line is broad and solid, so that the dashes of the others show on it. */
function drawingOrder<T extends { readonly policy: string }>(
  items: readonly T[],
  policies: readonly string[],
): T[] {
  return [...items].sort((a, b) => policies.indexOf(a.policy) - policies.indexOf(b.policy));
}

function linePlot(chart: LineChart, policies: readonly string[], width: number): PlotElement {
  const { x, y, area, guides } = chart;
  const marginLeft = leftMargin(y);
  const curve = chart.steps === true ? 'step-after' : 'linear';
  const lines = drawingOrder(chart.lines, policies).filter((line) => line.points.length > 0);
  return Plot.plot({
    ...frameOptions(width, LINES_HEIGHT),
    marginLeft,
    x: scaleOptions(x),
    y: scaleOptions(y),
    marks: [
      ...xAxisMarks(x, width - marginLeft - RIGHT_MARGIN),
      ...yAxisMarks(y),
      area === undefined
        ? null
        : Plot.areaY(area.points, {
            x: '0',
            y: '1',
            fill: 'var(--area)',
            curve,
            ...named(area.text),
            clip: true,
          }),
      ...guides.flatMap((guide) => guideMarks(guide, x, y)),
      ...lines.flatMap(({ policy, points }) => {
        const { color, dash, width: strokeWidth, opacity } = policyLook(policies.indexOf(policy));
        const line = Plot.line(points, {
          x: '0',
          y: '1',
          stroke: color,
          strokeWidth,
          strokeOpacity: opacity,
          curve,
          ...(dash === undefined ? {} : { strokeDasharray: dash }),
          ...named(policy),
          clip: true,
        });
        if (!chart.dots) return [line];
        const title = ([px, py]: readonly number[]): string =>
          `${policy}: ${y.format(py as number)} at ${x.format(px as number)}`;
        return [line, Plot.dot(points, { x: '0', y: '1', r: 3, fill: color, title })];
      }),
    ],
  });
}

/** A vertical rule with its name above it, or a dotted line with its name at its upper end. */
function guideMarks({ at, text }: Guide, x: Axis, y: Axis): Plot.Markish[] {
  const stroke = 'var(--guide)';
  if (typeof at === 'number') {
    const isLate = at > x.domain[1] * NAME_BEFORE;
    return [
      Plot.ruleX([at], { stroke, strokeDasharray: '3 3', ...named(text) }),
      Plot.text([at], {
        x: [at],
        y: [y.domain[1]],
        text: [text],
        dy: -4,
        textAnchor: isLate ? 'end' : 'start',
        lineAnchor: 'bottom',
        fontSize: 11,
        fill: 'var(--muted)',
        stroke: 'var(--paper)',
        strokeWidth: 4,
      }),
    ];
  }
  return [
    Plot.line(at, {
      x: '0',
      y: '1',
      stroke,
      strokeDasharray: '1 4',
      strokeWidth: 1.6,
      ...named(text),
      clip: true,
    }),
  ];
}

function dotPlot(chart: DotChart, policies: readonly string[], width: number): PlotElement {
  const isNarrow = width < NARROW;
  const shown = policies.filter((policy) => chart.dots.some((dot) => dot.policy === policy));
  const rowHeight = Math.max(ROW_HEIGHT, (shown.length + 2) * DOT_DISTANCE);
  const { x } = chart;
  const marginLeft = isNarrow ? 92 : 108;
  return Plot.plot({
    ...frameOptions(width, ROWS_MARGIN + chart.rows.length * rowHeight),
    marginTop: 12,
    marginLeft,
    x: scaleOptions(x),
    y: { type: 'band', domain: [...chart.rows], label: null, padding: 0.1 },
    marks: [
      ...xAxisMarks(x, width - marginLeft - RIGHT_MARGIN),
      Plot.axisY({ tickSize: 0, label: null }),
      Plot.ruleY(chart.rows.slice(1), { y: (row: string) => row, dy: -rowHeight / 2, stroke: 'var(--grid)' }),
      ...drawingOrder(chart.dots, policies).flatMap((dot) => {
        const place = policies.indexOf(dot.policy);
        const { color, dash, width: strokeWidth, opacity } = policyLook(place);
        const dy = (shown.indexOf(dot.policy) - (shown.length - 1) / 2) * DOT_DISTANCE;
        return [
          Plot.ruleY([dot], {
            x1: x.domain[0],
            x2: 'value',
            y: 'row',
            dy,
            stroke: color,
            strokeWidth,
            strokeOpacity: opacity,
            ...(dash === undefined ? {} : { strokeDasharray: dash }),
          }),
          Plot.dot([dot], { x: 'value', y: 'row', dy, r: 4.5, fill: color, title: 'text' }),
        ];
      }),
    ],
  });
}

/** Names stand beside their points where there is room; what a point is called is shown when it is pointed at, too. */
function scatterPlot(chart: ScatterChart, policies: readonly string[], width: number): PlotElement {
  const { x, y } = chart;
  const marginLeft = leftMargin(y);
  const frameWidth = width - marginLeft - RIGHT_MARGIN;
  const frameHeight = LINES_HEIGHT - TOP_MARGIN - BOTTOM_MARGIN;
  const points = drawingOrder(chart.points, policies);
  const at = (axis: Axis, value: number): number =>
    (value - axis.domain[0]) / (axis.domain[1] - axis.domain[0]);
  const places = labelPlaces(
    points.map((point) => ({
      x: at(x, point.x) * frameWidth,
      y: (1 - at(y, point.y)) * frameHeight,
      name: point.label,
    })),
    frameWidth,
    frameHeight,
  );
  return Plot.plot({
    ...frameOptions(width, LINES_HEIGHT),
    marginLeft,
    x: scaleOptions(x),
    y: scaleOptions(y),
    marks: [
      ...xAxisMarks(x, frameWidth),
      ...yAxisMarks(y),
      ...points.flatMap((point, i) => {
        const fill = policyLook(policies.indexOf(point.policy)).color;
        const dot = Plot.dot([point], { x: 'x', y: 'y', r: 5, fill, title: 'text' });
        const place = places[i];
        if (place === undefined) return [dot];
        const { dx, dy, anchor } = place;
        const text = { x: 'x', y: 'y', text: 'label', dx, dy, textAnchor: anchor, fontSize: 11 } as const;
        return [dot, Plot.text([point], { ...text, fill: 'var(--muted)' })];
      }),
    ],
  });
}

/**
 * Plot writes half a megabyte of invisible decimal places: coordinates are rounded to a hundredth of a pixel. Angle
 * brackets in attributes, which a browser reads as text but a simpler reader may not, are escaped.
 */
function compact(svg: string): string {
  return svg
    .replace(/ (?:d|transform|x|y|x1|x2|y1|y2|cx|cy)="[^"]*"/g, (attribute) =>
      attribute.replace(/-?\d+\.\d{3,}(?:e-?\d+)?/g, (number) => String(Number(Number(number).toFixed(2)))),
    )
    .replace(/="[^"]*"/g, (value) => value.replaceAll('<', '&lt;').replaceAll('>', '&gt;'));
}
