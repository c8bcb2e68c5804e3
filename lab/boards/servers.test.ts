import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { Servers } from './servers.ts';

describe('servers', () => {
  test('serve first come, first served, each at its speed', () => {
    const servers = new Servers(Float64Array.of(1, 2));
    expect(servers.serve(0, 3, 1)).toBe(4);
    expect(servers.serve(0, 1, 2)).toBe(5);
    expect(servers.serve(1, 3, 2)).toBe(3.5);
    expect([0, 1].map((s) => servers.queueAt(s, 3))).toEqual([2, 1]);
    expect([0, 1].map((s) => servers.queueAt(s, 4))).toEqual([1, 0]);
    expect(servers.serve(0, 1, 9)).toBe(10);
  });

  test('count queues as counting one by one does, however many have left', () => {
    checkProperty(
      fc.property(
        fc.array(fc.tuple(fc.nat(2), fc.double({ min: 0, max: 1, noNaN: true })), { maxLength: 900 }),
        (jobs) => {
          const servers = new Servers(Float64Array.of(1, 3, 0.5));
          const ends: number[][] = [[], [], []];
          let now = 0;
          for (const [server, work] of jobs) {
            now += work / 4;
            ends[server]?.push(servers.serve(server, work, now));
          }
          const queues = ends.map((list) => list.filter((end) => end > now).length);
          expect(queues.map((_, s) => servers.queueAt(s, now))).toEqual(queues);
          const mean = queues.reduce((sum, queue) => sum + queue, 0) / 3;
          const variance = queues.reduce((sum, queue) => sum + (queue - mean) ** 2, 0) / 2;
          expect(servers.varianceAt(now)).toBeCloseTo(variance, 6);
        },
      ),
      { numRuns: 50, endOnFailure: true },
    );
  });
});
