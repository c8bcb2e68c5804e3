/** An explanation of a pod as text: where it is and why, or why it has no node and what would have to change. */
import type { PodExplanation } from '../../governor/pods/explain/explain-types.ts';
import { counted } from '../../kernel/counted.ts';
import type { NodeState } from '../../model/node-state.ts';
import { formatCount, formatCounted, formatDuration, formatFixed } from '../terminal/formatting.ts';
import { printTable } from '../terminal/table.ts';

/** Meanings of the states, for people. */
const STATES: Readonly<Record<PodExplanation['state'], string>> = {
  waiting: 'waiting to be placed',
  'backing-off': 'waiting: the last attempt found no node',
  gated: 'not to be scheduled yet: scheduling gates are left',
  refused: 'refused: it needs a feature that TEG does not support',
  'waiting-for-group': 'waiting for its group',
  nominated: 'waiting for room that is being made for it',
  binding: 'decided, and being bound',
  bound: 'bound',
  ended: 'ended',
  deleting: 'being deleted',
  'not-ours': "another scheduler's",
};

/** States of a pod that has its node. */
const PLACED: ReadonlySet<PodExplanation['state']> = new Set(['binding', 'bound']);

/**
 * Prints it to standard output.
 *
 * @param nowSeconds By the clock of the explanation.
 */
export function printExplanation(explanation: PodExplanation, nowSeconds: number): void {
  printState(explanation, nowSeconds);
  const { waitsFor } = explanation;
  if (waitsFor !== null && waitsFor.stage !== 'turn') {
    print(`  ${waitsFor.code}: ${waitsFor.text}`);
    print(`  next step: ${waitsFor.nextStep}`);
  }
  printGroup(explanation);
  printRefusals(explanation);
  printCandidates(explanation);
  printChanges(explanation);
}

/** The further conditions besides room, by the last reported reason. */
const CONDITIONS: Readonly<Record<string, string>> = {
  SchedulerError: ', if the failed step succeeds this time',
  NotReadyForScheduling: ', if its tenant is admitted',
};

function printState(explanation: PodExplanation, nowSeconds: number): void {
  const { namespace, name, state, node, attempts, priority, retryAtSeconds, retriedOn } = explanation;
  const where = node !== '' && PLACED.has(state) ? ` on ${node}` : '';
  const since = nowSeconds - explanation.sinceSeconds;
  print(`${namespace}/${name}: ${STATES[state]}${where}`);
  const facts: string[] = [];
  // Without a running scheduler neither the time since nor the number of attempts is known.
  if (since > 0) facts.push(`for ${formatDuration(since)}`);
  if (attempts > 0) facts.push(`${formatCount(attempts)} attempt${attempts === 1 ? '' : 's'}`);
  if (priority !== 0) facts.push(`priority ${priority}`);
  if (facts.length > 0) print(`  ${facts.join(', ')}`);
  if (retryAtSeconds !== null) {
    print(`  tried again in ${formatDuration(Math.max(0, retryAtSeconds - nowSeconds))} at the latest`);
  }
  if (retriedOn.length > 0) print(`  tried again at once on: ${retriedOn.join(', ')}`);
  if (explanation.gates.length > 0) print(`  gates: ${explanation.gates.join(', ')}`);
  for (const what of explanation.unsupported) print(`  requests ${what}`);
  const { message, reason } = explanation;
  if (message !== '')
    print(`  ${reason === 'SchedulerError' ? 'the last attempt failed' : 'reported'}: ${message}`);
}

function printGroup({ group }: PodExplanation): void {
  if (group === null) return;
  const { key, known, minCount, members, placed, waiting, text } = group;
  const needed = known ? `at least ${minCount} together` : 'its PodGroup does not exist';
  print(`  group ${key}: ${counted(members, 'member')}, ${placed} placed, ${waiting} waiting, ${needed}`);
  if (text !== '') print(`  the group waits: ${text}`);
}

function printRefusals({ state, nodesTotal, nodesFeasible, refusals }: PodExplanation): void {
  const asked = PLACED.has(state) ? 'take one more like it' : 'take it';
  print(`\n${formatCount(nodesFeasible)} of ${formatCounted(nodesTotal, 'node')} would ${asked} now`);
  if (refusals.length === 0) return;
  printTable(
    [
      { header: 'nodes', align: 'right' },
      { header: 'refuse it because' },
      { header: 'plugin' },
      { header: '' },
    ],
    refusals.map(({ nodes, reason, plugin, resolvable }) => [
      nodes,
      reason,
      plugin,
      resolvable ? 'may fit once pods leave' : '',
    ]),
  );
}

/** Reports of kubelet and guard about a node, for people; '' if there are none. */
function stateText(state: NodeState | undefined): string {
  if (state === undefined) return '';
  const { pressure, powerHeadroomWatts } = state;
  const short = pressure.length > 0 ? [`${pressure.join(' and ')} pressure`] : [];
  if (powerHeadroomWatts !== undefined) short.push(`${powerHeadroomWatts} W left`);
  return short.join(', ');
}

function printCandidates({ state, node, candidates, better, policy, why, reason }: PodExplanation): void {
  if (candidates.length === 0) return;
  const names = [...new Set(candidates.flatMap(({ parts }) => Object.keys(parts)))];
  const hasStates = candidates.some((candidate) => candidate.state !== undefined);
  print(`\nlooked at by ${policy}, best first (${better} is better)`);
  printTable(
    [
      { header: 'node' },
      { header: 'nodes alike', align: 'right' },
      { header: 'value', align: 'right' },
      ...names.map((header) => ({ header, align: 'right' as const })),
      ...(hasStates ? [{ header: 'state' }] : []),
    ],
    candidates.map((candidate) => [
      candidate.node,
      candidate.nodes,
      figure(candidate.value),
      ...names.map((name) => figure(candidate.parts[name])),
      ...(hasStates ? [stateText(candidate.state)] : []),
    ]),
    { boldRow: 0 },
  );
  if (why !== '') print(why);
  if (node === '' || PLACED.has(state)) return;
  print(`it would go to ${node}${CONDITIONS[reason] ?? ''}`);
}

function printChanges({ nearest, preemption }: PodExplanation): void {
  if (nearest.length > 0) {
    print('\nwhat would have to change, nearest first');
    printTable(
      [{ header: 'node' }, { header: 'lacks' }],
      nearest.map(({ node, lacks }) => [node, lacks.map(({ text }) => text).join('; ')]),
    );
  }
  if (preemption === null) return;
  print(`\npreemption: ${preemption.text.replace(/^preemption: /, '')}`);
  if (preemption.victims.length === 0) return;
  printTable(
    [{ header: 'victim' }, { header: 'node' }, { header: 'priority', align: 'right' }, { header: '' }],
    preemption.victims.map(({ pod, node, priority, breaksBudget }) => [
      pod,
      node,
      String(priority),
      breaksBudget ? 'breaks its PodDisruptionBudget' : '',
    ]),
  );
  const more = preemption.victimCount - preemption.victims.length;
  if (more > 0) print(`… and ${formatCount(more)} more`);
}

function figure(value: number | undefined): string {
  if (value === undefined) return '–';
  return formatFixed(value, Number.isInteger(value) ? 0 : 3);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
