/**
 * The pod scheduler as an arbiter: `Arbiter` over a `PodScheduler` and the nodes that it watches.
 *
 * A job's capacity is held by pods that are on their nodes already, like those of other schedulers: they come and go as
 * `pod` and `pod-gone` events, so that a log of events repeats everything, and count for resources and rules. No pod is
 * preempted for them; pods of higher priority may preempt them, which is reported to the job's owner as a loss.
 *
 * They are no arrivals for the typical workload (`ArbiterOrder.counts` has no effect): the events of others' pods are
 * none, and a log would not repeat it.
 *
 * Unlike for the pods of others, the accounts are asked first. A job that they do not admit waits beside those without
 * room, and is not tried until they wake its tenant.
 *
 * All events of the scheduler go through `step` here. Nodes are slots; its kubelet chooses the devices of a pod.
 */

import { assert } from '../../kernel/assert.ts';
import type { Demand } from '../../model/demand.ts';
import { TegError } from '../../model/errors.ts';
import { barePod } from '../../model/kubernetes/bare-pod.ts';
import type { PodDescription, PodTemplate } from '../../model/kubernetes/pod.ts';
import { DEFAULT_TENANT, DEFAULT_TENANT_NAME, type TenantTable } from '../../model/tenants.ts';
import { type AccountsRefusal, newAsk } from '../accounts.ts';
import {
  type Arbiter,
  type ArbiterOrder,
  type ArbiterSink,
  POSTPONED,
  type Quote,
  REFUSED,
} from '../arbiter.ts';
import { HoldTerms } from '../hold-terms.ts';
import { compareTurns } from '../queue-order.ts';
import { type PodTrial, priceOfPlaced, tryPods } from './decide/pod-trial.ts';
import type { PodEffect, PodEvent } from './pod-events.ts';
import type { PodScheduler } from './pod-scheduler.ts';
import type { PodSchedulerInternals } from './scheduler-internals.ts';
import type { PodRecord } from './state/pod-records.ts';

/** The dependencies of a pod arbiter. */
export interface PodArbiterOptions {
  /** Prefix of the uids of the pods that it holds; no other uids have it. */
  readonly name: string;
  /** Template of each demand; `ArbiterOrder.demandId` is an index. */
  readonly templates: readonly PodTemplate[];
  /** Most waiting jobs; further ones are refused. */
  readonly postponedMax: number;
  /** Names of the tenants that orders have by number; absent: they have the default one only. */
  readonly tenants?: TenantTable;
}

/** A job that holds capacity or waits. */
interface Tenure {
  readonly job: number;
  readonly order: Readonly<ArbiterOrder>;
  /** Number of its tenant in the scheduler's table, which it uses as long as it holds capacity or waits. */
  readonly tenant: number;
  /** Order among waiting jobs of the same priority. */
  readonly sequence: number;
  /** Pods on their nodes; empty: it waits. */
  uids: readonly string[];
  /** Why the accounts did not admit it when they were asked last; undefined: they did, or its tenant has been woken. */
  refusal: AccountsRefusal | undefined;
}

/** The pod scheduler behind the arbiter port; see the head of the file. */
export class PodArbiter implements Arbiter {
  readonly scheduler: PodScheduler;
  timeSeconds: number = Number.NEGATIVE_INFINITY;
  private readonly options: PodArbiterOptions;
  private readonly inner: PodSchedulerInternals;
  private readonly terms = new HoldTerms();
  private readonly jobs = new Map<number, Tenure>();
  /** In the order of their submission. */
  private readonly waiting = new Map<number, Tenure>();
  /** Jobs by uid of their pods. */
  private readonly owners = new Map<string, number>();
  /** Effects on other pods caused by calls other than `step`. */
  private readonly effects: PodEffect[] = [];
  private readonly trial: PodTrial = { slots: [], price: 0 };
  /** Reused for every call of the accounts. */
  private readonly ask = newAsk();
  private sink: ArbiterSink | undefined;
  private sequence = 0;
  /** `state.anyVersion` when the waiting jobs were last checked. */
  private lookedAt = -1;

  constructor(scheduler: PodScheduler, options: PodArbiterOptions) {
    this.scheduler = scheduler;
    this.options = options;
    this.inner = scheduler.internals;
  }

