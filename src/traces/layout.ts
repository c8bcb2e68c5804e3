/**
 * The normal form as a table: the columns of a file of jobs, nodes or usage samples, as Parquet or as CSV.
 *
 * All columns are flat; lists and objects are JSON as text, so that any tool reads the file.
 */
import type { Disruption } from '../model/eviction-terms.ts';
import type { AffinityTerm, JobSpec } from '../model/job.ts';
import { GPU_MILLI, type NodeSpec, PODS_PER_NODE_DEFAULT } from '../model/node.ts';
import { findJobProblem, findNodeProblem, type SpecProblem } from '../model/validate.ts';
import type { TraceKind } from './format.ts';
import { findUsageProblem, type UsageSample } from './usage.ts';

/** Version of the columns; a reader refuses a newer one. Raised when a column changes its meaning. */
export const SCHEMA_VERSION = 1;

/** A value of a row in the table's form. */
export type Cell = string | number | null;

/** A column. */
export interface Column<T> {
  readonly name: string;
  /** JSON is text that holds JSON; NAMES is a JSON list of texts, read as well in plain, such as `A100` or `A100|H100`. */
  readonly type: 'STRING' | 'JSON' | 'NAMES' | 'INT32' | 'DOUBLE';
  /** True if it may be absent from an item. */
  readonly nullable: boolean;
  /** True if a file may lack it or leave it empty: it then has a default (`toItem`). */
  readonly optional: boolean;
  /** Field of the model that it holds, as `findProblem` names it. */
  readonly field: string;
  readonly get: (item: T) => Cell;
}

/** An input row: values by column name. */
export type Cells = (column: string) => Cell;

/** Columns of a table that is written. */
export interface TableLayout<T> {
  /** A file's statement of its contents. */
  readonly kind: string;
  readonly columns: readonly Column<T>[];
}

/** Layout of items of a kind. */
export interface Layout<T> extends TableLayout<T> {
  readonly kind: TraceKind;
  /** Columns of other formats that look similar. */
  readonly excludes?: readonly string[];
  /** Makes an item of a row; `findProblem` checks the result. May throw SyntaxError for bad JSON. */
  readonly toItem: (cells: Cells) => T;
  readonly findProblem: (item: T) => SpecProblem | undefined;
}

/** Jobs. */
export const JOB_LAYOUT: Layout<JobSpec> = {
  kind: 'jobs',
  findProblem: findJobProblem,
  columns: [
    column('id', 'id', 'STRING', (job) => job.id),
    withDefault('tenant', 'tenant', 'STRING', (job) => job.tenant),
    withDefault('priority', 'priority', 'INT32', (job) => job.priority),
    column('submit_s', 'submitSeconds', 'DOUBLE', (job) => job.submitSeconds),
    column('duration_s', 'durationSeconds', 'DOUBLE', (job) => job.durationSeconds),
    withDefault('requested_s', 'requestedSeconds', 'DOUBLE', (job) => job.requestedSeconds),
    withDefault('pod_count', 'podCount', 'INT32', (job) => job.podCount),
    withDefault('gang_min', 'gangMin', 'INT32', (job) => job.gangMin),
    withDefault('cpu_milli', 'cpuMilli', 'INT32', (job) => job.cpuMilli),
    withDefault('memory_mib', 'memoryMib', 'INT32', (job) => job.memoryMib),
    withDefault('gpu_count', 'gpuCount', 'INT32', (job) => job.gpuCount),
    withDefault('gpu_milli', 'gpuMilli', 'INT32', (job) => job.gpuMilli),
    withDefault('gpu_models', 'gpuModels', 'NAMES', (job) => JSON.stringify(job.gpuModels)),
    nullable('extended', 'extended', 'JSON', (job) => jsonOrNull(job.extended)),
    nullable('affinity', 'affinity', 'JSON', (job) => jsonOrNull(job.affinity)),
    nullable('pods_per_node_max', 'podsPerNodeMax', 'INT32', (job) => job.podsPerNodeMax ?? null),
    nullable('spread_group', 'spreadGroup', 'STRING', (job) => job.spreadGroup ?? null),
    nullable('checkpoint_interval_s', 'checkpointSeconds', 'DOUBLE', (job) => job.checkpointSeconds ?? null),
    nullable('disruption', 'disruption', 'STRING', (job) => job.disruption ?? null),
    nullable('pod_group', 'podGroup', 'STRING', (job) => job.podGroup ?? null),
    nullable('owner', 'owner', 'STRING', (job) => job.owner ?? null),
    nullable('user', 'user', 'STRING', (job) => job.user ?? null),
    nullable('node_name', 'nodeName', 'STRING', (job) => job.nodeName ?? null),
    nullable('gpu_resource', 'gpuResource', 'STRING', (job) => job.gpuResource ?? null),
  ],
  toItem: (cells) => {
    const podCount = (cells('pod_count') ?? 1) as number;
    const gpuCount = (cells('gpu_count') ?? 0) as number;
    return {
      id: cells('id') as string,
      tenant: (cells('tenant') ?? '') as string,
      priority: (cells('priority') ?? 0) as number,
      submitSeconds: cells('submit_s') as number,
      durationSeconds: cells('duration_s') as number,
      requestedSeconds: (cells('requested_s') ?? Number.NaN) as number,
      podCount,
      gangMin: (cells('gang_min') ?? podCount) as number,
      cpuMilli: (cells('cpu_milli') ?? 0) as number,
      memoryMib: (cells('memory_mib') ?? 0) as number,
      gpuCount,
      gpuMilli: (cells('gpu_milli') ?? (gpuCount > 0 ? GPU_MILLI : 0)) as number,
      gpuModels: parseNames(cells('gpu_models')),
      ...optional('gpuResource', cells('gpu_resource') as string | null),
      ...optional('extended', parse<Record<string, number>>(cells('extended'))),
      ...optional('affinity', parse<AffinityTerm[]>(cells('affinity'))),
      ...optional('podsPerNodeMax', cells('pods_per_node_max') as number | null),
      ...optional('spreadGroup', cells('spread_group') as string | null),
      ...optional('checkpointSeconds', cells('checkpoint_interval_s') as number | null),
      ...optional('disruption', cells('disruption') as Disruption | null),
      ...optional('podGroup', cells('pod_group') as string | null),
      ...optional('owner', cells('owner') as string | null),
      ...optional('user', cells('user') as string | null),
      ...optional('nodeName', cells('node_name') as string | null),
    };
  },
};

