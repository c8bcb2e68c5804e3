/**
 * Seeds as wholes: the same again, none fails, each planted bug is found.
 */
import { describe, expect, test } from 'vitest';
import { FAULT_KINDS } from './fault-counts.ts';
import { PLANTS, type Plant, plantByName } from './planted-bugs.ts';
import { ScenarioSpaces } from './scenario-space.ts';
import { runVopr, type VoprOutcome } from './vopr-run.ts';
import { addOutcome, addTotals, emptyTotals } from './vopr-totals.ts';

const spaces = new ScenarioSpaces();
const STEPS = 300;

function totalsOf(outcomes: readonly VoprOutcome[]) {
  const totals = emptyTotals();
  for (const outcome of outcomes) addOutcome(totals, outcome);
  return totals;
}

describe('a seed', () => {
  test('does the same again, event by event', () => {
    for (const seed of [1, 5, 33]) {
      const events: string[][] = [[], []];
      const outcomes = events.map((lines) =>
        runVopr(seed, spaces, { steps: STEPS, onEvent: (...event) => lines.push(event.join(' ')) }),
      );
      expect(outcomes[1]).toEqual(outcomes[0]);
      expect(events[1]).toEqual(events[0]);
      expect(events[0]?.length).toBe(outcomes[0]?.events);
    }
  });

  test('has as many events as steps, and those of the quiet', () => {
    expect(runVopr(2, spaces, { steps: 50 }).events).toBeGreaterThan(50);
    const short: number[] = [];
    const long: number[] = [];
    runVopr(2, spaces, { steps: 50, onEvent: (_, seconds) => short.push(seconds) });
    runVopr(2, spaces, { steps: 200, onEvent: (_, seconds) => long.push(seconds) });
    expect(long.slice(0, 50)).toEqual(short.slice(0, 50));
  });
});

describe('without a planted bug', () => {
  const outcomes = Array.from({ length: 150 }, (_, i) => runVopr(i + 1, spaces, { steps: STEPS }));

  test('no seed fails', () => {
    expect(outcomes.flatMap(({ failure }) => failure ?? [])).toEqual([]);
  });

  test('every kind of fault strikes, jobs run, and all is right long before the bound', () => {
    const totals = totalsOf(outcomes);
    const rare = new Set(['link-overflow']);
    const absent = FAULT_KINDS.filter((kind) => totals.faults[kind] === 0 && !rare.has(kind));
    expect(absent).toEqual([]);
    expect(totals.starts).toBeGreaterThan(1000);
    expect(totals.settledShareMax).toBeLessThan(0.5);
  });

  test('totals are the same in whatever order and parts they are added', () => {
    const whole = totalsOf(outcomes);
    const [first, second] = [totalsOf(outcomes.slice(60)), totalsOf(outcomes.slice(0, 60).reverse())];
    addTotals(first, second);
    expect(first).toEqual(whole);
    expect(JSON.parse(JSON.stringify(whole))).toEqual(whole);
  });
});

describe('a planted bug', () => {
  /** Seeds within which it is found, and the kind of violation. */
  const FOUND: Readonly<Record<Plant, readonly [seeds: number, kind: string, message: RegExp]>> = {
    'unchecked-arbiter': [5, 'safety', /holds no capacity/],
    'double-summary': [10, 'safety', /more than there is|twice|its children's last/],
    'forgotten-escrow': [60, 'safety', /is in force without an escrow/],
    'unrepeated-confirm': [30, 'liveness', /is confirming/],
    'early-host': [60, 'safety', /runs in zone|starts/],
    'early-part': [20, 'safety', /starts in zone \d+ unconfirmed/],
    'half-gang': [20, 'safety', /pods of gang \d+ are confirmed; it needs/],
    'kept-parts': [20, 'safety', /its host does not know|beside one of an earlier attempt/],
    'unrepeated-stop': [20, 'safety', /is said to have ended|its host does not know/],
    'endless-claim': [60, 'liveness', /fits into several zones/],
    'stale-escrow': [60, 'safety', /whose escrow in zone \d+ has ended/],
    'greedy-claim': [40, 'safety', /pods of gang \d+ are confirmed; it needs/],
    'restarted-gang': [150, 'safety', /starts again after it had finished/],
    'taxed-champion': [60, 'safety', /is charged tax, and is the champion/],
    'healthy-tax': [60, 'safety', /is charged tax while 0 of the capacity is held idle/],
    overdraft: [60, 'safety', /have paid \d+ micro-tokens of tax; they had/],
    'eternal-champion': [60, 'safety', /has been champion for/],
    'self-champion': [200, 'safety', /is not champion, and keeps what it has|for champion; the first is/],
    'eternal-reservation': [60, 'safety', /has reserved for champions for .* without a break/],
    'first-champion': [60, 'safety', /for champion; the first is/],
    'repeated-idle': [60, 'safety', /of CPU idle; they hold/],
    'replayed-transfer': [60, 'safety', /of tax are booked; hosts charged/],
    'kept-reserve': [10, 'safety', /are reserved; zones hold/],
    'whole-post': [10, 'safety', /of rent are booked; starts cost/],
    'lost-batch': [10, 'safety', /the ledger's log does not give the ledger/],
  };

  test.each(Object.keys(PLANTS) as Plant[])('%s is found', (plant) => {
    const [seeds, kind, message] = FOUND[plant];
    let found: VoprOutcome | undefined;
    for (let seed = 1; seed <= seeds && found?.failure === undefined; seed++) {
      found = runVopr(seed, spaces, { steps: 500, plant });
    }
    expect(found?.failure).toMatchObject({ kind, message: expect.stringMatching(message) });
    expect(found?.failure?.event).toBe(found?.events);
  });

  test('is requested by name', () => {
    expect(plantByName('early-host')).toBe('early-host');
    expect(() => plantByName('toString')).toThrow(/expected one of unchecked-arbiter, double-summary/);
  });
});
