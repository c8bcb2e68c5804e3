/** The table of `teg bench power`. */
import { formatFixed } from '../../src/cli/terminal/formatting.ts';
import { printTable } from '../../src/cli/terminal/table.ts';
import type { PowerBenchRow } from './power-bench.ts';

const POWER_HEADERS: readonly string[] = [
  'phase',
  'actuator s',
  'law',
  'W over, most',
  's over',
  'energy served',
  'least',
  'K over, most',
];

/** Prints all rows. @param asMarkdown True: as docs/results/power.md has them. */
export function printPower(rows: readonly PowerBenchRow[], asMarkdown: boolean): void {
  const cells = rows.map((row) => [
    row.phase,
    String(row.actuatorSeconds),
    row.law,
    formatFixed(row.overWattsMax, 0),
    formatFixed(row.secondsOver, 1),
    formatFixed(row.energyServed, 3),
    formatFixed(row.energyServedLeast, 3),
    formatFixed(row.overKelvinMax, 1),
  ]);
  if (asMarkdown) {
    const line = (fields: readonly string[]): string => `| ${fields.join(' | ')} |\n`;
    const rule = POWER_HEADERS.map((_, i) => (i === 0 || i === 2 ? '---' : '---:'));
    process.stdout.write([POWER_HEADERS, rule, ...cells].map(line).join(''));
    return;
  }
  printTable(
    POWER_HEADERS.map((header, i) => (i === 0 || i === 2 ? { header } : { header, align: 'right' as const })),
    cells,
  );
}
