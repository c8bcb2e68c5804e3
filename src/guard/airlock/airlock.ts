/**
 * The airlock: when memory is short, groups of processes grow one at a time, and the least important are frozen before the wall
 * instead of being killed at it.
 *
 * Growth is granted by one filter for the node (`GrowthFilter`), so that all groups together cannot pass the wall by granted
 * growth. While memory is short, the whole grant goes to the holder of the token, the most important unit that wants to grow.
 * Who wants to grow and gets nothing makes no progress, and is frozen; who grows past its grant is frozen when the wall is near.
 * Freezing frees nothing, but it stops growth at once and leaves the processors to those that can finish.
 *
 * Guarantees, each explored in the tests: one unit at least runs; a unit is frozen for `frozenSecondsMax` at most, then thawed,
 * moved, reclaimed or, if the policy says so, killed; gangs are frozen all or none; nothing but the wall makes a unit change its
 * state before `residenceSeconds`; groups that did not opt in are never acted on.
 *
 * Pure: the time is an argument, effects are returned. O(units log units) a tick.
 */
import { assert } from '../../kernel/assert.ts';
import { GrowthFilter } from '../barrier/growth-filter.ts';
import { AIRLOCK_GROUPS_MAX, type AirlockOptions, assertAirlockOptions } from './airlock-options.ts';
import type { AirlockAnswer, AirlockEffect, NodeReading } from './airlock-readings.ts';
import {
  type ChangeReason,
  isFrozenState,
  type StateChange,
  UnitState,
  type UnitStateValue,
} from './airlock-states.ts';
import { type AirlockUnit, AirlockUnits } from './airlock-units.ts';

/** The airlock of a node. Single writer of its units' states. */
export class Airlock {
  private readonly options: AirlockOptions;
  private readonly filter: GrowthFilter;
  private readonly book: AirlockUnits;
  private units: AirlockUnit[] = [];
  private time = Number.NEGATIVE_INFINITY;
  private thawedAt = Number.NEGATIVE_INFINITY;
  private isShort = false;
  private shortSince = Number.NEGATIVE_INFINITY;
  private changes: StateChange[] = [];
  /** Last readable values of the node; before the first nothing is granted. */
  private wall = 0;
  private others = 0;

  constructor(options: AirlockOptions) {
    assertAirlockOptions(options);
    this.options = options;
    this.filter = new GrowthFilter(options.growth);
    this.book = new AirlockUnits(options.growth.rateMax);
  }

  /**
   * One tick.
   *
   * @param time Seconds, not before the last tick's.
   */
  step(reading: NodeReading, time: number): AirlockAnswer {
    assert(time >= this.time, 'a tick before the last one');
    assert(reading.groups.length <= AIRLOCK_GROUPS_MAX, 'more groups than an airlock holds');
    this.time = time;
    this.changes = [];
    if (reading.wall >= 0) this.wall = reading.wall;
    if (reading.others >= 0) this.others = reading.others;
    const taken = this.book.take(reading.groups, time);
    this.units = taken.units;
    const before = new Map(this.units.map((unit) => [unit.key, unit.state]));
    const usage = this.others + taken.usage;
    const growth = this.units.reduce((sum, unit) => sum + unit.growth, 0);
    const rate = this.filter.allow(usage, growth, this.wall, time);
    const headroom = this.wall - this.options.growth.margin - usage;
    this.judge(headroom);
    this.keepOneRunning();
    const exhausted = this.keepFromWall(usage);
    this.freezeStalled();
    this.endFreezes();
    this.thawForRoom(headroom);
    const effects = [...this.turns(before), ...this.grants(rate)];
    return { effects, changes: this.changes, isShort: this.isShort, headroom, exhausted };
  }

  /** Short below one bound, ample above another. */
  private judge(headroom: number): void {
    const { shortBelow, amplyAbove, residenceSeconds } = this.options;
    const isShort = this.isShort ? headroom <= amplyAbove : headroom < shortBelow;
    if (isShort === this.isShort) return;
    // Shortage counts at once; its end only after it has been there for a while.
    if (!isShort && this.time - this.shortSince < residenceSeconds) return;
    this.isShort = isShort;
    if (isShort) this.shortSince = this.time;
    for (const unit of this.units) {
      if (isFrozenState(unit.state)) continue;
      const to = isShort ? UnitState.Throttled : UnitState.Running;
      if (unit.state !== to) this.change(unit, to, isShort ? 'memory is short' : 'memory is ample');
    }
  }

