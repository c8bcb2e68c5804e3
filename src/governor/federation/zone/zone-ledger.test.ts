import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../../test/support/properties.ts';
import type { Demand } from '../../../model/demand.ts';
import { testDemands } from '../federation.fixtures.ts';
import { HoldState, ZoneLedger } from './zone-ledger.ts';

const demands = testDemands().demands;

/** The ledger's expected content, kept as plain records. */
interface Held {
  readonly job: number;
  readonly local: number;
  readonly demand: Demand;
  readonly pods: number;
  runs: boolean;
}

function checkAgainst(ledger: ZoneLedger, held: readonly Held[]): void {
  const sum = (of: (h: Held) => number, runs: boolean) =>
    held.filter((h) => h.runs === runs).reduce((total, h) => total + of(h), 0);
  expect(ledger.size).toBe(held.length);
  expect(ledger.escrows).toBe(held.filter((h) => !h.runs).length);
  expect(ledger.escrowGpuMilli).toBe(sum((h) => h.pods * h.demand.gpuTotalMilli, false));
  expect(ledger.runningGpuMilli).toBe(sum((h) => h.pods * h.demand.gpuTotalMilli, true));
  expect(ledger.runningCpuMilli).toBe(sum((h) => h.pods * h.demand.cpuMilli, true));
  expect(ledger.runningPods).toBe(sum((h) => h.pods, true));
  const visited: number[] = [];
  ledger.forEach((local) => {
    visited.push(local);
  });
  expect(visited).toEqual(held.map((h) => h.local).sort((a, b) => a - b));
  for (const h of held) {
    expect(ledger.localOf(h.job)).toBe(h.local);
    expect(ledger.jobs[h.local]).toBe(h.job);
    expect(ledger.pods[h.local]).toBe(h.pods);
    expect(ledger.states[h.local]).toBe(h.runs ? HoldState.Running : HoldState.Escrow);
  }
}

describe('a zone ledger', () => {
  test('keeps host, request and deadline; numbers beyond 2^32 are kept exactly', () => {
    const ledger = new ZoneLedger();
    const job = 2 ** 53 - 1;
    const local = ledger.hold(job, 2 ** 40 + 1, 2 ** 33 + 5, 77, demands[1] as Demand, 3);
    expect(ledger.localOf(job)).toBe(local);
    expect(ledger.offers[local]).toBe(2 ** 40 + 1);
    expect(ledger.attempts[local]).toBe(2 ** 33 + 5);
    expect(ledger.hosts[local]).toBe(77);
    expect(ledger.gpuMilli[local]).toBe(3 * (demands[1] as Demand).gpuTotalMilli);
  });

  test('keeps its sums and numbers whatever comes and goes', () => {
    const moves = fc.array(
      fc.record({
        what: fc.constantFrom('hold', 'hold', 'confirm', 'drop'),
        pick: fc.nat(1000),
        demand: fc.nat(demands.length - 1),
        pods: fc.integer({ min: 1, max: 9 }),
      }),
      { maxLength: 250, size: 'max' },
    );
    checkProperty(
      fc.property(moves, (script) => {
        const ledger = new ZoneLedger();
        let held: Held[] = [];
        script.forEach(({ what, pick, demand: id, pods }, i) => {
          const demand = demands[id] as Demand;
          const one = held[pick % Math.max(1, held.length)];
          if (what === 'hold') {
            const next = ledger.peekLocal();
            const local = ledger.hold(1000 + i, i, 0, 1, demand, pods);
            expect(local).toBe(next);
            held.push({ job: 1000 + i, local, demand, pods, runs: false });
          } else if (one !== undefined && what === 'confirm' && !one.runs) {
            ledger.confirm(one.local);
            one.runs = true;
          } else if (one !== undefined && what === 'drop') {
            ledger.drop(one.local);
            expect(ledger.localOf(one.job)).toBe(-1);
            held = held.filter((h) => h !== one);
          }
          checkAgainst(ledger, held);
        });
      }),
      { numRuns: 60 },
    );
  });

  test('its tables grow with the jobs held, not with those seen', () => {
    const ledger = new ZoneLedger();
    for (let i = 0; i < 10_000; i++) {
      const local = ledger.hold(i, i, 0, 1, demands[1] as Demand, 1);
      expect(local).toBe(0);
      ledger.confirm(local);
      ledger.drop(local);
    }
    expect(ledger.states.length).toBeLessThanOrEqual(64);
    for (let i = 0; i < 65; i++) ledger.hold(i, i, 0, 1, demands[1] as Demand, 1);
    expect(ledger.states.length).toBe(128);
    expect(ledger.jobs[64]).toBe(64);
    expect(ledger.localOf(0)).toBe(0);
  });

  test('a held job cannot be held again, nor a running one be confirmed', () => {
    const ledger = new ZoneLedger();
    const local = ledger.hold(5, 1, 0, 1, demands[1] as Demand, 1);
    expect(() => ledger.hold(5, 2, 0, 1, demands[1] as Demand, 1)).toThrow('held twice');
    ledger.confirm(local);
    expect(() => ledger.confirm(local)).toThrow('only an escrow');
  });
});
