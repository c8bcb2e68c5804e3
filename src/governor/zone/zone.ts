/**
 * The zone: the deterministic state machine that is the single writer of its nodes.
 *
 * `step(event, time)` changes the state and returns the effects that a driver has to carry out. No clock, no I/O, no
 * randomness but the policy's own stream: the same events give the same effects bit for bit, so an event log is enough
 * to repeat anything (`event-log.ts`). `docs/zone.md` is the page for people.
 *
 * Invariants, checked by `check`: no node beyond its capacity; every submitted job waits, runs, or has left for a
 * stated reason; a running job has all its members; no waiting job could start (best-effort).
 */

import { assert } from '../../kernel/assert.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import type { NodeState } from '../../model/node-state.ts';
import { DEFAULT_TENANT } from '../../model/tenants.ts';
import { type Accounts, type AccountsRefusal, FREE_ACCOUNTS } from '../accounts.ts';
import type { ArbiterOrder, Quote } from '../arbiter.ts';
import type { PlacementPolicy } from '../policy/policy.ts';
import { DisciplinedJobs } from './disciplined-jobs.ts';
import type { EffectBuffer } from './effects.ts';
import type { QueueDiscipline } from './queue-discipline.ts';
import { checkZone } from './zone-check.ts';
import { ZoneCore, type ZoneCounters } from './zone-core.ts';
import {
  EffectKind,
  type JobFinishedEvent,
  JobState,
  type JobStateCode,
  type JobSubmittedEvent,
  type NodeJoinedEvent,
  Reason,
  type ReasonCode,
  type ZoneEvent,
  ZoneEventKind,
  type ZoneOptions,
} from './zone-events.ts';
import { quoteOf } from './zone-quote.ts';
import { ZoneRetries } from './zone-retries.ts';
import { requireNode, requireSubmission } from './zone-submission.ts';
import { describeJob, type JobView, type ZoneFrame } from './zone-view.ts';

/** A zone of nodes and the jobs on them or waiting for them. */
export class Zone {
  readonly cluster: ClusterState;
  readonly policy: PlacementPolicy;
  /** Its counters since it was made. */
  readonly counters: Readonly<ZoneCounters>;
  private readonly core: ZoneCore;
  private readonly retries: ZoneRetries;
  /** Present: a discipline decides the order, on ticks alone; see `queue-discipline.ts`. */
  private readonly disciplined: DisciplinedJobs | undefined;
  private stepCount = 0;
  private readonly wakeTenant = (tenant: number): void =>
    (this.disciplined ?? this.retries).wakeTenant(tenant);

  /**
   * @param cluster Nodes, without pods; from now on changed by this zone only.
   * @param policy  Made for this cluster. Informed of every change through `nodeChanged`.
   * @param options  See `ZoneOptions`.
   * @param accounts Admit jobs, and receive all capacity that they take and return; used by this zone alone.
   * @param discipline Decides the order of starts; absent: `ZoneOptions.queue` does. Used by this zone alone.
   * @throws TegError TEG_OPTION_INVALID if an option is out of its bounds.
   */
  constructor(
    cluster: ClusterState,
    policy: PlacementPolicy,
    options: ZoneOptions = {},
    accounts: Accounts = FREE_ACCOUNTS,
    discipline?: QueueDiscipline,
  ) {
    this.cluster = cluster;
    this.policy = policy;
    this.core = new ZoneCore(cluster, policy, options, accounts);
    this.retries = new ZoneRetries(this.core);
    this.disciplined = discipline === undefined ? undefined : new DisciplinedJobs(this.core, discipline);
    this.counters = this.core.counters;
  }

