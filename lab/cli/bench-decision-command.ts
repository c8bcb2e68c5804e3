/** `teg bench decision`: the cost of one decision under churn, by the size of the cluster. */
import type { Command } from 'commander';
import {
  decimalNumber,
  parseFraction,
  parseList,
  parsePositiveIntList,
  parseSeed,
  parseSourceFile,
  parseWorkloadMix,
  wholeNumber,
} from '../../src/cli/terminal/option-values.ts';
import type { DecisionRow, DecisionTask } from '../bench/decision-task.ts';

interface DecisionOptions {
  readonly nodes: number[];
  readonly policies: string[];
  readonly cluster?: string;
  readonly jobs?: string;
  readonly fill: number;
  readonly steps: number;
  readonly warmupSteps: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly workloadMix: 'list' | 'learned';
  readonly seed: number;
  readonly json?: boolean;
}

const DEFAULT_NODES = [1_000, 10_000, 100_000, 1_000_000];
const DEFAULT_POLICIES = ['teg', 'kube-scheduler', 'fgd', 'best-of-d'];

const EXAMPLES = `
Examples:
  teg bench decision --nodes 1000,1000000 --policies teg
  teg bench decision --nodes 100000 --policies teg,full-scan --seconds 60 --json
  teg bench decision --cluster nodes.csv --jobs pods.csv --nodes 1523 --fill 0.85

Each cluster is filled by TEG. Then, step by step, a random pod leaves and a new one arrives; a step's time is that of
both with all their updates. docs/benchmarks.md describes the measurement.`;

/** Adds `teg bench decision`. */
export function addBenchDecisionCommand(bench: Command): void {
  bench
    .command('decision')
    .description('the cost of one decision under churn, by the size of the cluster')
    .option(
      '--nodes <counts>',
      'the nodes: how many; several clusters run one after the other',
      parsePositiveIntList,
      DEFAULT_NODES,
    )
    .option(
      '--policies <names>',
      'policies by name, or the path of a policy file',
      parseList,
      DEFAULT_POLICIES,
    )
    .option(
      '--cluster <file>',
      'take the nodes of this list, over and over (default: a generated mix)',
      parseSourceFile,
    )
    .option(
      '--jobs <file>',
      'draw pods from this list (default: a generated mix of some 260 shapes)',
      parseSourceFile,
    )
    .option('--fill <share>', 'GPUs in use', parseFraction, 0.9)
    .option('--steps <n>', 'steps timed in each round', wholeNumber(1, 100_000_000), 100_000)
    .option('--warmup-steps <n>', 'steps before them', wholeNumber(0, 100_000_000), 200_000)
    .option('--rounds <n>', 'rounds; the least of their figures count', wholeNumber(1, 1_000), 5)
    .option(
      '--seconds <s>',
      "most time for a policy's rounds, and for its warm-up",
      decimalNumber(0, 86_400, true),
      20,
    )
    .option(
      '--workload-mix <how>',
      'list: the mix is known; learned: policies see arrivals only',
      parseWorkloadMix,
      'list',
    )
    .option('--seed <n>', 'of everything random', parseSeed, 1)
    .option('--json', 'print JSON: an array of one object a size and policy')
    .addHelpText('after', EXAMPLES)
    .action(runBench);
}

async function runBench(options: DecisionOptions): Promise<void> {
  const { ProgressLine } = await import('../../src/cli/terminal/progress-line.ts');
  const { loadPolicy } = await import('../../src/drivers/embedded/load-policy.ts');
  await Promise.all(options.policies.map(loadPolicy));
  const line = new ProgressLine('deciding', { total: options.nodes.length, unit: 'sizes' });
  const rows: DecisionRow[] = [];
  try {
    for (const [done, nodes] of options.nodes.entries()) {
      line.update(done);
      rows.push(...(await measureSize(options, nodes)));
    }
  } finally {
    line.finish();
  }
  if (options.json === true) (await import('../../src/cli/terminal/json-output.ts')).printJson(rows);
  else (await import('../bench/decision-report.ts')).printDecisions(rows);
}

/** Measures one size on a thread of its own, where no other size has shaped the compiled code. */
async function measureSize(options: DecisionOptions, nodes: number): Promise<DecisionRow[]> {
  const { runOnWorkers } = await import('../../src/drivers/embedded/worker-pool.ts');
  const { policies, cluster, jobs, fill, steps, warmupSteps, rounds, seconds, workloadMix, seed } = options;
  const task: DecisionTask = {
    nodes,
    policies,
    fill,
    steps,
    warmup: warmupSteps,
    rounds,
    secondsMax: seconds,
    typical: workloadMix,
    seed,
    ...(cluster === undefined ? {} : { cluster }),
    ...(jobs === undefined ? {} : { jobs }),
  };
  const results = await runOnWorkers<DecisionTask, DecisionRow[]>({
    url: new URL('../bench/decision-worker.ts', import.meta.url),
    tasks: [task],
    workers: 1,
  });
  return results[0] ?? [];
}
