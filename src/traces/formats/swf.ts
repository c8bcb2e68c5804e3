/**
 * The Standard Workload Format: one job a line of 18 numbers, −1 where unknown, comments after `;`.
 *
 * @source Chapin et al. 1999, Benchmarks and Standards for the Evaluation of Parallel Job Schedulers;
 *   https://www.cs.huji.ac.il/labs/parallel/workload/swf.html.
 */
import { INT32_MAX } from '../../kernel/limits.ts';
import type { JobSpec } from '../../model/job.ts';
import { findJobProblem } from '../../model/validate.ts';
import { BATCH_ROWS, quoted, type ReadContext } from '../context.ts';
import { readLines } from '../lines.ts';
import { Row, SECONDS_MAX } from '../row.ts';
import type { OpenedInput } from '../source.ts';
import { largestDivisor } from './philly.ts';

/** The 18 fields, in order. */
const FIELDS = [
  'job number',
  'submit time',
  'wait time',
  'run time',
  'allocated processors',
  'average CPU time used',
  'used memory',
  'requested processors',
  'requested time',
  'requested memory',
  'status',
  'user',
  'group',
  'executable',
  'queue',
  'partition',
  'preceding job',
  'think time',
] as const;

/** Fields of the file that fields of the model are made from, for messages. */
const FIELD_OF: Readonly<Record<string, string>> = {
  id: 'job number',
  cpuMilli: 'requested processors',
  podCount: 'requested processors',
  memoryMib: 'requested memory',
};

/** Positions of the fields that are used. */
const JOB = 0;
const SUBMIT = 1;
const RUN = 3;
const ALLOCATED = 4;
const USED_MEMORY = 6;
const REQUESTED = 7;
const REQUESTED_TIME = 8;
const REQUESTED_MEMORY = 9;
const USER = 11;

/**
 * Reads an SWF file. Jobs that never ran (run time or processors unknown) are left out and counted.
 *
 * @throws TegError of the first bad line that is not tolerated; TEG_INPUT_TOO_LARGE.
 */
export async function* readSwf(input: OpenedInput, context: ReadContext): AsyncGenerator<JobSpec[]> {
  const row = new Row(context, FIELDS);
  let batch: JobSpec[] = [];
  for await (const lines of readLines(input.name, input.chunks, context.limits.lineCharsMax)) {
    for (const line of lines) {
      row.line++;
      const job = readLine(line, row, context);
      if (job === undefined) continue;
      batch.push(job);
      if (batch.length === BATCH_ROWS) {
        yield batch;
        batch = [];
      }
    }
  }
  if (batch.length > 0) yield batch;
}

function readLine(line: string, row: Row, context: ReadContext): JobSpec | undefined {
  const text = line.trim();
  if (text === '') return undefined;
  if (text.startsWith(';')) {
    const [, key, value] = /^;\s*([A-Za-z]{1,30}):\s*(.{1,200})/.exec(text) ?? [];
    if (key !== undefined && value !== undefined) context.note(key, value);
    return undefined;
  }
  try {
    row.fields = splitFields(text, row.line, context);
    const job = toJob(row, context);
    const problem = job === undefined ? undefined : findJobProblem(job);
    if (problem !== undefined) {
      const field = FIELD_OF[problem.field] ?? problem.field;
      throw context.problemError(row.line, { ...problem, field });
    }
    return job;
  } catch (error) {
    context.bad(error);
    return undefined;
  }
}

function splitFields(text: string, line: number, context: ReadContext): string[] {
  const fields = text.split(/\s+/, FIELDS.length + 1);
  if (fields.length < FIELDS.length) {
    const got = `${fields.length} fields in ${quoted(text)}`;
    throw context.error('TEG_TRACE_BAD_ROW', line, '', got, `${FIELDS.length} numbers`);
  }
  if (fields.length > FIELDS.length) context.warn('fields after the 18 of the format are ignored: lines');
  return fields;
}

function toJob(row: Row, context: ReadContext): JobSpec | undefined {
  for (let i = 0; i < FIELDS.length; i++) row.decimal(i, -SECONDS_MAX, Number.MAX_SAFE_INTEGER);
  const requested = row.integer(REQUESTED, -1, INT32_MAX);
  const processors = requested > 0 ? requested : row.integer(ALLOCATED, -1, INT32_MAX);
  const durationSeconds = row.decimal(RUN, -1, SECONDS_MAX);
  if (processors <= 0 || durationSeconds < 0) {
    context.warn('jobs without processors or run time (they never ran) are left out');
    return undefined;
  }
  const processorsAPod = largestDivisor(processors, context.assume.swfProcessorsPerPodMax);
  const podCount = processors / processorsAPod;
  const requestedSeconds = row.decimal(REQUESTED_TIME, -1, SECONDS_MAX);
  const user = row.text(USER);
  return {
    id: row.text(JOB),
    tenant: user === '-1' ? '' : user,
    ...(user === '-1' ? {} : { user }),
    priority: 0,
    cpuMilli: processorsAPod * 1_000,
    memoryMib: Math.ceil(processorsAPod * memoryMibPerProcessor(row, context)),
    gpuCount: 0,
    gpuMilli: 0,
    gpuModels: [],
    submitSeconds: row.seconds(SUBMIT),
    durationSeconds,
    requestedSeconds: requestedSeconds > 0 ? requestedSeconds : Number.NaN,
    podCount,
    gangMin: podCount,
  };
}

/** Requested memory, else used memory (both KiB a processor), else the assumption. */
function memoryMibPerProcessor(row: Row, context: ReadContext): number {
  const requested = row.decimal(REQUESTED_MEMORY, -1, INT32_MAX * 1_024);
  if (requested > 0) return requested / 1_024;
  const used = row.decimal(USED_MEMORY, -1, INT32_MAX * 1_024);
  if (used > 0) return used / 1_024;
  context.warn(`jobs without memory: ${context.assume.swfMemoryMibPerProcessor} MiB a processor is assumed`);
  return context.assume.swfMemoryMibPerProcessor;
}
