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
import type { ClusterState } from '../../model/cluster-state.ts';
import { HeldIdleBook, type HeldIdleFigures, type HoldingGang, newHoldingGang } from './held-idle-book.ts';

/** What a gang may do with room for a part of it. */
export interface HoldingRule {
  readonly name: string;
  /** It gives all back this long after its first pod found room; Infinity: never. */
  readonly timeoutSeconds: number;
  /** Most of its minimum that may be missing while it holds, in [0, 1]. */
  readonly gapMax: number;
  /** Whether a gang takes what those behind it hold, the last first, if it can use it. */
  readonly wounds: boolean;
  /** Whether stuck gangs pay for what they hold, and give it back once they cannot; see `held-idle-book.ts`. */
  readonly isTaxed?: boolean;
}

/** Backoff of a pod after its n-th failure: 1, 2, 4, 8, 10, 10, … seconds. */
const BACKOFF_SECONDS_FIRST = 1;
const BACKOFF_SECONDS_MAX = 10;

/** A waiting or running job. */
interface Holder extends HoldingGang {
  readonly job: number;
  readonly rank: number;
  readonly priority: number;
  readonly demandId: number;
  readonly podCount: number;
  /** Jobs of equal shape find equal room. */
  readonly shape: string;
  /** When its first pod found room; NaN: it holds none. */
  heldSince: number;
  /** Not tried before. */
  resumeAt: number;
  timeouts: number;
  /** Pods that run; 0: it waits. */
  running: number;
  refusal: AccountsRefusal | undefined;
}

/** What a pass has learnt. */
interface PassState {
  /** Demands of which no further pod finds room. */
  readonly fullDemands: Set<number>;
  /** Shapes that were rejected. */
  readonly rejected: Set<string>;
  isStepFull: boolean;
  /** Whether those in front of a gang that gave back have not seen what it freed. */
  hasFreed: boolean;
}

/** A line of jobs under one rule. */
export class HoldingQueue implements QueueDiscipline {
  readonly name: string;
  readonly takesSurvivors = true;
  dueSeconds: number = Number.POSITIVE_INFINITY;
  private readonly rule: HoldingRule;
  private line: Holder[] = [];
  private isSorted = true;
  private readonly jobs = new Map<number, Holder>();
  /** Those that hold pods. */
  private readonly holding = new Set<Holder>();
  private readonly book: HeldIdleBook;
  private readonly cluster: ClusterState;
  /** Jobs that came back since the last pass, and may hold what they have left. */
  private readonly back: Holder[] = [];
  private haveNodesChanged = false;
  private passedAt = Number.NEGATIVE_INFINITY;
  /** Whether anything happened that may let a job start which did not in the last pass. */
  private isTouched = true;

  constructor(cluster: ClusterState, rule: HoldingRule) {
    assert(rule.timeoutSeconds > 0 && rule.gapMax >= 0 && rule.gapMax <= 1, 'a rule out of its bounds');
    this.rule = rule;
    this.name = rule.name;
    this.cluster = cluster;
    this.book = new HeldIdleBook(cluster, rule.isTaxed === true);
  }

  /** @returns What gangs held until now. */
  heldIdle(timeSeconds: number): HeldIdleFigures {
    this.book.advance(this.holding, timeSeconds);
    return this.book.figures();
  }

  submitted(job: QueuedJob): void {
    this.enqueue(this.enter(job));
    this.isTouched = true;
  }

  adopted(job: QueuedJob, timeSeconds: number): void {
    this.book.advance(this.holding, timeSeconds);
    const holder = this.enter(job);
    holder.running = holder.podCount;
    this.book.ran(holder.demand, holder.running);
  }

  withdrawn(job: number, timeSeconds: number): void {
    this.book.advance(this.holding, timeSeconds);
    const holder = this.holderOf(job);
    this.line.splice(this.line.indexOf(holder), 1);
    this.holding.delete(holder);
    this.jobs.delete(job);
    this.isTouched = true;
  }

  ended(job: number, reason: ReasonCode, timeSeconds: number): void {
    this.book.advance(this.holding, timeSeconds);
    const holder = this.holderOf(job);
    this.book.ran(holder.demand, -holder.running);
    holder.running = 0;
    if (reason === Reason.Finished || reason === Reason.Cancelled) this.jobs.delete(job);
    this.isTouched = true;
  }

  returned(job: number): void {
    const holder = this.holderOf(job);
    this.back.push(holder);
    this.enqueue(holder);
  }

  nodesChanged(timeSeconds: number): void {
    this.book.advance(this.holding, timeSeconds);
    this.haveNodesChanged = true;
    this.isTouched = true;
    this.book.nodesChanged();
  }

  tenantWoken(): void {
    this.isTouched = true;
  }

