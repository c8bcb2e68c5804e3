/**
 * On which nodes room is kept for pods that wait, and what their status says of it (`status.nominatedNodeName`).
 *
 * Two write it: this scheduler, for a pod that others have to leave for, and anybody else (queueing systems, autoscalers,
 * another scheduler, this one before a restart). Room is kept in both cases; cleared is only what we wrote ourselves.
 *
 * Invariants: `ownNode` and `foreignNode` are not both set; our own writes are recognised when the status shows them, so that
 * a late echo of ours is not mistaken for somebody else's word.
 */
import type { NominateEffect } from '../pod-events.ts';
import { isPlaced, type PodRecord, PodState } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import type { PodQueue } from './pod-queue.ts';
import type { Preemption } from './preemption.ts';

/** Own writes of a pod that are kept in mind until its status shows them; the oldest is forgotten first. */
const UNSEEN_MAX = 8;

/** Nominations. */
export class Nominations {
  private readonly state: SchedulerState;
  private readonly queue: PodQueue;
  private readonly preemption: Preemption;
  private readonly emit: (effect: NominateEffect) => void;

  constructor(parts: {
    readonly state: SchedulerState;
    readonly queue: PodQueue;
    readonly preemption: Preemption;
    readonly emit: (effect: NominateEffect) => void;
  }) {
    this.state = parts.state;
    this.queue = parts.queue;
    this.preemption = parts.preemption;
    this.emit = parts.emit;
  }

  /** Keeps room for a pod that waits where others nominated it to, unless room is kept for it already. */
  honour(pod: PodRecord): void {
    if (pod.foreignNode === '' || pod.nominated >= 0 || pod.expected !== '') return;
    const slot = this.state.slots.slotOf(pod.foreignNode);
    if (slot >= 0) this.state.nominate(pod, slot);
    else this.state.expect(pod);
  }

  /** A pod's status was read again. */
  observe(pod: PodRecord, node: string): void {
    if (node === pod.statusNode) return;
    pod.statusNode = node;
    if (!pod.ours) return;
    const at = pod.unseenNodes.indexOf(node);
    if (at >= 0) {
      const isNewest = at === pod.unseenNodes.length - 1;
      pod.unseenNodes = pod.unseenNodes.slice(at + 1);
      // What was written after it will be seen, too; and usually nobody else wrote meanwhile.
      if (!isNewest || (pod.ownNode === node && pod.foreignNode === '')) return;
      pod.ownNode = node;
      pod.foreignNode = '';
    } else {
      pod.ownNode = '';
      pod.foreignNode = node;
    }
    this.follow(pod, node);
  }

  /** Room is being made for a pod: keeps it, and says so. */
  nominate(pod: PodRecord, slot: number): void {
    const node = this.state.slots.nameOf(slot);
    this.state.nominate(pod, slot);
    // It says so already, and it is theirs.
    if (pod.foreignNode === node || pod.ownNode === node) return;
    pod.foreignNode = '';
    this.write(pod, node);
  }

  /** Our own nomination of a pod is over; what others nominated stands. */
  withdraw(pod: PodRecord): void {
    if (pod.ownNode === '') return;
    this.state.clearNomination(pod);
    this.write(pod, '');
  }

  /** No room is kept for a pod that is not to be scheduled now, whoever nominated it. */
  drop(pod: PodRecord): void {
    this.withdraw(pod);
    this.state.clearNomination(pod);
  }

  /** Nothing fits a pod, and nobody goes for it: room that it cannot use is not kept. */
  giveUp(pod: PodRecord): void {
    this.withdraw(pod);
    if (pod.nominated >= 0 && !this.preemption.couldTake(pod, pod.nominated)) this.state.expect(pod);
  }

  /** The node is gone on which room was kept for these pods. */
  nodeLost(pods: readonly PodRecord[]): void {
    for (const pod of pods) {
      this.withdraw(pod);
      if (pod.state === PodState.Waiting) this.queue.activate(pod);
    }
  }

  /** Keeps room where the status now says; a pod that waits is tried there. */
  private follow(pod: PodRecord, node: string): void {
    const { state, queue } = this;
    if (isPlaced(pod) || pod.state <= PodState.Refused) return;
    const slot = node === '' ? -1 : state.slots.slotOf(node);
    if (slot >= 0) state.nominate(pod, slot);
    else if (pod.foreignNode !== '') state.expect(pod);
    else state.clearNomination(pod);
    if (pod.state === PodState.Waiting) queue.activate(pod);
  }

  private write(pod: PodRecord, node: string): void {
    const { uid, namespace, name, ownNode: was } = pod;
    pod.ownNode = node;
    const unseen = [...pod.unseenNodes, node];
    pod.unseenNodes = unseen.length > UNSEEN_MAX ? unseen.slice(1) : unseen;
    this.emit({ kind: 'nominate', uid, namespace, name, node, was });
  }
}