  get dueSeconds(): number {
    return Math.min(this.terms.dueSeconds, this.inner.state.economy.dueSeconds);
  }

  get postponedCount(): number {
    return this.waiting.size;
  }

  attach(sink: ArbiterSink): void {
    assert(this.sink === undefined, 'an arbiter reports to one');
    this.sink = sink;
  }

  /**
   * Steps the scheduler, and checks whether jobs have lost their capacity, and whether waiting ones can get theirs now.
   *
   * @returns The effects on all other pods, those of calls in between included: to be carried out.
   */
  step(event: PodEvent, timeSeconds: number): readonly PodEffect[] {
    this.feed(event, timeSeconds);
    if (event.kind === 'node-gone') this.dropHomeless(timeSeconds);
    this.retry(timeSeconds);
    return this.effects.splice(0);
  }

  /** Builds the field, too, if it is not built: from then on there are prices. */
  advance(timeSeconds: number): void {
    this.prepare(timeSeconds);
    for (let job = this.terms.next(timeSeconds); job >= 0; job = this.terms.next(timeSeconds)) {
      this.vacate(job, timeSeconds);
      this.sink?.expired(job);
    }
    this.retry(timeSeconds);
  }

  hold(job: number, order: ArbiterOrder, untilSeconds: number, timeSeconds: number): number {
    assert(!this.jobs.has(job), 'a job that holds capacity is placed again');
    this.prepare(timeSeconds);
    // Jobs that the accounts have just woken go first.
    this.retry(timeSeconds);
    const tenure = this.tenureOf(job, order);
    const pods = this.settle(tenure, timeSeconds);
    if (pods > 0) {
      this.terms.set(job, untilSeconds);
      return pods;
    }
    if (!order.waits || this.waiting.size >= this.options.postponedMax || !this.couldHold(order)) {
      this.inner.state.tenants.release(tenure.tenant);
      return REFUSED;
    }
    this.jobs.set(job, tenure);
    this.waiting.set(job, tenure);
    return POSTPONED;
  }

  keep(job: number, untilSeconds: number, timeSeconds: number): boolean {
    this.timeSeconds = timeSeconds;
    if (this.terms.isOver(job, timeSeconds)) {
      this.release(job, timeSeconds);
      this.sink?.expired(job);
      return false;
    }
    this.terms.set(job, untilSeconds);
    return true;
  }

  place(job: number, order: ArbiterOrder, timeSeconds: number): number {
    return this.hold(job, order, Number.POSITIVE_INFINITY, timeSeconds);
  }

  /** Running pods count, even beyond their node's capacity. @param nodes Slots. */
  adopt(
    job: number,
    order: ArbiterOrder,
    nodes: readonly number[],
    _gpuMasks: readonly number[],
    timeSeconds: number,
  ): number {
    assert(!this.jobs.has(job), 'a job that holds capacity is taken over');
    if (nodes.some((slot) => this.inner.state.slots.nameOf(slot) === '')) return 0;
    this.occupy(this.tenureOf(job, order), nodes, timeSeconds);
    return nodes.length;
  }

  release(job: number, timeSeconds: number): void {
    this.timeSeconds = timeSeconds;
    this.vacate(job, timeSeconds);
    this.retry(timeSeconds);
  }

  finish(job: number, timeSeconds: number): void {
    this.release(job, timeSeconds);
  }

  quote(order: ArbiterOrder, into: Quote): void {
    const { state, placement } = this.inner;
    into.pods = 0;
    into.price = 0;
    if (state.slots.live === 0) return;
    if (state.zones.isStale) {
      into.price = undefined;
      return;
    }
    tryPods(state, placement, this.podOf('quote', order, ''), order.podCount, this.trial);
    if (this.trial.slots.length < order.gangMin) return;
    into.pods = this.trial.slots.length;
    into.price = this.trial.price;
  }

  costOf(job: number): number | undefined {
    const { state } = this.inner;
    const uids = this.jobs.get(job)?.uids ?? [];
    if (uids.length === 0) return 0;
    if (state.zones.isStale) return undefined;
    return priceOfPlaced(
      state,
      uids.map((uid) => state.pods.get(uid) as PodRecord),
    );
  }

