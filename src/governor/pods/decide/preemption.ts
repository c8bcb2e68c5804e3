/**
 * Preemption: the pods of lower priority that make room for one that nothing fits, by kube-scheduler's rules.
 *
 * On each node that could help all pods of lower priority are taken away; if the pod fits then, as many as possible are
 * given back, those whose budgets would break first, then the most important. The node is the one with the fewest
 * broken budgets, then the lowest highest priority of victims, the smallest sum of priorities, the fewest victims, the
 * latest start of its most important victim.
 *
 * @source https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
 */
import type { BudgetDescription } from '../../../model/kubernetes/pod.ts';
import { matchesSelector } from '../../../model/kubernetes/requirements.ts';
import { Refusal } from '../constraints.ts';
import type { PodGroup } from '../state/pod-groups.ts';
import { isLeaving, isPlaced, isVictim, type PodRecord } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';

/**
 * Why a pod may not preempt: preemption is turned off, its own policy forbids it, or victims for it are leaving
 * already.
 */
export type Ineligible = 'disabled' | 'never' | 'terminating';

/** The same in kube-scheduler's words. */
export const INELIGIBLE_TEXTS: Readonly<Record<Ineligible, string>> = {
  disabled: 'preemption is turned off.',
  never: 'not eligible due to preemptionPolicy=Never.',
  terminating: 'not eligible due to a terminating pod on the nominated node.',
};

/** Number of candidates among which one is chosen: a tenth of the nodes, and at least 100 if there are that many. */
const CANDIDATES_MIN = 100;

/** A node and its victims. */
export interface PreemptionCandidate {
  readonly slot: number;
  /** Most important first. */
  readonly victims: readonly PodRecord[];
  /** Victims whose budgets would break: their number, and those among all pods of lower priority. */
  readonly broken: number;
  readonly breaking: ReadonlySet<PodRecord>;
  /** Priority of the first victim; Σ (priority + 2³¹); earliest start of the most important ones. */
  readonly priority: number;
  readonly sum: number;
  readonly earliest: number;
}

/** The victims on a node, most important first, and how many of them would break budgets. */
interface Victims {
  readonly list: readonly PodRecord[];
  readonly broken: number;
  readonly breaking: ReadonlySet<PodRecord>;
}

const NOBODY: ReadonlySet<PodRecord> = new Set();

/** Finds victims. Changes the state during the search and restores it. */
export class Preemption {
  /** By `namespace/name`. */
  readonly budgets = new Map<string, BudgetDescription>();
  private readonly state: SchedulerState;
  private readonly groupOf: (key: string) => PodGroup | undefined;
  /** Where the last search ended: searches rotate, so that victims are not always of the first nodes. */
  private cursor = 0;

  /** @param groupOf Looks a group up by its key. */
  constructor(state: SchedulerState, groupOf: (key: string) => PodGroup | undefined = () => undefined) {
    this.state = state;
    this.groupOf = groupOf;
  }

  /** @returns Why the pod may not preempt; undefined: it may. */
  ineligible(pod: PodRecord): Ineligible | undefined {
    if (!this.state.options.preemption) return 'disabled';
    if (pod.shape.template.preemptionPolicy === 'Never') return 'never';
    if (pod.nominated >= 0 && this.victimsOf(pod).length > 0 && this.couldTake(pod, pod.nominated)) {
      return 'terminating';
    }
    return undefined;
  }

  /** @returns Victims of preemption that have not yet left the node to which the pod is nominated. O(pods on it). */
  victimsOf(pod: PodRecord): readonly PodRecord[] {
    const pods = this.state.slots.pods[pod.nominated] ?? [];
    return pods.filter((other) => isVictim(other) && other.priority < pod.priority);
  }

  /** @returns Victims, and after them the other pods of those groups that are disrupted as a whole. O(their members). */
  withGroups(victims: readonly PodRecord[]): readonly PodRecord[] {
    const all = new Set(victims);
    for (const victim of victims) {
      for (const other of this.leavingWith(victim)) if (isPlaced(other)) all.add(other);
    }
    return [...all];
  }

  /** @returns True if a node could take the pod if pods left it. O(rules of the shape). */
  couldTake(pod: PodRecord, slot: number): boolean {
    const { rules, accounts } = this.state;
    if (!accounts.couldFit(slot, pod.shape.request) || rules.preFilter(pod.shape) !== undefined) return false;
    const refusal = rules.check(slot);
    return refusal === Refusal.None || rules.isResolvable(refusal);
  }

