/**
 * Invariants of evictions after every step of random lives. `TEG_RECLAIM_WORLDS=100000` runs that many in a minute or two of
 * processor time; these passed: seeds 1 to 70,000 on quiet clusters, 1 to 30,000 with a second scheduler.
 */
import { expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { type LifeCounts, RandomLife } from './random-worlds.fixtures.ts';

const WORLDS = Number(process.env.TEG_RECLAIM_WORLDS ?? 10_000);
const STEPS = 14;

/** Lives of n worlds with seeds from 1. @returns Sums of what happened. */
function lives(count: number, interferes: boolean): LifeCounts {
  const sums: Record<string, number> = {};
  for (let seed = 1; seed <= count; seed++) {
    const life = new RandomLife(new Random(seed, interferes ? 1 : 0));
    let counts: LifeCounts;
    try {
      counts = life.live(STEPS, interferes);
    } catch (cause) {
      throw new Error(`world ${seed}`, { cause });
    }
    for (const [name, value] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + value;
  }
  return sums as unknown as LifeCounts;
}

test('on a quiet cluster every eviction is allowed, improves the potential, and lets its claimant start', () => {
  const counts = lives(Math.ceil(WORLDS * 0.7), false);
  // Wasted evictions throw; here is that each kind occurs.
  for (const name of [
    'starts',
    'plans',
    'reclaims',
    'fairShares',
    'priorities',
    'torn',
    'refusals',
  ] as const) {
    expect(counts[name], name).toBeGreaterThan(WORLDS / 500);
  }
  expect(counts.taken).toBe(0);
});

test('with a second scheduler that takes freed room a claim is attempted three times, then elsewhere, then stopped', () => {
  const counts = lives(Math.floor(WORLDS * 0.3), true);
  expect(counts.taken).toBeGreaterThan(WORLDS / 1000);
});
