/**
 * Reads a trace of any known format into jobs, nodes or usage samples.
 *
 * Memory is bounded however long the file is, except for `readJobs` and `readNodes`, which hold their results.
 */
import { TegError } from '../model/errors.ts';
import type { JobSpec } from '../model/job.ts';
import type { NodeSpec } from '../model/node.ts';
import type { TraceBatch } from './batch.ts';
import type { ReadOptions, TraceFormat } from './format.ts';
import { openTrace } from './readers.ts';
import { fileInput, type TraceInput } from './source.ts';
import type { UsageSample } from './usage.ts';

/** @returns The jobs of a trace, in file order. @throws TegError as `streamJobs`; TEG_JOB_INVALID for an id twice. */
export async function readJobs(path: string | TraceInput, options: ReadOptions = {}): Promise<JobSpec[]> {
  const jobs: JobSpec[] = [];
  const ids = new Set<string>();
  for await (const batch of streamJobs(path, options)) {
    for (const job of batch) {
      if (ids.has(job.id)) throw duplicate('TEG_JOB_INVALID', toInput(path).name, 'jobs', job.id);
      ids.add(job.id);
      jobs.push(job);
    }
  }
  return jobs;
}

/** @returns The nodes of a trace, in file order. @throws TegError as `streamNodes`; TEG_CLUSTER_INVALID for a name twice. */
export async function readNodes(path: string | TraceInput, options: ReadOptions = {}): Promise<NodeSpec[]> {
  const nodes: NodeSpec[] = [];
  const names = new Set<string>();
  for await (const batch of streamNodes(path, options)) {
    for (const node of batch) {
      if (names.has(node.name))
        throw duplicate('TEG_CLUSTER_INVALID', toInput(path).name, 'nodes', node.name);
      names.add(node.name);
      nodes.push(node);
    }
  }
  return nodes;
}

/** @returns As `readNodes`, at least one. @throws TegError as that; TEG_CLUSTER_INVALID for none. */
export async function readCluster(path: string | TraceInput, options: ReadOptions = {}): Promise<NodeSpec[]> {
  const nodes = await readNodes(path, options);
  if (nodes.length > 0) return nodes;
  throw new TegError(
    'TEG_CLUSTER_INVALID',
    `${toInput(path).name}: describes no nodes that take pods, expected at least one; name another cluster`,
  );
}

/**
 * Streams the jobs of a trace in batches, in file order (not by submit time).
 *
 * @param path A file, gzip or not, or an input in memory; `-` for standard input.
 * @throws TegError of the first bad row beyond `options.skipBad`; TEG_INPUT_NOT_FOUND, TEG_INPUT_CORRUPT,
 *   TEG_INPUT_TOO_LARGE, TEG_INPUT_UNKNOWN_FORMAT.
 */
export function streamJobs(path: string | TraceInput, options: ReadOptions = {}): AsyncGenerator<JobSpec[]> {
  return ofKind(path, options, 'jobs') as AsyncGenerator<JobSpec[]>;
}

/** Streams the nodes of a trace in batches, in file order. @throws TegError as `streamJobs`. */
export function streamNodes(
  path: string | TraceInput,
  options: ReadOptions = {},
): AsyncGenerator<NodeSpec[]> {
  return ofKind(path, options, 'nodes') as AsyncGenerator<NodeSpec[]>;
}

/** Streams the usage samples of a trace in batches, in file order. @throws TegError as `streamJobs`. */
export function streamUsage(
  path: string | TraceInput,
  options: ReadOptions = {},
): AsyncGenerator<UsageSample[]> {
  return ofKind(path, options, 'usage') as AsyncGenerator<UsageSample[]>;
}

/** @returns The format of a file, recognised from its content. @throws TegError TEG_INPUT_UNKNOWN_FORMAT. */
export async function detectFormat(path: string | TraceInput): Promise<TraceFormat> {
  const trace = await openTrace(toInput(path));
  await trace.close();
  return trace.format;
}

async function* ofKind(
  path: string | TraceInput,
  options: ReadOptions,
  kind: TraceBatch['kind'],
): AsyncGenerator<readonly unknown[]> {
  const trace = await openTrace(toInput(path), options, kind);
  for await (const batch of trace.batches) if (batch.kind === kind) yield batch.items;
}

function toInput(path: string | TraceInput): TraceInput {
  return typeof path === 'string' ? fileInput(path) : path;
}

function duplicate(
  code: 'TEG_JOB_INVALID' | 'TEG_CLUSTER_INVALID',
  name: string,
  what: string,
  id: string,
): TegError {
  return new TegError(
    code,
    `${name}: got two ${what} named '${id}', expected unique names; rename or remove one`,
  );
}
