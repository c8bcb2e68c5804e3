/** The number of pods in each queue, and the progress of gangs: the gauges of the metrics page. */

import type { GroupWait, PodSchedulerView } from '../../governor/pods/pod-view.ts';
import { PodState } from '../../governor/pods/state/pod-records.ts';
import type { QueueName } from './server/scheduler-metrics.ts';

/** Progress of a gang. */
type GangState = 'waiting' | 'binding' | 'bound' | 'repairing';

/** The queue of kube-scheduler that the pending members of a group would be in. */
const QUEUE_OF_WAIT: Readonly<Record<GroupWait, QueueName>> = {
  queued: 'active',
  paused: 'backoff',
  room: 'unschedulable',
  // Members are missing: kube-scheduler's gang plugin holds such pods back as scheduling gates do.
  missing: 'gated',
};

/** @returns Pods that wait, by the queue of kube-scheduler that they would be in. O(members of groups). */
export function pendingByQueue(view: PodSchedulerView): Record<QueueName, number> {
  const counts = {
    active: view.podsIn(PodState.Active),
    backoff: view.podsIn(PodState.BackingOff),
    // Pods that are refused, or beyond the limit of waiting pods, were reported as not scheduled.
    unschedulable:
      view.podsIn(PodState.Waiting) + view.podsIn(PodState.Refused) + view.podsIn(PodState.OverLimit),
    gated: view.podsIn(PodState.Gated),
  };
  view.forEachGroup(({ pending, waitsFor }) => {
    counts[QUEUE_OF_WAIT[waitsFor]] += pending;
  });
  return counts;
}

/** @returns Gangs with members, by progress; a started gang whose members end is not broken. O(members). */
export function gangsByState(view: PodSchedulerView): Record<GangState, number> {
  const states = { waiting: 0, binding: 0, bound: 0, repairing: 0 };
  view.forEachGroup(({ placed, bound, minCount, started }) => {
    if (placed === 0) states.waiting++;
    else if (bound < placed) states.binding++;
    else if (placed < minCount && !started) states.repairing++;
    else states.bound++;
  });
  return states;
}
