/**
 * `teg why`: why a job waits. `teg queue`: who waits. `teg prio`: why in that order. `teg quote`: what a job would cost. `teg share`: what
 * each tenant had. All on the result of a simulation.
 */
import type { Command } from 'commander';
import type { ZodType } from 'zod';
import { TegError } from '../../model/errors.ts';
import type { WaitingReport } from '../../simulation/metrics/waiting-report.ts';
import type { QuoteOptions } from '../economy/quote-answer.ts';
import {
  addServerOptions,
  askPage,
  checkServerOptions,
  type ServerOptions,
} from '../kubernetes/server-options.ts';
import { decimalNumber, parsePositiveDuration, wholeNumber } from '../terminal/option-values.ts';

interface WhyOptions extends ServerOptions {
  readonly json?: boolean;
  readonly jsonSchema?: boolean;
}

interface QueueOptions extends WhyOptions {
  readonly start?: boolean;
}

const WHY_NOTES = `
Examples:
  teg simulate --jobs jobs.csv --tenants tenants.yaml --queue teg --horizon 2d --json > result.json
  teg why train-7 result.json
  teg why result.json                                               every job that waits
  teg why team-a/train --server http://127.0.0.1:10259              a pod or gang of a cluster: see teg explain pod`;

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

const QUEUE_NOTES = `
Examples:
  teg queue result.json                                             in the order in which jobs would start
  teg queue --start result.json                                     when each starts at the latest, and why not now`;

const PRIO_NOTES = `
Example:
  teg prio train-7 result.json                                      why it has its place in the queue`;

/** Adds `teg why`, `teg queue`, `teg prio`, `teg quote` and `teg share`. */
export function addWhyCommand(parent: Command): void {
  withJson(
    parent
      .command('why [job-or-result] [result]')
      .description('why a job of a simulation, or of a cluster, still waits, in one sentence'),
  )
    .addHelpText('after', WHY_NOTES)
    .action(why);
  withJson(
    parent
      .command('queue [result]')
      .description('the jobs that wait, at the end of a simulation or in a cluster, the first one first')
      .option('--start', 'with the latest start of each, and why it does not start now'),
  )
    .addHelpText('after', QUEUE_NOTES)
    .action(queue);
  withJson(
    parent
      .command('prio [job-or-result] [result]')
      .description('the place of a job in the queue as a sum: by turn of its tenant, priority and arrival'),
  )
    .addHelpText('after', PRIO_NOTES)
    .action(prio);
  addQuote(parent);
  parent
    .command('share <result>')
    .description("each tenant's quota, use, loans and waits in a simulation; prices and balances")
    .option('--json', 'print JSON')
    .addHelpText('after', SHARE_NOTES)
    .action(share);
}

function withJson(command: Command): Command {
  return addServerOptions(command, 'answer')
    .option('--json', 'print JSON')
    .option('--json-schema', 'print the JSON Schema of the output of --json, and end');
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

async function why(
  first: string | undefined,
  second: string | undefined,
  options: WhyOptions,
): Promise<void> {
  const answers = await import('../economy/waiting-answer.ts');
  if (options.jsonSchema === true) return printSchemaOf(answers.reasonedReportSchema);
  const { waitingOf, printWaiting } = await import('../economy/waiting-text.ts');
  const [report, id] = await readWaiting(first, second, options);
  const waiting = waitingOf(report, id);
  if (options.json === true) await printJsonOf(answers.withReasons(waiting));
  else printWaiting(waiting);
}

async function queue(path: string | undefined, options: QueueOptions): Promise<void> {
  const answers = await import('../economy/waiting-answer.ts');
  if (options.jsonSchema === true) return printSchemaOf(answers.reasonedReportSchema);
  const [report] = await readWaiting(path, undefined, options, true);
  if (options.json === true) await printJsonOf(answers.withReasons(report));
  else (await import('../economy/waiting-text.ts')).printQueue(report, options.start === true);
}

async function prio(
  first: string | undefined,
  second: string | undefined,
  options: WhyOptions,
): Promise<void> {
  const { ranksOf, ranksSchema } = await import('../economy/waiting-answer.ts');
  if (options.jsonSchema === true) return printSchemaOf(ranksSchema);
  const { waitingOf, printRanks } = await import('../economy/waiting-text.ts');
  const [report, id] = await readWaiting(first, second, options);
  waitingOf(report, id);
  const all = ranksOf(report);
  const ranks = { ...all, jobs: all.jobs.filter((job) => id === undefined || job.id === id) };
  if (options.json === true) await printJsonOf(ranks);
  else printRanks(ranks);
}

/** @returns The waiting jobs, and the id that was asked for. @throws TegError TEG_OPTION_INVALID without a file. */
async function readWaiting(
  first: string | undefined,
  second: string | undefined,
  options: ServerOptions,
  isPath = false,
): Promise<[WaitingReport, string | undefined]> {
  checkServerOptions(options);
  const { server } = options;
  if (server !== undefined) return [await waitingAt(server, options, isPath ? first : second), first];
  const path = second ?? first;
  if (path === undefined) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      'got no result, expected a file of `teg simulate --json`, or - for standard input',
    );
  }
  const { readResult } = await import('../economy/result-files.ts');
  const { waitingIn } = await import('../economy/waiting-text.ts');
  return [waitingIn(readResult(path)), second === undefined ? undefined : first];
}

/** @throws TegError of the server; TEG_OPTION_INVALID with a file as well. */
async function waitingAt(
  server: string,
  options: ServerOptions,
  path: string | undefined,
): Promise<WaitingReport> {
  if (path !== undefined) {
    throw new TegError('TEG_OPTION_INVALID', `got --server and the file ${path}, expected one of them`);
  }
  const { waitingReportSchema } = await import('../../simulation/metrics/waiting-report.ts');
  const report = await askPage(server, options, '/explain/waiting', waitingReportSchema);
  if (report !== undefined) return report;
  throw new TegError(
    'TEG_SERVER_FAILED',
    `${server}: got 404, expected the page /explain/waiting; is it an older version?`,
  );
}

async function printSchemaOf(schema: ZodType): Promise<void> {
  (await import('../terminal/json-output.ts')).printJsonSchema(schema);
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
