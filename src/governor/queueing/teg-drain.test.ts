/** The TEG queue where no end is known: nodes are drained for a job that has waited far longer than others. */
import { describe, expect, it } from 'vitest';
import type { TegQueueOptions } from './teg-queue-options.ts';
import { World } from './teg-world.fixtures.ts';

describe('a job that has waited far longer than others', () => {
  const unknown = { expectedSeconds: Number.NaN };
  let next = 10;
  /** More single GPUs than the cluster serves: whenever one ends, another takes its place. */
  const streamUntil = (world: World, seconds: number): void => {
    while (world.time < seconds) {
      world.submit(next++, 1, 800, unknown);
      world.tick();
      world.runTo(world.time + 90);
    }
  };
  const crowded = (options: TegQueueOptions): World => {
    const world = new World({ nodes: [2, 2], drainAfterSeconds: 3000, drainAfterWaits: 0, ...options });
    for (let i = 0; i < 12; i++) world.submit(next++, 1, 100 * (1 + i), unknown);
    streamUntil(world, 500);
    world.submit(1, 8, 50, unknown);
    return world;
  };

  it('has nodes drained for it although no end is known, and no start is promised', () => {
    const world = crowded({ drainShare: 0.5 });
    streamUntil(world, 3200);
    expect(world.queue.reasonOf(1)).toBeUndefined();
    streamUntil(world, 4000);
    expect(world.queue.reasonOf(1)).toEqual({ code: 'draining', data: { nodes: 2 } });
    expect(world.queue.startsBy(1)).toBeUndefined();
    expect(world.queue.reasonOf(next - 1)).toEqual({ code: 'room-drained', data: { forJob: 1 } });
    world.runTo(8000);
    expect(world.starts.get(1)).toBeLessThan(5000);
    expect(world.queue.promises).toEqual({ made: 0, kept: 0 });
  });

  it('is not drained for where the cluster has nothing to spare, and waits on', () => {
    const world = crowded({ drainShare: 0 });
    streamUntil(world, 10_000);
    expect(world.starts.has(1)).toBe(false);
  });

  it('is not drained for while others wait nearly as long', () => {
    const world = crowded({ drainShare: 0.5, drainAfterWaits: 1000 });
    streamUntil(world, 10_000);
    expect(world.starts.has(1)).toBe(false);
  });

  it('loses a drain that costs twice what was expected', () => {
    const world = crowded({ drainAfterSeconds: 20_000, drainShare: 0.2, savingRate: 1 });
    streamUntil(world, 20_000);
    world.submit(0, 1, 1e7, { ...unknown, priority: 1 });
    streamUntil(world, 20_900);
    expect(world.starts.has(0)).toBe(true);
    expect(world.queue.reasonOf(1)?.code).toBe('draining');
    streamUntil(world, 40_000);
    expect(world.queue.reasonOf(1)).toBeUndefined();
    expect(world.starts.has(1)).toBe(false);
  });
});
