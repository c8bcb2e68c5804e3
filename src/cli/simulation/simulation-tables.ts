/**
 * A simulation's result as tables in the terminal.
 */
import type { Distribution, SimulationResult } from '../../simulation/metrics/result.ts';
import { shareAnswer } from '../economy/share-answer.ts';
import { printShares } from '../economy/share-text.ts';
import {
  formatBytes,
  formatCount,
  formatCounted,
  formatDuration,
  formatFixed,
  formatPercent,
  formatRate,
} from '../terminal/formatting.ts';
import { printTable } from '../terminal/table.ts';
import { printExplained } from './explained-text.ts';
import { evictionsLine, printTenants } from './tenant-table.ts';
import { printWhatIf } from './what-if-table.ts';

/** Prints a result to standard output. */
export function printSimulation(result: SimulationResult): void {
  process.stdout.write(`${headOf(result)}\n\n`);
  if (result.whatIf !== undefined) {
    printWhatIf(result.whatIf);
    // Without further jobs no time passes, and there are no means over time.
    if (result.shares !== undefined) {
      process.stdout.write('\n');
      printShares(shareAnswer(result.shares));
    }
    if (result.endSeconds === 0) {
      if (result.explained !== undefined) printExplained(result.explained);
      return;
    }
    process.stdout.write('\n');
  }
  printTable([{ header: 'measure' }, { header: 'value' }, { header: '' }], measuresOf(result));
  if (result.equilibrium !== null) {
    process.stdout.write('\n');
    printTable(
      [{ header: 'equilibrium' }, { header: 'value' }, { header: '' }],
      equilibriumRows(result.equilibrium),
    );
  }
  if (result.bySize.length > 1) {
    process.stdout.write('\n');
    printSizes(result);
  }
  if (result.tenants !== undefined) {
    process.stdout.write('\n');
    printTenants(result.tenants);
    if (result.evictions !== undefined) process.stdout.write(`${evictionsLine(result.evictions)}\n`);
  }
  if (result.timing !== undefined) {
    process.stdout.write('\n');
    printTable(
      [{ header: 'on this machine' }, { header: 'value' }, { header: '' }],
      timingRows(result.timing),
    );
  }
  if (result.explained !== undefined) printExplained(result.explained);
  if (!result.complete) {
    const at = formatDuration(result.endSeconds);
    process.stdout.write(
      `\nPARTIAL: stopped before its end, at virtual time ${at}; the figures are up to then.\n`,
    );
  }
}

function headOf({ cluster, workload, policy, seed, options, endSeconds }: SimulationResult): string {
  const nodes = `${formatCounted(cluster.nodes, 'node')}, ${formatCounted(cluster.gpus, 'GPU')}, ${formatCounted(cluster.cpuCores, 'core')}`;
  const jobs = `${formatCounted(workload.jobs, 'job')} over ${formatDuration(workload.spanSeconds)}`;
  const offered = workload.offeredGpu ?? workload.offeredCpu;
  const load =
    offered === null
      ? ''
      : `, asking for ${formatPercent(offered)} of the ${workload.offeredGpu === null ? 'CPU' : 'GPU'} time`;
  return [
    `cluster   ${cluster.label}: ${nodes}`,
    `workload  ${workload.label}: ${jobs}${load}`,
    `policy    ${policy}, seed ${seed}, queue ${options.queue}; virtual time ${formatDuration(endSeconds)}`,
  ].join('\n');
}

type Row = [string, string, string];

function measuresOf(result: SimulationResult): Row[] {
  const { allocationWhileArriving: early, jobs, fragmentation, headOfLine, nodes, decisions } = result;
  const rows: Row[] = [];
  if (early.gpu !== null) {
    rows.push([
      'GPUs in use',
      formatPercent(early.gpu),
      `while jobs arrive; at most ${formatPercent(result.peakGpu ?? 0)}`,
    ]);
  }
  rows.push(['CPU in use', formatPercent(early.cpu), `memory ${formatPercent(early.memory)}`]);
  if (fragmentation !== null && fragmentation.ratio !== null) {
    rows.push([
      'fragmented',
      formatPercent(fragmentation.ratio),
      `of idle GPUs; ${formatPercent(fragmentation.share)} of all`,
    ]);
  }
  rows.push(distributionRow('wait', result.wait, formatDuration));
  rows.push(distributionRow('bounded slowdown', result.boundedSlowdown, (value) => formatFixed(value, 2)));
  rows.push([
    'head-of-line loss',
    formatPercent(headOfLine.gpu ?? headOfLine.cpu, 2),
    'of capacity, idle though a waiting job would fit',
  ]);
  if (result.heldIdle !== undefined) rows.push(...heldIdleRows(result.heldIdle));
  rows.push(['jobs finished', formatCount(jobs.finished), leftovers(jobs)]);
  if (typeof result.energy?.kilojoulesPerGpuHour === 'number') {
    rows.push([
      'energy',
      `${formatCount(result.energy.kilowattHours)} kWh`,
      `${formatCount(result.energy.kilojoulesPerGpuHour)} kJ a GPU hour of finished jobs`,
    ]);
  }
  if (nodes.failures > 0) {
    rows.push([
      'node failures',
      formatCount(nodes.failures),
      `nodes up ${formatPercent(nodes.upShare, 2)} of the time`,
    ]);
    rows.push([
      'jobs requeued',
      formatCount(jobs.requeues),
      `${formatCounted(jobs.podsLost, 'pod')} lost, ${formatFixed(result.gpuHours?.lost ?? 0, 1)} GPU hours`,
    ]);
  }
  rows.push([
    'decisions',
    formatCount(decisions.count),
    `${formatCount(decisions.failed)} found no node; nodes examined: mean ${formatFixed(decisions.nodesExamined.mean, 1)}, p99 ${formatCount(decisions.nodesExamined.p99)}`,
  ]);
  return rows;
}

