import { describe, expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import type { GuardCommand, GuardNote, GuardStep } from './guard-core.ts';
import { type GuardBasics, guardOptions } from './guard-options.ts';
import { GuardWorld } from './guard-world.fixtures.ts';

const BASICS: GuardBasics = {
  wall: 400,
  processors: 2,
  isRealtime: true,
  rateMax: 1000,
  bypassRate: 64,
  margin: 16,
  shortBelow: 20,
  amplyAbove: 40,
  frozenSecondsMax: 60,
  gangFrozenSecondsMax: 100,
  escalations: ['thaw'],
  lastResort: 'hold',
};

function worldOf(changes: Partial<GuardBasics> = {}): GuardWorld {
  const basics = { ...BASICS, ...changes };
  return new GuardWorld(guardOptions(basics), basics.wall);
}

/** Ticks until a time. @returns All commands and notes, and the most that was used. */
function runUntil(world: GuardWorld, seconds: number, each: (step: GuardStep) => void = () => undefined) {
  const commands: GuardCommand[] = [];
  const notes: GuardNote[] = [];
  let most = 0;
  while (world.time < seconds) {
    const step = world.tick();
    commands.push(...step.commands);
    notes.push(...step.notes);
    most = Math.max(most, world.used);
    each(step);
  }
  return { commands, notes, most };
}

test('one group that would pass the wall is held below it, and ends when the wall is raised', () => {
  const world = worldOf();
  world.add({ path: '/a', rate: 900 });
  const { most } = runUntil(world, 3);
  expect(most).toBeLessThanOrEqual(400);
  expect(world.usage('/a')).toBeGreaterThan(370);
  expect([...world.ours]).toEqual(['/a']);
  world.wall = 1500;
  runUntil(world, 4);
  expect(world.usage('/a')).toBeGreaterThan(1000);
});

test('of two, the more important one gets what is left; the other goes on when the first has ended', () => {
  const world = worldOf();
  world.add({ path: '/low', rate: 400, priority: 1 });
  const high = world.add({ path: '/high', rate: 400, priority: 2 });
  const { most } = runUntil(world, 8, () => {
    if (world.usage('/high') > 190) high.rate = 0;
  });
  expect(most).toBeLessThanOrEqual(400);
  expect(world.usage('/high')).toBeGreaterThan(190);
  expect(world.ours.has('/high')).toBe(false);
  expect(world.ours.has('/low')).toBe(true);
  const before = world.usage('/low');
  world.remove('/high');
  runUntil(world, 10);
  expect(world.usage('/low')).toBeGreaterThan(before + 100);
});

test('a group is held below its own limit while the node has memory in plenty', () => {
  const world = worldOf({ wall: 10_000 });
  world.add({ path: '/a', rate: 300, limit: 200 });
  const { most, notes } = runUntil(world, 3);
  expect(most).toBeLessThanOrEqual(200);
  expect(notes).toEqual([{ group: '/a', what: 'held at its limit' }]);
});

describe('never acted on', () => {
  test('is a group that did not opt in, or that others froze', () => {
    const world = worldOf();
    world.add({ path: '/out', rate: 20, optedIn: false });
    world.add({ path: '/foreign' });
    world.add({ path: '/a', rate: 500 });
    world.group('/foreign').isFreezeAsked = true;
    const { commands, notes } = runUntil(world, 5);
    expect(new Set(commands.map(({ group }) => group))).toEqual(new Set(['/a']));
    expect(world.group('/foreign').isFreezeAsked).toBe(true);
    expect(notes).toContainEqual({ group: '/foreign', what: 'frozen by others' });
  });

  test('for a minute is a group that does not freeze within a second', () => {
    const world = worldOf();
    world.add({ path: '/stubborn', rate: 10 });
    world.add({ path: '/a', rate: 0 });
    world.group('/stubborn').isStubborn = true;
    const seen: string[] = [];
    runUntil(world, 60, ({ commands, notes }) => {
      for (const { what } of notes) seen.push(what);
      for (const { kind, group } of commands) seen.push(`${kind} ${group}`);
    });
    expect(seen.slice(0, 3)).toEqual(['freeze /stubborn', 'does not freeze', 'thaw /stubborn']);
  });
});

test('by hand: frozen until thawed by hand; then left alone for a minute', () => {
  const world = worldOf();
  world.add({ path: '/a' });
  world.core.freezeByHand('/a');
  runUntil(world, 120);
  expect([...world.ours]).toEqual(['/a']);
  world.core.thawByHand('/a', world.time);
  world.tick();
  expect([...world.ours]).toEqual([]);
});

test('a gang is held whole', () => {
  const world = worldOf();
  world.add({ path: '/x', rate: 500, gang: 'g' });
  world.add({ path: '/y', rate: 0, gang: 'g' });
  runUntil(world, 3);
  expect([...world.ours].sort()).toEqual(['/x', '/y']);
});

describe('the last one, held for as long as it may be', () => {
  const heldUntil = (lastResort: GuardBasics['lastResort'], seconds: number) => {
    const world = worldOf({ lastResort, frozenSecondsMax: 10 });
    world.add({ path: '/a', rate: 500 });
    return { world, ...runUntil(world, seconds) };
  };

  test.each(['hold', 'release', 'kill'] as const)('%s', (lastResort) => {
    const { world, notes, most, commands } = heldUntil(lastResort, 13);
    expect(notes.map(({ what }) => what)).toContain('held for as long as it may be');
    if (lastResort === 'release') expect(most).toBeGreaterThan(400);
    else expect(most).toBeLessThanOrEqual(400);
    expect(commands.some(({ kind }) => kind === 'kill')).toBe(lastResort === 'kill');
    expect(world.group('/a').processes).toBe(lastResort === 'kill' ? 0 : 1);
  });

  test('it runs again for a moment as long as the wall is far enough, and never passes it', () => {
    const { most, commands } = heldUntil('hold', 100);
    expect(most).toBeLessThanOrEqual(400);
    expect(commands.filter(({ kind }) => kind === 'thaw').length).toBeGreaterThanOrEqual(1);
  });
});

describe('a day of random pressure', () => {
  const DAY = 86_400;
  /** Ticks of a tenth of a second and rates to match: a day then takes seconds. */
  const options = (() => {
    const base = guardOptions({ ...BASICS, rateMax: 50, bypassRate: 16 });
    const growth = { ...base.airlock.growth, tickSeconds: 0.1, lagSeconds: 0.1 };
    const airlock = { ...base.airlock, growth, freezeSeconds: 0.1 };
    const line = { ...base.line, tickSeconds: 0.1 };
    return { ...base, airlock, line, estimatorSeconds: 0.08, tickSecondsMin: 0.1, tickSecondsMax: 2 };
  })();

  test.each([1, 2])('breaks no invariant, seed %i', (seed) => {
    const world = new GuardWorld(options, 400);
    const watch = new DayWatch(world);
    const random = new Random(seed);
    for (const [i, priority] of [1, 2, 2, 3].entries())
      world.add({ path: `/g${i}`, priority, canThrottle: i % 2 === 0 });
    for (const name of ['x', 'y']) world.add({ path: `/${name}`, priority: 1, gang: 'xy' });
    world.add({ path: '/out', optedIn: false });
    world.group('/out').anonymous = 30 * 1024 * 1024;
    let ticks = 0;
    for (let nextAt = 0; world.time < DAY; ticks++) {
      if (world.time >= nextAt) {
        disturb(world, random);
        nextAt = world.time + 30 * random.nextDouble();
      }
      const before = world.time;
      const broken = watch.broken(world.tick(), before);
      if (broken !== undefined) expect.fail(broken);
    }
    expect(ticks).toBeGreaterThan(DAY);
    expect(watch.freezes).toBeGreaterThan(1000);
  });
});

/** Something happens: a group starts to grow, gives back, ends and comes again; others freeze or thaw; the wall moves. */
function disturb(world: GuardWorld, random: Random): void {
  const paths = [...world.members.keys()];
  const path = paths[Math.floor(random.nextDouble() * paths.length)] as string;
  const member = world.members.get(path) as NonNullable<ReturnType<typeof world.members.get>>;
  const kind = random.nextDouble();
  // What did not opt in keeps what it has: growth past the guard that lasts can be held by nothing.
  if (!member.optedIn) return;
  if (kind < 0.4) member.rate = 8 * random.nextDouble();
  else if (kind < 0.6) member.rate = -20 * random.nextDouble();
  else if (kind < 0.7) member.rate = 0;
  else if (kind < 0.8) {
    world.remove(path);
    // A new group of the same path is another group: the driver leaves a tick between them.
    world.tick();
    world.add({ ...member, rate: 0 });
  } else if (kind < 0.9) {
    const group = world.group(path);
    // What others thaw at the wall takes memory that nobody granted.
    if (!world.ours.has(path) && world.used + 40 < world.wall) group.isFreezeAsked = !group.isFreezeAsked;
  } else {
    const wall = 300 + 400 * random.nextDouble();
    if (wall > world.used + 40) world.wall = wall;
  }
}

/** Follows a world, and finds what a guard must never do. */
class DayWatch {
  freezes = 0;
  private readonly world: GuardWorld;
  private readonly frozenSince = new Map<string, number>();
  private readonly foreign = new Set<string>();

  constructor(world: GuardWorld) {
    this.world = world;
  }

  broken(step: GuardStep, time: number): string | undefined {
    const { world } = this;
    if (world.used > world.wall + 1e-6) return `${world.used} MiB past the wall of ${world.wall} at ${time}`;
    for (const { kind, group } of step.commands) {
      if (world.members.get(group)?.optedIn !== true) return `${kind} of ${group}, which did not opt in`;
      if (kind === 'thaw' && this.foreign.has(group)) return `thaw of ${group}, which others froze`;
      if (kind === 'freeze') this.freezes++;
    }
    this.foreign.clear();
    for (const path of world.members.keys()) {
      if (world.group(path).isFreezeAsked && !world.ours.has(path)) this.foreign.add(path);
    }
    if (this.foreign.size === 0 && world.ours.has('/x') !== world.ours.has('/y')) return 'half of a gang';
    return this.frozenForEver(time);
  }

  /** What the airlock froze runs again within its time; what a line holds may wait for room. */
  private frozenForEver(time: number): string | undefined {
    for (const { path, cause } of this.world.core.states(time)) {
      if (cause !== 'airlock') this.frozenSince.delete(path);
      else if (!this.frozenSince.has(path)) this.frozenSince.set(path, time);
      const since = this.frozenSince.get(path) ?? time;
      if (time - since > 100 + 5) return `${path} frozen for ${time - since} s`;
    }
    return undefined;
  }
}

describe('soft limits', () => {
  test('a guard in time freezes before them; one that is late finds its groups slowed down', () => {
    const most = [true, false].map((canThrottle) => {
      const world = worldOf();
      const member = world.add({ path: '/a', rate: 300, canThrottle });
      runUntil(world, 3, () => expect(world.isSlow('/a')).toBe(false));
      expect(world.usage('/a')).toBeGreaterThan(370);
      // Thawed by others, or never frozen: it runs, and nobody looks for a second.
      member.rate = 0;
      world.wall = 420;
      runUntil(world, 3.5);
      world.group('/a').isFreezeAsked = false;
      member.rate = 300;
      world.pass(1);
      return world.usage('/a');
    });
    expect(most[0]).toBeLessThan(420);
    expect(most[1]).toBeGreaterThan(600);
  });

  test('end with the shortage, and while somebody freezes or thaws by hand', () => {
    const world = worldOf();
    world.add({ path: '/a', rate: 300, canThrottle: true });
    const { commands } = runUntil(world, 3);
    expect(commands.filter(({ kind }) => kind === 'soften').length).toBeGreaterThan(0);
    expect(world.high('/a')).toBeLessThan(420);
    world.core.thawByHand('/a', world.time);
    world.tick();
    expect(world.high('/a')).toBe(Number.POSITIVE_INFINITY);
    world.wall = 10_000;
    runUntil(world, 70);
    expect(world.high('/a')).toBe(Number.POSITIVE_INFINITY);
  });

  test('of others: a group that makes no progress there is frozen within 6 s, and goes on when the limit is raised', () => {
    const world = worldOf({ wall: 10_000 });
    const member = world.add({ path: '/a', rate: 300, high: 200 });
    const { notes } = runUntil(world, 6);
    expect(notes).toEqual([{ group: '/a', what: 'no progress at memory.high' }]);
    expect([...world.ours]).toEqual(['/a']);
    const held = world.usage('/a');
    expect(held).toBeLessThan(210);
    runUntil(world, 20);
    expect(world.usage('/a')).toBe(held);
    member.high = 1000;
    runUntil(world, 22);
    expect(world.ours.size).toBe(0);
    expect(world.usage('/a')).toBeGreaterThan(500);
  });

  test('of others: it is frozen for as long as it may be, runs for 5 s, and is frozen again', () => {
    const world = worldOf({ wall: 10_000 });
    world.add({ path: '/a', rate: 300, high: 200 });
    const { commands } = runUntil(world, 140);
    expect(commands.map(({ kind }) => kind)).toEqual(['freeze', 'thaw', 'freeze', 'thaw', 'freeze']);
  });
});
