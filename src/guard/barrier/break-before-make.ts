/**
 * Caps of devices behind one breaker: a cap is raised only into power that others have already given up.
 *
 * Each device follows its cap with a lag of its own, so while one falls and another rises the sum passes what both ends sum
 * to. Power stays between its value and its cap, hence the rule that is exact between ticks: Σ max(P, u) + uncontrolled ≤ cap.
 * Lower caps are set at once; higher ones wait until measured power has made room (break before make).
 *
 * @source Derived; docs/guard-laws.md; G-11 of `teg verify`.
 */
import { assert } from '../../kernel/assert.ts';

/** Outcome: `holds`; `over`: measured power alone is above the cap, every cap is at its target or below the measured power. */
export type BreakerOutcome = 'holds' | 'over';

/**
 * Moves caps towards their targets as far as the breaker allows.
 *
 * @param power   P as measured, at its upper error bound. @shape [n]
 * @param targets Caps that are wanted; their sum may be anything. @shape [n]
 * @param bound   Breaker limit less margin and uncontrolled power, W.
 * @param out     Caps to set: at most the targets. @shape [n]
 * @cost          O(n).
 */
export function breakBeforeMake(
  power: Float64Array,
  targets: Float64Array,
  bound: number,
  out: Float64Array,
): BreakerOutcome {
  assert(targets.length === power.length && out.length === power.length, 'powers and caps of other devices');
  let drawn = 0;
  let raises = 0;
  for (let i = 0; i < power.length; i++) {
    drawn += power[i] as number;
    raises += Math.max((targets[i] as number) - (power[i] as number), 0);
  }
  const room = bound - drawn;
  // One part for all: a device that is far below its target does not starve the others.
  const part = raises > 0 ? Math.min(Math.max(room, 0) / raises, 1) : 0;
  for (let i = 0; i < power.length; i++) {
    const now = power[i] as number;
    const target = targets[i] as number;
    out[i] = target <= now ? target : now + part * (target - now);
  }
  return room >= 0 ? 'holds' : 'over';
}

/** What the actuators behind a limit can do, at their worst. */
export interface Authority {
  /** Lowest power that each device can be held to, W, its error included: a cap at its floor is not exact. @shape [n] */
  readonly minima: Float64Array;
  /** Power that no cap reaches, W. */
  readonly uncontrolled: number;
}

/**
 * The audit at start: with every cap at its floor, is the limit held?
 *
 * @returns Watts to spare; negative: the limit cannot be promised, and the guard must refuse to promise it. NaN if a value is
 *          not a number.
 */
export function authorityToSpare({ minima, uncontrolled }: Authority, limit: number): number {
  let sum = uncontrolled;
  for (const least of minima) sum += least;
  return limit - sum;
}
