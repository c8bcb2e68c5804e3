import { describe, expect, test } from 'vitest';
import { createConstraints } from './constraints/cluster-constraints.ts';
import { digestOf } from './log/pod-effects-digest.ts';
import { PodScheduler } from './pod-scheduler.ts';
import { checkScheduler } from './pod-scheduler-check.ts';
import { type LifeOptions, RandomLife, randomOptions } from './random-life.fixtures.ts';

const SMALL: LifeOptions = { nodes: 6, pods: 40, groups: 4, freshShapes: false };

/** Seeds that once found a bug. */
const FOUND = [97, 152, 326, 689, 1464];

/** Lives a life; `look` is called after every step. @returns The digest of all effects. */
function live(
  seed: number,
  size: LifeOptions,
  steps: number,
  look: (scheduler: PodScheduler, step: number) => void,
): number {
  const life = new RandomLife(seed, size);
  const scheduler = new PodScheduler(randomOptions(seed), createConstraints());
  let digest = 0;
  for (let step = 0; step < steps; step++) {
    const event = life.next();
    try {
      const effects = scheduler.step(event, life.timeSeconds);
      digest = digestOf(effects, digest);
      life.take(effects);
      look(scheduler, step);
    } catch (error) {
      const message = `seed ${seed}, step ${step}, after ${JSON.stringify(event)}: ${(error as Error).message}`;
      throw new Error(message, { cause: error });
    }
  }
  return digest;
}

describe('a random life', () => {
  test.each([...Array.from({ length: 14 }, (_, seed) => seed), ...FOUND])(
    'of seed %i keeps every invariant',
    (seed) => {
      let scheduled = 0;
      live(seed, { ...SMALL, freshShapes: seed % 7 === 6 }, 2500, (scheduler) => {
        checkScheduler(scheduler);
        scheduled = scheduler.counters.scheduled;
      });
      expect(scheduled).toBeGreaterThan(50);
    },
  );

  test.each([1, 2, 3, 4])('of seed %i with terms of groups keeps every invariant', (seed) => {
    let preemptions = 0;
    live(seed, { ...SMALL, groups: 3, groupTerms: true }, 2500, (scheduler) => {
      checkScheduler(scheduler);
      preemptions = scheduler.counters.preemptions;
    });
    expect(preemptions).toBeGreaterThan(0);
  });

  test('in a larger cluster keeps every invariant', () => {
    const size = { nodes: 60, pods: 500, groups: 30, freshShapes: false };
    let scheduled = 0;
    live(99, size, 10_000, (scheduler, step) => {
      if (step % 25 === 0) checkScheduler(scheduler);
      scheduled = scheduler.counters.scheduled;
    });
    expect(scheduled).toBeGreaterThan(50);
  });

  test('has everything that can happen in it', () => {
    const seen = new Set<string>();
    const totals = {
      preemptions: 0,
      gangsPlaced: 0,
      gangsReleased: 0,
      bound: 0,
      notBound: 0,
      unschedulable: 0,
    };
    const lives = [1, 2, 3].map((seed) => ({ seed, size: SMALL }));
    lives.push({ seed: 6, size: { ...SMALL, nodes: 8, groups: 6 } });
    for (const { seed, size } of lives) {
      let last: PodScheduler | undefined;
      live(seed, size, 6000, (scheduler) => {
        last = scheduler;
        scheduler.view().forEachPod(({ state }) => seen.add(`${state}`));
      });
      for (const key of Object.keys(totals) as (keyof typeof totals)[]) {
        totals[key] += last?.counters[key] ?? 0;
      }
    }
    expect([...seen].sort()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    // A gang is released only if this scheduler alone has bound members of it, and none of them has ended.
    const { gangsReleased, ...often } = totals;
    expect(gangsReleased).toBeGreaterThan(0);
    for (const [key, count] of Object.entries(often)) expect(count, key).toBeGreaterThan(5);
  });

  test('is decided the same way twice', () => {
    const size = { ...SMALL, nodes: 12, pods: 120 };
    const digests = [1, 2, 3].map((seed) => live(seed, size, 4000, () => undefined));
    expect([1, 2, 3].map((seed) => live(seed, size, 4000, () => undefined))).toEqual(digests);
    expect(new Set(digests).size).toBe(3);
  });
});

/** Sizes of everything that could grow. */
function sizesOf(scheduler: PodScheduler): Record<string, number> {
  const { state, queue, groups, reports } = scheduler.internals;
  const { zones } = state.zones;
  const most = (of: (zone: (typeof zones)[number]) => number): number => Math.max(0, ...zones.map(of));
  return {
    pods: state.pods.size,
    slots: state.slots.count,
    heaps: queue.active.size + queue.backing.size + queue.overLimit.size,
    lines: queue.lines.size,
    shapes: state.shapes.shapes.length,
    demands: state.shapes.demands.demands.length,
    constraints: state.shapes.demands.constraints.length,
    resources: state.accounts.resources.length,
    accountsBytes: state.accounts.bytes,
    groups: groups.groups.size + scheduler.groupsKept,
    nominated: state.nominated.size + state.expecting.size,
    reports: reports.size,
    priorities: state.priorities.size,
    changes: state.changes.shapes.size + state.changes.slots.size + state.changes.claims.size,
    zones: zones.length,
    fieldNodes: most((zone) => zone.cluster.nodeCount),
    fieldFlavors: most((zone) => zone.cluster.flavors.length),
    fieldClasses: most((zone) => zone.policy.classes.count),
  };
}

describe('100,000 events of churn', () => {
  test('with templates that are never seen twice leave nothing behind', { timeout: 300_000 }, () => {
    const size = { nodes: 8, pods: 40, groups: 6, freshShapes: true };
    const peaks: Record<string, number>[] = [{}, {}];
    live(3, size, 100_000, (scheduler, step) => {
      if (step % 50 > 0) return;
      const half = peaks[step < 50_000 ? 0 : 1] as Record<string, number>;
      for (const [name, value] of Object.entries(sizesOf(scheduler)))
        half[name] = Math.max(half[name] ?? 0, value);
    });
    for (const [name, peak] of Object.entries(peaks[1] as Record<string, number>)) {
      expect(peak, name).toBeLessThanOrEqual(
        1.5 * ((peaks[0] as Record<string, number>)[name] as number) + 16,
      );
    }
    expect(peaks[1]?.demands).toBeLessThan(5000);
    expect(peaks[1]?.shapes).toBeLessThan(200);
    expect(peaks[1]?.resources).toBeLessThan(64);
  });
});
