/** The jobs that wait, as text. */
import { TegError } from '../../model/errors.ts';
import type { WaitingJob, WaitingReport } from '../../simulation/metrics/waiting-report.ts';
import { formatCount, formatCounted, formatDuration, formatFixed } from '../terminal/formatting.ts';
import { printTable } from '../terminal/table.ts';
import type { QuestionedResult } from './result-files.ts';
import { type RanksAnswer, withReasons } from './waiting-answer.ts';

/** Jobs printed at most. */
const PRINTED_MAX = 20;

/** @returns The waiting jobs of a result. */
export function waitingIn({ waiting, endSeconds }: QuestionedResult): WaitingReport {
  return waiting ?? { count: 0, atSeconds: endSeconds, byTenant: false, jobs: [] };
}

/**
 * @param id Absent: all that wait.
 * @returns  The waiting jobs that were asked for.
 * @throws TegError TEG_OPTION_INVALID: none of that id is listed as waiting.
 */
export function waitingOf(report: WaitingReport, id: string | undefined): WaitingReport {
  if (id === undefined) return report;
  const jobs = report.jobs.filter((job) => job.id === id);
  if (jobs.length > 0) return { ...report, jobs };
  const unlisted = report.count - report.jobs.length;
  const expected =
    report.jobs[0] === undefined
      ? 'a result in which it waits: no job waits at the end of this run'
      : `one of the ${formatCount(report.jobs.length)} that the result lists as waiting, such as '${report.jobs[0].id}'` +
        (unlisted > 0 ? ` (${formatCount(unlisted)} more wait and are not listed)` : '');
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got the job '${id}', expected ${expected}; it has started, has ended, or is not in the workload`,
  );
}

/** Prints jobs and reasons to standard output; of a single job also what can be done. */
export function printWaiting(report: WaitingReport): void {
  const { jobs, count } = withReasons(report);
  if (count === 0) console.log('no job waits');
  for (const job of jobs.slice(0, PRINTED_MAX)) {
    const ahead = job.position === 0 ? 'no job' : formatCount(job.position);
    const has = `has waited ${formatDuration(job.waitedSeconds)}, ${ahead} before it`;
    console.log(`${job.id}  tenant ${job.tenant}, ${formatCounted(job.pods, 'pod')}, ${has}`);
    console.log(`  ${job.text}`);
    if (jobs.length === 1) console.log(`  ${job.code}; next step: ${job.nextStep}`);
  }
  printLeft(jobs.length === 1 ? 0 : Math.max(count, jobs.length));
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
