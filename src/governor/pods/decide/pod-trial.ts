/**
 * A trial placement of equal pods: the nodes where they would go one after the other, and the price. Everything is
 * undone: accounts, rules, nodes' lists, the field with its classes and their order.
 */
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import { newPodRecord, type PodRecord } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import type { Placement } from './placement.ts';

/** Results of a trial. Filled by `tryPods`. */
export interface PodTrial {
  /** Slots of the pods that found room, in their order. */
  readonly slots: number[];
  /** The sum of their prices, each when it was placed, milli-GPU. */
  price: number;
}

/**
 * Tries to place `count` pods like `pod`. No pod is preempted for them. The field must be made (`zones.isStale` is
 * false).
 *
 * @param pod A prototype of the pods; unknown to the scheduler.
 */
export function tryPods(
  state: SchedulerState,
  placement: Placement,
  pod: PodDescription,
  count: number,
  into: PodTrial,
): void {
  into.slots.length = 0;
  into.price = 0;
  const shape = state.shapes.acquire(pod.template);
  const mark = placement.mark();
  const placed: PodRecord[] = [];
  state.zones.beginTrial();
  while (placed.length < count && state.rules.preFilter(shape) === undefined) {
    const slot = placement.find(shape, pod.priority);
    if (slot < 0) break;
    into.slots.push(slot);
    into.price += state.zones.priceOn(shape, slot);
    const uid = `${pod.uid}/${placed.length}`;
    const record = newPodRecord({ ...pod, uid }, shape, TRIAL_TENANT, 0, state.timeSeconds);
    state.assume(record, slot);
    placed.push(record);
  }
  for (const record of placed.reverse()) state.forget(record);
  state.zones.endTrial();
  placement.reset(mark);
  state.shapes.release(shape);
}

/** Belongs to no tenant: no hold is reported for it. */
const TRIAL_TENANT = 0;

/**
 * @returns The cost of placed pods where they are, by the measure of `tryPods`: each with those before it on their
 *   nodes.
 */
export function priceOfPlaced(state: SchedulerState, pods: readonly PodRecord[]): number {
  const { accounts, zones } = state;
  let sum = 0;
  zones.beginTrial();
  for (let i = pods.length - 1; i >= 0; i--) {
    const { node, shape } = pods[i] as PodRecord;
    accounts.add(node, shape.request, -1);
    zones.update(node);
    sum += zones.priceOn(shape, node);
  }
  for (const { node, shape } of pods) {
    accounts.add(node, shape.request, 1);
    zones.update(node);
  }
  zones.endTrial();
  return sum;
}
