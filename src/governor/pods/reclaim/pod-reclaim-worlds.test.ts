/**
 * Invariants of evictions in the pod scheduler, after every decision of random lives: tenants in a hierarchy, pods and gangs of both kinds,
 * token and disruption budgets, victims that come back at once, another scheduler. Each planted error has to be found.
 * `TEG_POD_RECLAIM_WORLDS=1000` runs that many.
 */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { MarketOrder } from '../../../market/reclaim/market-order.ts';
import { TreeTenants } from '../../../market/reclaim/tree-tenants.ts';
import { ReclaimActions } from '../decide/reclaim-actions.ts';
import { PodClaims } from './pod-claims.ts';
import { type LifeOptions, ReclaimLife } from './reclaim-life.fixtures.ts';
import { RunningUnits } from './running-units.ts';

const WORLDS = Number(process.env.TEG_POD_RECLAIM_WORLDS ?? 40);

/** Lives of n worlds. @returns Sums of what happened. */
function lives(count: number, optionsOf: (seed: number) => LifeOptions): ReclaimLife['sums'] {
  const sums = { evictions: 0, partial: 0, forced: 0, improved: 0, crowned: 0, beside: 0 };
  for (let seed = 1; seed <= count; seed++) {
    const life = new ReclaimLife(seed, optionsOf(seed));
    try {
      life.live();
    } catch (error) {
      throw new Error(`world ${seed}: ${String(error)}`, { cause: error });
    }
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += life.sums[name];
  }
  return sums;
}

describe('random lives', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test('keep quotas, gangs and budgets, improve the potential, and waste nothing on a quiet cluster', () => {
    const sums = lives(WORLDS, (seed) => ({ hasRival: seed % 2 === 0 }));
    // The rules were put to the test.
    expect(sums.evictions).toBeGreaterThan(WORLDS);
    expect(sums.improved).toBeGreaterThan(WORLDS / 4);
    expect(sums.partial).toBeGreaterThan(0);
    expect(sums.forced).toBeGreaterThan(0);
  }, 600_000);

  test('beside champions: these do not plan on room that a claim keeps, and keep no claim from it', () => {
    const sums = lives(WORLDS, () => ({ hasChampions: true }));
    expect(sums.evictions).toBeGreaterThan(WORLDS / 2);
    expect(sums.improved).toBeGreaterThan(WORLDS / 2);
    expect(sums.crowned).toBeGreaterThan(WORLDS / 2);
    expect(sums.beside).toBeGreaterThan(0);
  }, 600_000);

  test('find evictions of what a quota covers', () => {
    vi.spyOn(TreeTenants.prototype, 'quotaOf').mockReturnValue(0);
    vi.spyOn(TreeTenants.prototype, 'keptOf').mockReturnValue(0);
    expect(() => lives(100, () => ({}))).toThrow(/below its quota/);
  });

  test('find room and quota of claims that are given away', () => {
    vi.spyOn(ReclaimActions.prototype, 'keep').mockReturnValue(undefined);
    vi.spyOn(PodClaims.prototype, 'hold').mockReturnValue(undefined);
    expect(() => lives(100, () => ({}))).toThrow(
      /nobody interferes|do not improve the potential|evicted twice/,
    );
  });

  test('find gangs that are torn', () => {
    const { list } = RunningUnits.prototype;
    vi.spyOn(RunningUnits.prototype, 'list').mockImplementation(function (this: RunningUnits, ...args) {
      return list.apply(this, args).map((unit) => ({ ...unit, disruption: 'single', minCount: 1 }));
    });
    expect(() => lives(100, () => ({}))).toThrow(/half of gang/);
  });

  test('find borrowers that evict each other', () => {
    vi.spyOn(MarketOrder.prototype, 'isBehind').mockReturnValue(true);
    expect(() => lives(100, () => ({}))).toThrow(/do not improve the potential|do not stop|evicted twice/);
  });
});
