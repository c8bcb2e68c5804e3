/**
 * The normal form as a table: which columns a file of jobs, nodes or usage samples has, as Parquet or as CSV.
 *
 * All columns are flat; lists and objects are JSON as text, so that any tool reads the file.
 */
import type { AffinityTerm, JobSpec } from '../model/job.ts';
import type { NodeSpec } from '../model/node.ts';
import { findJobProblem, findNodeProblem, type SpecProblem } from '../model/validate.ts';
import type { TraceKind } from './format.ts';
import { findUsageProblem, type UsageSample } from './usage.ts';

/** Version of the columns; a reader refuses a newer one. Raised when a column changes its meaning. */
export const SCHEMA_VERSION = 1;

/** A value of a row as the table holds it. */
export type Cell = string | number | null;

/** A column. */
export interface Column<T> {
  readonly name: string;
  /** JSON is text that holds JSON. */
  readonly type: 'STRING' | 'JSON' | 'INT32' | 'DOUBLE';
  /** Whether it may be absent. */
  readonly nullable: boolean;
  readonly get: (item: T) => Cell;
}

/** A row on its way in: values by column name. */
export type Cells = (column: string) => Cell;

/** How items of a kind are laid out. */
export interface Layout<T> {
  readonly kind: TraceKind;
  readonly columns: readonly Column<T>[];
  /** Makes an item of a row; what it gives is checked by `findProblem`. May throw SyntaxError for bad JSON. */
  readonly toItem: (cells: Cells) => T;
  readonly findProblem: (item: T) => SpecProblem | undefined;
}

/** Jobs. */
export const JOB_LAYOUT: Layout<JobSpec> = {
  kind: 'jobs',
  findProblem: findJobProblem,
  columns: [
    column('id', 'STRING', (job) => job.id),
    column('tenant', 'STRING', (job) => job.tenant),
    column('priority', 'INT32', (job) => job.priority),
    column('submit_s', 'DOUBLE', (job) => job.submitSeconds),
    column('duration_s', 'DOUBLE', (job) => job.durationSeconds),
    column('requested_s', 'DOUBLE', (job) => job.requestedSeconds),
    column('pod_count', 'INT32', (job) => job.podCount),
    column('gang_min', 'INT32', (job) => job.gangMin),
    column('cpu_milli', 'INT32', (job) => job.cpuMilli),
    column('memory_mib', 'INT32', (job) => job.memoryMib),
    column('gpu_count', 'INT32', (job) => job.gpuCount),
    column('gpu_milli', 'INT32', (job) => job.gpuMilli),
    column('gpu_models', 'JSON', (job) => JSON.stringify(job.gpuModels)),
    nullable('extended', 'JSON', (job) => jsonOrNull(job.extended)),
    nullable('affinity', 'JSON', (job) => jsonOrNull(job.affinity)),
    nullable('pods_per_node_max', 'INT32', (job) => job.podsPerNodeMax ?? null),
    nullable('spread_group', 'STRING', (job) => job.spreadGroup ?? null),
    nullable('pod_group', 'STRING', (job) => job.podGroup ?? null),
    nullable('owner', 'STRING', (job) => job.owner ?? null),
    nullable('node_name', 'STRING', (job) => job.nodeName ?? null),
  ],
  toItem: (cells) => ({
    id: cells('id') as string,
    tenant: cells('tenant') as string,
    priority: cells('priority') as number,
    submitSeconds: cells('submit_s') as number,
    durationSeconds: cells('duration_s') as number,
    requestedSeconds: cells('requested_s') as number,
    podCount: cells('pod_count') as number,
    gangMin: cells('gang_min') as number,
    cpuMilli: cells('cpu_milli') as number,
    memoryMib: cells('memory_mib') as number,
    gpuCount: cells('gpu_count') as number,
    gpuMilli: cells('gpu_milli') as number,
    gpuModels: parse<string[]>(cells('gpu_models')) ?? [],
    ...optional('extended', parse<Record<string, number>>(cells('extended'))),
    ...optional('affinity', parse<AffinityTerm[]>(cells('affinity'))),
    ...optional('podsPerNodeMax', cells('pods_per_node_max') as number | null),
    ...optional('spreadGroup', cells('spread_group') as string | null),
    ...optional('podGroup', cells('pod_group') as string | null),
    ...optional('owner', cells('owner') as string | null),
    ...optional('nodeName', cells('node_name') as string | null),
  }),
};

/** Nodes. */
export const NODE_LAYOUT: Layout<NodeSpec> = {
  kind: 'nodes',
  findProblem: findNodeProblem,
  columns: [
    column('name', 'STRING', (node) => node.name),
    column('cpu_milli', 'INT32', (node) => node.cpuMilli),
    column('memory_mib', 'INT32', (node) => node.memoryMib),
    column('gpu_count', 'INT32', (node) => node.gpuCount),
    column('gpu_model', 'STRING', (node) => node.gpuModel),
    column('pods_max', 'INT32', (node) => node.podsMax),
    nullable('extended', 'JSON', (node) => jsonOrNull(node.extended)),
    nullable('labels', 'JSON', (node) => jsonOrNull(node.labels)),
  ],
  toItem: (cells) => ({
    name: cells('name') as string,
    cpuMilli: cells('cpu_milli') as number,
    memoryMib: cells('memory_mib') as number,
    gpuCount: cells('gpu_count') as number,
    gpuModel: cells('gpu_model') as string,
    podsMax: cells('pods_max') as number,
    ...optional('extended', parse<Record<string, number>>(cells('extended'))),
    ...optional('labels', parse<Record<string, string>>(cells('labels'))),
  }),
};

/** Usage samples. */
export const USAGE_LAYOUT: Layout<UsageSample> = {
  kind: 'usage',
  findProblem: findUsageProblem,
  columns: [
    column('pod', 'STRING', (sample) => sample.pod),
    column('t_s', 'DOUBLE', (sample) => sample.seconds),
    column('memory_share', 'DOUBLE', (sample) => sample.memoryShare),
  ],
  toItem: (cells) => ({
    pod: cells('pod') as string,
    seconds: cells('t_s') as number,
    memoryShare: cells('memory_share') as number,
  }),
};

/** Layouts by kind. */
export const LAYOUTS = { jobs: JOB_LAYOUT, nodes: NODE_LAYOUT, usage: USAGE_LAYOUT } as const;

function column<T>(name: string, type: Column<T>['type'], get: (item: T) => Cell): Column<T> {
  return { name, type, nullable: false, get };
}

function nullable<T>(name: string, type: Column<T>['type'], get: (item: T) => Cell): Column<T> {
  return { name, type, nullable: true, get };
}

function jsonOrNull(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

function parse<T>(cell: Cell): T | null {
  return cell === null ? null : (JSON.parse(String(cell)) as T);
}

function optional<Key extends string, T>(key: Key, value: T | null): { [K in Key]?: T } {
  return value === null ? {} : ({ [key]: value } as { [K in Key]?: T });
}
