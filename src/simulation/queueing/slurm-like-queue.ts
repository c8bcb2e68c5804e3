/**
 * A queue in the manner of Slurm: multifactor priority by Fair Tree, a main loop that stops at the first job that does not
 * fit, and from time to time a backfill pass in which every job of the line gets a reservation.
 *
 *     every event ──▶ main loop: start in order until one does not fit
 *     every bf_interval, if anything changed ──▶ backfill: in order, start what delays no reservation before it, else reserve
 *
 * Order: priority, then Fair Tree (the tenant with the least decayed usage for its weight, level by level, then its user with
 * the least), then arrival; computed again every five minutes. Reservations are made from scratch in each backfill pass. Simpler
 * than Slurm: a node that is reserved for one job is not reserved for another as well, so a job may be left without a
 * reservation.
 *
 * @source Slurm, sched/backfill and the priority/multifactor plug-in with Fair Tree; defaults of slurm.conf.
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
import type { TenantTree } from '../../market/tenants/tenant-tree.ts';
import { Backlog, type BacklogJob, type BacklogOrder, inArrivalOrder } from './backlog.ts';
import { FairTreeOrder } from './fair/fair-tree-order.ts';
import { Promises } from './promises.ts';

/** bf_window, bf_interval, bf_resolution: Slurm's defaults in seconds. bf_max_job_test: of former releases. */
const WINDOW_SECONDS = 1440 * 60;
const INTERVAL_SECONDS = 30;
const RESOLUTION_SECONDS = 60;
const JOBS_TESTED_MAX = 100;

/** PriorityCalcPeriod. */
const PRIORITY_SECONDS = 300;

/** A backfill pass costs at most JOBS_TESTED_MAX plans. */
export class SlurmLikeQueue implements QueueDiscipline {
  readonly name = 'slurm-like';
  dueSeconds: number = Number.POSITIVE_INFINITY;
  private readonly backlog: Backlog;
  private readonly stated = new Promises();
  private readonly fairTree: FairTreeOrder;
  private orderedAtSeconds = Number.NEGATIVE_INFINITY;
  private backfilledAtSeconds = Number.NEGATIVE_INFINITY;
  /** True if anything happened since the last backfill pass. */
  private isChanged = false;
  /** [node] when it is needed by a reservation of this pass; nodes that are closed now. */
  private readonly neededFrom = new Map<number, number>();
  private readonly closed = new Set<number>();

  /** @param estimates Of this discipline alone. @param tenants Absent: all have equal shares. */
  constructor(estimates: RuntimeEstimates, tenants?: TenantTree) {
    this.fairTree = new FairTreeOrder(tenants);
    this.backlog = new Backlog(inArrivalOrder, estimates);
  }

  get promises(): { readonly made: number; readonly kept: number } {
    return this.stated.counts;
  }

  submitted(job: QueuedJob): void {
    this.backlog.submitted(job);
    this.fairTree.enter(job);
    this.isChanged = true;
  }

  adopted(job: QueuedJob, timeSeconds: number): void {
    this.hold(this.backlog.adopted(job, timeSeconds), 1, timeSeconds);
  }

  withdrawn(job: number): void {
    this.backlog.withdrawn(job);
    this.stated.forget(job);
    this.isChanged = true;
  }

  ended(job: number, reason: ReasonCode, timeSeconds: number): void {
    this.hold(this.backlog.ended(job, reason, timeSeconds), -1, timeSeconds);
    this.isChanged = true;
  }

  returned(job: number): void {
    this.backlog.returned(job);
  }

  nodesChanged(): void {
    this.isChanged = true;
  }

  tenantWoken(): void {
    this.isChanged = true;
  }

  decide(pass: SchedulingPass): void {
    const now = pass.timeSeconds;
    const { backlog } = this;
    if (now - this.orderedAtSeconds >= PRIORITY_SECONDS) {
      this.orderedAtSeconds = now;
      backlog.sort(this.orderAt(now));
    } else backlog.sort();
    const isComplete = this.startInOrder(pass);
    if (isComplete && this.isChanged && now - this.backfilledAtSeconds >= INTERVAL_SECONDS) {
      // A step that is full: what was not tried is tried in the next one.
      this.isChanged = !this.backfill(pass);
      if (!this.isChanged) this.backfilledAtSeconds = now;
    }
    const isDue = this.isChanged && backlog.line.length > 0;
    this.dueSeconds = isDue ? this.backfilledAtSeconds + INTERVAL_SECONDS : Number.POSITIVE_INFINITY;
  }

