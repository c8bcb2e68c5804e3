/**
 * The nodes on which room is kept for waiting pods, and the nomination in their status (`status.nominatedNodeName`).
 *
 * There are two kinds of writers: this scheduler, for a pod whose victims have to leave, and all others (queueing
 * systems, autoscalers, another scheduler, this one before a restart). Room is kept in both cases; only our own
 * nominations are cleared.
 *
 * Invariants: `ownNode` and `foreignNode` are not both set; our own writes are recognised when the status shows them,
 * so that a late echo of ours is not mistaken for another writer's.
 */
import type { NominateEffect } from '../pod-events.ts';
import { isPlaced, type PodRecord, PodState } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import type { PodQueue } from './pod-queue.ts';
import type { Preemption } from './preemption.ts';

/** Own writes of a pod that are kept until its status shows them; the oldest is dropped first. */
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

  /** Keeps room for a waiting pod where others nominated it, unless room is kept for it already. */
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
      // Later writes will be seen, too; and usually no other writer was active meanwhile.
      if (!isNewest || (pod.ownNode === node && pod.foreignNode === '')) return;
      pod.ownNode = node;
      pod.foreignNode = '';
    } else {
      pod.ownNode = '';
      pod.foreignNode = node;
    }
    this.follow(pod, node);
  }

  /** Room is being made for a pod: keeps it, and writes the nomination. */
  nominate(pod: PodRecord, slot: number): void {
    const node = this.state.slots.nameOf(slot);
    this.state.nominate(pod, slot);
    // The status has it already, and it is another writer's.
    if (pod.foreignNode === node || pod.ownNode === node) return;
    pod.foreignNode = '';
    this.write(pod, node);
  }

  /** Our own nomination of a pod is over; others' nominations stay. */
  withdraw(pod: PodRecord): void {
    if (pod.ownNode === '') return;
    this.state.clearNomination(pod);
    this.write(pod, '');
  }

  /** No room is kept for a pod that is not to be scheduled now, whichever scheduler nominated it. */
  drop(pod: PodRecord): void {
    this.withdraw(pod);
    this.state.clearNomination(pod);
  }

  /** Nothing fits a pod, and there are no victims for it: room that it cannot use is not kept. */
  giveUp(pod: PodRecord): void {
    this.withdraw(pod);
    if (pod.nominated >= 0 && !this.preemption.couldTake(pod, pod.nominated)) this.state.expect(pod);
  }

  /** The node on which room was kept for these pods is gone. */
  nodeLost(pods: readonly PodRecord[]): void {
    for (const pod of pods) {
      this.withdraw(pod);
      if (pod.state === PodState.Waiting) this.queue.activate(pod);
    }
  }

  /** Keeps room where the status now says; a waiting pod is tried there. */
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
