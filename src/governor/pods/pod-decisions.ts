/**
 * Deciding single pods: who comes to the queue, where a pod goes, and what is said where it goes nowhere.
 */
import type { PodDescription } from '../../model/kubernetes/pod.ts';
import { tolerates } from './constraints/taints.ts';
import { groupDomain } from './gang-attempts.ts';
import { type PodRecord, PodState } from './pod-records.ts';
import type { Candidate } from './preemption.ts';
import type { SchedulerParts } from './scheduler-parts.ts';
import type { Shape } from './shape-table.ts';
import { preemptionText, verdictOf } from './verdict.ts';

const CORDON = { key: 'node.kubernetes.io/unschedulable', value: '', effect: 'NoSchedule' } as const;

/** Decides pods one by one. */
export class PodDecisions {
  private readonly parts: SchedulerParts;

  constructor(parts: SchedulerParts) {
    this.parts = parts;
  }

  /** A pod of ours that is not assigned: it comes to the queue, or stays aside for a reason. */
  admit(pod: PodRecord, description: PodDescription): void {
    const { queue, state } = this.parts;
    // An update from before it was bound can come after the answer that it was.
    if (pod.state === PodState.Binding || pod.state === PodState.Bound) return;
    const { template } = pod.shape;
    if (description.deleting || description.gates.length > 0 || template.unsupported.length > 0) {
      queue.leave(pod);
      state.clearNomination(pod);
      if (description.deleting) return;
      if (description.gates.length > 0) pod.state = PodState.Gated;
      else this.refuse(pod, template.unsupported, 'pod');
      return;
    }
    if (pod.state !== PodState.Aside && pod.state !== PodState.Gated && pod.state !== PodState.Refused)
      return;
    if (Number.isNaN(pod.sinceSeconds)) {
      pod.sinceSeconds = state.timeSeconds;
      state.zones.seen(pod.shape, 1);
    }
    pod.priority = description.priority;
    if (queue.size >= state.options.waitingPodsMax) {
      queue.backOff(pod);
      this.tell(pod, `TEG's queue is full: ${queue.size} pods wait; raise queue.waitingPodsMax`, []);
    } else if (pod.group === '') queue.activate(pod);
    else pod.state = PodState.InGroup;
  }

  /** Says that TEG does not do what a pod or its group needs, and leaves it alone. */
  refuse(pod: PodRecord, unsupported: readonly string[], whose: string): void {
    pod.state = PodState.Refused;
    this.tell(pod, `TEG does not schedule this ${whose}: not supported: ${unsupported.join(', ')}`, ['TEG']);
  }

  /** Decides on a pod. @returns 1. */
  attempt(pod: PodRecord): number {
    const { state, queue, placement, counters } = this.parts;
    pod.attempts++;
    const { shape } = pod;
    const known =
      pod.nominated < 0 && state.nominated.size === 0 && shape.refusedAt === state.versionFor(shape);
    const before = known ? '' : state.rules.begin(shape);
    const slot = known || before !== '' ? -1 : placement.find(shape, pod.priority, pod, this.domainOf(pod));
    if (!known) counters.examined += placement.examined;
    if (slot >= 0) {
      queue.leave(pod);
      state.place(pod, slot);
      this.bind(pod);
      queue.placed(shape);
    } else this.hold(pod, known, before);
    return 1;
  }

  /** A pod was placed: tells the driver to bind it. */
  bind(pod: PodRecord): void {
    const { state, emit, counters } = this.parts;
    pod.state = PodState.Binding;
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
  tell(pod: PodRecord, message: string, plugins: readonly string[]): void {
    if (pod.told === message) return;
    pod.told = message;
    const { uid, namespace, name } = pod;
    this.parts.emit({
      kind: 'unschedulable',
      uid,
      namespace,
      name,
      message,
      reason: 'Unschedulable',
      plugins,
    });
  }

  /** Nothing fits: makes room if that may be, and lets the pod wait. */
  private hold(pod: PodRecord, known: boolean, before: string): void {
    const { state, queue, counters } = this.parts;
    const { shape } = pod;
    counters.unschedulable++;
    if (!known) this.judge(shape, before);
    const candidate = this.makeRoom(pod);
    const preempting = typeof candidate === 'string' ? candidate : '';
    queue.wait(pod);
    this.tell(pod, `${shape.refusedText} ${preempting}`.trim(), shape.refusedPlugins);
    if (typeof candidate !== 'string') this.evict(pod, candidate);
    if (state.nominated.size === 0) shape.refusedAt = state.versionFor(shape);
  }

  private judge(shape: Shape, before: string): void {
    const verdict = verdictOf(this.parts.state, shape, before);
    shape.refusedText = verdict.message;
    shape.refusedPlugins = verdict.plugins;
    shape.refusedResolvable = verdict.resolvable;
    shape.refusedAt = -1;
  }

  /** @returns Who goes for the pod, or why nobody does. */
  private makeRoom(pod: PodRecord): Candidate | string {
    const { preemption, state } = this.parts;
    const why = preemption.ineligible(pod);
    if (why !== '') return `preemption: ${why}`;
    return preemption.find(pod) ?? preemptionText(state.slots.live, pod.shape.refusedResolvable);
  }

  private evict(pod: PodRecord, candidate: Candidate): void {
    const { state, emit, counters } = this.parts;
    const { slot, victims } = candidate;
    const node = state.slots.nameOf(slot);
    counters.preemptions++;
    counters.victims += victims.length;
    for (const other of [...(state.nominated.get(slot) ?? [])]) {
      if (other.priority >= pod.priority) continue;
      state.clearNomination(other);
      emit({ kind: 'nominate', uid: other.uid, namespace: other.namespace, name: other.name, node: '' });
    }
    state.nominate(pod, slot);
    emit({ kind: 'nominate', uid: pod.uid, namespace: pod.namespace, name: pod.name, node });
    for (const { uid, namespace, name } of victims) {
      const by = `${pod.namespace}/${pod.name}`;
      emit({ kind: 'evict', uid, namespace, name, node, by, byUid: pod.uid });
    }
    for (const victim of victims) victim.leaving = true;
  }

  /** Where the pod's group may be, if its topology is bound and some of it is placed. */
  private domainOf(pod: PodRecord): ((slot: number) => boolean) | undefined {
    const group = pod.group === '' ? undefined : this.parts.groups.get(pod.group);
    return group === undefined ? undefined : groupDomain(this.parts.state, group);
  }
}

/** @returns Whether pods of a shape go to nodes that are cordoned. */
export function toleratesCordon(shape: Shape): boolean {
  return shape.template.tolerations.some((toleration) => tolerates(toleration, CORDON));
}