/** Nodes. */
export const NODE_LAYOUT: Layout<NodeSpec> = {
  kind: 'nodes',
  findProblem: findNodeProblem,
  excludes: ['num_gpu', 'gpu_milli', 'submit_s', 'duration_s', 'creation_time', 'gpu_spec'],
  columns: [
    column('name', 'name', 'STRING', (node) => node.name),
    column('cpu_milli', 'cpuMilli', 'INT32', (node) => node.cpuMilli),
    column('memory_mib', 'memoryMib', 'INT32', (node) => node.memoryMib),
    withDefault('gpu_count', 'gpuCount', 'INT32', (node) => node.gpuCount),
    withDefault('gpu_model', 'gpuModel', 'STRING', (node) => node.gpuModel),
    withDefault('pods_max', 'podsMax', 'INT32', (node) => node.podsMax),
    nullable('extended', 'extended', 'JSON', (node) => jsonOrNull(node.extended)),
    nullable('labels', 'labels', 'JSON', (node) => jsonOrNull(node.labels)),
    nullable('gpu_resource', 'gpuResource', 'STRING', (node) => node.gpuResource ?? null),
  ],
  toItem: (cells) => ({
    name: cells('name') as string,
    cpuMilli: cells('cpu_milli') as number,
    memoryMib: cells('memory_mib') as number,
    gpuCount: (cells('gpu_count') ?? 0) as number,
    gpuModel: (cells('gpu_model') ?? '') as string,
    ...optional('gpuResource', cells('gpu_resource') as string | null),
    podsMax: (cells('pods_max') ?? PODS_PER_NODE_DEFAULT) as number,
    ...optional('extended', parse<Record<string, number>>(cells('extended'))),
    ...optional('labels', parse<Record<string, string>>(cells('labels'))),
  }),
};

/** Usage samples. */
export const USAGE_LAYOUT: Layout<UsageSample> = {
  kind: 'usage',
  findProblem: findUsageProblem,
  columns: [
    column('pod', 'pod', 'STRING', (sample) => sample.pod),
    column('t_s', 'seconds', 'DOUBLE', (sample) => sample.seconds),
    column('memory_share', 'memoryShare', 'DOUBLE', (sample) => sample.memoryShare),
  ],
  toItem: (cells) => ({
    pod: cells('pod') as string,
    seconds: cells('t_s') as number,
    memoryShare: cells('memory_share') as number,
  }),
};

/** Layouts by kind. */
export const LAYOUTS = { jobs: JOB_LAYOUT, nodes: NODE_LAYOUT, usage: USAGE_LAYOUT } as const;

type Of<T> = readonly [name: string, field: string, type: Column<T>['type'], get: (item: T) => Cell];

function column<T>(...[name, field, type, get]: Of<T>): Column<T> {
  return { name, field, type, get, nullable: false, optional: false };
}

function withDefault<T>(...[name, field, type, get]: Of<T>): Column<T> {
  return { name, field, type, get, nullable: false, optional: true };
}

function nullable<T>(...[name, field, type, get]: Of<T>): Column<T> {
  return { name, field, type, get, nullable: true, optional: true };
}

function jsonOrNull(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

function parse<T>(cell: Cell): T | null {
  return cell === null ? null : (JSON.parse(String(cell)) as T);
}

/** A list in JSON, or names joined by `|` as in openb. */
function parseNames(cell: Cell): string[] {
  if (cell === null || cell === '') return [];
  const text = String(cell);
  return text.startsWith('[') ? (JSON.parse(text) as string[]) : text.split('|').map((name) => name.trim());
}

/** @returns Columns by the fields of the model. */
export function columnsByField<T>(layout: Layout<T>): Readonly<Record<string, string>> {
  return Object.fromEntries(layout.columns.map(({ field, name }) => [field, name]));
}

function optional<Key extends string, T>(key: Key, value: T | null): { [K in Key]?: T } {
  return value === null ? {} : ({ [key]: value } as { [K in Key]?: T });
}