  reasonOf(job: number): AccountsRefusal | undefined {
    return this.backlog.reasonOf(job);
  }

  /** @returns False: the step is full. */
  private startInOrder(pass: SchedulingPass): boolean {
    const { backlog } = this;
    const { line } = backlog;
    const left: BacklogJob[] = [];
    let result: number = StartResult.Started;
    let at = 0;
    for (; at < line.length && result !== StartResult.NoRoom && result !== StartResult.StepFull; at++) {
      result = this.start(pass, line[at] as BacklogJob);
      if (result !== StartResult.Started) left.push(line[at] as BacklogJob);
    }
    for (; at < line.length; at++) left.push(line[at] as BacklogJob);
    backlog.line = left;
    return result !== StartResult.StepFull;
  }

  /** @returns False: the step is full. */
  private backfill(pass: SchedulingPass): boolean {
    const { backlog, neededFrom } = this;
    const now = pass.timeSeconds;
    const { line } = backlog;
    const left: BacklogJob[] = [];
    let isFull = false;
    neededFrom.clear();
    for (let at = 0; at < line.length; at++) {
      const entry = line[at] as BacklogJob;
      if (isFull || at >= JOBS_TESTED_MAX) {
        left.push(entry);
        continue;
      }
      this.closeBefore(pass, now + backlog.estimates.estimate(entry.job));
      const result = this.start(pass, entry);
      if (result === StartResult.Started) continue;
      left.push(entry);
      isFull = result === StartResult.StepFull;
      if (result === StartResult.NoRoom) this.reserve(pass, entry);
    }
    this.closeBefore(pass, Number.NEGATIVE_INFINITY);
    backlog.line = left;
    return !isFull;
  }

  /** Keeps the nodes on which a job can start first, within the window. */
  private reserve(pass: SchedulingPass, { job, demand, gangMin }: BacklogJob): void {
    const { neededFrom } = this;
    const now = pass.timeSeconds;
    this.closeBefore(pass, Number.NEGATIVE_INFINITY);
    const excluded = new Set(neededFrom.keys());
    const plan = earliestStart(pass, demand, gangMin, this.backlog.ends(now), excluded);
    if (plan === undefined || plan.startSeconds > now + WINDOW_SECONDS) return;
    const steps = Math.ceil((plan.startSeconds - now) / RESOLUTION_SECONDS);
    const startSeconds = now + steps * RESOLUTION_SECONDS;
    for (const node of plan.nodes) neededFrom.set(node, startSeconds);
    this.stated.make(job, startSeconds);
  }

  /** Closes exactly the nodes that are needed before an instant. */
  private closeBefore(pass: SchedulingPass, endSeconds: number): void {
    for (const [node, fromSeconds] of this.neededFrom) {
      if (fromSeconds < endSeconds === this.closed.has(node)) continue;
      if (fromSeconds < endSeconds) {
        pass.close(node);
        this.closed.add(node);
      } else {
        pass.open(node);
        this.closed.delete(node);
      }
    }
  }

  private start(pass: SchedulingPass, entry: BacklogJob): number {
    const result = pass.start(entry.job);
    if (result === StartResult.Started) {
      this.backlog.started(entry, pass.timeSeconds);
      this.stated.started(entry.job, pass.timeSeconds);
      this.hold(entry, 1, pass.timeSeconds);
    } else entry.refusal = result === StartResult.NotAdmitted ? pass.refusal : undefined;
    return result;
  }

  private hold(entry: BacklogJob, sign: 1 | -1, nowSeconds: number): void {
    const { demand, podCount } = entry;
    // Billing by GPUs, and by CPUs where a job has none.
    const amount = sign * podCount * (demand.gpuTotalMilli > 0 ? demand.gpuTotalMilli : demand.cpuMilli);
    this.fairTree.hold(entry, amount, nowSeconds);
  }

  private orderAt(nowSeconds: number): BacklogOrder {
    const factor = this.fairTree.factors(nowSeconds);
    return (a, b) => b.priority - a.priority || factor(b) - factor(a) || a.rank - b.rank;
  }
}
