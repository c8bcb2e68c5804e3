/** `teg ledger`: recomputes the log of a ledger, prints statements of account, and exports rents. */
import type { Command } from 'commander';
import { TegError } from '../../model/errors.ts';
import {
  oneOf,
  parseNonNegativeInt,
  parseNonNegativeNumber,
  wholeNumber,
} from '../terminal/option-values.ts';

interface VerifyOptions {
  readonly head?: string;
  readonly json?: boolean;
}

interface StatementOptions {
  readonly by: 'job' | 'period';
  readonly from?: number;
  readonly to?: number;
  readonly skip: number;
  readonly lines: number;
  readonly json?: boolean;
}

interface ExportOptions {
  readonly format: 'focus-1.2';
  readonly output?: string;
  readonly start: string;
}

/** Lines of a page: at most, and by default. */
const LINES_MAX = 1_000_000;
const LINES_DEFAULT = 1_000;

const LEDGER_NOTES = `
Examples:
  teg simulate --jobs jobs.csv --tenants tenants.yaml --queue teg --ledger run.ledger
  teg ledger nlp run.ledger                                         what nlp paid, by job
  teg ledger statement run.ledger nlp                               the same by rent period
  teg ledger verify run.ledger
  teg ledger export run.ledger --output rents.csv`;

const VERIFY_NOTES = `
Example:
  teg ledger verify market.ledger --head "$(cat head-of-yesterday)"
Every call of the log is done again and must give the same records; rents must follow from what ran. docs/ledger.md says what that finds,
and what only --head does.
Exit codes: 5 the log differs; the first difference is printed: where, what, got, expected.`;

const STATEMENT_NOTES = `
Example:
  teg ledger statement market.ledger nlp --by job --from 86400 --to 172800
Times are seconds of the clock that the ledger was written with. Opening and lines add up to closing, to the micro-token, on each page.
The log is not recomputed here: that is what teg ledger verify does.`;

const EXPORT_NOTES = `
Example:
  teg ledger export market.ledger --start 2026-12-01T00:00:00Z --output rents.csv
A row for each job, price and rent. Tokens are the pricing currency; EffectiveCost is what was paid and adds up to the rents of the ledger.`;

/** Adds `teg ledger` and the commands below it. */
export function addLedgerCommand(parent: Command): void {
  const ledger = parent
    .command('ledger')
    .description('verify a ledger of tokens, print statements of account, export rents')
    .addHelpText('after', LEDGER_NOTES);
  ledger
    .command('verify <file>')
    .description('recompute a ledger from its log, and compare everything')
    .option('--head <hash>', 'the hash that the log must end with, known from elsewhere')
    .option('--json', 'print JSON')
    .addHelpText('after', VERIFY_NOTES)
    .action(verify);
  withStatementOptions(
    ledger
      .command('statement <file> <tenant>')
      .description("a tenant's balance, and each movement with its reason"),
    'period',
  ).action(statement);
  withStatementOptions(
    ledger
      .command('account [tenant] [file]', { isDefault: true })
      .description('the statement by job; the word may be left out: teg ledger TENANT FILE'),
    'job',
  ).action(async (tenant: string | undefined, file: string | undefined, options: StatementOptions) => {
    if (tenant === undefined) refuseNothing(ledger);
    else if (file === undefined) refuseOneWord(tenant);
    else await statement(file, tenant, options);
  });
  ledger
    .command('export <file>')
    .description('the rents of all tenants, by job')
    .option('--format <name>', 'of the table: focus-1.2', oneOf('focus-1.2'), 'focus-1.2')
    .option('--output <file>', '.csv, .csv.gz or .parquet (default: print CSV)')
    .option('--start <date>', "date of second 0 of the ledger's clock", '1970-01-01T00:00:00Z')
    .addHelpText('after', EXPORT_NOTES)
    .action(exportRents);
}

function withStatementOptions(command: Command, by: 'job' | 'period'): Command {
  return command
    .option('--by <job|period>', 'a line for each job and rent, or for each rent', oneOf('job', 'period'), by)
    .option('--from <seconds>', 'the first time that counts', parseNonNegativeNumber)
    .option('--to <seconds>', 'the time before which lines lie', parseNonNegativeNumber)
    .option('--lines <n>', 'of a page, at most', wholeNumber(1, LINES_MAX), LINES_DEFAULT)
    .option('--skip <n>', 'lines before the page', parseNonNegativeInt, 0)
    .option('--json', 'print JSON')
    .addHelpText('after', STATEMENT_NOTES);
}

/** As commander does where a command has no default: the usage on standard error, and a failure. */
function refuseNothing(ledger: Command): never {
  ledger.outputHelp({ error: true });
  throw new TegError(
    'TEG_OPTION_INVALID',
    'got neither a tenant nor a command, expected for example: teg ledger TENANT FILE, or teg ledger verify FILE',
  );
}

function refuseOneWord(word: string): never {
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got '${word}' alone, expected a tenant and the file of a ledger: teg ledger TENANT FILE`,
  );
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
  const { by, from, to, skip, lines } = options;
  const result = statementFromFile(file, tenant, { from, to, skip, lines, byJob: by === 'job' });
  if (options.json === true) (await import('../terminal/json-output.ts')).printJson(result);
  else printStatement(result);
}

async function exportRents(file: string, { output, start }: ExportOptions): Promise<void> {
  const { exportFile } = await import('../ledger/export-file.ts');
  await exportFile(file, output, start);
}