  /** If the last unit that ran has left, the most important frozen one goes on. */
  private keepOneRunning(): void {
    if (this.running().length > 0) return;
    const next = this.units.find(({ state }) => state === UnitState.Frozen) ?? this.frozen()[0];
    if (next !== undefined) this.thaw(next, 'no other runs');
  }

  /**
   * Freezes as many units as it takes to stay below the wall until the next tick's freezes take effect. The last unit that runs
   * is frozen only in exchange for another.
   *
   * @returns True if that is not enough.
   */
  private keepFromWall(usage: number): boolean {
    const { freezeSeconds, bypassRate, growth } = this.options;
    const blind = growth.tickSeconds + growth.staleSeconds + freezeSeconds;
    const offenders = this.offenders();
    const excess = offenders.reduce((sum, unit) => sum + excessOf(unit), 0);
    let distance = this.wall - usage - (excess + bypassRate) * blind;
    for (const unit of offenders) {
      if (distance >= 0) return false;
      if (this.running().length === 1 && !this.thawInPlace()) return true;
      distance += excessOf(unit) * blind;
      this.freeze(unit, 'the wall is near');
    }
    return distance < 0;
  }

  /** Running units that grow past what they were granted, the least important first; among equals the fastest. */
  private offenders(): AirlockUnit[] {
    return this.running()
      .filter((unit) => excessOf(unit) > 0)
      .sort((a, b) => a.priority - b.priority || excessOf(b) - excessOf(a) || (a.name < b.name ? 1 : -1));
  }

  /** Thaws the unit that has been frozen longest. @returns False if none has been for long enough. */
  private thawInPlace(): boolean {
    const oldest = this.frozen().find((unit) => this.time - unit.since >= this.options.residenceSeconds);
    if (oldest === undefined) return false;
    this.thaw(oldest, 'in place of another');
    return true;
  }

  /** A unit that wants to grow, is granted nothing and so makes no progress, is frozen; the least important first. */
  private freezeStalled(): void {
    const { stallSeconds, residenceSeconds } = this.options;
    for (const unit of this.running().reverse()) {
      const isStalled = this.time - unit.stalledSince >= stallSeconds;
      if (!isStalled || this.time - unit.since < residenceSeconds || this.running().length === 1) continue;
      this.freeze(unit, 'no progress');
    }
  }

  /** Ends freezes in time: each early enough that all that are due after it, one thaw after the other, are in time too. */
  private endFreezes(): void {
    const { thawSeconds, growth } = this.options;
    const due = this.frozen().map((unit) => ({ unit, at: this.dueAt(unit) }));
    due.sort((a, b) => b.at - a.at);
    let latest = Number.POSITIVE_INFINITY;
    for (const { unit, at } of due) {
      latest = Math.min(at, latest - thawSeconds);
      // The next tick would be too late.
      if (this.time + growth.tickSeconds >= latest) this.escalate(unit);
    }
  }

  /** When a freeze, or its last escalation, has lasted for as long as it may. */
  private dueAt(unit: AirlockUnit): number {
    const { frozenSecondsMax, gangFrozenSecondsMax } = this.options;
    const from = unit.attempts === 0 ? unit.frozenSince : unit.since;
    return from + (unit.isGang ? gangFrozenSecondsMax : frozenSecondsMax);
  }

  private escalate(unit: AirlockUnit): void {
    const { escalations } = this.options;
    const next = escalations[unit.attempts % escalations.length] as AirlockOptions['escalations'][number];
    unit.attempts++;
    if (next === 'thaw') this.thaw(unit, 'frozen long enough');
    else this.change(unit, ESCALATED[next], 'frozen long enough');
  }

  /** With memory ample, thaws one unit after the other, the most important first. */
  private thawForRoom(headroom: number): void {
    const { residenceSeconds, thawSeconds, amplyAbove } = this.options;
    if (this.isShort || this.time - this.thawedAt < thawSeconds || !(headroom > amplyAbove)) return;
    const next = this.units.find(
      ({ state, since }) => state === UnitState.Frozen && this.time - since >= residenceSeconds,
    );
    if (next !== undefined) this.thaw(next, 'room for it');
  }

