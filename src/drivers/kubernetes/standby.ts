/**
 * Messages held back until this replica becomes leader.
 *
 * Pods that are refused for their requirements, or that cannot be read, are judged when they are seen: often before the
 * first decision, and by every replica. The leader reports them, once; a replica that never leads reports nothing.
 * Reports made before a lease was lost may not have been written, so a new leader reports the state of waiting pods
 * again.
 */

import type { NotScheduledReason } from '../../governor/pods/pod-events.ts';
import type { PodSchedulerView } from '../../governor/pods/pod-view.ts';
import { isPlaced } from '../../governor/pods/state/pod-records.ts';
import type { PodIdentity } from './writes/status-writer.ts';

/** Most pods remembered, of each kind; further ones are reported when they change. */
const REMEMBERED_MAX = 20_000;

/** Reports a waiting pod. @param isNew True if it has not been reported before: it then gets an event, too. */
export type TellWaiting = (
  pod: PodIdentity,
  message: string,
  isNew: boolean,
  reason: NotScheduledReason,
) => void;

/** The messages held back; see the head of the file. */
export class Standby {
  /** Uids of pods that have not been reported. */
  private readonly untold = new Set<string>();
  /** Pods that cannot be read, by uid. */
  private readonly unreadable = new Map<string, { readonly pod: PodIdentity; readonly message: string }>();

  /** Remembers a waiting pod that has not been reported. */
  note(uid: string): void {
    if (this.untold.size < REMEMBERED_MAX) this.untold.add(uid);
  }

  /** Remembers a pod that cannot be read. */
  noteUnreadable(pod: PodIdentity, message: string): void {
    if (this.unreadable.size < REMEMBERED_MAX) this.unreadable.set(pod.uid, { pod, message });
  }

  /** This replica leads from now on: reports all waiting pods. O(pods). */
  tellAll(view: PodSchedulerView, tell: TellWaiting): void {
    view.forEachPod((pod) => {
      if (pod.told !== '' && !isPlaced(pod))
        tell(pod, pod.told, this.untold.has(pod.uid), pod.toldCause.reason);
    });
    for (const [uid, { pod, message }] of this.unreadable) {
      // It has become readable meanwhile.
      if (view.pod(uid) === undefined) tell(pod, message, true, 'Unschedulable');
    }
    this.untold.clear();
    this.unreadable.clear();
  }
}
