/**
 * Invariants of evictions in a zone, after every pass of random lives: tenants, gangs that go whole and gangs that shrink, checkpoints,
 * drains. `TEG_ZONE_RECLAIM_WORLDS=100000` runs that many. Each planted error has to be found.
 */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { TreeTenants } from '../../market/reclaim/tree-tenants.ts';
import { TenantUsage } from '../../market/tenants/tenant-usage.ts';
import { TenantAccounts } from '../tenant-accounts.ts';
import { rows } from '../zone/zone.fixtures.ts';
import { EffectKind, JobState, Reason, ZoneEventKind } from '../zone/zone-events.ts';
import { ZonePass } from '../zone/zone-pass.ts';
import { EvictionWorld, evictingTeam } from './zone-reclaim.fixtures.ts';

const WORLDS = Number(process.env.TEG_ZONE_RECLAIM_WORLDS ?? 2_000);
const STEPS = 12;
const NODES = 3;
const GPUS = 4 * NODES;
const LEAVES = ['a', 'b', 'c'] as const;
const PASS_SECONDS = 31;

interface Sums {
  plans: number;
  within: number;
  reclaim: number;
  fairShare: number;
  drain: number;
  shrunk: number;
  grown: number;
}

/** One life. */
class Life {
  readonly sums: Sums = { plans: 0, within: 0, reclaim: 0, fairShare: 0, drain: 0, shrunk: 0, grown: 0 };
  private readonly random: Random;
  private readonly world: EvictionWorld;
  private readonly quotas = new Map<string, number>();
  private readonly single = new Set<number>();
  private jobs = 0;

  constructor(seed: number) {
    const random = new Random(seed);
    this.random = random;
    const drained = random.nextInt(4) === 0 ? random.nextInt(3) : -1;
    const hold = { fromSeconds: 300, drainPods: 1 + random.nextInt(4), intervalSeconds: 60 };
    let below = 1;
    const teams = LEAVES.map((name, i) => {
      const parent = random.nextInt(2) === 0 ? 'top' : '';
      const quota = random.nextInt(4);
      this.quotas.set(name, quota);
      if (parent !== '') below += quota;
      const state = i === drained ? { state: 'HoldAndDrain' as const, hold } : {};
      return evictingTeam(name, quota, { parent, weight: random.nextInt(3), ...state });
    });
    this.quotas.set('top', below);
    this.world = new EvictionWorld(NODES, [evictingTeam('top', 1), ...teams]);
  }

  live(): Sums {
    for (let step = 0; step < STEPS; step++) {
      if (this.random.nextInt(3) > 0) this.submit();
      else this.finishOne();
      let plans = -1;
      for (let pass = 0; plans !== this.world.reclaim.counts.plans; pass++) {
        plans = this.world.reclaim.counts.plans;
        this.pass();
        if (pass > 50) throw new Error('evictions do not stop');
      }
    }
    this.end();
    const { plans, evicted } = this.world.reclaim.counts;
    const { within, reclaim, drain } = evicted;
    return { ...this.sums, plans, within, reclaim, fairShare: evicted['fair-share'], drain };
  }

  private submit(): void {
    const { random } = this;
    const job = this.jobs++;
    const pods = 1 + random.nextInt(5);
    const gangMin = 1 + random.nextInt(pods);
    const isSingle = random.nextInt(2) === 0;
    if (isSingle) this.single.add(job);
    this.world.submit(job, LEAVES[random.nextInt(3)] as string, pods, random.nextInt(3), gangMin, {
      disruption: isSingle ? 'single' : 'all',
      checkpointSeconds: random.nextInt(2) === 0 ? 100 : Number.POSITIVE_INFINITY,
    });
  }

  private finishOne(): void {
    const running = this.running();
    if (running.length > 0) this.world.finish(running[this.random.nextInt(running.length)] as number);
  }

  private running(): number[] {
    return this.world.running(...Array.from({ length: this.jobs }, (_, job) => job));
  }

  /** One pass, with everything that has to hold after it. */
  private pass(): void {
    const { world } = this;
    const before = this.state();
    world.time += PASS_SECONDS;
    const effects = rows(world.zone.step({ kind: ZoneEventKind.Tick }, world.time));
    const after = this.state();
    world.zone.check();
    const { counts } = world.reclaim;
    if (counts.wasted > 0) throw new Error('a job did not start for which others were evicted');
    const isFree = after.drain === before.drain && after.within === before.within;
    for (const [name, quota] of this.quotas) {
      const owed = Math.min(quota, before.held.get(name) as number);
      if (isFree && (after.held.get(name) as number) < owed)
        throw new Error(`${name} is left below its quota`);
    }
    this.checkEffects(effects, after.plans - before.plans, after.evicted - before.evicted);
    this.checkBooks();
  }

