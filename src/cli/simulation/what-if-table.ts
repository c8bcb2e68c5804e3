/**
 * What came of a start from a snapshot, as tables in the terminal.
 */
import type { WhatIfResult } from '../../simulation/inputs/what-if-result.ts';
import { formatCount, formatPercent } from '../terminal/formatting.ts';
import { printTable } from '../terminal/table.ts';

/** Pods that are named; the JSON names more. */
const PODS_SHOWN = 10;

/** Prints it to standard output. */
export function printWhatIf(result: WhatIfResult): void {
  const { kept, pending, pendingPlaced, pendingWaiting, pendingImpossible, before, after } = result;
  const leftovers = [
    pendingWaiting > 0 ? `${formatCount(pendingWaiting)} wait for room` : '',
    pendingImpossible > 0 ? `${formatCount(pendingImpossible)} no node could hold` : '',
  ].filter((text) => text !== '');
  const rows: [string, string, string][] = [
    ['pods that stay', formatCount(kept), 'on the nodes they were recorded on'],
    [
      'pending placed',
      `${formatCount(pendingPlaced)} of ${formatCount(pending)}`,
      leftovers.join(', ') || 'nothing waits',
    ],
    [
      'CPU asked for',
      `${formatPercent(before.cpu)} → ${formatPercent(after.cpu)}`,
      'before and after, of all nodes',
    ],
    ['memory asked for', `${formatPercent(before.memory)} → ${formatPercent(after.memory)}`, ''],
  ];
  if (before.gpu !== null && after.gpu !== null) {
    rows.push(['GPUs asked for', `${formatPercent(before.gpu)} → ${formatPercent(after.gpu)}`, '']);
  }
  printTable([{ header: 'what if' }, { header: '' }, { header: '' }], rows);
  printPods(
    'placed',
    result.placements.map(({ pod, node }) => [pod, node]),
    pendingPlaced,
  );
  printPods(
    'not placed',
    result.waiting.map((pod) => [pod, '']),
    pendingWaiting + pendingImpossible,
  );
}

function printPods(title: string, pods: readonly (readonly [string, string])[], count: number): void {
  if (count === 0) return;
  process.stdout.write('\n');
  const withNode = pods.some(([, node]) => node !== '');
  printTable(
    [{ header: title }, ...(withNode ? [{ header: 'node' }] : [])],
    pods.slice(0, PODS_SHOWN).map(([pod, node]) => (withNode ? [pod, node] : [pod])),
  );
  if (count > PODS_SHOWN)
    process.stdout.write(`… and ${formatCount(count - PODS_SHOWN)} more (--json names up to 1,000)\n`);
}
