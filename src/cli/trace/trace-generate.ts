/**
 * `teg trace generate`: clusters and workloads by seed, written as files.
 */
import { Random } from '../../kernel/random.ts';
import { TegError } from '../../model/errors.ts';

import {
  arrivalRate,
  type ClusterCapacity,
  type ClusterOptions,
  capacityOf,
  DEFAULT_DURATION,
  generateJobBatches,
  generateNodeBatches,
  generateNodes,
  OPENB_LIKE_MIX,
  type WorkloadOptions,
} from '../../traces/generate.ts';
import { readCluster } from '../../traces/read.ts';
import { createTraceWriter, type TraceWriter } from '../../traces/write.ts';
import { prepareOutput } from '../files/output-file.ts';
import { formatCounted, formatDuration, formatFixed, formatPercent } from '../terminal/formatting.ts';
import { interruptSignal } from '../terminal/interrupt.ts';
import { printJson } from '../terminal/json-output.ts';
import { ProgressLine } from '../terminal/progress-line.ts';
import type { ClusterChoice, GenerateJobsOptions, GenerateNodesOptions } from './trace-options.ts';

/** Writes a generated cluster. @throws TegError TEG_OPTION_INVALID, or as the writer. */
export async function generateNodesFile(to: string, options: GenerateNodesOptions): Promise<void> {
  await prepareOutput(to);
  const writer = await createTraceWriter('nodes', to);
  const count = await writeAll(writer, generateNodeBatches(clusterOptions(options)), 'nodes', options.nodes);
  if (options.json) printJson({ file: to, kind: 'nodes', count });
  else process.stdout.write(`${to}: ${formatCounted(count, 'node')}\n`);
}

/**
 * Writes a generated workload. @param namesModels True if --model-share was given. @throws TegError TEG_OPTION_INVALID,
 * or as the reader of the cluster and the writer.
 */
export async function generateJobsFile(
  to: string,
  options: GenerateJobsOptions,
  namesModels: boolean,
): Promise<void> {
  await prepareOutput(to, [options.cluster]);
  const capacity = await capacityFor(options);
  if (namesModels && Object.keys(capacity.gpuModels).length === 0) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `got --model-share for ${options.cluster ?? 'a cluster'} without GPU models, expected some that jobs could name; leave it out`,
    );
  }
  const workload = workloadOptions(options, capacity);
  const jobsPerSecond = arrivalRate(workload);
  const writer = await createTraceWriter('jobs', to);
  const batches = generateJobBatches(workload, new Random(options.seed));
  const count = await writeAll(writer, batches, 'jobs', options.jobs);
  const { load, seed } = options;
  if (options.json) {
    printJson({ file: to, kind: 'jobs', count, seed, load, jobsPerSecond });
    return;
  }
  const span = formatDuration(count / jobsPerSecond);
  process.stdout.write(
    `${to}: ${formatCounted(count, 'job')}, seed ${seed}: ${formatPercent(load, 0)} offered load, ${formatFixed(jobsPerSecond, 3)} jobs/s, about ${span}\n`,
  );
}

async function writeAll<T>(
  writer: TraceWriter<T>,
  batches: Iterable<readonly T[]>,
  unit: string,
  total: number,
): Promise<number> {
  const progress = new ProgressLine('writing', { unit, total });
  const signal = interruptSignal();
  let count = 0;
  try {
    for (const batch of batches) {
      signal.throwIfAborted();
      await writer.write(batch);
      count += batch.length;
      progress.update(count);
    }
    await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  } finally {
    progress.finish();
  }
  return count;
}

async function capacityFor(options: GenerateJobsOptions): Promise<ClusterCapacity> {
  if (options.cluster !== undefined) return capacityOf(await readCluster(options.cluster));
  return capacityOf(generateNodes(clusterOptions(options)));
}

function workloadOptions(options: GenerateJobsOptions, capacity: ClusterCapacity): WorkloadOptions {
  const {
    jobs,
    load,
    tenantCount: tenants,
    burst: burstFactor,
    diurnal,
    modelShare,
    median,
    longest,
  } = options;
  const duration = { ...DEFAULT_DURATION, medianSeconds: median, maxSeconds: longest };
  const tailSeconds = Math.min(duration.tailSeconds, longest);
  return {
    jobs,
    capacity,
    load,
    modelShare,
    duration: { ...duration, tailSeconds },
    rhythm: { tenants, burstFactor, diurnal },
  };
}

function clusterOptions(options: ClusterChoice): ClusterOptions {
  if (options.mix === 'openb') return { nodes: options.nodes, mix: OPENB_LIKE_MIX };
  const { model, gpus, cores } = options;
  const memoryMib = Math.floor(options.memoryGib * 1_024);
  return { nodes: options.nodes, mix: [{ model, gpus, cores, memoryMib, share: 1 }] };
}
