/** What is remembered of vain attempts, against a count of the room on all nodes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import type { Demand } from '../../model/demand.ts';
import type { SchedulingPass } from '../zone/queue-discipline.ts';
import { makeCluster } from '../zone/zone.fixtures.ts';
import { podsFitting } from '../zone/zone-capacity.ts';
import { FailedRoom } from './failed-room.ts';

const NODES = 4;
/** Nodes of two reservations: bit 0 and bit 1. */
const MASKS = [1, 1, 2, 0];
const maskOf = (node: number): number => MASKS[node] ?? 0;

interface World {
  readonly failed: FailedRoom;
  place(node: number, demand: number): void;
  /** Frees the last pod of a node, and lets the memory know. */
  free(node: number): void;
  /** Pods that fit on the nodes that are open. */
  room(demand: number, bits: number): number;
  demandOf(id: number): Demand;
}

/** Nodes of 4 CPUs; demand 0 takes one of them, demand 1 three. */
function world(): World {
  const cluster = makeCluster(Array.from({ length: NODES }, () => 0));
  const failed = new FailedRoom();
  const pods: Demand[][] = Array.from({ length: NODES }, () => []);
  const demandOf = (id: number): Demand => cluster.demands.demands[id] as Demand;
  return {
    failed,
    demandOf,
    place: (node, demand) => {
      if (!cluster.fits(node, demandOf(demand))) return;
      cluster.place(node, demandOf(demand), 0);
      pods[node]?.push(demandOf(demand));
    },
    free: (node) => {
      const demand = pods[node]?.pop();
      if (demand === undefined) return;
      cluster.release(node, demand, 0);
      const pass: Pick<SchedulingPass, 'cluster' | 'forEachFreed'> = {
        cluster,
        forEachFreed: (visit) => visit(node),
      };
      failed.forgive(pass, maskOf);
    },
    room: (demand, bits) => {
      let sum = 0;
      for (let node = 0; node < NODES; node++) {
        if ((maskOf(node) & bits) === 0) sum += podsFitting(cluster, node, demandOf(demand));
      }
      return sum;
    },
  };
}

describe('failed room', () => {
  it('keeps nobody from room that there is, and says when those who asked may have some', () => {
    const move = fc.record({
      what: fc.constantFrom('place', 'free', 'ask', 'moved'),
      node: fc.nat(NODES - 1),
      demand: fc.nat(1),
      pods: fc.integer({ min: 1, max: 17 }),
      bits: fc.nat(3),
    });
    checkProperty(
      fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
        const { failed, place, free, room, demandOf } = world();
        let asked: { demand: number; pods: number; bits: number }[] = [];
        for (const { what, node, demand, pods, bits } of moves) {
          if (what === 'place') place(node, demand);
          else if (what === 'free') free(node);
          else if (what === 'moved') failed.moved();
          else if (!failed.has(demandOf(demand), pods, bits)) {
            const found = room(demand, bits);
            if (found < pods) {
              failed.note(demandOf(demand), pods, bits, found);
              asked.push({ demand, pods, bits });
            }
          } else {
            expect(room(demand, bits)).toBeLessThan(pods);
            asked.push({ demand, pods, bits });
          }
          if (failed.isOver) {
            asked = [];
            failed.settle();
          }
          for (const one of asked) expect(room(one.demand, one.bits)).toBeLessThan(one.pods);
        }
      }),
    );
  });

  it('knows of a gang from a larger one, and of fewer open nodes from more', () => {
    const { failed, demandOf, place } = world();
    for (let node = 0; node < NODES; node++) place(node, 1);
    failed.note(demandOf(0), 8, 0, 4);
    expect(failed.has(demandOf(0), 5, 0)).toBe(true);
    expect(failed.has(demandOf(0), 4, 0)).toBe(false);
    expect(failed.has(demandOf(0), 5, 3)).toBe(true);
    expect(failed.has(demandOf(1), 8, 0)).toBe(false);
  });

  it('counts what nodes could take that have got room, but for those of its reservations', () => {
    const { failed, demandOf, place, free } = world();
    for (let node = 0; node < NODES; node++) for (let pod = 0; pod < 4; pod++) place(node, 0);
    failed.note(demandOf(0), 2, 0, 0);
    failed.note(demandOf(0), 1, 1, 0);
    failed.settle();
    free(0);
    expect([failed.has(demandOf(0), 2, 0), failed.has(demandOf(0), 1, 1), failed.isOver]).toEqual([
      true,
      true,
      false,
    ]);
    free(2);
    expect([failed.has(demandOf(0), 2, 0), failed.has(demandOf(0), 1, 1), failed.isOver]).toEqual([
      false,
      false,
      true,
    ]);
  });
});
