/** The table of `teg bench memory`. */
import { formatFixed } from '../../src/cli/terminal/formatting.ts';
import { printTable } from '../../src/cli/terminal/table.ts';
import type { MemoryRow } from './memory-bench.ts';

const HEADERS: readonly string[] = [
  'overcommit',
  'law',
  'killed',
  'evicted',
  'lost h',
  'moved',
  'finished',
  'useful h',
  'ratio, least',
  'frozen h',
  'missed h',
  'use, most',
];

/** Prints all rows. @param asMarkdown True: as docs/results/memory.md has them. */
export function printMemory(rows: readonly MemoryRow[], asMarkdown: boolean): void {
  const cells = rows.map((row) => [
    formatFixed(row.overcommit, 2),
    row.law,
    formatFixed(row.killed, 1),
    formatFixed(row.evicted, 1),
    formatFixed(row.lostHours, 1),
    formatFixed(row.moved, 1),
    formatFixed(row.finished, 1),
    formatFixed(row.usefulHours, 0),
    formatFixed(row.usefulRatioLeast, 3),
    formatFixed(row.frozenHours, 1),
    formatFixed(row.missedHours, 1),
    formatFixed(row.usageMost, 3),
  ]);
  if (asMarkdown) {
    const line = (fields: readonly string[]): string => `| ${fields.join(' | ')} |\n`;
    const rule = HEADERS.map((_, i) => (i === 1 ? '---' : '---:'));
    process.stdout.write([HEADERS, rule, ...cells].map(line).join(''));
    return;
  }
  printTable(
    HEADERS.map((header, i) => (i === 1 ? { header } : { header, align: 'right' as const })),
    cells,
  );
}
