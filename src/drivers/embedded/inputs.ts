/**
 * Clusters and workloads by the text that names them: a file of any known format, or `generated:…`.
 */
import { Random } from '../../kernel/random.ts';
import { DemandTable } from '../../model/demand.ts';
import { TegError } from '../../model/errors.ts';
import type { JobSpec } from '../../model/job.ts';
import type { NodeSpec } from '../../model/node.ts';
import { JobTableBuilder, WORKLOAD_PODS_MAX } from '../../simulation/inputs/job-table.ts';
import type { PodWorld } from '../../simulation/inputs/pod-world.ts';
import type { RecordedStart } from '../../simulation/inputs/recorded-places.ts';
import type { ReadOptions } from '../../traces/format.ts';
import {
  capacityOf,
  DEFAULT_DURATION,
  GENERATED_NODES_MAX,
  generateJobBatches,
  generateNodes,
  HOMOGENEOUS_MIX,
  type NodeKind,
  OPENB_LIKE_MIX,
} from '../../traces/generate.ts';
import { isPipe } from '../../traces/pipe.ts';
import { detectFormat, readCluster, readJobs, streamJobs } from '../../traces/read.ts';
import { fileInput, inputName, type TraceInput } from '../../traces/source.ts';
import { profilesOf } from '../kubernetes/objects/profiles.ts';
import type { WorldReader } from '../kubernetes/snapshot/world-reader.ts';
import { GpuMakes } from './gpu-makes.ts';
import { TaintTerms } from './taint-terms.ts';
import { type ChangedCluster, changeCluster, startFrom, type WhatIf } from './what-if.ts';

/** Prefix of a generated source. */
const GENERATED = 'generated:';

/** The stream of a seed that workloads are generated from. */
const STREAM_WORKLOAD = 3;

/** The machine mixes that a generated cluster can be made of. */
const MIXES: Readonly<Record<string, readonly NodeKind[]>> = {
  openb: OPENB_LIKE_MIX,
  homogeneous: HOMOGENEOUS_MIX,
};

/** The inputs of a run. */
export interface InputSources {
  /** A file, or `generated:MIX:NODES` with MIX openb or homogeneous. */
  readonly cluster: string;
  /** Changes to the cluster, and whether to start from the pods of its file. */
  readonly whatIf?: WhatIf;
  /**
   * '' (only with a start from a snapshot: none), a file, or `generated:JOBS`, `generated:JOBS:LOAD` or
   * `generated:JOBS:LOAD:LONGEST`: offered load relative to the cluster, and where durations are cut (`8h`; a gang runs up to
   * four times as long).
   */
  readonly jobs: string;
  /**
   * Whether the pod scheduler is to decide, so that its view of a Kubernetes cluster is wanted too; default false.
   * Without a start from a snapshot it can only if cluster and jobs are both files of Kubernetes.
   */
  readonly podScheduler?: boolean;
  /** Of a generated workload. */
  readonly seed: number;
  /** Bad rows of a file that are left out before it is refused; default 0. */
  readonly skipBad?: number;
  /** Resources of Kubernetes files that are ignored. */
  readonly ignoredResources?: readonly string[];
  /** Column names of the job file, by the column names of its format; see `ReadOptions`. */
  readonly map?: Readonly<Record<string, string>>;
  /** By path: the file that holds a copy of the input, where the input can be read only once; see `input-spool.ts`. */
  readonly spooled?: Readonly<Record<string, string>>;
}

/** Inputs in memory. */
export interface Inputs {
  readonly nodes: readonly NodeSpec[];
  readonly builder: JobTableBuilder;
  /** Nodes of the first jobs of the builder, if the run starts from a snapshot. */
  readonly recorded?: RecordedStart;
  /** The cluster as the pod scheduler sees it, if that is to decide and the cluster is one of Kubernetes. */
  readonly world?: PodWorld;
  /** Assumptions and omissions of the readers, for people. */
  readonly warnings: readonly string[];
}

/** A parsed source. */
export type ClusterSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'generated'; readonly mix: readonly NodeKind[]; readonly nodes: number };

/** A parsed source. */
export type WorkloadSource =
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'generated';
      readonly jobs: number;
      readonly load: number;
      /** Longest duration before the factor of the job's class. */
      readonly maxSeconds: number;
    };

/** @returns True if a source is generated rather than read: another seed then generates another one. */
export function isGenerated(source: string): boolean {
  return source.startsWith(GENERATED);
}

