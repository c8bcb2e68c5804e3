/**
 * Terms that a group sets for its pods: their priority, and whether they may preempt. The group's object is
 * authoritative: a pod has its own terms only where its group says nothing.
 *
 * Invariant: after a step the record of each pod, and the template of its shape, have the terms that count.
 */
import type { PodDescription, PodGroupDescription, PodTemplate } from '../../../model/kubernetes/pod.ts';
import type { PodGroups } from '../state/pod-groups.ts';
import { type PodRecord, PodState } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import type { PodQueue } from './pod-queue.ts';

type Policy = PodTemplate['preemptionPolicy'];

/** Keeps the terms of pods in step with their groups'. */
export class GroupTerms {
  private readonly state: SchedulerState;
  private readonly queue: PodQueue;
  private readonly groups: PodGroups;
  /** The same template with the other policy. */
  private readonly others = new WeakMap<PodTemplate, PodTemplate>();

  constructor(parts: {
    readonly state: SchedulerState;
    readonly queue: PodQueue;
    readonly groups: PodGroups;
  }) {
    this.state = parts.state;
    this.queue = parts.queue;
    this.groups = parts.groups;
  }

  /** @returns The pod with the terms that count; the very object where its group sets none. O(1). */
  under(pod: PodDescription): PodDescription {
    const group = pod.ours && pod.group !== '' ? this.groups.get(pod.group)?.description : undefined;
    if (group?.priority === undefined && group?.preemptionPolicy === undefined) return pod;
    const template = this.withPolicy(pod.template, group.preemptionPolicy ?? pod.template.preemptionPolicy);
    return { ...pod, priority: group.priority ?? pod.priority, template };
  }

  /** A pod was described, and its shape has followed: keeps its own terms, and its priority in step. */
  described(record: PodRecord, own: PodDescription, counting: PodDescription): void {
    record.ownPriority = own.priority;
    record.ownPolicy = own.template.preemptionPolicy;
    if (record.priority !== counting.priority) this.queue.reprioritise(record, counting.priority);
  }

  /** A group's object has changed, come or gone. O(members). */
  follow(key: string): void {
    const group = this.groups.get(key);
    if (group === undefined) return;
    const { description } = group;
    let isOther = false;
    for (const pod of group.members) if (this.apply(pod, description)) isOther = true;
    if (isOther) this.queue.requeueGroup(group);
  }

  /** @returns True if the pod's terms were others. */
  private apply(pod: PodRecord, group: PodGroupDescription | undefined): boolean {
    const priority = group?.priority ?? pod.ownPriority;
    const policy = group?.preemptionPolicy ?? pod.ownPolicy;
    const isRanked = pod.priority === priority;
    if (!isRanked) this.queue.reprioritise(pod, priority);
    if (pod.shape.template.preemptionPolicy === policy) return !isRanked;
    const { state, queue } = this;
    const shape = state.shapes.acquire(this.withPolicy(pod.shape.template, policy));
    // A line is that of one shape.
    const isAlone = pod.state === PodState.Waiting || pod.state === PodState.Active;
    if (isAlone) queue.move(pod, PodState.Ignored);
    state.changeShape(pod, shape);
    if (isAlone) queue.activate(pod);
    return true;
  }

  private withPolicy(template: PodTemplate, preemptionPolicy: Policy): PodTemplate {
    if (template.preemptionPolicy === preemptionPolicy) return template;
    let other = this.others.get(template);
    if (other === undefined) {
      other = { ...template, preemptionPolicy };
      this.others.set(template, other);
    }
    return other;
  }
}
