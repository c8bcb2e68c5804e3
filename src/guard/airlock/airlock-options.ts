/** Settings of an airlock, their defaults and their bounds. */
import { assert } from '../../kernel/assert.ts';
import type { GrowthFilterOptions } from '../barrier/growth-filter.ts';

/** What is done with a unit that has been frozen for as long as it may be. The order is the order of the attempts. */
export type Escalation = 'thaw' | 'move' | 'reclaim' | 'kill';

/** Settings of an airlock. Amounts in MiB, times in seconds. */
export interface AirlockOptions {
  /** The filter of the node's growth: all groups together. Its margin stays free below the wall. */
  readonly growth: GrowthFilterOptions;
  /** Time from the decision to freeze until nothing grows any more. */
  readonly freezeSeconds: number;
  /** w̄: growth of all groups past their grants, MiB/s, for which the wall's distance is kept. */
  readonly bypassRate: number;
  /** Headroom below which memory is short, and above which it is ample: a dead band. */
  readonly shortBelow: number;
  readonly amplyAbove: number;
  /** A unit keeps its state at least so long, except at the wall. */
  readonly residenceSeconds: number;
  /** A unit that wants to grow and was granted nothing for so long is frozen. */
  readonly stallSeconds: number;
  /** Longest time that a unit is frozen, and that a gang is. */
  readonly frozenSecondsMax: number;
  readonly gangFrozenSecondsMax: number;
  /** Least time between two thaws. */
  readonly thawSeconds: number;
  /** Attempts after `frozenSecondsMax`; each is given `frozenSecondsMax` again. `thaw` must be among them, or `kill`. */
  readonly escalations: readonly Escalation[];
}

/** Most groups of an airlock. */
export const AIRLOCK_GROUPS_MAX = 4096;

/** Settings of a node of some 64 GiB; margins have to be measured there. */
export const AIRLOCK_DEFAULTS: AirlockOptions = {
  growth: {
    lagSeconds: 0.01,
    tickSeconds: 0.005,
    staleSeconds: 0.002,
    deadSeconds: 0,
    rateMax: 2048,
    margin: 64,
  },
  freezeSeconds: 0.025,
  bypassRate: 64,
  shortBelow: 2048,
  amplyAbove: 4096,
  residenceSeconds: 1,
  stallSeconds: 5,
  frozenSecondsMax: 60,
  gangFrozenSecondsMax: 100,
  thawSeconds: 0.25,
  escalations: ['thaw'],
};

/** Asserts that the settings fit together. */
export function assertAirlockOptions(options: AirlockOptions): void {
  const { shortBelow, amplyAbove, residenceSeconds, stallSeconds, thawSeconds } = options;
  assert(options.freezeSeconds >= 0 && options.bypassRate >= 0, 'a bound of an airlock is negative');
  assert(shortBelow >= 0 && amplyAbove > shortBelow, 'a dead band of no width');
  assert(
    residenceSeconds >= 0 && stallSeconds > 0 && thawSeconds > 0,
    'a time of an airlock is not positive',
  );
  const { tickSeconds, staleSeconds, rateMax, margin } = options.growth;
  const blind = tickSeconds + staleSeconds;
  assert(shortBelow >= rateMax * blind, 'growth without limit passes the dead band within a tick');
  assert(
    margin >= options.bypassRate * (blind + options.freezeSeconds),
    'a margin below what bypasses the grants',
  );
  assert(options.frozenSecondsMax > residenceSeconds, 'frozen no longer than a state is kept');
  assert(options.gangFrozenSecondsMax > residenceSeconds, 'a gang is frozen no longer than a state is kept');
  const { escalations } = options;
  assert(escalations.includes('thaw') || escalations.includes('kill'), 'an airlock that can end no freeze');
  assert(new Set(escalations).size === escalations.length, 'an escalation is named twice');
}
