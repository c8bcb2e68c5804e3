/** `teg bench guard`: what programs print, and one real case on real groups. */
import { expect, test } from 'vitest';
import { groupsMissing } from './bench-groups.ts';
import { type GuardBenchRow, guardPlan, runGuardBench } from './guard-bench.ts';
import { loadEndOf } from './guard-loads.ts';
import { guardBarLines } from './guard-table.ts';

const missing = groupsMissing();
const KEYS = [
  ...['case', 'cpuPercent', 'crashes', 'enomem', 'freezeMsP50', 'frozenMsP50', 'guard', 'kills'],
  ...['overshootMbMax', 'overshootMbP50', 'reason', 'runs', 'thawMsP50', 'tickMicrosP99'],
];

test('a program has come to its end only if it says so in full', () => {
  expect(loadEndOf('done 600 enomem 2\n')).toEqual({ checksum: 600, enomem: 2 });
  expect(loadEndOf('done 600 enomem')).toBeUndefined();
  expect(loadEndOf('')).toBeUndefined();
});

test('the storm has 45 runs, and each kind of program comes up', () => {
  const { cases, runs } = guardPlan(false);
  expect(runs * cases.filter(({ marginMib }) => marginMib !== undefined).length).toBe(45);
  expect(new Set(cases.map(({ load }) => load)).size).toBe(7);
});

test.skipIf(missing !== undefined)(
  `the kernel kills, the guard does not${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  async () => {
    const rows: GuardBenchRow[] = [];
    const [first] = guardPlan(true).cases;
    await runGuardBench(
      { cases: [{ ...first, load: 'node' } as NonNullable<typeof first>], runs: 1 },
      (row) => rows.push(row),
    );
    expect(rows.map(({ guard, runs }) => [guard, runs])).toEqual([
      ['kernel', 1],
      ['teg', 1],
      ['earlyoom', 0],
      ['systemd-oomd', 0],
    ]);
    expect(rows[0]).toMatchObject({ overshootMbP50: null });
    expect(rows[0]?.kills).toBeGreaterThan(0);
    expect(rows[1]).toMatchObject({ kills: 0, enomem: 0, crashes: 0 });
    expect(rows[1]?.overshootMbMax).toBeLessThan(16);
    expect(rows[1]?.frozenMsP50).toBeGreaterThan(0);
    expect(rows[2]?.reason).toMatch(/whole machine/);
    // The whole of the schema: what is not measured is null.
    for (const row of rows) expect(Object.keys(row).sort()).toEqual(KEYS);
    for (const key of ['freezeMsP50', 'frozenMsP50', 'thawMsP50', 'tickMicrosP99', 'cpuPercent'] as const)
      expect([typeof rows[1]?.[key], rows[0]?.[key], rows[2]?.[key]]).toEqual(['number', null, null]);
    const bars = guardBarLines(rows);
    expect(bars).toHaveLength(9);
    expect(bars[0]).toBe('kills: at most 0: reached, 0');
    expect(guardBarLines([{ ...(rows[1] as GuardBenchRow), kills: 2 }])[0]).toBe(
      'kills: at most 0: missed, 2',
    );
    expect(guardBarLines(rows.slice(2))[0]).toBe('kills: at most 0: not measured');
  },
  180_000,
);
