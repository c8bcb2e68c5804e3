/**
 * The guard of a node without its I/O: readings and the time go in, commands come out. The airlock decides who grows and who is
 * frozen; lines turn granted rates into short freezes; here both become one wish for each group, and commands are the changes.
 *
 * Never acted on: groups that did not opt in, that others froze, or that did not freeze within `confirmSeconds`. Order of commands:
 * freezes, then what may take long, then soft limits, then thaws.
 *
 * Pure. O(groups log groups) a tick.
 */
import { Airlock } from '../airlock/airlock.ts';
import type { AirlockEffect, GroupReading } from '../airlock/airlock-readings.ts';
import type { StateChange } from '../airlock/airlock-states.ts';
import { GrowthEstimator } from '../barrier/growth-estimator.ts';
import { GrowthFilter } from '../barrier/growth-filter.ts';
import { GrowthLine } from './growth-line.ts';
import type { GuardOptions } from './guard-options.ts';
import { SoftLimit, SoftLimitWatch } from './soft-limit.ts';
import { shareReserve } from './wall-reserve.ts';

/** One group, as read. MiB. */
export interface GroupSample {
  readonly path: string;
  /** What freezing keeps from growing and reclaim does not bring back; NaN: not readable. */
  readonly usage: number;
  /** The group's own wall; Infinity: none. */
  readonly limit: number;
  readonly isFrozen: boolean;
  /** Somebody else froze it. */
  readonly isForeign: boolean;
  readonly priority: number;
  readonly gang?: string | undefined;
  readonly optedIn: boolean;
  /** Longest freeze, whatever the cause, and how long it runs at least afterwards; undefined: no such bound. Seconds. */
  readonly frozenSecondsMax?: number | undefined;
  readonly breatherSeconds?: number | undefined;
  /** The guard may set a soft limit of it. */
  readonly canThrottle?: boolean | undefined;
  /** Soft limit that others set; undefined: none, or unknown. */
  readonly high?: number | undefined;
  /** Share of the time since the last look in which all its tasks waited for memory; NaN: unknown. */
  readonly stalled?: number | undefined;
}

/** The node, as read. MiB; NaN: not readable. */
export interface GuardSample {
  readonly wall: number;
  readonly others: number;
  readonly groups: readonly GroupSample[];
}

/** Why a group stands still. */
export type FreezeCause = 'airlock' | 'line' | 'person';

/** What the backend is to do. */
export type GuardCommand =
  | { readonly kind: 'freeze'; readonly group: string; readonly cause: FreezeCause }
  /** The soft limit in MiB without page cache; Infinity: what it was before the guard set it. */
  | { readonly kind: 'soften'; readonly group: string; readonly high: number }
  | { readonly kind: 'thaw' | 'move' | 'reclaim' | 'kill'; readonly group: string };

/** What happened to a group besides the airlock's changes. */
export interface GuardNote {
  readonly group: string;
  readonly what:
    | 'does not freeze'
    | 'frozen by others'
    | 'held for as long as it may be'
    | 'released past the wall'
    | 'held at its limit'
    | 'no progress at memory.high'
    | 'thawed before its probes fail';
}

/** Answer to a tick. */
export interface GuardStep {
  readonly commands: readonly GuardCommand[];
  readonly changes: readonly StateChange[];
  readonly notes: readonly GuardNote[];
  readonly isShort: boolean;
  readonly headroom: number;
  readonly exhausted: boolean;
  /** Until the next tick, at most. */
  readonly nextSeconds: number;
}

/** What the status shows of a group. */
export interface GroupState {
  readonly path: string;
  readonly cause: FreezeCause | undefined;
  readonly since: number;
  readonly usage: number;
  readonly growth: number;
  readonly line: number;
}

