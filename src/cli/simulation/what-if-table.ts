/** Where the pods of a Kubernetes cluster went, as tables in the terminal. */
import type { WhatIfResult } from '../../simulation/inputs/what-if-result.ts';
import { formatCount, formatPercent } from '../terminal/formatting.ts';
import { printTable } from '../terminal/table.ts';

/** Pods that are named; the JSON names more. */
const PODS_SHOWN = 10;

/** Prints it to standard output. */
export function printWhatIf(result: WhatIfResult): void {
  const { kept, pending, pendingPlaced, pendingWaiting, pendingImpossible, before, after } = result;
  const leftovers = [
    pendingWaiting > 0 ? `${formatCount(pendingWaiting)} wait${waitsFor(result)}` : '',
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
      'CPU requested',
      `${formatPercent(before.cpu)} → ${formatPercent(after.cpu)}`,
      'before and after, of all nodes',
    ],
    ['memory requested', `${formatPercent(before.memory)} → ${formatPercent(after.memory)}`, ''],
  ];
  if (before.gpu !== null && after.gpu !== null) {
    rows.push(['GPUs requested', `${formatPercent(before.gpu)} → ${formatPercent(after.gpu)}`, '']);
  }
  if (result.preempted !== undefined && result.preempted > 0) {
    rows.push(['preempted', formatCount(result.preempted), 'pods that had to make room']);
  }
  printTable([{ header: 'what if' }, { header: '' }, { header: '' }], kept > 0 ? rows : rows.slice(1));
  printPods(
    'placed',
    result.placements.map(({ pod, node }) => [pod, node]),
    pendingPlaced,
  );
  const reasons = new Map((result.reasons ?? []).map(({ pod, reason }) => [pod, reason]));
  printPods(
    'not placed',
    result.waiting.map((pod) => [pod, nodesRefusal(reasons.get(pod) ?? '')]),
    pendingWaiting + pendingImpossible,
    'why',
  );
  printPods(
    'preempted',
    (result.victims ?? []).map((victim) => [victim.pod, fateOf(victim)]),
    result.preempted ?? 0,
    'outcome',
  );
}

/** The nodes' reasons, without the part about preemption: the JSON has all of it. */
function nodesRefusal(reason: string): string {
  return reason.split(/ preemption: /, 1)[0] as string;
}

/** A zone considers room only. */
function waitsFor({ decidedBy }: WhatIfResult): string {
  return decidedBy === 'zone' ? ' for room' : '';
}

function fateOf({ node, by, fate, newNode }: NonNullable<WhatIfResult['victims']>[number]): string {
  const left = by === '' ? `left ${node} with its gang` : `left ${node} for ${by}`;
  if (fate === 'gone') return left;
  return fate === 'placed' ? `${left}, made again on ${newNode}` : `${left}, made again and waits`;
}

function printPods(
  title: string,
  pods: readonly (readonly [string, string])[],
  count: number,
  header = 'node',
): void {
  if (count === 0) return;
  process.stdout.write('\n');
  const isWide = pods.some(([, text]) => text !== '');
  printTable(
    [{ header: title }, ...(isWide ? [{ header }] : [])],
    pods.slice(0, PODS_SHOWN).map(([pod, text]) => (isWide ? [pod, text] : [pod])),
  );
  if (count > PODS_SHOWN)
    process.stdout.write(`… and ${formatCount(count - PODS_SHOWN)} more (--json names up to 1,000)\n`);
}