  /**
   * Grants of the tick: while memory is short all of it to the holder of the token, else no limit: the band is wider than what
   * the node can grow in a tick.
   */
  private grants(rate: number): AirlockEffect[] {
    const running = this.running();
    const holder = this.isShort ? running.filter((unit) => unit.wants).sort(byToken)[0] : undefined;
    const effects: AirlockEffect[] = [];
    for (const unit of running) {
      unit.granted = this.isShort ? (unit === holder ? rate : 0) : Number.POSITIVE_INFINITY;
      if (unit === holder) unit.tokenAt = this.time;
      const isStalled = unit.wants && unit.granted === 0;
      if (!isStalled) unit.stalledSince = Number.NaN;
      else if (Number.isNaN(unit.stalledSince)) unit.stalledSince = this.time;
      const growing = unit.groups.filter((group) => group.wants).length;
      for (const group of unit.groups) {
        const isIn = group.wants || growing === 0;
        const part = isIn ? unit.granted / Math.max(growing, 1) : 0;
        effects.push({ kind: 'grant', group: group.name, rate: this.isShort ? part : unit.granted });
      }
    }
    return effects;
  }

  /** Effects of the tick's changes. */
  private turns(before: ReadonlyMap<string, UnitStateValue>): AirlockEffect[] {
    const freezes: AirlockEffect[] = [];
    const asks: AirlockEffect[] = [];
    const thaws: AirlockEffect[] = [];
    for (const unit of this.units) {
      const isFrozen = isFrozenState(unit.state);
      const ask = unit.state === before.get(unit.key) ? undefined : ASKS.get(unit.state);
      for (const { name: group } of unit.groups) {
        // A group may join a gang that is frozen.
        if (isFrozen && !unit.frozenGroups.has(group)) freezes.push({ kind: 'freeze', group });
        if (!isFrozen && unit.frozenGroups.delete(group)) thaws.push({ kind: 'thaw', group });
        if (isFrozen) unit.frozenGroups.add(group);
        if (ask !== undefined) asks.push({ kind: ask, group });
      }
    }
    return [...freezes, ...asks, ...thaws];
  }

  private freeze(unit: AirlockUnit, reason: ChangeReason): void {
    unit.frozenSince = this.time;
    unit.stalledSince = Number.NaN;
    this.change(unit, UnitState.Frozen, reason);
  }

  private thaw(unit: AirlockUnit, reason: ChangeReason): void {
    unit.frozenSince = Number.NaN;
    unit.attempts = 0;
    this.thawedAt = this.time;
    this.change(unit, this.isShort ? UnitState.Throttled : UnitState.Running, reason);
  }

  private change(unit: AirlockUnit, to: UnitStateValue, reason: ChangeReason): void {
    this.changes.push({ timeSeconds: this.time, unit: unit.name, from: unit.state, to, reason });
    unit.state = to;
    unit.since = this.time;
  }

  private running(): AirlockUnit[] {
    return this.units.filter((unit) => !isFrozenState(unit.state));
  }

  /** The frozen units, frozen longest first. */
  private frozen(): AirlockUnit[] {
    return this.units
      .filter((unit) => isFrozenState(unit.state) && unit.state !== UnitState.Killed)
      .sort((a, b) => a.frozenSince - b.frozenSince || (a.name < b.name ? -1 : 1));
  }
}

/** What a backend is asked for as a unit enters a state. */
const ASKS: ReadonlyMap<UnitStateValue, 'move' | 'reclaim' | 'kill'> = new Map([
  [UnitState.Moved, 'move'],
  [UnitState.Reclaimed, 'reclaim'],
  [UnitState.Killed, 'kill'],
]);

/** The state that each escalation but a thaw leads to. */
const ESCALATED = { move: UnitState.Moved, reclaim: UnitState.Reclaimed, kill: UnitState.Killed } as const;

/** Growth past the last grant, MiB/s. */
function excessOf(unit: AirlockUnit): number {
  return Math.max(unit.growth - unit.granted, 0);
}

/** The most important first; among equals, who has been without the token longest. */
function byToken(a: AirlockUnit, b: AirlockUnit): number {
  return b.priority - a.priority || a.tokenAt - b.tokenAt || (a.name < b.name ? -1 : 1);
}
