/** The airlock, case by case; its invariants over all courses are in airlock.explore.test.ts. */
import { describe, expect, test } from 'vitest';
import { AssertionFailure } from '../../kernel/assert.ts';
import { Airlock } from './airlock.ts';
import { AIRLOCK_DEFAULTS, AIRLOCK_GROUPS_MAX, type AirlockOptions } from './airlock-options.ts';
import type { GroupReading } from './airlock-readings.ts';
import { UnitState } from './airlock-states.ts';
import { AirlockWorld, SMALL, type Wish, type WorldGroup } from './airlock-world.fixtures.ts';

const GROW: Wish = { amount: 2 };
const IDLE: Wish = { amount: 0 };
const group = (
  name: string,
  priority: number,
  usage: number,
  more: Partial<WorldGroup> = {},
): WorldGroup => ({
  name,
  priority,
  usage,
  ...more,
});

describe('while memory is ample', () => {
  test('nobody is limited, and nothing changes', () => {
    const world = new AirlockWorld([group('a', 1, 1), group('b', 2, 1)]);
    const answer = world.tick([GROW, GROW]);
    expect(answer).toMatchObject({ isShort: false, headroom: 10, exhausted: false, changes: [] });
    expect([...world.grants.values()]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
  });
});

describe('while memory is short', () => {
  test('only the most important unit that wants to grow does, and no further than the wall', () => {
    const world = new AirlockWorld([group('a', 1, 5), group('b', 2, 5)]);
    const answer = world.tick([GROW, GROW]);
    expect(answer.isShort).toBe(true);
    expect(answer.changes.map(({ unit, to, reason }) => [unit, to, reason])).toEqual([
      ['b', UnitState.Throttled, 'memory is short'],
      ['a', UnitState.Throttled, 'memory is short'],
    ]);
    expect([...world.grants]).toEqual([
      ['b', 2],
      ['a', 0],
    ]);
    world.tick([GROW, GROW]);
    expect(world.usage).toBe(12);
    world.tick([GROW, GROW]);
    expect(world.usage).toBe(12);
  });

  test('equals take turns with the token', () => {
    const world = new AirlockWorld([group('a', 1, 5), group('b', 1, 5)]);
    const holders: string[] = [];
    for (let i = 0; i < 2; i++) {
      world.tick([{ amount: 0.5 }, { amount: 0.5 }]);
      holders.push(...[...world.grants].filter(([, rate]) => rate > 0).map(([name]) => name));
    }
    expect(holders).toEqual(['a', 'b']);
  });

  test('who wants to grow and gets nothing is frozen, the last unit that runs is not', () => {
    const world = new AirlockWorld([group('a', 1, 5), group('b', 2, 6)]);
    const reasons = [];
    for (let i = 0; i < 4; i++)
      reasons.push(...world.tick([GROW, GROW]).changes.map((c) => `${c.unit} ${c.reason}`));
    expect(reasons).toEqual(['b memory is short', 'a memory is short', 'a no progress']);
    expect([...world.frozen]).toEqual(['a']);
  });

  test('who does not want to grow goes on, whatever its priority', () => {
    const world = new AirlockWorld([group('a', 1, 5), group('b', 2, 6)]);
    for (let i = 0; i < 20; i++) {
      world.tick([IDLE, GROW]);
      expect(world.frozen).not.toContain('a');
    }
  });

  test('the end of a shortage counts only above the dead band, and after a while', () => {
    const world = new AirlockWorld([group('a', 1, 5), group('b', 2, 5)]);
    expect(world.tick([IDLE, IDLE]).isShort).toBe(true);
    // Headroom of 5: above the lower bound, not the upper one.
    world.tick([{ amount: -3 }, IDLE]);
    expect(world.tick([{ amount: -2 }, IDLE]).isShort).toBe(true);
    const ample = world.tick([IDLE, IDLE]);
    expect(ample.isShort).toBe(false);
    expect(ample.changes.map((c) => c.reason)).toEqual(['memory is ample', 'memory is ample']);
  });
});

test('a shortage lasts for as long as a state is kept, however much memory comes back', () => {
  const world = new AirlockWorld([group('a', 1, 10)], 12, { ...SMALL, residenceSeconds: 3 });
  world.tick([IDLE]);
  world.tick([{ amount: -10 }]);
  const isShort = Array.from({ length: 3 }, () => world.tick([IDLE]).isShort);
  expect(isShort).toEqual([true, false, false]);
});

describe('a frozen unit', () => {
  /** a is frozen at second 3. */
  function withFrozen(options: Partial<AirlockOptions> = {}): AirlockWorld {
    const world = new AirlockWorld([group('a', 1, 5), group('b', 2, 6)], 12, { ...SMALL, ...options });
    for (let i = 0; i < 3; i++) world.tick([GROW, GROW]);
    expect([...world.frozen]).toEqual(['a']);
    return world;
  }

  test('is thawed when there is room for it', () => {
    const world = withFrozen();
    world.tick([GROW, { amount: -7 }]);
    const answer = world.tick([GROW, IDLE]);
    expect(answer.changes.at(-1)).toMatchObject({ unit: 'a', to: UnitState.Running, reason: 'room for it' });
    expect(answer.effects).toContainEqual({ kind: 'thaw', group: 'a' });
  });

  test('is thawed before it has been frozen for too long, in exchange for who makes no progress then', () => {
    const world = withFrozen();
    const from = world.time - 1;
    const changes = Array.from({ length: 12 }, () => world.tick([GROW, GROW]).changes).flat();
    expect(changes.slice(0, 3).map(({ unit, to, reason }) => [unit, to, reason])).toEqual([
      ['a', UnitState.Throttled, 'frozen long enough'],
      ['b', UnitState.Frozen, 'no progress'],
      ['b', UnitState.Throttled, 'frozen long enough'],
    ]);
    expect(changes[0]?.timeSeconds).toBeLessThanOrEqual(from + SMALL.frozenSecondsMax);
  });

  test('is thawed some time before or after others that were frozen with it', () => {
    const names = ['a', 'b', 'c', 'd'];
    const world = new AirlockWorld(names.map((name) => group(name, 1, 3)));
    const thaws: number[] = [];
    for (let i = 0; i < 12; i++) {
      const { changes } = world.tick(names.map(() => GROW));
      thaws.push(...changes.filter((c) => c.reason === 'frozen long enough').map((c) => c.timeSeconds));
    }
    expect(thaws.length).toBeGreaterThan(2);
    expect(new Set(thaws).size).toBe(thaws.length);
  });

  test('has no growth in flight, whatever its last readings say', () => {
    const options = { ...SMALL, growth: { ...SMALL.growth, lagSeconds: 0.5 } };
    const airlock = new Airlock(options);
    const reading = (growth: number) => ({
      wall: 12,
      others: 0,
      groups: [
        { name: 'a', usage: 5, growth, wants: true, priority: 1, optedIn: true },
        { name: 'b', usage: 6, growth: 0, wants: true, priority: 2, optedIn: true },
      ],
    });
    for (let time = 0; time < 4; time++) airlock.step(reading(0), time);
    const { effects, changes } = airlock.step(reading(2), 4);
    expect(changes).toEqual([]);
    expect(effects).toEqual([{ kind: 'grant', group: 'b', rate: 1 }]);
  });

  test('is moved first if the policy says so, and thawed if it is still there', () => {
    const world = withFrozen({ escalations: ['move', 'thaw'] });
    const kinds: string[] = [];
    for (let i = 0; i < 14; i++) {
      const { effects, changes } = world.tick([GROW, GROW]);
      kinds.push(...effects.filter((e) => e.kind !== 'grant').map((e) => `${e.kind} ${e.group}`));
      world.gone.clear();
      if (changes.some((c) => c.to === UnitState.Moved)) world.groups.push(group('a', 1, 5));
      world.groups = world.groups
        .filter((g, at, all) => all.findIndex((o) => o.name === g.name) === at)
        .sort((x, y) => x.priority - y.priority);
    }
    expect(kinds.slice(0, 2)).toEqual(['move a', 'thaw a']);
  });

  test('is killed only if the policy says so', () => {
    const world = withFrozen({ escalations: ['reclaim', 'kill'] });
    const kinds: string[] = [];
    for (let i = 0; i < 14 && world.groups.length > 1; i++) {
      kinds.push(
        ...world
          .tick([GROW, GROW])
          .effects.filter((e) => e.kind !== 'grant')
          .map((e) => e.kind),
      );
    }
    expect(kinds).toEqual(['reclaim', 'kill']);
  });

  test('goes on if the last unit that ran has left', () => {
    const world = withFrozen();
    world.groups = world.groups.filter((g) => g.name === 'a');
    const answer = world.tick([GROW]);
    expect(answer.changes.map((c) => `${c.unit} ${c.reason}`)).toContain('a no other runs');
    expect(world.frozen.size).toBe(0);
  });
});

describe('at the wall', () => {
  test('who grows past its grant is frozen, though another is less important', () => {
    const world = new AirlockWorld([group('a', 1, 5), group('b', 2, 5)]);
    world.tick([IDLE, { amount: 0, bypass: 1 }]);
    const answer = world.tick([IDLE, { amount: 0, bypass: 1 }]);
    // One a second past a grant of nothing: at 11 of 12 it would be at the wall by the next tick; at 12 it may not stay.
    const last = world.tick([IDLE, { amount: 0, bypass: 1 }]);
    expect([...answer.changes, ...last.changes].map((c) => `${c.unit} ${c.reason}`)).toContain(
      'b the wall is near',
    );
    expect([...world.frozen]).toEqual(['b']);
    expect(world.usage).toBeLessThanOrEqual(12);
  });

  test('the last unit that runs is exchanged for one that is frozen', () => {
    const world = new AirlockWorld([group('a', 1, 4), group('b', 2, 5)]);
    for (let i = 0; i < 3; i++) world.tick([GROW, GROW]);
    for (let i = 0; i < 2; i++) world.tick([GROW, GROW]);
    expect([...world.frozen]).toEqual(['a']);
    const changes = [];
    for (let i = 0; i < 2; i++)
      changes.push(...world.tick([IDLE, { amount: 0, bypass: i === 0 ? 0.001 : 0 }]).changes);
    expect(changes.map((c) => `${c.unit} ${c.reason}`)).toEqual([
      'a in place of another',
      'b the wall is near',
    ]);
    expect([...world.frozen]).toEqual(['b']);
  });

  test('but not for one that has been frozen for too short a time', () => {
    const world = new AirlockWorld([group('a', 1, 4), group('b', 2, 5)], 12, {
      ...SMALL,
      residenceSeconds: 4,
    });
    while (world.frozen.size === 0) world.tick([GROW, GROW]);
    world.tick([IDLE, { amount: 0, bypass: 0.001 }]);
    const answer = world.tick([IDLE, IDLE]);
    expect(answer).toMatchObject({ exhausted: true, changes: [] });
    expect([...world.frozen]).toEqual(['a']);
  });

  test('who grows past its grant is frozen while there is still room for what bypasses grants unseen', () => {
    const options = { ...SMALL, growth: { ...SMALL.growth, margin: 1 }, bypassRate: 1 };
    const frozenAt = (usage: number): number => {
      const world = new AirlockWorld([group('a', 1, usage - 1), group('b', 2, 0)], 12, options);
      world.tick([IDLE, IDLE]);
      world.tick([{ amount: 0, bypass: 1 }, IDLE]);
      world.tick([IDLE, IDLE]);
      return world.frozen.size;
    };
    // A second of it and of the bypass still fits at 10, not above.
    expect(frozenAt(10)).toBe(0);
    expect(frozenAt(10.5)).toBe(1);
  });

  test('says when nothing is left to do', () => {
    const world = new AirlockWorld([group('a', 1, 11)]);
    world.tick([{ amount: 0, bypass: 1 }]);
    const answer = world.tick([{ amount: 0, bypass: 1 }]);
    expect(answer.exhausted).toBe(true);
    expect(world.frozen.size).toBe(0);
  });
});

describe('gangs', () => {
  test('are frozen and thawed whole, also a group that joins later', () => {
    const world = new AirlockWorld([
      group('x', 1, 2, { gang: 'g' }),
      group('y', 1, 2, { gang: 'g' }),
      group('z', 5, 6),
    ]);
    for (let i = 0; i < 4; i++) world.tick([GROW, IDLE, GROW]);
    expect([...world.frozen].sort()).toEqual(['x', 'y']);
    world.groups.push(group('w', 1, 0, { gang: 'g' }));
    expect(world.tick([GROW, IDLE, GROW, IDLE]).effects).toContainEqual({ kind: 'freeze', group: 'w' });
  });

  test('a gang and a group of one name are two units', () => {
    const world = new AirlockWorld([group('g', 1, 5, { gang: 'g' }), group('gang g', 2, 5)]);
    const { changes } = world.tick([IDLE, IDLE]);
    expect(changes).toHaveLength(2);
  });
});

describe('what cannot be read', () => {
  test('counts as its last usage and the growth since, and is frozen near the wall', () => {
    const world = new AirlockWorld([group('a', 1, 4), group('b', 2, 4)]);
    world.tick([IDLE, IDLE]);
    const blind: Wish = { amount: 0, unreadable: true };
    const headrooms = [];
    for (let i = 0; i < 4 && world.frozen.size === 0; i++) headrooms.push(world.tick([blind, IDLE]).headroom);
    expect(headrooms.slice(0, 2)).toEqual([2, 0]);
    expect([...world.frozen]).toEqual(['a']);
    // Frozen it cannot have grown.
    expect(world.tick([blind, IDLE]).headroom).toBe(4);
  });

  test('of the node, keeps its last value; before the first, nothing is granted', () => {
    const reading = (wall: number, others: number) => ({
      wall,
      others,
      groups: [{ name: 'a', usage: 1, growth: 0, wants: true, priority: 1, optedIn: true }],
    });
    const airlock = new Airlock(SMALL);
    const first = airlock.step(reading(Number.NaN, Number.NaN), 0);
    expect(first.effects).toEqual([{ kind: 'grant', group: 'a', rate: 0 }]);
    expect(airlock.step(reading(12, 2), 1).headroom).toBe(9);
    expect(airlock.step(reading(Number.NaN, Number.NaN), 2).headroom).toBe(9);
  });
});

test('a group that did not opt in is counted and never acted on', () => {
  const world = new AirlockWorld([group('a', 1, 4), group('system', 0, 7, { optedIn: false })]);
  for (let i = 0; i < 10; i++) {
    const { effects, headroom } = world.tick([GROW, GROW]);
    expect(effects.every((effect) => effect.group === 'a')).toBe(true);
    expect(headroom).toBeLessThanOrEqual(1);
  }
});

describe('bounds', () => {
  const many = (count: number): GroupReading[] =>
    Array.from({ length: count }, (_, i) => ({
      name: `g${i}`,
      usage: 0,
      growth: 0,
      wants: false,
      priority: 0,
      optedIn: true,
    }));

  test('holds as many groups as it says', () => {
    const airlock = new Airlock(AIRLOCK_DEFAULTS);
    const step = (count: number) => airlock.step({ wall: 1e5, others: 0, groups: many(count) }, 0);
    expect(step(AIRLOCK_GROUPS_MAX).effects).toHaveLength(AIRLOCK_GROUPS_MAX);
    expect(() => step(AIRLOCK_GROUPS_MAX + 1)).toThrow(AssertionFailure);
  });

  test.each<[string, Partial<AirlockOptions>]>([
    ['a dead band of no width', { amplyAbove: SMALL.shortBelow }],
    ['a band that a tick of growth passes', { shortBelow: 1.9 }],
    ['a margin below what bypasses', { bypassRate: 1 }],
    ['no end of freezes', { escalations: ['move', 'reclaim'] }],
    ['an escalation named twice', { escalations: ['thaw', 'thaw'] }],
    ['frozen for no time', { frozenSecondsMax: 1 }],
    ['a stall of no time', { stallSeconds: 0 }],
  ])('refuses %s', (_name, changes) => {
    expect(() => new Airlock({ ...SMALL, ...changes })).toThrow(AssertionFailure);
  });

  test('refuses a tick before the last one', () => {
    const airlock = new Airlock(SMALL);
    airlock.step({ wall: 1, others: 0, groups: [] }, 5);
    expect(() => airlock.step({ wall: 1, others: 0, groups: [] }, 4)).toThrow(AssertionFailure);
  });
});
