/** The options of `teg trace` as commander parses them. */
import type { ColumnMap } from '../../traces/csv-header.ts';
import type { TraceFormat, TraceKind } from '../../traces/format.ts';

/** Options of every command that reads a trace. */
export interface TraceReadingOptions {
  readonly format?: TraceFormat;
  readonly skipBad: number;
  readonly assume: Readonly<Record<string, number>>;
  readonly map?: ColumnMap;
  readonly ignoreResource?: readonly string[];
  readonly json?: boolean;
}

/** Options of `teg trace convert`. */
export interface TraceConvertOptions extends TraceReadingOptions {
  readonly kind?: TraceKind;
}

/** Options for the machines of a generated cluster. */
export interface ClusterChoice {
  readonly nodes: number;
  readonly mix: 'openb' | 'homogeneous';
  readonly model: string;
  readonly gpus: number;
  readonly cores: number;
  readonly memoryGib: number;
}

/** Options of `teg trace generate nodes`. */
export interface GenerateNodesOptions extends ClusterChoice {
  readonly json?: boolean;
}

/** Options of `teg trace generate jobs`. */
export interface GenerateJobsOptions extends ClusterChoice {
  readonly jobs: number;
  readonly cluster?: string;
  readonly load: number;
  readonly seed: number;
  readonly tenantCount: number;
  readonly burst: number;
  readonly diurnal: number;
  readonly modelShare: number;
  readonly median: number;
  readonly longest: number;
  readonly json?: boolean;
}
