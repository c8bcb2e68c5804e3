/**
 * A model of gangs that hold slots while they collect the rest: the setting of the deadlock theorem. Where gangs are
 * atomic (TEG's zones, its pod scheduler) nothing of this can happen; it does with schedulers that hold pods at a permit
 * point, and with gangs over several zones.
 *
 * Slots lie in zones; a gang needs a number of slots in each. A tick: runs end; the policy releases; what is free goes to
 * the zone's champion if there is one, then slot by slot to random gangs that still need some; gangs that have all start;
 * the policy settles.
 *
 * @source theory §4.5.
 */
import type { Random } from '../../src/kernel/random.ts';
import type { GangHoldings } from '../../src/market/tax/held-idle.ts';

/** A gang; its index is its id, and with `submitTick` its rank. */
export interface GangSpec {
  readonly submitTick: number;
  /** Slots needed, at most those of the zone. @shape [zones] */
  readonly needs: readonly number[];
  /** Ticks it runs, ≥ 1. */
  readonly runTicks: number;
}

/** A world of slots and gangs. */
export interface GangWorldSpec {
  /** @shape [zones] */
  readonly zoneSlots: readonly number[];
  /** Ascending by `submitTick`. */
  readonly gangs: readonly GangSpec[];
  /** The run ends here, done or not. */
  readonly ticksMax: number;
  /**
   * A gang asks one zone, at random among those where it needs slots, every so often (ticks, ≥ 1). Absent: all zones in
   * each tick.
   */
  readonly askTicks?: number;
}

/** Where a gang is in its life; `Away`: not submitted yet, or backing off. */
export const GangPhase = { Away: 0, Collecting: 1, Running: 2, Done: 3 } as const;

/** The policy's part in a tick. */
export interface GangPolicy {
  /** Before grants: gives back slots, or hands them over. */
  release(world: GangWorld): void;
  /** The gang that gets what is free in a zone, up to its need; −1: none. */
  championIn(world: GangWorld, zone: number): number;
  /** After starts. @param started Gangs that started in this tick. */
  settle(world: GangWorld, started: number): void;
  /** Tokens that gangs paid for what they held idle. */
  readonly taxPaid: number;
  /** True if it never releases: once nothing moves, nothing will. */
  readonly neverReleases?: boolean;
}

/** Results of a run. */
export interface GangWorldOutcome {
  /** Gangs that finished. */
  readonly done: number;
  /** Tick of the first start; Infinity if none. */
  readonly firstStart: number;
  /** Tick of the last end; Infinity unless all finished. */
  readonly lastFinish: number;
  /** Slot-ticks held by gangs that had not started. */
  readonly heldIdle: number;
  /** Slot-ticks of runs: the rent at a price of 1. */
  readonly rent: number;
  readonly taxPaid: number;
  readonly ticks: number;
}

/** State of a run: what policies see and change. */
export class GangWorld {
  now = 0;
  readonly spec: GangWorldSpec;
  readonly gangCount: number;
  readonly zoneCount: number;
  /** Free slots. @shape [zones] */
  readonly free: Int32Array;
  /** Per zone, what gangs hold there, for ψ. @shape [zones] of [gangs] */
  readonly holdings: readonly GangHoldings[];
  /** Of `GangPhase`. @shape [gangs] */
  readonly phase: Uint8Array;
  /** Slots held, in all zones. @shape [gangs] */
  readonly held: Int32Array;
  /** Slots needed, in all zones. @shape [gangs] */
  readonly needed: Int32Array;
  /** Since when a gang collects, ticks. @shape [gangs] */
  readonly collectSince: Float64Array;
  /** How often a gang gave up. @shape [gangs] */
  readonly retreats: Int32Array;
  private readonly needs: readonly Int32Array[];
  private readonly isPartial: Uint8Array;
  private readonly lastGrant: Float64Array;
  /** When a gang that is away comes, when one that runs ends. @shape [gangs] */
  private readonly nextTick: Float64Array;
  private readonly asked: Int32Array;
  private readonly askers: Int32Array;
  private granted = 0;