interface Tracked {
  readonly path: string;
  readonly estimator: GrowthEstimator;
  readonly line: GrowthLine;
  readonly soft: SoftLimit;
  readonly watch: SoftLimitWatch;
  ownFilter: GrowthFilter | undefined;
  readAt: number;
  /** Lowest usage of late, and when it was last passed by a batch. */
  floor: number;
  grewAt: number;
  /** MiB/s granted by the airlock. */
  granted: number;
  airlockFrozen: boolean;
  cause: FreezeCause | undefined;
  since: number;
  isConfirmed: boolean;
  exemptUntil: number;
  /** MiB/s until the next tick, of the airlock and of its own limit; Infinity: no limit. */
  rate: number;
  /** Highest growth seen, MiB/s. */
  peak: number;
  /** For how long it was seen running; a group that is new may grow at any rate. */
  ranSeconds: number;
  seenAt: number;
  /** Since when it is held for lack of reserve; NaN: it is not. */
  reservedSince: number;
  /** Runs until then, by hand or not. */
  breatherUntil: number;
  isReleased: boolean;
  isForeign: boolean;
  isNoted: boolean;
  sample: GroupSample;
}

/** A group counts as one that wants to grow for so long after it grew. */
const WANTS_SECONDS = 0.5;
/** A group is new until it was seen running for so long. */
const WATCHED_SECONDS = 1;
/** An estimate that is older says nothing. */
const STALE_SECONDS = 0.5;

/** The guard of a node. Single writer. */
export class GuardCore {
  private readonly options: GuardOptions;
  private readonly airlock: Airlock;
  private readonly tracked = new Map<string, Tracked>();
  private readonly byPerson = new Set<string>();
  /** Gangs of which a group is held: the others wait with it. */
  private readonly heldGangs = new Set<string>();
  private notes: GuardNote[] = [];

  constructor(options: GuardOptions) {
    this.options = options;
    this.airlock = new Airlock(options.airlock);
  }

  /** Freezes a group by hand, until `thawByHand`. The airlock counts it and leaves it alone. */
  freezeByHand(path: string): void {
    this.byPerson.add(path);
  }

  /** Thaws a group, whatever it is frozen for, and leaves it alone for `exemptSeconds`. */
  thawByHand(path: string, time: number): void {
    this.byPerson.delete(path);
    const group = this.tracked.get(path);
    if (group !== undefined) group.exemptUntil = time + this.options.exemptSeconds;
  }

  /** One tick. @param time Seconds, not before the last one's. */
  step(sample: GuardSample, time: number): GuardStep {
    this.notes = [];
    this.follow(sample.groups, time);
    const groups = [...this.tracked.values()];
    const readings = groups.map((group) => this.readingOf(group, time));
    const answer = this.airlock.step({ wall: sample.wall, others: sample.others, groups: readings }, time);
    const asks = this.take(answer.effects);
    const distance = answer.headroom + this.options.airlock.growth.margin;
    for (const group of groups) this.hold(group, time, distance, asks);
    this.reserve(groups, time, distance);
    this.findHeldGangs(groups);
    const commands = this.turns(groups, asks, time);
    const { isShort, headroom, changes, exhausted } = answer;
    const nextSeconds = this.nextSeconds(isShort, headroom, groups, time);
    return { commands, changes, notes: this.notes, isShort, headroom, exhausted, nextSeconds };
  }

  /** @returns The groups as the last tick left them. */
  states(time: number): GroupState[] {
    return [...this.tracked.values()].map(({ path, cause, since, sample, estimator, line }) => ({
      path,
      cause,
      since,
      usage: sample.usage,
      growth: cause === undefined ? estimator.growthAt(time) : 0,
      line: line.position,
    }));
  }

  /** Groups that the guard froze. */
  get frozen(): string[] {
    return [...this.tracked.values()].filter(({ cause }) => cause !== undefined).map(({ path }) => path);
  }

  private follow(samples: readonly GroupSample[], time: number): void {
    const seen = new Set<string>();
    for (const sample of samples) {
      seen.add(sample.path);
      const group = this.tracked.get(sample.path) ?? this.track(sample, time);
      group.sample = sample;
      this.read(group, time);
    }
    for (const path of this.tracked.keys()) if (!seen.has(path)) this.tracked.delete(path);
  }