/** @returns The meaning of `generated:openb:2000`, `generated:2000` or a path. @throws TegError TEG_OPTION_INVALID. */
export function parseClusterSource(text: string): ClusterSource {
  if (!isGenerated(text)) return { kind: 'file', path: text };
  const parts = text.slice(GENERATED.length).split(':');
  const [name, count] = parts.length === 1 ? ['openb', parts[0]] : parts;
  const mix = Object.hasOwn(MIXES, name ?? '') ? MIXES[name as string] : undefined;
  const nodes = Number(count);
  if (parts.length > 2 || mix === undefined || !isCountUpTo(nodes, GENERATED_NODES_MAX)) {
    throw badSource(
      'cluster',
      text,
      `a file, or generated:MIX:NODES with MIX ${Object.keys(MIXES).join(' or ')} and NODES up to ${GENERATED_NODES_MAX}, such as generated:openb:2000`,
    );
  }
  return { kind: 'generated', mix, nodes };
}

/** @returns The meaning of `generated:50000`, `generated:50000:0.8` or a path. @throws TegError TEG_OPTION_INVALID. */
export function parseJobSource(text: string): WorkloadSource {
  if (!isGenerated(text)) return { kind: 'file', path: text };
  const parts = text.slice(GENERATED.length).split(':');
  const jobs = Number(parts[0]);
  const load = parts[1] === undefined ? 0.9 : Number(parts[1]);
  const maxSeconds = parts[2] === undefined ? DEFAULT_DURATION.maxSeconds : longestSeconds(parts[2]);
  const badNumber = !isCountUpTo(jobs, WORKLOAD_PODS_MAX) || !(load > 0 && load < 1e6);
  if (parts.length > 3 || badNumber || !(maxSeconds >= DEFAULT_DURATION.tailSeconds && maxSeconds <= 1e9)) {
    throw badSource(
      'workload',
      text,
      `a file, or generated:JOBS, generated:JOBS:LOAD or generated:JOBS:LOAD:LONGEST with JOBS up to ${WORKLOAD_PODS_MAX} and LONGEST from 6h on, ` +
        'such as generated:50000:0.9:8h',
    );
  }
  return { kind: 'generated', jobs, load, maxSeconds };
}

function isCountUpTo(count: number, most: number): boolean {
  return Number.isSafeInteger(count) && count >= 1 && count <= most;
}

/** @returns `8h` or `2d` in seconds, NaN if the text is neither. */
function longestSeconds(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(h|d)$/.exec(text);
  return match === null ? Number.NaN : Number(match[1]) * (match[2] === 'h' ? 3_600 : 86_400);
}

/**
 * Reads or makes the inputs. A file of jobs is streamed: memory holds some 60 bytes a job and the names.
 *
 * @throws TegError of the readers and generators; TEG_JOB_INVALID for two jobs of one id; TEG_OPTION_INVALID for
 *   changes
 *         that the cluster does not allow.
 */
export async function loadInputs(sources: InputSources): Promise<Inputs> {
  const warnings = new Set<string>();
  const { whatIf = {} } = sources;
  const podScheduler =
    sources.podScheduler === true && (whatIf.startFromSnapshot === true || (await areKubernetes(sources)));
  const world = podScheduler ? await newWorldReader(sources.ignoredResources ?? []) : undefined;
  const read: ReadOptions = {
    skipBad: sources.skipBad ?? 0,
    keepsCordoned: whatIf.startFromSnapshot === true,
    heedsRules: podScheduler,
    ignoredResources: sources.ignoredResources ?? [],
    // A file that is both cluster and workload is read twice.
    onWarning: ({ message, count }) => warnings.add(count > 1 ? `${message} (${count} times)` : message),
  };
  const source = parseClusterSource(sources.cluster);
  if (sources.map !== undefined && (sources.jobs === '' || isGenerated(sources.jobs))) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      'got --map without a file of jobs, expected both: name one by --jobs',
    );
  }
  const made =
    source.kind === 'file'
      ? await readCluster(inputOf(sources, source.path), {
          ...read,
          ...(world === undefined || whatIf.startFromSnapshot ? {} : { onObject: world.ofEmptyCluster }),
        })
      : generateNodes({ nodes: source.nodes, mix: source.mix });
  if (whatIf.startFromSnapshot && source.kind === 'file') await refuseOtherFormats(sources, source.path);
  const changed = changeCluster(made, whatIf);
  const makes = new GpuMakes(changed.nodes);
  const taints = new TaintTerms(makes.nodes);
  const jobs = new JobCollector(taints, makes, world);
  const { nodes } = taints;
  // Of a file that is both, the other objects were seen with the cluster.
  const onObject = sources.jobs === sources.cluster ? world?.ofPods : world?.ofJobs;
  const readRest = { ...read, ...(onObject === undefined ? {} : { onObject }) };
  let recorded: RecordedStart | undefined;
  if (!whatIf.startFromSnapshot) await loadJobs(jobs, sources, nodes, readRest, 0);
  else {
    if (source.kind !== 'file') throw badSource('cluster', sources.cluster, 'a file with pods to start from');
    recorded = await loadSnapshotPods(jobs, inputOf(sources, source.path), changed, read, warnings);
    if (sources.jobs !== '')
      await loadJobs(jobs, sources, nodes, readRest, await firstSubmission(sources, read));
  }
  for (const [text, count] of world?.warnings ?? [])
    warnings.add(count > 1 ? `${text} (${count} times)` : text);
  return {
    nodes,
    builder: jobs.builder,
    ...(recorded === undefined ? {} : { recorded }),
    ...(world?.hasNodes ? { world: await worldOf(world, changed) } : {}),
    warnings: [...warnings],
  };
}

