/**
 * The trace formats that are read, and the options and limits of reading.
 *
 * Not here: the readers themselves (`formats/`) and the recognition of formats (`detect.ts`).
 */
import type { TegError } from '../model/errors.ts';
import type { JobSpec } from '../model/job.ts';
import { GPUS_PER_NODE_MAX } from '../model/node.ts';

/** The kinds of things that a trace describes. */
export type TraceKind = 'jobs' | 'nodes' | 'usage';

/** One format of the list. */
export interface TraceFormatEntry {
  /** The kind described; Kubernetes objects describe jobs and nodes at once. */
  readonly kinds: readonly TraceKind[];
  /** One line for help texts. */
  readonly description: string;
}

/** Every format, by the name that `--format` takes. */
export const TRACE_FORMATS = {
  'openb-pods': { kinds: ['jobs'], description: 'Alibaba GPU cluster 2023, pod list (CSV)' },
  'openb-nodes': { kinds: ['nodes'], description: 'Alibaba GPU cluster 2023, node list (CSV)' },
  swf: { kinds: ['jobs'], description: 'Standard Workload Format, 18 fields a line' },
  philly: {
    kinds: ['jobs'],
    description: 'Microsoft Philly 2017, jobs (CSV; also as ElasticFlow publishes it)',
  },
  'philly-log': { kinds: ['jobs'], description: 'Microsoft Philly 2017, cluster_job_log (JSON)' },
  'metacentrum-jobs': { kinds: ['jobs'], description: 'MetaCentrum 2013, jobs (CSV)' },
  'metacentrum-swf': {
    kinds: ['jobs'],
    description: 'MetaCentrum 2013, wagap-2013.swf: 18 fields and those that PBS adds',
  },
  'metacentrum-machines': {
    kinds: ['nodes'],
    description: 'MetaCentrum 2013, machines (CSV, or wagap-2013.swf.machines)',
  },
  'alibaba-batch': {
    kinds: ['jobs'],
    description: 'Alibaba cluster 2017, batch_task (CSV with or without a header)',
  },
  'alibaba-dlrm': { kinds: ['jobs'], description: 'Alibaba recommendation serving 2025, instances (CSV)' },
  'alibaba-spot-nodes': { kinds: ['nodes'], description: 'Alibaba spot GPU nodes 2026 (CSV)' },
  'alibaba-podmem': {
    kinds: ['usage'],
    description: 'Alibaba GenAI pod memory 2026, usage samples: pod_memory_util_anon (CSV)',
  },
  kubernetes: { kinds: ['jobs', 'nodes'], description: 'Kubernetes pods and nodes (YAML or JSON)' },
  'teg-jobs-csv': { kinds: ['jobs'], description: 'TEG normal form of jobs (CSV)' },
  'teg-nodes-csv': { kinds: ['nodes'], description: 'TEG normal form of nodes (CSV)' },
  'teg-usage-csv': { kinds: ['usage'], description: 'TEG normal form of usage samples (CSV)' },
  'teg-jobs': { kinds: ['jobs'], description: 'TEG normal form of jobs (Parquet)' },
  'teg-nodes': { kinds: ['nodes'], description: 'TEG normal form of nodes (Parquet)' },
  'teg-usage': { kinds: ['usage'], description: 'TEG normal form of usage samples (Parquet)' },
} as const satisfies Record<string, TraceFormatEntry>;

/** Name of a trace format. */
export type TraceFormat = keyof typeof TRACE_FORMATS;

/** @returns True if a text is the name of a format. */
export function isTraceFormat(text: string): text is TraceFormat {
  return Object.hasOwn(TRACE_FORMATS, text);
}

/** @returns True if a format describes this kind. */
export function describes(format: TraceFormat, kind: TraceKind): boolean {
  const kinds: readonly TraceKind[] = TRACE_FORMATS[format].kinds;
  return kinds.includes(kind);
}

/** Bounds that limit memory for any content of the file. Each is a positive integer. */
export interface ReadLimits {
  /** Characters of one line. */
  readonly lineCharsMax: number;
  /** Fields of one row. */
  readonly fieldsMax: number;
  /** Characters of one field. */
  readonly fieldCharsMax: number;
  /** Rows of a row group of a Parquet file. */
  readonly groupRowsMax: number;
  /** Bytes of a row group of a Parquet file, before and after compression; and of its footer. */
  readonly groupBytesMax: number;
  /** Characters of one Kubernetes object, as text; also of a document that cannot be cut into its objects. */
  readonly objectCharsMax: number;
  /** Brackets that are open at once in one YAML object; the parser's time and memory grow fast with them. */
  readonly bracketsMax: number;
  /** Most pods that one workload object of Kubernetes expands to; zones take no larger gangs. */
  readonly podsPerWorkloadMax: number;
  /** Most pods that all workload objects of a file expand to. */
  readonly workloadPodsMax: number;
}

/** Default limits. An API server refuses objects above 1.5 MiB. */
export const DEFAULT_LIMITS: ReadLimits = {
  lineCharsMax: 1_048_576,
  fieldsMax: 1_024,
  fieldCharsMax: 65_536,
  groupRowsMax: 1_048_576,
  groupBytesMax: 268_435_456,
  objectCharsMax: 2_097_152,
  bracketsMax: 1_000,
  podsPerWorkloadMax: 65_536,
  workloadPodsMax: 1_000_000,
};

