import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../../test/support/properties.ts';
import { HostCounters } from './host-counters.ts';

describe('counters of a host', () => {
  test('without a placement the mean of probes is not a number', () => {
    expect(new HostCounters().probesMean).toBeNaN();
  });

  test('probes: mean and quantiles of the counts', () => {
    const counters = new HostCounters();
    for (const probes of [1, 1, 1, 1, 1, 1, 1, 1, 2, 5]) counters.place(probes, -1);
    expect(counters.probesMean).toBe(1.5);
    expect([0.5, 0.8, 0.9, 0.99, 1].map((q) => counters.probesQuantile(q))).toEqual([1, 1, 2, 5, 5]);
  });

  test('placements of very many probes share the last bin', () => {
    const counters = new HostCounters();
    counters.place(255, -1);
    counters.place(100_000, -1);
    expect(counters.placements).toBe(2);
    expect(counters.probes[255]).toBe(2);
    expect(counters.probesQuantile(1)).toBe(255);
  });

  test('distance counts from the second placement of a shape on; staying is not a move', () => {
    const counters = new HostCounters();
    for (const distance of [-1, 0, 3, 4]) counters.place(1, distance);
    expect(counters).toMatchObject({ placements: 4, successors: 3, moved: 2, distanceSum: 7 });
  });

  test('adding hosts up equals one host that saw everything', () => {
    const events = fc.array(
      fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 300 }), fc.integer({ min: -1, max: 9 })),
    );
    checkProperty(
      fc.property(events, (placements) => {
        const parts = [0, 1, 2, 3].map(() => new HostCounters());
        const whole = new HostCounters();
        for (const [host, probes, distance] of placements) {
          const part = parts[host] as HostCounters;
          for (const counters of [part, whole]) {
            counters.place(probes, distance);
            counters.proposals += probes;
            counters.refusals += probes - 1;
            counters.unanswered++;
            counters.declined += 2;
            counters.gone += 3;
            counters.migrations += 4;
            counters.ageMicros += probes * 10;
            counters.ageMax = Math.max(counters.ageMax, probes);
          }
        }
        const sum = new HostCounters();
        for (const part of parts.reverse()) sum.add(part);
        expect(sum).toEqual(whole);
      }),
    );
  });
});
