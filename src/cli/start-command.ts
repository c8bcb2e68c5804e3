/**
 * `teg start` (`npm start`): TEG beside the schedulers people know, on one workload, without a question asked.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { ComparisonTask } from '../drivers/embedded/simulations.ts';
import type { ComparisonResult } from '../simulation/result.ts';
import { formatPercent } from './terminal/formatting.ts';
import {
  parseDurationSeconds,
  parseList,
  parsePositiveInt,
  parsePositiveNumber,
  parseSeeds,
} from './terminal/option-values.ts';

interface StartOptions {
  readonly nodes?: string;
  readonly pods?: string;
  readonly policies: string[];
  readonly seeds: number[];
  readonly horizon?: number;
  readonly load?: number;
  readonly workers?: number;
  readonly out: string;
}

/** More work than the cluster can do, for some six hours: where placement decides how much of it runs. */
const DEFAULT_CLUSTER = 'generated:openb:2000';
const DEFAULT_JOBS = 'generated:60000:2.5';
const DEFAULT_HORIZON_SECONDS = 12 * 3600;

const EXAMPLES = `
Examples:
  npm start
  npm start -- --nodes nodes.csv --pods pods.csv
  npm start -- --nodes cluster.yaml --pods cluster.yaml --policies teg,./my-policy.ts
Without files: 2,000 made-up GPU nodes, and for some six hours 2.5 times the work that they can do, watched for
twelve hours. Everything else there is to set: \`teg compare --help\`.`;

/** Below this share of the cluster's GPU time a workload never makes anything wait. */
const OFFERED_MIN = 0.3;

/** Adds `teg start`. */
export function addStartCommand(parent: Command): void {
  parent
    .command('start')
    .description('compare TEG with kube-scheduler and FGD on a made-up cluster, or on your files')
    .option('--nodes <file>', 'your nodes: openb, Kubernetes YAML, … (default: 2,000 made-up GPU nodes)')
    .option('--pods <file>', 'your workload (default: made up for the nodes)')
    .option('--policies <list>', 'names or paths, separated by commas', parseList, [
      'teg',
      'kube-scheduler',
      'fgd',
    ])
    .option('--seeds <list>', 'for example 1-5 or 1,3,7', parseSeeds, [1, 2, 3])
    .option(
      '--horizon <duration>',
      'stop at this virtual time (default: 12h without --pods)',
      parseDurationSeconds,
    )
    .option('--load <factor>', 'arrivals come this many times as fast (default: 1)', parsePositiveNumber)
    .option('--workers <n>', 'threads (default: one a core)', parsePositiveInt)
    .option('--out <dir>', 'folder for the report', 'reports')
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(options: StartOptions): Promise<void> {
  const { compare } = await import('../drivers/embedded/simulations.ts');
  const { watchRun } = await import('./simulation/run-watch.ts');
  const { printComparison } = await import('./simulation/comparison-tables.ts');
  const task = toTask(options);
  mkdirSync(options.out, { recursive: true });
  process.stderr.write(
    `comparing ${task.policies.join(', ')} on the same arrivals, ${task.seeds.length} times\n`,
  );
  const workers = options.workers === undefined ? {} : { workers: options.workers };
  const result = await watchRun('comparing', (watch) => compare(task, { ...watch, ...workers }));
  printComparison(result);
  hintAtLoad(result);
  process.stdout.write(`\nresult: ${writeResult(result, options.out)}\n`);
}

function toTask({ nodes, pods, policies, seeds, horizon, load }: StartOptions): ComparisonTask {
  const horizonSeconds = horizon ?? (pods === undefined ? DEFAULT_HORIZON_SECONDS : undefined);
  return {
    cluster: nodes ?? DEFAULT_CLUSTER,
    jobs: pods ?? DEFAULT_JOBS,
    policies,
    seeds,
    baseline: policies.find((name) => name !== 'teg') ?? (policies[0] as string),
    withTiming: true,
    withSeries: true,
    ...(load === undefined ? {} : { load }),
    ...(horizonSeconds === undefined ? {} : { horizonSeconds }),
  };
}

/** Recorded workloads are often made for another cluster: says so where policies have nothing to differ about. */
function hintAtLoad(result: ComparisonResult): void {
  const { offeredGpu = null, load = 1 } = result.runs[0]?.workload ?? {};
  if (offeredGpu === null || offeredGpu >= OFFERED_MIN || offeredGpu <= 0) return;
  const factor = Math.ceil((load * 0.9) / offeredGpu);
  process.stdout.write(
    `\nhint: the workload asks for ${formatPercent(offeredGpu)} of the GPU time, so nothing has to wait; ` +
      `--load ${factor} lets it arrive ${factor} times as fast\n`,
  );
}

/** @returns The path that was written. */
function writeResult(result: ComparisonResult, folder: string): string {
  const path = join(folder, 'start.json');
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  return path;
}
