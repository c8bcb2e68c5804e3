/**
 * Karma's own setting: 100 users of equal right, 10 slices each, for 900 quanta, as in its paper's evaluation; demands are
 * uniform from nothing to twice the fair share, as in the random tests of its authors' code.
 *
 * @source Vuppalapati et al. 2023, Karma: Resource allocation for dynamic demands (OSDI), §5.
 */
import type { Random } from '../../../src/kernel/random.ts';
import { type Fairness, fairnessOf, runRule, type SharingRule } from './quanta-world.ts';

const USERS = 100;
const SLICES = 10;
const QUANTA = 900;

/** How many random demand matrices are drawn. */
export const KARMA_SEEDS = 20;

/** Rights of the users. */
export const KARMA_SHARES: readonly number[] = new Array<number>(USERS).fill(SLICES);

/** Slices of all users. */
export const KARMA_CAPACITY: number = USERS * SLICES;

/** A rule over a reference on the same demands: the worst of all seeds, and the mean. */
export interface OverReference {
  jainWorst: number;
  jainMean: number;
  minShareWorst: number;
  minShareMean: number;
}

/** @param make Rules of one run, the reference first. @returns For each of the other rules, over all seeds. */
export function overReference(random: Random, make: () => readonly SharingRule[]): OverReference[] {
  const sums: OverReference[] = [];
  for (let seed = 0; seed < KARMA_SEEDS; seed++) {
    const draws = random.fork(seed);
    const demands = Array.from({ length: QUANTA }, () =>
      KARMA_SHARES.map(() => draws.nextInt(2 * SLICES + 1)),
    );
    const [reference, ...others] = make().map((rule) => fairnessOf(runRule(rule, demands), demands));
    for (const [rule, measured] of others.entries()) {
      sums[rule] ??= { jainWorst: 2, jainMean: 0, minShareWorst: 2, minShareMean: 0 };
      add(sums[rule], measured, reference as Fairness);
    }
  }
  return sums;
}

function add(sums: OverReference, measured: Fairness, reference: Fairness): void {
  const [jain, minShare] = [measured.jain / reference.jain, measured.minShare / reference.minShare];
  sums.jainWorst = Math.min(sums.jainWorst, jain);
  sums.jainMean += jain / KARMA_SEEDS;
  sums.minShareWorst = Math.min(sums.minShareWorst, minShare);
  sums.minShareMean += minShare / KARMA_SEEDS;
}
