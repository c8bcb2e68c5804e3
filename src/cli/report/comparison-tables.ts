/**
 * A comparison as tables in the terminal: means, then differences against the baseline with their intervals.
 */
import { SEEDS_CHANGE_NOTHING } from '../../simulation/metrics/compare.ts';
import type { ComparedMetric, ComparedPolicy, ComparisonResult } from '../../simulation/metrics/result.ts';
import { formatCounted, formatDuration, formatFixed, formatSigned } from '../terminal/formatting.ts';
import { printTable } from '../terminal/table.ts';
import { partialText } from './report-source.ts';

type Interval = NonNullable<ComparedPolicy['mean']>;

/** Prints a comparison to standard output. */
export function printComparison(result: ComparisonResult): void {
  const isFixed = result.notes.includes(SEEDS_CHANGE_NOTHING);
  process.stdout.write(`${headOf(result)}\n${isFixed ? `note: ${SEEDS_CHANGE_NOTHING}\n` : ''}\n`);
  printTable(
    [
      { header: 'mean over seeds' },
      ...result.policies.map((header) => ({ header, align: 'right' as const })),
    ],
    result.metrics.map((metric) => [
      metric.label,
      ...metric.policies.map((entry) => (entry.mean === null ? '–' : formatMean(entry.mean, metric.unit))),
    ]),
  );
  if (result.policies.length > 1) printDifferences(result);
  const notes = result.notes.filter((note) => note !== SEEDS_CHANGE_NOTHING);
  for (const note of notes) process.stdout.write(`\nnote: ${note}`);
  if (notes.length > 0) process.stdout.write('\n');
  const partial = partialText(result);
  if (partial !== undefined) process.stdout.write(`\nPARTIAL: ${partial}\n`);
}

function headOf(result: ComparisonResult): string {
  const run = result.runs[0];
  const seeds = `${result.seeds.length} seed${result.seeds.length === 1 ? '' : 's'}`;
  if (run === undefined) return `no run of ${result.policies.join(', ')} began`;
  return [
    `cluster   ${run.cluster.label}: ${formatCounted(run.cluster.nodes, 'node')}, ${formatCounted(run.cluster.gpus, 'GPU')}`,
    `workload  ${run.workload.label}: ${formatCounted(run.workload.jobs, 'job')} over ${formatDuration(run.workload.spanSeconds)}`,
    `${seeds}, ${queueOf(result)}; ± is the ${Math.round(result.level * 100)} % confidence interval`,
  ].join('\n');
}

/** @returns The queue of all runs. */
function queueOf({ runs }: ComparisonResult): string {
  const names = new Set(runs.map(({ options }) => options.queue));
  return names.size === 1 ? `queue ${[...names].join('')}` : 'several queues';
}

function printDifferences(result: ComparisonResult): void {
  const isFixed = result.notes.includes(SEEDS_CHANGE_NOTHING);
  const others = result.policies
    .map((policy, p) => ({ policy, p }))
    .filter(({ policy }) => policy !== result.baseline);
  process.stdout.write('\n');
  printTable(
    [
      { header: `against ${result.baseline}` },
      ...others.flatMap(({ policy }) => [{ header: policy, align: 'right' as const }, { header: '' }]),
    ],
    result.metrics.map((metric) => [
      metric.label,
      ...others.flatMap(({ p }) =>
        differenceCells(metric.policies[p] as ComparedPolicy, metric.unit, isFixed),
      ),
    ]),
  );
}

/** @param isFixed The seeds made no difference: there is neither an interval nor a verdict. */
function differenceCells(
  entry: ComparedPolicy,
  unit: ComparedMetric['unit'],
  isFixed: boolean,
): [string, string] {
  if (entry.difference === null) return ['–', ''];
  if (isFixed && unit !== 'micros')
    return [formatDifference({ ...entry.difference, low: null, high: null }, unit), '–'];
  return [formatDifference(entry.difference, unit), entry.verdict];
}

/** @returns For example `87.3 % ± 0.4`. */
export function formatMean(interval: Interval, unit: ComparedMetric['unit']): string {
  const half = halfWidth(interval, unit);
  const value = formatUnit(interval.mean, unit);
  return half === '' ? value : `${value} ± ${half}`;
}

/** @returns For example `+1.2 points ± 0.4`. */
export function formatDifference(interval: Interval, unit: ComparedMetric['unit']): string {
  const half = halfWidth(interval, unit);
  const value = formatSignedUnit(interval.mean, unit);
  return half === '' ? value : `${value} ± ${half}`;
}

function halfWidth({ low, high }: Interval, unit: ComparedMetric['unit']): string {
  if (low === null || high === null) return '';
  const half = (high - low) / 2;
  if (unit === 'share') return formatFixed(half * 100, 2);
  return formatUnit(half, unit);
}

/** @returns For example `87.30 %`, `3 m 20 s`, `12.1 µs`. */
export function formatUnit(value: number, unit: ComparedMetric['unit']): string {
  switch (unit) {
    case 'share':
      return `${formatFixed(value * 100, 2)} %`;
    case 'seconds':
      return formatDuration(value);
    case 'micros':
      return formatDuration(value / 1e6);
    case 'ratio':
      return formatFixed(value, 2);
    case 'count':
      return formatFixed(value, countDigits(value));
  }
}

/** Decimals to print: none for whole numbers; else one, or enough to show that the value is not 0. */
function countDigits(value: number): number {
  const size = Math.abs(value);
  if (Number.isInteger(value)) return 0;
  return size >= 0.05 ? 1 : Math.min(6, Math.ceil(-Math.log10(size)));
}

function formatSignedUnit(value: number, unit: ComparedMetric['unit']): string {
  switch (unit) {
    case 'share':
      return `${formatSigned(value * 100, 2)} points`;
    case 'ratio':
      return formatSigned(value, 2);
    case 'count':
      return formatSigned(value, countDigits(value));
    default:
      return value > 0 ? `+${formatUnit(value, unit)}` : formatUnit(value, unit);
  }
}
