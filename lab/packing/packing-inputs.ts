/** The inputs of `teg bench packing`: nodes, pod lists and, where they are given, arrival orders and node ranks. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { TegError } from '../../src/model/errors.ts';
import type { JobSpec } from '../../src/model/job.ts';
import type { NodeSpec } from '../../src/model/node.ts';
import type { PackingArrivals } from '../../src/simulation/packing/packing-arrivals.ts';
import { readJobs } from '../../src/traces/read.ts';
import { csvInteger, readCsvRecords } from './csv-records.ts';

/** One pod list; a row of `jobs` is one pod. */
export interface PackingList {
  readonly name: string;
  readonly jobs: readonly JobSpec[];
  /** Given arrivals and ranks by seed; other seeds are drawn. */
  readonly given: ReadonlyMap<number, PackingArrivals>;
}

/** Files by their options; either `pods` or `traces` is given. */
export interface PackingFiles {
  readonly nodes?: string;
  readonly pods?: string;
  readonly arrivals?: string;
  readonly ranks?: string;
  readonly traces?: string;
  readonly reference?: string;
  readonly lists?: readonly string[];
}

/** Name of a pod list in a folder of traces. */
const POD_LIST = /^openb_pod_list_(.+)\.csv(?:\.gz)?$/;

/** Node list of the published benchmark, by its name in a folder of traces. */
const NODE_LIST = /^openb_node_list_gpu_node\.csv(?:\.gz)?$/;

/** A pod list before it is read. Plain data. */
export interface PackingListFiles {
  readonly name: string;
  readonly pods: string;
  /** Both or none. */
  readonly arrivals?: string;
  readonly ranks?: string;
}

/**
 * Finds the lists of a run without reading them.
 *
 * @throws TegError TEG_OPTION_INVALID for files that are missing on the command line or unknown lists.
 */
export function findPackingLists(files: PackingFiles): PackingListFiles[] {
  return podFiles(files).map(({ name, path }) => ({ name, pods: path, ...sequenceFiles(files, name) }));
}

/** Reads a list. @throws TegError as the readers. */
export async function readPackingList(
  files: PackingListFiles,
  nodes: readonly NodeSpec[],
): Promise<PackingList> {
  const jobs = expandPods(await readJobs(files.pods));
  return { name: files.name, jobs, given: readSequences(files, jobs.length, nodes) };
}

/** @returns One row a pod: a job of several pods becomes as many rows. */
function expandPods(jobs: readonly JobSpec[]): JobSpec[] {
  return jobs.flatMap((job) => (job.podCount === 1 ? [job] : new Array<JobSpec>(job.podCount).fill(job)));
}

/**
 * @returns The node file: the given one, or the one of GPU nodes in a folder of traces. @throws TegError
 *   TEG_OPTION_INVALID.
 */
export function findNodes({ nodes, traces }: PackingFiles): string {
  if (nodes !== undefined) return nodes;
  const found = traces === undefined ? undefined : filesOf(traces).find((file) => NODE_LIST.test(file));
  if (traces !== undefined && found !== undefined) return join(traces, found);
  throw new TegError(
    'TEG_OPTION_INVALID',
    traces === undefined
      ? 'got no nodes, expected --nodes FILE or --traces DIR'
      : `got no openb_node_list_gpu_node.csv[.gz] in '${traces}', expected it there or --nodes FILE`,
  );
}

function podFiles(files: PackingFiles): { name: string; path: string }[] {
  if (files.pods !== undefined) return [{ name: listName(files.pods), path: files.pods }];
  const { traces } = files;
  if (traces === undefined) {
    throw new TegError('TEG_OPTION_INVALID', 'got no pods, expected --pods FILE or --traces DIR');
  }
  const found = filesOf(traces)
    .filter((file) => POD_LIST.test(file))
    .map((file) => ({ name: listName(file), path: join(traces, file) }))
    .sort((a, b) => listOrder(a.name) - listOrder(b.name) || (a.name < b.name ? -1 : 1));
  if (found.length === 0) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `got no openb_pod_list_NAME.csv[.gz] in '${traces}', expected some there or --pods FILE`,
    );
  }
  return files.lists === undefined ? found : chosen(found, files.lists);
}

function chosen<T extends { name: string }>(found: readonly T[], names: readonly string[]): T[] {
  return names.map((name) => {
    const list = found.find((candidate) => candidate.name === name);
    if (list !== undefined) return list;
    const known = found.map((candidate) => candidate.name).join(', ');
    throw new TegError('TEG_OPTION_INVALID', `got --lists with '${name}', expected some of ${known}`);
  });
}

