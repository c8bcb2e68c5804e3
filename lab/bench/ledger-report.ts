/**
 * The tables of `teg bench ledger`.
 */
import { formatCount } from '../../src/cli/terminal/formatting.ts';
import { printTable } from '../../src/cli/terminal/table.ts';
import type { LedgerFigures } from './ledger-task.ts';

/** Prints the tables. @param isCompared Whether there is a rival among the stores. */
export function printLedgerFigures(
  { bytesPerBatch, ledger, market, stores, openings }: LedgerFigures,
  isCompared: boolean,
): void {
  printTable(
    [{ header: 'ledger' }, { header: 'transfers/s', align: 'right' }],
    ledger.map(({ what, transfersPerSecond }) => [what, formatCount(Math.round(transfersPerSecond))]),
  );
  process.stdout.write('\n');
  printTable(
    ['jobs that run', 'ends and starts/s', 'tick, µs a tenant'].map((header) => ({
      header,
      align: 'right' as const,
    })),
    market.map(({ running, restartsPerSecond, tickMicrosPerTenant }) => [
      formatCount(running),
      formatCount(Math.round(restartsPerSecond)),
      tickMicrosPerTenant.toFixed(1),
    ]),
    { title: 'Market of 50 tenants, in memory' },
  );
  process.stdout.write('\n');
  printTable(
    [
      { header: 'store' },
      ...['batches a commit', 'durable batches/s', 'commits/s'].map((header) => ({
        header,
        align: 'right' as const,
      })),
    ],
    stores.map(({ store, group, batchesPerSecond, commitsPerSecond }) => [
      store,
      ...[group, batchesPerSecond, commitsPerSecond].map((value) => formatCount(Math.round(value))),
    ]),
    { title: `Durable, ${Math.round(bytesPerBatch)} bytes a batch` },
  );
  process.stdout.write('\n');
  printTable(
    [{ header: 'opening by' }, ...['transfers', 'ms'].map((header) => ({ header, align: 'right' as const }))],
    openings.map(({ what, transfers, milliseconds }) => [
      ...[what, formatCount(transfers), formatCount(Math.round(milliseconds))],
    ]),
    { title: 'A file of the whole log' },
  );
  if (!isCompared)
    process.stdout.write(
      'LMDB was not compared: --lmdb names a folder where the package lmdb is installed\n',
    );
}
