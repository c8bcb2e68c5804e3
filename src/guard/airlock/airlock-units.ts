/** The units of an airlock: groups, or gangs of groups, with their states and clocks. */
import type { GroupReading } from './airlock-readings.ts';
import { UnitState, type UnitStateValue } from './airlock-states.ts';

/** A unit: what is frozen and thawed together. */
export interface AirlockUnit {
  readonly key: string;
  /** Of the group, or `gang NAME`. */
  readonly name: string;
  readonly isGang: boolean;
  state: UnitStateValue;
  /** Since when it is in its state. */
  since: number;
  /** Since when it is frozen, in whichever state; NaN if it is not. */
  frozenSince: number;
  /** Escalations tried since it was frozen. */
  attempts: number;
  /** Since when it wants to grow and was granted nothing; NaN if that is not so. */
  stalledSince: number;
  /** When it held the token last. */
  tokenAt: number;
  /** Of this tick. */
  groups: GroupReading[];
  priority: number;
  growth: number;
  /** MiB/s granted at the last tick; Infinity: no limit. */
  granted: number;
  wants: boolean;
  /** Groups that the backend was asked to freeze. */
  readonly frozenGroups: Set<string>;
}

/** The last readable usage of a group. */
interface LastReading {
  usage: number;
  time: number;
}

/** The units that are on the node. A unit is created when its first group is read, and dropped with its last. */
export class AirlockUnits {
  private readonly rateMax: number;
  private readonly byKey = new Map<string, AirlockUnit>();
  private last = new Map<string, LastReading>();

  /** @param rateMax ū: the growth of a group that cannot be read. */
  constructor(rateMax: number) {
    this.rateMax = rateMax;
  }

  /**
   * Takes a tick's groups.
   *
   * @returns The units of those that opted in, the most important first, ties by name; and the usage of all groups: one that
   *          cannot be read counts with its last usage, and may have grown at ū since unless it is frozen.
   */
  take(
    groups: readonly GroupReading[],
    time: number,
  ): { readonly units: AirlockUnit[]; readonly usage: number } {
    for (const unit of this.byKey.values()) unit.groups = [];
    const last = new Map<string, LastReading>();
    let usage = 0;
    for (const group of groups) {
      const unit = group.optedIn ? this.unitOf(group, time) : undefined;
      unit?.groups.push(group);
      last.set(group.name, this.lastOf(group, time));
      usage += this.boundOf(group, last.get(group.name) as LastReading, unit, time);
    }
    this.last = last;
    for (const unit of this.byKey.values()) {
      if (unit.groups.length === 0) this.byKey.delete(unit.key);
      else this.sumUp(unit);
    }
    const units = [...this.byKey.values()];
    units.sort((a, b) => b.priority - a.priority || (a.name < b.name ? -1 : 1));
    return { units, usage };
  }

  private lastOf(group: GroupReading, time: number): LastReading {
    if (isReadable(group)) return { usage: group.usage, time };
    // Seen for the first time: it has existed for no longer than since the last tick.
    return this.last.get(group.name) ?? { usage: 0, time };
  }

  private boundOf(
    group: GroupReading,
    last: LastReading,
    unit: AirlockUnit | undefined,
    time: number,
  ): number {
    if (isReadable(group) || unit?.frozenGroups.has(group.name)) return last.usage;
    return last.usage + this.rateMax * (time - last.time);
  }

  private unitOf(group: GroupReading, time: number): AirlockUnit {
    const name = group.gang === undefined ? group.name : `gang ${group.gang}`;
    // A group may have the name of a gang.
    const key = group.gang === undefined ? `group ${name}` : name;
    let unit = this.byKey.get(key);
    if (unit === undefined) {
      unit = {
        key,
        name,
        isGang: group.gang !== undefined,
        state: UnitState.Running,
        since: time,
        frozenSince: Number.NaN,
        attempts: 0,
        stalledSince: Number.NaN,
        tokenAt: Number.NEGATIVE_INFINITY,
        groups: [],
        priority: 0,
        growth: 0,
        granted: Number.POSITIVE_INFINITY,
        wants: false,
        frozenGroups: new Set(),
      };
      this.byKey.set(key, unit);
    }
    return unit;
  }

  /** A gang is as important as its most important group. What cannot be read grows at ū. */
  private sumUp(unit: AirlockUnit): void {
    const { groups, frozenGroups } = unit;
    unit.priority = Math.max(...groups.map((group) => group.priority));
    unit.growth = 0;
    for (const group of groups) {
      if (frozenGroups.has(group.name)) continue;
      unit.growth += isReadable(group) ? Math.max(group.growth, 0) : this.rateMax;
    }
    unit.wants = groups.some((group) => group.wants);
    for (const name of frozenGroups)
      if (!groups.some((group) => group.name === name)) frozenGroups.delete(name);
  }
}

function isReadable({ usage, growth }: GroupReading): boolean {
  return Number.isFinite(usage) && usage >= 0 && Number.isFinite(growth);
}
