/** Snapshots of the ledger in statuses: what the next leader reads, and what it refuses. */
import { describe, expect, test } from 'vitest';
import type { EconomyFrame, TenantFrame } from '../../../governor/pods/frame/economy-frame.ts';
import type { BalancesEvent } from '../../../governor/pods/pod-events.ts';
import { type OpeningReport, StatusOpening } from './status-opening.ts';
import {
  readSnapshots,
  SNAPSHOT_AHEAD_SECONDS_MAX,
  SNAPSHOT_BYTES_MAX,
  snapshotOf,
  snapshotProblem,
  type TenantSnapshot,
} from './tenant-snapshot.ts';

const NOW = 1_800_000_000;
const TOKENS = { balance: 12.5, reserved: 2, available: 10.5, spendPerHour: 1, mintPerHour: 2 };
const BUDGET = { tokens: 100, spent: 3.25, reserved: 1, periodEndsAtSeconds: NOW + 3600 };

function snapshot(more: Partial<TenantFrame> = {}, timeSeconds = NOW, term = 4): TenantSnapshot {
  const tenant = { name: 'nlp', tokens: TOKENS, budget: BUDGET, ...more } as TenantFrame;
  const frame = { timeSeconds, ledger: { sequence: 9, leases: 1, supply: 1 } } as EconomyFrame;
  return snapshotOf(tenant, frame, term) as TenantSnapshot;
}

describe('snapshots of tenants', () => {
  test('bring balances, what was spent, and their age', () => {
    const read = readSnapshots(
      [
        { name: 'nlp', status: { snapshot: JSON.parse(JSON.stringify(snapshot())) } },
        { name: 'new', status: {} },
      ],
      NOW + 30,
    );
    expect(read).toEqual({
      balances: { nlp: 12_500_000 },
      spent: { nlp: { tokens: 3.25, periodEndsSeconds: NOW + 3600 } },
      ...{ oldestSeconds: 30, newestSeconds: 30, refused: [], missing: 1 },
    });
  });

  test('without tokens or without a budget have the other part, also where the API server dropped nulls', () => {
    const { spent: _, periodEnds: __, ...kept } = snapshot({ budget: undefined });
    expect(snapshotProblem('nlp', kept, NOW)).toBe('');
    const { balances } = readSnapshots([{ name: 'nlp', status: { snapshot: kept } }], NOW);
    expect(balances).toEqual({ nlp: 12_500_000 });
    expect(
      readSnapshots([{ name: 'nlp', status: { snapshot: snapshot({ tokens: undefined }) } }], NOW),
    ).toMatchObject({
      balances: {},
      spent: { nlp: { tokens: 3.25 } },
    });
    const tenant = { name: 'x', tokens: undefined, budget: undefined } as TenantFrame;
    expect(snapshotOf(tenant, {} as EconomyFrame, 1)).toBeUndefined();
  });

  test('fit their bound with the largest figures; debts are 0', () => {
    const most = Number.MAX_VALUE;
    const large = snapshot(
      {
        tokens: { ...TOKENS, balance: most, reserved: most },
        budget: { ...BUDGET, spent: most, periodEndsAtSeconds: Number.MAX_SAFE_INTEGER },
      },
      NOW,
      Number.MAX_SAFE_INTEGER,
    );
    expect(JSON.stringify(large).length).toBeLessThanOrEqual(SNAPSHOT_BYTES_MAX);
    expect(snapshotProblem('nlp', large, NOW)).toBe('');
    expect(snapshot({ tokens: { ...TOKENS, balance: -5, reserved: 2 } })).toMatchObject({
      balance: 0,
      reserved: 0,
    });
  });

  test.each([
    ['negative', { balance: -5 }, /^\.balance: got -5, expected a whole number/],
    ['not whole', { spent: 0.5 }, /^\.spent: got 0.5/],
    ['edited', { balance: 99_000_000 }, /^\.check: got '?"?[0-9a-f]{16}.*not written by TEG/],
    [
      'reserved above it',
      { reserved: 99_000_000 },
      /^\.reserved: got 99000000, expected at most the balance/,
    ],
    ['without a time', { time: 'now' }, /^\.time: got "now"/],
    ['too long', { note: 'x'.repeat(SNAPSHOT_BYTES_MAX) }, /^: got \d+ bytes, expected at most 384/],
  ])('%s: refused with the path', (_, edit, expected) => {
    expect(snapshotProblem('nlp', { ...snapshot(), ...edit }, NOW)).toMatch(expected);
  });

  test('of another tenant, or from the future beyond the clocks, are refused', () => {
    expect(snapshotProblem('vision', snapshot(), NOW)).toMatch(/^\.check/);
    expect(snapshotProblem('nlp', snapshot({}, NOW + SNAPSHOT_AHEAD_SECONDS_MAX), NOW)).toBe('');
    expect(snapshotProblem('nlp', snapshot({}, NOW + SNAPSHOT_AHEAD_SECONDS_MAX + 1), NOW)).toMatch(
      /^\.time: .*in the future/,
    );
  });
});

test('a new leader goes on from them once a term, and reports what was forgotten and refused', () => {
  const fed: BalancesEvent[] = [];
  const reports: [OpeningReport, string, boolean][] = [];
  const bad = { ...snapshot(), balance: -5 };
  const opening = new StatusOpening({
    tenants: () => [
      { name: 'nlp', status: { snapshot: snapshot() } },
      { name: 'vision', status: { snapshot: bad } },
    ],
    boundPods: () => 7,
    feed: (event) => fed.push(event),
    onReport: (...report) => reports.push(report),
  });
  opening.lead(5, NOW + 12);
  opening.lead(5, NOW + 20);
  expect(fed).toHaveLength(1);
  expect(fed[0]).toMatchObject({ kind: 'balances', balances: { nlp: 12_500_000 } });
  const [[report, text, isWarning] = []] = reports;
  expect(report).toMatchObject({
    ...{ source: 'Snapshot', term: 5, restored: 1, begun: 1, oldestSeconds: 12, escrows: 7 },
    refused: [expect.stringMatching(/^Tenant vision: status\.snapshot\.balance: got -5/)],
  });
  expect(text).toContain('12 s ago');
  expect(isWarning).toBe(true);
  opening.lead(6, NOW + 60);
  expect(fed).toHaveLength(2);
});
