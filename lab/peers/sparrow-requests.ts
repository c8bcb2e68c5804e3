/**
 * Sparrow's requests: the jobs that one scheduler samples for together.
 *
 * A gang, or any job of several pods, is a request. A `JobTable` keeps the members of an array as jobs of their own;
 * here they are one request again, because batch sampling means to sample for all of them at once.
 */
import type { JobTable } from '../../src/simulation/inputs/job-table.ts';

/** @returns The first job of each request, then the number of jobs: request r is jobs [first[r], first[r + 1]). O(jobs). */
export function requestsOf(jobs: JobTable): Int32Array {
  const first = new Int32Array(jobs.count + 1);
  let requests = 0;
  for (let job = 0; job < jobs.count; job++) {
    if (job === 0 || !isNextMember(jobs, job)) first[requests++] = job;
  }
  first[requests] = jobs.count;
  return first.slice(0, requests + 1);
}

/** True if a job is the member of an array after the one before it. */
function isNextMember(jobs: JobTable, job: number): boolean {
  const before = job - 1;
  if (jobs.podCounts[job] !== 1 || jobs.podCounts[before] !== 1) return false;
  if (jobs.submitSeconds[job] !== jobs.submitSeconds[before]) return false;
  if (jobs.demandIds[job] !== jobs.demandIds[before]) return false;
  if (jobs.durationSeconds[job] !== jobs.durationSeconds[before]) return false;
  const [array, member, repetition] = idParts(jobs.idOf(before));
  const [nextArray, nextMember, nextRepetition] = idParts(jobs.idOf(job));
  return array === nextArray && repetition === nextRepetition && member + 1 === nextMember;
}

/** Of `array/member#repetition`; the member is NaN if there is none. */
function idParts(id: string): [string, number, string] {
  const match = /^(.*)\/(\d+)(#\d+)?$/s.exec(id);
  return match === null ? [id, Number.NaN, ''] : [match[1] as string, Number(match[2]), match[3] ?? ''];
}
