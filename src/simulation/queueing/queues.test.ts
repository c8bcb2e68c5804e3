/** All queueing disciplines: the laws of every one, and what single ones are known by. */
import { describe, expect, it } from 'vitest';
import { disciplineLaws } from '../../governor/zone/queue-discipline.laws.ts';
import { Random } from '../../kernel/random.ts';
import { RuntimeEstimates } from '../../market/runtimes/runtime-estimates.ts';
import { TenantTable } from '../../model/tenants.ts';
import { QUEUE_NAMES } from './queue-names.ts';
import { type SlotJob, startsOf } from './queues.fixtures.ts';
import { QUEUES } from './queues.ts';

for (const [name, { create }] of Object.entries(QUEUES)) {
  disciplineLaws(name, (cluster) =>
    create({ cluster, tenants: new TenantTable(), estimates: new RuntimeEstimates(), random: new Random(3) }),
  );
}

/** Jobs that arrive at different times and compete for `slots`. */
function contended(seed: number, count: number, slots: number): SlotJob[] {
  const random = new Random(seed);
  let submitSeconds = 0;
  return Array.from({ length: count }, () => {
    submitSeconds += 1 + random.nextInt(20);
    return { submitSeconds, durationSeconds: 1 + random.nextInt(100), slots: 1 + random.nextInt(slots) };
  });
}

describe('disciplines by an order', () => {
  it('fifo starts each job when the zone’s own strict-fifo does', () => {
    for (let seed = 0; seed < 20; seed++) {
      const jobs = contended(seed, 100, 8);
      expect(startsOf(jobs, 8, 'fifo')).toEqual(startsOf(jobs, 8, 'strict-fifo'));
    }
  });

  it('differ where it matters: best-effort overtakes, smallest-first prefers the small', () => {
    const jobs = [
      { submitSeconds: 0, durationSeconds: 10, slots: 2 },
      { submitSeconds: 1, durationSeconds: 10, slots: 3 },
      { submitSeconds: 2, durationSeconds: 20, slots: 2 },
      { submitSeconds: 3, durationSeconds: 20, slots: 1 },
    ];
    expect(startsOf(jobs, 3, 'fifo')).toEqual([0, 10, 20, 20]);
    expect(startsOf(jobs, 3, 'best-effort')).toEqual([0, 30, 10, 3]);
    expect(startsOf(jobs.slice(1), 3, 'smallest-first')).toEqual([0, 10, 10]);
  });

  it('smallest-first starts the smaller of two that arrive together', () => {
    const jobs = [
      { submitSeconds: 0, durationSeconds: 10, slots: 2 },
      { submitSeconds: 0, durationSeconds: 10, slots: 1 },
    ];
    expect(startsOf(jobs, 2, 'smallest-first')).toEqual([10, 0]);
    expect(startsOf(jobs, 2, 'fifo')).toEqual([0, 10]);
  });

  it('are all in the list of names', () => {
    expect(QUEUE_NAMES).toEqual(expect.arrayContaining(Object.keys(QUEUES)));
  });
});
