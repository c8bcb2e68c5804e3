/** `teg trace inspect`: reads a trace once and prints its contents. */
import { QuantileSketch } from '../../kernel/quantile-sketch.ts';
import type { TraceWarning } from '../../traces/format.ts';
import { TRACE_FORMATS } from '../../traces/format.ts';
import { fileInput } from '../../traces/source.ts';
import { summarizeTrace, type TraceSummary } from '../../traces/summary.ts';
import type { JobsSummary } from '../../traces/summary-jobs.ts';
import type { NodesSummary } from '../../traces/summary-nodes.ts';
import type { TraceDistribution } from '../../traces/summary-parts.ts';
import type { UsageSummary } from '../../traces/summary-usage.ts';
import { formatCount, formatDuration, formatFixed } from '../terminal/formatting.ts';
import { interruptSignal } from '../terminal/interrupt.ts';
import { printJson } from '../terminal/json-output.ts';
import { ProgressLine } from '../terminal/progress-line.ts';
import { printTable, type TableCell } from '../terminal/table.ts';
import type { TraceReadingOptions } from './trace-options.ts';
import { openTraceUntil, readingOptions, warningLine } from './trace-reading.ts';

/** Names that a line of text lists. */
const NAMES_LISTED = 12;

/** Reads `file` and prints its summary. @throws TegError as the reader of its format. */
export async function inspectTrace(file: string, options: TraceReadingOptions): Promise<void> {
  const warnings: TraceWarning[] = [];
  const signal = interruptSignal();
  const progress = new ProgressLine('reading', { unit: 'rows' });
  const trace = await openTraceUntil(signal, fileInput(file), readingOptions(options, warnings));
  const summary = await summarizeTrace(trace, warnings, {
    makeSketch: () => new QuantileSketch(),
    onProgress: (items) => {
      signal.throwIfAborted();
      progress.update(items);
    },
  }).finally(() => progress.finish());
  if (options.json) printJson(summary);
  else printSummary(summary);
}

function printSummary(summary: TraceSummary): void {
  const kinds = [summary.jobs && 'jobs', summary.nodes && 'nodes', summary.usage && 'usage samples'];
  const kind = kinds.filter((name) => name !== undefined).join(' and ') || 'nothing';
  print(summary.file);
  print(`${kind} · ${summary.format} (${TRACE_FORMATS[summary.format].description})`);
  for (const [key, value] of Object.entries(summary.notes)) print(`${key}: ${value}`);
  if (summary.jobs !== undefined) printJobs(summary.jobs);
  if (summary.nodes !== undefined) printNodes(summary.nodes);
  if (summary.usage !== undefined) printUsage(summary.usage);
  if (summary.warnings.length === 0) return;
  print('\nWarnings');
  for (const warning of summary.warnings) print(`- ${warningLine(warning)}`);
}

function printJobs(jobs: JobsSummary): void {
  print('');
  printPairs([
    ['jobs', formatCount(jobs.jobs)],
    ['pods', formatCount(jobs.pods)],
    [
      'span',
      `${formatDuration(jobs.spanSeconds)} (${jobs.firstSubmitSeconds} … ${jobs.lastSubmitSeconds} s)`,
    ],
    ['requested', requested(jobs.coresRequested, jobs.memoryGibRequested, jobs.gpusRequested)],
    ['work', `${formatCount(jobs.cpuHours)} CPU hours, ${formatCount(jobs.gpuHours)} GPU hours`],
    ['jobs that never end', countOrNone(jobs.endless)],
    ['gangs', countOrNone(jobs.gangs)],
    ['arrays', countOrNone(jobs.arrays)],
    ['name a GPU model', countOrNone(jobs.withModel)],
    ['node affinity', countOrNone(jobs.withAffinity)],
    ['limit of pods a node', countOrNone(jobs.withSpreadLimit)],
    ['requested time', countOrNone(jobs.withRequestedTime)],
    ['priority', countOrNone(jobs.withPriority)],
    ['PodGroup', countOrNone(jobs.withPodGroup)],
    ['on a node already', countOrNone(jobs.withNode)],
    ['GPU models', names(jobs.gpuModels)],
    ['further resources', names(jobs.extended)],
    ['tenants', countOrNone(jobs.tenants)],
  ]);
  print('');
  printDistributions([
    ['duration', jobs.durationSeconds, formatDuration],
    ['between arrivals', jobs.interArrivalSeconds, formatDuration],
    ['pods a job', jobs.podsPerJob, formatQuantity],
    ['cores a pod', jobs.coresPerPod, formatQuantity],
    ['GiB a pod', jobs.memoryGibPerPod, formatQuantity],
    ['GPUs a pod (if any)', jobs.gpusPerPod, formatQuantity],
    ['GPUs a job (if any)', jobs.gpusPerJob, formatQuantity],
  ]);
  print('');
  printTable(
    ['GPUs a pod', 'jobs', 'pods', 'GPUs requested', 'GPU hours', 'CPU hours'].map(asColumn),
    jobs.gpuMix.map((row) => [row.gpus, row.jobs, row.pods, row.gpusRequested, row.gpuHours, row.cpuHours]),
  );
  if (jobs.tenants < 2) return;
  print('');
  printTable(
    ['tenant (most work first)', 'jobs', 'GPU hours', 'CPU hours'].map(asColumn),
    jobs.topTenants.map((row) => [row.tenant || '(none)', row.jobs, row.gpuHours, row.cpuHours]),
  );
}

