/**
 * Conservative backfilling: every waiting job has a reservation, made at its arrival, that only moves forward.
 *
 *     arrival ──▶ the earliest start at which it takes nothing from any other reservation
 *     an early end ──▶ one pass in the order of the line: each reservation moves to the earliest start there is now
 *     a start that was missed (a job runs longer than expected, a node is lost) ──▶ all reservations are made again
 *
 * Reservations are amounts over time, not nodes: exact where nodes are equal slots. Where room is scattered so that a
 * job whose time has come does not fit, the nodes on which it fits first are kept for it, as EASY's head keeps them.
 *
 * @source Feitelson, Mu'alem Weil 1998, Utilization and Predictability in Scheduling the IBM SP2 with Backfilling.
 */
import type { AccountsRefusal } from '../../governor/accounts.ts';
import { earliestStart } from '../../governor/queueing/future-room.ts';
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
import { Promises } from './promises.ts';
import { AMOUNT_KINDS, amountsOfPods, UpCapacity } from './room-amounts.ts';
import { type RoomAmounts, RoomProfile } from './room-profile.ts';

/** A planned start. */
interface Reservation {
  readonly entry: BacklogJob;
  readonly amounts: RoomAmounts;
  /** The estimate when it was made; it is not renewed. */
  readonly seconds: number;
  /** Infinity: none could be made. */
  startSeconds: number;
}

/** A pass with a change costs O(waiting jobs × (waiting + running jobs)). */
export class ConservativeQueue implements QueueDiscipline {
  readonly name = 'conservative';
  /** The next reservation. */
  dueSeconds: number = Number.POSITIVE_INFINITY;
  private readonly backlog: Backlog;
  private readonly capacity: UpCapacity;
  private readonly stated = new Promises();
  private readonly profile = new RoomProfile(AMOUNT_KINDS);
  private readonly reservations = new Map<number, Reservation>();
  private readonly runningAmounts = new Map<number, RoomAmounts>();
  private hasEarlyEnd = false;
  private isStale = false;

  /** @param estimates Of this discipline alone. */
  constructor(cluster: ClusterState, estimates: RuntimeEstimates) {
    this.capacity = new UpCapacity(cluster);
    this.backlog = new Backlog(inArrivalOrder, estimates);
  }

  get promises(): { readonly made: number; readonly kept: number } {
    return this.stated.counts;
  }

  submitted(job: QueuedJob): void {
    this.backlog.submitted(job);
  }

  adopted(job: QueuedJob, timeSeconds: number): void {
    this.runningAmounts.set(job.job, amountsOf(this.backlog.adopted(job, timeSeconds)));
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
    this.runningAmounts.delete(job);
    this.backlog.ended(job, reason, timeSeconds);
  }

  returned(job: number): void {
    this.backlog.returned(job);
  }

  nodesChanged(): void {
    this.isStale = true;
    this.capacity.changed();
  }

  tenantWoken(): void {}

  decide(pass: SchedulingPass): void {
    const now = pass.timeSeconds;
    this.backlog.sort();
    this.plan(now);
    this.startDue(pass);
    this.dueSeconds = Number.POSITIVE_INFINITY;
    for (const { startSeconds } of this.reservations.values())
      if (startSeconds > now && startSeconds < this.dueSeconds) this.dueSeconds = startSeconds;
  }

  reasonOf(job: number): AccountsRefusal | undefined {
    return this.backlog.reasonOf(job);
  }

  /** Brings the reservations up to date. */
  private plan(now: number): void {
    const { profile, reservations, backlog } = this;
    const { line } = backlog;
    const isMissed = line.some((entry) => (reservations.get(entry.job)?.startSeconds ?? now) < now);
    if (this.isStale || isMissed) reservations.clear();
    else if (!this.hasEarlyEnd && reservations.size === line.length) return;
    profile.reset(now, this.capacity.get());
    for (const { job, endSeconds } of backlog.ends(now))
      profile.take(now, endSeconds, this.runningAmounts.get(job) as RoomAmounts);
    for (const { startSeconds, seconds, amounts } of reservations.values())
      profile.take(startSeconds, startSeconds + seconds, amounts);
    if (this.hasEarlyEnd) {
      for (const entry of line) {
        const reservation = reservations.get(entry.job);
        if (reservation === undefined) continue;
        const { startSeconds, seconds, amounts } = reservation;
        profile.take(startSeconds, startSeconds + seconds, amounts, -1);
        this.reserve(reservation);
      }
    }
    for (const entry of line) {
      if (reservations.has(entry.job)) continue;
      const seconds = backlog.estimates.estimate(entry.job);
      const reservation = {
        entry,
        amounts: amountsOf(entry),
        seconds,
        startSeconds: Number.POSITIVE_INFINITY,
      };
      reservations.set(entry.job, reservation);
      this.reserve(reservation);
      this.stated.make(entry.job, reservation.startSeconds);
    }
    this.hasEarlyEnd = false;
    this.isStale = false;
  }

  private reserve(reservation: Reservation): void {
    const { amounts, seconds } = reservation;
    reservation.startSeconds = this.profile.earliest(amounts, seconds);
    this.profile.take(reservation.startSeconds, reservation.startSeconds + seconds, amounts);
  }

  /** Starts the jobs whose time has come. */
  private startDue(pass: SchedulingPass): void {
    const { backlog, reservations } = this;
    const now = pass.timeSeconds;
    const left: BacklogJob[] = [];
    let kept: { startSeconds: number; nodes: readonly number[] } | undefined;
    let isFull = false;
    for (const entry of backlog.line) {
      const reservation = reservations.get(entry.job) as Reservation;
      if (isFull || reservation.startSeconds > now) {
        left.push(entry);
        continue;
      }
      const closes = kept !== undefined && now + reservation.seconds > kept.startSeconds;
      if (closes) for (const node of kept?.nodes ?? []) pass.close(node);
      const result = pass.start(entry.job);
      if (closes) for (const node of kept?.nodes ?? []) pass.open(node);
      if (result === StartResult.Started) {
        reservations.delete(entry.job);
        this.runningAmounts.set(entry.job, reservation.amounts);
        backlog.started(entry, now);
        this.stated.started(entry.job, now);
        continue;
      }
      left.push(entry);
      isFull = result === StartResult.StepFull;
      entry.refusal = result === StartResult.NotAdmitted ? pass.refusal : undefined;
      // What the accounts hold back holds no room.
      if (result === StartResult.NotAdmitted) reservations.delete(entry.job);
      if (result === StartResult.NoRoom && kept === undefined && this.isScattered(reservation.amounts))
        kept = earliestStart(pass, entry.demand, entry.gangMin, backlog.ends(now));
    }
    backlog.line = left;
  }

  /** True if the amounts are free now, though not on nodes that could hold the job. */
  private isScattered(amounts: RoomAmounts): boolean {
    const free = [...this.capacity.get()];
    for (const held of this.runningAmounts.values())
      for (let k = 0; k < AMOUNT_KINDS; k++) free[k] = (free[k] as number) - (held[k] as number);
    return amounts.every((amount, k) => amount <= (free[k] as number));
  }
}

function amountsOf(entry: BacklogJob): RoomAmounts {
  return amountsOfPods(entry, entry.gangMin);
}
