/**
 * The tables of `teg bench kubernetes`, for the terminal and as Markdown.
 */

import {
  formatBytes,
  formatCount,
  formatDuration,
  formatFixed,
  formatSigned,
} from '../../src/cli/terminal/formatting.ts';
import { printTable } from '../../src/cli/terminal/table.ts';
import type { FigureName } from '../kubernetes-bench/kubernetes-bench.ts';
import { RESTART } from '../kubernetes-bench/workloads.ts';
import type { KubernetesRow } from './kubernetes-packing.ts';
import type { MachineFacts } from './machine-facts.ts';

/** A table of texts. */
export interface BenchTable {
  readonly title: string;
  readonly headers: readonly string[];
  /** @shape [rows][headers] */
  readonly rows: readonly (readonly string[])[];
}

type Column = readonly [
  header: string,
  cell: (row: KubernetesRow, stock: KubernetesRow | undefined) => string,
];

const two = (value: number): string => formatFixed(value, 2);

/** A ratio to the stock scheduler, of a figure. */
function timesStock(figure: FigureName): Column[1] {
  return (row, stock) => two(row[figure] / (stock?.[figure] ?? Number.NaN));
}

/** Median, and extremes where there are several runs. */
function withSpread(figure: FigureName, format: (value: number) => string): Column[1] {
  return (row) => {
    const spread = row.spread[figure];
    if (spread === undefined || row.repeats < 2) return format(row[figure]);
    return `${format(row[figure])} (${format(spread.min)}–${format(spread.max)})`;
  };
}

const SCHEDULER: Column = ['scheduler', (row) => row.scheduler];

const RATE_COLUMNS: readonly Column[] = [
  SCHEDULER,
  ['pods/s', withSpread('podsPerSecond', formatCount)],
  ['× stock', timesStock('podsPerSecond')],
  ['create → bind p50', (row) => formatDuration(row.createToBindP50)],
  ['p99', (row) => formatDuration(row.createToBindP99)],
  ['last bind', (row) => formatDuration(row.timeToLastBind)],
  ['last event', (row) => formatDuration(row.timeToLastEvent)],
  ['CPU s/1,000', (row) => two(row.schedulerCpuPer1000)],
  ['× stock', timesStock('schedulerCpuPer1000')],
  ['server CPU s/1,000', (row) => two(row.serverCpuPer1000)],
  ['peak memory', (row) => formatBytes(row.peakMemory)],
  ['bound', (row) => formatCount(row.bound)],
];

const RESTART_COLUMNS: readonly Column[] = [
  SCHEDULER,
  ['first bind', withSpread('timeToFirstBind', formatDuration)],
  ['× stock', timesStock('timeToFirstBind')],
  ['CPU s', (row) => two(row.startCpu)],
  ['server CPU s', (row) => two(row.startServerCpu)],
  ['peak memory', (row) => formatBytes(row.peakMemory)],
];

const PACKING_COLUMNS: readonly Column[] = [
  SCHEDULER,
  ['GPU %', withSpread('gpuPercent', two)],
  ['simulated TEG', (row) => two(row.predictedGpuPercent ?? Number.NaN)],
  ['Δ', (row) => (row.scheduler === 'teg' ? formatSigned(row.gpuPercent - predictionOf(row), 2) : '–')],
  ['published stock, least allocated', (row) => two(row.publishedLeastAllocated ?? Number.NaN)],
  ['most allocated', (row) => two(row.publishedMostAllocated ?? Number.NaN)],
  ['CPU %', (row) => two(row.cpuPercent)],
  ['bound', (row) => formatCount(row.bound)],
  ['pods/s', (row) => formatCount(row.podsPerSecond)],
];

function predictionOf(row: KubernetesRow): number {
  return row.predictedGpuPercent ?? Number.NaN;
}

/** @returns A table for each size of a workload. */
export function benchTables(rows: readonly KubernetesRow[]): BenchTable[] {
  const groups = Map.groupBy(rows, (row) => `${row.workload} ${row.sequence ?? row.nodes} ${row.pods}`);
  return [...groups.values()].map((group) => {
    const columns = columnsOf(group[0] as KubernetesRow);
    const stock = group.find((row) => row.scheduler === 'stock');
    return {
      title: titleOf(group),
      headers: columns.map(([header]) => header),
      rows: group.map((row) => columns.map(([, cell]) => cell(row, stock))),
    };
  });
}

function columnsOf(row: KubernetesRow): readonly Column[] {
  if (row.sequence !== undefined) return PACKING_COLUMNS;
  return row.workload === RESTART ? RESTART_COLUMNS : RATE_COLUMNS;
}

function titleOf(group: readonly KubernetesRow[]): string {
  const { workload, sequence, nodes, pods, created } = group[0] as KubernetesRow;
  const repeats = Math.max(...group.map((row) => row.repeats));
  const name = sequence === undefined ? workload : `${workload} ${sequence}`;
  const what =
    workload === RESTART ? 'pods bound already' : created === 'before' ? 'pods that are there first' : 'pods';
  const runs = repeats > 1 ? `median of ${repeats} runs (smallest–largest)` : 'one run';
  return `${name}: ${formatCount(nodes)} nodes, ${formatCount(pods)} ${what}, ${runs}`;
}

/** Prints the tables to standard output. */
export function printBenchTables(rows: readonly KubernetesRow[]): void {
  for (const table of benchTables(rows)) {
    printTable(
      table.headers.map((header, c) => ({ header, align: c === 0 ? 'left' : 'right', shrink: false })),
      table.rows,
      { title: table.title },
    );
    process.stdout.write('\n');
  }
}

/** @returns The tables as Markdown, with the machine that they are of. */
export function benchMarkdown(rows: readonly KubernetesRow[], machine: MachineFacts): string {
  const facts = `${machine.date.slice(0, 10)}, ${machine.cores} × ${machine.cpuModel}, ${formatBytes(machine.memoryBytes)}, Node.js ${machine.node}, load before it ${two(machine.loadAverage)}.`;
  const blocks = benchTables(rows).map(markdownTable);
  return `${[facts, ...blocks].join('\n\n')}\n`;
}

function markdownTable({ title, headers, rows }: BenchTable): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = headers.map((_, c) => (c === 0 ? '---' : '---:'));
  return [`**${title}**`, '', line(headers), line(rule), ...rows.map(line)].join('\n');
}
