/**
 * The pod scheduler: the deterministic state machine that decides where the pods of a Kubernetes cluster run.
 *
 * `step(event, time)` takes a driver's event from the API server, or decides, and returns the actions. No clock, no
 * I/O, no randomness but a seeded stream for jitter: the same events give the same effects. Where a pod goes is TEG's
 * field (`placement-zones.ts`: the policy and the prices that the simulator runs) under the rules of Kubernetes
 * (`constraints.ts`); when it is tried is the queue's (`pod-queue.ts`). `docs/pod-scheduler.md` is the page for people.
 *
 * Invariants: a decided pod counts on its node until the driver reports that it was not bound, or it is gone; a pod is
 * decided at most once at a time; nothing is placed beyond what the node has.
 */
import type { Ledger } from '../../market/ledger.ts';
import { toleratesNode } from '../../model/readers/taints.ts';
import { type Accounts, FREE_ACCOUNTS } from '../accounts.ts';
import { PodChampions } from './champion/pod-champions.ts';
import type { Constraints } from './constraints.ts';
import { Admission } from './decide/admission.ts';
import { GroupDecisions } from './decide/group-decisions.ts';
import { GroupTerms } from './decide/group-terms.ts';
import { Nominations } from './decide/nominations.ts';
import { Placement } from './decide/placement.ts';
import { PodDecisions } from './decide/pod-decisions.ts';
import { PodObservations } from './decide/pod-observations.ts';
import { PodQueue } from './decide/pod-queue.ts';
import { PodReports } from './decide/pod-reports.ts';
import { Preemption } from './decide/preemption.ts';
import { ReclaimActions } from './decide/reclaim-actions.ts';
import type { PodSchedulerCounters } from './decide/scheduler-parts.ts';
import type { PodExplanation } from './explain/explain-types.ts';
import { explainPod } from './explain/pod-explain.ts';
import type { EvictDoneEvent, PodEffect, PodEvent, PodSchedulerOptions } from './pod-events.ts';
import { PodSchedulerView } from './pod-view.ts';
import { ToldReasons } from './reasons/told-reasons.ts';
import { PodReclaim } from './reclaim/pod-reclaim.ts';
import type { PodSchedulerInternals } from './scheduler-internals.ts';
import { isGroup, PodGroups } from './state/pod-groups.ts';
import { isLeaving, PodState } from './state/pod-records.ts';
import { SchedulerState } from './state/scheduler-state.ts';

/** Decides for one cluster. */
export class PodScheduler {
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
  private readonly state: SchedulerState;
  private readonly queue: PodQueue;
  private readonly groups = new PodGroups();
  private readonly preemption: Preemption;
  private readonly placement: Placement;
  private readonly reports: PodReports;
  private readonly frame: PodSchedulerView;
  private readonly decisions: PodDecisions;
  private readonly groupDecisions: GroupDecisions;
  private readonly nominations: Nominations;
  private readonly observations: PodObservations;
  private readonly champions: PodChampions;
  private readonly reclaim: PodReclaim;
  private readonly touched = new Set<string>();
  private readonly torn = new Set<string>();
  private readonly wokenTenants = new Set<number>();
  private readonly reasons: ToldReasons;
  private effects: PodEffect[] = [];

  /**
   * @param rules    Empty ones: `createConstraints()`.
   * @param accounts Admit pods, and receive all capacity that they take and return; used by this scheduler alone.
   *                 Ticked when decisions are made.
   */
  constructor(options: PodSchedulerOptions, rules: Constraints, accounts: Accounts = FREE_ACCOUNTS) {
    this.state = new SchedulerState(options, rules, accounts);
    this.preemption = new Preemption(this.state, (key) => this.groups.get(key));
    this.queue = new PodQueue(this.state, this.preemption, options);
    this.placement = new Placement(this.state);
    const emit = (effect: PodEffect): void => {
      this.effects.push(effect);
    };
    const { state, queue, preemption, groups, placement, counters, touched, torn } = this;
    const terms = new GroupTerms({ state, queue, groups });
    this.nominations = new Nominations({ state, queue, preemption, emit });
    this.reports = new PodReports(state, emit);
    const { nominations, reports } = this;
    const admission = new Admission(state);
    this.champions = new PodChampions(state, admission, { victims: () => this.reclaim.claims.victims() });
    const { champions } = this;
    const shared = { state, queue, groups, preemption, placement, admission, champions };
    const actions = { ...shared, nominations, reports, counters, touched, torn, emit };
    this.reclaim = new PodReclaim(state, new ReclaimActions(actions), (key) => groups.get(key));
    const parts = { ...actions, reclaim: this.reclaim };
    this.decisions = new PodDecisions(parts);
    this.groupDecisions = new GroupDecisions(parts, this.decisions);
    this.observations = new PodObservations(parts, terms, this.decisions, this.groupDecisions);
    this.frame = new PodSchedulerView(this.internals);
    this.reasons = new ToldReasons({ state, groups, champions });
  }

