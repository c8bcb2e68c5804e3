/** Settings of the guard of a node, and those that follow from the others. */
import { assert } from '../../kernel/assert.ts';
import { AIRLOCK_DEFAULTS, type AirlockOptions, type Escalation } from '../airlock/airlock-options.ts';
import { filterLag } from '../barrier/growth-estimator.ts';
import { type Bound, type GrowthBounds, growthMargin } from '../barrier/growth-margin.ts';
import type { GrowthLineOptions } from './growth-line.ts';

/** What happens to a unit that is held for as long as it may be, with nothing else to freeze, thaw or wait for. */
export type LastResort = 'hold' | 'release' | 'kill';

/** Settings of a guard. Amounts in MiB, times in seconds. */
export interface GuardOptions {
  readonly airlock: AirlockOptions;
  readonly line: GrowthLineOptions;
  /** α of the estimators, and the time between two of their readings. */
  readonly estimatorWeight: number;
  readonly estimatorSeconds: number;
  /** After so long a group that does not freeze counts as one that cannot. */
  readonly confirmSeconds: number;
  /** How long a group is left alone that could not be frozen, or that a person thawed. */
  readonly exemptSeconds: number;
  readonly lastResort: LastResort;
  /** Shortest and longest time between two ticks. */
  readonly tickSecondsMin: number;
  readonly tickSecondsMax: number;
}

/** What a configuration and a machine say; the rest follows. */
export interface GuardBasics {
  /** MiB. */
  readonly wall: number;
  readonly processors: number;
  /** True if ticks are kept under load: the scheduler runs the guard first. */
  readonly isRealtime: boolean;
  readonly rateMax: number;
  readonly bypassRate: number;
  readonly margin?: number | undefined;
  readonly shortBelow?: number | undefined;
  readonly amplyAbove?: number | undefined;
  readonly frozenSecondsMax: number;
  readonly gangFrozenSecondsMax: number;
  readonly escalations: readonly Escalation[];
  readonly lastResort: LastResort;
}

/** MiB that the kernel charges at once for a processor. */
const BATCH_MIB = 0.25;
const ESTIMATOR_WEIGHT = 0.5;
/** Longest tick, and time until a freeze holds: with SCHED_FIFO, and without. Measured; docs/guard.md has the figures. */
const TICK_SECONDS = { realtime: 0.005, shared: 0.015 } as const;
const FREEZE_SECONDS = { realtime: 0.005, shared: 0.02 } as const;
/** Part of the wall that is at least free while memory is ample. */
const SHORT_SHARE = 0.05;

/** @returns The constants behind the margin, each with its basis. */
export function guardBounds(basics: GuardBasics): GrowthBounds {
  const { isRealtime, rateMax, bypassRate, processors } = basics;
  const key = isRealtime ? 'realtime' : 'shared';
  const assumed = (value: number): Bound => ({ value, basis: 'assumed' });
  const measured = (value: number): Bound => ({ value, basis: 'measured' });
  return {
    tickSeconds: assumed(TICK_SECONDS[key]),
    staleSeconds: assumed(0),
    deadSeconds: assumed(FREEZE_SECONDS[key]),
    lagSeconds: assumed(filterLag(ESTIMATOR_WEIGHT, TICK_SECONDS[key])),
    rateMax: assumed(rateMax),
    bypassRate: assumed(bypassRate),
    quantum: assumed(BATCH_MIB),
    rateError: assumed((ESTIMATOR_WEIGHT * BATCH_MIB * processors) / TICK_SECONDS[key]),
    processors: measured(processors),
    batch: assumed(BATCH_MIB),
    hugePageThreads: assumed(processors),
  };
}

/**
 * Completes the settings. A margin that is not given covers the growth of one tick and one freeze at the highest rate.
 *
 * @throws AssertionFailure if values contradict each other; `faultOfBasics` finds it before.
 */
export function guardOptions(basics: GuardBasics): GuardOptions {
  const bounds = guardBounds(basics);
  const { shortBelow, amplyAbove, margin } = headroomsOf(basics);
  const tickSeconds = bounds.tickSeconds.value;
  return {
    airlock: {
      ...AIRLOCK_DEFAULTS,
      growth: {
        lagSeconds: bounds.lagSeconds.value,
        tickSeconds,
        staleSeconds: 0,
        deadSeconds: 0,
        rateMax: basics.rateMax,
        margin,
      },
      freezeSeconds: bounds.deadSeconds.value,
      bypassRate: basics.bypassRate,
      shortBelow,
      amplyAbove,
      frozenSecondsMax: basics.frozenSecondsMax,
      gangFrozenSecondsMax: basics.gangFrozenSecondsMax,
      escalations: basics.escalations,
    },
    line: { tickSeconds, slack: BATCH_MIB * basics.processors, room: 1 },
    estimatorWeight: ESTIMATOR_WEIGHT,
    estimatorSeconds: tickSeconds * 0.8,
    confirmSeconds: 1,
    exemptSeconds: 60,
    lastResort: basics.lastResort,
    tickSecondsMin: 0.001,
    tickSecondsMax: 0.1,
  };
}

/** @returns What makes the values contradict each other, for a message; undefined: nothing. */
export function faultOfBasics(basics: GuardBasics): string | undefined {
  const { margin, shortBelow, amplyAbove } = headroomsOf(basics);
  const { tickSeconds, deadSeconds } = guardBounds(basics);
  const blind = basics.bypassRate * (tickSeconds.value + deadSeconds.value);
  const grown = basics.rateMax * tickSeconds.value;
  if (!(basics.wall > margin + shortBelow))
    return `a wall of more than margin and shortBelow together, ${round(margin + shortBelow)} MiB`;
  if (margin < blind)
    return `a margin of at least ${round(blind)} MiB, which bypass alone can grow in a tick`;
  if (shortBelow < grown) return `shortBelow of at least ${round(grown)} MiB, which can grow in a tick`;
  if (!(amplyAbove > shortBelow)) return `amplyAbove greater than shortBelow, ${round(shortBelow)} MiB`;
  return undefined;
}

/** The margin and the dead band in MiB, given or derived. */
export function headroomsOf(basics: GuardBasics): { margin: number; shortBelow: number; amplyAbove: number } {
  const bounds = guardBounds(basics);
  const tick = basics.rateMax * bounds.tickSeconds.value;
  assert(tick > 0, 'a guard of no rate or no tick');
  const margin = basics.margin ?? growthMargin(bounds);
  const shortBelow = basics.shortBelow ?? Math.max(SHORT_SHARE * basics.wall, 1.5 * tick);
  return { margin, shortBelow, amplyAbove: basics.amplyAbove ?? 2 * shortBelow };
}

function round(amount: number): number {
  return Math.ceil(amount * 10) / 10;
}
