/** The options that `teg simulate` and `teg compare` share, and their effects. */
import { statSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { SimulationTask } from '../../drivers/embedded/simulation-task.ts';
import {
  type DisciplineName,
  QUEUE_NAMES,
  RUNTIME_KNOWLEDGE,
  type RuntimeKnowledge,
  usesRuntimes,
} from '../../simulation/queueing/queue-names.ts';
import type { ColumnMap } from '../../traces/csv-header.ts';
import type { TraceFormat } from '../../traces/format.ts';
import { MAP_HELP, parseColumnMap } from '../terminal/column-map.ts';
import { refuseGiven } from '../terminal/ignored-options.ts';
import { collectResource, IGNORE_RESOURCE_HELP, ignoresNothing } from '../terminal/ignored-resources.ts';
import {
  parseClusterSourceOption,
  parseDurationSeconds,
  parseJobSourceOption,
  parseNonNegativeInt,
  parsePositiveDuration,
  parsePositiveNumber,
  wholeNumber,
} from '../terminal/option-values.ts';

/** Most instants of the time series that can be requested; twice as many are kept, some 300 bytes each. */
const SAMPLES_MAX = 100_000;

/** Mean time until a failed node returns, unless `--mttr` says otherwise. */
const MTTR_SECONDS_DEFAULT = 3600;

/** The shared options as commander parses them. */
export interface SharedOptions {
  readonly cluster: string;
  readonly jobs: string;
  readonly queue: DisciplineName;
  /** Of `teg compare`. */
  readonly queues?: readonly DisciplineName[];
  readonly runtimes?: RuntimeKnowledge;
  readonly workloadMix: 'learned' | 'list';
  readonly horizon?: number;
  readonly warmup?: number;
  readonly arrivalSpeed?: number;
  readonly repeat?: number;
  readonly resample?: boolean;
  readonly mtbf?: number;
  readonly mttr?: number;
  readonly onNodeFailure: 'requeue' | 'fail' | 'hold';
  readonly tenants?: string;
  readonly retry?: number;
  readonly samples?: number;
  readonly skipBad?: number;
  readonly ignoreResource?: readonly string[];
  readonly map?: ColumnMap;
  readonly timing?: boolean;
  readonly json?: boolean;
  readonly jsonSchema?: boolean;
}

/** The options that decide where the workload comes from. */
interface JobsOptions {
  readonly cluster: string;
  readonly jobs: string;
  readonly startFromSnapshot?: boolean;
}

/** Help shown after the options. */
export const SOURCES_HELP = `
A cluster is a file (openb, MetaCentrum, Kubernetes YAML …) or generated:MIX:NODES, MIX being openb or homogeneous.
A Kubernetes file brings its own pods: without --jobs they are the workload.
A workload is a file or generated:JOBS:LOAD, LOAD being the demand over the cluster's capacity;
generated:JOBS:LOAD:8h cuts durations at 8 hours (gangs: 32), so that the cluster reaches its load within a day.
Formats are recognised from the content; \`teg trace inspect FILE\` shows the contents of one. Durations: 90s, 15m, 2h, 7d.`;

/** Headings in the help for options of runs with one zone. */
export interface SharedHeadings {
  readonly scheduling: string;
  readonly figures: string;
}

/**
 * Adds the shared options to a command, grouped in its help. Options that are added after them stand below the heading
 * `figures` unless another is set.
 */
export function addSharedOptions(command: Command, { scheduling, figures }: SharedHeadings): Command {
  addBasicOptions(command.optionsGroup(''));
  addWorkloadOptions(command.optionsGroup('Workload and files:'));
  addFailureOptions(command.optionsGroup('Node failures:'));
  command
    .optionsGroup(scheduling)
    .addOption(
      new Option(
        '--queue <rule>',
        'best-effort: whatever fits starts; strict-fifo: the first one blocks the rest; `teg policies --list-queues` says what the others do',
      )
        .choices(QUEUE_NAMES)
        .default('best-effort'),
    )
    .addOption(
      new Option(
        '--runtimes <knowledge>',
        'run times that queues are informed of: exact, declared (as requested by owners), predicted (from owners’ last runs), unknown',
      ).choices(RUNTIME_KNOWLEDGE),
    )
    .option(
      '--tenants <file>',
      'quotas, loans, limits and budgets of tenants (YAML or JSON); `examples/tenants.yaml` shows all fields',
    )
    .option(
      '--retry <duration>',
      'try everything that waits at this interval too (for policies that overlook nodes)',
      parsePositiveDuration,
    );
  return command
    .optionsGroup(figures)
    .option(
      '--samples <n>',
      'instants of the time series while jobs arrive (default: 200)',
      wholeNumber(1, SAMPLES_MAX),
    )
    .option('--timing', 'also report what depends on the machine: decision cost, jobs a second');
}

function addBasicOptions(command: Command): void {
  command
    .option(
      '--cluster <source>',
      'the nodes: a file, how many to generate, or generated:MIX:NODES',
      parseClusterSourceOption,
      'generated:openb:2000',
    )
    .option(
      '--jobs <source>',
      'the workload: a file, how many to generate, or generated:JOBS:LOAD',
      parseJobSourceOption,
      'generated:100000:0.9',
    )
    .addOption(
      new Option(
        '--workload-mix <how>',
        'the mix that policies price with: learned from arrivals, or known from the whole list',
      )
        .choices(['learned', 'list'])
        .default('learned'),
    )
    .option(
      '--horizon <duration>',
      'stop at this virtual time (default: when every job has ended)',
      parsePositiveDuration,
    )
    .option(
      '--warmup <duration>',
      'leave this much virtual time out of means and percentiles',
      parseDurationSeconds,
    )
    .option('--json', 'print JSON instead of tables')
    .option('--json-schema', 'print the JSON Schema of the output of --json, and end');
}

function addWorkloadOptions(command: Command): void {
  command
    .option(
      '--arrival-speed <factor>',
      'arrivals come this many times as fast (default: 1)',
      parsePositiveNumber,
    )
    .option(
      '--repeat <n>',
      'run through the workload this many times (default: 1)',
      wholeNumber(1, 1_000_000),
    )
    .option('--resample', 'draw the jobs again for each seed, at the recorded arrival times')
    .option('--skip-bad <n>', 'tolerate up to n bad rows of a file (default: 0)', parseNonNegativeInt)
    .option('--ignore-resource <name>', IGNORE_RESOURCE_HELP, collectResource)
    .option('--map <column=name>', `of the file of jobs: ${MAP_HELP}`, parseColumnMap);
}

function addFailureOptions(command: Command): void {
  command
    .option(
      '--mtbf <duration>',
      'mean time between failures of a node (default: nodes do not fail)',
      parsePositiveDuration,
    )
    .option('--mttr <duration>', 'mean time until a failed node returns (default: 1h)', parsePositiveDuration)
    .addOption(
      new Option(
        '--on-node-failure <rule>',
        'fate of a job whose node fails; hold: requeue, but its pods on other nodes keep their room until it runs again, with a queue under which gangs hold room (permit-timeout …)',
      )
        .choices(['requeue', 'fail', 'hold'])
        .default('requeue'),
    );
}

/**
 * @param jobsNamed Whether --jobs was given.
 * @returns Where the workload comes from: a Kubernetes file named as the cluster brings its own pods, unless --jobs names others.
 * @throws TegError of reading the file.
 */
export async function jobsOf(options: JobsOptions, jobsNamed: boolean): Promise<string> {
  const { cluster, jobs, startFromSnapshot } = options;
  if (jobsNamed || startFromSnapshot === true || cluster === '-' || cluster.startsWith('generated:'))
    return jobs;
  return (await formatOf(cluster)) === 'kubernetes' ? cluster : jobs;
}

/** @returns The format of a file; undefined for inputs that cannot be read twice, which are left to the reader. */
async function formatOf(path: string): Promise<TraceFormat | undefined> {
  if (path === '-' || !statSync(path, { throwIfNoEntry: false })?.isFile()) return undefined;
  const { detectFormat } = await import('../../traces/read.ts');
  return detectFormat(path);
}

/** @throws TegError TEG_OPTION_INVALID for an option that has no effect beside the others. */
export async function refuseUnused(command: Command, options: SharedOptions): Promise<void> {
  if (options.mtbf === undefined) {
    refuseGiven(
      command,
      ['onNodeFailure', 'mttr'],
      'without --mtbf, expected both: say how often nodes fail',
    );
  }
  const queues: readonly DisciplineName[] = options.queues ?? [options.queue];
  if (!queues.some(usesRuntimes)) {
    refuseGiven(
      command,
      ['runtimes'],
      `with ${queues.join(', ')}, expected a queue that plans by run times, such as easy: name one by --queue`,
    );
  }
  if (options.queues !== undefined) {
    refuseGiven(command, ['queue'], 'together with --queues, expected one of them: leave the other out');
  }
  if (!options.json) refuseGiven(command, ['series'], 'without --json, expected both: tables have no series');
  if ([options.cluster, options.jobs].every((source) => source.startsWith('generated:'))) {
    refuseGiven(
      command,
      ['skipBad', 'ignoreResource'],
      'without a file, expected one by --cluster or --jobs',
    );
  }
  if (options.ignoreResource !== undefined) await refuseIgnoringNothing(options);
}

/** Columns of a table of jobs may have other names, so only its cluster's format is detected where `--map` is given. */
async function refuseIgnoringNothing({ cluster, jobs, map }: SharedOptions): Promise<void> {
  const files = [cluster, ...(map === undefined ? [jobs] : [])].filter(
    (source) => !source.startsWith('generated:'),
  );
  const formats = await Promise.all(files.map(formatOf));
  if (formats.every((format) => format !== undefined && format !== 'kubernetes')) {
    throw ignoresNothing(files.map((file, i) => `${file}, which is ${formats[i]}`).join(' and '));
  }
}

/** @returns The effect of the shared options on a task. */
export function toTaskOptions(options: SharedOptions): Omit<SimulationTask, 'policy' | 'seed'> {
  const { mtbf, mttr = MTTR_SECONDS_DEFAULT } = options;
  return {
    cluster: options.cluster,
    jobs: options.jobs,
    queue: options.queue,
    ...(options.runtimes === undefined ? {} : { runtimes: options.runtimes }),
    typical: options.workloadMix,
    lostPods: options.onNodeFailure,
    ...(options.horizon === undefined ? {} : { horizonSeconds: options.horizon }),
    ...(options.warmup === undefined ? {} : { warmupSeconds: options.warmup }),
    ...(options.arrivalSpeed === undefined ? {} : { load: options.arrivalSpeed }),
    ...(options.repeat === undefined ? {} : { repeat: options.repeat }),
    ...(options.resample === undefined ? {} : { resample: options.resample }),
    ...(mtbf === undefined ? {} : { failures: { mtbfSeconds: mtbf, mttrSeconds: mttr } }),
    ...(options.tenants === undefined ? {} : { tenants: options.tenants }),
    ...(options.retry === undefined ? {} : { retrySeconds: options.retry }),
    ...(options.samples === undefined ? {} : { samples: options.samples }),
    ...(options.skipBad === undefined ? {} : { skipBad: options.skipBad }),
    ...(options.ignoreResource === undefined ? {} : { ignoredResources: options.ignoreResource }),
    ...(options.map === undefined ? {} : { map: options.map }),
    ...(options.timing === undefined ? {} : { withTiming: options.timing }),
  };
}
