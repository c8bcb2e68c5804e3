/** All queueing disciplines: the laws of every one, and what single ones are known by. */
import { describe, expect, it } from 'vitest';
import { disciplineLaws } from '../../governor/zone/queue-discipline.laws.ts';
import { Random } from '../../kernel/random.ts';
import { RuntimeEstimates } from '../../market/runtimes/runtime-estimates.ts';
import { TenantTable } from '../../model/tenants.ts';
import { type DisciplineName, QUEUE_NAMES } from './queue-names.ts';
import { runSlots, type SlotJob, startsOf } from './queues.fixtures.ts';
import { QUEUES } from './queues.ts';

for (const [name, { create }] of Object.entries(QUEUES)) {
  disciplineLaws(name, (cluster) =>
    create({
      cluster,
      tenants: new TenantTable(),
      estimates: new RuntimeEstimates(),
      runtimes: 'declared',
      random: new Random(3),
    }),
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

describe('reasons', () => {
  /** Three of four slots are taken; a gang of three waits for room, then one of two, then one of three again. */
  const jobs = [
    { submitSeconds: 0, durationSeconds: 100, slots: 3 },
    { submitSeconds: 1, durationSeconds: 10, slots: 3 },
    { submitSeconds: 2, durationSeconds: 10, slots: 2 },
    { submitSeconds: 3, durationSeconds: 10, slots: 3 },
  ];
  const reasons = (queue: DisciplineName): Record<string, string> =>
    runSlots(jobs, 4, queue, 'exact', { horizonSeconds: 5 }).waiting;

  it.each(['strict-fifo', 'fifo', 'easy', 'conservative'] as const)(
    '%s: the first of the line waits for room, the others are behind it',
    (queue) => {
      expect(reasons(queue)).toEqual({ 1: 'no-fit', 2: 'behind', 3: 'behind' });
    },
  );

  it.each(['best-effort', 'smallest-first', 'coscheduling'] as const)('%s: all wait for room', (queue) => {
    expect(reasons(queue)).toEqual({ 1: 'no-fit', 2: 'no-fit', 3: 'no-fit' });
  });

  it('teg: room is reserved for one, and no other has room', () => {
    const { 1: first, ...others } = runSlots(jobs, 4, 'teg', 'exact', { horizonSeconds: 90 }).waiting;
    expect(first).toBe('reserved');
    expect(others).toEqual({ 2: 'no-fit', 3: 'no-fit' });
  });
});

describe('disciplines under which gangs hold room', () => {
  /** Two of four slots are taken until `until`; a gang of three comes at 1, a small job of 5 s at 5. */
  const blocked = (until: number): SlotJob[] => [
    { submitSeconds: 0, durationSeconds: until, slots: 1 },
    { submitSeconds: 0, durationSeconds: 300, slots: 1 },
    { submitSeconds: 1, durationSeconds: 10, slots: 3 },
    { submitSeconds: 5, durationSeconds: 5, slots: 1 },
  ];

  it('permit-timeout keeps others out of what a gang holds, until it starts', () => {
    expect(startsOf(blocked(30), 4, 'best-effort')).toEqual([0, 0, 30, 5]);
    expect(startsOf(blocked(30), 4, 'permit-timeout')).toEqual([0, 0, 30, 40]);
  });

  it('permit-timeout gives all back 60 s after the first pod, and backs off for a second', () => {
    // The gang holds two slots from 1 to 61, the small job runs from 61 to 66, and the gang holds again from 62.
    expect(startsOf(blocked(100), 4, 'permit-timeout')).toEqual([0, 0, 100, 61]);
    // Its second timeout is at 122, its second backoff ends at 124: what becomes free at 123 goes to another.
    const jobs = [...blocked(123), { submitSeconds: 70, durationSeconds: 5, slots: 2 }];
    expect(startsOf(jobs, 4, 'permit-timeout')).toEqual([0, 0, 127, 61, 122]);
  });

  it('coscheduling holds nothing while more than a tenth of a gang is missing', () => {
    expect(startsOf(blocked(30), 4, 'coscheduling')).toEqual(startsOf(blocked(30), 4, 'best-effort'));
    const near = (slots: number): SlotJob[] => [
      { submitSeconds: 0, durationSeconds: 30, slots: 1 },
      { submitSeconds: 1, durationSeconds: 10, slots },
      { submitSeconds: 5, durationSeconds: 5, slots: 1 },
    ];
    expect(startsOf(near(10), 10, 'coscheduling')).toEqual([0, 30, 40]);
    expect(startsOf(near(9), 9, 'coscheduling')).toEqual([0, 30, 5]);
  });

  it('coscheduling is best-effort for gangs of fewer than ten pods', () => {
    for (let seed = 0; seed < 20; seed++) {
      // No two events at one time: the zone's own best-effort decides at each event.
      const random = new Random(seed, 1);
      const jobs = contended(seed, 100, 9).map((job) => ({
        ...job,
        durationSeconds: job.durationSeconds + random.nextDouble(),
      }));
      expect(startsOf(jobs, 9, 'coscheduling')).toEqual(startsOf(jobs, 9, 'best-effort'));
    }
  });

  it('wound-wait is fifo where all pods are equal: the first takes all that is left', () => {
    for (let seed = 0; seed < 20; seed++) {
      const jobs = contended(seed, 100, 8);
      expect(startsOf(jobs, 8, 'wound-wait')).toEqual(startsOf(jobs, 8, 'fifo'));
    }
  });

  it('permit-timeout is fifo too while no timeout comes, and not once they do', () => {
    const short = (seed: number): SlotJob[] =>
      contended(seed, 12, 8).map((job, i) => ({ ...job, submitSeconds: i, durationSeconds: 1 + (i % 4) }));
    for (let seed = 0; seed < 20; seed++)
      expect(startsOf(short(seed), 8, 'permit-timeout')).toEqual(startsOf(short(seed), 8, 'fifo'));
    const jobs = contended(1, 100, 8);
    expect(startsOf(jobs, 8, 'permit-timeout')).not.toEqual(startsOf(jobs, 8, 'fifo'));
  });

  it('wound-wait takes what a gang holds that goes later', () => {
    const jobs: SlotJob[] = [
      { submitSeconds: 0, durationSeconds: 100, slots: 2 },
      { submitSeconds: 1, durationSeconds: 10, slots: 3 },
      { submitSeconds: 2, durationSeconds: 20, slots: 2, priority: 1 },
    ];
    expect(startsOf(jobs, 4, 'permit-timeout')).toEqual([0, 100, 61]);
    expect(startsOf(jobs, 4, 'wound-wait')).toEqual([0, 100, 2]);
  });

  it('wound-wait lets a large gang collect what becomes free, whatever comes later', () => {
    const stream: SlotJob[] = Array.from({ length: 40 }, (_, i) => ({
      submitSeconds: i * 5,
      durationSeconds: 20,
      slots: 1,
    }));
    const jobs: SlotJob[] = [...stream, { submitSeconds: 51, durationSeconds: 10, slots: 4 }].sort(
      (a, b) => a.submitSeconds - b.submitSeconds,
    );
    const gang = jobs.findIndex(({ slots }) => slots === 4);
    // The four that run at 51 have ended by 70.
    expect(startsOf(jobs, 4, 'wound-wait')[gang]).toBeLessThanOrEqual(70);
    expect(startsOf(jobs, 4, 'best-effort')[gang]).toBeGreaterThan(200);
  });
});
