/**
 * The waiting and running jobs of a discipline that plans: a line in its order, and expected ends in theirs.
 *
 * Invariants: a job is in the line while it waits, and among the running ones while it runs. Not here: who starts when.
 */
import type { AccountsRefusal } from '../../governor/accounts.ts';
import type { ExpectedEnd } from '../../governor/queueing/future-room.ts';
import { BEHIND, type QueuedJob } from '../../governor/zone/queue-discipline.ts';
import { Reason, type ReasonCode } from '../../governor/zone/zone-events.ts';
import { assert } from '../../kernel/assert.ts';
import type { RuntimeEstimates } from '../../market/runtimes/runtime-estimates.ts';
import type { Demand } from '../../model/demand.ts';

/** A waiting or running job. */
export interface BacklogJob {
  readonly job: number;
  readonly rank: number;
  readonly priority: number;
  readonly tenant: number;
  readonly owner: number;
  readonly demand: Demand;
  readonly podCount: number;
  readonly gangMin: number;
  /** Jobs of equal shape fit together or not at all. */
  readonly shape: number;
  refusal: AccountsRefusal | undefined;
  /** While it runs: position among those, and its expected end at the last look. */
  endSeconds: number;
}

/** < 0 if the first goes before the second; 0 only for the same job. */
export type BacklogOrder = (a: BacklogJob, b: BacklogJob) => number;

/** The jobs of one discipline. */
export class Backlog {
  /** Waiting jobs. Sorted after `sort`. */
  line: BacklogJob[] = [];
  readonly estimates: RuntimeEstimates;
  private order: BacklogOrder;
  private isSorted = true;
  private readonly jobs = new Map<number, BacklogJob>();
  /** By expected end at the last look. */
  private readonly running: BacklogJob[] = [];
  private readonly shapes = new Map<string, number>();

  /** @param estimates Of this discipline alone. */
  constructor(order: BacklogOrder, estimates: RuntimeEstimates) {
    this.order = order;
    this.estimates = estimates;
  }

  /** See `QueueDiscipline.submitted`. @returns The job's entry. */
  submitted(queued: QueuedJob): BacklogJob {
    const entry = this.enter(queued);
    this.enqueue(entry);
    return entry;
  }

  /** See `QueueDiscipline.adopted`. @returns The job's entry. */
  adopted(queued: QueuedJob, timeSeconds: number): BacklogJob {
    const entry = this.enter(queued);
    this.run(entry, timeSeconds);
    return entry;
  }

  /** See `QueueDiscipline.withdrawn`. @returns The job's entry, no longer kept. */
  withdrawn(job: number): BacklogJob {
    const entry = this.entryOf(job);
    this.line.splice(this.line.indexOf(entry), 1);
    this.forget(job);
    return entry;
  }

  /** See `QueueDiscipline.ended`. @returns The job's entry; kept if it may return. */
  ended(job: number, reason: ReasonCode, timeSeconds: number): BacklogJob {
    const entry = this.entryOf(job);
    const at = this.running.indexOf(entry);
    assert(at >= 0, 'a job ended that did not run');
    this.running.splice(at, 1);
    this.estimates.ended(job, timeSeconds, reason === Reason.Finished);
    if (reason === Reason.Finished || reason === Reason.Cancelled) this.forget(job);
    return entry;
  }

  /** See `QueueDiscipline.returned`. @returns The job's entry. */
  returned(job: number): BacklogJob {
    const entry = this.entryOf(job);
    this.enqueue(entry);
    return entry;
  }

  /** A job of the line has started. The caller takes it out of the line. */
  started(entry: BacklogJob, timeSeconds: number): void {
    entry.refusal = undefined;
    this.run(entry, timeSeconds);
  }

  /** Sorts the line. O(1) if it is sorted. @param order From now on; absent: as before. */
  sort(order?: BacklogOrder): void {
    if (order !== undefined) {
      this.order = order;
      this.isSorted = false;
    }
    if (!this.isSorted) this.line.sort(this.order);
    this.isSorted = true;
  }

  /** @returns Running jobs by expected end, none before now. O(running) if their order is as before. */
  ends(timeSeconds: number): readonly ExpectedEnd[] {
    const { running, estimates } = this;
    for (let i = 0; i < running.length; i++) {
      const entry = running[i] as BacklogJob;
      entry.endSeconds = estimates.expectedEnd(entry.job, timeSeconds);
      let at = i;
      for (; at > 0 && (running[at - 1] as BacklogJob).endSeconds > entry.endSeconds; at--)
        running[at] = running[at - 1] as BacklogJob;
      running[at] = entry;
    }
    return running;
  }

  /** See `QueueDiscipline.reasonOf`. */
  reasonOf(job: number): AccountsRefusal | undefined {
    const entry = this.jobs.get(job);
    if (entry === undefined || entry.refusal !== undefined) return entry?.refusal;
    return entry === this.line.find(({ refusal }) => refusal === undefined) ? undefined : BEHIND;
  }

  private enter(queued: QueuedJob): BacklogJob {
    const { job, rank, priority, tenant, owner, demand, podCount, gangMin } = queued;
    const { expectedSeconds, terms } = queued;
    this.estimates.submitted(job, owner, tenant, expectedSeconds, terms);
    const key = `${demand.id}:${podCount}:${gangMin}`;
    const shape = this.shapes.get(key) ?? this.shapes.size;
    this.shapes.set(key, shape);
    const entry: BacklogJob = {
      job,
      rank,
      priority,
      tenant,
      owner,
      demand,
      podCount,
      gangMin,
      shape,
      refusal: undefined,
      endSeconds: Number.POSITIVE_INFINITY,
    };
    this.jobs.set(job, entry);
    return entry;
  }

  private enqueue(entry: BacklogJob): void {
    const last = this.line.at(-1);
    if (last !== undefined && this.order(last, entry) > 0) this.isSorted = false;
    this.line.push(entry);
  }

  private run(entry: BacklogJob, timeSeconds: number): void {
    this.estimates.started(entry.job, timeSeconds);
    entry.endSeconds = Number.POSITIVE_INFINITY;
    this.running.push(entry);
  }

  private forget(job: number): void {
    this.jobs.delete(job);
    this.estimates.forgotten(job);
  }

  /** @returns The entry of a job that waits or runs. */
  entryOf(job: number): BacklogJob {
    const entry = this.jobs.get(job);
    assert(entry !== undefined, 'a job that was not submitted to this discipline');
    return entry;
  }
}

/** Priority, then arrival. */
export function inArrivalOrder(a: BacklogJob, b: BacklogJob): number {
  return b.priority - a.priority || a.rank - b.rank;
}
