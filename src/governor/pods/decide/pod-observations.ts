/**
 * What is observed of pods and groups, taken into the scheduler's state: pods that are new, described differently, placed, ended or
 * gone, outcomes of bindings, groups and their members. Nothing is decided here; groups that are concerned are reviewed at the
 * step's end.
 */
import type { PodDescription, PodGroupDescription } from '../../../model/kubernetes/pod.ts';
import type { BindDoneEvent } from '../pod-events.ts';
import type { PodGroup } from '../state/pod-groups.ts';
import { isPlaced, type PodRecord, PodState } from '../state/pod-records.ts';
import { otherCause } from '../state/report-cause.ts';
import type { GroupDecisions } from './group-decisions.ts';
import type { GroupTerms } from './group-terms.ts';
import type { PodDecisions } from './pod-decisions.ts';
import type { SchedulerParts } from './scheduler-parts.ts';

/** Follows the pods and groups of the cluster. */
export class PodObservations {
  private readonly parts: SchedulerParts;
  private readonly terms: GroupTerms;
  private readonly decisions: PodDecisions;
  private readonly groupDecisions: GroupDecisions;

  constructor(
    parts: SchedulerParts,
    terms: GroupTerms,
    decisions: PodDecisions,
    groupDecisions: GroupDecisions,
  ) {
    this.parts = parts;
    this.terms = terms;
    this.decisions = decisions;
    this.groupDecisions = groupDecisions;
  }

  /** A pod is there, or described differently. O(1), and O(members) where the terms of its group change. */
  setPod(own: PodDescription): void {
    const { state } = this.parts;
    const pod = this.terms.under(own);
    const known = state.pods.get(pod.uid);
    if (pod.ended || (pod.nodeName === '' && !pod.ours)) {
      if (known !== undefined && pod.ended) this.parts.champions.ended(known);
      if (pod.ended && pod.ours && pod.group !== '' && pod.nodeName !== '')
        this.memberEnded(pod.uid, pod.group);
      else if (known !== undefined) this.forget(pod.uid);
      return;
    }
    const record = known ?? this.meet(pod);
    if (known !== undefined) this.describeAnew(record, pod);
    this.terms.described(record, own, pod);
    if (pod.nodeName !== '') this.setPlaced(record, pod.nodeName);
    else this.decisions.admit(record, pod);
    if (record.group !== '') this.parts.touched.add(record.group);
  }

  private meet(pod: PodDescription): PodRecord {
    const record = this.parts.state.addPod(pod);
    this.parts.queue.add(record);
    if (record.group !== '') this.parts.groups.join(record);
    return record;
  }

  private describeAnew(record: PodRecord, pod: PodDescription): void {
    const { state } = this.parts;
    this.changeTenant(record, pod.tenant);
    const shape = state.shapes.acquire(pod.template);
    if (shape === record.shape) state.shapes.release(shape);
    else {
      // A line is that of one shape.
      if (record.state === PodState.Waiting || record.state === PodState.Active)
        this.parts.queue.move(record, PodState.Ignored);
      state.changeShape(record, shape);
    }
    record.startedSeconds = pod.startedSeconds;
    record.checkpointedSeconds = pod.checkpointedSeconds ?? Number.NEGATIVE_INFINITY;
    record.expectedSeconds = pod.expectedSeconds ?? Number.NaN;
    record.gates = pod.gates;
    record.generation = pod.generation;
    record.preempted = pod.preempted;
    this.parts.nominations.observe(record, pod.nominatedNodeName);
    if (pod.deleting && !record.deleting) state.setDeleting(record);
    if (record.ours && pod.group !== record.group) this.changeGroup(record, pod.group);
  }

  /** A label can be changed, and so the tenant that it names: the new one's admission must be checked. */
  private changeTenant(record: PodRecord, name: string): void {
    const isOther = this.parts.state.tenants.find(name) !== record.tenant;
    if (isOther && (record.line?.unadmittedOf ?? -1) >= 0) this.parts.queue.move(record, PodState.Ignored);
    if (!isOther) return;
    this.parts.state.changeTenant(record, name);
    // Its quota came up.
    if (record.node >= 0) this.parts.reclaim.changed([record.node]);
  }