  pods(job: number, visit: (member: number, node: number, gpuMask: number) => void): void {
    const { pods } = this.inner.state;
    this.jobs.get(job)?.uids.forEach((uid, member) => {
      visit(member, (pods.get(uid) as PodRecord).node, 0);
    });
  }

  postponed(visit: (job: number) => void): void {
    for (const job of this.waiting.keys()) visit(job);
  }

  /** @returns The tenants of its jobs, by number in the scheduler's table. O(jobs). */
  tenantsInUse(): ReadonlySet<number> {
    return new Set(Array.from(this.jobs.values(), ({ tenant }) => tenant));
  }

  /** @returns Why the accounts hold a waiting job back; undefined: they do not. */
  refusalOf(job: number): AccountsRefusal | undefined {
    return this.waiting.get(job)?.refusal;
  }

  demandOf(demandId: number): Demand {
    const { shapes } = this.inner.state;
    const shape = shapes.acquire(this.templateOf(demandId));
    const { demand } = shape;
    shapes.release(shape);
    return demand;
  }

  /** Steps the scheduler; its effects on pods that are held here are handled here. */
  private feed(event: PodEvent, timeSeconds: number): void {
    this.timeSeconds = timeSeconds;
    const effects = this.scheduler.step(event, timeSeconds);
    this.wakeRefused();
    for (const effect of effects) {
      const job = effect.kind === 'evict' ? this.owners.get(effect.uid) : undefined;
      if (job !== undefined) this.lose(job, timeSeconds);
      else if (effect.kind !== 'evict' || !effect.uid.startsWith(`${this.options.name}/`)) {
        this.effects.push(effect);
      }
    }
  }

  /** The waiting jobs of the tenants that were woken in the last step are tried again. */
  private wakeRefused(): void {
    const { wokenTenants } = this.inner;
    if (wokenTenants.size === 0) return;
    for (const tenure of this.waiting.values())
      if (wokenTenants.has(tenure.tenant)) tenure.refusal = undefined;
    this.lookedAt = -1;
  }

  /** Makes the field if nodes have come since the last decision, and ticks the accounts if their time has come. */
  private prepare(timeSeconds: number): void {
    this.timeSeconds = timeSeconds;
    const { slots, economy, zones } = this.inner.state;
    const stale = slots.live > 0 && zones.isStale;
    if (stale || economy.dueSeconds <= timeSeconds) this.feed({ kind: 'decide', max: 0 }, timeSeconds);
  }

  private tenureOf(job: number, order: ArbiterOrder): Tenure {
    const tenant = this.inner.state.tenants.acquire(this.tenantOf(order));
    return { job, order: { ...order }, tenant, sequence: ++this.sequence, uids: [], refusal: undefined };
  }

  /** @returns Why the accounts do not admit a job now; undefined: they do. Its first pod would be held by the asked number. */
  private refusalNow({ tenant, order }: Tenure): AccountsRefusal | undefined {
    const { ask } = this;
    const { state } = this.inner;
    const { demandId, podCount, gangMin, priority } = order;
    ask.tenant = tenant;
    ask.holder = state.nextSequence;
    ask.priority = priority;
    ask.pods = podCount;
    ask.podsMin = gangMin;
    ask.demands[0] = this.demandOf(demandId);
    ask.counts[0] = podCount;
    return state.economy.admit(ask, this.timeSeconds);
  }

  /** Places a job if the accounts admit it and enough of it finds room. @returns Pods placed. */
  private settle(tenure: Tenure, timeSeconds: number): number {
    const { order } = tenure;
    const { state, placement } = this.inner;
    if (state.slots.live === 0) return 0;
    tenure.refusal = this.refusalNow(tenure);
    if (tenure.refusal !== undefined) return 0;
    tryPods(state, placement, this.podOf('trial', order, ''), order.podCount, this.trial);
    const { slots } = this.trial;
    if (slots.length < order.gangMin) return 0;
    this.occupy(tenure, slots, timeSeconds);
    return slots.length;
  }

