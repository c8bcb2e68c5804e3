/**
 * The waiting jobs of a zone whose order a queue discipline decides: the zone's side of `queue-discipline.ts`.
 *
 * Invariant between steps: the jobs counted here wait, and are in no line of the zone's own; jobs that no set of nodes
 * could hold are parked in the zone's lines, unknown to the discipline, until a node joins.
 */

import { TegError } from '../../model/errors.ts';
import { EVICTION_DEFAULTS } from '../../model/eviction-terms.ts';
import type { AccountsRefusal } from '../accounts.ts';
import type { QueueDiscipline, QueuedJob } from './queue-discipline.ts';
import type { ZoneCore } from './zone-core.ts';
import {
  EffectKind,
  JobState,
  type JobSubmittedEvent,
  Reason,
  type ReasonCode,
  type ZoneOptions,
} from './zone-events.ts';
import { type PassHost, ZonePass } from './zone-pass.ts';

/** Feeds one discipline, and carries out its passes. */
export class DisciplinedJobs implements PassHost {
  /** True if something happened since the last pass. */
  isDue = false;
  private readonly core: ZoneCore;
  private readonly discipline: QueueDiscipline;
  private readonly pass: ZonePass;
  private readonly queued: QueuedJob;
  /** What the submissions of parked jobs said besides what the zone keeps. */
  private readonly parked = new Map<number, Pick<QueuedJob, 'owner' | 'expectedSeconds' | 'terms'>>();

  constructor(core: ZoneCore, discipline: QueueDiscipline) {
    this.core = core;
    this.discipline = discipline;
    core.isDisciplined = true;
    requireSurvivorsTaken(core.options, discipline);
    this.pass = new ZonePass(core, this);
    const demand = core.cluster.demands.demands[0] as QueuedJob['demand'];
    this.queued = {
      job: 0,
      rank: 0,
      shape: 0,
      demand,
      podCount: 1,
      gangMin: 1,
      priority: 0,
      tenant: 0,
      owner: -1,
      expectedSeconds: Number.NaN,
      terms: EVICTION_DEFAULTS,
    };
  }

  /** True if the last pass ended for want of room among the effects. */
  get hasPostponed(): boolean {
    return this.pass.isStepFull;
  }

  /** See `QueueDiscipline.dueSeconds`. */
  get dueSeconds(): number {
    return this.discipline.dueSeconds;
  }

  /** A job that `core.enter` has made an entry of begins to wait. */
  submit(event: JobSubmittedEvent): void {
    const { core } = this;
    core.disciplinedCount++;
    core.jobs.enter(event.job, JobState.Waiting, Reason.None, core.timeSeconds);
    this.discipline.submitted(this.describe(event), core.timeSeconds);
    this.isDue = true;
  }

  /** A job that no set of nodes could hold waits, unknown to the discipline. */
  park(event: JobSubmittedEvent): void {
    const { core } = this;
    core.wait(event.job, true);
    this.describe(event);
    const { owner, expectedSeconds, terms } = this.queued;
    this.parked.set(event.job, { owner, expectedSeconds, terms });
  }

  /** A parked job is cancelled. */
  forgetParked(job: number): void {
    this.parked.delete(job);
  }

  /** A job that was submitted as running has started. */
  adopt(event: JobSubmittedEvent): void {
    this.discipline.adopted(this.describe(event), this.core.timeSeconds);
  }

  /** A waiting job that is counted here is cancelled. */
  withdraw(job: number): void {
    this.core.letGo(job);
    this.core.disciplinedCount--;
    this.discipline.withdrawn(job, this.core.timeSeconds);
    this.isDue = true;
  }

  /** A running job has been released. */
  ended(job: number, reason: ReasonCode): void {
    this.discipline.ended(job, reason, this.core.timeSeconds);
    if (this.discipline.isIdle !== true) this.isDue = true;
  }

  /** A job that ran waits again; its capacity is free. */
  requeue(job: number, reason: ReasonCode): void {
    const { core } = this;
    core.disciplinedCount++;
    core.jobs.enter(job, JobState.Waiting, Reason.None, core.timeSeconds);
    core.counters.requeued++;
    core.effects.pushJob(EffectKind.JobRequeued, job, 0, reason);
    this.discipline.returned(job, reason, core.timeSeconds);
  }

  /** Nodes joined, came up or went down. */
  nodesChanged(): void {
    this.discipline.nodesChanged(this.core.timeSeconds);
    this.isDue = true;
  }

  /** The accounts may admit jobs of a tenant. */
  wakeTenant(tenant: number): void {
    this.discipline.tenantWoken(tenant);
    this.isDue = true;
  }

  /** Gives the discipline the jobs that were parked as impossible and no longer are. O(parked jobs). */
  unpark(): void {
    const { core } = this;
    for (let i = core.waiting.parked.length - 1; i >= 0; i--) {
      const shape = core.waiting.parked[i] as number;
      if (core.isImpossible(shape)) continue;
      for (let job = core.waiting.heads.jobOf(shape); job >= 0; job = core.waiting.heads.jobOf(shape)) {
        core.waiting.remove(job);
        core.disciplinedCount++;
        this.discipline.submitted(this.describeParked(job), core.timeSeconds);
      }
    }
  }

  /** One pass. */
  decide(): void {
    this.isDue = false;
    this.pass.begin();
    this.discipline.decide(this.pass);
    this.pass.end();
  }

  /** See `QueueDiscipline.reasonOf`. */
  reasonOf(job: number): AccountsRefusal | undefined {
    return this.discipline.reasonOf(job);
  }

  /** See `PassHost`. */
  starting(_job: number): void {
    this.core.disciplinedCount--;
  }

  /** See `PassHost`. */
  evicted(job: number): void {
    this.core.release(job, Reason.Preempted);
    this.discipline.ended(job, Reason.Preempted, this.core.timeSeconds);
    this.requeue(job, Reason.Preempted);
  }

  private describe(event: JobSubmittedEvent): QueuedJob {
    const { queued } = this;
    this.fill(event.job);
    queued.owner = event.owner ?? -1;
    queued.expectedSeconds = event.expectedSeconds ?? Number.NaN;
    queued.terms = event.terms ?? EVICTION_DEFAULTS;
    return queued;
  }

  private describeParked(job: number): QueuedJob {
    this.fill(job);
    const { parked, queued } = this;
    const known = parked.get(job);
    parked.delete(job);
    queued.owner = known?.owner ?? -1;
    queued.expectedSeconds = known?.expectedSeconds ?? Number.NaN;
    queued.terms = known?.terms ?? EVICTION_DEFAULTS;
    return queued;
  }

  private fill(job: number): void {
    const { queued, core } = this;
    const shape = core.jobs.shapeOf(job);
    queued.job = job;
    queued.rank = core.jobs.rankOf(job);
    queued.shape = shape;
    queued.demand = core.demandOf(shape);
    queued.podCount = core.shapes.podCounts[shape] as number;
    queued.gangMin = core.shapes.gangMins[shape] as number;
    queued.priority = core.jobs.priorityOf(job);
    queued.tenant = core.jobs.tenantOf(job);
  }
}

/** @throws TegError TEG_OPTION_INVALID if survivors would hold room that nobody starts or gives back. */
function requireSurvivorsTaken(options: Pick<ZoneOptions, 'onNodeLost'>, discipline: QueueDiscipline): void {
  if (options.onNodeLost !== 'hold' || discipline.takesSurvivors === true) return;
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got that jobs which lose a node hold the rest, with queue ${discipline.name}; expected a queue under which gangs hold ` +
      'room, such as permit-timeout: name one, or requeue',
  );
}
