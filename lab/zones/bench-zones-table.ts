/**
 * The table of `teg bench zones`.
 */

import {
  formatBytes,
  formatDuration,
  formatFixed,
  formatPercent,
} from '../../src/cli/terminal/formatting.ts';
import { printTable } from '../../src/cli/terminal/table.ts';
import type { ZonesBenchRow } from './zones-bench.ts';

/** Prints the rows. @param leave True if jobs leave: allocation is then a mean. */
export function printBenchZones(rows: readonly ZonesBenchRow[], leave: boolean): void {
  const first = rows[0];
  if (first === undefined) {
    process.stdout.write('PARTIAL: stopped before anything had ended.\n');
    return;
  }
  const fresh = formatPercent(first.allocationFreshSingleZone, 2);
  printTable(
    [
      { header: 'chooser' },
      { header: 'probes', format: (value) => formatFixed(value, 3) },
      { header: 'p99', format: (value) => formatFixed(value, 0) },
      { header: 'refusals', format: (value) => formatFixed(value, 3) },
      { header: 'distance', format: (value) => formatFixed(value, 2) },
      { header: 'GPUs in use', align: 'right' },
      { header: 'of fresh', align: 'right' },
      { header: 'mean wait', align: 'right' },
      { header: 'p99 wait', align: 'right' },
      { header: 'summaries', align: 'right' },
    ],
    rows.map((row) => [
      row.chooser,
      row.probesMean,
      row.probesP99,
      row.refusals,
      row.distance ?? Number.NaN,
      formatPercent(row.allocation, 2),
      formatPercent(row.allocation / row.allocationFreshSingleZone, 2),
      formatDuration(row.waitMeanSeconds),
      formatDuration(row.waitP99Seconds),
      row.summaryBytesPerSecond === 0 ? '–' : `${formatBytes(row.summaryBytesPerSecond)}/s`,
    ]),
    {
      title:
        `${first.nodes} nodes, ${first.zones} zones, ${first.jobs} jobs, published every ${formatDuration(first.stalenessSeconds)}; ` +
        `one fresh zone has ${fresh} of GPUs in use${leave ? ' (mean of the second half)' : ' at the end'}`,
    },
  );
}
