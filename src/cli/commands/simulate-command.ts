/**
 * `teg simulate`: one policy, one workload, one seed, through the life of every job.
 */
import type { Command } from 'commander';
import type { SimulationTask } from '../../drivers/embedded/simulation-task.ts';
import { TegError } from '../../model/errors.ts';
import type { JobRecords } from '../../simulation/inputs/job-log.ts';
import type { SimulationResult } from '../../simulation/metrics/result.ts';
import { addZonesOptions, type ZonesOptions } from '../federation/zones-options.ts';
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
import {
  addWhatIfOptions,
  refuseWhatIf,
  toWhatIf,
  WHAT_IF_HELP,
  type WhatIfOptions,
} from '../simulation/what-if-options.ts';
import { parseSeed } from '../terminal/option-values.ts';

interface SimulateOptions extends SharedOptions, ReportOptions, ZonesOptions, WhatIfOptions {
  readonly policy: string;
  readonly seed: number;
  readonly explain?: string;
  readonly series: boolean;
  readonly jobsOut?: string;
  readonly ledger?: string;
}

const EXAMPLES = `
Examples:
  teg simulate --cluster generated:openb:2000 --jobs generated:100000 --policy teg
  teg simulate --cluster nodes.csv --jobs pods.csv --policy kube-scheduler --mtbf 30d --mttr 4h
  teg simulate --cluster cluster.yaml --jobs cluster.yaml --policy ./mine.ts --json
  teg simulate --cluster snapshot.json.gz --start-from-snapshot --add-nodes '8*gpu-node-3' --remove-nodes gpu-node-1
  teg simulate --cluster generated:openb:100000 --jobs generated:1e6 --zones 100 --staleness 1s
Several policies or seeds: \`teg compare\`.`;

/** Heading in the help for options that runs with many zones refuse. */
const ONE_ZONE = 'One zone (without --zones):';

/** Adds `teg simulate`. */
export function addSimulateCommand(parent: Command): void {
  const command = parent
    .command('simulate')
    .description('run a workload through a simulated cluster, from the first arrival to the last departure')
    .option(
      '--policy <name>',
      'a policy that `teg policies` lists, or the path of your own (with --zones: teg)',
      'teg',
    )
    .option('--seed <n>', 'of everything random', parseSeed, 1);
  addReportOptions(addSharedOptions(command, { scheduling: ONE_ZONE, figures: ONE_ZONE }))
    .option('--explain <name>', "print one job's life and the reasons for its pods' nodes")
    .option('--jobs-out <file>', 'write a row for each job: .csv, .csv.gz or .parquet')
    .option(
      '--ledger <file>',
      'write the rents of the tenants to a file; `teg ledger` reads it; the same run goes on with it after a crash (with --tenants)',
    );
  addZonesOptions(addWhatIfOptions(command))
    .optionsGroup('')
    .option('--no-series', 'leave the time series out of the JSON')
    .addHelpText('after', SOURCES_HELP + WHAT_IF_HELP + EXAMPLES)
    .action(async (options: SimulateOptions, self: Command) => {
      const { printJson, printJsonSchema } = await import('../terminal/json-output.ts');
      if (options.jsonSchema) {
        const { simulationResultSchema } = await import('../../simulation/metrics/result.ts');
        printJsonSchema(simulationResultSchema);
        return;
      }
      await refuseUnused(self, options);
      if (options.zones !== undefined) {
        refuseWhatIf(options);
        const jobs = await jobsOf(options, self.getOptionValueSource('jobs') !== 'default');
        await (await import('../federation/simulate-zones.ts')).simulateZones({ ...options, jobs });
        return;
      }
      refuseWithoutZones(options);
      const { simulate } = await import('../../drivers/embedded/simulations.ts');
      const { watchRun } = await import('../simulation/run-watch.ts');
      const jobsNamed = self.getOptionValueSource('jobs') !== 'default';
      const jobs = await jobsOf(options, jobsNamed);
      const task = toTask({ ...options, jobs }, jobsNamed);
      const inputs = [options.cluster, options.jobs, options.policy];
      const writeReports = await prepareReports(options, inputs);
      const jobsOut =
        options.jobsOut === undefined
          ? undefined
          : await (await import('../simulation/jobs-out.ts')).openJobsOut(options.jobsOut, inputs);
      let records: JobRecords | undefined;
      const onJobs = (kept: JobRecords): void => {
        records = kept;
      };
      const result = await watchRun(`simulating ${options.policy}`, (run) =>
        simulate(task, { ...run, onJobs }),
      ).catch(async (error: unknown) => {
        await jobsOut?.abort();
        throw error;
      });
      if (records !== undefined) await jobsOut?.write(records);
      if (options.json) {
        printJson(options.series ? result : withoutSeries(result));
      } else {
        const { printSimulation } = await import('../simulation/simulation-tables.ts');
        printSimulation(result);
      }
      if (writeReports === undefined) return;
      const { comparisonOf } = await import('../report/report-source.ts');
      tellReports(await writeReports(comparisonOf(result), ownCommand()), options.json === true);
    });
}

/** Options that apply to runs with many zones only. */
function refuseWithoutZones(options: ZonesOptions): void {
  const names = [
    'staleness',
    'chooser',
    'hosts',
    'fanOut',
    'delay',
    'loss',
    'duplicates',
    'movesPerSummary',
    'workers',
  ] as const;
  const found = names.find((name) => options[name] !== undefined);
  if (found === undefined) return;
  const flag = found.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got --${flag} without --zones, expected both: say how many zones there are`,
  );
}

/** A report needs the series; the JSON omits them unless they were requested. */
function withoutSeries(result: SimulationResult): SimulationResult {
  const { series: _, ...rest } = result;
  return rest;
}

function toTask(options: SimulateOptions, jobsNamed: boolean): SimulationTask {
  return {
    ...toTaskOptions(options),
    ...toWhatIf(options, jobsNamed),
    policy: options.policy,
    seed: options.seed,
    withSeries: options.series || wantsReport(options),
    ...(options.jobsOut === undefined ? {} : { withJobs: true }),
    ...(options.explain === undefined ? {} : { explain: options.explain }),
    ...(options.ledger === undefined ? {} : { ledgerFile: options.ledger }),
  };
}
