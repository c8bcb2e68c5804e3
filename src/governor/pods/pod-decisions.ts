/**
 * Deciding single pods: who comes to the queue, where a pod goes, and what is said where it goes nowhere.
 */
import type { PodDescription } from '../../model/kubernetes/pod.ts';
import { domainName, groupDomain } from './gang-attempts.ts';
import type { Allowed } from './gang-types.ts';
import type { NotScheduledReason } from './pod-events.ts';
import { isLeaving, isPlaced, type PodRecord, PodState } from './pod-records.ts';
import { type Candidate, TERMINATING } from './preemption.ts';
import type { SchedulerParts } from './scheduler-parts.ts';
import type { Shape } from './shape-table.ts';
import { vainPreemptionText, verdictOf } from './verdict.ts';

/** Decides pods one by one. */
export class PodDecisions {
  private readonly parts: SchedulerParts;

  constructor(parts: SchedulerParts) {
    this.parts = parts;
  }

  /** A pod of ours that is not assigned: it comes to the queue, or stays aside for a reason. */
  admit(pod: PodRecord, description: PodDescription): void {
    const { queue } = this.parts;
    // An update from before it was bound can come after the answer that it was.
    if (isPlaced(pod)) return;
    const { template } = pod.shape;
    if (description.deleting || description.gates.length > 0) {
      if (description.deleting) queue.move(pod, PodState.Aside);
      else if (pod.state !== PodState.Gated) queue.move(pod, PodState.Gated);
      this.clearNomination(pod);
    } else if (template.unsupported.length > 0) {
      this.clearNomination(pod);
      this.refuse(pod, template.unsupported, 'pod');
    } else if (
      pod.state === PodState.Aside ||
      pod.state === PodState.Gated ||
      // Only what its group needs can be the reason now.
      (pod.state === PodState.Refused && pod.group === '')
    ) {
      this.enqueue(pod, description.priority);
    }
  }

  /** Pods in excess come to the queue as far as there is room. */
  admitExcess(): void {
    const { queue } = this.parts;
    for (let pod = queue.nextInExcess(); pod !== undefined; pod = queue.nextInExcess()) {
      pod.told = '';
      if (pod.group === '') queue.activate(pod);
      else {
        queue.move(pod, PodState.InGroup);
        this.touch(pod);
      }
    }
  }

  /** Says that TEG does not do what a pod or its group needs, and leaves it alone. */
  refuse(pod: PodRecord, unsupported: readonly string[], whose: string): void {
    this.parts.queue.move(pod, PodState.Refused);
    this.tell(pod, `TEG does not schedule this ${whose}: not supported: ${unsupported.join(', ')}`, ['TEG']);
  }

  /** Decides on a pod. @returns 1. */
  attempt(pod: PodRecord): number {
    const { state, placement, counters } = this.parts;
    pod.attempts++;
    this.honourNomination(pod);
    const { shape } = pod;
    const allowed = this.domainOf(pod);
    const known = allowed === undefined && pod.nominated < 0 && state.isRefused(shape, pod.priority);
    const before = known ? '' : state.rules.begin(shape);
    const slot = known || before !== '' ? -1 : placement.find(shape, pod.priority, pod, allowed);
    if (!known) counters.examined += placement.examined;
    if (slot >= 0) {
      state.place(pod, slot);
      this.bind(pod);
    } else this.hold(pod, known, before, allowed);
    return 1;
  }

  /** A pod was placed: tells the driver to bind it. */
  bind(pod: PodRecord): void {
    const { state, emit, counters, queue } = this.parts;
    queue.move(pod, PodState.Binding);
    this.touch(pod);
    pod.told = '';
    counters.scheduled++;
    emit({
      kind: 'bind',
      uid: pod.uid,
      namespace: pod.namespace,
      name: pod.name,
      node: pod.nodeName,
      claims: state.rules.claimsFor(pod.shape, pod.node),
      attempts: pod.attempts,
      waitedSeconds: state.timeSeconds - pod.sinceSeconds,
      group: pod.group,
    });
  }

  /** Tells why a pod waits, unless that was told last. */
  tell(
    pod: PodRecord,
    message: string,
    plugins: readonly string[],
    reason: NotScheduledReason = 'Unschedulable',
  ): void {
    if (pod.told === message && pod.toldReason === reason) return;
    pod.told = message;
    pod.toldReason = reason;
    const { uid, namespace, name } = pod;
    this.parts.emit({
      kind: 'unschedulable',
      uid,
      namespace,
      name,
      message,
      reason,
      plugins,
    });
  }

  /** No room is kept for a pod any more; says so if some was. */
  clearNomination(pod: PodRecord): void {
    if (pod.nominated < 0) return;
    this.parts.state.clearNomination(pod);
    this.tellNomination(pod, '');
  }

  /**
   * A victim could not be evicted: the pods that it was to make room for are tried again after a back-off.
   *
   * @param reason For people; '' if there is nothing to report.
   */
  evictionFailed(victim: PodRecord, reason: string): void {
    const { state, queue } = this.parts;
    victim.evicted = false;
    this.touch(victim);
    for (const pod of [...(state.nominated.get(victim.node) ?? [])]) {
      if (pod.priority <= victim.priority) continue;
      this.clearNomination(pod);
      if (pod.state === PodState.Waiting) queue.backOff(pod);
      if (reason === '') continue;
      const who = `${victim.namespace}/${victim.name}`;
      const message = `preemption: pod ${who} could not be evicted from node ${victim.nodeName}: ${reason}`;
      this.tell(pod, message, ['DefaultPreemption'], 'SchedulerError');
    }
  }

