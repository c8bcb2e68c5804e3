/**
 * The zone as an arbiter: `Arbiter` over a `Zone` that lets jobs wait, and its nodes.
 */

import { assert } from '../../kernel/assert.ts';
import type { Demand } from '../../model/demand.ts';
import type { NodeSpec } from '../../model/node.ts';
import { DEFAULT_TENANT } from '../../model/tenants.ts';
import {
  type Arbiter,
  type ArbiterOrder,
  type ArbiterSink,
  POSTPONED,
  type Quote,
  REFUSED,
} from '../arbiter.ts';
import { HoldTerms } from '../hold-terms.ts';
import type { PinnedPolicy } from '../policy/pinned-policy.ts';
import type { PricingPolicy } from '../policy/policy.ts';
import type { Zone } from './zone.ts';
import {
  EffectKind,
  JobState,
  type JobSubmittedEvent,
  Reason,
  type ZoneEvent,
  ZoneEventKind,
} from './zone-events.ts';

/** Changes of a zone's nodes. */
export interface ZoneNodes {
  /** A node is added, empty and up. */
  nodeJoined(spec: NodeSpec, timeSeconds: number): void;
  /** A node takes pods again. */
  nodeUp(node: number, timeSeconds: number): void;
  /** A node is lost with all pods on it. */
  nodeDown(node: number, timeSeconds: number): void;
}

const NOWHERE: readonly number[] = Object.freeze([]);

/** A zone behind the arbiter port; see the head of the file. */
export class ZoneArbiter implements Arbiter, ZoneNodes {
  /** For callers that know that it is a zone: checks, summaries, simulations. */
  readonly zone: Zone;
  private readonly pinned: PinnedPolicy;
  private readonly policy: PricingPolicy;
  private readonly terms = new HoldTerms();
  private sink: ArbiterSink | undefined;
  /** The job that is being placed; −1: none. Other jobs that start beside it had waited. */
  private asking = -1;
  private found = 0;
  private readonly lost: number[] = [];
  /** Scratch of `costOf`. */
  private readonly nodes: number[] = [];
  private readonly gpuMasks: number[] = [];
  private readonly submitted: JobSubmittedEvent = {
    kind: ZoneEventKind.JobSubmitted,
    job: 0,
    demandId: 0,
    podCount: 1,
    gangMin: 1,
    priority: 0,
    tenant: DEFAULT_TENANT,
    running: false,
  };

  /**
   * @param zone With `onUnplaceable: 'wait'` and `onNodeLost: 'fail'`: the owner of a lost job has to request it again.
   * @param pinned The zone's policy, pinned by `adopt` alone.
   * @param policy  What the pinned policy delegates to.
   */
  constructor(zone: Zone, pinned: PinnedPolicy, policy: PricingPolicy) {
    assert(zone.policy === pinned, 'an arbiter pins choices of the policy of its zone');
    this.zone = zone;
    this.pinned = pinned;
    this.policy = policy;
  }

  get timeSeconds(): number {
    return this.zone.timeSeconds;
  }

  get dueSeconds(): number {
    const { zone } = this;
    return zone.hasPostponed ? zone.timeSeconds : Math.min(this.terms.dueSeconds, zone.dueSeconds);
  }

  get postponedCount(): number {
    return this.zone.waitingJobs;
  }

  attach(sink: ArbiterSink): void {
    assert(this.sink === undefined, 'an arbiter reports to one');
    this.sink = sink;
  }

  advance(timeSeconds: number): void {
    if (this.zone.dueSeconds <= timeSeconds) this.step({ kind: ZoneEventKind.Tick }, timeSeconds);
    this.catchUp(timeSeconds);
    for (let job = this.terms.next(timeSeconds); job >= 0; job = this.terms.next(timeSeconds)) {
      this.step({ kind: ZoneEventKind.JobCancelled, job }, timeSeconds);
      this.sink?.expired(job);
    }
  }

  hold(job: number, order: ArbiterOrder, untilSeconds: number, timeSeconds: number): number {
    const { pinned } = this;
    pinned.counts = order.counts;
    const pods = this.find(job, order, timeSeconds);
    pinned.counts = true;
    if (pods > 0) {
      this.terms.set(job, untilSeconds);
      return pods;
    }
    if (order.waits && this.mayWait(job)) return POSTPONED;
    this.step({ kind: ZoneEventKind.JobCancelled, job }, timeSeconds);
    return REFUSED;
  }