  private track(sample: GroupSample, time: number): Tracked {
    const { estimatorWeight, line, airlock } = this.options;
    const { stallSeconds, frozenSecondsMax } = airlock;
    const group: Tracked = {
      path: sample.path,
      estimator: new GrowthEstimator({ weight: estimatorWeight, staleSeconds: STALE_SECONDS }),
      line: new GrowthLine(line),
      soft: new SoftLimit(),
      watch: new SoftLimitWatch({ stallSeconds, frozenSecondsMax, slack: line.slack }),
      ownFilter: undefined,
      readAt: Number.NEGATIVE_INFINITY,
      floor: sample.usage,
      grewAt: Number.NEGATIVE_INFINITY,
      granted: Number.POSITIVE_INFINITY,
      airlockFrozen: false,
      cause: undefined,
      since: time,
      isConfirmed: false,
      exemptUntil: Number.NEGATIVE_INFINITY,
      rate: Number.POSITIVE_INFINITY,
      peak: 0,
      ranSeconds: 0,
      seenAt: time,
      reservedSince: Number.NaN,
      breatherUntil: Number.NEGATIVE_INFINITY,
      isReleased: false,
      isForeign: false,
      isNoted: false,
      sample,
    };
    this.tracked.set(sample.path, group);
    return group;
  }

  private read(group: Tracked, time: number): void {
    const { usage, isFrozen, isForeign, high, stalled = Number.NaN } = group.sample;
    if (isForeign && !group.isForeign) this.notes.push({ group: group.path, what: 'frozen by others' });
    group.isForeign = isForeign;
    if (group.watch.take(usage, high, stalled, time) && this.mayAct(group, time))
      this.notes.push({ group: group.path, what: 'no progress at memory.high' });
    if (group.cause !== undefined) this.confirm(group, isFrozen, time);
    else group.ranSeconds += time - group.seenAt;
    group.seenAt = time;
    this.breathe(group, time);
    if (usage > group.floor + this.options.line.slack) {
      group.grewAt = time;
      group.floor = usage;
    } else if (!(usage >= group.floor)) group.floor = usage;
    if (time - group.readAt < this.options.estimatorSeconds) return;
    group.readAt = time;
    if (group.cause !== undefined && group.isConfirmed) group.estimator.restart();
    group.estimator.read(usage, time);
    group.peak = Math.max(group.peak, group.estimator.growthAt(time) || 0);
  }

  /** A group that does not freeze is thawed again and left alone: others have to make room. */
  private confirm(group: Tracked, isFrozen: boolean, time: number): void {
    if (isFrozen) group.isConfirmed = true;
    if (group.isConfirmed || time - group.since < this.options.confirmSeconds) return;
    group.exemptUntil = time + this.options.exemptSeconds;
    this.notes.push({ group: group.path, what: 'does not freeze' });
  }

  /** Ends a freeze that lasts for as long as the group's probes allow; a freeze by hand too. */
  private breathe(group: Tracked, time: number): void {
    const { frozenSecondsMax = Number.POSITIVE_INFINITY, breatherSeconds = 0 } = group.sample;
    if (group.cause === undefined || time - group.since < frozenSecondsMax) return;
    group.breatherUntil = time + breatherSeconds;
    this.byPerson.delete(group.path);
    this.notes.push({ group: group.path, what: 'thawed before its probes fail' });
  }

  private mayAct(group: Tracked, time: number): boolean {
    const { sample, isForeign, exemptUntil, breatherUntil } = group;
    return sample.optedIn && !isForeign && time >= exemptUntil && time >= breatherUntil;
  }

  private isManaged(group: Tracked, time: number): boolean {
    return this.mayAct(group, time) && !this.byPerson.has(group.path) && !group.isReleased;
  }

  private readingOf(group: Tracked, time: number): GroupReading {
    const { path, sample, estimator, cause } = group;
    const isStill = cause !== undefined && group.isConfirmed;
    const estimate = estimator.growthAt(time);
    const base = {
      name: path,
      usage: sample.usage,
      // Unknown: it was thawed a moment ago, and its line holds it.
      growth: isStill || Number.isNaN(estimate) ? 0 : estimate,
      wants: !Number.isNaN(group.line.heldSince) || time - group.grewAt < WANTS_SECONDS,
      priority: sample.priority,
      optedIn: this.isManaged(group, time),
    };
    return sample.gang === undefined ? base : { ...base, gang: sample.gang };
  }

