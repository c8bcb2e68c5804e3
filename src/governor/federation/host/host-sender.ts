/** The sending side of an agent host, and its timers for answers. */

import type { TimeHeap } from '../../../kernel/time-heap.ts';
import type { Demand } from '../../../model/demand.ts';
import { numberOfIncarnation } from '../federation-limits.ts';
import {
  type FederationReasonCode,
  MessageKind,
  type Outbox,
  ProposalMode,
  type ProposalModeCode,
} from '../messages.ts';
import type { AgentHostParts } from './agent-host-parts.ts';
import type { HostJobs } from './host-jobs.ts';
import type { JobLine } from './host-lines.ts';

/** Refusals after which a job that summaries describe too poorly asks every zone that shows room. */
const REFUSALS_PATIENT = 8;
/** Window of a line at and below which its jobs do the same: others of their shape were refused as often. */
const WINDOW_PATIENT = 1 / 8;
/** Timers of a host beyond two for each of its jobs, before stale ones are dropped. */
const TIMERS_SPARE = 64;
/** Most multiples of `confirmSeconds` between repetitions of a message that must arrive. */
const BACKOFF_MAX = 16;

/** Sends for one host. */
export class HostSender {
  /** Proposals in flight, including those that move a job. */
  proposalsOut = 0;
  private readonly parts: AgentHostParts;
  private readonly jobs: HostJobs;
  private readonly timers: TimeHeap;
  private timersSet = 0;
  private attemptsMade = 0;

  constructor(parts: AgentHostParts, jobs: HostJobs, timers: TimeHeap) {
    this.parts = parts;
    this.jobs = jobs;
    this.timers = timers;
  }

  /** The number of the last attempt; all numbers of an earlier incarnation are smaller. */
  get lastAttempt(): number {
    return numberOfIncarnation(this.parts.incarnation, this.attemptsMade);
  }

  /** @returns A number that no attempt of this host has had, in this or an earlier incarnation. */
  nextAttempt(): number {
    this.attemptsMade++;
    return this.lastAttempt;
  }

  /**
   * True if a job has been refused so often that prices do not guide it any more: it then asks at random, and on one
   * board every entry that shows room. Only for jobs whose fit a summary cannot show: limits of pods a node are not in
   * it, and a group's places may lie in several zones, none of which fits a gang. By price they might ask the same zone
   * forever.
   */
  asksAll(slot: number): boolean {
    const { jobs, parts } = this;
    const { demandId, gangMin, window } = jobs.lines[slot] as JobLine;
    if ((jobs.probes[slot] as number) < REFUSALS_PATIENT && window > WINDOW_PATIENT) return false;
    return gangMin > 1 || (parts.demands.demands[demandId] as Demand).podsPerNodeMax > 0;
  }

  /** Proposes a job to `target`: its own column for a job that waits, `nextZones` for one that moves. */
  propose(slot: number, timeSeconds: number, out: Outbox, target = this.jobs.targets[slot] as number): void {
    const { proposeSeconds, proposeRepeatsMax } = this.parts.options;
    const mode = this.asksAll(slot) ? ProposalMode.Random : ProposalMode.Priced;
    const deadline = (this.jobs.since[slot] as number) + proposeSeconds * (proposeRepeatsMax + 1);
    this.request(slot, target, this.jobs.attempts[slot] as number, mode, deadline, out);
    this.setTimer(slot, timeSeconds + proposeSeconds);
  }

  /** Leaves a standing request. Not repeated. */
  stand(slot: number, target: number, timeSeconds: number, out: Outbox): void {
    const deadline = timeSeconds + this.parts.options.standingSeconds;
    this.request(slot, target, this.nextAttempt(), ProposalMode.Standing, deadline, out);
  }

  /** Confirms the current offer. */
  confirm(slot: number, timeSeconds: number, out: Outbox): void {
    const { jobs, parts } = this;
    out.send({
      kind: MessageKind.Confirm,
      from: parts.id,
      to: jobs.targets[slot] as number,
      job: jobs.jobs[slot] as number,
      offer: jobs.offers[slot] as number,
      doneSeconds: jobs.doneSeconds[slot] as number,
    });
    this.repeatLater(slot, timeSeconds);
  }

