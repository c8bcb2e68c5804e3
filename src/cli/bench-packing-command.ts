/**
 * `teg bench packing`: the published packing benchmark, and the comparison with a real kube-scheduler.
 */
import type { Command } from 'commander';
import { TegError } from '../model/errors.ts';
import { PODS_PER_NODE_DEFAULT } from '../model/node.ts';
import type { PackingRow } from './packing/packing-run.ts';
import type { PublishedResults } from './packing/published-results.ts';
import { parseList, parsePositiveInt, parseSeeds } from './terminal/option-values.ts';
import type { ProgressLine } from './terminal/progress-line.ts';

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
  readonly typical: 'list' | 'learned';
  readonly workers: number;
  readonly kubeReference?: string;
  readonly json?: boolean;
}

/** Policies of the published benchmark and TEG's, where none are named. */
const DEFAULT_POLICIES = ['random', 'dot-product', 'gpu-clustering', 'gpu-packing', 'best-fit', 'fgd', 'teg'];

/** Policies that are set beside a real kube-scheduler, where none are named. */
const DEFAULT_KUBE_POLICIES = ['kube-scheduler', 'kube-scheduler-most-allocated', 'fgd', 'teg'];

const EXAMPLES = `
Examples:
  teg bench packing --traces shared/traces/openb --reference shared/reference
  teg bench packing --nodes nodes.csv --pods pods.csv --policies fgd,./my-policy.ts --seeds 42-44 --json
  teg bench packing --kube-reference shared/reference/kube-scheduler-1.36 --nodes nodes.csv

Every pod of the list arrives once in an order drawn from the seed, some again, until 130 % of the cluster's GPUs
have been asked for; none ever leaves. docs/packing.md describes the benchmark and its columns.`;

/** Adds `teg bench packing`. */
export function addBenchPackingCommand(bench: Command): void {
  bench
    .command('packing')
    .description('how well policies pack GPUs: the published benchmark')
    .option('--nodes <file>', 'node list')
    .option('--pods <file>', 'pod list')
    .option('--arrivals <file>', 'given arrivals (CSV: seed,position,pod_row) instead of drawn ones')
    .option('--ranks <file>', 'given node ranks (CSV: seed,node,rank); with --arrivals')
    .option('--traces <dir>', 'run every openb_pod_list_NAME.csv[.gz] of a folder')
    .option('--reference <dir>', 'set the published results beside ours')
    .option('--lists <names>', 'of --traces, only these lists', parseList)
    .option('--policies <names>', 'policies by name, or the path of a policy file', parseList)
    .option('--seeds <seeds>', 'seeds, for example 42-51', parseSeeds, parseSeeds('42-51'))
    .option(
      '--typical <how>',
      'list: the pod list is known; learned: policies see arrivals only',
      parseTypical,
      'list',
    )
    .option('--workers <n>', 'threads; with more than 1 the timings disturb each other', parsePositiveInt, 1)
    .option('--kube-reference <dir>', 'pack the sequences that a real kube-scheduler packed instead')
    .option('--json', 'print JSON: an array of one object a run')
    .addHelpText('after', EXAMPLES)
    .action((options: PackingOptions) =>
      (options.kubeReference === undefined ? runBenchmark : runKube)(options),
    );
}

function parseTypical(text: string): 'list' | 'learned' {
  if (text === 'list' || text === 'learned') return text;
  throw new TegError('TEG_OPTION_INVALID', `got '${text}', expected list or learned`);
}

async function runBenchmark(options: PackingOptions): Promise<void> {
  const { readPackingInputs } = await import('./packing/packing-inputs.ts');
  const { runPackingPlan } = await import('./packing/packing-pool.ts');
  const { readPublishedResults } = await import('./packing/published-results.ts');
  const policies = await knownPolicies(options.policies ?? (await registered(DEFAULT_POLICIES)));
  const published = options.reference === undefined ? undefined : readPublishedResults(options.reference);
  const inputs = await readPackingInputs(options);
  const total = inputs.lists.length * policies.length * options.seeds.length;
  const { progress, signal } = await startProgress(total);
  const plan = { ...options, inputs, policies };
  const rows = await runPackingPlan(
    plan,
    (done, row) => progress.update(done, `${row.list} ${row.policy}`),
    signal,
  );
  progress.finish();
  noteIfPartial(rows.length, total);
  await printRows(rows, published, options.json === true);
}

async function printRows(
  rows: readonly PackingRow[],
  published: PublishedResults | undefined,
  json: boolean,
): Promise<void> {
  if (json) {
    const { printJson } = await import('./terminal/json-output.ts');
    printJson(published === undefined ? rows : rows.map((row) => withPublished(row, published)));
    return;
  }
  const { printPackingSummary, summarisePacking } = await import('./packing/packing-report.ts');
  if (rows.length > 0) printPackingSummary(summarisePacking(rows, published), published !== undefined);
}

function withPublished(row: PackingRow, published: PublishedResults): object {
  return { ...row, published: published.find(row.list, row.policy, row.seed) ?? null };
}

async function runKube(options: PackingOptions): Promise<void> {
  const { loadPolicy } = await import('./load-policy.ts');
  const { nodesIn } = await import('./packing/packing-inputs.ts');
  const { readKubeSequences, runKubeSequence } = await import('./packing/kube-reference.ts');
  const { readNodes } = await import('../traces/read.ts');
  const names = options.policies ?? (await registered(DEFAULT_KUBE_POLICIES));
  const policies = await Promise.all(names.map(loadPolicy));
  const sequences = readKubeSequences(options.kubeReference ?? '');
  const nodes = await readNodes(options.nodes ?? nodesIn(options.traces), {
    assume: { openbPodsPerNode: PODS_PER_NODE_DEFAULT },
  });
  const total = sequences.length * policies.length * options.seeds.length;
  const { progress, signal } = await startProgress(total);
  const rows = [];
  for (const sequence of sequences) {
    for (const policy of policies) {
      for (const seed of options.seeds) {
        if (signal.aborted) break;
        rows.push(runKubeSequence(nodes, sequence, policy, seed, options.typical));
        progress.update(rows.length, `${sequence.name} ${policy.name}`);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }
  progress.finish();
  noteIfPartial(rows.length, total);
  if (options.json) (await import('./terminal/json-output.ts')).printJson(rows);
  else if (rows.length > 0) (await import('./packing/kube-report.ts')).printKubeReference(rows);
}

/** @returns The names as they are, once every one of them is known to load. */
async function knownPolicies(names: readonly string[]): Promise<readonly string[]> {
  const { loadPolicy } = await import('./load-policy.ts');
  await Promise.all(names.map(loadPolicy));
  return names;
}

/** @returns Those of the default policies that this build has. */
async function registered(names: readonly string[]): Promise<string[]> {
  const { POLICIES } = await import('../simulation/policies.ts');
  return names.filter((name) => POLICIES.some((policy) => policy.name === name));
}

async function startProgress(total: number): Promise<{ progress: ProgressLine; signal: AbortSignal }> {
  const { ProgressLine } = await import('./terminal/progress-line.ts');
  const { interruptSignal } = await import('./terminal/interrupt.ts');
  return { progress: new ProgressLine('packing', { total, unit: 'runs' }), signal: interruptSignal() };
}

function noteIfPartial(done: number, total: number): void {
  if (done < total) process.stderr.write(`partial: ${done} of ${total} runs\n`);
}