  /** @returns Effects that are commands as they are. */
  private take(effects: readonly AirlockEffect[]): GuardCommand[] {
    const asks: GuardCommand[] = [];
    for (const effect of effects) {
      const group = this.tracked.get(effect.group) as Tracked;
      if (effect.kind === 'grant') group.granted = effect.rate;
      else if (effect.kind === 'freeze') group.airlockFrozen = true;
      else if (effect.kind === 'thaw') {
        group.airlockFrozen = false;
        group.line.restart(group.sample.usage);
      } else asks.push({ kind: effect.kind, group: effect.group });
    }
    return asks;
  }

  /** Moves the line of a group, and ends a hold that has lasted for as long as it may. */
  private hold(group: Tracked, time: number, distance: number, asks: GuardCommand[]): void {
    // The airlock forgets groups that it may not act on.
    if (!this.isManaged(group, time)) group.airlockFrozen = false;
    if (group.airlockFrozen || !this.mayAct(group, time)) {
      group.line.take(group.sample.usage, Number.POSITIVE_INFINITY, time);
      group.rate = Number.POSITIVE_INFINITY;
      return;
    }
    if (group.isReleased && distance > this.options.airlock.growth.margin) group.isReleased = false;
    const own = this.ownRate(group, time);
    group.rate = group.isReleased ? Number.POSITIVE_INFINITY : Math.min(group.granted, own);
    const isHeld = group.line.take(group.sample.usage, group.rate, time);
    if (!isHeld) group.isNoted = false;
    else if (own === 0 && group.granted > 0 && !group.isNoted) {
      group.isNoted = true;
      this.notes.push({ group: group.path, what: 'held at its limit' });
    }
    const { frozenSecondsMax } = this.options.airlock;
    if (!isHeld || time - group.line.heldSince < frozenSecondsMax) return;
    this.notes.push({ group: group.path, what: 'held for as long as it may be' });
    const { lastResort } = this.options;
    if (lastResort === 'kill') asks.push({ kind: 'kill', group: group.path });
    if (lastResort === 'release') {
      group.isReleased = true;
      this.notes.push({ group: group.path, what: 'released past the wall' });
    }
    // It may run for a moment, if there is reserve for it.
    group.line.restart(group.sample.usage);
  }

  /** Holds groups without a grant for which there is no reserve at the wall, and lets them go when there is. */
  private reserve(groups: readonly Tracked[], time: number, distance: number): void {
    const claims: Tracked[] = [];
    let left = distance;
    for (const group of groups) {
      const isOther = group.airlockFrozen || !Number.isNaN(group.line.heldSince) || group.rate > 0;
      if (isOther) group.reservedSince = Number.NaN;
      else claims.push(group);
      if (group.rate > 0 && group.rate < Number.POSITIVE_INFINITY) left -= this.costOf(group, time);
    }
    const runs = shareReserve(
      claims.map((group) => ({
        priority: group.sample.priority,
        cost: this.costOf(group, time),
        heldSince: group.reservedSince,
      })),
      left,
      time,
    );
    for (const [i, group] of claims.entries()) {
      if (runs[i]) group.reservedSince = Number.NaN;
      else if (Number.isNaN(group.reservedSince)) group.reservedSince = time;
    }
  }

  /**
   * Growth until it is seen and stands still: at twice the highest rate seen of it, or the bypass rate if that is more. A new group may
   * grow at any rate; if it has been held for as long as it may be, it gets the benefit of the doubt.
   */
  private costOf({ peak, ranSeconds, reservedSince }: Tracked, time: number): number {
    const { growth, freezeSeconds, bypassRate, frozenSecondsMax } = this.options.airlock;
    const isNew = ranSeconds < WATCHED_SECONDS && !(time - reservedSince >= frozenSecondsMax);
    const rate = isNew ? growth.rateMax : Math.min(Math.max(2 * peak, bypassRate), growth.rateMax);
    return rate * (growth.tickSeconds + freezeSeconds) + this.options.line.slack;
  }

