/** `teg ledger`: recomputes the log of a ledger, and prints a tenant's statement of account. */
import type { Command } from 'commander';
import { parseNonNegativeNumber } from '../terminal/option-values.ts';

interface VerifyOptions {
  readonly head?: string;
  readonly json?: boolean;
}

interface StatementOptions {
  readonly from?: number;
  readonly to?: number;
  readonly json?: boolean;
}

const VERIFY_NOTES = `
Example:
  teg ledger verify market.ledger --head "$(cat head-of-yesterday)"
Every call of the log is done again and must give the same records. docs/ledger.md says what that finds, and what only --head does.
Exit codes: 5 the log differs; the first difference is printed: where, what, got, expected.`;

const STATEMENT_NOTES = `
Example:
  teg ledger statement market.ledger nlp --from 86400 --to 172800
Times are seconds of the clock that the ledger was written with. Opening and lines add up to closing, to the micro-token.
The log is not recomputed here: that is what teg ledger verify does.`;

/** Adds `teg ledger` and the commands below it. */
export function addLedgerCommand(parent: Command): void {
  const ledger = parent
    .command('ledger')
    .description('verify a ledger of tokens, print statements of account');
  ledger
    .command('verify <file>')
    .description('recompute a ledger from its log, and compare everything')
    .option('--head <hash>', 'the hash that the log must end with, known from elsewhere')
    .option('--json', 'print JSON')
    .addHelpText('after', VERIFY_NOTES)
    .action(verify);
  ledger
    .command('statement <file> <tenant>')
    .description("a tenant's balance, and each movement with its reason")
    .option('--from <seconds>', 'the first time that counts', parseNonNegativeNumber)
    .option('--to <seconds>', 'the time before which lines lie', parseNonNegativeNumber)
    .option('--json', 'print JSON')
    .addHelpText('after', STATEMENT_NOTES)
    .action(statement);
}

async function verify(file: string, options: VerifyOptions): Promise<void> {
  const { verifyFile, printReport } = await import('../ledger/ledger-files.ts');
  const report = verifyFile(file, options.head);
  if (options.json === true) (await import('../terminal/json-output.ts')).printJson(report);
  else printReport(report);
  if (report.fault !== undefined) process.exitCode = 5;
}

async function statement(file: string, tenant: string, options: StatementOptions): Promise<void> {
  const { statementFromFile, printStatement } = await import('../ledger/ledger-files.ts');
  const result = statementFromFile(file, tenant, options.from, options.to);
  if (options.json === true) (await import('../terminal/json-output.ts')).printJson(result);
  else printStatement(result);
}