  /** @returns A view of its state: the same object every time, which reads the state on access. */
  view(): PodSchedulerView {
    return this.frame;
  }

  /** The internals, for checks and the arbiter: live tables, which no other caller may change. */
  get internals(): PodSchedulerInternals {
    const { state, queue, groups, preemption, placement, reports, champions, reclaim, wokenTenants } = this;
    return { state, queue, groups, preemption, placement, reports, champions, reclaim, wokenTenants };
  }

  /**
   * Takes one event.
   *
   * @param timeSeconds Seconds since 1970 or any other origin; never less than at the last step.
   * @returns           The actions, in order; the array is the caller's. O(1) for most events; see `decide` for the rest.
   */
  step(event: PodEvent, timeSeconds: number): readonly PodEffect[] {
    this.state.timeSeconds = Math.max(timeSeconds, this.state.timeSeconds);
    this.effects = [];
    if (this.wokenTenants.size > 0) this.wokenTenants.clear();
    this.take(event);
    for (const group of this.touched) this.groupDecisions.review(group);
    this.touched.clear();
    return this.reasons.named(this.effects);
  }

  /** The ledger that the next event `balances` is about; without it, or in a replay, balances are granted in memory. */
  useLedger(ledger: Ledger | undefined): void {
    this.state.economy.nextLedger = ledger;
  }

  /** Pods known. */
  get podCount(): number {
    return this.state.pods.size;
  }

  /** True if a decision would try a pod now, or on its own at `dueSeconds`. */
  get hasWork(): boolean {
    const { queue, state } = this;
    return (
      queue.count(PodState.Active) > 0 ||
      queue.groupsQueued > 0 ||
      state.changes.any ||
      queue.nextInExcess() !== undefined ||
      this.dueSeconds <= state.timeSeconds
    );
  }

  /** Time of the next needed decision without an event. */
  get dueSeconds(): number {
    const { queue, groupDecisions, reports, state } = this;
    return Math.min(
      queue.dueSeconds,
      groupDecisions.dueSeconds,
      reports.dueSeconds,
      state.economy.dueSeconds,
      this.champions.dueSeconds,
      this.reclaim.dueSeconds,
    );
  }

  /** Groups that wait. For checks of bounds. */
  get groupsKept(): number {
    return this.groupDecisions.kept;
  }

  /**
   * True if a decided pod may still be bound to its node: both exist, the node takes the pod, and the requested
   * resources are not overbooked (others bind, too, and nodes shrink). Call right before the binding. O(taints).
   */
  stillHolds(uid: string, node: string): boolean {
    const { state } = this;
    const pod = state.pods.get(uid);
    if (pod === undefined || pod.state !== PodState.Binding || pod.nodeName !== node || isLeaving(pod))
      return false;
    const description = state.slots.descriptions[pod.node];
    return (
      description !== undefined &&
      state.accounts.holds(pod.node, pod.shape.request) &&
      toleratesNode(pod.shape.template.tolerations, description)
    );
  }

  /** @returns Why a pod waits, in the words of a report made now; '' if none is due. Decides nothing. O(nodes × rules). */
  whyWaiting(uid: string): string {
    const pod = this.state.pods.get(uid);
    return pod === undefined ? '' : this.decisions.textNow(pod);
  }

  /** @returns Why a pod is where it is, or on no node; undefined if it is unknown. Changes nothing. O(nodes × rules). */
  explain(uid: string): PodExplanation | undefined {
    return explainPod(this.internals, uid);
  }