  /** @returns True if the pod may preempt, and there are possible victims. O(priorities). */
  mayHelp(pod: PodRecord): boolean {
    return this.state.hasLowerThan(pod.priority) && this.ineligible(pod) === undefined;
  }

  /** @returns True if pods could leave a node so that the pod fits. After `mayHelp`. O(pods on it). */
  helps(pod: PodRecord, slot: number): boolean {
    return this.tryNode(pod, slot) !== undefined;
  }

  /** @returns True if the pod fits on its nominated node once the leaving pods are gone. O(pods on it). */
  isRoomComing(pod: PodRecord): boolean {
    return pod.nominated >= 0 && this.tryNode(pod, pod.nominated)?.victims.every(isLeaving) === true;
  }

  /**
   * @returns The best node with its victims, the nominated one among equals; undefined if none helps.
   * @cost    O(nodes + pods on those that may help).
   */
  find(pod: PodRecord): PreemptionCandidate | undefined {
    const { state } = this;
    if (!state.hasLowerThan(pod.priority)) return undefined;
    const { count, live } = state.slots;
    const enough = Math.max(CANDIDATES_MIN, Math.floor(live / 10));
    // First the node on which room is kept: a pod moves on only for a better one, and never back and forth.
    let best = pod.nominated >= 0 ? this.tryNode(pod, pod.nominated) : undefined;
    let found = best === undefined ? 0 : 1;
    for (let i = 0; i < count; i++) {
      // As in kube-scheduler: enough candidates, and one among them that breaks no budget.
      if (found >= enough && best?.broken === 0) break;
      const slot = (this.cursor + i) % count;
      if (slot === pod.nominated || state.slots.descriptions[slot] === undefined) continue;
      const candidate = this.tryNode(pod, slot);
      if (candidate === undefined) continue;
      found++;
      if (best === undefined || isBetter(candidate, best)) best = candidate;
    }
    return best;
  }

  /** The search for another pod begins after the chosen node. */
  chosen(slot: number): void {
    this.cursor = slot + 1;
  }

  /**
   * Removes the pods of lower priority from a node for a trial. @returns True if there are any; otherwise nothing is
   * removed.
   */
  lookPast(pod: PodRecord, slot: number, look: () => void): boolean {
    const lower = this.lowerOn(slot, pod.priority);
    if (lower.length === 0) return false;
    const { rules } = this.state;
    const withRules = rules.dependsOnPods(pod.shape);
    for (const victim of lower) this.take(victim, slot, -1, withRules);
    if (withRules) rules.preFilter(pod.shape);
    look();
    for (const victim of lower) this.take(victim, slot, 1, withRules);
    if (withRules) rules.preFilter(pod.shape);
    return true;
  }

  private tryNode(pod: PodRecord, slot: number): PreemptionCandidate | undefined {
    const { rules, accounts } = this.state;
    const lower = this.lowerOn(slot, pod.priority);
    if (lower.length === 0) return undefined;
    for (const victim of lower) accounts.add(slot, victim.shape.request, -1);
    let victims: Victims | undefined;
    if (accounts.fits(slot, pod.shape.request)) {
      const refusal = rules.preFilter(pod.shape) === undefined ? rules.check(slot) : Refusal.NodeName;
      if (refusal === Refusal.None || rules.isResolvable(refusal)) victims = this.choose(pod, slot, lower);
    }
    const gone = victims?.list ?? lower;
    for (const victim of gone) accounts.add(slot, victim.shape.request, 1);
    return victims === undefined || victims.list.length === 0 ? undefined : candidateOf(slot, victims);
  }

  private lowerOn(slot: number, priority: number): PodRecord[] {
    const lower: PodRecord[] = [];
    for (const pod of this.state.slots.pods[slot] as readonly PodRecord[]) {
      if (pod.priority < priority && this.mayLeave(pod, priority)) lower.push(pod);
    }
    return lower;
  }

  /** True if none of the pods that would leave with it has the priority or a higher one. */
  private mayLeave(pod: PodRecord, priority: number): boolean {
    for (const other of this.leavingWith(pod))
      if (isPlaced(other) && other.priority >= priority) return false;
    return true;
  }

  /** Members of its group if that is disrupted as a whole; else nobody. */
  private leavingWith(pod: PodRecord): Iterable<PodRecord> {
    const group = pod.group === '' ? undefined : this.groupOf(pod.group);
    return group?.description?.disruption === 'all' ? group.members : NOBODY;
  }