  /** Has the job stopped where it runs. */
  stop(slot: number, reason: FederationReasonCode, timeSeconds: number, out: Outbox): void {
    const { jobs, parts } = this;
    out.send({
      kind: MessageKind.Stop,
      from: parts.id,
      to: jobs.targets[slot] as number,
      job: jobs.jobs[slot] as number,
      offer: jobs.offers[slot] as number,
      reason,
    });
    this.repeatLater(slot, timeSeconds);
  }

  /** Declines an offer. */
  decline(zone: number, job: number, offer: number, out: Outbox): void {
    out.send({ kind: MessageKind.Decline, from: this.parts.id, to: zone, job, offer });
  }

  /** Asks for the cost of a running job's place. Not repeated. */
  askQuote(slot: number, out: Outbox): void {
    const { jobs, parts } = this;
    out.send({
      kind: MessageKind.Quote,
      from: parts.id,
      to: jobs.targets[slot] as number,
      job: jobs.jobs[slot] as number,
      offer: jobs.offers[slot] as number,
    });
  }

  /** Reports the number of waiting jobs here to the home zone, for the sums of its summary. */
  report(lines: readonly JobLine[], timeSeconds: number, out: Outbox): void {
    const { jobs, parts } = this;
    let waitingJobs = 0;
    let waitingGpuMilli = 0;
    let oldestSeconds = 0;
    for (const line of lines) {
      if (line.waiting.length === 0) continue;
      const { gpuTotalMilli } = parts.demands.demands[line.demandId] as Demand;
      waitingJobs += line.waiting.length;
      waitingGpuMilli += line.waiting.length * line.podCount * gpuTotalMilli;
      const first = jobs.waitingSince[line.waiting[0] as number] as number;
      oldestSeconds = Math.max(oldestSeconds, timeSeconds - first);
    }
    out.send({
      kind: MessageKind.HostReport,
      from: parts.id,
      to: parts.homeZone,
      waitingJobs,
      waitingGpuMilli,
      oldestSeconds,
    });
  }

  private request(
    slot: number,
    target: number,
    attempt: number,
    mode: ProposalModeCode,
    deadline: number,
    out: Outbox,
  ): void {
    const { jobs, parts } = this;
    const { demandId, podCount, gangMin } = jobs.lines[slot] as JobLine;
    if (jobs.firstAttempts[slot] === 0) jobs.firstAttempts[slot] = attempt;
    out.send({
      kind: MessageKind.Propose,
      from: parts.id,
      to: target,
      job: jobs.jobs[slot] as number,
      attempt,
      host: parts.id,
      demandId,
      tenant: jobs.tenants[slot] as number,
      podCount,
      gangMin,
      deadline,
      hops: 0,
      mode,
      isFirst: jobs.firstAttempts[slot] === attempt,
    });
  }

  /** Sets the timer of a message that must arrive: it is repeated at growing intervals until the zone answers. */
  private repeatLater(slot: number, timeSeconds: number): void {
    const patience = Math.min(BACKOFF_MAX, 2 ** (this.jobs.repeats[slot] as number));
    this.setTimer(slot, timeSeconds + this.parts.options.confirmSeconds * patience);
  }

  private setTimer(slot: number, timeSeconds: number): void {
    const sequence = ++this.timersSet;
    this.jobs.timers[slot] = sequence;
    this.timers.push(timeSeconds, sequence, slot);
    if (this.timers.size > TIMERS_SPARE + 2 * this.jobs.size) this.dropOverriddenTimers();
  }

  /**
   * Timers that were set again, or whose job has gone on, would otherwise stay here until they fire. Amortised O(log
   * n).
   */
  private dropOverriddenTimers(): void {
    const { timers, jobs } = this;
    const { size } = timers;
    const times = timers.times.slice(0, size);
    const sequences = timers.sequences.slice(0, size);
    const slots = timers.ids.slice(0, size);
    timers.size = 0;
    for (let i = 0; i < size; i++) {
      const slot = slots[i] as number;
      const sequence = sequences[i] as number;
      if (jobs.timers[slot] === sequence) timers.push(times[i] as number, sequence, slot);
    }
  }
}
