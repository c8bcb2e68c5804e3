/**
 * Disciplines under which a gang holds room for the pods that have found some while the others have not: what schedulers
 * do that place pod by pod and let a gang wait at a permit point.
 *
 * Jobs are tried by priority and arrival. A gang that has its minimum starts; another one holds what it got, until a
 * timeout, until a gang that goes before it takes it (wound-wait), or not at all if too much is missing. What is held
 * does no work, and keeps others out: a pass costs as many attempts as distinct jobs wait.
 *
 * @source kubernetes-sigs/scheduler-plugins, pkg/coscheduling and apis/config/v1/defaults.go: permitWaitingTimeSeconds 60,
 * podGroupBackoffSeconds 0; its PostFilter rejects a group of which more than a tenth is missing. kube-scheduler:
 * podInitialBackoffSeconds 1, podMaxBackoffSeconds 10. Rosenkrantz, Stearns, Lewis 1978 for wound-wait.
 */
import type { AccountsRefusal } from '../../governor/accounts.ts';
import {
  type QueueDiscipline,
  type QueuedJob,
  type SchedulingPass,
  StartResult,
} from '../../governor/zone/queue-discipline.ts';
import { Reason, type ReasonCode } from '../../governor/zone/zone-events.ts';
import { assert } from '../../kernel/assert.ts';

/** What a gang may do with room for a part of it. */
export interface HoldingRule {
  readonly name: string;
  /** It gives all back this long after its first pod found room; Infinity: never. */
  readonly timeoutSeconds: number;
  /** Most of its minimum that may be missing while it holds, in [0, 1]. */
  readonly gapMax: number;
  /** Whether a gang takes what those behind it hold, the last first, if it can use it. */
  readonly wounds: boolean;
}

/** Backoff of a pod after its n-th failure: 1, 2, 4, 8, 10, 10, … seconds. */
const BACKOFF_SECONDS_FIRST = 1;
const BACKOFF_SECONDS_MAX = 10;

/** A waiting or running job. */
interface Holder {
  readonly job: number;
  readonly rank: number;
  readonly priority: number;
  readonly demandId: number;
  readonly podCount: number;
  readonly gangMin: number;
  /** Jobs of equal shape find equal room. */
  readonly shape: string;
  /** When its first pod found room; NaN: it holds none. */
  heldSince: number;
  /** Not tried before. */
  resumeAt: number;
  timeouts: number;
  refusal: AccountsRefusal | undefined;
}

/** What a pass has learnt. */
interface PassState {
  /** Demands of which no further pod finds room. */
  readonly fullDemands: Set<number>;
  /** Shapes that were rejected. */
  readonly rejected: Set<string>;
  isStepFull: boolean;
}

/** A line of jobs under one rule. */
export class HoldingQueue implements QueueDiscipline {
  readonly name: string;
  dueSeconds: number = Number.POSITIVE_INFINITY;
  private readonly rule: HoldingRule;
  private line: Holder[] = [];
  private isSorted = true;
  private readonly jobs = new Map<number, Holder>();
  /** Those that hold pods. */
  private readonly holding = new Set<Holder>();

  constructor(rule: HoldingRule) {
    assert(rule.timeoutSeconds > 0 && rule.gapMax >= 0 && rule.gapMax <= 1, 'a rule out of its bounds');
    this.rule = rule;
    this.name = rule.name;
  }

  submitted(job: QueuedJob): void {
    this.enqueue(this.enter(job));
  }

  adopted(job: QueuedJob): void {
    this.enter(job);
  }

  withdrawn(job: number): void {
    const holder = this.holderOf(job);
    this.line.splice(this.line.indexOf(holder), 1);
    this.holding.delete(holder);
    this.jobs.delete(job);
  }

  ended(job: number, reason: ReasonCode): void {
    if (reason === Reason.Finished || reason === Reason.Cancelled) this.jobs.delete(job);
  }

  returned(job: number): void {
    this.enqueue(this.holderOf(job));
  }

  nodesChanged(): void {}

  tenantWoken(): void {}

  decide(pass: SchedulingPass): void {
    if (!this.isSorted) this.line.sort(goesFirst);
    this.isSorted = true;
    this.expire(pass);
    const state: PassState = { fullDemands: new Set(), rejected: new Set(), isStepFull: false };
    const started = new Set<Holder>();
    for (const holder of this.line) {
      if (state.isStepFull) break;
      if (this.attempt(pass, holder, state)) started.add(holder);
    }
    if (started.size > 0) this.line = this.line.filter((holder) => !started.has(holder));
    this.dueSeconds = this.nextDue(pass.timeSeconds);
  }

  reasonOf(job: number): AccountsRefusal | undefined {
    return this.jobs.get(job)?.refusal;
  }