  /** A label can be changed, and so the group that it names. */
  private changeGroup(record: PodRecord, group: string): void {
    const { queue } = this.parts;
    const { group: before } = record;
    if (!isPlaced(record)) queue.move(record, PodState.Ignored);
    if (before !== '') this.loseGroup(this.parts.groups.leave(record), before);
    record.group = group;
    if (group !== '') this.parts.groups.join(record);
  }

  /** The pod is on a node: we put it there, or another scheduler did. */
  private setPlaced(record: PodRecord, nodeName: string): void {
    const { state } = this.parts;
    if (isPlaced(record)) {
      if (record.nodeName !== nodeName) {
        state.unplace(record);
        state.placeByName(record, nodeName);
      }
    } else {
      state.placeByName(record, nodeName);
      this.parts.groups.foundPlaced(record);
    }
    this.parts.reports.forget(record);
    if (record.state !== PodState.Bound) this.setBound(record);
  }

  /** From now on it may be evicted. */
  private setBound(pod: PodRecord): void {
    this.parts.queue.move(pod, PodState.Bound);
    if (pod.node >= 0) this.parts.reclaim.changed([pod.node]);
  }

  /** A pod is gone, or none of ours any more. */
  forget(uid: string): void {
    const { state, queue } = this.parts;
    const record = state.pods.get(uid);
    if (record === undefined) return;
    this.parts.reports.forget(record);
    state.removePod(record);
    this.parts.reclaim.gone(record);
    queue.forget(record);
    if (record.group !== '') this.loseGroup(this.parts.groups.leave(record), record.group);
  }

  /** A member of a group has ended on a node; its object is still there. */
  memberEnded(uid: string, group: string): void {
    const known = this.parts.state.pods.get(uid);
    if (known !== undefined) this.parts.champions.ended(known);
    this.parts.groups.setEnded(uid, group);
    this.parts.touched.add(group);
    this.forget(uid);
  }

  /** The object of a pod that had ended is gone. */
  endedGone(uid: string): void {
    const ended = this.parts.groups.endedGone(uid);
    if (ended !== undefined) this.loseGroup(ended.gone, ended.key);
  }

  /** A group is there, or described differently. */
  setGroup(description: PodGroupDescription): void {
    this.parts.touched.add(this.parts.groups.set(description).key);
    this.terms.follow(description.key);
    // Fewer of its members may have to stay together.
    this.parts.reclaim.changedAll();
  }

  /** The object of a group is gone. */
  groupGone(key: string): void {
    this.loseGroup(this.parts.groups.remove(key), key);
    this.terms.follow(key);
  }

  /** A group has lost a member or its object, and perhaps ceased to exist. */
  private loseGroup(gone: PodGroup | undefined, key: string): void {
    if (gone !== undefined) this.groupDecisions.forget(gone);
    else this.parts.touched.add(key);
  }

  /** A binding was answered. */
  bindDone({ uid, outcome, reason = '' }: BindDoneEvent): void {
    const { state, queue } = this.parts;
    const pod = state.pods.get(uid);
    if (outcome === 'bound') {
      this.parts.counters.bound++;
      if (pod?.state === PodState.Binding) this.setBound(pod);
    } else {
      this.parts.counters.notBound++;
      // Bound (the watch was faster than the answer, or another scheduler won) or gone: nothing is left to do.
      if (pod?.state !== PodState.Binding) return;
      state.unplace(pod);
      pod.evicted = false;
      // Its status still has our nomination.
      this.parts.nominations.withdraw(pod);
      if (outcome === 'gone' || pod.deleting) queue.move(pod, PodState.Ignored);
      else {
        queue.backOff(pod);
        this.parts.nominations.honour(pod);
        if (reason !== '') this.decisions.tell(pod, reason, [], otherCause('SchedulerError'));
      }
    }
    if (pod !== undefined && pod.group !== '') this.parts.touched.add(pod.group);
  }
}
