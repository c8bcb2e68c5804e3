/**
 * The conditions of the runs: cluster, workload, options, seeds, machine. Enough to judge the figures and to reproduce
 * them.
 */
import type { SimulationResult } from '../../simulation/metrics/result.ts';
import { formatCount, formatCounted, formatDuration, formatPercent } from '../terminal/formatting.ts';
import { type ReportSource, stoppedRun } from './report-source.ts';

/** A fact: its name and its value. */
export type Fact = readonly [string, string];

/** @returns The facts, in the order in which readers look for them. */
export function reportFacts({ result, machine, madeAt, version }: ReportSource): Fact[] {
  const run = result.runs[0];
  const areQueues = new Set(result.runs.map(({ options }) => options.queue)).size > 1;
  const facts: Fact[] =
    run === undefined
      ? []
      : [
          ...inputFacts(run, result.seeds.length),
          ...(areQueues ? [] : [queueFact(run)]),
          ...optionFacts(run),
        ];
  const ended = result.runs.filter((r) => r.complete).length;
  const stopped = stoppedRun(result);
  return [
    ...facts,
    [areQueues ? 'queues' : 'policies', result.policies.join(', ')],
    ['seeds', result.seeds.join(', ')],
    ['runs', `${ended} complete of ${result.policies.length * result.seeds.length}`],
    ...(stopped === undefined
      ? []
      : [['stopped', `before its end, at virtual time ${formatDuration(stopped.endSeconds)}`] as const]),
    ['machine', machine],
    ['made', `${madeAt} by TEG ${version}`],
  ];
}

/** @returns The cluster in a few words, for titles. */
export function clusterWords({ cluster }: SimulationResult): string {
  const gpus = cluster.gpus > 0 ? ` with ${formatCounted(cluster.gpus, 'GPU')}` : '';
  return `${formatCounted(cluster.nodes, 'node')}${gpus}`;
}

function inputFacts({ cluster, workload }: SimulationResult, seeds: number): Fact[] {
  const { label, nodes, gpus, cpuCores, memoryGib, flavors } = cluster;
  const changes = [
    ...(workload.load === 1 ? [] : [`arrivals ${formatCount(workload.load)} times as fast`]),
    ...(workload.repeat === 1 ? [] : [`run through ${workload.repeat} times`]),
    ...(workload.resampled ? ['jobs drawn again for each seed'] : []),
  ];
  const offered = workload.offeredGpu ?? workload.offeredCpu;
  const load =
    offered === null
      ? ''
      : `, asking for ${formatPercent(offered, 0)} of the ${workload.offeredGpu === null ? 'CPU' : 'GPU'} time`;
  const which = seeds > 1 ? ' (first seed)' : '';
  return [
    [
      'cluster',
      `${label}: ${formatCounted(nodes, 'node')} of ${formatCounted(flavors, 'kind')}, ${formatCounted(gpus, 'GPU')}, ` +
        `${formatCounted(cpuCores, 'core')}, ${formatCount(memoryGib)} GiB`,
    ],
    [
      `workload`,
      `${[workload.label, ...changes].join(', ')}: ${formatCounted(workload.jobs, 'job')} over ` +
        `${formatDuration(workload.spanSeconds)}${load}${which}`,
    ],
  ];
}

/** The queue of all runs. What the queues beside the zone's own two do, `teg policies --list-queues` says. */
function queueFact({ options: { queue } }: SimulationResult): Fact {
  if (queue === 'best-effort') return ['queue', 'best-effort: whatever fits starts'];
  if (queue === 'strict-fifo') return ['queue', 'strict-fifo: the first waiting job blocks those behind it'];
  return ['queue', queue];
}

function optionFacts({ options, nodes }: SimulationResult): Fact[] {
  const facts: Fact[] = [
    [
      'typical workload',
      options.typical === 'learned'
        ? 'learned by the policies from arrivals'
        : 'computed from the whole list of jobs',
    ],
  ];
  if (options.warmupSeconds > 0) {
    facts.push(['measured', `from ${formatDuration(options.warmupSeconds)} after the first arrival on`]);
  }
  if (options.horizonSeconds !== null) {
    facts.push(['horizon', `${formatDuration(options.horizonSeconds)} of virtual time`]);
  }
  if (options.mtbfSeconds !== null && options.mttrSeconds !== null) {
    facts.push([
      'failures',
      `a node fails every ${formatDuration(options.mtbfSeconds)} on average and returns after ` +
        `${formatDuration(options.mttrSeconds)}; ${formatCounted(nodes.failures, 'failure')} in the first run`,
    ]);
  }
  return facts;
}
