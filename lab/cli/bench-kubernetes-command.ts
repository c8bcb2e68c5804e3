/**
 * `teg bench kubernetes`: TEG beside the stock kube-scheduler on a real API server.
 */
import type { Command } from 'commander';
import { parseList, wholeNumber } from '../../src/cli/terminal/option-values.ts';
import type { ProgressLine } from '../../src/cli/terminal/progress-line.ts';
import { TegError } from '../../src/model/errors.ts';
import type { KubernetesRow } from '../bench/kubernetes-packing.ts';
import type { CreationTime } from '../kubernetes-bench/bench-run.ts';
import type { BenchProgress, KubernetesBenchRow } from '../kubernetes-bench/kubernetes-bench.ts';

interface BenchKubernetesOptions {
  readonly workloads: readonly string[];
  readonly nodes?: number;
  readonly pods?: number;
  readonly repeats?: number;
  readonly schedulers: readonly string[];
  readonly created: CreationTime;
  readonly traces?: string;
  readonly kubeReference?: string;
  readonly sequences?: readonly string[];
  readonly markdown?: string;
  readonly json?: boolean;
}

/** Runs of each scheduler on each workload; of Packing, whose runs differ little and take a minute, one. */
const REPEATS = 3;
const PACKING_REPEATS = 1;

const EXAMPLES = `
Examples:
  teg bench kubernetes
  teg bench kubernetes --workloads SchedulingBasic,GangScheduling --schedulers teg,stock,stock-no-batching
  teg bench kubernetes --workloads SchedulingBasic --nodes 100 --pods 500 --repeats 1 --json
  teg bench kubernetes --workloads Packing --traces shared/traces/openb --kube-reference shared/reference/kube-scheduler-1.36

Every run has a control plane of its own (etcd and kube-apiserver, built with Go the first time). Workloads have the
names of scheduler_perf and are sized for two cores. docs/kubernetes-bench.md explains the figures.`;

/** Adds `teg bench kubernetes`. */
export function addBenchKubernetesCommand(bench: Command): void {
  bench
    .command('kubernetes')
    .description(
      'TEG beside the stock kube-scheduler on a real API server: pods/s, waits, CPU, memory, packing',
    )
    .option('--workloads <names>', 'names of scheduler_perf, Restart, Packing, or all', parseList, ['all'])
    .option(
      '--nodes <n>',
      'the nodes: how many to generate, instead of each workload’s own number',
      wholeNumber(1, 1_000_000),
    )
    .option(
      '--pods <n>',
      'the measured pods: how many to generate, instead of each workload’s own number',
      wholeNumber(1, 1_000_000),
    )
    .option('--repeats <n>', 'runs of each scheduler (default: 3; Packing: 1)', wholeNumber(1, 1_000))
    .option(
      '--schedulers <names>',
      'of teg, teg-no-coalescing, stock, stock-no-batching, stock-most-allocated, teg-enforce (100 tenants), teg-other (checkout in $TEG_OTHER)',
      parseList,
      ['teg', 'stock'],
    )
    .option(
      '--created <when>',
      'meanwhile: pods are created while the scheduler runs, as in scheduler_perf; before: before it starts',
      parseCreated,
      'meanwhile',
    )
    .option('--traces <dir>', 'for Packing: folder with openb_node_list_gpu_node.csv[.gz]')
    .option(
      '--kube-reference <dir>',
      'for Packing: sequences that a real kube-scheduler packed, and its results',
    )
    .option('--sequences <names>', 'for Packing: only these, for example default-42', parseList)
    .option('--markdown <file>', 'also write the tables as Markdown')
    .option('--json', 'print JSON: an array of one object a workload and scheduler')
    .addHelpText('after', EXAMPLES)
    .action(runBench);
}

function parseCreated(text: string): CreationTime {
  if (text === 'meanwhile' || text === 'before') return text;
  throw new TegError('TEG_OPTION_INVALID', `got '${text}', expected meanwhile or before`);
}