/** True if both sources are files of Kubernetes objects. Columns are named in tables only. */
async function areKubernetes(sources: InputSources): Promise<boolean> {
  if (sources.map !== undefined) return false;
  for (const path of new Set([sources.cluster, sources.jobs])) {
    if (isGenerated(path) || (await detectFormat(inputOf(sources, path))) !== 'kubernetes') return false;
  }
  return true;
}

/** Runs that a zone decides need not wait for the readers of the scheduler. */
async function newWorldReader(ignored: readonly string[]): Promise<WorldReader> {
  const { WorldReader } = await import('../kubernetes/snapshot/world-reader.ts');
  const { defaultSchedulerConfig } = await import('../kubernetes/config/scheduler-config.ts');
  return new WorldReader(profilesOf(defaultSchedulerConfig().schedulerNames), ignored);
}

/** As a scheduler with the default configuration would see it. */
async function worldOf(reader: WorldReader, { nodes, copies, removed }: ChangedCluster): Promise<PodWorld> {
  const { coreOptions } = await import('../kubernetes/config/core-options.ts');
  const { defaultSchedulerConfig } = await import('../kubernetes/config/scheduler-config.ts');
  const names = new Set(nodes.map(({ name }) => name));
  return reader.world(coreOptions(defaultSchedulerConfig()), { nodes: names, copies, removed });
}

/** Takes jobs from one source after the other. */
class JobCollector {
  readonly builder = new JobTableBuilder(new DemandTable());
  private readonly taints: TaintTerms;
  private readonly makes: GpuMakes;
  readonly world: WorldReader | undefined;
  private readonly ids = new Set<string>();

  constructor(taints: TaintTerms, makes: GpuMakes, world: WorldReader | undefined) {
    this.taints = taints;
    this.makes = makes;
    this.world = world;
  }

  /**
   * Adds a job, with the terms of taints and of makes of GPUs. @throws TegError TEG_JOB_INVALID if the id exists
   * already.
   */
  add(source: string, job: JobSpec): void {
    this.claim(source, job.id);
    this.builder.add(this.taints.apply(this.makes.apply(job)));
  }

  /** Adds a job of another source than the cluster's. @throws TegError as `add`. */
  addFurther(source: string, job: JobSpec): void {
    this.add(source, job);
    this.world?.addFurther(job);
  }

  /** Adds a pod that is on its node already, whatever taints the node has now. */
  addPlaced(source: string, job: JobSpec): void {
    this.claim(source, job.id);
    this.builder.add(job);
  }

  private claim(source: string, id: string): void {
    if (this.ids.has(id)) {
      throw new TegError(
        'TEG_JOB_INVALID',
        `${source}: got two jobs named '${id}', expected unique names; rename or remove one`,
      );
    }
    this.ids.add(id);
  }
}

async function loadSnapshotPods(
  jobs: JobCollector,
  input: TraceInput,
  cluster: ChangedCluster,
  read: ReadOptions,
  warnings: Set<string>,
): Promise<RecordedStart> {
  // The warnings about nodes were reported when the nodes were read.
  const onObject = jobs.world === undefined ? {} : { onObject: jobs.world.ofCluster };
  const start = startFrom(await readJobs(input, { ...read, ...onObject, onWarning: () => {} }), cluster);
  for (const pod of start.kept) jobs.addPlaced(input.name, pod);
  for (const pod of start.pending) jobs.add(input.name, pod);
  for (const warning of start.warnings) warnings.add(warning);
  return { nodes: start.nodes, pending: start.pending.length };
}

