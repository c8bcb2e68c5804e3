/**
 * Slices one at a time to the largest key, computed in one go: the common step of max-min, Karma and the token rule.
 *
 * Claimant i offers key_i for its first slice, key_i − step_i for its second, and so on. Every slice goes to the largest key on
 * offer, ties to the smaller index. So a claimant takes the keys above one level, which bisection finds.
 */
import { assert } from '../../kernel/assert.ts';

/** More than the bits of a double: the interval of the level is as small as it gets. */
const BISECTIONS_MAX = 120;

/** Who may take how much. All columns are of one length. */
export interface Claimants {
  /** @shape [claimants] Finite. */
  readonly keys: ArrayLike<number>;
  /** @shape [claimants] By how much the key falls with each slice taken; > 0. */
  readonly steps: ArrayLike<number>;
  /** @shape [claimants] Most slices each takes, integers ≥ 0. */
  readonly wants: ArrayLike<number>;
}

/**
 * Gives slices out.
 *
 * @param slices An integer ≥ 0. @param above Only keys above it take a slice; −Infinity: all.
 * @param taken  Gets the slices of each. @shape [claimants]
 * @returns      Slices given out; fewer than `slices` if no claimant wants more.
 * @cost O(claimants × 120) at most, whatever the number of slices.
 */
export function richestFirst(
  { keys, steps, wants }: Claimants,
  slices: number,
  above: number,
  taken: Float64Array,
): number {
  assert(
    keys.length === taken.length && steps.length === taken.length,
    'columns of claimants differ in length',
  );
  assert(Number.isInteger(slices) && slices >= 0, 'slices are not whole');
  const count = taken.length;
  let total = 0;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < count; i++) {
    const key = keys[i] as number;
    const step = steps[i] as number;
    assert(Number.isFinite(key) && step > 0, 'a key is not finite, or its step is not positive');
    const want = keysAbove(key, step, wants[i] as number, above);
    taken[i] = want;
    total += want;
    if (want > 0) low = Math.min(low, key - step * want);
    if (want > 0) high = Math.max(high, key);
  }
  if (total <= slices) return total;
  // Above `high` fewer keys lie than slices are there, above `low` more.
  for (let round = 0; round < BISECTIONS_MAX; round++) {
    const level = low + (high - low) / 2;
    if (level <= low || level >= high) break;
    let sum = 0;
    for (let i = 0; i < count; i++)
      sum += keysAbove(keys[i] as number, steps[i] as number, wants[i] as number, Math.max(level, above));
    if (sum <= slices) high = level;
    else low = level;
  }
  return takeAbove({ keys, steps, wants }, slices, Math.max(low, above), Math.max(high, above), taken);
}

/** Takes all keys above `high`, and the largest of those between `low` and `high`. */
function takeAbove(
  { keys, steps, wants }: Claimants,
  slices: number,
  low: number,
  high: number,
  taken: Float64Array,
): number {
  let left = slices;
  const next: number[] = [];
  for (let i = 0; i < taken.length; i++) {
    const key = keys[i] as number;
    const step = steps[i] as number;
    const count = keysAbove(key, step, wants[i] as number, high);
    taken[i] = count;
    left -= count;
    if (keysAbove(key, step, wants[i] as number, low) > count) next.push(i);
  }
  const offer = (i: number): number => (keys[i] as number) - (steps[i] as number) * (taken[i] as number);
  const offers = new Map(next.map((i) => [i, offer(i)]));
  next.sort((a, b) => (offers.get(b) as number) - (offers.get(a) as number) || a - b);
  for (const i of next.slice(0, left)) taken[i] = (taken[i] as number) + 1;
  return slices - left + Math.min(left, next.length);
}

/** @returns How many of the keys key, key − step, … (want of them) lie above a level. */
function keysAbove(key: number, step: number, want: number, level: number): number {
  if (want === 0 || !(key > level)) return 0;
  const room = (key - level) / step;
  if (room > want + 1) return want;
  let count = Math.min(want, Math.max(0, Math.ceil(room)));
  // The quotient is rounded; the keys decide.
  while (count > 0 && !(key - step * (count - 1) > level)) count--;
  while (count < want && key - step * count > level) count++;
  return count;
}
