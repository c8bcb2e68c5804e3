/**
 * The laws of queue disciplines: whatever the order, a zone stays right, decides the same again, and forgets no job.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import type { QueueDiscipline } from './queue-discipline.ts';
import { FirstFit, type Move, makeCluster, moves, nodeKinds, rows, Script } from './zone.fixtures.ts';
import { Zone } from './zone.ts';
import { JobState, type ZoneEvent, ZoneEventKind } from './zone-events.ts';

/** Makes the discipline of one zone. */
export type DisciplineFactory = (zoneCluster: ReturnType<typeof makeCluster>) => QueueDiscipline;

/** Checks the laws for one discipline. */
export function disciplineLaws(name: string, make: DisciplineFactory): void {
  describe(`the laws of disciplines, ${name}`, () => {
    it('keeps the zone right, and says the same again', () => {
      let starts = 0;
      checkProperty(
        fc.property(nodeKinds, moves, (kinds, script) => {
          const first = play(make, kinds, script);
          expect(play(make, kinds, script)).toEqual(first);
          starts += first.flat().filter(([kind]) => kind === 3 || kind === 2).length;
        }),
      );
      expect(starts).toBeGreaterThan(0);
    });

    it('lets every job that a single node could hold end, when it is alone at last', () => {
      checkProperty(
        fc.property(fc.array(fc.nat(4), { minLength: 1, maxLength: 12 }), (demands) => {
          const cluster = makeCluster([0, 1, 2]);
          const zone = new Zone(cluster, new FirstFit(cluster), {}, undefined, make(cluster));
          demands.forEach((demandId, job) => {
            zone.step(submission(job, demandId), 0);
          });
          let time = 0;
          let guard = 0;
          while (zone.waitingJobs + zone.runningJobs > 0) {
            expect(guard++, 'passes without a start').toBeLessThan(1000);
            tick(zone, time);
            zone.check();
            time += 1e6;
            for (let job = 0; job < demands.length; job++) {
              if (zone.stateOf(job) === JobState.Running)
                zone.step({ kind: ZoneEventKind.JobFinished, job }, time);
            }
          }
          expect(zone.counters.finished).toBe(demands.length);
        }),
      );
    });
  });
}

/** One pass, with those that a limit on one step postponed. */
function tick(zone: Zone, time: number): void {
  zone.step({ kind: ZoneEventKind.Tick }, time);
  while (zone.hasPostponed) zone.step({ kind: ZoneEventKind.Tick }, time);
}

function submission(job: number, demandId: number): ZoneEvent {
  return { kind: ZoneEventKind.JobSubmitted, job, demandId, podCount: 1, gangMin: 1, priority: 0 };
}

/** @returns The effects of each step. The zone is checked after each. */
function play(make: DisciplineFactory, kinds: readonly number[], script: readonly Move[]): number[][][] {
  const cluster = makeCluster(kinds);
  const policy = new FirstFit(cluster);
  const zone = new Zone(cluster, policy, {}, undefined, make(cluster));
  const events = new Script(zone);
  const effects: number[][][] = [];
  let time = 0;
  for (const move of script) {
    const event = events.next(move);
    if (event === undefined) continue;
    time += move.wait;
    effects.push(rows(zone.step(event, time)).map((row) => [...row]));
    zone.check();
    if (move.pick % 3 === 0) continue;
    effects.push(rows(zone.step({ kind: ZoneEventKind.Tick }, time)).map((row) => [...row]));
    zone.check();
    expect(zone.isDecisionDue).toBe(false);
  }
  return effects;
}
