/**
 * The pod scheduler: the deterministic state machine that decides where the pods of a Kubernetes cluster run.
 *
 * `step(event, time)` takes in what a driver saw of the API server, or decides, and returns what has to be done. No clock, no
 * I/O, no randomness but a seeded stream for jitter: the same events give the same effects. Where a pod goes is TEG's field
 * (`placement-zones.ts`: the policy and the prices that the simulator runs) under the rules of Kubernetes (`constraints.ts`);
 * when it is tried is the queue's (`pod-queue.ts`). `docs/pod-scheduler.md` is the page for people.
 *
 * Invariants: a decided pod counts on its node until the driver says that it was not bound, or it is gone; a pod is decided
 * at most once at a time; nothing is placed beyond what the node has.
 */
import type { PodDescription, PodGroupDescription } from '../../model/kubernetes/pod.ts';
import type { Constraints } from './constraints.ts';
import { GroupDecisions } from './group-decisions.ts';
import { Placement } from './placement.ts';
import { PodDecisions, toleratesCordon } from './pod-decisions.ts';
import type { BindOutcome, PodEffect, PodEvent, PodSchedulerOptions } from './pod-events.ts';
import { isGroup, PodGroups } from './pod-groups.ts';
import { PodQueue } from './pod-queue.ts';
import { type PodRecord, PodState } from './pod-records.ts';
import { Preemption } from './preemption.ts';
import type { PodSchedulerCounters } from './scheduler-parts.ts';
import { SchedulerState } from './scheduler-state.ts';

/** Seconds between two looks at groups that wait for members or for repair. */
const GROUP_LOOK_SECONDS = 1;

/** Decides for one cluster. */
export class PodScheduler {
  readonly state: SchedulerState;
  readonly queue: PodQueue;
  readonly groups = new PodGroups();
  readonly preemption: Preemption;
  readonly placement: Placement;
  readonly counters: PodSchedulerCounters = {
    scheduled: 0,
    unschedulable: 0,
    bound: 0,
    notBound: 0,
    preemptions: 0,
    victims: 0,
    gangsPlaced: 0,
    gangsReleased: 0,
    examined: 0,
  };
  private readonly decisions: PodDecisions;
  private readonly groupDecisions: GroupDecisions;
  private effects: PodEffect[] = [];
  private groupLookSeconds = 0;

  /** @param rules Empty ones: `createConstraints()`. */
  constructor(options: PodSchedulerOptions, rules: Constraints) {
    this.state = new SchedulerState(options, rules);
    this.queue = new PodQueue(this.state, options);
    this.preemption = new Preemption(this.state);
    this.placement = new Placement(this.state);
    const emit = (effect: PodEffect): void => {
      this.effects.push(effect);
    };
    const parts = { ...this.parts(), emit };
    this.decisions = new PodDecisions(parts);
    this.groupDecisions = new GroupDecisions(parts, this.decisions);
  }

  /**
   * Takes in one event.
   *
   * @param timeSeconds Seconds since 1970 or any other origin; never less than at the last step.
   * @returns           What to do, in order; the array is the caller's.
   * @cost              O(1) for most events; see `decide` for the rest.
   */
  step(event: PodEvent, timeSeconds: number): readonly PodEffect[] {
    this.state.timeSeconds = Math.max(timeSeconds, this.state.timeSeconds);
    this.effects = [];
    this.take(event);
    return this.effects;
  }

  /** Pods known. */
  get podCount(): number {
    return this.state.pods.size;
  }

  /** Whether a decision would look at anything now, or by itself at `dueSeconds`. */
  get hasWork(): boolean {
    const { state } = this;
    return (
      this.queue.counts.active > 0 ||
      this.queue.groupsQueued > 0 ||
      state.changedSlots.size > 0 ||
      state.movedShapes.size > 0 ||
      state.everythingChanged ||
      this.dueSeconds <= state.timeSeconds
    );
  }

  /** When a decision is needed though no event comes. */
  get dueSeconds(): number {
    return Math.min(this.queue.dueSeconds, this.groupDecisions.dueSeconds(this.groupLookSeconds));
  }

  /** Whether a decided pod may still be bound to its node: both are there and the node takes pods. To be asked right before the binding. */
  stillHolds(uid: string, node: string): boolean {
    const pod = this.state.pods.get(uid);
    if (pod === undefined || pod.state !== PodState.Binding || pod.nodeName !== node || pod.leaving)
      return false;
    const description = this.state.slots.descriptions[pod.node];
    if (description === undefined) return false;
    return !description.unschedulable || toleratesCordon(pod.shape);
  }

  private parts() {
    const { state, queue, groups, preemption, placement, counters } = this;
    return { state, queue, groups, preemption, placement, counters };
  }