  private findHeldGangs(groups: readonly Tracked[]): void {
    this.heldGangs.clear();
    for (const group of groups) {
      const { gang } = group.sample;
      if (gang !== undefined && isHeld(group)) this.heldGangs.add(gang);
    }
  }

  /** The rate that a group's own limit leaves; Infinity while the limit is farther than what can grow in a tick. */
  private ownRate(group: Tracked, time: number): number {
    const { limit, usage } = group.sample;
    if (limit === Number.POSITIVE_INFINITY) return limit;
    const { growth, shortBelow } = this.options.airlock;
    group.ownFilter ??= new GrowthFilter(growth);
    const estimate = group.cause === undefined ? group.estimator.growthAt(time) : 0;
    const rate = group.ownFilter.allow(usage, Number.isNaN(estimate) ? 0 : estimate, limit, time);
    return limit - growth.margin - usage > shortBelow ? Number.POSITIVE_INFINITY : rate;
  }

  private causeOf(group: Tracked, time: number): FreezeCause | undefined {
    if (group.isForeign || !group.sample.optedIn || time < group.breatherUntil) return undefined;
    if (this.byPerson.has(group.path)) return 'person';
    if (!this.mayAct(group, time)) return undefined;
    if (group.airlockFrozen) return 'airlock';
    return isHeld(group) || this.heldGangs.has(group.sample.gang ?? '') ? 'line' : undefined;
  }

  private turns(groups: readonly Tracked[], asks: readonly GuardCommand[], time: number): GuardCommand[] {
    const freezes: GuardCommand[] = [];
    const softens: GuardCommand[] = [];
    const thaws: GuardCommand[] = [];
    for (const group of groups) {
      const cause = this.causeOf(group, time);
      const was = group.cause;
      if (cause === undefined) softens.push(...this.soften(group, time));
      if (cause === was) continue;
      group.cause = cause;
      if (cause !== undefined && was !== undefined) continue;
      group.since = time;
      group.isConfirmed = false;
      if (cause === undefined) thaws.push({ kind: 'thaw', group: group.path });
      else freezes.push({ kind: 'freeze', group: group.path, cause });
    }
    return [...freezes, ...asks, ...softens, ...thaws];
  }

  /** Moves the soft limit of a group that runs, or is about to. */
  private soften(group: Tracked, time: number): GuardCommand[] {
    const isSoft = group.sample.canThrottle === true && this.mayAct(group, time);
    const line = isSoft ? group.line.position : Number.POSITIVE_INFINITY;
    const high = group.soft.take(group.sample.usage, line, this.costOf(group, time));
    return high === undefined ? [] : [{ kind: 'soften', group: group.path, high }];
  }

  /**
   * Slow while nothing can become short before the next tick; once a tick of the filter while it is short and nobody wants to grow;
   * as quick as it goes while somebody does.
   */
  private nextSeconds(isShort: boolean, headroom: number, groups: readonly Tracked[], time: number): number {
    const { airlock, tickSecondsMin, tickSecondsMax } = this.options;
    const { rateMax, margin, tickSeconds } = airlock.growth;
    let spare = headroom - airlock.shortBelow;
    let grows = false;
    for (const { sample, cause, grewAt } of groups) {
      const own = sample.limit - margin - airlock.shortBelow - sample.usage;
      // A group that went away a moment ago has no usage: the next tick no longer sees it.
      if (!Number.isNaN(own)) spare = Math.min(spare, own);
      grows ||= cause === undefined && time - grewAt < WANTS_SECONDS;
    }
    if (Number.isNaN(spare)) return tickSecondsMin;
    const least =
      isShort || spare < rateMax * tickSeconds
        ? grows
          ? tickSecondsMin
          : tickSeconds
        : spare / (2 * rateMax);
    return Math.min(Math.max(least, tickSecondsMin), tickSecondsMax);
  }
}

/** True if its line, the reserve or a soft limit of others keeps it from running. */
function isHeld({ line, reservedSince, watch }: Tracked): boolean {
  return !Number.isNaN(line.heldSince) || !Number.isNaN(reservedSince) || watch.isStuck;
}
