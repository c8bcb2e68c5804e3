/** A node of a few groups under an airlock, for tests: memory follows the grants exactly, a tick at a time. */
import { Airlock } from './airlock.ts';
import { AIRLOCK_DEFAULTS, type AirlockOptions } from './airlock-options.ts';
import type { AirlockAnswer, GroupReading } from './airlock-readings.ts';

/** One second a tick, a wall of 12, growth of 2 a second. */
export const SMALL: AirlockOptions = {
  ...AIRLOCK_DEFAULTS,
  growth: { lagSeconds: 0, tickSeconds: 1, staleSeconds: 0, deadSeconds: 0, rateMax: 2, margin: 0 },
  freezeSeconds: 0,
  bypassRate: 0,
  shortBelow: 3,
  amplyAbove: 6,
  residenceSeconds: 1,
  stallSeconds: 2,
  frozenSecondsMax: 6,
  gangFrozenSecondsMax: 8,
  thawSeconds: 1,
};

/** A group of the world. */
export interface WorldGroup {
  readonly name: string;
  readonly priority: number;
  readonly gang?: string;
  readonly optedIn?: boolean;
  usage: number;
}

/** What a group does in a tick: MiB it would take (negative: gives back), and of these how much passes its grant. */
export interface Wish {
  readonly amount: number;
  readonly bypass?: number;
  /** True: the tick's reading of it is none. */
  readonly unreadable?: boolean;
}

/** The node. */
export class AirlockWorld {
  readonly airlock: Airlock;
  readonly frozen: Set<string> = new Set();
  readonly grants: Map<string, number> = new Map();
  readonly gone: Set<string> = new Set();
  groups: WorldGroup[];
  time = 0;
  private readonly options: AirlockOptions;
  private readonly growths = new Map<string, number>();
  private readonly wall: number;
  /** What the node can still grow in this tick. */
  private budget = 0;

  constructor(groups: readonly WorldGroup[], wall = 12, options: AirlockOptions = SMALL) {
    this.options = options;
    this.airlock = new Airlock(options);
    this.groups = groups.map((group) => ({ ...group }));
    this.wall = wall;
  }

  get usage(): number {
    return this.groups.reduce((sum, group) => sum + group.usage, 0);
  }

  /** Reads, decides, and lets the groups do what they may. @param wishes By the order of the groups. */
  tick(wishes: readonly Wish[]): AirlockAnswer {
    const readings = this.groups.map((group, i) => this.reading(group, wishes[i] as Wish));
    const answer = this.airlock.step({ wall: this.wall, others: 0, groups: readings }, this.time);
    for (const effect of answer.effects) {
      if (effect.kind === 'freeze') this.frozen.add(effect.group);
      if (effect.kind === 'thaw') this.frozen.delete(effect.group);
      if (effect.kind === 'kill' || effect.kind === 'move') this.gone.add(effect.group);
      if (effect.kind === 'grant') this.grants.set(effect.group, effect.rate);
    }
    this.budget = this.options.growth.rateMax * this.options.growth.tickSeconds;
    for (const [i, group] of this.groups.entries()) this.grow(group, wishes[i] as Wish);
    this.groups = this.groups.filter((group) => !this.gone.has(group.name));
    this.time += this.options.growth.tickSeconds;
    return answer;
  }

  private reading(group: WorldGroup, wish: Wish): GroupReading {
    const { name, priority, gang, optedIn = true } = group;
    const wants = wish.amount > 0;
    const usage = wish.unreadable ? Number.NaN : group.usage;
    const base = { name, priority, optedIn, usage, wants, growth: this.growths.get(name) ?? 0 };
    return gang === undefined ? base : { ...base, gang };
  }

  private grow(group: WorldGroup, wish: Wish): void {
    if (this.frozen.has(group.name)) {
      this.growths.set(group.name, 0);
      return;
    }
    const seconds = this.options.growth.tickSeconds;
    const granted = group.optedIn === false ? 0 : (this.grants.get(group.name) ?? 0) * seconds;
    const limit = Math.min(granted, this.budget);
    const amount = wish.amount > 0 ? Math.min(wish.amount, limit) : Math.max(wish.amount, -group.usage);
    this.budget -= Math.max(amount, 0);
    const grown = amount + (wish.bypass ?? 0);
    group.usage += grown;
    this.growths.set(group.name, grown / seconds);
  }
}
