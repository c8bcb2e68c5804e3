/** Runs the plan of `teg start` and prints the results: a line a run, a table, a few sentences, the reports. */
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { withSpooledInputs } from '../../drivers/embedded/input-spool.ts';
import { type ComparisonTask, compare } from '../../drivers/embedded/simulations.ts';
import type { ComparisonResult, SimulationResult } from '../../simulation/metrics/result.ts';
import { makeFolder, writeWholeText } from '../files/output-file.ts';
import { formatUnit } from '../report/comparison-tables.ts';
import { headline, keepUnits, sentenceText, tallies, tooFewSeeds } from '../report/headline.ts';
import { commandLine } from '../report/report-options.ts';
import { partialText, policyName, subjectOf } from '../report/report-source.ts';
import { prepareReportFiles } from '../report/write-report.ts';
import { watchRun } from '../simulation/run-watch.ts';
import { formatCounted, formatDuration, formatPercent } from '../terminal/formatting.ts';
import { interruptSignal } from '../terminal/interrupt.ts';
import { isCount } from '../terminal/option-values.ts';
import { printTable } from '../terminal/table.ts';
import { planStart, type StartOptions } from './start-plan.ts';
import { runInZones } from './start-zones.ts';

/** Figures of the table, in its order. */
const SHOWN: readonly string[] = [
  'allocationGpu',
  'allocationCpu',
  'fragmentation',
  'headOfLine',
  'waitMean',
  'waitP99',
  'waitLargestP99',
  'slowdownMean',
  'waiting',
  'decisionP50',
  'decisionP99',
];

/** Widest that sentences are set. */
const TEXT_WIDTH = 100;

/**
 * Plans, runs, prints and reports.
 *
 * The result is on disk before it is processed, and a failed step does not prevent the others: a result that took
 * minutes to compute is not lost to a plot. The first failure is thrown at the end.
 *
 * @throws TegError of the options, the readers and the policies; TEG_OUTPUT_FAILED.
 */
export async function start(options: StartOptions): Promise<void> {
  const sources = { cluster: options.nodes ?? '', jobs: options.pods ?? options.jobs ?? '' };
  await withSpooledInputs(sources, interruptSignal(), ({ spooled }) => startWith(options, spooled));
}

async function startWith(options: StartOptions, spooled: ComparisonTask['spooled']): Promise<void> {
  const { task, intro } = await planStart(options, spooled);
  const stem = join(options.out, `start-${timestamp(new Date())}`);
  const files = { html: `${stem}.html`, markdown: `${stem}.md` };
  const { decisionCosts } = options;
  await makeFolder(options.out);
  const writeReports = await prepareReportFiles(
    decisionCosts === undefined ? files : { ...files, decisionCosts },
  );
  const workers = options.workers ?? availableParallelism();
  for (const line of intro) write(line);
  write(`${workers} ${workers === 1 ? 'thread' : 'threads'}; Ctrl-C stops and reports the results so far\n`);
  const width = Math.max(...task.policies.map((policy) => policy.length));
  const result = await watchRun(
    'comparing',
    (watch) => compare(task, { ...watch, workers }),
    (run) => runLine(run, width),
  );
  if (result.metrics.length === 0) {
    write('\nPARTIAL: stopped before any run had ended; there is nothing to compare.');
    return;
  }
  const paths: string[] = [];
  const failures: unknown[] = [];
  const step = async (act: () => void | Promise<void>): Promise<void> => {
    try {
      await act();
    } catch (error) {
      failures.push(error);
    }
  };
  const json = `${stem}.json`;
  await step(async () => {
    await writeWholeText(json, `${JSON.stringify(result)}\n`);
    paths.push(json);
  });
  await step(() => tellResult(result));
  await step(async () => {
    const written = await writeReports(result, reproducingCommand(task));
    paths.unshift(...written.paths);
    failures.push(...written.failures);
  });
  await step(() => tellZones(task, result));
  const tenantsFile = `${stem}-tenants.json`;
  if (isOwnWorkload(options) && result.complete && task.policies.includes('teg'))
    await step(() => tellTenants(tenantsFile, paths));
  tellNext(paths, options);
  if (failures.length > 0) throw failures[0];
}

async function tellZones(task: ComparisonTask, result: ComparisonResult): Promise<void> {
  for (const [i, line] of (await runInZones(task, result)).entries())
    write(i === 0 ? `\n${wrapped(line)}` : line);
}

/** Nothing is the user's own: the tenants of the third part are not either. */
function isOwnWorkload({ pods, jobs, nodes }: StartOptions): boolean {
  return pods === undefined && [jobs, nodes].every((source) => source === undefined || isCount(source));
}

