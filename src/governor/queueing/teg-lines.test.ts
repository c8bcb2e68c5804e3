/** Lines of equal jobs, against a plain list. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import type { Demand } from '../../model/demand.ts';
import { EVICTION_DEFAULTS } from '../../model/eviction-terms.ts';
import { makeCluster } from '../zone/zone.fixtures.ts';
import { firstOf, type TegEntry, TegLines } from './teg-lines.ts';

const demand = makeCluster([2]).demands.demands[4] as Demand;

function entryOf(lines: TegLines, job: number): TegEntry {
  const more = { podCount: 1, gangMin: 1, priority: 0, tenant: 0, owner: -1, expectedSeconds: Number.NaN };
  return lines.add({ job, rank: job, shape: 0, demand, terms: EVICTION_DEFAULTS, ...more }, 0);
}

/** The waiting jobs of the only line, in its order. */
function waitingOf(lines: TegLines): number[] {
  const jobs: number[] = [];
  lines.forEach((line) => {
    for (const { job, waits } of line.entries.slice(line.head)) if (waits) jobs.push(job);
    expect(firstOf(line).job).toBe(jobs[0]);
    expect(line.waiting).toBe(jobs.length);
  });
  expect(lines.jobCount).toBe(jobs.length);
  return jobs;
}

describe('a line', () => {
  it('has its waiting jobs by rank, also after some left and came back', () => {
    let returns = 0;
    checkProperty(
      fc.property(fc.array(fc.nat(199), { minLength: 100, maxLength: 400 }), (picks) => {
        const lines = new TegLines();
        const entries = Array.from({ length: 200 }, (_, job) => entryOf(lines, job));
        const waiting = new Set<number>();
        const gone = new Set<number>();
        for (const entry of entries) {
          lines.enqueue(entry);
          waiting.add(entry.job);
        }
        // One that waits leaves, and one that has left returns.
        for (const job of picks) {
          const entry = entries[job] as TegEntry;
          if (waiting.delete(job)) {
            lines.dequeue(entry);
            gone.add(job);
          } else {
            lines.enqueue(entry);
            waiting.add(job);
            if (gone.delete(job)) returns++;
          }
          expect(waitingOf(lines)).toEqual([...waiting].sort((a, b) => a - b));
        }
      }),
      { numRuns: 20 },
    );
    expect(returns).toBeGreaterThan(20);
  });

  it('keeps no more entries of jobs that have left behind a first one that stays than wait, or 64', () => {
    const lines = new TegLines();
    const first = entryOf(lines, 0);
    lines.enqueue(first);
    for (let job = 1; job < 10_000; job++) {
      const entry = entryOf(lines, job);
      lines.enqueue(entry);
      lines.dequeue(entry);
      expect(first.line.entries.length).toBeLessThanOrEqual(65);
    }
    expect(waitingOf(lines)).toEqual([0]);
  });

  it('says nothing of a job that has left the line about why it waited', () => {
    const lines = new TegLines();
    const entry = entryOf(lines, 0);
    lines.enqueue(entry);
    entry.isHeld = true;
    entry.reason = { code: 'tenant-held', data: {} };
    lines.dequeue(entry);
    lines.enqueue(entry);
    expect([entry.isHeld, entry.reason]).toEqual([false, undefined]);
  });
});
