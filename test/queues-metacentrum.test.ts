/**
 * Backfilling on MetaCentrum's log, job by job against plain code, where the log is present: jobs of many slots, limits of
 * users that are many times what runs take, and a machine that is too small.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { plainConservative } from '../src/simulation/queueing/conservative.oracle.ts';
import { type PlainJob, plainEasy } from '../src/simulation/queueing/easy.oracle.ts';
import type { RuntimeKnowledge } from '../src/simulation/queueing/queue-names.ts';
import { startsOf } from '../src/simulation/queueing/queues.fixtures.ts';

const FILE = join(
  process.env.TEG_SHARED ?? join(import.meta.dirname, '../../shared'),
  'traces/metacentrum-2013/jobs.csv.gz',
);
const isThere = existsSync(FILE);
const why = isThere ? '' : ` (skipped: no ${FILE}; set TEG_SHARED)`;

/** Whole CPUs as slots, as the plain simulators count them: without machines, memory and properties. */
function readLog(): (PlainJob & { requestedSeconds: number })[] {
  const [header = '', ...rows] = gunzipSync(readFileSync(FILE)).toString('utf8').trim().split('\n');
  const columns = header.split(',');
  const jobs = rows.map((row) => {
    const fields = row.split(',');
    const number = (name: string): number => Number(fields[columns.indexOf(name)]);
    const limit = number('walltime_limit_s');
    return {
      submitSeconds: number('submit_s'),
      durationSeconds: number('run_s'),
      slots: Math.ceil(number('cpus_total')),
      requestedSeconds: limit,
      estimateSeconds: limit,
    };
  });
  return jobs.filter((job) => job.durationSeconds >= 0);
}

const exactly = <T extends PlainJob>(jobs: readonly T[]): T[] =>
  jobs.map((job) => ({ ...job, estimateSeconds: job.durationSeconds }));

describe.skipIf(!isThere)(`MetaCentrum${why}`, () => {
  const log = isThere ? readLog() : [];
  const jobs = log.slice(0, 5000);

  it.each([
    ['exact', 300],
    ['declared', 300],
  ] as const)('easy with %s run times on %d slots equals plain EASY', (knows: RuntimeKnowledge, slots) => {
    const plain = plainEasy(knows === 'exact' ? exactly(jobs) : jobs, slots);
    expect(
      plain.starts.filter((start, i) => start > (jobs[i] as PlainJob).submitSeconds).length,
    ).toBeGreaterThan(4000);
    expect(startsOf(jobs, slots, 'easy', knows)).toEqual(plain.starts);
  });

  it('conservative equals plain conservative backfilling, with exact run times and with limits', () => {
    expect(startsOf(jobs, 1000, 'conservative', 'exact')).toEqual(
      plainConservative(exactly(jobs), 1000).starts,
    );
    // Fewer wait on a machine that suits a third of the jobs: the plain code counts every interval again for each.
    const third = log.filter((_, i) => i % 3 === 0).slice(0, 5000);
    const { starts } = plainConservative(third, 700);
    expect(starts.filter((start, i) => start > (third[i] as PlainJob).submitSeconds).length).toBeGreaterThan(
      300,
    );
    const first = (third[0] as PlainJob).submitSeconds;
    expect(startsOf(third, 700, 'conservative', 'declared')).toEqual(starts.map((start) => start - first));
  }, 120_000);

  it('plain EASY on 1,400 slots has the head-of-line loss that was measured before with other code', () => {
    expect(plainEasy(exactly(log), 1400).headOfLine).toBeCloseTo(0.0008, 4);
    expect(plainEasy(log, 1400).headOfLine).toBeCloseTo(0.0018, 4);
  });
});
