/** The table of `teg bench guard`. */
import { printTable } from '../../src/cli/terminal/table.ts';
import type { GuardBenchRow } from './guard-bench.ts';

const GUARD_HEADERS = [
  ...['case', 'guard', 'runs', 'kills', 'ENOMEM', 'crashes', 'MiB over, p50', 'max'],
  ...['freeze ms', 'frozen ms', 'thaw ms', 'tick p99 µs', 'CPU %'],
];

/** Prints all rows, and why some were not measured. @param asMarkdown True: as docs/results/guard.md has them. */
export function printGuard(rows: readonly GuardBenchRow[], asMarkdown: boolean): void {
  const measured = rows.filter(({ runs }) => runs > 0);
  const cells = measured.map((row) =>
    [
      ...[row.case, row.guard, row.runs, row.kills, row.enomem, row.crashes, row.overshootMbP50],
      ...[
        row.overshootMbMax,
        row.freezeMsP50,
        row.frozenMsP50,
        row.thawMsP50,
        row.tickMicrosP99,
        row.cpuPercent,
      ],
    ].map((value) => (value === null ? '–' : String(value))),
  );
  if (asMarkdown) {
    const line = (fields: readonly string[]): string => `| ${fields.join(' | ')} |\n`;
    const rule = GUARD_HEADERS.map((_, i) => (i < 2 ? '---' : '---:'));
    process.stdout.write([GUARD_HEADERS, rule, ...cells].map(line).join(''));
  } else {
    printTable(
      GUARD_HEADERS.map((header, i) => (i < 2 ? { header } : { header, align: 'right' as const })),
      cells,
    );
  }
  if (!asMarkdown) printBars(measured);
  const reasons = new Map(rows.filter(({ runs }) => runs === 0).map((row) => [row.guard, row.reason]));
  for (const [guard, reason] of reasons) process.stdout.write(`\n${guard}: not measured: ${reason}\n`);
}

/** What is aimed at, of the rows of teg: the worst one counts. */
const BARS: readonly {
  readonly name: string;
  readonly most: number;
  of(row: GuardBenchRow): number | null;
}[] = [
  { name: 'kills', most: 0, of: ({ kills }) => kills },
  { name: 'ENOMEM', most: 0, of: ({ enomem }) => enomem },
  { name: 'crashes', most: 0, of: ({ crashes }) => crashes },
  { name: 'MiB over, p50', most: 1, of: ({ overshootMbP50 }) => overshootMbP50 },
  { name: 'MiB over, max', most: 4, of: ({ overshootMbMax }) => overshootMbMax },
  { name: 'freeze ms', most: 0.1, of: ({ freezeMsP50 }) => freezeMsP50 },
  { name: 'frozen ms', most: 5, of: ({ frozenMsP50 }) => frozenMsP50 },
  { name: 'tick p99 µs', most: 150, of: ({ tickMicrosP99 }) => tickMicrosP99 },
  { name: 'CPU %', most: 5, of: ({ cpuPercent }) => cpuPercent },
];

/** @returns A line for each bar: reached or missed by the worst row, or not measured. */
export function guardBarLines(rows: readonly GuardBenchRow[]): string[] {
  const ours = rows.filter(({ guard, runs }) => guard === 'teg' && runs > 0);
  return BARS.map(({ name, most, of }) => {
    const values = ours.map(of).filter((value) => value !== null);
    if (values.length === 0) return `${name}: at most ${most}: not measured`;
    const worst = Math.max(...values);
    return `${name}: at most ${most}: ${worst <= most ? 'reached' : 'missed'}, ${worst}`;
  });
}

function printBars(rows: readonly GuardBenchRow[]): void {
  process.stdout.write(`\nBars of teg, worst row:\n${guardBarLines(rows).join('\n')}\n`);
}
