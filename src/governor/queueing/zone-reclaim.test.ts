/** Evictions in small zones: the lender gets its quota back, gangs go whole, nothing is evicted in vain. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import type { TenantSpec } from '../../market/tenants/spec.ts';
import { gpus } from '../../market/tenants/tenants.fixtures.ts';
import type { EvictionTerms } from '../../model/eviction-terms.ts';
import { ZoneEventKind } from '../zone/zone-events.ts';
import {
  EVICT_AT_ONCE as AT_ONCE,
  evictingTeam as team,
  EvictionWorld as World,
} from './zone-reclaim.fixtures.ts';

const HOUR = 3600;

describe('in a zone', () => {
  test('a lender gets its quota back at once, and the borrower keeps its own', () => {
    const world = new World(2, [team('a', 4), team('b', 4)]);
    for (let job = 0; job < 8; job++) world.submit(job, 'b', 1);
    world.settle();
    expect(world.held('b')).toBe(8);
    world.submit(8, 'a', 4);
    world.zone.step({ kind: ZoneEventKind.Tick }, world.time);
    expect(world.running(8)).toEqual([8]);
    expect([world.held('a'), world.held('b')]).toEqual([4, 4]);
    // The newest go.
    expect(world.running(0, 1, 2, 3, 4, 5, 6, 7)).toEqual([0, 1, 2, 3]);
    expect(world.settle()).toBe(0);
    expect(world.reclaim.counts).toMatchObject({
      plans: 1,
      evictedPods: 4,
      wasted: 0,
      evicted: { reclaim: 4 },
    });
  });

  test('a gang is evicted whole, the smallest that makes room, and what it frees beyond that is filled', () => {
    const world = new World(2, [team('a', 4), team('b', 0), team('c', 0, { weight: 0 })]);
    world.submit(0, 'b', 5);
    world.submit(1, 'b', 3);
    world.submit(2, 'c', 1);
    world.settle();
    expect(world.running(0, 1, 2)).toEqual([0, 1]);
    world.submit(3, 'a', 2);
    world.zone.step({ kind: ZoneEventKind.Tick }, world.time);
    expect(world.running(0, 1, 2, 3)).toEqual([0, 2, 3]);
    expect(world.reclaim.counts).toMatchObject({ evictedPods: 3, wasted: 0 });
  });

  test('of a gang that may be divided pods beyond its minimum go, and come back when there is room', () => {
    const world = new World(2, [team('a', 4), team('b', 0)]);
    const single: Partial<EvictionTerms> = { disruption: 'single' };
    world.submit(0, 'b', 8, 0, 5, single);
    world.settle();
    world.submit(1, 'a', 2);
    world.zone.step({ kind: ZoneEventKind.Tick }, world.time);
    world.zone.check();
    expect([world.pods(0), world.pods(1)]).toEqual([6, 2]);
    expect(world.reclaim.counts).toMatchObject({ plans: 1, evictedPods: 2, shrunk: 1, wasted: 0 });
    expect([world.held('a'), world.held('b')]).toEqual([2, 6]);
    world.submit(2, 'a', 1);
    world.settle();
    expect([0, 1, 2].map((job) => world.pods(job))).toEqual([5, 2, 1]);
    world.finish(1);
    world.settle();
    expect([world.pods(0), world.held('b')]).toEqual([7, 7]);
    // Below the minimum the whole gang goes; as a whole it is not admitted again.
    world.submit(3, 'a', 3);
    world.settle();
    expect([0, 2, 3].map((job) => world.pods(job))).toEqual([0, 1, 3]);
  });

  test('a gang of the same size that goes whole or not at all goes whole', () => {
    const world = new World(2, [team('a', 4), team('b', 0)]);
    world.submit(0, 'b', 8, 0, 5);
    world.settle();
    world.submit(1, 'a', 2);
    world.settle();
    expect([world.pods(0), world.pods(1)]).toEqual([0, 2]);
    expect(world.reclaim.counts).toMatchObject({ shrunk: 0, evictedPods: 8 });
  });

  test('a job of higher priority takes the place of a lower one of its tenant, not of another', () => {
    const world = new World(1, [team('a', 2), team('b', 2)]);
    for (const [job, tenant] of ['a', 'a', 'b', 'b'].entries()) world.submit(job, tenant, 1, job);
    world.settle();
    world.submit(4, 'a', 1, 9);
    world.settle();
    expect(world.running(0, 1, 2, 3, 4)).toEqual([1, 2, 3, 4]);
    expect(world.reclaim.counts.evicted).toMatchObject({ within: 1, reclaim: 0 });
  });

  test('what is not within a quota, or would cost a tenant its own, evicts nobody', () => {
    const world = new World(1, [team('a', 2), team('b', 2)]);
    world.submit(0, 'b', 4);
    world.settle();
    // The gang of 4 would leave b without its 2.
    world.submit(1, 'a', 1);
    world.settle();
    expect(world.running(0, 1)).toEqual([0]);
    expect(world.reclaim.lastRefusal?.protectedPods.get('quota')).toBe(4);
  });

  test('fair shares: of what no quota covers a tenant gets its share, and is not evicted for an equal', () => {
    const world = new World(2, [team('a', 0), team('b', 0)]);
    for (let job = 0; job < 8; job++) world.submit(job, 'a', 1);
    world.settle();
    for (let job = 8; job < 16; job++) world.submit(job, 'b', 1);
    world.settle();
    expect([world.held('a'), world.held('b')]).toEqual([4, 4]);
    expect(world.reclaim.counts).toMatchObject({ evictedPods: 4, wasted: 0 });
    expect(world.settle()).toBe(0);
  });

  test('jobs are tried again once others have run long enough, though nothing else happens', () => {
    const slow = { ...AT_ONCE, minRuntimeSeconds: 600 };
    const world = new World(1, [team('a', 4), team('b', 0, { preemption: slow })]);
    for (let job = 0; job < 4; job++) world.submit(job, 'b', 1);
    world.zone.step({ kind: ZoneEventKind.Tick }, 0);
    for (const job of [4, 5, 6]) world.submit(job, 'a', 1);
    world.zone.step({ kind: ZoneEventKind.Tick }, 0);
    expect(world.running(4, 5, 6)).toEqual([]);
    expect(world.zone.dueSeconds).toBe(600);
    world.zone.step({ kind: ZoneEventKind.Tick }, 600);
    expect(world.running(4, 5, 6)).toEqual([4, 5, 6]);
  });

  test('a job for which room was made has no claim to it after its node is lost', () => {
    const world = new World(1, [team('a', 4), team('b', 0)]);
    world.submit(0, 'b', 4);
    world.settle();
    world.submit(1, 'a', 4);
    world.settle();
    expect(world.running(1)).toEqual([1]);
    world.zone.step({ kind: ZoneEventKind.NodeDown, node: 0 }, world.time);
    world.settle();
    expect(world.running(1)).toEqual([]);
    expect(world.reclaim.counts).toMatchObject({ plans: 1, wasted: 0 });
  });

  test('no plan is made for want of lower jobs that have ended', () => {
    const world = new World(1, [team('a', 4, { preemption: { ...AT_ONCE, reclaim: 'Never' } })]);
    world.submit(0, 'a', 4, 0);
    world.settle();
    world.finish(0);
    world.submit(1, 'a', 4, 5);
    world.settle();
    world.submit(2, 'a', 4, 3);
    world.settle();
    expect(world.running(1, 2)).toEqual([1]);
    expect(world.reclaim.counts).toMatchObject({ plans: 0, refusals: 0 });
  });

  test('nobody is evicted for the minimum of a gang that is not admitted as a whole', () => {
    const world = new World(1, [team('a', 2, { limit: gpus('A100', 2) }), team('b', 0)]);
    for (let job = 0; job < 4; job++) world.submit(job, 'b', 1);
    world.settle();
    world.submit(4, 'a', 4, 0, 2);
    world.settle();
    expect(world.reclaim.counts).toMatchObject({ plans: 0, wasted: 0 });
  });

  test('a refusal counts for jobs of its tenant that are as large, and longer after each', () => {
    const world = new World(1, [team('a', 2), team('b', 2)]);
    // The gang of four would leave b without its two.
    world.submit(0, 'b', 4);
    const refusalsAt = (time: number): number => {
      world.time = time;
      world.zone.step({ kind: ZoneEventKind.Tick }, time);
      return world.reclaim.counts.refusals;
    };
    refusalsAt(0);
    world.submit(1, 'a', 2);
    expect([0, 59, 60, 120, 179, 180, 240, 419, 420].map(refusalsAt)).toEqual([1, 1, 2, 2, 2, 3, 3, 3, 4]);
    world.submit(2, 'a', 3);
    expect(refusalsAt(421)).toBe(4);
    world.submit(3, 'a', 1);
    expect(refusalsAt(422)).toBe(5);
  });

  test('a refusal of one tenant is none of another', () => {
    const world = new World(1, [team('a', 0), team('b', 0), team('c', 2)]);
    world.submit(0, 'b', 4);
    world.settle();
    // A share of two is not worth a gang of four; a quota of two is.
    world.submit(1, 'a', 2);
    world.zone.step({ kind: ZoneEventKind.Tick }, world.time);
    expect(world.reclaim.counts).toMatchObject({ plans: 0, refusals: 1 });
    world.submit(2, 'c', 2);
    world.zone.step({ kind: ZoneEventKind.Tick }, world.time);
    expect(world.running(0, 2)).toEqual([2]);
  });

  test('a retry that falls due while no further plan is allowed is put off, not forgotten', () => {
    const slow = { ...AT_ONCE, minRuntimeSeconds: 10 };
    const world = new World(1, [team('a', 4), team('b', 0, { preemption: slow })]);
    for (let job = 0; job < 4; job++) world.submit(job, 'b', 1);
    world.zone.step({ kind: ZoneEventKind.Tick }, 0);
    // Each of another priority, so that each costs a plan: four in 30 s are all.
    for (const job of [4, 5, 6, 7]) world.submit(job, 'a', 1, job);
    world.zone.step({ kind: ZoneEventKind.Tick }, 0);
    expect(world.reclaim.counts.refusals).toBe(4);
    expect(world.zone.dueSeconds).toBe(10);
    world.zone.step({ kind: ZoneEventKind.Tick }, 10);
    expect(world.running(4, 5, 6, 7)).toEqual([]);
    expect(world.zone.dueSeconds).toBe(30);
    world.zone.step({ kind: ZoneEventKind.Tick }, 30);
    expect(world.running(4, 5, 6, 7)).toEqual([4, 5, 6, 7]);
  });

  test('equal jobs of a lender all get room in one pass', () => {
    const world = new World(1, [team('a', 3), team('b', 0)]);
    for (let job = 0; job < 4; job++) world.submit(job, 'b', 1);
    world.settle();
    for (let job = 4; job < 8; job++) world.submit(job, 'a', 1);
    world.zone.step({ kind: ZoneEventKind.Tick }, world.time);
    expect(world.running(0, 4, 5, 6, 7)).toEqual([0, 4, 5, 6]);
  });

  test('nobody is evicted for a job that its tenant may not start all the same', () => {
    const empty = { tokens: 0, periodSeconds: HOUR };
    const cases: TenantSpec[] = [
      team('c', 0, { limit: gpus('A100', 2) }),
      team('c', 4, { state: 'Hold' }),
      team('c', 4, { budget: { ...empty, onEmpty: 'IdleOnly' } }),
      team('c', 4, { budget: { ...empty, onEmpty: 'Wait' } }),
    ];
    for (const tenant of cases) {
      const world = new World(2, [team('a', 0), tenant]);
      world.submit(0, 'c', 1);
      world.submit(1, 'c', 1);
      for (let job = 2; job < 10; job++) world.submit(job, 'a', 1);
      world.settle();
      world.submit(10, 'c', 1);
      world.settle();
      expect(world.running(10)).toEqual([]);
      expect(world.reclaim.counts).toMatchObject({ plans: 0, wasted: 0 });
    }
  });

  test('fair shares waste no more of a tenant’s work than its rate allows', () => {
    const careful = { ...AT_ONCE, ratePerHour: 0.1 };
    const world = new World(2, [team('a', 0, { preemption: careful }), team('b', 0)]);
    for (let job = 0; job < 8; job++) world.submit(job, 'a', 1);
    world.zone.step({ kind: ZoneEventKind.Tick }, 0);
    // Each loses an hour of work: more than a tenth of what eight GPUs do in an hour, but the first is allowed.
    world.time = HOUR;
    for (let job = 8; job < 12; job++) world.submit(job, 'b', 1);
    world.zone.step({ kind: ZoneEventKind.Tick }, world.time);
    expect(world.reclaim.counts.evictedPods).toBe(1);
    expect(world.reclaim.counts.workLost).toBe(HOUR);
  });

  test('where nobody has a quota nothing is owed: no plan is looked for', () => {
    const fair = { ...AT_ONCE, ratePerHour: 0 };
    const world = new World(1, [team('a', 0, { preemption: fair }), team('b', 0, { preemption: fair })]);
    for (let job = 0; job < 4; job++) world.submit(job, 'a', 1);
    world.settle();
    world.submit(4, 'b', 1);
    world.settle();
    expect(world.running(4)).toEqual([]);
    expect(world.reclaim.counts).toMatchObject({ plans: 0, refusals: 0 });
  });

  test('a tenant that is to end is drained at a bounded rate, the least work first, and starts nothing again', () => {
    const hold = { fromSeconds: 600, drainPods: 3, intervalSeconds: 60 };
    const world = new World(3, [
      team('a', 8, { state: 'HoldAndDrain', hold }),
      team('below', 0, { parent: 'a' }),
      team('b', 2),
    ]);
    const tick = (time: number): number[] => {
      world.time = time;
      world.zone.step({ kind: ZoneEventKind.Tick }, time);
      world.zone.check();
      return world.running(0, 1, 2, 3, 4, 5);
    };
    world.submit(0, 'a', 4);
    world.submit(1, 'b', 2);
    tick(0);
    for (const job of [2, 3]) world.submit(job, 'a', 1);
    tick(100);
    for (const job of [4, 5]) world.submit(job, 'below', 1, 0, 1, { checkpointSeconds: 450 });
    expect(tick(150)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(world.zone.dueSeconds).toBe(600);
    // The jobs below have just made a checkpoint; then the newest.
    expect(tick(600)).toEqual([0, 1, 2]);
    expect(world.reclaim.counts.workLost).toBe(500);
    expect(world.zone.dueSeconds).toBe(660);
    expect(tick(659)).toEqual([0, 1, 2]);
    expect(tick(660)).toEqual([0, 1]);
    expect(tick(720)).toEqual([1]);
    expect(world.zone.refusalOf(2)).toEqual({
      code: 'tenant-held',
      data: { tenant: 'a', state: 'HoldAndDrain' },
    });
    expect(world.zone.dueSeconds).toBe(Number.POSITIVE_INFINITY);
    expect(world.reclaim.counts).toMatchObject({ evictedPods: 8, plans: 0, evicted: { drain: 5 } });
    expect([world.held('a'), world.held('below'), world.held('b')]).toEqual([0, 0, 2]);
  });

  test('evictions keep to the disruption budget of a tenant where others can give way', () => {
    const careful = { ...AT_ONCE, maxUnavailable: 1 };
    const world = new World(2, [team('a', 6), team('b', 0), team('c', 0, { preemption: careful })]);
    for (let job = 0; job < 4; job++) world.submit(job, 'b', 1);
    world.zone.step({ kind: ZoneEventKind.Tick }, 0);
    // Newer, so cheaper, but for the budget.
    world.time = 100;
    for (let job = 4; job < 8; job++) world.submit(job, 'c', 1);
    world.zone.step({ kind: ZoneEventKind.Tick }, world.time);
    world.time = 200;
    world.submit(8, 'a', 3);
    world.zone.step({ kind: ZoneEventKind.Tick }, world.time);
    expect([world.held('b'), world.held('c')]).toEqual([2, 3]);
    // Nothing of it has come back: c is spared as long as others can give way.
    world.submit(9, 'a', 2);
    world.zone.step({ kind: ZoneEventKind.Tick }, world.time);
    expect([world.held('b'), world.held('c')]).toEqual([0, 3]);
    world.submit(10, 'a', 1);
    world.zone.step({ kind: ZoneEventKind.Tick }, world.time);
    expect([world.held('a'), world.held('c')]).toEqual([6, 2]);
    for (const job of [8, 9, 10]) world.finish(job);
    world.settle();
    expect([world.held('b'), world.held('c')]).toEqual([4, 4]);
  });

  test('random lives: evictions stop, and none is in vain', () => {
    let plans = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const random = new Random(seed);
      const names = ['a', 'b', 'c'];
      const world = new World(3, [
        team('top', 1),
        ...names.map((name) =>
          team(name, random.nextInt(5), {
            parent: random.nextInt(2) === 0 ? 'top' : '',
            weight: random.nextInt(3),
          }),
        ),
      ]);
      let jobs = 0;
      for (let step = 0; step < 25; step++) {
        if (random.nextInt(3) > 0) {
          const tenant = names[random.nextInt(3)] as string;
          world.submit(jobs++, tenant, 1 + random.nextInt(4), random.nextInt(3));
        } else {
          const running = world.running(...Array.from({ length: jobs }, (_, job) => job));
          if (running.length > 0) world.finish(running[random.nextInt(running.length)] as number);
        }
        world.settle();
      }
      plans += world.reclaim.counts.plans;
      expect(world.reclaim.counts.wasted, `seed ${seed}`).toBe(0);
    }
    expect(plans).toBeGreaterThan(60);
  });
});
