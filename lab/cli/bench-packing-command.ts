/**
 * `teg bench packing`: the published packing benchmark, and the comparison with a real kube-scheduler.
 */
import type { Command } from 'commander';
import {
  parseList,
  parseSeeds,
  parseSourceFile,
  parseWorkers,
  parseWorkloadMix,
} from '../../src/cli/terminal/option-values.ts';
import type { KubeReferenceRow } from '../packing/kube-reference.ts';
import type { PackingRow } from '../packing/packing-run.ts';
import type { PackingTask, PackingTaskResult } from '../packing/packing-task.ts';
import type { PublishedResults } from '../packing/published-results.ts';

interface PackingOptions {
  readonly nodes?: string;
  readonly pods?: string;
  readonly arrivals?: string;
  readonly ranks?: string;
  readonly traces?: string;
  readonly reference?: string;
  readonly lists?: string[];
  readonly policies?: string[];
  readonly seeds: number[];
  readonly workloadMix: 'list' | 'learned';
  readonly workers: number;
  readonly kubeReference?: string;
  readonly json?: boolean;
}

/** Default policies: those of the published benchmark and TEG's. */
const DEFAULT_POLICIES = ['random', 'dot-product', 'gpu-clustering', 'gpu-packing', 'best-fit', 'fgd', 'teg'];

/** Default policies for the comparison with a real kube-scheduler. */
const DEFAULT_KUBE_POLICIES = ['kube-scheduler', 'kube-scheduler-most-allocated', 'fgd', 'teg'];

const EXAMPLES = `
Examples:
  teg bench packing --traces shared/traces/openb --reference shared/reference
  teg bench packing --nodes nodes.csv --pods pods.csv --policies fgd,./my-policy.ts --seeds 42-44 --json
  teg bench packing --kube-reference shared/reference/kube-scheduler-1.36 --nodes nodes.csv

Every pod of the list arrives once in an order drawn from the seed, some again, until 130 % of the cluster's GPUs
have been requested; none ever leaves. docs/packing.md describes the benchmark and its columns.`;

/** Adds `teg bench packing`. */
export function addBenchPackingCommand(bench: Command): void {
  bench
    .command('packing')
    .description('how well policies pack GPUs: the published benchmark')
    .option('--nodes <file>', 'the nodes: a file', parseSourceFile)
    .option('--pods <file>', 'the pods: a file', parseSourceFile)
    .option('--arrivals <file>', 'given arrivals (CSV: seed,position,pod_row) instead of drawn ones')
    .option('--ranks <file>', 'given node ranks (CSV: seed,node,rank); with --arrivals')
    .option('--traces <dir>', 'run every openb_pod_list_NAME.csv[.gz] of a folder')
    .option('--reference <dir>', 'set the published results beside ours')
    .option('--lists <names>', 'of --traces, only these lists', parseList)
    .option('--policies <names>', 'policies by name, or the path of a policy file', parseList)
    .option('--seeds <seeds>', 'seeds, for example 42-51', parseSeeds, parseSeeds('42-51'))
    .option(
      '--workload-mix <how>',
      'list: the pod list is known; learned: policies see arrivals only',
      parseWorkloadMix,
      'list',
    )
    .option('--workers <n>', 'worker threads; more than 1 disturb their timings', parseWorkers, 1)
    .option('--kube-reference <dir>', 'pack the sequences that a real kube-scheduler packed instead')
    .option('--json', 'print JSON: an array of one object a run')
    .addHelpText('after', EXAMPLES)
    .action((options: PackingOptions) => {
      const { kubeReference } = options;
      return kubeReference === undefined ? runBenchmark(options) : runKube(options, kubeReference);
    });
}

async function runBenchmark(options: PackingOptions): Promise<void> {
  const { findNodes, findPackingLists } = await import('../packing/packing-inputs.ts');
  const { readPublishedResults } = await import('../packing/published-results.ts');
  const published = options.reference === undefined ? undefined : readPublishedResults(options.reference);
  const nodes = findNodes(options);
  const workloads = findPackingLists(options).map((list) => ({ kind: 'list', list }) as const);
  const policies = options.policies ?? (await registered(DEFAULT_POLICIES));
  const rows = (await runTasks(options, nodes, workloads, policies)) as PackingRow[];
  if (options.json === true) {
    const { printJson } = await import('../../src/cli/terminal/json-output.ts');
    printJson(published === undefined ? rows : rows.map((row) => withPublished(row, published)));
    return;
  }
  const { printPackingSummary, summarisePacking } = await import('../packing/packing-report.ts');
  if (rows.length > 0) printPackingSummary(summarisePacking(rows, published), published !== undefined);
}

function withPublished(row: PackingRow, published: PublishedResults): object {
  return { ...row, published: published.find(row.list, row.policy, row.seed) ?? null };
}

async function runKube(options: PackingOptions, folder: string): Promise<void> {
  const { findNodes } = await import('../packing/packing-inputs.ts');
  const { findKubeSequences } = await import('../packing/kube-reference.ts');
  const nodes = findNodes(options);
  const workloads = findKubeSequences(folder).map((sequence) => ({ kind: 'sequence', sequence }) as const);
  const policies = options.policies ?? (await registered(DEFAULT_KUBE_POLICIES));
  const rows = (await runTasks(options, nodes, workloads, policies)) as KubeReferenceRow[];
  if (options.json === true) (await import('../../src/cli/terminal/json-output.ts')).printJson(rows);
  else if (rows.length > 0) (await import('../packing/kube-report.ts')).printKubeReference(rows);
}

/** Runs each workload × policy × seed on worker threads. @returns Rows in that order; fewer if interrupted. */
async function runTasks(
  options: PackingOptions,
  nodes: string,
  workloads: readonly PackingTask['workload'][],
  policies: readonly string[],
): Promise<PackingTaskResult[]> {
  const { loadPolicy } = await import('../../src/drivers/embedded/load-policy.ts');
  const { runOnWorkers } = await import('../../src/drivers/embedded/worker-pool.ts');
  const { ProgressLine } = await import('../../src/cli/terminal/progress-line.ts');
  const { interruptSignal } = await import('../../src/cli/terminal/interrupt.ts');
  // So that a misspelled name is reported at once, not after the runs of the policies before it.
  await Promise.all(policies.map(loadPolicy));
  const { seeds, workloadMix, workers } = options;
  const tasks = workloads.flatMap((workload) =>
    policies.flatMap((policy) =>
      seeds.map((seed): PackingTask => ({ nodes, workload, policy, seed, typical: workloadMix })),
    ),
  );
  const line = new ProgressLine('packing', { total: tasks.length, unit: 'runs' });
  const results = await runOnWorkers<PackingTask, PackingTaskResult>({
    url: new URL('../packing/packing-worker.ts', import.meta.url),
    tasks,
    workers,
    signal: interruptSignal(),
    onProgress: ({ tasksDone }) => line.update(tasksDone),
  }).finally(() => line.finish());
  const rows = results.filter((row) => row !== undefined);
  if (rows.length < tasks.length) process.stderr.write(`partial: ${rows.length} of ${tasks.length} runs\n`);
  return rows;
}

/** @returns The default policies that this build has. */
async function registered(names: readonly string[]): Promise<string[]> {
  const { POLICIES } = await import('../../src/simulation/inputs/policies.ts');
  return names.filter((name) => POLICIES.some((policy) => policy.name === name));
}
