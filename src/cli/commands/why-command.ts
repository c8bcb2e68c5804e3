/**
 * `teg why`: why a job waits. `teg quote`: what one would cost. `teg share`: what each tenant had. All on the result of a
 * simulation.
 */
import type { Command } from 'commander';
import type { QuoteOptions } from '../economy/quote-answer.ts';
import { decimalNumber, parsePositiveDuration, wholeNumber } from '../terminal/option-values.ts';

interface WhyOptions {
  readonly json?: boolean;
}

const WHY_NOTES = `
Examples:
  teg simulate --jobs jobs.csv --tenants tenants.yaml --queue teg --horizon 2d --json > result.json
  teg why train-7 result.json
  teg why result.json                                               every job that waits`;

const SHARE_NOTES = `
Example:
  teg simulate --jobs jobs.csv --tenants tenants.yaml --queue teg --json | teg share -`;

/** Bounds of what is quoted. */
const PODS_MAX = 1_000_000;
const AMOUNT_MAX = 1_000_000;

const QUOTE_NOTES = `
Examples:
  teg simulate --jobs jobs.csv --tenants tenants.yaml --queue teg --horizon 2d --json > result.json
  teg quote result.json --pods 16 --gpus 8 --flavor h100 --runtime 12h --tenant nlp
  teg quote train-7 result.json                                     a job that waits`;

/** Adds `teg why`, `teg quote` and `teg share`. */
export function addWhyCommand(parent: Command): void {
  parent
    .command('why <job-or-result> [result]')
    .description('why a job of a simulation still waits, in one sentence')
    .option('--json', 'print JSON')
    .addHelpText('after', WHY_NOTES)
    .action(why);
  addQuote(parent);
  parent
    .command('share <result>')
    .description("each tenant's quota, use, loans and waits in a simulation; prices and balances")
    .option('--json', 'print JSON')
    .addHelpText('after', SHARE_NOTES)
    .action(share);
}

function addQuote(parent: Command): void {
  const amount = decimalNumber(0, AMOUNT_MAX);
  parent
    .command('quote <job-or-result> [result]')
    .description('what a job would cost at the end of a simulation, by flavour, and what it could start with')
    .option(
      '--pods <n>',
      'of the job (default: 1, or what the job named has; so below)',
      wholeNumber(1, PODS_MAX),
    )
    .option('--gpus <n>', 'of each pod: a whole number, or a part of one (default: 1)', amount)
    .option('--cores <n>', 'of each pod (default: 0)', amount)
    .option('--gib <n>', 'memory of each pod (default: 0)', amount)
    .option('--runtime <duration>', 'expected run time (default: unknown)', parsePositiveDuration)
    .option('--flavor <name>', 'of the market (default: all)')
    .option('--tenant <name>', 'who would pay (default: nobody is named)')
    .option('--json', 'print JSON')
    .addHelpText('after', QUOTE_NOTES)
    .action(quote);
}

async function quote(first: string, second: string | undefined, options: QuoteOptions): Promise<void> {
  const { answerQuote } = await import('../economy/quote-answer.ts');
  const { answer, tenant } = answerQuote(second ?? first, second === undefined ? undefined : first, options);
  if (options.json === true) await printJsonOf(answer);
  else (await import('../economy/quote-text.ts')).printQuote(answer, tenant);
}

async function why(first: string, second: string | undefined, options: WhyOptions): Promise<void> {
  const { readResult } = await import('../economy/result-files.ts');
  const { waitingOf, printWaiting } = await import('../economy/waiting-text.ts');
  const result = readResult(second ?? first);
  const waiting = waitingOf(result, second === undefined ? undefined : first);
  if (options.json === true) await printJsonOf(waiting);
  else printWaiting(waiting);
}

async function printJsonOf(value: unknown): Promise<void> {
  (await import('../terminal/json-output.ts')).printJson(value);
}

async function share(path: string, options: WhyOptions): Promise<void> {
  const { readResult, tenantsOf } = await import('../economy/result-files.ts');
  const result = readResult(path);
  const tenants = tenantsOf(result, path);
  if (options.json === true) {
    await printJsonOf(result.market === undefined ? { tenants } : { tenants, market: result.market });
    return;
  }
  (await import('../simulation/tenant-table.ts')).printTenants(tenants);
  if (result.market !== undefined) (await import('../economy/quote-text.ts')).printMarket(result.market);
}