  /** The node that room was kept on is gone. */
  nominationLost(pods: readonly PodRecord[]): void {
    const { queue } = this.parts;
    for (const pod of pods) {
      this.tellNomination(pod, '');
      if (pod.state === PodState.Waiting) queue.activate(pod);
    }
  }

  /** The pod's group is looked at, at the end of the step. */
  private touch(pod: PodRecord): void {
    if (pod.group !== '') this.parts.touched.add(pod.group);
  }

  private tellNomination(pod: PodRecord, node: string): void {
    const { uid, namespace, name } = pod;
    this.parts.emit({ kind: 'nominate', uid, namespace, name, node });
  }

  private enqueue(pod: PodRecord, priority: number): void {
    const { queue, state } = this.parts;
    if (Number.isNaN(pod.sinceSeconds)) {
      pod.sinceSeconds = state.timeSeconds;
      state.zones.seen(pod.shape, 1);
    }
    pod.priority = priority;
    if (!queue.hasRoom) {
      queue.hold(pod);
      const { waitingPodsMax } = state.options;
      this.tell(pod, `TEG's queue is full: ${waitingPodsMax} pods wait; raise queue.waitingPodsMax`, ['TEG']);
    } else if (pod.group === '') queue.activate(pod);
    else queue.move(pod, PodState.InGroup);
  }

  /** Room that was being made for the pod before we came is kept for it. */
  private honourNomination(pod: PodRecord): void {
    if (pod.wantedNode === '') return;
    const { state } = this.parts;
    const slot = state.slots.slotOf(pod.wantedNode);
    pod.wantedNode = '';
    if (slot >= 0 && pod.nominated < 0) state.nominate(pod, slot);
  }

  /** Nothing fits: makes room if that may be, and lets the pod wait. */
  private hold(pod: PodRecord, known: boolean, before: string, allowed: Allowed | undefined): void {
    const confined = allowed !== undefined;
    const { state, queue, counters } = this.parts;
    const { refused } = pod.shape;
    counters.unschedulable++;
    if (!known) this.judge(pod.shape, before, allowed);
    const candidate = confined
      ? 'preemption: not tried for a member of a placed group.'
      : this.makeRoom(pod, known);
    // Nobody goes, and nobody is going: room kept for it would help nobody.
    if (typeof candidate === 'string' && !candidate.endsWith(TERMINATING)) this.clearNomination(pod);
    const isNominated = typeof candidate !== 'string' || pod.nominated >= 0;
    queue.wait(pod, confined ? 'confined' : isNominated ? 'nominated' : '');
    this.tell(
      pod,
      `${refused.text} ${typeof candidate === 'string' ? candidate : ''}`.trim(),
      refused.plugins,
    );
    if (!known && !confined && pod.nominated < 0) state.setRefused(pod.shape, pod.priority);
    if (typeof candidate !== 'string') this.evict(pod, candidate);
  }

  private judge(shape: Shape, before: string, allowed: Allowed | undefined): void {
    const { message, plugins } = verdictOf(this.parts.state, shape, before, { allowed });
    Object.assign(shape.refused, { text: message, plugins, version: -1 });
    shape.refused.vainPriority = Number.NEGATIVE_INFINITY;
  }

  /** @returns Who goes for the pod, or why nobody does. */
  private makeRoom(pod: PodRecord, known: boolean): Candidate | string {
    const { preemption, state } = this.parts;
    const { refused } = pod.shape;
    if (state.slots.live === 0) return '';
    const why = preemption.ineligible(pod);
    if (why !== '') return `preemption: ${why}`;
    // Taking more pods away helps no less, unless the pod needs some of them beside it.
    const vain =
      known &&
      (pod.priority === refused.vainPriority ||
        (pod.priority < refused.vainPriority && !state.rules.dependsOnPods(pod.shape)));
    const candidate = vain ? undefined : preemption.find(pod);
    if (candidate !== undefined) return candidate;
    if (!vain) {
      refused.vainPriority = pod.priority;
      refused.vainText = vainPreemptionText(state, preemption, pod);
    }
    return refused.vainText;
  }

  private evict(pod: PodRecord, candidate: Candidate): void {
    const { state, emit, counters, queue, preemption } = this.parts;
    const { slot } = candidate;
    preemption.chosen(slot);
    const node = state.slots.nameOf(slot);
    const victims = candidate.victims.filter((victim) => !isLeaving(victim));
    counters.preemptions++;
    counters.victims += victims.length;
    for (const other of [...(state.nominated.get(slot) ?? [])]) {
      if (other === pod || other.priority >= pod.priority) continue;
      this.clearNomination(other);
      if (other.state === PodState.Waiting) queue.activate(other);
    }
    state.nominate(pod, slot);
    this.tellNomination(pod, node);
    const by = `${pod.namespace}/${pod.name}`;
    for (const victim of victims) {
      const { uid, namespace, name } = victim;
      victim.evicted = true;
      this.touch(victim);
      emit({ kind: 'evict', uid, namespace, name, node, by, byUid: pod.uid });
    }
  }

  /** Where the pod's group may be, if its topology is bound and some of it is placed. */
  private domainOf(pod: PodRecord): Allowed | undefined {
    const group = pod.group === '' ? undefined : this.parts.groups.get(pod.group);
    if (group === undefined) return undefined;
    // As of now: when it is another one, who was refused for it is tried again.
    group.domain = domainName(this.parts.state, group);
    return groupDomain(this.parts.state, group);
  }
}
