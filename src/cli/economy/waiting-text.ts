/** The jobs that wait at the end of a simulation, as text. */
import { TegError } from '../../model/errors.ts';
import type { WaitingReport } from '../../simulation/metrics/waiting-report.ts';
import { formatCount, formatDuration } from '../terminal/formatting.ts';
import type { QuestionedResult } from './result-files.ts';
import { waitSentence } from './wait-sentences.ts';

/** Jobs printed at most. */
const PRINTED_MAX = 20;

/**
 * @param id Absent: all that wait.
 * @returns  The waiting jobs that were asked for.
 * @throws TegError TEG_OPTION_INVALID: none of that id is listed as waiting.
 */
export function waitingOf({ waiting, endSeconds }: QuestionedResult, id: string | undefined): WaitingReport {
  const report = waiting ?? { count: 0, atSeconds: endSeconds, jobs: [] };
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

/** Prints jobs and reasons to standard output. */
export function printWaiting({ jobs, count, atSeconds }: WaitingReport): void {
  if (count === 0) console.log('no job waits at the end of the run');
  for (const job of jobs.slice(0, PRINTED_MAX)) {
    const ahead = job.position === 0 ? 'no job' : formatCount(job.position);
    console.log(
      `${job.id}  tenant ${job.tenant}, ${formatCount(job.pods)} ${job.pods === 1 ? 'pod' : 'pods'}, has waited ${formatDuration(job.waitedSeconds)}, ${ahead} before it\n` +
        `  ${waitSentence(job.code, job.data, atSeconds)}`,
    );
  }
  const left = Math.max(jobs.length === 1 ? 0 : count, jobs.length) - PRINTED_MAX;
  if (left > 0) console.log(`and ${formatCount(left)} more; --json lists up to 1,000`);
}
