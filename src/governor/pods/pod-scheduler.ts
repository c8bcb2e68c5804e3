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
import type { PodDescription, PodGroupDescription } from '../../model/kubernetes/pod.ts';
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
import { PodQueue } from './decide/pod-queue.ts';
import { PodReports } from './decide/pod-reports.ts';
import { Preemption } from './decide/preemption.ts';
import { ReclaimActions } from './decide/reclaim-actions.ts';
import type { PodSchedulerCounters } from './decide/scheduler-parts.ts';
import type { PodExplanation } from './explain/explain-types.ts';
import { explainPod } from './explain/pod-explain.ts';
import type {
  BindDoneEvent,
  EvictDoneEvent,
  PodEffect,
  PodEvent,
  PodSchedulerOptions,
} from './pod-events.ts';
import { PodSchedulerView } from './pod-view.ts';
import { PodReclaim } from './reclaim/pod-reclaim.ts';
import type { PodSchedulerInternals } from './scheduler-internals.ts';
import { isGroup, type PodGroup, PodGroups } from './state/pod-groups.ts';
import { isLeaving, isPlaced, type PodRecord, PodState } from './state/pod-records.ts';
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
  private readonly terms: GroupTerms;
  private readonly champions: PodChampions;
  private readonly reclaim: PodReclaim;
  private readonly touched = new Set<string>();
  private readonly wokenTenants = new Set<number>();
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
    const { state, queue, preemption, groups, placement, counters, touched } = this;
    this.terms = new GroupTerms({ state, queue, groups });
    this.nominations = new Nominations({ state, queue, preemption, emit });
    this.reports = new PodReports(state, emit);
    const { nominations, reports } = this;
    const admission = new Admission(state);
    this.champions = new PodChampions(state, admission);
    const { champions } = this;
    const shared = { state, queue, groups, preemption, placement, admission, champions };
    const actions = { ...shared, nominations, reports, counters, touched, emit };
    this.reclaim = new PodReclaim(state, new ReclaimActions(actions), (key) => groups.get(key));
    const parts = { ...actions, reclaim: this.reclaim };
    this.decisions = new PodDecisions(parts);
    this.groupDecisions = new GroupDecisions(parts, this.decisions);
    this.frame = new PodSchedulerView(this.internals);
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
    return this.effects;
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
    return explainPod({ state: this.state, groups: this.groups, preemption: this.preemption }, uid);
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
      case 'member-ended':
        this.memberEnded(event.uid, event.group);
        return;
      case 'ended-gone':
        this.endedGone(event.uid);
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
        this.setGroup(event.group);
        return;
      case 'group-gone':
        this.loseGroup(this.groups.remove(event.key), event.key);
        this.terms.follow(event.key);
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
        state.economy.open(event.balances);
        return;
      case 'namespace':
      case 'namespace-gone':
        state.economy.setNamespace(event.name, event.kind === 'namespace' ? event.labels : undefined);
        this.takeForRules(event);
        return;
      case 'bind-done':
        this.bindDone(event);
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
    const { economy, timeSeconds } = this.state;
    if (economy.needsRefresh) this.refreshEconomy();
    if (economy.dueSeconds <= timeSeconds) this.tickAccounts();
    this.queue.wake();
    this.groupDecisions.wake();
    this.state.changes.clear();
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
    this.champions.review(() => [...this.queue.waitingForRoom(), ...this.groupDecisions.waitingForRoom()]);
  }

  private renewReports(): void {
    this.decisions.renewReports();
  }

  private attemptInOrder(max: number): void {
    for (let left = max; left > 0; ) {
      const item = this.queue.next();
      if (item === undefined) return;
      if (isGroup(item)) left -= Math.max(1, this.groupDecisions.attempt(item));
      else left -= this.decisions.decide(item);
    }
  }

  private setPod(own: PodDescription): void {
    const { state } = this;
    const pod = this.terms.under(own);
    const known = state.pods.get(pod.uid);
    if (pod.ended || (pod.nodeName === '' && !pod.ours)) {
      if (known !== undefined && pod.ended) this.champions.ended(known);
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
    if (record.group !== '') this.touched.add(record.group);
  }

  private meet(pod: PodDescription): PodRecord {
    const record = this.state.addPod(pod);
    this.queue.add(record);
    if (record.group !== '') this.groups.join(record);
    return record;
  }

  private describeAnew(record: PodRecord, pod: PodDescription): void {
    const { state } = this;
    this.changeTenant(record, pod.tenant);
    const shape = state.shapes.acquire(pod.template);
    if (shape === record.shape) state.shapes.release(shape);
    else {
      // A line is that of one shape.
      if (record.state === PodState.Waiting || record.state === PodState.Active)
        this.queue.move(record, PodState.Ignored);
      state.changeShape(record, shape);
    }
    record.startedSeconds = pod.startedSeconds;
    record.checkpointedSeconds = pod.checkpointedSeconds ?? Number.NEGATIVE_INFINITY;
    record.expectedSeconds = pod.expectedSeconds ?? Number.NaN;
    record.gates = pod.gates;
    record.generation = pod.generation;
    record.preempted = pod.preempted;
    this.nominations.observe(record, pod.nominatedNodeName);
    if (pod.deleting && !record.deleting) state.setDeleting(record);
    if (record.ours && pod.group !== record.group) this.changeGroup(record, pod.group);
  }

  /** A label can be changed, and so the tenant that it names: the new one's admission must be checked. */
  private changeTenant(record: PodRecord, name: string): void {
    const isOther = this.state.tenants.find(name) !== record.tenant;
    if (isOther && (record.line?.unadmittedOf ?? -1) >= 0) this.queue.move(record, PodState.Ignored);
    if (isOther) this.state.changeTenant(record, name);
  }

  /** A label can be changed, and so the group that it names. */
  private changeGroup(record: PodRecord, group: string): void {
    const { queue } = this;
    const { group: before } = record;
    if (!isPlaced(record)) queue.move(record, PodState.Ignored);
    if (before !== '') this.loseGroup(this.groups.leave(record), before);
    record.group = group;
    if (group !== '') this.groups.join(record);
  }

  /** The pod is on a node: we put it there, or another scheduler did. */
  private setPlaced(record: PodRecord, nodeName: string): void {
    const { state, queue } = this;
    if (isPlaced(record)) {
      if (record.nodeName !== nodeName) {
        state.unplace(record);
        state.placeByName(record, nodeName);
      }
    } else {
      state.placeByName(record, nodeName);
      this.groups.foundPlaced(record);
    }
    this.reports.forget(record);
    if (record.state !== PodState.Bound) queue.move(record, PodState.Bound);
  }

  private forget(uid: string): void {
    const { state, queue } = this;
    const record = state.pods.get(uid);
    if (record === undefined) return;
    this.reports.forget(record);
    state.removePod(record);
    this.reclaim.gone(record);
    queue.forget(record);
    if (record.group !== '') this.loseGroup(this.groups.leave(record), record.group);
  }

  private memberEnded(uid: string, group: string): void {
    const known = this.state.pods.get(uid);
    if (known !== undefined) this.champions.ended(known);
    this.groups.setEnded(uid, group);
    this.touched.add(group);
    this.forget(uid);
  }

  private endedGone(uid: string): void {
    const ended = this.groups.endedGone(uid);
    if (ended !== undefined) this.loseGroup(ended.gone, ended.key);
  }

  private setGroup(description: PodGroupDescription): void {
    this.touched.add(this.groups.set(description).key);
    this.terms.follow(description.key);
  }

  /** A group has lost a member or its object, and perhaps ceased to exist. */
  private loseGroup(gone: PodGroup | undefined, key: string): void {
    if (gone !== undefined) this.groupDecisions.forget(gone);
    else this.touched.add(key);
  }

  private bindDone({ uid, outcome, reason = '' }: BindDoneEvent): void {
    const { state, queue } = this;
    const pod = state.pods.get(uid);
    if (outcome === 'bound') {
      this.counters.bound++;
      if (pod?.state === PodState.Binding) queue.move(pod, PodState.Bound);
    } else {
      this.counters.notBound++;
      // Bound (the watch was faster than the answer, or another scheduler won) or gone: nothing is left to do.
      if (pod?.state !== PodState.Binding) return;
      state.unplace(pod);
      pod.evicted = false;
      // Its status still has our nomination.
      this.nominations.withdraw(pod);
      if (outcome === 'gone' || pod.deleting) queue.move(pod, PodState.Ignored);
      else {
        queue.backOff(pod);
        this.nominations.honour(pod);
        if (reason !== '') this.decisions.tell(pod, reason, [], 'SchedulerError');
      }
    }
    if (pod !== undefined && pod.group !== '') this.touched.add(pod.group);
  }

  private evictDone({ uid, done, reason = '' }: EvictDoneEvent): void {
    const victim = this.state.pods.get(uid);
    if (!done && victim !== undefined && victim.node >= 0) this.decisions.evictionFailed(victim, reason);
  }
}
