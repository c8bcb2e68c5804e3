/**
 * Philly's `cluster_job_log`: the published JSON of the trace, one array of jobs with their attempts.
 *
 * As in the trace's own notebook, a job runs from the start of its first attempt to the end of its last, on the GPUs of
 * the first. Times are local and without a zone; they count from the first job of the file.
 *
 * @source https://github.com/msr-fiddle/philly-traces.
 */
import type { TegError } from '../../model/errors.ts';
import type { JobSpec } from '../../model/job.ts';
import { findJobProblem } from '../../model/validate.ts';
import { BATCH_ROWS, quoted, type ReadContext } from '../context.ts';
import { JsonSplitter } from '../kubernetes/split-json.ts';
import type { OpenedInput } from '../source.ts';
import { clockSeconds, GPUS_PER_JOB_MAX, gpuGang } from './philly.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the log. Jobs that never began, or whose end is not recorded, are left out and counted.
 *
 * @throws TegError of the first bad job that is not tolerated; TEG_INPUT_TOO_LARGE.
 */
export async function* readPhillyLog(input: OpenedInput, context: ReadContext): AsyncGenerator<JobSpec[]> {
  const splitter = new JsonSplitter(input.name, context.limits);
  const reader = new LogReader(context);
  const decoder = new TextDecoder('utf-8');
  let batch: JobSpec[] = [];
  const texts = async function* (): AsyncGenerator<{ text: string; line: number }[]> {
    for await (const chunk of input.chunks) yield splitter.push(decoder.decode(chunk, { stream: true }));
    yield [...splitter.push(decoder.decode()), ...splitter.end()];
  };
  for await (const objects of texts()) {
    for (const { text, line } of objects) {
      const job = reader.read(text, line);
      if (job === undefined) continue;
      batch.push(job);
      if (batch.length < BATCH_ROWS) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

class LogReader {
  private readonly context: ReadContext;
  private readonly toGang: (gpus: number) => ReturnType<ReturnType<typeof gpuGang>>;
  private line = 1;
  private originSeconds = Number.NaN;

  constructor(context: ReadContext) {
    this.context = context;
    this.toGang = gpuGang(context);
  }

  /** @returns The job of an element of the array, if it ran. */
  read(text: string, line: number): JobSpec | undefined {
    this.line = line;
    try {
      const job = this.toJob(this.parse(text));
      const problem = job === undefined ? undefined : findJobProblem(job);
      if (problem !== undefined) throw this.context.problemError(line, problem);
      return job;
    } catch (error) {
      this.context.bad(error);
      return undefined;
    }
  }

  private parse(text: string): Fields {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw this.context.error('TEG_TRACE_BAD_ROW', this.line, '', (error as Error).message, 'JSON');
    }
    if (isFields(value)) return value;
    throw this.context.error('TEG_TRACE_BAD_ROW', this.line, '', quoted(text), 'an object for each job');
  }

  private toJob(log: Fields): JobSpec | undefined {
    const submit = this.time(log, 'submitted_time');
    const attempts = Array.isArray(log.attempts) ? log.attempts.filter(isFields) : [];
    const start = attempts[0] && this.time(attempts[0], 'start_time');
    const end = attempts.at(-1) && this.time(attempts.at(-1) as Fields, 'end_time');
    if (submit === undefined || start === undefined || end === undefined) {
      this.context.warn('jobs that never began, or whose end is not recorded, are left out');
      return undefined;
    }
    if (Number.isNaN(this.originSeconds)) this.originSeconds = submit;
    if (end < start) throw this.bad('end_time', attempts.at(-1)?.end_time, 'no earlier than start_time');
    return {
      id: this.text(log, 'jobid'),
      tenant: this.text(log, 'vc'),
      ...(typeof log.user === 'string' && log.user !== '' ? { user: log.user } : {}),
      priority: 0,
      ...this.toGang(this.gpus(attempts[0] as Fields)),
      submitSeconds: submit - this.originSeconds,
      durationSeconds: end - start,
      requestedSeconds: Number.NaN,
    };
  }

  private gpus(attempt: Fields): number {
    const detail = Array.isArray(attempt.detail) ? attempt.detail.filter(isFields) : [];
    const count = detail.reduce((sum, { gpus }) => sum + (Array.isArray(gpus) ? gpus.length : 0), 0);
    if (count <= GPUS_PER_JOB_MAX) return count;
    throw this.bad('detail', `${count} GPUs`, `at most ${GPUS_PER_JOB_MAX}`);
  }

  /** @returns Seconds, or undefined where the log has null, an empty text, or `None`. */
  private time(fields: Fields, name: string): number | undefined {
    const value = fields[name];
    if (value === undefined || value === null || value === '' || value === 'None') return undefined;
    const seconds = typeof value === 'string' ? clockSeconds(value) : Number.NaN;
    if (Number.isNaN(seconds)) throw this.bad(name, value, 'a time such as 2017-10-07 01:11:39');
    return seconds;
  }

  private text(fields: Fields, name: string): string {
    const value = fields[name];
    if (typeof value === 'string' && value !== '') return value;
    throw this.bad(name, value, 'a text that is not empty');
  }

  private bad(name: string, got: unknown, expected: string): TegError {
    const shown = quoted(typeof got === 'string' ? got : (JSON.stringify(got) ?? 'nothing'));
    return this.context.error('TEG_TRACE_BAD_VALUE', this.line, name, shown, expected);
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
