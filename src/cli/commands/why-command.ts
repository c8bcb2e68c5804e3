/**
 * `teg why`: why a job waits. `teg queue`: who waits. `teg prio`: why in that order. `teg quote`: what a job would cost. `teg share`: what
 * each tenant had. All on the result of a simulation, on a snapshot of a cluster, or from a running scheduler.
 */
import type { Command } from 'commander';
import type { ZodType } from 'zod';
import type { QuoteOptions } from '../economy/quote-answer.ts';
import { addSourceOptions, type SourceOptions } from '../economy/sources.ts';
import type { AskedReport } from '../economy/waiting-answer.ts';
import { decimalNumber, parsePositiveDuration, wholeNumber } from '../terminal/option-values.ts';

interface WhyOptions extends SourceOptions {
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
  teg why team-a/train --server http://127.0.0.1:10259              a pod or gang of a cluster: see teg explain pod
  teg why team-a/train --snapshot cluster.json.gz                   as a scheduler would decide on that snapshot`;

const SHARE_NOTES = `
Examples:
  teg simulate --jobs jobs.csv --tenants tenants.yaml --queue teg --json | teg share -
  teg share --server http://127.0.0.1:10259
  teg share --snapshot cluster.json.gz`;

/** Bounds of what is quoted. */
const PODS_MAX = 1_000_000;
const AMOUNT_MAX = 1_000_000;

const QUOTE_NOTES = `
Examples:
  teg simulate --jobs jobs.csv --tenants tenants.yaml --queue teg --horizon 2d --json > result.json
  teg quote result.json --pods 16 --gpus 8 --flavor h100 --runtime 12h --tenant nlp
  teg quote train-7 result.json                                     a job that waits
  teg quote --pods 4 --gpus 8 --tenant nlp --server http://127.0.0.1:10259`;

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
  withJson(
    parent
      .command('share [result]')
      .description(
        'the tenants as a tree: what each is due, had and lends, its level share; prices, balances',
      ),
  )
    .addHelpText('after', SHARE_NOTES)
    .action(share);
}

function withJson(command: Command): Command {
  return addSourceOptions(command)
    .option('--json', 'print JSON')
    .option('--json-schema', 'print the JSON Schema of the output of --json, and end');
}

function addQuote(parent: Command): void {
  const amount = decimalNumber(0, AMOUNT_MAX);
  withJson(
    parent
      .command('quote [job-or-result] [result]')
      .description('what a job would cost, by flavour, and when its tenant could pay; changes nothing'),
  )
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
    .addHelpText('after', QUOTE_NOTES)
    .action(quote);
}

async function quote(
  first: string | undefined,
  second: string | undefined,
  options: QuoteOptions,
): Promise<void> {
  if (options.jsonSchema === true)
    return printSchemaOf((await import('../economy/quote-schema.ts')).quoteAnswerSchema);
  const { answerQuote } = await import('../economy/quote-answer.ts');
  const [id, path] = idAndPath(first, second, options);
  const { answer, tenant } = await answerQuote(path, id, options);
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
  const { waitingFrom } = await import('../economy/sources.ts');
  const report = await waitingFrom(options, path);
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
  const { waitingJob, printRanks } = await import('../economy/waiting-text.ts');
  const [report, id] = await readWaiting(first, second, options);
  if (id !== undefined) waitingJob(report, id);
  const all = ranksOf(report);
  const ranks = { ...all, jobs: all.jobs.filter((job) => id === undefined || job.id === id) };
  if (options.json === true) await printJsonOf(ranks);
  else printRanks(ranks);
}

/** @returns The waiting jobs, and the id that was asked for. @throws TegError TEG_OPTION_INVALID without a source. */
async function readWaiting(
  first: string | undefined,
  second: string | undefined,
  options: SourceOptions,
): Promise<[AskedReport, string | undefined]> {
  const [id, path] = idAndPath(first, second, options);
  const { waitingFrom } = await import('../economy/sources.ts');
  return [await waitingFrom(options, path), id];
}

/** The last argument names a file, unless an option names the source. */
function idAndPath(
  first: string | undefined,
  second: string | undefined,
  { server, snapshot }: SourceOptions,
): [id: string | undefined, path: string | undefined] {
  if (server !== undefined || snapshot !== undefined) return [first, second];
  return second === undefined ? [undefined, first] : [first, second];
}

async function printSchemaOf(schema: ZodType): Promise<void> {
  (await import('../terminal/json-output.ts')).printJsonSchema(schema);
}

async function printJsonOf(value: unknown): Promise<void> {
  (await import('../terminal/json-output.ts')).printJson(value);
}

async function share(path: string | undefined, options: WhyOptions): Promise<void> {
  const { shareAnswer, shareAnswerSchema } = await import('../economy/share-answer.ts');
  if (options.jsonSchema === true) return printSchemaOf(shareAnswerSchema);
  const { tenantsFrom } = await import('../economy/sources.ts');
  const answer = shareAnswer(await tenantsFrom(options, path));
  if (options.json === true) await printJsonOf(answer);
  else (await import('../economy/share-text.ts')).printShares(answer);
}