  constructor(spec: GangWorldSpec) {
    const { gangs, zoneSlots } = spec;
    this.spec = spec;
    this.gangCount = gangs.length;
    this.zoneCount = zoneSlots.length;
    this.free = Int32Array.from(zoneSlots);
    this.phase = new Uint8Array(gangs.length);
    this.isPartial = new Uint8Array(gangs.length);
    this.lastGrant = new Float64Array(gangs.length);
    this.collectSince = new Float64Array(gangs.length);
    this.retreats = new Int32Array(gangs.length);
    this.held = new Int32Array(gangs.length);
    this.needs = zoneSlots.map((_, zone) => Int32Array.from(gangs, (gang) => gang.needs[zone] ?? 0));
    this.needed = Int32Array.from(gangs, ({ needs }) => needs.reduce((sum, need) => sum + need, 0));
    this.nextTick = Float64Array.from(gangs, ({ submitTick }) => submitTick);
    this.asked = new Int32Array(gangs.length);
    this.askers = new Int32Array(gangs.length);
    this.holdings = zoneSlots.map(() => ({
      slots: new Int32Array(gangs.length),
      isPartial: this.isPartial,
      lastGrantSeconds: this.lastGrant,
    }));
  }

  /** @returns Slots that a gang needs in a zone, held or not. */
  need(gang: number, zone: number): number {
    return (this.needs[zone] as Int32Array)[gang] as number;
  }

  /** @returns Slots that a collecting gang still needs in a zone. */
  missing(gang: number, zone: number): number {
    const { slots } = this.holdings[zone] as GangHoldings;
    return this.need(gang, zone) - (slots[gang] as number);
  }

  /** Gives free slots of a zone to a gang. @param count At most what is free and missing. */
  grant(gang: number, zone: number, count: number): void {
    if (count <= 0) return;
    const { slots } = this.holdings[zone] as GangHoldings;
    slots[gang] = (slots[gang] as number) + count;
    this.free[zone] = (this.free[zone] as number) - count;
    this.held[gang] = (this.held[gang] as number) + count;
    this.lastGrant[gang] = this.now;
    this.granted += count;
  }

  /** A gang gives back all that it holds; with a backoff it is away for that many ticks, else it goes on collecting. */
  retreat(gang: number, backoffTicks: number): void {
    this.giveBack(gang);
    this.retreats[gang] = (this.retreats[gang] as number) + 1;
    this.lastGrant[gang] = this.now;
    this.collectSince[gang] = this.now;
    if (backoffTicks <= 0) return;
    this.enter(gang, GangPhase.Away);
    this.nextTick[gang] = this.now + backoffTicks;
  }

  /** Slots held by gangs that have not started. */
  heldByPartial(): number {
    let sum = 0;
    for (let gang = 0; gang < this.gangCount; gang++) {
      if (this.phase[gang] === GangPhase.Collecting) sum += this.held[gang] as number;
    }
    return sum;
  }

  /** Runs end, and gangs that were away begin to collect. @returns The number that ended. */
  wake(): number {
    let ended = 0;
    this.granted = 0;
    for (let gang = 0; gang < this.gangCount; gang++) {
      if ((this.nextTick[gang] as number) > this.now) continue;
      if (this.phase[gang] === GangPhase.Running) {
        this.giveBack(gang);
        this.enter(gang, GangPhase.Done);
        ended++;
      } else if (this.phase[gang] === GangPhase.Away) {
        this.enter(gang, GangPhase.Collecting);
        this.collectSince[gang] = this.now;
        this.lastGrant[gang] = this.now;
      }
    }
    return ended;
  }

  /** Hands out what is free: to a zone's champion first, then at random. */
  handOut(policy: GangPolicy, random: Random): void {
    if (this.spec.askTicks !== undefined) this.chooseZones(random, this.spec.askTicks);
    for (let zone = 0; zone < this.zoneCount; zone++) {
      const champion = policy.championIn(this, zone);
      let reserved = 0;
      if (champion >= 0 && this.phase[champion] === GangPhase.Collecting) {
        reserved = Math.min(this.free[zone] as number, this.missing(champion, zone));
        if (this.asks(champion, zone)) {
          this.grant(champion, zone, reserved);
          reserved = 0;
        }
      }
      this.handOutAtRandom(zone, reserved, random);
    }
  }