  private checkEffects(effects: ReturnType<typeof rows>, plans: number, evicted: number): void {
    const times = new Map<number, number>();
    const shrunk = new Set<number>();
    for (const [kind, reason, job] of effects) {
      if (kind === EffectKind.JobReleased && reason === Reason.Preempted)
        times.set(job, (times.get(job) ?? 0) + 1);
      if (kind === EffectKind.PodJoined) this.sums.grown++;
      if (kind === EffectKind.PodLeft || kind === EffectKind.PodJoined) {
        if (!this.single.has(job)) throw new Error('a gang that goes whole or not at all was torn');
      }
      if (kind === EffectKind.PodLeft) shrunk.add(job);
    }
    this.sums.shrunk += shrunk.size;
    for (const count of times.values()) {
      if (plans <= 1 && count > 1) throw new Error('a job was evicted twice for one claim');
    }
    if (times.size > 0 && evicted === 0) throw new Error('a job was evicted for no reason');
  }

  /** The accounts hold exactly what runs. */
  private checkBooks(): void {
    let pods = 0;
    for (const job of this.running()) pods += this.world.pods(job);
    let held = this.world.held('top');
    for (const { name, parent } of this.leaves()) if (parent === '') held += this.world.held(name);
    if (held !== pods) throw new Error(`${held} GPUs are held, ${pods} run`);
  }

  private leaves(): { name: string; parent: string }[] {
    const { tree } = this.world.accounts;
    return tree.tenants.map((tenant) => tree.specOf(tenant)).filter(({ name }) => name !== 'top');
  }

  /** Everything ends: nothing is left, and the whole cluster can be had. */
  private end(): void {
    for (let job = 0; job < this.jobs; job++) {
      this.world.zone.step({ kind: ZoneEventKind.JobCancelled, job }, this.world.time);
    }
    this.pass();
    this.world.submit(this.jobs, 'top', GPUS);
    this.jobs++;
    this.pass();
    if (this.world.zone.stateOf(this.jobs - 1) !== JobState.Running) throw new Error('room has leaked');
  }

  private state(): {
    held: Map<string, number>;
    drain: number;
    within: number;
    plans: number;
    evicted: number;
  } {
    const { plans, evicted } = this.world.reclaim.counts;
    const held = new Map([...this.quotas.keys()].map((name) => [name, this.world.held(name)]));
    const all = Object.values(evicted).reduce((sum, count) => sum + count, 0);
    return { held, drain: evicted.drain, within: evicted.within, plans, evicted: all };
  }
}

/** Lives of n worlds. @returns Sums of what happened. */
function lives(count: number): Sums {
  const sums: Record<string, number> = {};
  for (let seed = 1; seed <= count; seed++) {
    try {
      const counts = new Life(seed).live();
      for (const [name, value] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + value;
    } catch (cause) {
      throw new Error(`world ${seed}: ${cause instanceof Error ? cause.message : ''}`, { cause });
    }
  }
  return sums as unknown as Sums;
}

describe('random lives of a zone', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test('leave no tenant below its quota, waste nothing, tear no gang, and leak nothing', () => {
    const sums = lives(WORLDS);
    for (const [name, value] of Object.entries(sums)) expect(value, name).toBeGreaterThan(WORLDS / 100);
  }, 600_000);

  test('find evictions of what a quota covers', () => {
    vi.spyOn(TreeTenants.prototype, 'quotaOf').mockReturnValue(0);
    expect(() => lives(200)).toThrow('below its quota');
  });

  test('find evictions for a job that does not fit after all', () => {
    vi.spyOn(TenantUsage.prototype, 'mayHold').mockReturnValue(true);
    const { tryReleasePod, tryPlace, endTrial } = ZonePass.prototype;
    let isReleased = false;
    vi.spyOn(ZonePass.prototype, 'tryReleasePod').mockImplementation(function (this: ZonePass, ...args) {
      isReleased = true;
      tryReleasePod.apply(this, args);
    });
    vi.spyOn(ZonePass.prototype, 'tryPlace').mockImplementation(function (this: ZonePass, job) {
      // Any victim is said to be enough.
      return tryPlace.call(this, job) || isReleased;
    });
    vi.spyOn(ZonePass.prototype, 'endTrial').mockImplementation(function (this: ZonePass) {
      isReleased = false;
      endTrial.call(this);
    });
    expect(() => lives(200)).toThrow(/did not start/);
  });

  test('find accounts that forget a release', () => {
    const { onRelease } = TenantAccounts.prototype;
    let calls = 0;
    vi.spyOn(TenantAccounts.prototype, 'onRelease').mockImplementation(function (
      this: TenantAccounts,
      ...args
    ) {
      if (++calls % 50 !== 0) onRelease.apply(this, args);
    });
    expect(() => lives(200)).toThrow('are held');
  });

  test('find gangs that are torn', () => {
    const { evict } = ZonePass.prototype;
    vi.spyOn(ZonePass.prototype, 'evict').mockImplementation(function (this: ZonePass, job) {
      const pods: [number, number][] = [];
      this.forEachPod(job, (node, gpuMask) => {
        pods.push([node, gpuMask]);
      });
      const [node, gpuMask] = pods[0] as [number, number];
      if (pods.length > 4) this.evictPod(job, node, gpuMask);
      else evict.call(this, job);
    });
    expect(() => lives(200)).toThrow(/torn|below its minimum/);
  });
});