async function tellTenants(path: string, paths: string[]): Promise<void> {
  const { runWithTenants } = await import('./start-tenants.ts');
  const { result, lines, job } = runWithTenants();
  await writeWholeText(path, `${JSON.stringify(result)}\n`);
  paths.push(path);
  write(`\n${lines.map(wrapped).join('\n')}`);
  const name = shown(path);
  write(`ask       bin/teg why ${job === undefined ? '' : `${job} `}${name}`);
  write(`          bin/teg share ${name}`);
  write(`          bin/teg quote ${name} --tenant nlp --pods 4 --gpus 8 --runtime 12h`);
}

/** A path as it is shortest. */
function shown(path: string): string {
  const short = relative('.', path);
  return short.startsWith('..') ? path : short;
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** For example `20261122-041530`: reports of different runs sort by time. */
function timestamp(now: Date): string {
  return now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
}

function runLine(run: SimulationResult, width: number): string {
  const { gpu, cpu } = run.allocationWhileArriving;
  const use = gpu === null ? `${formatPercent(cpu)} of cores` : `${formatPercent(gpu)} of GPUs`;
  const wait = run.wait === null ? 'no job started' : `mean wait ${formatDuration(run.wait.mean)}`;
  const took = run.timing === undefined ? '' : `   (${formatDuration(run.timing.wallSeconds)})`;
  const jobs = `${formatCounted(run.jobs.arrived, 'job')}`;
  return `  seed ${run.seed}  ${run.policy.padEnd(width)}  ${jobs}, ${use} in use, ${wait}${took}`;
}

function tellResult(result: ComparisonResult): void {
  const subject = subjectOf(result);
  const head = `mean of ${result.seeds.length === 1 ? '1 seed' : `${result.seeds.length} seeds`}`;
  write('');
  printTable(
    [{ header: head }, ...result.policies.map((header) => ({ header, align: 'right' as const }))],
    SHOWN.flatMap((name) => {
      const metric = result.metrics.find((m) => m.metric === name);
      if (metric === undefined) return [];
      const cells = metric.policies.map(({ mean }) =>
        mean === null ? '–' : formatUnit(mean.mean, metric.unit),
      );
      return [[metric.label, ...cells]];
    }),
  );
  write('');
  write(wrapped(headline(result).map(sentenceText).join(' ')));
  const few = result.policies.length > 1 ? tooFewSeeds(result) : undefined;
  if (few !== undefined) {
    write(wrapped(few));
  } else {
    for (const { other, better, worse, unclear } of tallies(result)) {
      const percent = Math.round(result.level * 100);
      write(
        `${policyName(subject)} against ${other}, of ${better.length + worse.length + unclear.length} figures: ` +
          `better in ${better.length}, worse in ${worse.length}, no clear difference in ${unclear.length} ` +
          `(at ${percent} % confidence)`,
      );
    }
  }
  const partial = partialText(result);
  if (partial !== undefined) write(`\nPARTIAL: ${partial}`);
}

/** Lines of at most a hundred columns, or of the terminal's width. */
function wrapped(text: string): string {
  // A terminal of unknown width reports 0.
  const width = Math.min(TEXT_WIDTH, process.stdout.columns || TEXT_WIDTH);
  const lines: string[] = [];
  let line = '';
  for (const word of keepUnits(text).split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line].join('\n').replaceAll('\u00a0', ' ');
}

/** The same comparison with every option spelled out. */
function reproducingCommand(task: ComparisonTask): string {
  const option = (name: string, value: string | number | undefined): string[] =>
    value === undefined ? [] : [name, String(value)];
  return commandLine([
    'bin/teg',
    'compare',
    ...option('--cluster', task.cluster),
    ...option('--jobs', task.jobs),
    ...option('--policies', task.policies.join(',')),
    ...option('--seeds', task.seeds.join(',')),
    ...option('--baseline', task.baseline),
    ...option('--arrival-speed', task.load),
    ...option('--repeat', task.repeat),
    ...(task.resample ? ['--resample'] : []),
    ...option('--warmup', task.warmupSeconds),
    ...option('--horizon', task.horizonSeconds),
    ...option('--samples', task.samples),
    '--timing',
    ...option('--html', 'report.html'),
  ]);
}

function tellNext(paths: readonly string[], options: StartOptions): void {
  write(`\nreport    ${paths.map(shown).join('\n          ')}`);
  const own = 'npm start -- --nodes nodes.csv --pods pods.csv';
  write(
    [
      'next      open the .html in a browser; it needs no network',
      ...(options.pods === undefined ? [`          ${own}   your own cluster and workload`] : []),
      '          bin/teg compare --help   failures, queues, more policies (`bin/teg policies`), --json',
    ].join('\n'),
  );
}
