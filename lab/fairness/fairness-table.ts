/** The table of `teg bench fairness`. */
import {
  formatCount,
  formatDuration,
  formatFixed,
  formatPercent,
} from '../../src/cli/terminal/formatting.ts';
import { printTable } from '../../src/cli/terminal/table.ts';
import type { FairnessRow } from './fairness-run.ts';
import { FAIRNESS_TENANTS } from './fairness-workload.ts';

const FAIRNESS_HEADERS: readonly string[] = [
  'queue',
  'Jain',
  'min share',
  ...FAIRNESS_TENANTS.map(({ name, weight }) => `${name} (${weight})`),
  'allocation',
  'wait p50',
  'p99',
  'never started',
  'restarts',
];

/** Prints all rows. @param asMarkdown True: as docs/results/fairness.md has them. */
export function printFairness(rows: readonly FairnessRow[], asMarkdown: boolean): void {
  const cells = rows.map((row) => [
    row.queue,
    formatFixed(row.jain, 3),
    formatFixed(row.minShare, 2),
    ...FAIRNESS_TENANTS.map(({ name }) => formatFixed(row.shares[name] ?? 0, 2)),
    formatPercent(row.allocation),
    formatDuration(row.waitP50Seconds),
    formatDuration(row.waitP99Seconds),
    formatCount(row.neverStarted),
    formatCount(row.restarts),
  ]);
  if (asMarkdown) {
    const line = (fields: readonly string[]): string => `| ${fields.join(' | ')} |\n`;
    const rule = FAIRNESS_HEADERS.map((_, i) => (i === 0 ? '---' : '---:'));
    process.stdout.write([FAIRNESS_HEADERS, rule, ...cells].map(line).join(''));
    return;
  }
  printTable(
    FAIRNESS_HEADERS.map((header, i) => (i === 0 ? { header } : { header, align: 'right' as const })),
    cells,
  );
}