/** The list without a suffix comes first, as in the published tables. */
function listOrder(name: string): number {
  return name === 'default' ? 0 : 1;
}

function listName(path: string): string {
  const file = basename(path);
  return POD_LIST.exec(file)?.[1] ?? file.replace(/\.gz$/, '').replace(/\.[^.]*$/, '');
}

function filesOf(folder: string): string[] {
  return readdirSync(folder).sort();
}

/** Arrivals and ranks: the given ones, or those of a reference folder for this list. */
function sequenceFiles(files: PackingFiles, list: string): { arrivals: string; ranks: string } | undefined {
  const { arrivals, ranks, reference } = files;
  if (arrivals !== undefined && ranks !== undefined) return { arrivals, ranks };
  if (arrivals !== undefined || ranks !== undefined) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `got ${ranks === undefined ? '--arrivals without --ranks' : '--ranks without --arrivals'}, expected both or none`,
    );
  }
  if (reference === undefined) return undefined;
  const given = (name: string): string | undefined =>
    [`${name}.csv.gz`, `${name}.csv`]
      .map((file) => join(reference, 'fgd-sequences', file))
      .find((path) => existsSync(path));
  const found = { arrivals: given(`${list}-arrivals`), ranks: given(`${list}-node-rank`) };
  if (found.arrivals === undefined || found.ranks === undefined) return undefined;
  return { arrivals: found.arrivals, ranks: found.ranks };
}

function readSequences(
  files: PackingListFiles,
  jobCount: number,
  nodes: readonly NodeSpec[],
): Map<number, PackingArrivals> {
  const given = new Map<number, PackingArrivals>();
  if (files.arrivals === undefined || files.ranks === undefined) return given;
  const ranks = readRanks(files.ranks, nodes);
  for (const [seed, order] of readArrivals(files.arrivals, jobCount)) {
    const seedRanks = ranks.get(seed);
    if (seedRanks !== undefined) given.set(seed, { order, ranks: seedRanks });
  }
  return given;
}

/** Reads `seed,position,pod_row`. @returns Rows in order of position, by seed. */
function readArrivals(path: string, jobCount: number): Map<number, Int32Array> {
  const bySeed = new Map<number, number[]>();
  readCsvRecords(path, ['seed', 'position', 'pod_row']).forEach((record, i) => {
    const seed = csvInteger(path, record, i + 1, 'seed');
    const position = csvInteger(path, record, i + 1, 'position', 2 ** 31 - 1);
    const rows = bySeed.get(seed) ?? [];
    if (rows.length !== position) {
      throw new TegError(
        'TEG_TRACE_BAD_VALUE',
        `${path}: row ${i + 1}, column position: got ${position}, expected ${rows.length}, the next one of seed ${seed}`,
      );
    }
    rows.push(csvInteger(path, record, i + 1, 'pod_row', jobCount - 1));
    bySeed.set(seed, rows);
  });
  return new Map([...bySeed].map(([seed, rows]) => [seed, Int32Array.from(rows)]));
}

/** Reads `seed,node,rank`. @returns Ranks by node index, by seed. */
function readRanks(path: string, nodes: readonly NodeSpec[]): Map<number, Int32Array> {
  const indexByName = new Map(nodes.map((node, i) => [node.name, i]));
  const bySeed = new Map<number, Int32Array>();
  readCsvRecords(path, ['seed', 'node', 'rank']).forEach((record, i) => {
    const seed = csvInteger(path, record, i + 1, 'seed');
    const index = indexByName.get(record.node ?? '');
    if (index === undefined) {
      throw new TegError(
        'TEG_TRACE_BAD_VALUE',
        `${path}: row ${i + 1}, column node: got '${record.node}', expected the name of a node of the cluster`,
      );
    }
    const ranks = bySeed.get(seed) ?? new Int32Array(nodes.length).fill(-1);
    ranks[index] = csvInteger(path, record, i + 1, 'rank', nodes.length - 1);
    bySeed.set(seed, ranks);
  });
  for (const [seed, ranks] of bySeed) {
    if (new Set(ranks).size === nodes.length && !ranks.includes(-1)) continue;
    throw new TegError(
      'TEG_TRACE_BAD_ROW',
      `${path}: the ranks of seed ${seed} are not 0 to ${nodes.length - 1}, each once; expected one rank for every node`,
    );
  }
  return bySeed;
}
