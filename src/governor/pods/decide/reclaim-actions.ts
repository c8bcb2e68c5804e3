/** What `PodReclaim` asks of the decisions: trials of placement, evictions, nominations. */
import { type Claimant, missingMembers } from '../champion/claimants.ts';
import type { PodChampions } from '../champion/pod-champions.ts';
import type { PodEffect } from '../pod-events.ts';
import type { PodEvictionReason, ReclaimPorts, ReclaimSeat } from '../reclaim/reclaim-ports.ts';
import { isGroup, type PodGroup, type PodGroups, pendingIn } from '../state/pod-groups.ts';
import { type PodRecord, PodState } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import { attemptGang, groupDomain } from './gang-attempts.ts';
import type { Nominations } from './nominations.ts';
import type { Placement } from './placement.ts';
import type { PodQueue } from './pod-queue.ts';
import { isCovered, type Preemption } from './preemption.ts';
import type { PodSchedulerCounters } from './scheduler-parts.ts';

/** The parts that it uses. */
interface ActionParts {
  readonly state: SchedulerState;
  readonly queue: PodQueue;
  readonly groups: PodGroups;
  readonly preemption: Preemption;
  readonly placement: Placement;
  readonly champions: PodChampions;
  readonly nominations: Nominations;
  readonly counters: PodSchedulerCounters;
  readonly touched: Set<string>;
  readonly torn: Set<string>;
  readonly emit: (effect: PodEffect) => void;
}

/** See `ReclaimPorts`. */
export class ReclaimActions implements ReclaimPorts {
  private readonly parts: ActionParts;
  /** Numbers of budgets by their keys, as long as they are there. */
  private readonly budgetIds = new Map<string, number>();
  private readonly budgetKeys: string[] = [];

  constructor(parts: ActionParts) {
    this.parts = parts;
  }

  trial(claimant: Claimant): readonly ReclaimSeat[] | undefined {
    const { state, placement, champions } = this.parts;
    const { keptRoom } = state;
    const mark = placement.mark();
    state.keptRoom = champions.keptFrom(claimant, isGroup(claimant) ? pendingIn(claimant) : [claimant]);
    const seats = isGroup(claimant) ? this.trialOfGang(claimant) : this.trialOfPod(claimant);
    state.keptRoom = keptRoom;
    placement.reset(mark);
    return seats;
  }

  startsSoon(claimant: Claimant): boolean {
    return this.parts.champions.startsSoon(claimant);
  }

  budgetsOf(pod: PodRecord): readonly number[] {
    const { budgets } = this.parts.preemption;
    if (budgets.size === 0) return NO_BUDGETS;
    const ids: number[] = [];
    for (const budget of budgets.values()) if (isCovered(pod, budget)) ids.push(this.budgetId(budget.key));
    return ids;
  }

  allowanceOf(budget: number): number {
    return this.parts.preemption.budgets.get(this.budgetKeys[budget] ?? '')?.disruptionsAllowed ?? 0;
  }

  evict(victim: PodRecord, why: PodEvictionReason, by: PodRecord | undefined): void {
    const { emit, counters, touched, torn } = this.parts;
    const { uid, namespace, name, nodeName: node } = victim;
    victim.evicted = true;
    counters.victims++;
    if (victim.group !== '') {
      touched.add(victim.group);
      torn.add(victim.group);
    }
    const whom = by === undefined ? '' : `${by.namespace}/${by.name}`;
    emit({ kind: 'evict', uid, namespace, name, node, by: whom, byUid: by?.uid ?? '', why });
  }

  keep(pod: PodRecord, slot: number): void {
    this.parts.nominations.nominate(pod, slot);
  }

  letGo(pod: PodRecord): void {
    this.parts.nominations.drop(pod);
  }

  wake(claimant: Claimant): void {
    const { queue } = this.parts;
    if (!isGroup(claimant)) {
      if (claimant.state === PodState.Waiting) queue.activate(claimant);
    } else if (claimant.waiting) claimant.stale = true;
  }

  private trialOfPod(pod: PodRecord): readonly ReclaimSeat[] | undefined {
    const { state, placement, groups } = this.parts;
    const group = pod.group === '' ? undefined : groups.get(pod.group);
    const allowed = group === undefined ? undefined : groupDomain(state, group);
    if (state.rules.preFilter(pod.shape) !== undefined) return undefined;
    const slot = placement.find(pod.shape, pod.priority, pod, allowed);
    return slot < 0 ? undefined : [{ pod, slot }];
  }

  private trialOfGang(group: PodGroup): readonly ReclaimSeat[] | undefined {
    const { state, placement } = this.parts;
    const missing = missingMembers(group);
    const { placed, slots } = attemptGang(state, placement, group, true);
    if (placed.length < missing) return undefined;
    return placed.slice(0, missing).map((pod, i) => ({ pod, slot: slots[i] as number }));
  }

  private budgetId(key: string): number {
    let id = this.budgetIds.get(key);
    if (id === undefined) {
      id = this.budgetKeys.push(key) - 1;
      this.budgetIds.set(key, id);
    }
    return id;
  }
}

const NO_BUDGETS: readonly number[] = [];
