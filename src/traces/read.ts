/**
 * Reads a trace of any known format into jobs or nodes.
 *
 * Memory is bounded however long the file is, except for `readJobs` and `readNodes`, which hold what they return.
 */
import { TegError } from '../model/errors.ts';
import type { JobSpec } from '../model/job.ts';
import type { NodeSpec } from '../model/node.ts';
import { ReadContext } from './context.ts';
import { detectHead, unknownFormat } from './detect.ts';
import { describes, type ReadOptions, TRACE_FORMATS, type TraceFormat, type TraceKind } from './format.ts';
import { streamAny } from './readers.ts';
import { fileInput, type OpenedInput, openInput, type TraceInput } from './source.ts';

/** @returns The jobs of a trace, in file order. @throws TegError as `streamJobs`; TEG_JOB_INVALID for an id twice. */
export async function readJobs(path: string, options: ReadOptions = {}): Promise<JobSpec[]> {
  const jobs: JobSpec[] = [];
  const ids = new Set<string>();
  for await (const batch of streamJobs(path, options)) {
    for (const job of batch) {
      if (ids.has(job.id)) throw duplicate('TEG_JOB_INVALID', path, 'jobs', job.id);
      ids.add(job.id);
      jobs.push(job);
    }
  }
  return jobs;
}

/** @returns The nodes of a trace, in file order. @throws TegError as `streamNodes`; TEG_CLUSTER_INVALID for a name twice. */
export async function readNodes(path: string, options: ReadOptions = {}): Promise<NodeSpec[]> {
  const nodes: NodeSpec[] = [];
  const names = new Set<string>();
  for await (const batch of streamNodes(path, options)) {
    for (const node of batch) {
      if (names.has(node.name)) throw duplicate('TEG_CLUSTER_INVALID', path, 'nodes', node.name);
      names.add(node.name);
      nodes.push(node);
    }
  }
  return nodes;
}

/**
 * Streams the jobs of a trace in batches, in file order (not by submit time).
 *
 * @param path A file, gzip or not; `-` for standard input.
 * @throws TegError of the first bad row beyond `options.skipBad`; TEG_INPUT_NOT_FOUND, TEG_INPUT_CORRUPT,
 *   TEG_INPUT_TOO_LARGE, TEG_INPUT_UNKNOWN_FORMAT.
 */
export function streamJobs(path: string, options: ReadOptions = {}): AsyncGenerator<JobSpec[]> {
  return streamJobsFrom(fileInput(path), options);
}

/** Streams the nodes of a trace in batches, in file order. @throws TegError as `streamJobs`. */
export function streamNodes(path: string, options: ReadOptions = {}): AsyncGenerator<NodeSpec[]> {
  return streamNodesFrom(fileInput(path), options);
}

/** As `streamJobs`, from any input. */
export async function* streamJobsFrom(
  input: TraceInput,
  options: ReadOptions = {},
): AsyncGenerator<JobSpec[]> {
  const context = new ReadContext(input.name, options);
  const opened = await openInput(input);
  const format = formatOf(opened, options, 'jobs');
  yield* streamAny(input, opened, format, 'jobs', context) as AsyncGenerator<JobSpec[]>;
  context.finish();
}

/** As `streamNodes`, from any input. */
export async function* streamNodesFrom(
  input: TraceInput,
  options: ReadOptions = {},
): AsyncGenerator<NodeSpec[]> {
  const context = new ReadContext(input.name, options);
  const opened = await openInput(input);
  const format = formatOf(opened, options, 'nodes');
  yield* streamAny(input, opened, format, 'nodes', context) as AsyncGenerator<NodeSpec[]>;
  context.finish();
}

/** @returns The format of a file, recognised from its content. @throws TegError TEG_INPUT_UNKNOWN_FORMAT. */
export async function detectFormat(path: string): Promise<TraceFormat> {
  const opened = await openInput(fileInput(path));
  try {
    return detectHead(opened.head) ?? unknownFormat(path, opened.head);
  } finally {
    await opened.chunks.return(undefined);
  }
}

function formatOf(opened: OpenedInput, options: ReadOptions, kind: TraceKind): TraceFormat {
  const format = options.format ?? detectHead(opened.head, kind) ?? unknownFormat(opened.name, opened.head);
  if (describes(format, kind)) return format;
  throw new TegError(
    'TEG_INPUT_UNKNOWN_FORMAT',
    `${opened.name}: got ${format} (${TRACE_FORMATS[format].description}), expected a file that describes ${kind}; name another file`,
  );
}

function duplicate(
  code: 'TEG_JOB_INVALID' | 'TEG_CLUSTER_INVALID',
  path: string,
  what: string,
  name: string,
): TegError {
  return new TegError(
    code,
    `${path}: got two ${what} named '${name}', expected unique names; rename or remove one`,
  );
}