async function runBench(options: BenchKubernetesOptions): Promise<void> {
  const { printBenchTables } = await import('../bench/kubernetes-report.ts');
  const { interruptSignal } = await import('../../src/cli/terminal/interrupt.ts');
  const { ProgressLine } = await import('../../src/cli/terminal/progress-line.ts');
  if (options.markdown !== undefined) {
    const { prepareOutput } = await import('../../src/cli/files/output-file.ts');
    await prepareOutput(options.markdown);
  }
  const started = new Date();
  const plan = await planOf(options);
  const signal = interruptSignal();
  const line = new ProgressLine('measuring', { unit: 'runs' });
  const rows: KubernetesRow[] = [];
  const onRows = (added: readonly KubernetesRow[]): void => {
    rows.push(...added);
    line.clear();
    if (options.json !== true) printBenchTables(added);
  };
  try {
    await measure(options, plan, { signal, line, onRows });
  } finally {
    line.finish();
  }
  if (options.json === true) (await import('../../src/cli/terminal/json-output.ts')).printJson(rows);
  if (options.markdown !== undefined) await writeMarkdown(options.markdown, rows, started);
  if (signal.aborted) process.stderr.write('partial: stopped before all runs had ended\n');
  report(rows);
}

type Plan = Awaited<ReturnType<typeof planOf>>;

/** Checks names and finds files before anything is measured. */
async function planOf(options: BenchKubernetesOptions) {
  const { PACKING, WORKLOADS, workloadByName } = await import('../kubernetes-bench/workloads.ts');
  const { schedulerByName } = await import('../kubernetes-bench/schedulers.ts');
  const all = options.workloads.includes('all');
  const names = options.workloads.filter((name) => name !== PACKING);
  return {
    workloads: all ? WORKLOADS : names.map(workloadByName),
    schedulers: options.schedulers.map(schedulerByName),
    packing: await packingInputs(options, all, all || options.workloads.includes(PACKING)),
  };
}

/**
 * @returns The sequences; none where Packing is not wanted, or is one of all workloads and its files were not named.
 */
async function packingInputs(options: BenchKubernetesOptions, all: boolean, wanted: boolean) {
  if (!wanted) return [];
  const { traces, kubeReference, sequences } = options;
  if (traces !== undefined && kubeReference !== undefined) {
    const { readPackingInputs } = await import('../bench/kubernetes-packing.ts');
    return readPackingInputs({ traces, kubeReference, sequences });
  }
  const missing = `got no ${traces === undefined ? '--traces' : '--kube-reference'} DIR, expected it for Packing`;
  if (!all) throw new TegError('TEG_OPTION_INVALID', missing);
  process.stderr.write(`Packing is skipped: ${missing}\n`);
  return [];
}

interface Measuring {
  readonly signal: AbortSignal;
  readonly line: ProgressLine;
  readonly onRows: (rows: readonly KubernetesRow[]) => void;
}

async function measure(
  options: BenchKubernetesOptions,
  { workloads, schedulers, packing }: Plan,
  { signal, line, onRows }: Measuring,
): Promise<void> {
  const { benchKubernetes, benchPackingOnCluster } = await import('../kubernetes-bench/kubernetes-bench.ts');
  const { nodes, pods, repeats, created } = options;
  const onProgress = ({ runsDone, runs, note }: BenchProgress): void => line.update(runsDone, note, runs);
  const common = { schedulers, signal, onProgress };
  await benchKubernetes({ ...common, workloads, repeats: repeats ?? REPEATS, nodes, pods, created }, onRows);
  if (packing.length === 0 || signal.aborted) return;
  const { withPrediction } = await import('../bench/kubernetes-packing.ts');
  await benchPackingOnCluster(
    { ...common, sequences: packing, repeats: repeats ?? PACKING_REPEATS },
    (rows: readonly KubernetesBenchRow[]) => onRows(withPrediction(rows, packing)),
  );
}

async function writeMarkdown(path: string, rows: readonly KubernetesRow[], started: Date): Promise<void> {
  const { writeWholeText } = await import('../../src/cli/files/output-file.ts');
  const { benchMarkdown } = await import('../bench/kubernetes-report.ts');
  const { machineFacts } = await import('../bench/machine-facts.ts');
  await writeWholeText(path, benchMarkdown(rows, machineFacts(started)));
}

/** Reports failures, and lets the command end with 1 if there were any. */
function report(rows: readonly KubernetesRow[]): void {
  for (const { workload, scheduler, failures } of rows) {
    for (const failure of failures) process.stderr.write(`failed: ${workload} ${scheduler}: ${failure}\n`);
    if (failures.length > 0) process.exitCode = 1;
  }
}
