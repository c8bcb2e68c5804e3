/**
 * The CSV formats by name.
 */
import type { JobSpec } from '../model/job.ts';
import type { NodeSpec } from '../model/node.ts';
import type { CsvFormat } from './csv.ts';
import { OPENB_NODES, OPENB_PODS } from './formats/openb.ts';

/** Every CSV format that makes jobs or nodes. */
export const CSV_FORMATS = {
  'openb-pods': OPENB_PODS as CsvFormat<JobSpec>,
  'openb-nodes': OPENB_NODES as CsvFormat<NodeSpec>,
} as const;

/** Name of a CSV format. */
export type CsvFormatName = keyof typeof CSV_FORMATS;
