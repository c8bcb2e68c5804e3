/**
 * How many pods are in which queue, and how far gangs are: what the gauges of the metrics page show.
 */

import type { PodScheduler } from '../../governor/pods/pod-scheduler.ts';
import { type PodGroup, tallyOf } from '../../governor/pods/state/pod-groups.ts';
import { type PodRecord, PodState } from '../../governor/pods/state/pod-records.ts';
import type { QueueName } from './server/scheduler-metrics.ts';

/** How far a gang is. */
type GangState = 'waiting' | 'binding' | 'bound' | 'repairing';

/** @returns Pods that wait, by the queue of kube-scheduler that they would be in. O(pods). */
export function pendingByQueue(core: PodScheduler): Record<QueueName, number> {
  const counts = { active: 0, backoff: 0, unschedulable: 0, gated: 0 };
  for (const pod of core.state.pods.values()) {
    const queue = queueOf(pod, core.groups.get(pod.group));
    if (queue !== undefined) counts[queue]++;
  }
  return counts;
}

function queueOf(pod: PodRecord, group: PodGroup | undefined): QueueName | undefined {
  switch (pod.state) {
    case PodState.Active:
      return 'active';
    case PodState.BackingOff:
      return 'backoff';
    case PodState.Gated:
      return 'gated';
    // Those that are refused, or more than may wait, were told that they are not scheduled.
    case PodState.Waiting:
    case PodState.Refused:
    case PodState.Excess:
      return 'unschedulable';
    case PodState.InGroup:
      if (group === undefined) return 'gated';
      if (group.heapAt >= 0) return 'active';
      if (group.waiting) return group.stale ? 'backoff' : 'unschedulable';
      // Members are missing: kube-scheduler's gang plugin holds such pods back as scheduling gates do.
      return 'gated';
    default:
      return undefined;
  }
}

/** @returns Gangs with members, by how far they are; what has started and whose members end is not broken. O(members). */
export function gangsByState(core: PodScheduler): Record<GangState, number> {
  const states = { waiting: 0, binding: 0, bound: 0, repairing: 0 };
  for (const group of core.groups.groups.values()) {
    if (group.members.size === 0) continue;
    const { placed, bound } = tallyOf(group);
    const minimum = group.description?.minCount ?? 1;
    if (placed === 0) states.waiting++;
    else if (bound < placed) states.binding++;
    else if (placed < minimum && !group.started) states.repairing++;
    else states.bound++;
  }
  return states;
}
