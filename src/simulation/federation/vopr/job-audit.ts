/** The owners' side: every submitted job, and the guarantees to its owner. */

import { gangOf } from '../../../governor/federation/federation-limits.ts';
import type { SubmittedJob } from '../../../governor/federation/host/host-jobs.ts';
import { FederationReason, type FederationReasonCode } from '../../../governor/federation/messages.ts';
import { ensure } from './violation.ts';

/** A job and its owner's knowledge. Written by its book only. */
export interface AuditedJob extends SubmittedJob {
  /** Index of its host among the hosts. */
  readonly host: number;
  /** Infinity: it never ends on its own. */
  readonly durationSeconds: number;
  /** Its owner has cancelled it. */
  cancelled: boolean;
  /** Its pods ended on their own: it must never start again. */
  finished: boolean;
  starts: number;
  /** Why it ended, as its host reported; None while the host has it. */
  ended: FederationReasonCode;
}

/** All jobs of a run, by number. */
export class JobAudit {
  readonly jobs: AuditedJob[] = [];
  /** Jobs by host that were submitted and have not ended. */
  private readonly live: Set<number>[];

  constructor(hosts: number) {
    this.live = Array.from({ length: hosts }, () => new Set());
  }

  /** @returns The numbers of a host's jobs that have not ended, in the order of submission. */
  liveOf(host: number): ReadonlySet<number> {
    return this.live[host] as Set<number>;
  }

  /** @returns A job; that of a gang for its parts. */
  get(job: number): AuditedJob {
    return this.jobs[gangOf(job)] as AuditedJob;
  }

  /** A job was accepted. Numbers are given in order. */
  submitted(input: SubmittedJob, host: number, durationSeconds: number): void {
    ensure(input.job === this.jobs.length, () => `job ${input.job} was submitted out of order`);
    const { job, demandId, podCount, gangMin, priority, tenant } = input;
    const state = { cancelled: false, finished: false, starts: 0, ended: FederationReason.None };
    this.jobs.push({ job, demandId, podCount, gangMin, priority, tenant, host, durationSeconds, ...state });
    (this.live[host] as Set<number>).add(job);
  }

  /**
   * A zone started it. @param tenant That it counts for there. @param isLate A part of a gang of which another has finished
   * already.
   */
  started(job: number, tenant: number, isLate = false): void {
    const booked = this.get(job);
    ensure(
      booked.tenant === tenant,
      () => `job ${job} of tenant ${booked.tenant} starts as one of tenant ${tenant}`,
    );
    ensure(!booked.finished || isLate, () => `job ${job} starts again after it had finished`);
    ensure(
      booked.ended === FederationReason.None,
      () => `job ${job} starts after its owner was informed that it ended`,
    );
    booked.starts++;
  }

  /** The host reported that it is over, finally. @param isRunning True if its pods run. */
  ended(job: number, reason: FederationReasonCode, isRunning: boolean): void {
    const booked = this.get(job);
    ensure(booked.ended === FederationReason.None, () => `job ${job} ended twice`);
    ensure(!isRunning, () => `job ${job} is said to have ended (${reason}) and runs`);
    const isReason =
      reason === FederationReason.Finished ? booked.finished : reason === FederationReason.Cancelled;
    ensure(isReason, () => `job ${job} is said to have ended for reason ${reason}, which did not happen`);
    ensure(
      reason !== FederationReason.Cancelled || booked.cancelled,
      () => `job ${job} was cancelled without a request`,
    );
    booked.ended = reason;
    (this.live[booked.host] as Set<number>).delete(job);
  }
}