  private take(event: PodEvent): void {
    const { state, preemption } = this;
    switch (event.kind) {
      case 'decide':
        this.decide(event.max);
        return;
      case 'pod':
        this.observations.setPod(event.pod);
        return;
      case 'pod-gone':
        this.observations.forget(event.uid);
        return;
      case 'member-ended':
        this.observations.memberEnded(event.uid, event.group);
        return;
      case 'ended-gone':
        this.observations.endedGone(event.uid);
        return;
      case 'node':
        state.setNode(event.node);
        return;
      case 'node-gone':
        this.nominations.nodeLost(state.removeNode(event.name));
        return;
      case 'node-state':
        state.setNodeState(event.name, event.state);
        return;
      case 'group':
        this.observations.setGroup(event.group);
        return;
      case 'group-gone':
        this.observations.groupGone(event.key);
        return;
      case 'budget':
        preemption.budgets.set(event.budget.key, event.budget);
        return;
      case 'budget-gone':
        preemption.budgets.delete(event.key);
        return;
      case 'device-class':
      case 'device-class-gone':
        state.setDeviceClass(event.name, event.kind === 'device-class' ? event.resource : '');
        return;
      case 'economy':
        state.economy.set(event.economy);
        return;
      case 'balances':
        state.economy.open(event.balances, event.spent);
        return;
      case 'namespace':
      case 'namespace-gone':
        state.economy.setNamespace(event.name, event.kind === 'namespace' ? event.labels : undefined);
        this.takeForRules(event);
        return;
      case 'bind-done':
        this.observations.bindDone(event);
        return;
      case 'evict-done':
        this.evictDone(event);
        return;
      default:
        this.takeForRules(event);
    }
  }

  private takeForRules(event: PodEvent): void {
    const { state } = this;
    state.rules.take(event);
    state.changes.told(event);
    state.touchAll();
  }

  /**
   * Decides on up to `max` pods, in order; first wakes waiting pods that a change may help. `docs/tour-kubernetes.md`
   * follows a pod through these phases, by the same numbers and names.
   *
   * @cost O(changed nodes × waiting shapes), then the cost of each choice.
   */
  private decide(max: number): void {
    // 1. The placement zones are made again where a node outgrew them, or they mostly hold vanished nodes.
    this.updateZones();
    // 2. Pods and gangs that waited go back to the queue where a change may have made room for them.
    this.wakeWaiting();
    // 3. Pods beyond the queue's limit come in as far as there is room.
    this.admitExcess();
    // 4. Gangs that wait for members or for repair report that, or are released; who waits for long becomes champion.
    this.checkWaitingGangs();
    // 5. Reports of pods that keep waiting are renewed before they are too old.
    this.renewReports();
    // 6. Pods and gangs are tried in the queue's order: a node and a binding for each, or a reason and a place in line.
    this.attemptInOrder(max);
    this.reclaim.rest();
    this.state.economy.rest();
  }

  private updateZones(): void {
    this.state.zones.prepare();
  }

  private wakeWaiting(): void {
    const { economy, timeSeconds, changes } = this.state;
    if (economy.needsRefresh) this.refreshEconomy();
    if (economy.dueSeconds <= timeSeconds) this.tickAccounts();
    this.queue.wake();
    this.groupDecisions.wake();
    if (changes.nodes || changes.everything) this.reclaim.changedAll();
    else this.reclaim.changed(changes.slots);
    changes.clear();
  }

  /** Tenants, quotas or namespaces changed: the accounts are made again, and asked again for all. */
  private refreshEconomy(): void {
    const { economy, tenants } = this.state;
    economy.refresh();
    for (let key = 0; key < tenants.numbersUsed; key++) this.wokenTenants.add(key);
    this.queue.wakeTenants(this.wokenTenants);
    this.groupDecisions.wakeTenants(this.wokenTenants);
  }

  private tickAccounts(): void {
    const { economy, timeSeconds } = this.state;
    const { wokenTenants: woken } = this;
    economy.tick(timeSeconds, (tenant) => woken.add(tenant));
    if (woken.size === 0) return;
    this.queue.wakeTenants(woken);
    this.groupDecisions.wakeTenants(woken);
  }

  private admitExcess(): void {
    this.decisions.admitExcess();
  }

  private checkWaitingGangs(): void {
    this.groupDecisions.look();
    this.reclaim.review();
    this.champions.review(
      () => [...this.queue.waitingForRoom(), ...this.groupDecisions.waitingForRoom()],
      () => this.groupDecisions.refusedByAccounts(),
    );
  }

  private renewReports(): void {
    this.decisions.renewReports();
  }

  private attemptInOrder(max: number): void {
    for (let left = max; left > 0; ) {
      // A member that waits must not start alone where the others have just been evicted.
      for (const group of this.torn) this.groupDecisions.review(group);
      this.torn.clear();
      const item = this.queue.next();
      if (item === undefined) return;
      if (isGroup(item)) left -= Math.max(1, this.groupDecisions.attempt(item));
      else left -= this.decisions.decide(item);
    }
  }

  private evictDone({ uid, done, reason = '' }: EvictDoneEvent): void {
    const victim = this.state.pods.get(uid);
    if (!done && victim !== undefined && victim.node >= 0) this.decisions.evictionFailed(victim, reason);
  }
}
