/**
 * `teg bench zones`: the quality of agents' placements in many zones on stale summaries, by chooser, beside one fresh
 * zone and models of other schedulers.
 */
import type { Command } from 'commander';
import {
  decimalNumber,
  parseClusterSourceOption,
  parseDurationSeconds,
  parseJobSourceOption,
  parseList,
  parsePositiveIntList,
  parseSeed,
  parseWorkers,
  wholeNumber,
} from '../../src/cli/terminal/option-values.ts';
import type { FederationTask } from '../../src/drivers/embedded/federation-task.ts';
import type { ZonesBenchRow } from '../zones/zones-bench.ts';

interface BenchZonesOptions {
  readonly nodes: readonly number[];
  readonly zones?: number;
  readonly cluster?: string;
  readonly jobs: string;
  readonly staleness: number;
  readonly choosers: readonly string[];
  readonly peers: readonly string[];
  readonly load: number;
  readonly span: number;
  readonly lifetime?: number;
  readonly hosts?: number;
  readonly fanOut?: number;
  readonly delay?: number;
  readonly movesPerSummary?: number;
  readonly seed: number;
  readonly workers?: number;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  teg bench zones --nodes 10000 --zones 10
  teg bench zones --nodes 1000,10000,100000 --choosers anticipated --peers none
  teg bench zones --nodes 1000000 --zones 1000 --staleness 1 --choosers anticipated,best-of-d,least-loaded --peers none
  teg bench zones --nodes 20000 --zones 20 --lifetime 60s --load 1.05 --span 300s --json

Jobs of a generated mix arrive until they request more GPUs than the cluster has. They stay, or leave after exponential lifetimes.
docs/choosers.md explains the figures and has the results.`;

/** Adds `teg bench zones`. */
export function addBenchZonesCommand(bench: Command): void {
  bench
    .command('zones')
    .description('many zones on stale summaries: probes, refusals, allocation, by chooser and beside others')
    .option(
      '--nodes <counts>',
      'the nodes: how many to generate; several clusters run one after the other',
      parsePositiveIntList,
      [10_000],
    )
    .option('--zones <n>', 'zones (default: one for 1,000 nodes)', wholeNumber(1, 100_000))
    .option(
      '--cluster <source>',
      'a cluster as of `teg simulate`, instead of --nodes',
      parseClusterSourceOption,
    )
    .option(
      '--jobs <source>',
      'where the mix of jobs comes from, as of `teg simulate`',
      parseJobSourceOption,
      'generated:8192:0.9',
    )
    .option('--staleness <duration>', 'how often zones publish', parseDurationSeconds, 1)
    .option('--choosers <names>', 'names, or all', parseList, ['all'])
    .option('--peers <names>', 'schedulers of others: names, all, or none', parseList, ['all'])
    .option('--load <factor>', 'GPUs requested over GPUs of the cluster', decimalNumber(0, 1_000, true), 1.1)
    .option('--span <duration>', 'over how long jobs arrive', parseDurationSeconds, 100)
    .option('--lifetime <duration>', 'mean time a job stays (default: forever)', parseDurationSeconds)
    .option('--hosts <n>', 'agent hosts (default: one a zone)', wholeNumber(1, 100_000))
    .option('--fan-out <n>', 'children of a node of the summary tree (default: 32)', wholeNumber(2, 10_000))
    .option('--delay <duration>', 'mean time of a message on the way (default: 10ms)', parseDurationSeconds)
    .option(
      '--moves-per-summary <n>',
      'running jobs that a host considers moving at each summary',
      wholeNumber(0, 1_000_000),
    )
    .option('--seed <n>', 'of everything random', parseSeed, 1)
    .option('--workers <n>', "threads (default: the machine's parallelism)", parseWorkers)
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(runBench);
}

/** Virtual time after the last arrival, in which the remaining jobs are placed where possible. */
const SETTLE_REFRESHES = 20;

async function runBench(options: BenchZonesOptions): Promise<void> {
  const { CHOOSERS, chooserByName } = await import('../../src/governor/choosers/registry.ts');
  const { PEERS, peerByName } = await import('../peers/registry.ts');
  const { benchZones } = await import('../zones/zones-bench.ts');
  const { printBenchZones } = await import('../zones/bench-zones-table.ts');
  const { ProgressLine } = await import('../../src/cli/terminal/progress-line.ts');
  const { interruptSignal } = await import('../../src/cli/terminal/interrupt.ts');
  const choosers = options.choosers.includes('all') ? CHOOSERS.map((c) => c.name) : options.choosers;
  for (const name of choosers) chooserByName(name);
  const none = options.peers.includes('none');
  const peers = none ? [] : options.peers.includes('all') ? PEERS.map((p) => p.name) : options.peers;
  for (const name of peers) peerByName(name);
  const line = new ProgressLine('measuring', { total: 1000 });
  const settle = options.lifetime === undefined ? SETTLE_REFRESHES * options.staleness : 0;
  const rows: ZonesBenchRow[] = [];
  for (const nodes of options.nodes) {
    const measured = await benchZones({
      task: await taskOf(options, nodes),
      choosers,
      peers,
      horizonSeconds: options.span + settle,
      ...(options.workers === undefined ? {} : { workers: options.workers }),
      signal: interruptSignal(),
      onProgress: (what, share) => line.update(Math.round(1000 * share), what),
    });
    rows.push(...measured);
    line.clear();
    if (options.json !== true) printBenchZones(measured, options.lifetime !== undefined);
  }
  line.finish();
  if (options.json === true)
    (await import('../../src/cli/terminal/json-output.ts')).printJson(rows.map(withNulls));
}

async function taskOf(options: BenchZonesOptions, nodes: number): Promise<FederationTask> {
  const { toZonesTask } = await import('../../src/cli/federation/zones-options.ts');
  const cluster = options.cluster ?? `generated:openb:${nodes}`;
  const zones = options.zones ?? Math.max(1, Math.round(nodes / 1000));
  return {
    cluster,
    jobs: options.jobs,
    seed: options.seed,
    typical: 'list',
    ...toZonesTask({ ...options, zones, chooser: 'random' }),
    saturation: {
      load: options.load,
      spanSeconds: options.span,
      lifetimeSeconds: options.lifetime ?? Number.POSITIVE_INFINITY,
    },
  };
}

/** JSON has no NaN. */
function withNulls(row: ZonesBenchRow): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [key, Number.isNaN(value) ? null : value]),
  );
}