  /**
   * Takes one event.
   *
   * @param event       Not kept; the driver may reuse it.
   * @param timeSeconds Finite and never less than at the last step.
   * @returns           The effects, in order; valid until the next step.
   * @throws TegError TEG_JOB_INVALID, TEG_LIMIT_REACHED, TEG_CLUSTER_INVALID: the event is malformed, nothing has
   *                  happened, but for a tick of the accounts that was due. TEG_POLICY_INVALID: the policy violated
   *                  its contract; accounts are right, but effects of this step are missing, so the run has to end.
   */
  step(event: ZoneEvent, timeSeconds: number): EffectBuffer {
    const { core } = this;
    assert(timeSeconds >= core.timeSeconds && timeSeconds < Infinity, 'time went back or is not finite');
    core.timeSeconds = timeSeconds;
    this.stepCount++;
    core.effects.clear();
    if (core.accounts.dueSeconds <= timeSeconds) core.accounts.tick(timeSeconds, this.wakeTenant);
    switch (event.kind) {
      case ZoneEventKind.JobSubmitted:
        this.submit(event);
        break;
      case ZoneEventKind.JobFinished:
        this.finish(event);
        break;
      case ZoneEventKind.JobCancelled:
        this.cancel(event.job);
        break;
      case ZoneEventKind.NodeJoined:
        this.join(event);
        break;
      case ZoneEventKind.NodeUp:
        this.raise(event.node);
        break;
      case ZoneEventKind.NodeDown:
        this.lose(event.node);
        break;
      case ZoneEventKind.NodeState:
        requireNode(this.cluster, event.node);
        core.setState(event.node, event.state);
        break;
      case ZoneEventKind.Tick:
        if (core.options.retryAllOnTick && !this.retries.hasPostponed) this.retries.forget();
        break;
    }
    // Capacity freed by this event may belong to another job now.
    if (core.accounts.dueSeconds <= timeSeconds) core.accounts.tick(timeSeconds, this.wakeTenant);
    if (this.disciplined === undefined) this.retries.tryWaiting();
    else if (event.kind === ZoneEventKind.Tick) this.disciplined.decide();
    return core.effects;
  }

  /** Events processed so far: the zone is unchanged while this is. */
  get steps(): number {
    return this.stepCount;
  }

  /** The last step's effects. */
  get effects(): EffectBuffer {
    return this.core.effects;
  }

  /** The time of the last step; −Infinity before the first. */
  get timeSeconds(): number {
    return this.core.timeSeconds;
  }

  /** True if attempts were postponed by a limit on one step: send a `Tick` at the same time until this is false. */
  get hasPostponed(): boolean {
    return (this.disciplined ?? this.retries).hasPostponed;
  }

  /**
   * True if a queue discipline has not decided since the last change: send a `Tick` after the last event of this time.
   * Undefined: there is no discipline.
   */
  get isDecisionDue(): boolean | undefined {
    return this.disciplined?.isDue;
  }

  /** Time of the `Tick` that accounts or discipline need if no other event comes before; Infinity: none. */
  get dueSeconds(): number {
    const { dueSeconds } = this.core.accounts;
    return this.disciplined === undefined ? dueSeconds : Math.min(dueSeconds, this.disciplined.dueSeconds);
  }

  /** Nodes, up or down. */
  get nodeCount(): number {
    return this.cluster.nodeCount;
  }

  /** Jobs waiting, those that are not admitted included. */
  get waitingJobs(): number {
    return this.core.waitingJobs;
  }

  /** Jobs running. */
  get runningJobs(): number {
    return this.core.runningJobs;
  }

  /** Pods running. */
  get runningPods(): number {
    return this.core.pods.count;
  }

  /** Bytes that the tables of jobs and pods hold. */
  get bytes(): number {
    return this.core.jobs.bytes + this.core.pods.bytes;
  }

  /** @returns The state of the job. O(1). */
  stateOf(job: number): JobStateCode {
    return this.core.jobs.stateOf(job);
  }

  /** @returns Number of the job's current or last start, as `JobFinishedEvent.run` takes it; 0 before the first. */
  runOf(job: number): number {
    return this.core.jobs.runOf(job);
  }