/** What gangs held before they started, and the tax on it. */
function heldIdleRows({ unit, tax, ...held }: NonNullable<SimulationResult['heldIdle']>): Row[] {
  const hours = (seconds: number): string =>
    `${formatFixed(seconds / 3600, 1)} ${unit === 'gpu' ? 'GPU' : 'core'} hours`;
  const lost = held.survivorSeconds > 0 ? `; ${hours(held.survivorSeconds)} after the loss of a node` : '';
  const warned = held.warnings > 0 ? `; ${formatCounted(held.warnings, 'early warning')}` : '';
  const rows: Row[] = [
    [
      'held by idle gangs',
      formatPercent(held.shareOfCapacity, 2),
      `of capacity, ${hours(held.heldSeconds)}${lost}`,
    ],
    [
      'ψ, held by stuck gangs',
      formatPercent(held.psiMean, 2),
      `of the nodes; at most ${formatPercent(held.psiMax)} of those of a flavour${warned}`,
    ],
  ];
  if (tax === null) return rows;
  const fallbacks = tax.fallbacks > 0 ? `, wound-wait ${formatCount(tax.fallbacks)} times` : '';
  rows.push([
    'tax on held room',
    formatPercent(tax.shareOfRent, 2),
    `of the rent; rate at most ${formatFixed(tax.rateMax, 1)} rents, in force ${formatDuration(tax.onSeconds)}; ${formatCounted(tax.releases, 'gang')} gave back${fallbacks}`,
  ]);
  return rows;
}

/** The distance of the placement from one that no pod would leave. */
export function equilibriumRows(equilibrium: NonNullable<SimulationResult['equilibrium']>): Row[] {
  const { potentialGpus, potential, potentialLast, exploitability, samples } = equilibrium;
  const rows: Row[] = [
    [
      'potential Φ',
      `${formatFixed(potentialGpus, 1)} GPUs`,
      `to stay unsold: ${formatPercent(potential, 2)} of all; ${formatPercent(potentialLast, 2)} at the last of ${formatCount(samples)} looks`,
    ],
  ];
  if (exploitability === null) return rows;
  const { mean, max, relative, gaining, gainingBeyondMove, moveMilli, pods } = exploitability;
  const part = relative === null ? '' : `, ${formatPercent(relative, 2)} of its GPUs`;
  rows.push(
    [
      'exploitability',
      `${formatFixed(mean, 1)} milli-GPU`,
      `gain of a pod by moving alone${part}; at most ${formatFixed(max, 0)}`,
    ],
    [
      'pods that gain',
      formatPercent(gaining),
      `${formatPercent(gainingBeyondMove)} more than ${moveMilli} milli-GPU; of ${formatCount(pods)} looked at`,
    ],
  );
  return rows;
}

function distributionRow(
  name: string,
  distribution: Distribution | null,
  format: (value: number) => string,
): Row {
  if (distribution === null) return [name, '–', 'no job to report it for'];
  const { mean, p50, p90, p99, max } = distribution;
  return [
    name,
    format(mean),
    `mean; p50 ${format(p50)}, p90 ${format(p90)}, p99 ${format(p99)}, max ${format(max)}`,
  ];
}

function leftovers(jobs: SimulationResult['jobs']): string {
  const parts = [
    [jobs.dropped, `dropped (the cluster lacks: ${Object.keys(jobs.droppedFor).join(', ')})`],
    [jobs.failed, 'failed'],
    [jobs.running, 'still running'],
    [jobs.waiting, 'still waiting'],
  ] as const;
  const left = parts.filter(([count]) => count > 0).map(([count, what]) => `${formatCount(count)} ${what}`);
  return left.length > 0 ? left.join(', ') : 'all';
}

function printSizes(result: SimulationResult): void {
  const duration = (value: number): string => formatDuration(value);
  printTable(
    [
      { header: 'job size' },
      { header: 'jobs' },
      { header: 'wait mean', format: duration },
      { header: 'p50', format: duration },
      { header: 'p99', format: duration },
      { header: 'max', format: duration },
      { header: 'slowdown mean', format: (value) => formatFixed(value, 2) },
      { header: 'p99', format: (value) => formatFixed(value, 2) },
    ],
    result.bySize.map(({ size, jobs, wait, boundedSlowdown }) => [
      size,
      jobs,
      wait?.mean,
      wait?.p50,
      wait?.p99,
      wait?.max,
      boundedSlowdown?.mean,
      boundedSlowdown?.p99,
    ]),
  );
}

function timingRows(timing: NonNullable<SimulationResult['timing']>): Row[] {
  const { decisionMicros, share } = timing;
  const micros = (value: number): string => formatDuration(value / 1e6);
  const rows: Row[] = [
    ['time', formatDuration(timing.wallSeconds), formatRate(timing.jobsPerSecond, 'jobs')],
    distributionRow('decision', decisionMicros, micros),
    [
      'spent in',
      `field ${formatPercent(share.field, 0)}`,
      `zone ${formatPercent(share.zone, 0)}, queue ${formatPercent(share.queue, 0)}, metrics ${formatPercent(share.metrics, 0)}`,
    ],
  ];
  if (timing.peakMemoryBytes !== null)
    rows.push(['peak memory', formatBytes(timing.peakMemoryBytes), 'of the process']);
  return rows;
}
