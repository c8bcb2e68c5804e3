/**
 * The airlock's guarantees: over every course of small nodes, as far as courses differ, and over random courses of larger ones.
 * Planted faults are found by the same checks.
 */
import { describe, expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { Airlock } from './airlock.ts';
import type { AirlockOptions } from './airlock-options.ts';
import type { AirlockAnswer, NodeReading } from './airlock-readings.ts';
import { isFrozenState, type UnitStateValue } from './airlock-states.ts';
import { AirlockWorld, SMALL, type Wish, type WorldGroup } from './airlock-world.fixtures.ts';

const WALL = 12;

/** Follows a world, and fails if a guarantee is broken. */
class Watch {
  private readonly options: AirlockOptions;
  private readonly frozenSince = new Map<string, number>();
  private readonly changedAt = new Map<string, number>();

  constructor(options: AirlockOptions) {
    this.options = options;
  }

  /** @returns The first guarantee that the tick broke; undefined if it broke none. */
  broken(world: AirlockWorld, answer: AirlockAnswer, time: number): string | undefined {
    const tick = this.options.growth.tickSeconds;
    const optedIn = world.groups.filter((group) => group.optedIn !== false);
    if (world.usage > WALL + 1e-9) return `usage of ${world.usage} past the wall`;
    if (optedIn.length > 0 && optedIn.every((group) => world.frozen.has(group.name))) return 'nobody runs';
    for (const group of world.groups) {
      if (group.optedIn === false && world.frozen.has(group.name)) return `${group.name} did not opt in`;
      const mates = optedIn.filter((other) => other.gang !== undefined && other.gang === group.gang);
      if (new Set(mates.map((other) => world.frozen.has(other.name))).size > 1)
        return `half of gang ${group.gang}`;
    }
    for (const { unit, from, to, reason } of answer.changes) {
      const age = time - (this.changedAt.get(unit) ?? Number.NEGATIVE_INFINITY);
      const mayBeEarly = ['the wall is near', 'no other runs', 'memory is short', 'memory is ample'].includes(
        reason,
      );
      if (age < this.options.residenceSeconds && !mayBeEarly)
        return `${unit} changed after ${age} s: ${reason}`;
      if (from === to) return `${unit} changed to what it was`;
      this.changedAt.set(unit, time);
      this.mark(unit, from, to, time);
    }
    for (const [unit, since] of this.frozenSince) {
      const isGang = unit.startsWith('gang ');
      const bound = isGang ? this.options.gangFrozenSecondsMax : this.options.frozenSecondsMax;
      const isThere = optedIn.some((group) => unit === group.name || unit === `gang ${group.gang}`);
      if (isThere && time + tick - since > bound + 1e-9) return `${unit} frozen for ${time + tick - since} s`;
    }
    const growers = answer.effects.filter((effect) => effect.kind === 'grant' && effect.rate > 0);
    const units = new Set(
      growers.map(({ group }) => world.groups.find((g) => g.name === group)?.gang ?? group),
    );
    return answer.isShort && units.size > 1 ? 'two grow at a time' : undefined;
  }

  private mark(unit: string, from: UnitStateValue, to: UnitStateValue, time: number): void {
    if (!isFrozenState(to)) this.frozenSince.delete(unit);
    else if (!isFrozenState(from)) this.frozenSince.set(unit, time);
  }
}

const GROUPS: readonly WorldGroup[] = [
  { name: 'a', priority: 1, usage: 4 },
  { name: 'b', priority: 2, usage: 3 },
  { name: 'c', priority: 2, usage: 2 },
];
const GANG: readonly WorldGroup[] = [
  { name: 'x', priority: 1, usage: 3, gang: 'g' },
  { name: 'y', priority: 1, usage: 2, gang: 'g' },
  { name: 'z', priority: 2, usage: 4 },
];
/** To idle, to grow as far as it may, to give back. */
const WISHES: readonly Wish[] = [{ amount: 0 }, { amount: 2 }, { amount: -2 }];

/** What the future depends on: clocks count up to where they make no difference any more. */
function keyOf(world: AirlockWorld): string {
  return JSON.stringify([world.groups.map((group) => group.usage), [...world.frozen].sort(), stateOf(world)]);
}

/** The units and clocks of an airlock, relative to now. */
function stateOf(world: AirlockWorld): unknown {
  const airlock = world.airlock as unknown as {
    units: {
      name: string;
      state: number;
      since: number;
      frozenSince: number;
      stalledSince: number;
      tokenAt: number;
      attempts: number;
      granted: number;
    }[];
    isShort: boolean;
    thawedAt: number;
    shortSince: number;
  };
  const age = (at: number, most: number): number => Math.min(world.time - at, most);
  const order = airlock.units.map((unit) => unit.tokenAt).sort((a, b) => a - b);
  return [
    airlock.isShort,
    age(airlock.thawedAt, 2),
    age(airlock.shortSince, 2),
    airlock.units.map((u) => [
      u.name,
      u.state,
      age(u.since, 10),
      age(u.frozenSince, 10),
      age(u.stalledSince, 4),
      order.indexOf(u.tokenAt),
      u.attempts,
      u.granted,
    ]),
  ];
}

/** Explores every course of a world to a depth; courses that have come to the same state are followed once. */
function explore(
  groups: readonly WorldGroup[],
  depth: number,
): { states: number; broken: string | undefined } {
  const wishes = groups.reduce<Wish[][]>(
    (all) => all.flatMap((some) => WISHES.map((wish) => [...some, wish])),
    [[]],
  );
  const seen = new Set<string>();
  let paths: number[][] = [[]];
  for (let d = 0; d < depth; d++) {
    const next: number[][] = [];
    for (const path of paths) {
      for (let w = 0; w < wishes.length; w++) {
        const world = new AirlockWorld(groups, WALL);
        const watch = new Watch(SMALL);
        let broken: string | undefined;
        for (const step of [...path, w]) {
          const { time } = world;
          broken ??= watch.broken(world, world.tick(wishes[step] as Wish[]), time);
        }
        if (broken !== undefined) return { states: seen.size, broken: `${broken} after ${[...path, w]}` };
        const key = keyOf(world);
        if (seen.has(key)) continue;
        seen.add(key);
        next.push([...path, w]);
      }
    }
    paths = next;
  }
  return { states: seen.size, broken: undefined };
}

describe('over every course of a small node', () => {
  test.each([
    ['three groups', GROUPS],
    ['a gang and a group', GANG],
  ])(
    '%s: no guarantee is broken',
    (_name, groups) => {
      const { states, broken } = explore(groups, 4);
      expect(broken).toBeUndefined();
      expect(states).toBeGreaterThan(1000);
    },
    120_000,
  );
});

/** A random node and course; each group passes its grant now and then, together by no more than the margin is for. */
function runRandom(seed: number, change?: (airlock: Airlock) => void): string | undefined {
  const random = new Random(seed);
  const options: AirlockOptions = {
    ...SMALL,
    growth: { ...SMALL.growth, tickSeconds: 0.5, margin: 0.25 },
    bypassRate: 0.5,
    escalations: random.nextInt(2) === 0 ? ['thaw'] : ['move', 'thaw'],
  };
  const groups = Array.from({ length: 1 + random.nextInt(6) }, (_, i): WorldGroup => {
    const base = {
      name: `n${i}`,
      priority: random.nextInt(3),
      usage: random.nextInt(2),
      optedIn: random.nextInt(8) > 0,
    };
    return random.nextInt(3) === 0 ? { ...base, gang: `g${random.nextInt(2)}` } : base;
  });
  const world = new AirlockWorld(groups, WALL, options);
  change?.(world.airlock);
  // A moved unit that does not leave is thawed in the end; so each attempt has its own time.
  const watch = new Watch({
    ...options,
    frozenSecondsMax: 6 * options.escalations.length,
    gangFrozenSecondsMax: 8 * options.escalations.length,
  });
  const appetite = groups.map(() => random.nextInt(4));
  for (let i = 0; i < 200; i++) {
    const wishes = world.groups.map((_, k) => {
      const draw = random.nextInt(4);
      return { amount: draw < (appetite[k] as number) ? 1 : draw === 3 ? -random.nextInt(2) : 0 };
    });
    const { time } = world;
    const broken = watch.broken(world, world.tick(wishes), time);
    if (broken !== undefined) return `seed ${seed}, second ${time}: ${broken}`;
  }
  return undefined;
}

describe('over random courses', () => {
  test('no guarantee is broken in 1,000 runs', () => {
    for (let seed = 1; seed <= 1000; seed++) expect(runRandom(seed)).toBeUndefined();
  }, 120_000);

  test('the same seed gives the same answers', () => {
    const course = (): string => {
      const world = new AirlockWorld(GROUPS, WALL);
      const random = new Random(7);
      return JSON.stringify(
        Array.from({ length: 50 }, () => world.tick(GROUPS.map(() => WISHES[random.nextInt(3)] as Wish))),
      );
    };
    expect(course()).toBe(course());
  });

  type Inner = Record<string, (...args: never[]) => unknown> & { isShort: boolean };
  test.each<[string, (airlock: Inner) => void, RegExp]>([
    ['freezes are never ended', (a) => (a.endFreezes = () => undefined), /frozen for/],
    ['a gang is thawed by halves', (a) => (a.turns = halfTurns(a)), /half of gang/],
    ['a shortage is never seen', (a) => (a.judge = () => undefined), /past the wall/],
    ['every unit has the token', (a) => (a.grants = grantAll(a)), /two grow|past the wall/],
  ])('finds a planted fault: %s', (_name, plant, expected) => {
    const found: string[] = [];
    for (let seed = 1; seed <= 200; seed++) {
      const broken = runRandom(seed, (airlock) => plant(airlock as unknown as Inner));
      if (broken !== undefined) found.push(broken);
    }
    expect(found.length).toBeGreaterThan(0);
    expect(found.join('\n')).toMatch(expected);
  });
});

/** The effects without the last thaw. */
function halfTurns(airlock: object): (...args: never[]) => unknown {
  const real = Object.getPrototypeOf(airlock).turns as (...args: never[]) => { kind: string }[];
  return (...args) => {
    const effects = real.apply(airlock, args);
    const last = effects.findLastIndex((effect) => effect.kind === 'thaw');
    return effects.filter((_, i) => i !== last);
  };
}

/** Grants of the full rate to everybody. */
function grantAll(airlock: Record<string, unknown>): () => unknown {
  return () =>
    (airlock.units as { groups: { name: string }[]; granted: number }[]).flatMap((unit) => {
      unit.granted = 2;
      return unit.groups.map(({ name }) => ({ kind: 'grant', group: name, rate: 2 }));
    });
}

test('a reading is not changed', () => {
  const reading: NodeReading = {
    wall: 10,
    others: 1,
    groups: [{ name: 'a', usage: 9, growth: 3, wants: true, priority: 1, optedIn: true }],
  };
  const copy = structuredClone(reading);
  new Airlock(SMALL).step(reading, 0);
  expect(reading).toEqual(copy);
});