  /** @returns Why the job waits, or why it left; None if it runs or is unknown. O(1). */
  reasonOf(job: number): ReasonCode {
    const { core } = this;
    const stored = core.jobs.reasonOf(job);
    if (core.jobs.stateOf(job) !== JobState.Waiting || stored === Reason.NotAdmitted) return stored;
    if (core.waiting.isParked(core.jobs.shapeOf(job))) return Reason.Impossible;
    const strict = this.disciplined === undefined && core.options.queue === 'strict-fifo';
    return strict && this.retries.firstJob !== job ? Reason.Behind : Reason.NoFit;
  }

  /** @returns Why accounts or discipline hold a waiting job back; undefined: they do not. O(1). */
  refusalOf(job: number): AccountsRefusal | undefined {
    const { core, disciplined } = this;
    if (disciplined === undefined) return core.heldBack.refusalOf(job);
    return core.jobs.stateOf(job) === JobState.Waiting ? disciplined.reasonOf(job) : undefined;
  }

  /**
   * Visits the shapes of waiting jobs that are admitted and not impossible: all jobs of a shape fit or none does.
   *
   * @param visit Gets the demand, pods of one job, its gang minimum, and how many jobs wait. Must not step the zone.
   */
  forEachWaiting(visit: (demandId: number, podCount: number, gangMin: number, jobs: number) => void): void {
    const { waiting, shapes } = this.core;
    waiting.forEachActive((shape) => {
      visit(
        this.core.demandOf(shape).id,
        shapes.podCounts[shape] as number,
        shapes.gangMins[shape] as number,
        waiting.counts[shape] as number,
      );
    });
  }

  /** @returns The tenant of a submitted job: the number that its submission named. O(1). */
  tenantOf(job: number): number {
    return this.core.jobs.tenantOf(job);
  }

  /** Visits the jobs that wait, by number. O(ids seen). Must not step the zone. */
  forEachWaitingJob(visit: (job: number) => void): void {
    const { jobs } = this.core;
    for (let job = 0; job < jobs.capacity; job++) if (jobs.stateOf(job) === JobState.Waiting) visit(job);
  }

  /**
   * The placement and price that a job would get if it were submitted now without counting as an arrival. See
   * `Arbiter.quote`.
   */
  quote(order: ArbiterOrder, into: Quote): void {
    quoteOf(this.core, this.retries, order, into);
  }

  /** @returns The demand of a job that was submitted. */
  demandOf(job: number): Demand {
    return this.core.demandOf(this.core.jobs.shapeOf(job));
  }

  /** Visits the pods of a running job in member order. */
  forEachPod(job: number, visit: (member: number, node: number, gpuMask: number) => void): void {
    const { jobs, pods } = this.core;
    if (jobs.stateOf(job) !== JobState.Running) return;
    let member = 0;
    for (let pod = jobs.firstOf(job); pod >= 0; pod = pods.nextOfJob(pod)) {
      visit(member++, pods.nodeOf(pod), pods.gpuMaskOf(pod));
    }
  }

  /** Visits the pods that waiting jobs hold (`SchedulingPass.hold`). O(these pods). */
  forEachHeld(visit: (demand: Demand, node: number, gpuMask: number) => void): void {
    this.core.forEachHeld(visit);
  }

  /** Visits the pods on a node, in no particular order. O(its pods). */
  forEachPodOn(node: number, visit: (job: number, gpuMask: number) => void): void {
    this.core.forEachPodOn(node, visit);
  }

  /** @returns The last report of a node, beyond its being up or down. */
  nodeStateOf(node: number): NodeState {
    requireNode(this.cluster, node);
    return this.core.nodeStates.of(node);
  }

  /** @returns A read-only view of it. */
  view(): ZoneFrame {
    return this;
  }

  /**
   * Everything the zone knows about a job, for people; for a waiting one with the policy's explanation.
   *
   * @returns undefined if the job was never submitted.
   */
  explain(job: number): JobView | undefined {
    return describeJob(this.core, job, this.reasonOf(job), this.refusalOf(job));
  }

