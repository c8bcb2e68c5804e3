/** The jobs that wait, as text. */
import { TegError } from '../../model/errors.ts';
import type { WaitingJob, WaitingReport } from '../../simulation/metrics/waiting-report.ts';
import { formatCount, formatCounted, formatDuration, formatFixed } from '../terminal/formatting.ts';
import { printTable } from '../terminal/table.ts';
import { instantText } from './quote-text.ts';
import type { QuestionedResult } from './result-files.ts';
import { type AskedReport, type RanksAnswer, withReasons } from './waiting-answer.ts';

/** Jobs printed at most. */
const PRINTED_MAX = 20;

/** @returns The waiting jobs of a result, and those that were dropped. */
export function waitingIn({ waiting, dropped, endSeconds }: QuestionedResult): AskedReport {
  return {
    ...(waiting ?? { count: 0, atSeconds: endSeconds, byTenant: false, kind: 'job', jobs: [] }),
    ...(dropped === undefined ? {} : { dropped }),
  };
}

/**
 * @param id Absent: all that wait, and all that were dropped.
 * @returns  The jobs that were asked for.
 * @throws TegError TEG_OPTION_INVALID: none of that id is listed as waiting or dropped.
 */
export function waitingOf(report: AskedReport, id: string | undefined): AskedReport {
  if (id === undefined) return report;
  const { dropped, ...others } = report;
  const jobs = report.jobs.filter((job) => job.id === id);
  if (jobs.length > 0) return { ...others, jobs };
  const lost = dropped?.jobs.filter((job) => job.id === id) ?? [];
  if (lost.length > 0) return { ...others, jobs: [], dropped: { count: lost.length, jobs: lost } };
  const hidden = report.count - report.jobs.length + ((dropped?.count ?? 0) - (dropped?.jobs.length ?? 0));
  const [first] = report.jobs;
  const expected =
    first === undefined
      ? `one that waits: at ${instantText(report.atSeconds)} none does`
      : `one of the ${formatCounted(report.jobs.length, 'job')} listed as waiting, such as '${first.id}'`;
  const unlisted = hidden > 0 ? `; ${formatCount(hidden)} more wait or were dropped, and are not listed` : '';
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got the job '${id}', expected ${expected}${unlisted}; it has started by then, or the workload has no such job: ` +
      'teg queue lists who waits',
  );
}

/** @returns The waiting job of that id. @throws TegError TEG_OPTION_INVALID, also of one that was dropped. */
export function waitingJob(report: AskedReport, id: string): WaitingJob {
  const [job] = waitingOf(report, id).jobs;
  if (job !== undefined) return job;
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got the job '${id}', which was dropped because it can never run, expected one that waits: teg why ${id} says what the cluster lacks`,
  );
}

/** Prints jobs and reasons to standard output; of a single job also what can be done. */
export function printWaiting(report: AskedReport): void {
  const { jobs, count, dropped } = withReasons(report);
  if (count === 0 && dropped === undefined) console.log('no job waits');
  for (const job of jobs.slice(0, PRINTED_MAX)) {
    const ahead = job.position === 0 ? 'no job' : formatCount(job.position);
    const has = `has waited ${formatDuration(job.waitedSeconds)}, ${ahead} before it`;
    console.log(`${job.id}  tenant ${job.tenant}, ${formatCounted(job.pods, 'pod')}, ${has}`);
    console.log(`  ${job.text}`);
    if (jobs.length === 1) console.log(`  ${job.code}; next step: ${job.nextStep}`);
  }
  if (jobs.length > 1) printLeft(Math.max(count, jobs.length));
  if (dropped === undefined) return;
  for (const { id, tenant, pods, atSeconds, text, code, nextStep } of dropped.jobs.slice(0, PRINTED_MAX)) {
    const was = `was dropped at ${formatDuration(atSeconds)}: it can never run`;
    console.log(`${id}  tenant ${tenant}, ${formatCounted(pods, 'pod')}, ${was}`);
    console.log(`  ${text}`);
    if (dropped.jobs.length === 1) console.log(`  ${code}; next step: ${nextStep}`);
  }
  printLeft(dropped.count);
}

/** Prints the queue to standard output. @param withStart With the latest starts, and why each job does not start now. */
export function printQueue(report: WaitingReport, withStart: boolean): void {
  const { jobs, count, atSeconds } = withReasons(report);
  const right = (header: string) => ({ header, align: 'right' as const });
  const columns = withStart
    ? [right('STARTS-BY'), { header: 'WHY-NOT-NOW' }]
    : [right('PRIORITY'), right('WAITED')];
  printTable(
    [{ header: 'JOB' }, { header: 'TENANT' }, { header: 'NEEDS' }, ...columns],
    jobs.slice(0, PRINTED_MAX).map((job) => {
      const { startsBySeconds, code, text, priority, waitedSeconds } = job;
      const by =
        startsBySeconds === null ? '–' : `in ${formatDuration(Math.max(0, startsBySeconds - atSeconds))}`;
      const rest = withStart ? [by, `${code}: ${text}`] : [String(priority), formatDuration(waitedSeconds)];
      return [job.id, job.tenant, needsText(job), ...rest];
    }),
  );
  printLeft(count);
}

/** Prints why jobs have their places to standard output. */
export function printRanks({ jobs, byTenant }: RanksAnswer): void {
  const right = (header: string) => ({ header, align: 'right' as const });
  printTable(
    [{ header: 'JOB' }, { header: 'TENANT' }, ...['RANK', 'TURN', 'PRIORITY', 'ARRIVAL'].map(right)],
    jobs
      .slice(0, PRINTED_MAX)
      .map(({ id, tenant, rank, byTurn, byPriority, byArrival }) => [
        id,
        tenant,
        ...[rank, byTurn, byPriority, byArrival].map(formatCount),
      ]),
  );
  const turn = byTenant ? ', of other tenants whose turn comes first' : '';
  console.log(
    `\nRANK: jobs before it = TURN${turn} + PRIORITY, of higher priority + ARRIVAL, that came earlier.`,
  );
  printLeft(jobs.length);
}

function printLeft(count: number): void {
  if (count > PRINTED_MAX)
    console.log(`and ${formatCount(count - PRINTED_MAX)} more; --json lists up to 1,000`);
}

/** @returns `4 × 8 GPUs`, or cores where there are none. */
function needsText({ pods, each }: Pick<WaitingJob, 'pods' | 'each'>): string {
  const { gpus, cpuCores } = each;
  const of = gpus > 0 ? (gpus === 1 ? '1 GPU' : `${gpus} GPUs`) : `${formatFixed(cpuCores, 1)} cores`;
  return `${formatCount(pods)} × ${of}`;
}
