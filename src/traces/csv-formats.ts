/**
 * The CSV formats by name.
 */
import type { CsvFormat } from './csv.ts';
import { ALIBABA_BATCH, ALIBABA_DLRM, ALIBABA_PODMEM, ALIBABA_SPOT_NODES } from './formats/alibaba.ts';
import { METACENTRUM_JOBS, METACENTRUM_MACHINES } from './formats/metacentrum.ts';
import { normalCsv } from './formats/normal-csv.ts';
import { OPENB_NODES, OPENB_PODS } from './formats/openb.ts';
import { PHILLY_JOBS } from './formats/philly.ts';
import { LAYOUTS } from './layout.ts';

/** Every CSV format. One row makes one item, or (machines of MetaCentrum) a list of them. */
export const CSV_FORMATS = {
  'openb-pods': OPENB_PODS,
  'openb-nodes': OPENB_NODES,
  philly: PHILLY_JOBS,
  'metacentrum-jobs': METACENTRUM_JOBS,
  'metacentrum-machines': METACENTRUM_MACHINES,
  'alibaba-batch': ALIBABA_BATCH,
  'alibaba-dlrm': ALIBABA_DLRM,
  'alibaba-spot-nodes': ALIBABA_SPOT_NODES,
  'alibaba-podmem': ALIBABA_PODMEM,
  'teg-jobs-csv': normalCsv(LAYOUTS.jobs),
  'teg-nodes-csv': normalCsv(LAYOUTS.nodes),
  'teg-usage-csv': normalCsv(LAYOUTS.usage),
} as const;

/** Name of a CSV format. */
export type CsvFormatName = keyof typeof CSV_FORMATS;

/** @returns The reader of a format if it is one of CSV. */
export function csvFormat(name: string): CsvFormat<unknown> | undefined {
  if (!Object.hasOwn(CSV_FORMATS, name)) return undefined;
  return CSV_FORMATS[name as CsvFormatName] as CsvFormat<unknown>;
}