  /** Chooses the victims, after all lower pods are off the accounts; afterwards only the victims are. */
  private choose(pod: PodRecord, slot: number, lower: PodRecord[]): Victims | undefined {
    const { rules } = this.state;
    // Only rules about other pods need the pods taken off; resources are arithmetic.
    const withRules = rules.dependsOnPods(pod.shape);
    if (withRules) for (const victim of lower) rules.removePod(slot, victim.shape, victim.uid);
    const victims = this.fits(pod, slot, withRules) ? this.spare(pod, slot, lower, withRules) : undefined;
    if (withRules) {
      for (const { shape, uid, deleting } of victims?.list ?? lower) rules.addPod(slot, shape, uid, deleting);
    }
    return victims;
  }

  /** Puts back all pods that need not go: first those whose budgets would break, then the most important. */
  private spare(pod: PodRecord, slot: number, lower: PodRecord[], withRules: boolean): Victims {
    lower.sort(compareImportance);
    const breaking = this.breaking(lower);
    const list: PodRecord[] = [];
    let broken = 0;
    for (const victim of breaking)
      if (!this.giveBack(pod, victim, slot, withRules)) broken = list.push(victim);
    for (const victim of lower) {
      if (breaking.has(victim) || this.giveBack(pod, victim, slot, withRules)) continue;
      list.push(victim);
    }
    if (broken > 0) list.sort(compareImportance);
    return { list, broken, breaking };
  }

  /** @returns True if the pod still fits with the victim back on the node; if not, it is taken off again. */
  private giveBack(pod: PodRecord, victim: PodRecord, slot: number, withRules: boolean): boolean {
    this.take(victim, slot, 1, withRules);
    if (this.fits(pod, slot, withRules)) return true;
    this.take(victim, slot, -1, withRules);
    return false;
  }

  /** Pods whose eviction, in this order, would break a budget. */
  private breaking(ordered: readonly PodRecord[]): ReadonlySet<PodRecord> {
    if (this.budgets.size === 0) return NOBODY;
    const breaking = new Set<PodRecord>();
    for (const budget of this.budgets.values()) {
      let left = budget.disruptionsAllowed;
      for (const pod of ordered) {
        if (!isCovered(pod, budget)) continue;
        if (--left < 0) breaking.add(pod);
      }
    }
    // In order of importance, for any of their budgets.
    return new Set(ordered.filter((pod) => breaking.has(pod)));
  }

  private fits(pod: PodRecord, slot: number, withRules: boolean): boolean {
    const { state } = this;
    if (withRules && state.rules.preFilter(pod.shape) !== undefined) return false;
    return state.accepts(pod.shape, pod.priority, slot, pod);
  }

  private take(victim: PodRecord, slot: number, sign: 1 | -1, withRules: boolean): void {
    const { accounts, rules } = this.state;
    accounts.add(slot, victim.shape.request, sign);
    if (!withRules) return;
    if (sign === 1) rules.addPod(slot, victim.shape, victim.uid, victim.deleting);
    else rules.removePod(slot, victim.shape, victim.uid);
  }
}

/** More important first: higher priority, then longer running. */
function compareImportance(x: PodRecord, y: PodRecord): number {
  return y.priority - x.priority || startOf(x) - startOf(y) || x.sequence - y.sequence;
}

/** Start of a pod; one that has not started counts as started now. */
function startOf(pod: PodRecord): number {
  return pod.startedSeconds > 0 ? pod.startedSeconds : Number.MAX_VALUE;
}

function candidateOf(slot: number, { list, broken, breaking }: Victims): PreemptionCandidate {
  const { priority } = list[0] as PodRecord;
  let sum = 0;
  let earliest = Number.MAX_VALUE;
  for (const victim of list) {
    sum += victim.priority + 2 ** 31;
    if (victim.priority === priority) earliest = Math.min(earliest, startOf(victim));
  }
  return { slot, victims: list, broken, breaking, priority, sum, earliest };
}

function isBetter(x: PreemptionCandidate, y: PreemptionCandidate): boolean {
  const difference =
    x.broken - y.broken ||
    x.priority - y.priority ||
    x.sum - y.sum ||
    x.victims.length - y.victims.length ||
    y.earliest - x.earliest;
  return difference < 0;
}

/** @returns True if a budget covers a pod, and does not count it as disrupted yet. */
export function isCovered(pod: PodRecord, budget: BudgetDescription): boolean {
  const { selector } = budget;
  return (
    selector !== undefined &&
    selector.length > 0 &&
    pod.namespace === budget.namespace &&
    Object.keys(pod.shape.template.labels).length > 0 &&
    !budget.disruptedPods.includes(pod.name) &&
    matchesSelector(selector, pod.shape.template.labels)
  );
}
