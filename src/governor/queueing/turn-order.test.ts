/** Turns, against a look at all lines each time. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import type { Demand } from '../../model/demand.ts';
import { EVICTION_DEFAULTS } from '../../model/eviction-terms.ts';
import { makeCluster } from '../zone/zone.fixtures.ts';
import { compareTegTurn, firstOf, type TegLine, TegLines } from './teg-lines.ts';
import { TurnOrder } from './turn-order.ts';

const demand = makeCluster([2]).demands.demands[4] as Demand;

test('the line of the tenant with the smallest share comes next, its most important and longest waiting first', () => {
  const jobs = fc.array(
    fc.record({ shape: fc.nat(5), tenant: fc.nat(3), priority: fc.nat(2), starts: fc.boolean() }),
    { minLength: 1, maxLength: 60 },
  );
  const shares = fc.array(fc.oneof(fc.nat(3), fc.constant(Infinity)), { minLength: 4, maxLength: 4 });
  let starts = 0;
  checkProperty(
    fc.property(jobs, shares, (given, had) => {
      const lines = new TegLines();
      for (const [job, { shape, tenant, priority }] of given.entries()) {
        const more = {
          podCount: 1,
          gangMin: 1,
          owner: -1,
          expectedSeconds: Number.NaN,
          terms: EVICTION_DEFAULTS,
        };
        lines.enqueue(lines.add({ job, rank: job, shape, demand, tenant, priority, ...more }, 0));
      }
      const shareOf = (tenant: number): number => had[tenant] as number;
      const left: TegLine[] = [];
      lines.forEach((line) => {
        left.push(line);
      });
      const turns = new TurnOrder([...left], shareOf);
      while (left.length > 0) {
        left.sort((a, b) => compareTegTurn(firstOf(a), firstOf(b), shareOf));
        const line = left[0] as TegLine;
        expect(turns.next).toBe(line);
        const { job } = firstOf(line);
        if (given[job]?.starts === true) {
          lines.dequeue(firstOf(line));
          had[line.tenant] = shareOf(line.tenant) + 1;
          turns.started();
          if (line.waiting === 0) left.shift();
          starts++;
        } else {
          turns.skip();
          left.shift();
        }
      }
      expect(turns.next).toBeUndefined();
    }),
  );
  expect(starts).toBeGreaterThan(100);
});
