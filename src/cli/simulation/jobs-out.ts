/**
 * `--jobs-out FILE`: one row for each job of a run.
 */
import type { JobRecords } from '../../simulation/inputs/job-log.ts';
import { JOB_STATES } from '../../simulation/inputs/job-log.ts';
import type { TableLayout } from '../../traces/layout.ts';
import { createTableWriter, type TraceWriter } from '../../traces/write.ts';
import { prepareOutput } from '../files/output-file.ts';

/** Rows that are made at a time. */
const BATCH_ROWS = 1_024;

/** One row. Times are seconds of the run, null where the job has none. */
interface JobRow {
  readonly job: string;
  readonly submit: number;
  readonly start: number | null;
  readonly end: number | null;
  readonly wait: number | null;
  readonly runs: number;
  readonly state: string;
  readonly nodes: string;
  readonly tenant: string;
}

const column = (
  name: string,
  type: 'STRING' | 'DOUBLE' | 'INT32',
  get: (row: JobRow) => string | number | null,
): TableLayout<JobRow>['columns'][number] => ({
  name,
  field: name,
  type,
  get,
  nullable: type === 'DOUBLE' && name !== 'submit_s',
  optional: false,
});

/** The columns; docs/simulation.md gives their meanings. */
const LAYOUT: TableLayout<JobRow> = {
  kind: 'job-records',
  columns: [
    column('job', 'STRING', (row) => row.job),
    column('submit_s', 'DOUBLE', (row) => row.submit),
    column('start_s', 'DOUBLE', (row) => row.start),
    column('end_s', 'DOUBLE', (row) => row.end),
    column('wait_s', 'DOUBLE', (row) => row.wait),
    column('runs', 'INT32', (row) => row.runs),
    column('state', 'STRING', (row) => row.state),
    column('nodes', 'STRING', (row) => row.nodes),
    column('tenant', 'STRING', (row) => row.tenant),
  ],
};

/** A file that waits for the records of a run. Either `write` or `abort` ends it. */
export interface JobsOut {
  /** Writes all rows and gives the file its name. */
  write(records: JobRecords): Promise<void>;
  /** Removes the unfinished file. */
  abort(): Promise<void>;
}

/**
 * Opens the file before a long run begins.
 *
 * @param path Ends in .csv, .csv.gz or .parquet.
 * @param inputs Files that the command reads.
 * @throws TegError TEG_OPTION_INVALID for another ending, or an input; TEG_OUTPUT_FAILED.
 */
export async function openJobsOut(path: string, inputs: readonly string[] = []): Promise<JobsOut> {
  await prepareOutput(path, inputs);
  const writer = await createTableWriter(LAYOUT, path);
  return {
    abort: () => writer.abort(),
    write: (records) => writeRows(writer, records),
  };
}

async function writeRows(writer: TraceWriter<JobRow>, records: JobRecords): Promise<void> {
  try {
    for (let from = 0; from < records.ids.length; from += BATCH_ROWS) {
      const length = Math.min(BATCH_ROWS, records.ids.length - from);
      await writer.write(Array.from({ length }, (_, i) => rowOf(records, from + i)));
    }
    await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

function rowOf(records: JobRecords, job: number): JobRow {
  const submit = records.submitSeconds[job] as number;
  const first = timeOrNull(records.firstStartSeconds[job]);
  const pods = records.nodes.subarray(records.podOffsets[job], records.podOffsets[job + 1]);
  return {
    job: records.ids[job] as string,
    submit,
    start: timeOrNull(records.startSeconds[job]),
    end: timeOrNull(records.endSeconds[job]),
    wait: first === null ? null : first - submit,
    runs: records.runs[job] as number,
    state: JOB_STATES[records.states[job] as number] as string,
    nodes: Array.from(pods, (node) => records.nodeNames[node]).join('|'),
    tenant: records.tenantNames[records.tenants[job] as number] as string,
  };
}

function timeOrNull(seconds: number | undefined): number | null {
  return seconds === undefined || Number.isNaN(seconds) ? null : seconds;
}