/** Assumptions for values that a format lacks. docs/traces.md states each with its reason. */
export interface TraceDefaults {
  /** Pods that a node takes in formats without that value. openb's published experiment uses 1,001. */
  readonly openbPodsPerNode: number;
  /** Philly: thousandths of a core a GPU. */
  readonly phillyCpuMilliPerGpu: number;
  /** Philly: MiB a GPU. */
  readonly phillyMemoryMibPerGpu: number;
  /** Most GPUs of one pod where a gang is given only as a number of GPUs. */
  readonly gpusPerPodMax: number;
  /** SWF: most processors of one pod; a job's pods get the largest divisor of its processors up to this. */
  readonly swfProcessorsPerPodMax: number;
  /** SWF: MiB a processor where neither requested nor used memory is known. */
  readonly swfMemoryMibPerProcessor: number;
  /** Alibaba batch 2017: MiB of the largest machine, which the trace gives as 1. */
  readonly batchMachineMemoryMib: number;
  /** Alibaba batch 2017: thousandths of a core where the request is empty. */
  readonly batchCpuMilli: number;
  /** Alibaba batch 2017: share of the largest machine's memory where the request is empty. */
  readonly batchMemoryShare: number;
  /** Alibaba spot nodes 2026: MiB a vCPU. */
  readonly spotMemoryMibPerCpu: number;
}

/** Default assumptions. */
export const DEFAULT_ASSUMPTIONS: TraceDefaults = {
  openbPodsPerNode: 1_001,
  phillyCpuMilliPerGpu: 4_000,
  phillyMemoryMibPerGpu: 16_384,
  gpusPerPodMax: 8,
  swfProcessorsPerPodMax: 1,
  swfMemoryMibPerProcessor: 0,
  batchMachineMemoryMib: 262_144,
  batchCpuMilli: 500,
  batchMemoryShare: 0.005,
  spotMemoryMibPerCpu: 8_192,
};

/** Least and greatest value of each assumption: any value between gives amounts that the model can hold. */
export const ASSUMPTION_BOUNDS: Readonly<Record<keyof TraceDefaults, readonly [number, number]>> = {
  openbPodsPerNode: [1, 1_000_000],
  phillyCpuMilliPerGpu: [0, 1_000_000],
  phillyMemoryMibPerGpu: [0, 16_777_216],
  gpusPerPodMax: [1, GPUS_PER_NODE_MAX],
  swfProcessorsPerPodMax: [1, 2_000_000],
  swfMemoryMibPerProcessor: [0, 16_777_216],
  batchMachineMemoryMib: [0, 2_147_483_647],
  batchCpuMilli: [0, 2_147_483_647],
  batchMemoryShare: [0, 1],
  spotMemoryMibPerCpu: [0, 16_777_216],
};

/** @returns True if a text is the name of an assumption. */
export function isAssumption(text: string): text is keyof TraceDefaults {
  return Object.hasOwn(ASSUMPTION_BOUNDS, text);
}

/** Assumptions that the reader of a format makes; formats that are absent make none. */
export const FORMAT_ASSUMPTIONS: Readonly<Partial<Record<TraceFormat, readonly (keyof TraceDefaults)[]>>> = {
  'openb-nodes': ['openbPodsPerNode'],
  philly: ['phillyCpuMilliPerGpu', 'phillyMemoryMibPerGpu', 'gpusPerPodMax'],
  'philly-log': ['phillyCpuMilliPerGpu', 'phillyMemoryMibPerGpu', 'gpusPerPodMax'],
  swf: ['swfProcessorsPerPodMax', 'swfMemoryMibPerProcessor'],
  'alibaba-batch': ['batchMachineMemoryMib', 'batchCpuMilli', 'batchMemoryShare'],
  'alibaba-spot-nodes': ['spotMemoryMibPerCpu'],
};

/** A remark about a trace for the user, with its number of occurrences. */
export interface TraceWarning {
  readonly message: string;
  /** Rows or objects concerned; 1 if it is about the file. */
  readonly count: number;
}

/** Options of reading a trace. */
export interface ReadOptions {
  /** Absent: recognised from the content. */
  readonly format?: TraceFormat;
  /** Bad rows that are left out before reading stops; default 0: the first one stops it. Integer ≥ 0. */
  readonly skipBad?: number;
  /** Called for every bad row that was left out. */
  readonly onBad?: (error: TegError) => void;
  /** Called at the end of the file with all assumptions and omissions. */
  readonly onWarning?: (warning: TraceWarning) => void;
  readonly limits?: Partial<ReadLimits>;
  readonly assume?: Partial<TraceDefaults>;
  /** For tables as text: the file's column for a column of the format, for example `{submit_s: 'submit_time'}`. */
  readonly map?: Readonly<Record<string, string>>;
  /**
   * True if nodes that take no pods (cordoned, not ready) are kept, with the taints that say so; default false: left
   * out.
   */
  readonly keepsCordoned?: boolean;
  /** Names of resources of Kubernetes objects that are ignored for pods and for nodes. */
  readonly ignoredResources?: readonly string[];
  /**
   * True if the caller applies all rules of a Kubernetes file's objects (by `onObject`): no warning is then given for
   * fields that jobs and nodes leave out.
   */
  readonly heedsRules?: boolean;
  /** Called for every object of a Kubernetes file, in order; see `KubernetesObject`. */
  readonly onObject?: (object: KubernetesObject) => void;
}

/** An object of a Kubernetes file, or the pod that a workload of it would make. */
export interface KubernetesObject {
  readonly kind: string;
  /** Not to be changed. */
  readonly object: Readonly<Record<string, unknown>>;
  /** Of a pod: the job that it became; absent if it was left out. */
  readonly job?: JobSpec;
  /**
   * Whether a workload would make the pod, or several like it: the object has the name of none of them. Absent: the file lists
   * it.
   */
  readonly isMade?: true;
}