function printNodes(nodes: NodesSummary): void {
  print('');
  printPairs([
    ['nodes', formatCount(nodes.nodes)],
    ['with GPUs', formatCount(nodes.gpuNodes)],
    ['capacity', requested(nodes.cores, nodes.memoryGib, nodes.gpus)],
    ['pods at most', formatCount(nodes.pods)],
    ['GPU models', names(nodes.gpuModels)],
    ['further resources', names(nodes.extended)],
    ['labels', names(nodes.labels)],
    ['kinds of nodes', formatCount(nodes.kinds)],
  ]);
  print('');
  printTable(
    ['GPU model', 'GPUs', 'cores', 'GiB', 'nodes'].map(asColumn),
    nodes.topKinds.map((row) => [row.model || '–', row.gpus, row.cores, row.memoryGib, row.nodes]),
  );
}

function printUsage(usage: UsageSummary): void {
  print('');
  printPairs([
    ['samples', formatCount(usage.samples)],
    ['pods', formatCount(usage.pods)],
    ['span', formatDuration(usage.spanSeconds)],
    ['never above half of the limit', formatCount(usage.podsBelowHalf)],
  ]);
  print('');
  printDistributions([
    ['memory / limit, samples', usage.memoryShare, formatQuantity],
    ['memory / limit, mean of a pod', usage.podMean, formatQuantity],
    ['memory / limit, peak of a pod', usage.podPeak, formatQuantity],
    ['peak / mean of a pod', usage.peakOverMean, formatQuantity],
  ]);
}

function printDistributions(rows: readonly [string, TraceDistribution, (value: number) => string][]): void {
  const columns = ['', 'min', 'median', 'mean', 'p90', 'p99', 'max'].map((header, i) => ({
    header,
    align: i === 0 ? ('left' as const) : ('right' as const),
    shrink: false,
  }));
  printTable(
    columns,
    rows.map(([name, d, format]) => [name, ...[d.min, d.p50, d.mean, d.p90, d.p99, d.max].map(format)]),
  );
}

/** Lines of facts, for the facts that are known. */
function printPairs(pairs: readonly [string, string][]): void {
  const width = Math.max(...pairs.map(([name]) => name.length));
  for (const [name, text] of pairs) if (text !== '') print(`${name.padEnd(width)}  ${text}`);
}

function requested(cores: number, memoryGib: number, gpus: number): string {
  return `${formatCount(cores)} cores, ${formatCount(memoryGib)} GiB, ${formatQuantity(gpus)} ${gpus === 1 ? 'GPU' : 'GPUs'}`;
}

function countOrNone(count: number): string {
  return count === 0 ? '' : formatCount(count);
}

function names(counts: Readonly<Record<string, number>>): string {
  const listed = Object.entries(counts).map(
    ([name, count]) => `${name || '(none)'} ${formatQuantity(count)}`,
  );
  const more = listed.length > NAMES_LISTED ? [`and ${listed.length - NAMES_LISTED} more`] : [];
  return [...listed.slice(0, NAMES_LISTED), ...more].join(' · ');
}

function formatQuantity(value: number): string {
  if (Number.isInteger(value)) return formatCount(value);
  return formatFixed(value, Math.abs(value) >= 100 ? 1 : 2);
}

function asColumn(header: string): { header: string; format: (value: number) => string } {
  return { header, format: header.endsWith('hours') ? formatCount : formatQuantity };
}

function print(line: TableCell): void {
  process.stdout.write(`${line}\n`);
}