  /** Starts the gangs that hold all they need. @returns Their number. */
  start(): number {
    let started = 0;
    for (let gang = 0; gang < this.gangCount; gang++) {
      if (this.phase[gang] !== GangPhase.Collecting || this.held[gang] !== this.needed[gang]) continue;
      this.enter(gang, GangPhase.Running);
      this.nextTick[gang] = this.now + (this.spec.gangs[gang] as GangSpec).runTicks;
      started++;
    }
    return started;
  }

  /** Whether nothing was granted in this tick, and no run and no absence will end. */
  isStill(): boolean {
    if (this.granted > 0) return false;
    return !this.phase.some((phase) => phase === GangPhase.Running || phase === GangPhase.Away);
  }

  private asks(gang: number, zone: number): boolean {
    return this.spec.askTicks === undefined || this.asked[gang] === zone;
  }

  /** Hands out the free slots of a zone, but for those that are reserved. */
  private handOutAtRandom(zone: number, reserved: number, random: Random): void {
    const { askers } = this;
    let count = 0;
    for (let gang = 0; gang < this.gangCount; gang++) {
      if (this.phase[gang] !== GangPhase.Collecting || this.missing(gang, zone) <= 0) continue;
      if (!this.asks(gang, zone)) continue;
      askers[count++] = gang;
    }
    while (count > 0 && (this.free[zone] as number) > reserved) {
      const place = random.nextInt(count);
      const gang = askers[place] as number;
      this.grant(gang, zone, 1);
      if (this.missing(gang, zone) === 0) askers[place] = askers[--count] as number;
    }
  }

  /** Draws for each collecting gang the zone that it asks in this tick, −1: none. */
  private chooseZones(random: Random, askTicks: number): void {
    for (let gang = 0; gang < this.gangCount; gang++) {
      if (this.phase[gang] !== GangPhase.Collecting) continue;
      this.asked[gang] = -1;
      if ((this.now - (this.collectSince[gang] as number)) % askTicks !== 0) continue;
      let seen = 0;
      for (let zone = 0; zone < this.zoneCount; zone++) {
        if (this.missing(gang, zone) > 0 && random.nextInt(++seen) === 0) this.asked[gang] = zone;
      }
    }
  }

  private giveBack(gang: number): void {
    for (let zone = 0; zone < this.zoneCount; zone++) {
      const { slots } = this.holdings[zone] as GangHoldings;
      this.free[zone] = (this.free[zone] as number) + (slots[gang] as number);
      slots[gang] = 0;
    }
    this.held[gang] = 0;
  }

  private enter(gang: number, phase: number): void {
    this.phase[gang] = phase;
    this.isPartial[gang] = phase === GangPhase.Collecting ? 1 : 0;
  }
}

/** Runs a world to its end. O(ticks × gangs × zones). */
export function runGangs(spec: GangWorldSpec, policy: GangPolicy, random: Random): GangWorldOutcome {
  const world = new GangWorld(spec);
  let done = 0;
  let firstStart = Number.POSITIVE_INFINITY;
  let lastFinish = 0;
  let heldIdle = 0;
  let rent = 0;
  for (; world.now < spec.ticksMax && done < world.gangCount; world.now++) {
    const ended = world.wake();
    done += ended;
    if (ended > 0) lastFinish = world.now;
    policy.release(world);
    world.handOut(policy, random);
    const started = world.start();
    if (started > 0) firstStart = Math.min(firstStart, world.now);
    policy.settle(world, started);
    const idle = world.heldByPartial();
    heldIdle += idle;
    for (const slots of world.held) rent += slots;
    rent -= idle;
    if (policy.neverReleases === true && world.isStill()) break;
  }
  if (done < world.gangCount) lastFinish = Number.POSITIVE_INFINITY;
  return { done, firstStart, lastFinish, heldIdle, rent, taxPaid: policy.taxPaid, ticks: world.now };
}