  /** Gangs that have held for too long give all back, and are not tried for a moment. */
  private expire(pass: SchedulingPass): void {
    const now = pass.timeSeconds;
    for (const holder of this.holding) {
      if (now < holder.heldSince + this.rule.timeoutSeconds) continue;
      pass.letGo(holder.job);
      this.record(holder, 0, now);
      holder.resumeAt = now + Math.min(BACKOFF_SECONDS_FIRST * 2 ** holder.timeouts, BACKOFF_SECONDS_MAX);
      holder.timeouts++;
    }
  }

  /** @returns Whether it started. */
  private attempt(pass: SchedulingPass, holder: Holder, state: PassState): boolean {
    if (holder.resumeAt > pass.timeSeconds || state.rejected.has(holder.shape)) return false;
    if (state.fullDemands.has(holder.demandId)) return false;
    let pods = pass.hold(holder.job);
    holder.refusal = pass.refusal;
    if (pods < holder.gangMin && holder.refusal === undefined && this.rule.wounds)
      pods = this.wound(pass, holder);
    if (pods >= holder.gangMin && holder.refusal === undefined) {
      const result = pass.start(holder.job);
      if (result === StartResult.Started) {
        this.record(holder, 0, pass.timeSeconds);
        return true;
      }
      state.isStepFull = result === StartResult.StepFull;
      if (result === StartResult.NotAdmitted) holder.refusal = pass.refusal;
    }
    this.keepOrLetGo(pass, holder, pods, state);
    return false;
  }

  /** What a job that did not start does with the room that it found. */
  private keepOrLetGo(pass: SchedulingPass, holder: Holder, pods: number, state: PassState): void {
    const isRejected = (holder.gangMin - pods) / holder.gangMin > this.rule.gapMax;
    if (holder.refusal === undefined && !isRejected) {
      if (pods < holder.podCount) state.fullDemands.add(holder.demandId);
      this.record(holder, pods, pass.timeSeconds);
      return;
    }
    // Room that was kept from earlier passes is new to this one.
    if (this.holding.has(holder)) state.fullDemands.clear();
    pass.letGo(holder.job);
    this.record(holder, 0, pass.timeSeconds);
    if (holder.refusal === undefined) state.rejected.add(holder.shape);
  }

  /**
   * Takes what gangs behind a gang hold, from the last on, until it has its minimum. Room of no use to it is free for those
   * between, which go before the one that held it, and then for that one again. No demand can be full by now that has room
   * then: the gang that found it so had emptied all behind it.
   *
   * @returns Pods that it holds then.
   */
  private wound(pass: SchedulingPass, holder: Holder): number {
    let pods = pass.heldPods(holder.job);
    const behind = [...this.holding].filter((other) => goesFirst(holder, other) < 0);
    for (const other of behind.sort((a, b) => goesFirst(b, a))) {
      if (pods >= holder.gangMin) break;
      pass.letGo(other.job);
      this.record(other, 0, pass.timeSeconds);
      pods = pass.hold(holder.job);
    }
    return pods;
  }

  /** Keeps since when a job holds pods. */
  private record(holder: Holder, pods: number, timeSeconds: number): void {
    if (pods === 0) {
      holder.heldSince = Number.NaN;
      this.holding.delete(holder);
    } else if (!this.holding.has(holder)) {
      holder.heldSince = timeSeconds;
      this.holding.add(holder);
    }
  }

  /** The next timeout, or end of a backoff; Infinity: none. */
  private nextDue(timeSeconds: number): number {
    let due = Number.POSITIVE_INFINITY;
    for (const holder of this.holding) due = Math.min(due, holder.heldSince + this.rule.timeoutSeconds);
    for (const { resumeAt } of this.line) if (resumeAt > timeSeconds) due = Math.min(due, resumeAt);
    return due;
  }

  private enter({ job, rank, priority, demand, podCount, gangMin }: QueuedJob): Holder {
    const holder: Holder = {
      job,
      rank,
      priority,
      demandId: demand.id,
      podCount,
      gangMin,
      shape: `${demand.id}:${podCount}:${gangMin}`,
      heldSince: Number.NaN,
      resumeAt: Number.NEGATIVE_INFINITY,
      timeouts: 0,
      refusal: undefined,
    };
    this.jobs.set(job, holder);
    return holder;
  }

  private enqueue(holder: Holder): void {
    const last = this.line.at(-1);
    if (last !== undefined && goesFirst(last, holder) > 0) this.isSorted = false;
    this.line.push(holder);
  }

  private holderOf(job: number): Holder {
    const holder = this.jobs.get(job);
    assert(holder !== undefined, 'a job that was not submitted to this discipline');
    return holder;
  }
}

/** Priority, then arrival: < 0 if the first goes before the second. */
function goesFirst(a: Holder, b: Holder): number {
  return b.priority - a.priority || a.rank - b.rank;
}
