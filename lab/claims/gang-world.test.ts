/** The world of gangs that hold slots: its bookkeeping, and the policies on cases small enough to follow. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/kernel/random.ts';
import { checkProperty } from '../../test/support/properties.ts';
import { holdAndWait, jitteredBackoff, timeoutPolicy, woundWait } from './gang-policies.ts';
import {
  DEADLOCK_SETTINGS,
  deadlockWorld,
  GANG_POLICIES,
  type GangPolicyName,
  healthyWorld,
  taxed,
  ZONE_SETTINGS,
} from './gang-scenarios.ts';
import {
  GangPhase,
  type GangPolicy,
  type GangSpec,
  type GangWorld,
  type GangWorldSpec,
  runGangs,
} from './gang-world.ts';

/** @returns What is wrong with a world's bookkeeping, in words; empty: nothing. */
function faults(world: GangWorld): string {
  let all = 0;
  for (let zone = 0; zone < world.zoneCount; zone++) {
    const held = world.holdings[zone]?.slots as Int32Array;
    const sum = held.reduce((total, count) => total + count, 0);
    const free = world.free[zone] as number;
    if (free < 0 || free + sum !== world.spec.zoneSlots[zone])
      return `zone ${zone} has ${free} free, ${sum} held`;
    if (held.some((count, gang) => count < 0 || count > world.need(gang, zone)))
      return 'more is held than needed';
    all += sum;
  }
  if (world.held.reduce((total, count) => total + count, 0) !== all) return 'gangs and zones differ';
  for (let gang = 0; gang < world.gangCount; gang++) {
    const phase = world.phase[gang];
    const held = world.held[gang] as number;
    if (phase === GangPhase.Running && held !== world.needed[gang]) return `gang ${gang} runs with ${held}`;
    if ((phase === GangPhase.Done || phase === GangPhase.Away) && held > 0)
      return `gang ${gang} holds ${held}`;
  }
  return '';
}

/** A policy that has the world's bookkeeping checked whenever it is asked. */
function audited(policy: GangPolicy): GangPolicy {
  return {
    release: (world) => {
      expect(faults(world)).toBe('');
      policy.release(world);
      expect(faults(world)).toBe('');
    },
    championIn: (world, zone) => policy.championIn(world, zone),
    settle: (world, started) => {
      expect(faults(world)).toBe('');
      policy.settle(world, started);
    },
    get taxPaid() {
      return policy.taxPaid;
    },
    neverReleases: policy.neverReleases === true,
  };
}

/** Gangs of one zone that all come at 0. */
function oneZone(slots: number, gangs: readonly [need: number, run: number][]): GangWorldSpec {
  return {
    zoneSlots: [slots],
    gangs: gangs.map(([need, runTicks]): GangSpec => ({ submitTick: 0, needs: [need], runTicks })),
    ticksMax: 1000,
  };
}

describe('the world', () => {
  const names = Object.keys(GANG_POLICIES) as GangPolicyName[];

  test('neither loses nor makes slots, under any policy', () => {
    const settings = [...DEADLOCK_SETTINGS, ...ZONE_SETTINGS];
    checkProperty(
      fc.property(
        fc.constantFrom(...names),
        fc.constantFrom(...settings),
        fc.nat(),
        (name, setting, seed) => {
          const random = new Random(seed);
          const world = { ...deadlockWorld(setting, random.fork(0)), ticksMax: 60 };
          const policy = GANG_POLICIES[name](random.fork(1), world);
          const { heldIdle, rent, ticks } = runGangs(world, audited(policy), random.fork(2));
          expect(heldIdle + rent).toBeLessThanOrEqual(32 * (ticks + 1));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('lets gangs come, ask one zone now and then, and end', () => {
    const random = new Random(3);
    const world = healthyWorld(0.4, random.fork(0));
    const policy = taxed({ stuckTicks: 0 })(random.fork(1), world);
    const { done, lastFinish } = runGangs(world, audited(policy), random.fork(2));
    expect(done).toBe(world.gangs.length);
    expect(lastFinish).toBeGreaterThan((world.gangs.at(-1) as GangSpec).submitTick);
  });

  test('gives the same run for the same seed', () => {
    const [mixed] = DEADLOCK_SETTINGS;
    const run = (seed: number) => {
      const random = new Random(seed);
      const world = deadlockWorld(mixed as (typeof DEADLOCK_SETTINGS)[number], random.fork(0));
      return runGangs(world, GANG_POLICIES['Landau, champion'](random.fork(1), world), random.fork(2));
    };
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
  });
});

describe('policies on gangs that fill the cluster', () => {
  const pair = oneZone(10, [
    [10, 5],
    [10, 7],
  ]);

  test('wound-wait runs them one after the other, without a pause', () => {
    const outcome = runGangs(pair, woundWait(), new Random(1));
    expect(outcome).toMatchObject({ done: 2, firstStart: 0, lastFinish: 12, heldIdle: 0, rent: 120 });
  });

  test('hold-and-wait is recognised as stuck', () => {
    const outcome = runGangs(pair, holdAndWait(), new Random(1));
    expect(outcome.done).toBe(0);
    expect(outcome.ticks).toBeLessThan(3);
    expect(outcome.lastFinish).toBe(Number.POSITIVE_INFINITY);
  });

  test('a timeout gives back what was held, and comes again after its backoff', () => {
    const waits: number[] = [];
    const policy = timeoutPolicy(30, (retreats) => {
      waits.push(retreats);
      return 10;
    });
    runGangs({ ...pair, ticksMax: 81 }, policy, new Random(1));
    // At 30, again from 40, at 70, again from 80.
    expect(waits).toEqual([1, 1, 2, 2]);
  });

  test('a champion starts once the other is broke, and is never charged', () => {
    // Rate 1: the other, which holds about half, pays its 20 tokens in some 4 ticks.
    const policy = taxed({ tax: 1, balance: 20, mint: 0 })(new Random(2), pair);
    const outcome = runGangs(pair, policy, new Random(1));
    expect(outcome.done).toBe(2);
    expect(outcome.firstStart).toBeLessThan(15);
    expect(outcome.taxPaid).toBe(20);
  });

  test('a jittered backoff doubles its window up to a limit', () => {
    const backoff = jitteredBackoff(10, 40, new Random(1));
    for (const [retreats, most] of [
      [1, 10],
      [2, 20],
      [3, 40],
      [50, 40],
    ] as const) {
      const drawn = Array.from({ length: 500 }, () => backoff(retreats));
      expect(Math.min(...drawn)).toBe(1);
      expect(Math.max(...drawn)).toBe(most);
    }
  });
});
