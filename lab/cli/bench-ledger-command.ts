/** `teg bench ledger`: transfers a second, and durable batches a second. */
import type { Command } from 'commander';
import { decimalNumber, wholeNumber } from '../../src/cli/terminal/option-values.ts';

interface LedgerOptions {
  readonly ticks: number;
  readonly seconds: number;
  readonly lmdb?: string;
  readonly json?: boolean;
}

const NOTES = `
Examples:
  teg bench ledger
  (cd /tmp/rival && npm install lmdb@3.5.6) && teg bench ledger --lmdb /tmp/rival
Jobs pay rent and reserve the next horizon: two linked transfers, one batch. A batch is durable when its commit has returned
from the disk. The files lie in the folder for temporary ones; a RAM disk there makes the second table meaningless.`;

/** Adds `teg bench ledger`. */
export function addBenchLedgerCommand(bench: Command): void {
  bench
    .command('ledger')
    .description('transfers a second of the ledger of tokens, and durable batches a second of its store')
    .option('--ticks <n>', 'rents that are paid, two transfers each', wholeNumber(1, 1e7), 100_000)
    .option('--seconds <s>', 'longest time for one row of the second table', decimalNumber(0, 3_600, true), 2)
    .option('--lmdb <folder>', 'compare with LMDB: where that package is installed')
    .option('--json', 'print JSON')
    .addHelpText('after', NOTES)
    .action(runBench);
}

async function runBench({ ticks, seconds, lmdb, json }: LedgerOptions): Promise<void> {
  const { measureLedger } = await import('../bench/ledger-task.ts');
  const figures = await measureLedger({ ticks, seconds, lmdb });
  if (json === true) (await import('../../src/cli/terminal/json-output.ts')).printJson(figures);
  else (await import('../bench/ledger-report.ts')).printLedgerFigures(figures, lmdb !== undefined);
}
