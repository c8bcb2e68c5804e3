/** Earliest starts, against a plain search over the ends. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import type { Demand } from '../../model/demand.ts';
import { type QueueDiscipline, type SchedulingPass, StartResult } from '../zone/queue-discipline.ts';
import { FirstFit, makeCluster } from '../zone/zone.fixtures.ts';
import { Zone } from '../zone/zone.ts';
import { podsFitting } from '../zone/zone-capacity.ts';
import { ZoneEventKind } from '../zone/zone-events.ts';
import { earliestStart, type RoomPlan } from './future-room.ts';

/** Starts every job in order, then asks `ask` once. */
function planned<T>(
  kinds: readonly number[],
  demands: readonly number[],
  ask: (pass: SchedulingPass, running: readonly number[]) => T,
): T {
  const cluster = makeCluster(kinds);
  let answer: T | undefined;
  const none = (): void => {};
  const discipline: QueueDiscipline = {
    name: 'planned',
    dueSeconds: Number.POSITIVE_INFINITY,
    submitted: none,
    adopted: none,
    withdrawn: none,
    ended: none,
    returned: none,
    nodesChanged: none,
    tenantWoken: none,
    reasonOf: () => undefined,
    decide: (pass) => {
      const running = demands.map((_, job) => job).filter((job) => pass.start(job) === StartResult.Started);
      const before = [...cluster.freeCpuMilli, ...cluster.gpuIdleMilli];
      answer = ask(pass, running);
      expect([...cluster.freeCpuMilli, ...cluster.gpuIdleMilli]).toEqual(before);
    },
  };
  const zone = new Zone(cluster, new FirstFit(cluster), {}, undefined, discipline);
  demands.forEach((demandId, job) => {
    zone.step({ kind: ZoneEventKind.JobSubmitted, job, demandId, podCount: 1, gangMin: 1, priority: 0 }, 10);
  });
  zone.step({ kind: ZoneEventKind.Tick }, 10);
  zone.check();
  return answer as T;
}

/** Frees ends one by one with trials, and counts the room on all nodes each time. */
function plainStart(
  pass: SchedulingPass,
  demand: Demand,
  pods: number,
  ends: readonly { job: number; endSeconds: number }[],
): number | undefined {
  const room = (): number => {
    let sum = 0;
    for (let node = 0; node < pass.cluster.nodeCount; node++) sum += podsFitting(pass.cluster, node, demand);
    return sum;
  };
  let found = room() >= pods ? pass.timeSeconds : undefined;
  for (const { job, endSeconds } of ends) {
    if (found !== undefined) break;
    pass.tryRelease(job);
    if (room() >= pods) found = endSeconds;
  }
  pass.endTrial();
  return found;
}

describe('earliestStart', () => {
  it('finds the first end at which a gang fits, and nodes with room for it', () => {
    let found = 0;
    checkProperty(
      fc.property(
        fc.array(fc.nat(3), { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat(5), { maxLength: 25 }),
        fc.nat(5),
        fc.integer({ min: 1, max: 9 }),
        (kinds, demands, demandId, pods) => {
          planned(kinds, demands, (pass, running) => {
            const demand = pass.cluster.demands.demands[demandId] as Demand;
            const ends = running.map((job, i) => ({ job, endSeconds: 20 + 5 * i }));
            const plan = earliestStart(pass, demand, pods, ends);
            expect(plan?.startSeconds).toBe(plainStart(pass, demand, pods, ends));
            if (plan === undefined) return;
            found++;
            for (const { job, endSeconds } of ends) if (endSeconds <= plan.startSeconds) pass.tryRelease(job);
            const room = plan.nodes.map((node) => podsFitting(pass.cluster, node, demand));
            expect(room.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(pods);
            pass.endTrial();
          });
        },
      ),
    );
    expect(found).toBeGreaterThan(0);
  });

  it('counts all ends of one time, prefers busy nodes, and leaves excluded ones out', () => {
    const plans = planned([1, 1, 1], [5, 5], (pass): (RoomPlan | undefined)[] => {
      const demand = pass.cluster.demands.demands[5] as Demand;
      const ends = [
        { job: 0, endSeconds: 30 },
        { job: 1, endSeconds: 30 },
      ];
      return [
        earliestStart(pass, demand, 2, ends),
        earliestStart(pass, demand, 2, ends, new Set([0])),
        earliestStart(pass, demand, 4, ends),
        earliestStart(pass, demand, 1, ends),
      ];
    });
    expect(plans).toEqual([
      { startSeconds: 30, nodes: [0, 1], idleSeconds: 0, slotsBeyond: 1 },
      { startSeconds: 30, nodes: [1, 2], idleSeconds: 20, slotsBeyond: 0 },
      undefined,
      { startSeconds: 10, nodes: [2], idleSeconds: 0, slotsBeyond: 0 },
    ]);
  });

  it('waits for no end that is unknown', () => {
    const plan = planned([1], [5], (pass) =>
      earliestStart(pass, pass.cluster.demands.demands[5] as Demand, 1, [{ job: 0, endSeconds: Infinity }]),
    );
    expect(plan).toBeUndefined();
  });
});
