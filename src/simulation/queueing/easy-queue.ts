/**
 * EASY backfilling: the first job that does not fit gets a reservation, and others start before it if they do not
 * postpone it.
 *
 *     head ──▶ shadow time: when enough running jobs are expected to have ended, and the nodes that it will use then
 *     another job starts now if it is expected to end by then, or if it stays off these nodes
 *
 * Nothing is remembered between passes but the promises that were made. Where ends are unknown there is no shadow time,
 * and every job that fits starts.
 *
 * @source Mu'alem, Feitelson 2001, Utilization, Predictability, Workloads, and User Runtime Estimates in Scheduling the
 *   IBM SP2 with Backfilling, IEEE TPDS 12(6).
 */
import type { AccountsRefusal } from '../../governor/accounts.ts';
import { earliestStart, type RoomPlan } from '../../governor/queueing/future-room.ts';
import {
  type QueueDiscipline,
  type QueuedJob,
  type SchedulingPass,
  StartResult,
} from '../../governor/zone/queue-discipline.ts';
import type { ReasonCode } from '../../governor/zone/zone-events.ts';
import type { RuntimeEstimates } from '../../market/runtimes/runtime-estimates.ts';
import { Backlog, type BacklogJob, inArrivalOrder } from './backlog.ts';
import { Promises } from './promises.ts';

/** A pass costs O(waiting jobs), and one plan for each time that a job starts on reserved nodes. */
export class EasyQueue implements QueueDiscipline {
  readonly name = 'easy';
  readonly dueSeconds: number = Number.POSITIVE_INFINITY;
  private readonly backlog: Backlog;
  private readonly stated = new Promises();
  /** Shapes that found no room in this pass: on all nodes, and on those that are not reserved. */
  private readonly failed = new Set<number>();
  private readonly failedBeside = new Set<number>();

  /** @param estimates Of this discipline alone. */
  constructor(estimates: RuntimeEstimates) {
    this.backlog = new Backlog(inArrivalOrder, estimates);
  }

  get promises(): { readonly made: number; readonly kept: number } {
    return this.stated.counts;
  }

  submitted(job: QueuedJob): void {
    this.backlog.submitted(job);
  }

  adopted(job: QueuedJob, timeSeconds: number): void {
    this.backlog.adopted(job, timeSeconds);
  }

  withdrawn(job: number): void {
    this.backlog.withdrawn(job);
    this.stated.forget(job);
  }

  ended(job: number, reason: ReasonCode, timeSeconds: number): void {
    this.backlog.ended(job, reason, timeSeconds);
  }

  returned(job: number): void {
    this.backlog.returned(job);
  }

  nodesChanged(): void {}

  tenantWoken(): void {}

  decide(pass: SchedulingPass): void {
    const { backlog } = this;
    backlog.sort();
    const { line } = backlog;
    const left: BacklogJob[] = [];
    let at = 0;
    let head: BacklogJob | undefined;
    for (; at < line.length && head === undefined; at++) {
      const entry = line[at] as BacklogJob;
      const result = this.start(pass, entry);
      if (result === StartResult.Started) continue;
      left.push(entry);
      if (result === StartResult.NoRoom) head = entry;
      else if (result === StartResult.StepFull) {
        at++;
        break;
      }
    }
    if (head !== undefined) at = this.backfill(pass, head, line, at, left);
    for (; at < line.length; at++) left.push(line[at] as BacklogJob);
    backlog.line = left;
  }

  reasonOf(job: number): AccountsRefusal | undefined {
    return this.backlog.reasonOf(job);
  }

  /** Starts what may start behind the head. @returns Where the line was left. */
  private backfill(
    pass: SchedulingPass,
    head: BacklogJob,
    line: readonly BacklogJob[],
    from: number,
    left: BacklogJob[],
  ): number {
    const { backlog, failed, failedBeside } = this;
    const now = pass.timeSeconds;
    const plan = (): RoomPlan | undefined =>
      earliestStart(pass, head.demand, head.gangMin, backlog.ends(now));
    failed.clear();
    failed.add(head.shape);
    failedBeside.clear();
    let reserved = plan();
    this.stated.make(head.job, reserved?.startSeconds);
    const shadow = reserved?.startSeconds ?? Number.POSITIVE_INFINITY;
    let isClosed = false;
    let isStale = false;
    let at = from;
    for (; at < line.length; at++) {
      const entry = line[at] as BacklogJob;
      const isShort = now + backlog.estimates.estimate(entry.job) <= shadow;
      if (failed.has(entry.shape) || (!isShort && failedBeside.has(entry.shape))) {
        left.push(entry);
        continue;
      }
      if (isClosed === isShort) {
        if (isShort) setReserved(pass, reserved, false);
        else {
          // Jobs that started on reserved nodes leave others free: reserve those that are busy first, again.
          if (isStale) reserved = plan();
          isStale = false;
          setReserved(pass, reserved, true);
        }
        isClosed = !isShort;
      }
      const result = this.start(pass, entry);
      if (result === StartResult.Started) {
        isStale = isStale || isShort;
        continue;
      }
      left.push(entry);
      if (result === StartResult.StepFull) return at + 1;
      if (result === StartResult.NoRoom) (isShort ? failed : failedBeside).add(entry.shape);
    }
    return at;
  }

  private start(pass: SchedulingPass, entry: BacklogJob): number {
    const result = pass.start(entry.job);
    if (result === StartResult.Started) {
      this.backlog.started(entry, pass.timeSeconds);
      this.stated.started(entry.job, pass.timeSeconds);
    } else entry.refusal = result === StartResult.NotAdmitted ? pass.refusal : undefined;
    return result;
  }
}

function setReserved(pass: SchedulingPass, reserved: RoomPlan | undefined, closed: boolean): void {
  for (const node of reserved?.nodes ?? []) {
    if (closed) pass.close(node);
    else pass.open(node);
  }
}