  decide(pass: SchedulingPass): void {
    const now = pass.timeSeconds;
    const { book } = this;
    book.advance(this.holding, now);
    this.recount(pass);
    this.expire(pass);
    if (this.isTouched || this.line.some(({ resumeAt }) => resumeAt <= now && resumeAt > this.passedAt))
      this.tryAll(pass);
    this.passedAt = now;
    book.look([...this.holding].sort(goesFirst), now);
    this.dueSeconds = Math.min(this.nextDue(now), book.dueSeconds);
  }

  reasonOf(job: number): AccountsRefusal | undefined {
    return this.jobs.get(job)?.refusal;
  }

  /** Tries every job of the line: champions of the tax first, for which freed room is reserved. */
  private tryAll(pass: SchedulingPass): void {
    if (!this.isSorted) this.line.sort(goesFirst);
    this.isSorted = true;
    const state: PassState = {
      fullDemands: new Set(),
      rejected: new Set(),
      isStepFull: false,
      hasFreed: false,
    };
    const started = new Set<Holder>();
    const champions = [...this.holding].filter((holder) => this.book.isChampion(holder)).sort(goesFirst);
    for (const holder of [...champions, ...this.line]) {
      if (state.isStepFull) break;
      if (!started.has(holder) && this.attempt(pass, holder, state)) started.add(holder);
    }
    if (started.size > 0) this.line = this.line.filter((holder) => !started.has(holder));
    this.isTouched = state.isStepFull || state.hasFreed;
  }

  /** Notes what nodes that were lost took, and what jobs that lost some kept on others. */
  private recount(pass: SchedulingPass): void {
    const now = pass.timeSeconds;
    if (this.haveNodesChanged)
      for (const holder of this.holding) this.record(pass, holder, pass.heldPods(holder.job));
    this.haveNodesChanged = false;
    for (const holder of this.back.splice(0)) {
      // A job that was cancelled since, or lost all.
      if (this.jobs.get(holder.job) !== holder || pass.heldPods(holder.job) === 0) continue;
      this.record(pass, holder, pass.heldPods(holder.job));
      holder.isSurvivor = true;
      holder.lastGrantSeconds = now;
    }
  }

  /** Gangs that have held for too long, or cannot pay for it, give all back and are not tried for a moment. */
  private expire(pass: SchedulingPass): void {
    const now = pass.timeSeconds;
    for (const holder of this.holding) {
      const isBroke = this.book.isBroke(holder);
      if (now < holder.heldSince + this.rule.timeoutSeconds && !isBroke) continue;
      if (isBroke) this.book.released();
      this.isTouched = true;
      pass.letGo(holder.job);
      this.record(pass, holder, 0);
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
    if (pods < holder.gangMin && holder.refusal === undefined && (this.rule.wounds || this.book.wounds))
      pods = this.wound(pass, holder);
    if (pods >= holder.gangMin && holder.refusal === undefined) {
      this.record(pass, holder, pods);
      const result = pass.start(holder.job);
      if (result === StartResult.Started) {
        this.run(pass, holder, pods);
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
      this.record(pass, holder, pods);
      return;
    }
    // Room that was kept from earlier passes is new to this one.
    if (this.holding.has(holder)) {
      state.fullDemands.clear();
      state.hasFreed = true;
    }
    pass.letGo(holder.job);
    this.record(pass, holder, 0);
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
      this.record(pass, other, 0);
      pods = pass.hold(holder.job);
    }
    return pods;
  }

  /** A job starts with these pods. */
  private run(pass: SchedulingPass, holder: Holder, pods: number): void {
    if (holder.gangMin > 1) this.book.gangStarted(holder, pass.timeSeconds);
    this.book.ran(holder.demand, pods);
    this.record(pass, holder, 0);
    holder.running = pods;
  }

  /** Keeps since when a job holds pods, and where. */
  private record(pass: SchedulingPass, holder: Holder, pods: number): void {
    const { heldByFlavor } = holder;
    let before = 0;
    for (const [flavor, held] of heldByFlavor.entries()) {
      before += held ?? 0;
      heldByFlavor[flavor] = 0;
    }
    if (pods === 0) {
      holder.heldSince = Number.NaN;
      holder.isSurvivor = false;
      this.holding.delete(holder);
      return;
    }
    const { flavorIds } = this.cluster;
    pass.forEachHeldPod(holder.job, (node) => {
      const flavor = flavorIds[node] as number;
      heldByFlavor[flavor] = (heldByFlavor[flavor] ?? 0) + 1;
    });
    if (pods > before) holder.lastGrantSeconds = pass.timeSeconds;
    if (this.holding.has(holder)) return;
    holder.heldSince = pass.timeSeconds;
    this.holding.add(holder);
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
      ...newHoldingGang(demand, gangMin),
      job,
      rank,
      priority,
      demandId: demand.id,
      podCount,
      shape: `${demand.id}:${podCount}:${gangMin}`,
      heldSince: Number.NaN,
      resumeAt: Number.NEGATIVE_INFINITY,
      timeouts: 0,
      running: 0,
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
