import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../../test/support/properties.ts';
import { FederationReason } from '../messages.ts';
import { EndedNotices } from './ended-notices.ts';

const notice = (offer: number, dueAt: number) => ({
  job: offer,
  offer,
  host: 1,
  reason: FederationReason.Finished,
  doneSeconds: 0,
  dueAt,
});

function due(notices: EndedNotices, timeSeconds: number, again = 1): number[] {
  const offers: number[] = [];
  notices.forEachDue(timeSeconds, again, (entry) => offers.push(entry.offer));
  return offers;
}

describe('notices of ended jobs', () => {
  test('nothing is due where nothing is known', () => {
    const notices = new EndedNotices();
    expect(notices.dueAt).toBe(Number.POSITIVE_INFINITY);
    expect(due(notices, 1e9)).toEqual([]);
    expect(notices.size).toBe(0);
  });

  test('are visited once when due, the first due first, and again later', () => {
    const notices = new EndedNotices();
    notices.add(notice(1, 10));
    notices.add(notice(2, 11));
    expect(notices.dueAt).toBe(10);
    expect(due(notices, 9.99)).toEqual([]);
    expect(due(notices, 10)).toEqual([1]);
    expect(notices.dueAt).toBe(11);
    expect(due(notices, 10.5)).toEqual([]);
    expect(due(notices, 20)).toEqual([2, 1]);
    expect(notices.dueAt).toBe(21);
    expect(notices.size).toBe(2);
  });

  test('are gone once acknowledged, which is news only once', () => {
    const notices = new EndedNotices();
    notices.add(notice(1, 10));
    notices.add(notice(2, 11));
    expect(notices.get(1)?.job).toBe(1);
    expect(notices.acknowledge(1)).toBe(true);
    expect(notices.acknowledge(1)).toBe(false);
    expect(notices.acknowledge(99)).toBe(false);
    expect(notices.get(1)).toBeUndefined();
    expect(due(notices, 50)).toEqual([2]);
    expect(notices.size).toBe(1);
  });

  test('each is reported in every period until it is acknowledged, and no other', () => {
    const steps = fc.array(
      fc.oneof(
        { weight: 2, arbitrary: fc.record({ what: fc.constant('add' as const), pick: fc.nat(30) }) },
        fc.record({ what: fc.constant('ack' as const), pick: fc.nat(30) }),
      ),
      { maxLength: 60 },
    );
    checkProperty(
      fc.property(steps, (moves) => {
        const notices = new EndedNotices();
        const open = new Set<number>();
        const used = new Set<number>();
        moves.forEach(({ what, pick }, now) => {
          const told = due(notices, now).sort((a, b) => a - b);
          expect(told).toEqual([...open].sort((a, b) => a - b));
          // An offer ends once.
          if (what === 'add' && !used.has(pick)) {
            notices.add(notice(pick, now + 1));
            open.add(pick);
            used.add(pick);
          }
          if (what === 'ack') expect(notices.acknowledge(pick)).toBe(open.delete(pick));
          expect(notices.size).toBe(open.size);
        });
      }),
    );
  });
});
