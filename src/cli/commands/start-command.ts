/** `teg start`: compares TEG with well-known schedulers on one workload, without any question to the user. */
import type { Command } from 'commander';
import { DECISION_COSTS_HELP } from '../report/report-options.ts';
import type { StartOptions } from '../start/start-plan.ts';
import {
  parseList,
  parsePositiveDuration,
  parsePositiveNumber,
  parseSeeds,
  parseWorkers,
  wholeNumber,
} from '../terminal/option-values.ts';

const EXAMPLES = `
Examples:
  npm start
  npm start -- --nodes nodes.csv --pods pods.csv
  npm start -- --nodes cluster.yaml --pods cluster.yaml --policies teg,./my-policy.ts
  npm start -- --nodes 500 --jobs 20000 --seeds 1-8
Without files: 2,000 generated GPU nodes and about a day of jobs that request nearly all of them. Workloads from files
that request less than half of the cluster at their peak are put under pressure: their arrivals come faster, and the
workload is repeated, until the demand peaks above the capacity of the cluster. The changes are printed;
--arrival-speed 1 runs them as recorded. All further options: \`teg compare --help\`.`;

/** Adds `teg start`. */
export function addStartCommand(parent: Command): void {
  parent
    .command('start')
    .description('compare TEG with kube-scheduler and FGD on a generated cluster, or on your files')
    .option('--nodes <source>', 'the nodes: a file (openb, Kubernetes YAML, …) or how many to generate')
    .option('--pods <source>', 'the pods: a file (default: generated for the nodes)')
    .option('--jobs <source>', 'the jobs: how many to generate, or a file as of --pods')
    .option('--policies <names>', 'names or paths, separated by commas', parseList, [
      'teg',
      'kube-scheduler',
      'fgd',
    ])
    .option('--seeds <seeds>', 'for example 1-5 or 1,3,7 (default: 1-4)', parseSeeds)
    .option('--arrival-speed <factor>', 'arrivals come this many times as fast', parsePositiveNumber)
    .option('--repeat <n>', 'run through the workload this many times', wholeNumber(1, 1_000_000))
    .option('--horizon <duration>', 'stop at this virtual time', parsePositiveDuration)
    .option('--workers <n>', 'threads (default: one a core)', parseWorkers)
    .option('--quick', 'a small cluster, five short runs of each policy: half a minute at most')
    .option('--decision-costs <file>', DECISION_COSTS_HELP)
    .option('--out <dir>', 'folder for the reports', 'reports')
    .addHelpText('after', EXAMPLES)
    .action(async (options: StartOptions) => {
      const { start } = await import('../start/start-run.ts');
      await start(options);
    });
}
