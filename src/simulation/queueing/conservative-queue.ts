/**
 * Conservative backfilling: every waiting job has a reservation, made at its arrival, that only moves forward.
 *
 *     arrival ──▶ the earliest start at which it takes nothing from any other reservation
 *     an early end ──▶ one pass in the order of the line: each reservation moves to an earlier start if there is one now
 *     a start that was missed (a job runs longer than expected, a node is lost) ──▶ all reservations are made again
 *
 * Reservations name their nodes (`node-plan.ts`); where nodes are slots they are numbers of slots (`slot-plan.ts`).
 *
 * @source Feitelson, Mu'alem Weil 1998, Utilization and Predictability in Scheduling the IBM SP2 with Backfilling.
 */
import type { AccountsRefusal } from '../../governor/accounts.ts';
import {
  type QueueDiscipline,
  type QueuedJob,
  type SchedulingPass,
  StartResult,
} from '../../governor/zone/queue-discipline.ts';
import type { ReasonCode } from '../../governor/zone/zone-events.ts';
import type { RuntimeEstimates } from '../../market/runtimes/runtime-estimates.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import { Backlog, type BacklogJob, inArrivalOrder } from './backlog.ts';
import type { ConservativePlan, PlannedPlace } from './conservative-plan.ts';
import { NodePlan } from './node-plan.ts';
import { Promises } from './promises.ts';
import { areSlots, SlotPlan } from './slot-plan.ts';

/** Jobs of the line that have reservations at most, and those on nodes that one pass may move forward. */
const RESERVATIONS_MAX = 10_000;
const MOVES_MAX = 200;

/** A pass with a change costs a search of the plan for each new job, and for each of the line after an early end. */
export class ConservativeQueue implements QueueDiscipline {
  readonly name = 'conservative';
  /** The next reservation. */
  dueSeconds: number = Number.POSITIVE_INFINITY;
  private readonly backlog: Backlog;
  private readonly stated = new Promises();
  private readonly plan: ConservativePlan;
  /** Reservations that one pass may move forward. */
  private readonly movesMax: number;
  private readonly reservations = new Map<number, PlannedPlace>();
  private hasEarlyEnd = false;
  private isStale = false;

  /** @param estimates Of this discipline alone. */
  constructor(cluster: ClusterState, estimates: RuntimeEstimates) {
    this.backlog = new Backlog(inArrivalOrder, estimates);
    const entryOf = (job: number): BacklogJob => this.backlog.entryOf(job);
    const isExact = areSlots(cluster);
    this.plan = isExact ? new SlotPlan(cluster, entryOf) : new NodePlan(cluster, entryOf);
    this.movesMax = isExact ? Number.POSITIVE_INFINITY : MOVES_MAX;
  }

  get promises(): { readonly made: number; readonly kept: number } {
    return this.stated.counts;
  }

  submitted(job: QueuedJob): void {
    this.backlog.submitted(job);
  }

  adopted(job: QueuedJob, timeSeconds: number): void {
    this.backlog.adopted(job, timeSeconds);
    this.isStale = true;
  }

  withdrawn(job: number): void {
    this.backlog.withdrawn(job);
    this.stated.forget(job);
    this.reservations.delete(job);
    this.hasEarlyEnd = true;
  }

  ended(job: number, reason: ReasonCode, timeSeconds: number): void {
    if (this.backlog.estimates.expectedEnd(job, timeSeconds) > timeSeconds) this.hasEarlyEnd = true;
    this.backlog.ended(job, reason, timeSeconds);
  }

  returned(job: number): void {
    this.backlog.returned(job);
  }

  nodesChanged(): void {
    this.isStale = true;
    this.plan.nodesChanged();
  }

  tenantWoken(): void {}

  decide(pass: SchedulingPass): void {
    const now = pass.timeSeconds;
    this.backlog.sort();
    this.replan(pass);
    this.startDue(pass);
    this.dueSeconds = Number.POSITIVE_INFINITY;
    for (const { startSeconds } of this.reservations.values())
      if (startSeconds > now && startSeconds < this.dueSeconds) this.dueSeconds = startSeconds;
  }

  reasonOf(job: number): AccountsRefusal | undefined {
    return this.backlog.reasonOf(job);
  }

  /** Brings the reservations up to date. */
  private replan(pass: SchedulingPass): void {
    const now = pass.timeSeconds;
    const { plan, reservations, backlog, movesMax } = this;
    const { line, estimates } = backlog;
    const isMissed = line.some(({ job }) => (reservations.get(job)?.startSeconds ?? now) < now);
    if (this.isStale || isMissed) reservations.clear();
    const isIdle =
      !this.hasEarlyEnd && line.every(({ job }) => (reservations.get(job)?.startSeconds ?? now) > now);
    if (isIdle) return;
    plan.begin(pass, backlog.ends(now));
    for (const entry of line) {
      const place = reservations.get(entry.job);
      if (place !== undefined) plan.take(entry, place, 1);
    }
    let moves = 0;
    for (const entry of line) {
      const place = reservations.get(entry.job);
      if (!this.hasEarlyEnd || place === undefined || moves++ >= movesMax) continue;
      plan.take(entry, place, -1);
      this.reserve(entry, place.seconds);
    }
    for (const entry of line) {
      if (reservations.has(entry.job) || reservations.size >= RESERVATIONS_MAX) continue;
      const place = this.reserve(entry, estimates.estimate(entry.job));
      this.stated.make(entry.job, place.startSeconds);
    }
    this.hasEarlyEnd = false;
    this.isStale = false;
  }

  /** Takes the earliest place that there is. */
  private reserve(entry: BacklogJob, seconds: number): PlannedPlace {
    const place = this.plan.earliest(entry, seconds);
    this.reservations.set(entry.job, place);
    this.plan.take(entry, place, 1);
    return place;
  }

  /** Starts the jobs whose time has come. */
  private startDue(pass: SchedulingPass): void {
    const { backlog, reservations } = this;
    const now = pass.timeSeconds;
    const left: BacklogJob[] = [];
    let isFull = false;
    for (const entry of backlog.line) {
      const place = reservations.get(entry.job);
      if (isFull || place === undefined || place.startSeconds > now) {
        left.push(entry);
        continue;
      }
      const result = this.plan.start(pass, entry, place);
      if (result === StartResult.Started) {
        reservations.delete(entry.job);
        backlog.started(entry, now);
        this.stated.started(entry.job, now);
        continue;
      }
      left.push(entry);
      isFull = result === StartResult.StepFull;
      entry.refusal = result === StartResult.NotAdmitted ? pass.refusal : undefined;
      // What the accounts hold back holds no room.
      if (result !== StartResult.NotAdmitted) continue;
      reservations.delete(entry.job);
      this.plan.take(entry, place, -1);
    }
    backlog.line = left;
  }
}
