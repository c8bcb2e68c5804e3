/**
 * The CSV formats by name.
 */
import type { CsvFormat } from './csv.ts';
import {
  ALIBABA_BATCH,
  ALIBABA_BATCH_PUBLISHED,
  ALIBABA_DLRM,
  ALIBABA_PODMEM,
  ALIBABA_PODMEM_PUBLISHED,
  ALIBABA_SPOT_NODES,
} from './formats/alibaba.ts';
import { METACENTRUM_JOBS, METACENTRUM_MACHINES } from './formats/metacentrum.ts';
import { normalCsv } from './formats/normal-csv.ts';
import { OPENB_NODES, OPENB_PODS } from './formats/openb.ts';
import { PHILLY_ELASTICFLOW, PHILLY_JOBS } from './formats/philly.ts';
import { LAYOUTS } from './layout.ts';

/** Every CSV format, in its layouts. One row makes one item, or (machines of MetaCentrum) a list of them. */
const CSV_FORMATS = {
  'openb-pods': [OPENB_PODS],
  'openb-nodes': [OPENB_NODES],
  philly: [PHILLY_JOBS, PHILLY_ELASTICFLOW],
  'metacentrum-jobs': [METACENTRUM_JOBS],
  'metacentrum-machines': [METACENTRUM_MACHINES],
  'alibaba-batch': [ALIBABA_BATCH, ALIBABA_BATCH_PUBLISHED],
  'alibaba-dlrm': [ALIBABA_DLRM],
  'alibaba-spot-nodes': [ALIBABA_SPOT_NODES],
  'alibaba-podmem': [ALIBABA_PODMEM, ALIBABA_PODMEM_PUBLISHED],
  'teg-jobs-csv': [normalCsv(LAYOUTS.jobs)],
  'teg-nodes-csv': [normalCsv(LAYOUTS.nodes)],
  'teg-usage-csv': [normalCsv(LAYOUTS.usage)],
} as const;

/** Name of a CSV format. */
export type CsvFormatName = keyof typeof CSV_FORMATS;

/** @returns The layouts of a format. */
export function csvLayouts(name: CsvFormatName): readonly CsvFormat<unknown>[] {
  return CSV_FORMATS[name] as readonly CsvFormat<unknown>[];
}

/** Names of all CSV formats. */
export const CSV_NAMES = Object.keys(CSV_FORMATS) as readonly CsvFormatName[];

/** @returns True if a format is a CSV format. */
export function isCsvFormat(name: string): name is CsvFormatName {
  return Object.hasOwn(CSV_FORMATS, name);
}