/** @throws TegError TEG_OPTION_INVALID for a cluster without the nodes of pods; a pipe that is not spooled is let through. */
async function refuseOtherFormats(sources: InputSources, path: string): Promise<void> {
  const input = inputOf(sources, path);
  if (isPipe(sources.spooled?.[path] ?? path)) return;
  const format = await detectFormat(input);
  if (format === 'kubernetes') return;
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got --start-from-snapshot with ${input.name}, a file of the format ${format}, expected one of Kubernetes, which says where pods run: a file of teg snapshot or kubectl get`,
  );
}

/** Further jobs arrive as they were recorded, the first of them when the run starts. */
async function firstSubmission(sources: InputSources, read: ReadOptions): Promise<number> {
  const source = parseJobSource(sources.jobs);
  if (source.kind === 'generated') return 0;
  let first = Number.POSITIVE_INFINITY;
  for await (const batch of streamJobs(inputOf(sources, source.path), {
    ...jobReading(sources, read),
    onWarning: () => {},
  })) {
    for (const job of batch) first = Math.min(first, job.submitSeconds);
  }
  return Number.isFinite(first) ? first : 0;
}

/** @returns The file that a path names, or the copy of a pipe's contents under the pipe's name. */
function inputOf({ spooled }: InputSources, path: string): TraceInput {
  const copy = spooled?.[path];
  return copy === undefined ? fileInput(path) : fileInput(copy, inputName(path));
}

/** @returns The options for reading the job file: its columns may have other names. */
function jobReading({ map }: InputSources, read: ReadOptions): ReadOptions {
  return map === undefined ? read : { ...read, map };
}

/** @param firstSeconds The time in the source that counts as 0. */
async function loadJobs(
  jobs: JobCollector,
  sources: InputSources,
  nodes: readonly NodeSpec[],
  read: ReadOptions,
  firstSeconds: number,
): Promise<void> {
  const source = parseJobSource(sources.jobs);
  if (source.kind === 'generated') {
    const random = new Random(sources.seed, STREAM_WORKLOAD);
    const duration = { ...DEFAULT_DURATION, maxSeconds: source.maxSeconds };
    const options = { jobs: source.jobs, load: source.load, duration, capacity: capacityOf(nodes) };
    for (const batch of generateJobBatches(options, random)) {
      for (const job of batch) jobs.addFurther(sources.jobs, job);
    }
    return;
  }
  let count = 0;
  let badRows = 0;
  const reading = { ...jobReading(sources, read), onBad: () => badRows++ };
  for await (const batch of streamJobs(inputOf(sources, source.path), reading)) {
    count += batch.length;
    for (const job of batch) {
      if (job.submitSeconds < 0) await refuseNegative(sources, source.path, job);
      const submitSeconds = job.submitSeconds - firstSeconds;
      jobs.addFurther(source.path, firstSeconds === 0 ? job : { ...job, submitSeconds });
    }
  }
  if (count > 0 || (badRows === 0 && source.path === sources.cluster)) return;
  if (badRows === 0) {
    throw new TegError(
      'TEG_JOB_INVALID',
      `${source.path}: describes no jobs, expected at least one; name another workload`,
    );
  }
  throw new TegError(
    'TEG_JOB_INVALID',
    `${source.path}: every row is bad (${badRows} left out), expected at least one job; correct the file`,
  );
}

/**
 * Traces may begin before their time 0; in a table that somebody wrote for TEG it is a mistake.
 *
 * @throws TegError TEG_JOB_INVALID.
 */
async function refuseNegative(
  sources: InputSources,
  path: string,
  { id, submitSeconds }: JobSpec,
): Promise<void> {
  // Under other names the columns are those of another's file.
  if (sources.map !== undefined || isPipe(sources.spooled?.[path] ?? path)) return;
  if ((await detectFormat(inputOf(sources, path))) !== 'teg-jobs-csv') return;
  throw new TegError(
    'TEG_JOB_INVALID',
    `${path}: job '${id}': submit_s: got ${submitSeconds}, expected seconds ≥ 0 from the start of the workload; correct it, or add the same to all`,
  );
}

function badSource(what: string, text: string, expected: string): TegError {
  return new TegError('TEG_OPTION_INVALID', `${what}: got '${text}', expected ${expected}; correct it`);
}
