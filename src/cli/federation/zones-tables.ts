/** The results of a run with many zones, for people. */
import type { FederationResult } from '../../simulation/federation/federation-result.ts';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatFixed,
  formatPercent,
} from '../terminal/formatting.ts';
import { printTable } from '../terminal/table.ts';

/** Prints a result. */
export function printZones(result: FederationResult): void {
  if (!result.complete) process.stdout.write('PARTIAL: stopped before the run had ended.\n');
  printTable(
    [
      { header: titleOf(result), shrink: false },
      { header: '', align: 'right' },
    ],
    [...loadRows(result), ...waitRows(result), ...choiceRows(result), ...trafficRows(result)],
  );
}

function titleOf({ zones, chooser, stalenessSeconds }: FederationResult): string {
  return `${formatCount(zones)} ${zones === 1 ? 'zone' : 'zones'}, ${chooser}, published every ${formatDuration(stalenessSeconds)}`;
}

function loadRows(result: FederationResult): string[][] {
  const { jobs, allocationWhileArriving, allocationAtEnd } = result;
  return [
    ['nodes', formatCount(result.nodes)],
    ['jobs arrived', formatCount(jobs.arrived)],
    ['  placed', formatCount(jobs.placed)],
    ['  ended', formatCount(jobs.ended)],
    ['  waiting at the end', formatCount(jobs.waiting)],
    ['virtual time', `${formatDuration(result.endSeconds)} (${result.ended})`],
    ['GPUs in use while jobs arrive', percent(allocationWhileArriving.gpu)],
    ['cores in use while jobs arrive', percent(allocationWhileArriving.cpu)],
    ['GPUs in use at the end', percent(allocationAtEnd.gpu)],
  ];
}

function waitRows({ wait }: FederationResult): string[][] {
  if (wait === null) return [['wait', 'no job started']];
  return [
    ['mean wait', formatDuration(wait.mean)],
    ['  p50 / p90 / p99', [wait.p50, wait.p90, wait.p99].map(formatDuration).join(' / ')],
    ['  longest', formatDuration(wait.max)],
  ];
}

function choiceRows(result: FederationResult): string[][] {
  const { probes, age, distance, moved } = result;
  return [
    ['probes a placement, mean', probes === null ? '–' : formatFixed(probes.mean, 3)],
    ['  p99', probes === null ? '–' : formatCount(probes.p99)],
    ['refusals a placement', formatFixed(result.refusals, 3)],
    ['proposals without an answer', formatCount(result.unanswered)],
    ['age of the summary used, mean / worst', `${formatDuration(age.mean)} / ${formatDuration(age.max)}`],
    ['distance between alike jobs (1: as at random)', distance === null ? '–' : formatFixed(distance, 2)],
    ['  of them in another zone', percent(moved)],
    ...(result.migrations > 0 ? [['jobs moved while they ran', formatCount(result.migrations)]] : []),
  ];
}

function trafficRows({ traffic }: FederationResult): string[][] {
  return [
    ['messages', formatCount(traffic.messages)],
    ['summaries a second', formatBytes(traffic.summaryBytesPerSecond)],
    ['  for each node and refresh', formatBytes(traffic.summaryBytesPerNodeAndRefresh)],
    ['proposals and answers a second', formatBytes(traffic.jobBytesPerSecond)],
  ];
}

function percent(share: number | null): string {
  return share === null ? '–' : formatPercent(share, 2);
}