  /**
   * Recomputes all accounts from the pod table and compares. For tests: O(nodes + jobs + pods).
   *
   * @throws Error (a bug) at the first disagreement.
   */
  check(): void {
    checkZone(this.core);
  }

  private submit(event: JobSubmittedEvent): void {
    const { core } = this;
    const { job, demandId, podCount, gangMin, priority, tenant = DEFAULT_TENANT } = event;
    requireSubmission(core, event);
    const shape = core.shapes.intern(demandId, podCount, gangMin);
    core.jobs.ensure(job);
    this.policy.demandSeen?.(core.demandOf(shape), podCount);
    core.enter(job, shape, priority, tenant);
    if (this.disciplined !== undefined) {
      this.submitDisciplined(event, shape, this.disciplined);
      return;
    }
    let found = -1;
    let untried = false;
    let reason: ReasonCode = Reason.NoFit;
    let refusal: AccountsRefusal | undefined;
    if (event.running === true) {
      found = core.attempt(job);
      if (found < gangMin && core.isImpossible(shape)) reason = Reason.Impossible;
    } else if (core.isKnownImpossible(shape)) {
      reason = Reason.Impossible;
    } else if (this.retries.isBehind(priority)) {
      reason = core.isImpossible(shape) ? Reason.Impossible : Reason.Behind;
    } else if (this.retries.hasPostponed && core.options.onUnplaceable === 'wait') {
      // Jobs that a limit postponed must not be overtaken: this one takes its turn among them, in this step.
      untried = !core.isImpossible(shape);
      reason = untried ? Reason.Behind : Reason.Impossible;
    } else if (!this.retries.isKnownNotToFit(shape)) {
      refusal = core.heldBack.refusalOfEqual(job) ?? core.refusalOf(job);
      if (refusal === undefined) {
        found = core.attemptAdmitted(job);
        refusal = core.narrowedRefusal;
      }
      if (found < gangMin) {
        if (core.isImpossible(shape)) reason = Reason.Impossible;
        else if (refusal !== undefined) reason = Reason.NotAdmitted;
      }
    } else if (core.isImpossible(shape)) {
      reason = Reason.Impossible;
    }
    core.counters.submitted++;
    if (found >= gangMin) {
      core.start(job, found);
      return;
    }
    if (!this.dropUnlessItMayWait(job, reason)) {
      if (reason === Reason.NotAdmitted && refusal !== undefined) {
        core.holdBack(job, refusal, core.timeSeconds);
      } else if (untried) this.retries.waitUntried(job);
      else this.retries.waitSubmitted(job, found, reason === Reason.Impossible);
      core.effects.pushJob(EffectKind.JobWaiting, job, 0, reason);
    }
  }

  /** The discipline decides about it on the next tick. An impossible one is unknown to it until a node joins. */
  private submitDisciplined(event: JobSubmittedEvent, shape: number, disciplined: DisciplinedJobs): void {
    const { core } = this;
    const { job } = event;
    core.counters.submitted++;
    if (event.running === true) {
      const found = core.attempt(job);
      if (found >= event.gangMin) {
        core.start(job, found);
        disciplined.adopt(event);
        return;
      }
    }
    const isImpossible = core.isImpossible(shape);
    const reason = isImpossible ? Reason.Impossible : Reason.Behind;
    if (this.dropUnlessItMayWait(job, reason)) return;
    if (isImpossible) disciplined.park(event);
    else disciplined.submit(event);
    core.effects.pushJob(EffectKind.JobWaiting, job, 0, reason);
  }

  /** @returns True if it is dropped: no job may wait here, or the limit of waiting jobs is reached. */
  private dropUnlessItMayWait(job: number, reason: ReasonCode): boolean {
    const { core } = this;
    const full = core.waitingJobs >= core.options.waitingJobsMax;
    if (core.options.onUnplaceable === 'drop' || full) {
      const why = core.options.onUnplaceable === 'drop' ? reason : Reason.QueueFull;
      core.counters.dropped++;
      this.drop(job, JobState.Dropped, why);
      return true;
    }
    return false;
  }

