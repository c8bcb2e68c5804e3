/**
 * The pod scheduler's additions to a result: why pods wait, how long the others did, and
 * the evicted pods.
 */
import { JobState } from '../../governor/zone/zone-events.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { JobTable } from '../inputs/job-table.ts';
import type { RecordedStart } from '../inputs/recorded-places.ts';
import { WHAT_IF_PODS_MAX, type WhatIfResult } from '../inputs/what-if-result.ts';
import type { PodDecider, Victim } from './pod-decider.ts';

/** A pod scheduler's additions to a result. */
type PodReport = Pick<WhatIfResult, 'decidedBy' | 'placements' | 'reasons' | 'preempted' | 'victims'>;

/** @param decider Undefined: a zone decided, and there is nothing to add. O(pending + victims). */
export function podReport(
  { nodes, pending }: RecordedStart,
  table: JobTable,
  cluster: ClusterState,
  decider: PodDecider | undefined,
): PodReport | undefined {
  if (decider === undefined) return undefined;
  const placements: PodReport['placements'] = [];
  const reasons: { pod: string; reason: string }[] = [];
  for (let job = nodes.length; job < nodes.length + pending; job++) {
    const pod = table.idOf(job);
    let placed = 0;
    decider.forEachPod(job, (_, node) => {
      placed++;
      if (placements.length >= WHAT_IF_PODS_MAX) return;
      placements.push({ pod, node: cluster.names[node] as string, waitedSeconds: decider.startOf(job) });
    });
    const state = decider.stateOf(job);
    const hasEnded = state === JobState.Finished || state === JobState.Unknown;
    if (hasEnded || placed >= (table.podCounts[job] as number) || reasons.length >= WHAT_IF_PODS_MAX)
      continue;
    const text = state === JobState.Failed ? 'preempted' : decider.textOf(job);
    reasons.push({ pod, reason: text });
  }
  const victims = decider.victims.slice(0, WHAT_IF_PODS_MAX).map((victim) => victimOf(victim, cluster));
  return { decidedBy: 'pod-scheduler', placements, reasons, preempted: decider.victims.length, victims };
}

function victimOf(
  { pod, by, node, atSeconds, successor }: Victim,
  cluster: ClusterState,
): NonNullable<PodReport['victims']>[number] {
  const { namespace, name } = pod.description;
  const newNode =
    successor === undefined || successor.node < 0 ? '' : (cluster.names[successor.node] as string);
  const fate = successor === undefined ? 'gone' : newNode === '' ? 'waits' : 'placed';
  return { pod: `${namespace}/${name}`, node, by, atSeconds, fate, newNode };
}