  keep(job: number, untilSeconds: number, timeSeconds: number): boolean {
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

  adopt(
    job: number,
    order: ArbiterOrder,
    nodes: readonly number[],
    gpuMasks: readonly number[],
    timeSeconds: number,
  ): number {
    const { pinned, submitted } = this;
    pinned.pin(nodes, gpuMasks);
    submitted.running = true;
    try {
      const all = { ...order, gangMin: order.podCount, waits: false };
      return Math.max(0, this.place(job, all, timeSeconds));
    } finally {
      submitted.running = false;
      pinned.pin(NOWHERE, NOWHERE);
    }
  }

  release(job: number, timeSeconds: number): void {
    this.terms.clear(job);
    this.step({ kind: ZoneEventKind.JobCancelled, job }, timeSeconds);
  }

  finish(job: number, timeSeconds: number): void {
    this.terms.clear(job);
    this.step({ kind: ZoneEventKind.JobFinished, job }, timeSeconds);
  }

  quote(order: ArbiterOrder, into: Quote): void {
    this.zone.quote(order, into);
  }

  costOf(job: number): number {
    const { nodes, gpuMasks } = this;
    nodes.length = 0;
    gpuMasks.length = 0;
    this.zone.forEachPod(job, (_, node, gpuMask) => {
      nodes.push(node);
      gpuMasks.push(gpuMask);
    });
    return nodes.length === 0 ? 0 : this.policy.costWhere(this.zone.demandOf(job), nodes, gpuMasks);
  }

  pods(job: number, visit: (member: number, node: number, gpuMask: number) => void): void {
    this.zone.forEachPod(job, visit);
  }

  postponed(visit: (job: number) => void): void {
    this.zone.forEachWaitingJob(visit);
  }

  demandOf(demandId: number): Demand {
    const demand = this.zone.cluster.demands.demands[demandId];
    assert(demand !== undefined, 'a demand that was not interned');
    return demand;
  }

  nodeJoined(spec: NodeSpec, timeSeconds: number): void {
    this.step({ kind: ZoneEventKind.NodeJoined, spec }, timeSeconds);
  }

  nodeUp(node: number, timeSeconds: number): void {
    this.step({ kind: ZoneEventKind.NodeUp, node }, timeSeconds);
  }

  nodeDown(node: number, timeSeconds: number): void {
    this.step({ kind: ZoneEventKind.NodeDown, node }, timeSeconds);
  }

  /** @returns Pods that were placed; 0: the zone has no room, and the job waits in it. */
  protected find(job: number, order: ArbiterOrder, timeSeconds: number): number {
    const state = this.zone.stateOf(job);
    assert(
      state !== JobState.Running && state !== JobState.Waiting,
      'a job that holds capacity is placed again',
    );
    // Postponed jobs go first: a new job must neither overtake them nor be refused because of them.
    this.catchUp(timeSeconds);
    const { submitted } = this;
    submitted.job = job;
    submitted.demandId = order.demandId;
    submitted.podCount = order.podCount;
    submitted.gangMin = order.gangMin;
    submitted.priority = order.priority;
    submitted.tenant = order.tenant;
    this.asking = job;
    this.found = 0;
    this.step(submitted, timeSeconds);
    this.asking = -1;
    return this.found;
  }

  /** @returns True if a job that found no place keeps waiting in the zone: it is not dropped, nor impossible. */
  private mayWait(job: number): boolean {
    const { zone } = this;
    return zone.stateOf(job) === JobState.Waiting && zone.reasonOf(job) !== Reason.Impossible;
  }

  private catchUp(timeSeconds: number): void {
    while (this.zone.hasPostponed) this.step({ kind: ZoneEventKind.Tick }, timeSeconds);
  }

  /** Steps the zone, and reports the waiting jobs that got a place, and the jobs that lost theirs. */
  private step(event: ZoneEvent, timeSeconds: number): void {
    const { zone, lost } = this;
    const effects = zone.step(event, timeSeconds);
    for (let i = 0; i < effects.length; i++) {
      const kind = effects.kinds[i];
      const job = effects.jobs[i] as number;
      if (kind === EffectKind.JobFailed) lost.push(job);
      if (kind !== EffectKind.JobStarted) continue;
      const pods = effects.counts[i] as number;
      if (job === this.asking) this.found = pods;
      else this.sink?.granted(job, zone.demandOf(job), pods);
    }
    for (const job of lost) {
      this.terms.clear(job);
      this.sink?.lost(job);
    }
    lost.length = 0;
  }
}