  private occupy(tenure: Tenure, slots: readonly number[], timeSeconds: number): void {
    const { state } = this.inner;
    const { job, order } = tenure;
    this.jobs.set(job, tenure);
    tenure.uids = slots.map((_, member) => `${this.options.name}/${job}/${tenure.sequence}/${member}`);
    const names = slots.map((slot) => state.slots.nameOf(slot));
    tenure.uids.forEach((uid, member) => {
      this.owners.set(uid, job);
      this.feed({ kind: 'pod', pod: this.podOf(uid, order, names[member] as string) }, timeSeconds);
    });
  }

  /** Drops a job, and frees its capacity. */
  private vacate(job: number, timeSeconds: number): void {
    const tenure = this.jobs.get(job);
    if (tenure === undefined) return;
    this.jobs.delete(job);
    this.waiting.delete(job);
    this.terms.clear(job);
    for (const uid of tenure.uids) this.owners.delete(uid);
    for (const uid of tenure.uids) this.feed({ kind: 'pod-gone', uid }, timeSeconds);
    this.inner.state.tenants.release(tenure.tenant);
  }

  private lose(job: number, timeSeconds: number): void {
    this.vacate(job, timeSeconds);
    this.sink?.lost(job);
  }

  /** Jobs with pods whose node is gone have lost them. O(pods held). */
  private dropHomeless(timeSeconds: number): void {
    const { pods } = this.inner.state;
    for (const { job, uids } of [...this.jobs.values()]) {
      if (uids.some((uid) => (pods.get(uid) as PodRecord).node < 0)) this.lose(job, timeSeconds);
    }
  }

  /** Tries the waiting jobs, if anything has changed since the last try; equal ones behind a failed one are skipped. */
  private retry(timeSeconds: number): void {
    const { state } = this.inner;
    if (this.waiting.size === 0 || this.lookedAt === state.anyVersion) return;
    this.prepare(timeSeconds);
    const turn = [...this.waiting.values()].sort((x, y) =>
      compareTurns(x.order.priority, 0, x.sequence, y.order.priority, 0, y.sequence),
    );
    const inVain = new Set<string>();
    for (const tenure of turn) {
      const { job, order } = tenure;
      const key = `${order.demandId},${order.podCount},${order.gangMin},${order.priority}`;
      if (!this.waiting.has(job) || tenure.refusal !== undefined || inVain.has(key)) continue;
      const pods = this.settle(tenure, timeSeconds);
      if (pods === 0 && tenure.refusal === undefined) inVain.add(key);
      else if (pods > 0) {
        this.waiting.delete(job);
        this.sink?.granted(job, this.demandOf(order.demandId), pods);
      }
    }
    this.lookedAt = state.anyVersion;
  }

  /** True if all nodes, were they empty, would have the resources. O(nodes). */
  private couldHold({ demandId, gangMin }: ArbiterOrder): boolean {
    const { shapes, slots, accounts } = this.inner.state;
    const shape = shapes.acquire(this.templateOf(demandId));
    let left = gangMin;
    for (let slot = 0; slot < slots.count && left > 0; slot++) {
      if (slots.descriptions[slot] !== undefined) left -= accounts.timesEmpty(slot, shape.request, left);
    }
    shapes.release(shape);
    return left <= 0;
  }

  private templateOf(demandId: number): PodTemplate {
    const template = this.options.templates[demandId];
    if (template !== undefined) return template;
    throw new TegError(
      'TEG_JOB_INVALID',
      `order has demand ${demandId}; expected an index in [0, ${this.options.templates.length}): add its template first`,
    );
  }

  /** @returns The name of an order's tenant. */
  private tenantOf({ tenant }: ArbiterOrder): string {
    const { tenants } = this.options;
    const name = tenant === DEFAULT_TENANT ? DEFAULT_TENANT_NAME : tenants?.nameOf(tenant);
    if (name !== undefined && name !== '') return name;
    throw new TegError(
      'TEG_JOB_INVALID',
      `order has tenant ${tenant}; expected a number in use of the arbiter's table of tenants: intern its name first`,
    );
  }

  private podOf(uid: string, order: ArbiterOrder, nodeName: string): PodDescription {
    const { demandId, priority } = order;
    const bare = barePod(uid, uid, this.templateOf(demandId));
    return { ...bare, ours: false, nodeName, priority, tenant: this.tenantOf(order) };
  }
}
