/**
 * `teg compare`: several policies and seeds on the same arrivals.
 */
import type { Command } from 'commander';
import type { ComparisonTask } from '../../drivers/embedded/simulations.ts';
import { TegError } from '../../model/errors.ts';
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
  readonly seeds: number[];
  readonly baseline?: string;
  readonly workers?: number;
  readonly series?: boolean;
}

const EXAMPLES = `
Examples:
  teg compare --policies teg,kube-scheduler,fgd --seeds 1-5
  teg compare --cluster nodes.csv --jobs jobs.csv --policies teg,best-fit --seeds 1-10 --resample --workers 4
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
    .option('--seeds <seeds>', 'for example 1-5 or 1,3,7', parseSeeds, [1, 2, 3])
    .option(
      '--baseline <name>',
      'the policy that the others are compared with (default: the first that is not teg)',
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
      const task = toTask(options);
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

function toTask(options: CompareOptions): ComparisonTask {
  const { policies, seeds } = options;
  const baseline = options.baseline ?? policies.find((name) => name !== 'teg') ?? (policies[0] as string);
  if (!policies.includes(baseline)) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `got the baseline '${baseline}', expected one of the policies ${policies.join(', ')}: add it to --policies`,
    );
  }
  return {
    ...toTaskOptions(options),
    policies,
    seeds,
    baseline,
    withSeries: options.series ?? wantsReport(options),
  };
}
