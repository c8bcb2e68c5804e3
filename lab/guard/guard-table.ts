/** The table of `teg bench guard`. */
import { printTable } from '../../src/cli/terminal/table.ts';
import type { GuardBenchRow } from './guard-bench.ts';

const GUARD_HEADERS = [
  ...['case', 'guard', 'runs', 'kills', 'ENOMEM', 'crashes', 'MiB over, p50', 'max'],
  ...['answered ms', 'frozen ms', 'thawed ms', 'tick p99 µs', 'CPU %'],
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
  const reasons = new Map(rows.filter(({ runs }) => runs === 0).map((row) => [row.guard, row.reason]));
  for (const [guard, reason] of reasons) process.stdout.write(`\n${guard}: not measured: ${reason}\n`);
}