  private take(event: PodEvent): void {
    const { state, preemption } = this;
    switch (event.kind) {
      case 'decide':
        this.decide(event.max);
        return;
      case 'pod':
        this.setPod(event.pod);
        return;
      case 'pod-gone':
        this.forget(event.uid);
        return;
      case 'node':
        state.setNode(event.node);
        return;
      case 'node-gone':
        state.removeNode(event.name);
        return;
      case 'group':
        this.setGroup(event.group);
        return;
      case 'group-gone':
        this.groups.remove(event.key);
        return;
      case 'budget':
        preemption.budgets.set(event.budget.key, event.budget);
        return;
      case 'budget-gone':
        preemption.budgets.delete(event.key);
        return;
      case 'bind-done':
        this.bindDone(event.uid, event.outcome);
        return;
      case 'evict-done':
        this.evictDone(event.uid, event.done);
        return;
      default:
        state.rules.take(event);
        state.touchAll();
    }
  }

  /**
   * Decides on up to `max` pods, in their turn; what waits is woken first by what has changed.
   *
   * @cost O(changed nodes × waiting shapes), then what each choice costs.
   */
  private decide(max: number): void {
    const { state, queue } = this;
    state.zones.prepare();
    queue.wake();
    this.groupDecisions.wake();
    state.changedSlots.clear();
    state.movedShapes.clear();
    state.everythingChanged = false;
    if (state.timeSeconds >= this.groupLookSeconds) {
      this.groupLookSeconds = state.timeSeconds + GROUP_LOOK_SECONDS;
      this.groupDecisions.look();
    }
    for (let left = max; left > 0; ) {
      const item = queue.next();
      if (item === undefined) return;
      left -= isGroup(item) ? Math.max(1, this.groupDecisions.attempt(item)) : this.decisions.attempt(item);
    }
  }

  private setPod(pod: PodDescription): void {
    const { state } = this;
    const known = state.pods.get(pod.uid);
    if (pod.ended || (pod.nodeName === '' && !pod.ours)) {
      if (known !== undefined) this.forget(pod.uid);
      return;
    }
    const record = known ?? state.addPod(pod);
    const before = known === undefined ? -1 : record.state;
    if (known === undefined) {
      if (pod.ours && pod.group !== '') this.groups.join(record);
    } else this.describeAnew(record, pod);
    if (pod.nodeName !== '') this.setPlaced(record, pod.nodeName);
    else this.decisions.admit(record, pod);
    if (record.group !== '' && record.state !== before) this.groupDecisions.review(record.group);
  }

  private describeAnew(record: PodRecord, pod: PodDescription): void {
    const { state } = this;
    const shape = state.shapes.acquire(pod.template);
    if (shape === record.shape) state.shapes.release(shape);
    else {
      // A line is that of one shape.
      if (record.state === PodState.Waiting) this.queue.leave(record);
      state.changeShape(record, shape);
    }
    record.startedSeconds = pod.startedSeconds;
    if (pod.deleting && !record.leaving) {
      record.leaving = true;
      if (record.node >= 0) {
        state.rules.removePod(record.node, record.shape, record.uid);
        state.rules.addPod(record.node, record.shape, record.uid, true);
        state.movedShapes.add(record.shape);
      }
    }
  }

  /** The pod is on a node: we put it there, or somebody else did. */
  private setPlaced(record: PodRecord, nodeName: string): void {
    const { state, queue } = this;
    const counts = record.state === PodState.Binding || record.state === PodState.Bound;
    if (counts && record.nodeName === nodeName) {
      record.state = PodState.Bound;
      return;
    }
    if (counts) state.unplace(record);
    else queue.leave(record);
    state.placeByName(record, nodeName);
    record.state = PodState.Bound;
  }

  private forget(uid: string): void {
    const { state, queue } = this;
    const record = state.pods.get(uid);
    if (record === undefined) return;
    queue.leave(record);
    state.removePod(record);
    if (record.group !== '') {
      this.groups.leave(record);
      this.groupDecisions.review(record.group);
    }
  }

  private setGroup(description: PodGroupDescription): void {
    const group = this.groups.set(description);
    this.groupDecisions.review(group.key);
  }

  private bindDone(uid: string, outcome: BindOutcome): void {
    const { state, queue } = this;
    const pod = state.pods.get(uid);
    if (outcome === 'bound') {
      this.counters.bound++;
      if (pod?.state === PodState.Binding) pod.state = PodState.Bound;
      return;
    }
    this.counters.notBound++;
    // Bound (the watch was faster than the answer, or somebody else won) or gone: nothing is left to do.
    if (pod?.state !== PodState.Binding) return;
    state.unplace(pod);
    pod.state = PodState.Aside;
    if (outcome !== 'gone' && !pod.leaving) queue.backOff(pod);
    if (pod.group !== '') this.groupDecisions.review(pod.group);
  }

  private evictDone(uid: string, done: boolean): void {
    if (done) return;
    const victim = this.state.pods.get(uid);
    if (victim === undefined || victim.node < 0) return;
    victim.leaving = false;
    for (const pod of [...(this.state.nominated.get(victim.node) ?? [])]) this.state.clearNomination(pod);
    this.state.touchAll();
  }
}
