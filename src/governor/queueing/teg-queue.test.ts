/** The TEG queue: promises, champions, backfill, order of tenants, reasons, limits. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { RuntimeEstimates } from '../../market/runtimes/runtime-estimates.ts';
import { disciplineLaws } from '../zone/queue-discipline.laws.ts';
import type { QueuedJob } from '../zone/queue-discipline.ts';
import { FirstFit, makeCluster } from '../zone/zone.fixtures.ts';
import { Zone } from '../zone/zone.ts';
import { JobState, ZoneEventKind } from '../zone/zone-events.ts';
import { TegQueue, type TegQueueOptions, type TenantOrder } from './teg-queue.ts';

/** Demand 4: one GPU. Kind 2: four GPUs. */
const ONE_GPU = 4;

interface WorldOptions extends TegQueueOptions {
  readonly nodes?: readonly number[];
  readonly order?: TenantOrder;
}

/** A small cluster in virtual time: jobs end by themselves. */
class World {
  readonly queue: TegQueue;
  readonly zone: Zone;
  time = 0;
  readonly starts = new Map<number, number>();
  private readonly ends: { at: number; job: number }[] = [];
  private readonly durations = new Map<number, number>();

  constructor({ nodes = [2], order, ...options }: WorldOptions = {}) {
    const cluster = makeCluster(nodes);
    this.queue = new TegQueue(new RuntimeEstimates(), order, options);
    this.zone = new Zone(cluster, new FirstFit(cluster), {}, undefined, this.queue);
  }

  /** Submits now. @param expects Absent: it expects its duration. */
  submit(job: number, gpus: number, seconds: number, more: Partial<QueuedJob> = {}): void {
    this.durations.set(job, seconds);
    const { expectedSeconds = seconds, priority = 0, tenant = 0 } = more;
    this.zone.step(
      {
        kind: ZoneEventKind.JobSubmitted,
        job,
        demandId: ONE_GPU,
        podCount: gpus,
        gangMin: gpus,
        priority,
        tenant,
        ...(Number.isNaN(expectedSeconds) ? {} : { expectedSeconds }),
      },
      this.time,
    );
  }

  /** One pass now. */
  tick(): void {
    const waiting: number[] = [];
    this.zone.forEachWaitingJob((job) => waiting.push(job));
    this.zone.step({ kind: ZoneEventKind.Tick }, this.time);
    for (const job of waiting) {
      if (this.zone.stateOf(job) !== JobState.Running) continue;
      this.starts.set(job, this.time);
      this.ends.push({ at: this.time + (this.durations.get(job) as number), job });
    }
    this.ends.sort((a, b) => a.at - b.at || a.job - b.job);
  }

  /** Lets time pass, with a pass after the ends of each instant and where the queue asks for one. */
  runTo(time: number): void {
    for (;;) {
      const at = Math.min(
        this.ends[0]?.at ?? Infinity,
        this.zone.dueSeconds > this.time ? this.zone.dueSeconds : Infinity,
      );
      if (at > time) break;
      this.time = at;
      while (this.ends[0]?.at === at) {
        this.zone.step(
          { kind: ZoneEventKind.JobFinished, job: (this.ends.shift() as { job: number }).job },
          at,
        );
      }
      this.tick();
    }
    this.time = time;
  }
}

disciplineLaws(
  'teg with one champion, few candidates',
  () => new TegQueue(new RuntimeEstimates(), undefined, { reservationsMax: 1, candidatesMax: 3 }),
);

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

describe('bounds', () => {
  it('looks at no more jobs in a pass than it may, and goes on after the next event', () => {
    const world = new World({ candidatesMax: 2, reservationsMax: 0 });
    for (let job = 0; job < 4; job++) world.submit(job, 1, 10);
    world.tick();
    expect(world.zone.runningJobs).toBe(2);
    world.runTo(100);
    expect(world.zone.counters.finished).toBe(4);
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
