/**
 * `teg compare`: several policies, or several queues, and seeds on the same arrivals.
 */
import type { Command } from 'commander';
import type { ComparisonTask } from '../../drivers/embedded/simulations.ts';
import { TegError } from '../../model/errors.ts';
import { type DisciplineName, QUEUE_NAMES } from '../../simulation/queueing/queue-names.ts';
import type { ReportOptions } from '../report/report-files.ts';
import {
  addReportOptions,
  ownCommand,
  prepareReports,
  tellReports,
  wantsReport,
} from '../report/report-options.ts';
import {
  addSharedOptions,
  jobsOf,
  refuseUnused,
  type SharedOptions,
  SOURCES_HELP,
  toTaskOptions,
} from '../simulation/simulation-options.ts';
import { parseList, parseSeeds, parseWorkers } from '../terminal/option-values.ts';

interface CompareOptions extends SharedOptions, ReportOptions {
  readonly policies: string[];
  readonly queues?: readonly DisciplineName[];
  readonly seeds: number[];
  readonly baseline?: string;
  readonly workers?: number;
  readonly series?: boolean;
}

const EXAMPLES = `
Examples:
  teg compare --policies teg,kube-scheduler,fgd --seeds 1-5
  teg compare --cluster nodes.csv --jobs jobs.csv --policies teg,best-fit --seeds 1-10 --resample --workers 4
  teg compare --queues teg,easy,best-effort --runtimes exact --cluster nodes.csv --jobs jobs.csv --seeds 1
  teg compare --seeds 1-5 --timing --html report.html --markdown report.md
Every policy of a seed sees the same arrivals and the same node failures. A difference counts as better or worse where
its 95 % confidence interval (Student t, paired by seed) does not hold 0.`;

/** Adds `teg compare`. */
export function addCompareCommand(parent: Command): void {
  const command = parent
    .command('compare')
    .description('run several policies and seeds on the same arrivals and compare them')
    .option('--policies <names>', 'names or paths, separated by commas', parseList, [
      'teg',
      'kube-scheduler',
      'fgd',
    ])
    .option(
      '--queues <names>',
      'compare queues (names of --queue) under one policy, instead of policies',
      parseQueues,
    )
    .option('--seeds <seeds>', 'for example 1-5 or 1,3,7', parseSeeds, [1, 2, 3])
    .option(
      '--baseline <name>',
      'the policy (or queue) that the others are compared with (default: the first that is not teg)',
    )
    .option('--workers <n>', 'threads; the result does not depend on it (default: one a core)', parseWorkers);
  addReportOptions(addSharedOptions(command, { scheduling: 'Scheduling:', figures: 'Figures and reports:' }))
    .option('--series', 'keep the time series of every run in the JSON')
    .addHelpText('after', SOURCES_HELP + EXAMPLES)
    .action(async (given: CompareOptions, self: Command) => {
      const jobsNamed = self.getOptionValueSource('jobs') !== 'default';
      const options = given.jsonSchema ? given : { ...given, jobs: await jobsOf(given, jobsNamed) };
      const { printJson, printJsonSchema } = await import('../terminal/json-output.ts');
      if (options.jsonSchema) {
        const { comparisonResultSchema } = await import('../../simulation/metrics/result.ts');
        printJsonSchema(comparisonResultSchema);
        return;
      }
      await refuseUnused(self, options);
      const { compare } = await import('../../drivers/embedded/simulations.ts');
      const { watchRun } = await import('../simulation/run-watch.ts');
      const task = toTask(options, self.getOptionValueSource('policies') !== 'default');
      const writeReports = await prepareReports(options, [
        options.cluster,
        options.jobs,
        ...options.policies,
      ]);
      const workers = options.workers === undefined ? {} : { workers: options.workers };
      const result = await watchRun('comparing', (run) => compare(task, { ...run, ...workers }));
      if (options.json) {
        printJson(result);
      } else {
        const { printComparison } = await import('../report/comparison-tables.ts');
        printComparison(result);
      }
      if (writeReports === undefined) return;
      tellReports(await writeReports(result, ownCommand()), options.json === true);
    });
}

function toTask(options: CompareOptions, arePoliciesNamed: boolean): ComparisonTask {
  const { queues, seeds } = options;
  const policies = queues === undefined || arePoliciesNamed ? options.policies : ['teg'];
  if (queues !== undefined && policies.length > 1) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `got --queues and ${policies.length} policies, expected one policy under which queues are compared: name one by --policies`,
    );
  }
  const [what, names] = queues === undefined ? ['policies', policies] : ['queues', queues];
  const baseline = options.baseline ?? names.find((name) => name !== 'teg') ?? (names[0] as string);
  if (!(names as readonly string[]).includes(baseline)) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `got the baseline '${baseline}', expected one of the ${what} ${names.join(', ')}: add it to --${what}`,
    );
  }
  return {
    ...toTaskOptions(options),
    ...(queues === undefined ? {} : { queues }),
    policies,
    seeds,
    baseline,
    withSeries: options.series ?? wantsReport(options),
  };
}

function parseQueues(text: string): DisciplineName[] {
  const names = parseList(text);
  const unknown = names.find((name) => !(QUEUE_NAMES as readonly string[]).includes(name));
  if (unknown === undefined) return names as DisciplineName[];
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got '${unknown}' in --queues, expected some of ${QUEUE_NAMES.join(', ')}`,
  );
}
