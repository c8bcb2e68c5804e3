/**
 * `wagap-2013.swf` of MetaCentrum: SWF lines with three further fields of PBS, and memory in bytes a machine.
 *
 * The further fields are the machines that the job ran on in braces, the queue, and the request, for example
 * `8:ppn=8:x86_64:cl_zegox#excl`: machines, cores on each, properties, and whether it needs them exclusively.
 *
 * @source https://github.com/aleasimulator/alea, Alea/data-set.
 */
import type { JobSpec } from '../../model/job.ts';
import { BYTES_PER_MIB } from '../../model/units.ts';
import { BATCH_ROWS, quoted, type ReadContext } from '../context.ts';
import { readLines } from '../lines.ts';
import { parseDecimal, Row } from '../row.ts';
import type { OpenedInput } from '../source.ts';
import { METACENTRUM_JOBS } from './metacentrum.ts';

/** Fields of a line: the 18 of SWF, machines, queue, request. */
const FIELDS_MIN = 21;

/** The file's names for the columns of `METACENTRUM_JOBS`. */
const SHOWN: Readonly<Record<string, string>> = {
  job: 'job number',
  submit_s: 'submit time',
  run_s: 'run time',
  nodes: 'request: machines',
  cpus_total: 'requested processors',
  walltime_limit_s: 'requested time',
  mem_mib_per_node: 'requested memory (MiB)',
  user: 'user',
  exclusive: 'request: #excl',
  properties: 'request: properties',
};

const { columns } = METACENTRUM_JOBS;

/** @returns True if a first line is of this format: 18 numbers, machines in braces, queue, request. */
export function isMetacentrumSwf(line: string): boolean {
  const fields = line.trim().split(/\s+/, FIELDS_MIN);
  return (
    fields.length === FIELDS_MIN &&
    fields.slice(0, 18).every((field) => Number.isFinite(Number(field))) &&
    /^\{[\d,]*\}?$/.test((fields[18] as string).slice(0, 200))
  );
}

/**
 * Reads the file.
 *
 * @throws TegError of the first bad line that is not tolerated; TEG_INPUT_TOO_LARGE.
 */
export async function* readMetacentrumSwf(
  input: OpenedInput,
  context: ReadContext,
): AsyncGenerator<JobSpec[]> {
  const row = new Row(
    context,
    columns.map((name) => SHOWN[name] ?? name),
  );
  const toJob = METACENTRUM_JOBS.prepare((name) => columns.indexOf(name), context);
  let batch: JobSpec[] = [];
  for await (const lines of readLines(input.name, input.chunks, context.limits.lineCharsMax)) {
    for (const line of lines) {
      row.line++;
      const text = line.trim();
      if (text === '' || text.startsWith(';')) continue;
      const job = readJob(text, row, toJob);
      if (job === undefined) continue;
      batch.push(job);
      if (batch.length < BATCH_ROWS) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

function readJob(text: string, row: Row, toJob: (row: Row) => JobSpec | undefined): JobSpec | undefined {
  const { context } = row;
  try {
    row.fields = toColumns(text, row.line, context);
    const job = toJob(row);
    const problem = job === undefined ? undefined : METACENTRUM_JOBS.findProblem(job);
    if (problem !== undefined) throw context.problemError(row.line, problem);
    return job;
  } catch (error) {
    context.bad(error);
    return undefined;
  }
}

/** @returns The fields of a line in the order of `METACENTRUM_JOBS.columns`. */
function toColumns(text: string, line: number, context: ReadContext): string[] {
  const fields = text.split(/\s+/, FIELDS_MIN + 1);
  if (fields.length < FIELDS_MIN) {
    const got = `${fields.length} fields in ${quoted(text)}`;
    const expected = '18 numbers, the machines in braces, the queue and the request';
    throw context.error('TEG_TRACE_BAD_ROW', line, '', got, expected);
  }
  const [job, submit, , run, allocated, , , requested, limit, memory, , user] = fields as string[];
  const request = fields[20] as string;
  const { machines, properties, isExclusive } = parseRequest(request);
  const bytes = parseDecimal(memory as string);
  const byName: Readonly<Record<string, string>> = {
    job: job as string,
    submit_s: submit as string,
    run_s: run as string,
    nodes: String(machines),
    cpus_total: Number(requested) > 0 ? (requested as string) : (allocated as string),
    walltime_limit_s: limit === '-1' ? '' : (limit as string),
    mem_mib_per_node: bytes >= 0 ? String(bytes / BYTES_PER_MIB) : (memory as string),
    user: user === '-1' ? '' : (user as string),
    exclusive: isExclusive ? '1' : '0',
    properties: properties.join('|'),
  };
  return columns.map((name) => byName[name] ?? '');
}

/** Reads `2:ppn=3:brno+zegox3:ppn=4#excl`: parts joined by `+`, each machines or one host, cores, properties. */
function parseRequest(request: string): { machines: number; properties: string[]; isExclusive: boolean } {
  const [body = '', ...flags] = request.split('#');
  const properties = new Set<string>();
  let machines = 0;
  for (const part of body.split('+')) {
    const [first = '', ...rest] = part.split(':');
    const isCount = /^\d{1,9}$/.test(first);
    machines += isCount ? Number(first) : 1;
    if (!isCount && first !== '' && !first.startsWith('ppn=')) properties.add(`host=${first}`);
    for (const property of rest) if (!property.startsWith('ppn=')) properties.add(property);
  }
  return { machines, properties: [...properties].sort(byName), isExclusive: flags.includes('excl') };
}

function byName(a: string, b: string): number {
  return a < b ? -1 : 1;
}
