/** The data of `teg trace inspect`, gathered while the trace streams by, in memory that does not grow with it. */
import type { TraceFormat, TraceWarning } from './format.ts';
import type { OpenTrace } from './readers.ts';
import { JobSummarizer, type JobsSummary } from './summary-jobs.ts';
import { NodeSummarizer, type NodesSummary } from './summary-nodes.ts';
import type { SketchFactory } from './summary-parts.ts';
import { UsageSummarizer, type UsageSummary } from './summary-usage.ts';

/** Everything about one trace. */
export interface TraceSummary {
  readonly file: string;
  readonly format: TraceFormat;
  /** The file's own comments, for example the header of an SWF file. */
  readonly notes: Readonly<Record<string, string>>;
  /** Absent if there are none. */
  readonly jobs?: JobsSummary;
  readonly nodes?: NodesSummary;
  readonly usage?: UsageSummary;
  readonly badRows: number;
  readonly warnings: readonly TraceWarning[];
}

/** Options of a summary. */
export interface SummaryOptions {
  /** Makes a quantile sketch such as the kernel's. */
  readonly makeSketch: SketchFactory;
  /** Called from time to time with the number of items read. */
  readonly onProgress?: (items: number) => void;
}

/**
 * Reads a whole trace and summarises it.
 *
 * @param warnings The list that the trace's `onWarning` fills; it is complete when the trace has been read.
 * @throws TegError as the reader of its format.
 */
export async function summarizeTrace(
  trace: OpenTrace,
  warnings: readonly TraceWarning[],
  options: SummaryOptions,
): Promise<TraceSummary> {
  const jobs = new JobSummarizer(options.makeSketch);
  const nodes = new NodeSummarizer();
  const usage = new UsageSummarizer(options.makeSketch);
  let items = 0;
  for await (const batch of trace.batches) {
    if (batch.kind === 'jobs') for (const job of batch.items) jobs.add(job);
    else if (batch.kind === 'nodes') for (const node of batch.items) nodes.add(node);
    else for (const sample of batch.items) usage.add(sample);
    items += batch.items.length;
    options.onProgress?.(items);
  }
  return {
    file: trace.context.file,
    format: trace.format,
    notes: Object.fromEntries(trace.context.notes),
    ...(jobs.count > 0 ? { jobs: jobs.result() } : {}),
    ...(nodes.count > 0 ? { nodes: nodes.result() } : {}),
    ...(usage.count > 0 ? { usage: usage.result() } : {}),
    badRows: trace.context.badCount,
    warnings: [...warnings, ...ownWarnings(jobs, nodes, usage)],
  };
}

function ownWarnings(jobs: JobSummarizer, nodes: NodeSummarizer, usage: UsageSummarizer): TraceWarning[] {
  const warnings = [...jobs.warnings(), ...nodes.warnings()];
  const isEmpty = jobs.count + nodes.count + usage.count === 0;
  return isEmpty ? [...warnings, { message: 'nothing in this file', count: 1 }] : warnings;
}
