/**
 * The table of `teg bench simulator`.
 */
import { formatBytes, formatCount, formatFixed, formatPercent } from '../../src/cli/terminal/formatting.ts';
import { printTable } from '../../src/cli/terminal/table.ts';
import type { EconomyRow } from './economy-task.ts';
import type { SimulatorRow } from './simulator-task.ts';

/** Prints one run. */
export function printSimulator(row: SimulatorRow): void {
  const { share } = row;
  printTable(
    [{ header: '' }, { header: '', align: 'right' }, { header: '' }],
    [
      ['jobs a second', formatCount(row.jobsPerSecond), 'complete, while the cluster is steady'],
      ['jobs a CPU second', formatCount(row.jobsPerCpuSecond), 'the same, helper threads counted'],
      ['jobs a second', formatCount(row.jobsPerSecondOverall), 'filling and draining included'],
      ['field', formatPercent(share.field), "the policy's part of the time"],
      ['zone', formatPercent(share.zone), 'the rest of the deterministic core'],
      ['queue', formatPercent(share.queue), 'event queue and arrivals'],
      ['metrics', formatPercent(share.metrics), 'counting and sampling'],
      ['peak memory', formatBytes(row.peakMemoryBytes), 'of the process'],
      ['jobs', formatCount(row.jobs), `${formatCount(row.pods)} pods`],
      ['GPUs in use', `${formatFixed(row.fillPercent, 1)} %`, 'mean of the steady stretch'],
    ],
    { title: `${row.policy} on ${formatCount(row.nodes)} nodes` },
  );
}

/** Prints what the economy costs. */
export function printEconomy(rows: readonly EconomyRow[]): void {
  printTable(
    [
      { header: 'queue' },
      ...['jobs a CPU second', 'ratio', 'jobs', 'mean wait s', 'plans of evictions'].map((header) => ({
        header,
        align: 'right' as const,
      })),
    ],
    rows.map((row) => [
      row.variant,
      formatCount(row.jobsPerCpuSecond),
      formatFixed(row.ratio, 2),
      formatCount(row.completed),
      formatFixed(row.meanWaitSeconds, 1),
      formatCount(row.plans),
    ]),
  );
}
