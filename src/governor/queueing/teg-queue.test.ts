/** The TEG queue: promises, champions, backfill, order of tenants, reasons, limits. */
import { describe, expect, it, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { RuntimeEstimates } from '../../market/runtimes/runtime-estimates.ts';
import type { Accounts, Ask } from '../accounts.ts';
import { disciplineLaws } from '../zone/queue-discipline.laws.ts';
import { JobState, ZoneEventKind } from '../zone/zone-events.ts';
import { TegQueue } from './teg-queue.ts';
import { World } from './teg-world.fixtures.ts';

/** Accounts that refuse tenant 1, and the jobs that they were asked for. */
function listening(): { accounts: Accounts; asked: number[] } {
  const asked: number[] = [];
  const none = (): void => {};
  const accounts: Accounts = {
    dueSeconds: Number.POSITIVE_INFINITY,
    admit: ({ tenant, holder }) => {
      asked.push(holder);
      return tenant === 1 ? { code: 'refused', data: {} } : undefined;
    },
    ...{ onHold: none, onRelease: none, tick: none },
  };
  return { accounts, asked };
}

disciplineLaws(
  'teg with one champion, few candidates',
  () => new TegQueue(new RuntimeEstimates(), undefined, { reservationsMax: 1, candidatesMax: 3 }),
);

describe('a pass', () => {
  it('looks at a limited number of new jobs, and at the others a second later each', () => {
    const world = new World({ nodes: [2, 2, 2], candidatesMax: 3 });
    world.submit(0, 1, 1000);
    world.tick();
    for (let job = 1; job <= 8; job++) world.submit(job, 1, 1000);
    world.tick();
    expect([...world.starts].map(([, at]) => at)).toEqual([0, 0, 0, 0]);
    world.runTo(10);
    expect([...world.starts.keys()]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect([...world.starts.values()]).toEqual([0, 0, 0, 0, 1, 1, 1, 2, 2]);
  });

  it('is not asked for when a job ends and nobody waits, and the room counts as freed all the same', () => {
    const world = new World();
    world.submit(0, 4, 10);
    world.tick();
    world.submit(1, 4, 5);
    world.tick();
    world.zone.step({ kind: ZoneEventKind.JobCancelled, job: 1 }, 0);
    world.tick();
    world.time = 10;
    world.zone.step({ kind: ZoneEventKind.JobFinished, job: 0 }, 10);
    expect(world.zone.isDecisionDue).toBe(false);
    world.time = 11;
    world.submit(2, 4, 5);
    expect(world.zone.isDecisionDue).toBe(true);
    world.tick();
    expect(world.starts.get(2)).toBe(11);
  });
});

describe('champions', () => {
  it('start when they were promised, while short jobs flow around them and long ones wait', () => {
    const world = new World({ savingRate: 1e6 });
    world.submit(0, 3, 100);
    world.tick();
    world.submit(1, 4, 50);
    world.tick();
    world.runTo(5);
    expect(world.queue.startsBy(1)).toBe(100);
    world.submit(2, 1, 200);
    world.submit(3, 1, 90);
    world.tick();
    expect(world.zone.stateOf(2)).toBe(JobState.Waiting);
    expect(world.queue.reasonOf(2)).toEqual({
      code: 'room-reserved',
      data: { forJob: 1, startsBySeconds: 100 },
    });
    expect(world.queue.reasonOf(1)).toEqual({ code: 'reserved', data: { startsBySeconds: 100, nodes: 1 } });
    expect(world.starts.get(3)).toBe(5);
    world.runTo(1000);
    expect([...world.starts]).toEqual([
      [0, 0],
      [3, 5],
      [1, 100],
      [2, 150],
    ]);
    expect(world.queue.promises).toEqual({ made: 2, kept: 2 });
  });

  it('are not made before a job has waited long enough, and then without another event', () => {
    const world = new World({ championAfterSeconds: 60, savingRate: 1000 });
    world.submit(0, 4, 1000);
    world.tick();
    world.runTo(10);
    world.submit(1, 4, 10);
    world.tick();
    expect(world.queue.startsBy(1)).toBeUndefined();
    expect(world.zone.dueSeconds).toBe(70);
    world.runTo(70);
    expect(world.queue.startsBy(1)).toBe(1000);
  });

  it('are made when the room has become cheap in comparison with their wait', () => {
    // One of four GPUs would stand idle for 1000 s × pods; a job of four pods saves 0.8 a second.
    const world = new World({ nodes: [2], savingRate: 0.2 });
    world.submit(0, 3, 1000);
    world.tick();
    world.submit(1, 4, 10);
    world.tick();
    expect(world.queue.startsBy(1)).toBeUndefined();
    expect(world.zone.dueSeconds).toBe(1250);
    // 0.8 t = 1000 − t at t = 555.6: an event after that finds that it can pay.
    for (const time of [550, 560]) {
      world.runTo(time);
      world.submit(time, 1, 1);
      world.tick();
      world.runTo(time + 2);
      expect(world.queue.startsBy(1)).toBe(time < 555 ? undefined : 1000);
    }
    world.runTo(2000);
    expect(world.starts.get(1)).toBe(1000);
  });

  it('wait for an overrun, which is never ended for them, and the promise counts as broken', () => {
    const world = new World({ replanSeconds: 0 });
    world.submit(0, 4, 150, { expectedSeconds: 100 });
    world.tick();
    world.submit(1, 4, 10);
    world.tick();
    expect(world.queue.startsBy(1)).toBe(100);
    world.runTo(1000);
    expect(world.starts.get(1)).toBe(150);
    expect(world.queue.promises).toEqual({ made: 1, kept: 0 });
  });

  it('have no promise where no end is known (the next one has), but still come first', () => {
    const world = new World();
    world.submit(0, 4, 100, { expectedSeconds: Number.NaN });
    world.tick();
    world.submit(1, 4, 10);
    world.tick();
    expect(world.queue.startsBy(1)).toBeUndefined();
    world.submit(2, 1, 10);
    world.runTo(1000);
    expect(world.starts.get(1)).toBe(100);
    expect(world.starts.get(2)).toBe(110);
    expect(world.queue.promises).toEqual({ made: 1, kept: 1 });
  });

  it('let a job by that ends at the very start of a champion', () => {
    const world = new World({ savingRate: 1e6 });
    world.submit(0, 3, 100);
    world.submit(1, 4, 50);
    world.tick();
    world.runTo(10);
    world.submit(2, 1, 90);
    world.tick();
    expect(world.starts.get(2)).toBe(10);
    world.runTo(100);
    expect(world.starts.get(1)).toBe(100);
  });

  it('are promised a start by a plan of that moment, not by the one that they saved for', () => {
    const world = new World({ championAfterSeconds: 20, savingRate: 1e6 });
    world.submit(0, 3, 100);
    world.submit(1, 4, 10);
    world.tick();
    world.runTo(1);
    // Starts, as nothing is reserved yet, and stays longer than the plan of 0 s knew.
    world.submit(2, 1, 110);
    world.tick();
    world.runTo(20);
    expect(world.queue.startsBy(1)).toBe(111);
    world.runTo(200);
    expect(world.starts.get(1)).toBe(111);
    expect(world.queue.promises).toEqual({ made: 1, kept: 1 });
  });

  it('keep their nodes while a job there runs longer than expected', () => {
    const world = new World({ replanSeconds: 0 });
    world.submit(0, 4, 150, { expectedSeconds: 100 });
    world.submit(1, 4, 10);
    world.tick();
    world.runTo(120);
    world.submit(2, 1, 1);
    world.tick();
    expect(world.queue.startsBy(1)).toBe(120);
  });

  it('get other nodes at once when one of theirs goes down', () => {
    const world = new World({ nodes: [2, 2], replanSeconds: 1e6, savingRate: 1e6 });
    world.submit(0, 4, 100);
    world.submit(1, 4, 200);
    world.submit(2, 4, 10);
    world.tick();
    world.runTo(50);
    expect(world.queue.startsBy(2)).toBe(100);
    world.zone.step({ kind: ZoneEventKind.NodeDown, node: 0 }, 50);
    world.tick();
    expect(world.queue.startsBy(2)).toBe(200);
  });

  it('leave their room to those behind them when they are cancelled', () => {
    const world = new World({ savingRate: 1e6 });
    world.submit(0, 3, 100);
    world.submit(1, 4, 50);
    world.tick();
    world.runTo(5);
    world.submit(2, 1, 1000);
    world.tick();
    expect(world.zone.stateOf(2)).toBe(JobState.Waiting);
    world.zone.step({ kind: ZoneEventKind.JobCancelled, job: 1 }, 5);
    world.tick();
    expect(world.zone.stateOf(2)).toBe(JobState.Running);
  });

  it('keep every promise in random worlds with exact run times', () => {
    let made = 0;
    for (let seed = 0; seed < 60; seed++) {
      const random = new Random(seed);
      const world = new World({
        nodes: [1, 2, 2, 1],
        reservationsMax: 1 + (seed % 3),
        replanSeconds: seed % 2,
      });
      for (let job = 0; job < 60; job++) {
        world.runTo(world.time + random.nextInt(12));
        world.submit(job, 1 + random.nextInt(12), 1 + random.nextInt(80));
        world.tick();
        world.zone.check();
      }
      world.runTo(1e6);
      expect(world.starts.size).toBe(60);
      expect(world.queue.promises.kept).toBe(world.queue.promises.made);
      made += world.queue.promises.made;
    }
    expect(made).toBeGreaterThan(100);
  });
});

describe('order', () => {
  it('is by share of the tenant, then priority, then arrival', () => {
    const shares = [3, 1, 2];
    const order = { shareOf: (tenant: number) => shares[tenant] as number };
    const world = new World({ order, reservationsMax: 0 });
    world.submit(0, 4, 10);
    world.tick();
    for (let job = 1; job <= 6; job++) {
      world.submit(job, 4, 10, { tenant: job % 3, priority: job > 3 ? 1 : 0 });
    }
    world.runTo(1000);
    expect([...world.starts.keys()]).toEqual([0, 4, 1, 5, 2, 6, 3]);
  });

  it('follows a share that grows with each start', () => {
    const started = [0, 0];
    const world = new World({
      order: { shareOf: (tenant) => started[tenant] as number },
      reservationsMax: 0,
    });
    world.submit(0, 4, 10, { tenant: 2 });
    for (let job = 1; job <= 4; job++) world.submit(job, 2, 10, { tenant: job <= 2 ? 0 : 1 });
    world.tick();
    started[0] = 1;
    world.runTo(10);
    expect(world.starts.get(3)).toBe(10);
  });
});

test('a share is asked for again after each start of its tenant', () => {
  const tenantOf = (job: number): number => (job <= 4 ? 0 : 1);
  const runs = (job: number): boolean => world.zone.stateOf(job) === JobState.Running;
  const jobs = [1, 2, 3, 4, 5, 6, 7, 8];
  const order = {
    shareOf: (tenant: number) => jobs.filter((job) => tenantOf(job) === tenant && runs(job)).length,
  };
  const world: World = new World({ order, reservationsMax: 0 });
  world.submit(0, 4, 10, { tenant: 2 });
  world.tick();
  for (const job of jobs) world.submit(job, 1, 10, { tenant: tenantOf(job) });
  world.runTo(10);
  expect(jobs.filter(runs)).toEqual([1, 2, 5, 6]);
});

describe('reasons', () => {
  it('are its own for a job behind an equal one that a reservation holds back', () => {
    const world = new World({ savingRate: 1e6 });
    world.submit(0, 3, 100);
    world.submit(1, 4, 50);
    world.tick();
    world.runTo(5);
    world.submit(2, 1, 200);
    world.submit(3, 1, 50);
    world.tick();
    expect(world.queue.reasonOf(2)?.code).toBe('room-reserved');
    expect(world.starts.get(3)).toBe(5);
    world.submit(4, 1, 50);
    world.tick();
    // The last one would have ended in time, but there is no room.
    expect(world.queue.reasonOf(4)).toBeUndefined();
  });
});

describe('champions of several tenants', () => {
  it('are of the tenant whose turn it is, not the longest waiting of all', () => {
    const shares = [0, 2, 1];
    const world = new World({ order: { shareOf: (tenant) => shares[tenant] as number }, savingRate: 1e6 });
    world.submit(0, 3, 100);
    world.tick();
    world.submit(1, 4, 10, { tenant: 1 });
    world.runTo(5);
    world.submit(2, 4, 10, { tenant: 2 });
    world.tick();
    world.runTo(50);
    world.submit(3, 1, 1, { tenant: 2 });
    world.runTo(1000);
    expect(world.starts.get(2)).toBeLessThan(world.starts.get(1) as number);
  });
});

describe('bounds', () => {
  it('goes on where room was freed in a step that was full', () => {
    const world = new World({ nodes: [2, 1], limits: { membersMax: 5, effectsMax: 7 } });
    const unknown = { expectedSeconds: Number.NaN };
    world.submit(0, 2, 1000, unknown);
    world.submit(1, 4, 10, unknown);
    world.tick();
    world.tick();
    // The first of these saves for a reservation: only new jobs are looked at then.
    world.submit(2, 5, 10);
    for (const job of [3, 4, 5, 6]) world.submit(job, 1, 10);
    world.tick();
    world.time = 10;
    world.zone.step({ kind: ZoneEventKind.JobFinished, job: 1 }, 10);
    world.tick();
    expect(world.zone.hasPostponed).toBe(true);
    world.tick();
    expect([3, 4, 5, 6].map((job) => world.starts.get(job))).toEqual([10, 10, 10, 10]);
  });

  it('looks again at the jobs of a tenant that the accounts wake', () => {
    const none = (): void => {};
    let admits = false;
    const accounts = {
      dueSeconds: 10,
      admit: ({ tenant }: Ask) => (tenant === 1 && !admits ? { code: 'refused', data: {} } : undefined),
      ...{ onHold: none, onRelease: none },
      tick: (_: number, wake: (tenant: number) => void) => {
        accounts.dueSeconds = Number.POSITIVE_INFINITY;
        admits = true;
        wake(1);
      },
    };
    const world = new World({ accounts });
    world.submit(0, 2, 1000, { expectedSeconds: Number.NaN });
    // Saves for a reservation.
    world.submit(1, 4, 10);
    world.submit(2, 1, 10, { tenant: 1 });
    world.tick();
    expect(world.queue.reasonOf(2)?.code).toBe('refused');
    world.runTo(10);
    expect(world.starts.get(2)).toBe(10);
  });

  it('asks the accounts for one of equal jobs in a pass', () => {
    const { accounts, asked } = listening();
    const world = new World({ accounts });
    world.submit(0, 4, 100, { expectedSeconds: Number.NaN });
    world.tick();
    asked.length = 0;
    for (let job = 1; job <= 5; job++) world.submit(job, 4, 100);
    world.tick();
    expect(asked).toEqual([1]);
  });

  it('asks for no job again that did not start, while only new ones came', () => {
    const { accounts, asked } = listening();
    const world = new World({ accounts });
    world.submit(0, 4, 100, { expectedSeconds: Number.NaN });
    world.tick();
    // The first of them saves for a reservation from here on.
    world.submit(1, 4, 100);
    world.submit(2, 1, 100, { tenant: 1 });
    world.tick();
    asked.length = 0;
    world.submit(3, 1, 100, { demand: 3 });
    // Of the larger gang's demand, for which there was no pod's room.
    world.submit(4, 1, 100);
    world.tick();
    expect(asked).toEqual([3]);
  });

  it('forgets jobs that have left', () => {
    const world = new World();
    world.submit(0, 1, 10);
    world.submit(1, 9, 10);
    world.tick();
    world.zone.step({ kind: ZoneEventKind.JobCancelled, job: 1 }, 0);
    world.runTo(100);
    expect(world.queue.reasonOf(0)).toBeUndefined();
    expect(world.queue.reasonOf(1)).toBeUndefined();
  });
});