  private drop(job: number, state: JobStateCode, reason: ReasonCode): void {
    this.core.jobs.enter(job, state, reason, this.core.timeSeconds);
    this.core.effects.pushJob(EffectKind.JobDropped, job, 0, reason);
  }

  private finish(event: JobFinishedEvent): void {
    const { core } = this;
    const { job, run } = event;
    if (core.jobs.stateOf(job) !== JobState.Running || (run && run !== core.jobs.runOf(job))) {
      core.counters.ignored++;
      return;
    }
    core.release(job, Reason.Finished);
    this.disciplined?.ended(job, Reason.Finished);
    core.jobs.enter(job, JobState.Finished, Reason.Finished, core.timeSeconds);
    core.counters.finished++;
  }

  private cancel(job: number): void {
    const { core } = this;
    const state = core.jobs.stateOf(job);
    if (state === JobState.Running) {
      core.release(job, Reason.Cancelled);
      this.disciplined?.ended(job, Reason.Cancelled);
      core.jobs.enter(job, JobState.Cancelled, Reason.Cancelled, core.timeSeconds);
    } else if (state === JobState.Waiting) {
      if (core.heldBack.refusalOf(job) !== undefined) core.heldBack.remove(job);
      else if (this.disciplined !== undefined && !core.waiting.isParked(core.jobs.shapeOf(job))) {
        this.disciplined.withdraw(job);
      } else {
        core.waiting.remove(job);
        if (this.disciplined === undefined) this.retries.wakeNext(job);
        else this.disciplined.forgetParked(job);
      }
      this.drop(job, JobState.Cancelled, Reason.Cancelled);
    } else {
      core.counters.ignored++;
      return;
    }
    core.counters.cancelled++;
  }

  private join(event: NodeJoinedEvent): void {
    const { core } = this;
    const node = this.cluster.addNode(event.spec);
    core.addNode(node);
    core.effects.pushPod(EffectKind.NodeAdded, -1, -1, node, 0);
    if (this.disciplined === undefined) {
      this.retries.unpark();
      this.retries.wakeAll();
    } else this.disciplined.unpark();
    core.touch(node);
    this.disciplined?.nodesChanged();
  }

  private raise(node: number): void {
    requireNode(this.cluster, node);
    if (this.cluster.up[node] === 1) {
      this.core.counters.ignored++;
      return;
    }
    this.core.setUp(node, true);
    this.core.touch(node);
    if (this.disciplined === undefined) this.retries.wakeNarrowed();
    else this.disciplined.nodesChanged();
  }

  private lose(node: number): void {
    const { core } = this;
    requireNode(this.cluster, node);
    if (this.cluster.up[node] === 0) {
      core.counters.ignored++;
      return;
    }
    core.setUp(node, false);
    for (let pod = core.pods.firstOnNode(node); pod >= 0; pod = core.pods.firstOnNode(node)) {
      this.loseJob(core.pods.jobOf(pod), node);
    }
    core.letGoOn(node);
    this.disciplined?.nodesChanged();
  }

  private loseJob(job: number, node: number): void {
    const { core } = this;
    const survivors = core.survivorsOf(job, node);
    core.release(job, Reason.NodeLost);
    this.disciplined?.ended(job, Reason.NodeLost);
    if (core.options.onNodeLost === 'fail') {
      core.jobs.enter(job, JobState.Failed, Reason.NodeLost, core.timeSeconds);
      core.counters.failed++;
      core.effects.pushJob(EffectKind.JobFailed, job, 0, Reason.NodeLost);
    } else if (this.disciplined !== undefined) {
      this.disciplined.requeue(job, Reason.NodeLost);
      core.holdAgain(job, survivors);
    } else {
      this.retries.waitUntried(job);
      core.counters.requeued++;
      core.effects.pushJob(EffectKind.JobRequeued, job, 0, Reason.NodeLost);
    }
  }
}
