/**
 * What a scheduler that does not lead may not tell, kept until it leads.
 *
 * Pods that are refused for what they need, or that cannot be read, are judged when they are seen: often before the first
 * decision, and by every replica. Whoever leads tells of them, once; a replica that never leads tells nothing.
 * And what was told before a lease was lost may not have been written: the state of pods that wait is told again.
 */

import type { NotScheduledReason } from '../../governor/pods/pod-events.ts';
import type { PodSchedulerView } from '../../governor/pods/pod-view.ts';
import { isPlaced } from '../../governor/pods/state/pod-records.ts';
import type { PodIdentity } from './writes/status-writer.ts';

/** Pods remembered at most, of each kind; further ones are told of when they change. */
const REMEMBERED_MAX = 20_000;

/** How a pod is told of. @param isNew Whether nobody was told: by an event, too. */
export type TellWaiting = (
  pod: PodIdentity,
  message: string,
  isNew: boolean,
  reason: NotScheduledReason,
) => void;

/** See the head of the file. */
export class Standby {
  /** Uids of pods of which nobody was told. */
  private readonly untold = new Set<string>();
  /** Pods that cannot be read, by uid. */
  private readonly unreadable = new Map<string, { readonly pod: PodIdentity; readonly message: string }>();

  /** A pod that waits, which nobody was told of. */
  note(uid: string): void {
    if (this.untold.size < REMEMBERED_MAX) this.untold.add(uid);
  }

  /** A pod that cannot be read. */
  noteUnreadable(pod: PodIdentity, message: string): void {
    if (this.unreadable.size < REMEMBERED_MAX) this.unreadable.set(pod.uid, { pod, message });
  }

  /** From now on we lead: tells of all that wait. O(pods). */
  tellAll(view: PodSchedulerView, tell: TellWaiting): void {
    view.forEachPod((pod) => {
      if (pod.told !== '' && !isPlaced(pod)) tell(pod, pod.told, this.untold.has(pod.uid), pod.toldReason);
    });
    for (const [uid, { pod, message }] of this.unreadable) {
      // It has become readable meanwhile.
      if (view.pod(uid) === undefined) tell(pod, message, true, 'Unschedulable');
    }
    this.untold.clear();
    this.unreadable.clear();
  }
}
