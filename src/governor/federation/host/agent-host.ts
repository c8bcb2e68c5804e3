/**
 * The host of agents: one agent for each job, each with its own state, all deciding by the same board.
 *
 * An agent reads the zones' offers for its job, lets the chooser pick, proposes, and acts on the answer: an offer is
 * confirmed, a refusal sends it elsewhere, silence too. While it confirms it is bound to that zone: only the zone knows
 * whether the job runs. `docs/federation.md` has the states and messages.
 *
 * Invariants: every job is waiting with a reason, proposed, confirming, running or stopping; at most one offer of a job
 * is ever confirmed at a time; a job that was lost or refused keeps its rank.
 */

import { TimeHeap } from '../../../kernel/time-heap.ts';
import type { Demand } from '../../../model/demand.ts';
import { TegError } from '../../../model/errors.ts';
import { Board } from '../board.ts';
import { isPart, JOB_NUMBERS } from '../federation-limits.ts';
import {
  ActionKind,
  type EndedMessage,
  FederationReason,
  type FederationReasonCode,
  type GoneMessage,
  type Message,
  MessageKind,
  type OfferMessage,
  type Outbox,
  type Process,
  type RefuseMessage,
  type StartedMessage,
} from '../messages.ts';
import type { AgentHostParts } from './agent-host-parts.ts';
import { type AgentView, viewAgent } from './agent-view.ts';
import type { AdoptedPart, GangClaim, GangPart } from './gang-claim.ts';
import type { ClaimSink, GangClaims } from './gang-claims.ts';
import { HostCounters } from './host-counters.ts';
import { AgentState, HostJobs, type SubmittedJob, WaitReason, type WaitReasonCode } from './host-jobs.ts';
import { enterLine, HostLines, type JobLine, leaveLine, narrowWindow, widenWindow } from './host-lines.ts';
import { HostMoves } from './host-moves.ts';
import { HostSender } from './host-sender.ts';
import { StandingRequests } from './standing-requests.ts';
import { makeGangClaims } from './taxed-claims.ts';

/** Most times that a job that asks at random asks one group on one board, on average. */
const GROUP_ASKS_MAX = 8;

/** A host of agents. */
export class AgentHost implements Process {
  readonly id: number;
  readonly jobs: HostJobs = new HostJobs();
  readonly board: Board;
  readonly counters: HostCounters = new HostCounters();
  protected readonly parts: AgentHostParts;
  private readonly lines: HostLines;
  private readonly timers = new TimeHeap();
  private readonly sender: HostSender;
  private readonly moves: HostMoves;
  /** Gangs across zones. */
  readonly claims: GangClaims;
  private readonly standing: StandingRequests;
  private ranks = 0;
  private reportAt: number;
  private readonly isBefore: (a: number, b: number) => boolean;

  constructor(parts: AgentHostParts) {
    const { options } = parts;
    this.id = parts.id;
    this.parts = parts;
    this.lines = new HostLines(parts.home);
    this.board = new Board(parts.reader, options.expireSeconds, options.boardEntriesMax);
    this.reportAt = parts.homeZone < 0 ? Number.POSITIVE_INFINITY : parts.firstReportSeconds;
    const { jobs } = this;
    this.sender = new HostSender(parts, jobs, this.timers);
    this.standing = new StandingRequests(parts, jobs, this.board, this.sender);
    this.moves = new HostMoves(parts, jobs, this.board, this.sender, this.counters);
    this.claims = this.makeClaims(this.sender);
    this.isBefore = (a, b) => jobs.goesBefore(a, b);
  }

  get wakeAt(): number {
    const timer = this.timers.size > 0 ? (this.timers.times[0] as number) : Number.POSITIVE_INFINITY;
    return Math.min(timer, this.reportAt, this.claims.wakeAt);
  }

  /** Timers that are set, and old ones that have not fired yet. */
  get pendingTimers(): number {
    return this.timers.size;
  }

  /**
   * A job arrives.
   *
   * @throws TegError TEG_JOB_INVALID if it is known; TEG_LIMIT_REACHED at `hostJobsMax`. Nothing has happened then.
   */
  submit(submitted: SubmittedJob, timeSeconds: number, out: Outbox): void {
    const { jobs, lines } = this;
    const { job, demandId, podCount, gangMin } = submitted;
    if (isPart(job) || jobs.slotOf(job) >= 0) {
      throw new TegError(
        'TEG_JOB_INVALID',
        `job ${job} was submitted ${isPart(job) ? 'with too large a number' : 'again'}; expected a new number below ${JOB_NUMBERS}: use another`,
      );
    }
    if (jobs.size >= this.parts.options.hostJobsMax) {
      throw new TegError(
        'TEG_LIMIT_REACHED',
        `agent host ${this.id} has ${jobs.size} jobs; expected fewer: raise hostJobsMax or submit elsewhere`,
      );
    }
    const line = lines.lineOf(demandId, podCount, gangMin);
    const slot = jobs.add(submitted, line, ++this.ranks, timeSeconds);
    jobs.attemptFloors[slot] = this.sender.lastAttempt;
    this.enter(slot, WaitReason.Queued, timeSeconds);
    this.advance(line, timeSeconds, out);
  }

  /** The owner gives a job up. Unknown jobs are ignored. */
  cancel(job: number, timeSeconds: number, out: Outbox): void {
    const { jobs } = this;
    const slot = jobs.slotOf(job);
    if (slot < 0) return;
    const state = jobs.states[slot] as number;
    if (state === AgentState.Spanning) {
      this.claims.cancel(job, timeSeconds, out);
      return;
    }
    if (state === AgentState.Moving || state === AgentState.Leaving) this.moves.giveUp(slot, out);
    if (state === AgentState.Confirming || state >= AgentState.Running) {
      if (state === AgentState.Stopping) return;
      this.jobs.turn(slot, AgentState.Stopping, timeSeconds);
      jobs.repeats[slot] = 0;
      this.sender.stop(slot, FederationReason.Cancelled, timeSeconds, out);
      return;
    }
    if (state === AgentState.Proposed) this.endProposal(slot);
    else leaveLine(jobs.lines[slot] as JobLine, slot);
    this.finish(slot, FederationReason.Cancelled, out);
  }

  /** Adopts a job that runs already: for a host that lost its log and recovers from the nodes. */
  adopt(running: SubmittedJob, zone: number, offer: number, timeSeconds: number): void {
    const slot = this.addAdopted(running, timeSeconds);
    this.jobs.targets[slot] = zone;
    this.jobs.offers[slot] = offer;
    this.jobs.turn(slot, AgentState.Running, timeSeconds);
  }

  /**
   * Adopts a part of a gang that runs already, as `adopt`. The others of the gang that run follow before the host's next
   * event. @param part Its number as its zone knows it. @param isOver The gang has finished.
   */
  adoptPart(gang: SubmittedJob, adopted: AdoptedPart, timeSeconds: number): void {
    const known = this.jobs.slotOf(gang.job);
    const slot = known < 0 ? this.addAdopted(gang, timeSeconds) : known;
    if (known < 0) this.jobs.turn(slot, AgentState.Spanning, timeSeconds);
    this.claims.adopt(slot, adopted, timeSeconds);
  }

  receive(message: Message, timeSeconds: number, out: Outbox): void {
    if ('job' in message && isPart(message.job)) {
      this.claims.receive(message, timeSeconds, out);
      return;
    }
    switch (message.kind) {
      case MessageKind.Board:
        this.board.replace(message.entries);
        this.retryWaiting(timeSeconds, out);
        this.moves.consider(out);
        break;
      case MessageKind.Quoted:
        this.moves.onQuoted(message, timeSeconds, out);
        break;
      case MessageKind.Offer:
        this.onOffer(message, timeSeconds, out);
        break;
      case MessageKind.Refuse:
        this.onRefuse(message, timeSeconds, out);
        break;
      case MessageKind.Started:
        this.onStarted(message, timeSeconds, out);
        break;
      case MessageKind.Gone:
        this.onGone(message, timeSeconds, out);
        break;
      case MessageKind.Ended:
        this.onEnded(message, timeSeconds, out);
        break;
    }
  }

  wake(timeSeconds: number, out: Outbox): void {
    const { timers, jobs } = this;
    while (timers.size > 0 && (timers.times[0] as number) <= timeSeconds) {
      const sequence = timers.sequences[0] as number;
      const slot = timers.pop();
      if (jobs.timers[slot] === sequence) this.onTimer(slot, timeSeconds, out);
    }
    this.claims.wake(timeSeconds, out);
    if (timeSeconds < this.reportAt) return;
    const { publishSeconds } = this.parts.options;
    this.reportAt += publishSeconds * (1 + Math.floor((timeSeconds - this.reportAt) / publishSeconds));
    this.sender.report(this.lines.lines, timeSeconds, out);
    this.claims.report(timeSeconds, out);
  }

  /** @returns The state of a job, and the reason; undefined if it is unknown. */
  explain(job: number): AgentView | undefined {
    return viewAgent(this.jobs.row(job), this.claims.of(job));
  }

  /** Visits the lines: for measures and checks. */
  forEachLine(visit: (line: JobLine) => void): void {
    for (const line of this.lines.lines) visit(line);
  }

  /** Lets the line's first jobs propose, as far as its window goes; those for which there is no room leave standing requests. */
  private advance(line: JobLine, timeSeconds: number, out: Outbox): void {
    while (line.waiting.length > 0 && line.proposed < line.window && line.window >= 1) {
      if (!this.tryFirst(line, timeSeconds, out)) break;
    }
    this.standing.request(line, timeSeconds, out);
  }

  /** New information: every waiting job may try, the first of all lines first. */
  private retryWaiting(timeSeconds: number, out: Outbox): void {
    this.claims.retry(timeSeconds, out);
    // Before proposals: a group of zones may show room for a gang that none of them has, and refuse it each time.
    this.spanZones(timeSeconds, out);
    const waiting = this.lines.lines.filter((line) => line.waiting.length > 0);
    waiting.sort((a, b) => (this.isBefore(a.waiting[0] as number, b.waiting[0] as number) ? -1 : 1));
    for (const line of waiting) {
      const tries = line.window < 1 && line.proposed === 0 && this.parts.random.nextFloat() < line.window;
      if (tries) this.tryFirst(line, timeSeconds, out);
      this.advance(line, timeSeconds, out);
    }
  }

  /** The claims of its gangs. */
  protected makeClaims(attempts: HostSender): GangClaims {
    return makeGangClaims(this.parts, this.jobs, this.board, attempts, this.claimSink());
  }

  /** What claims ask of it. */
  protected claimSink(): ClaimSink {
    return {
      placed: (claim, timeSeconds, out) => this.gangPlaced(claim, timeSeconds, out),
      released: ({ slot, hasRun }, reason, at, out) => this.waitAgain(slot, reason, at, out, hasRun),
      ended: ({ slot }, reason, out) => this.finish(slot, reason, out),
    };
  }

  /** Lets gangs for which no zone has room collect parts in several. */
  private spanZones(timeSeconds: number, out: Outbox): void {
    for (;;) {
      const slot = this.claims.candidate(this.lines.lines, timeSeconds);
      if (slot < 0) return;
      leaveLine(this.jobs.lines[slot] as JobLine, slot);
      this.standing.withdraw(slot, -1, out);
      this.jobs.turn(slot, AgentState.Spanning, timeSeconds);
      this.claims.begin(slot, timeSeconds, out);
    }
  }

  /** All parts of a gang run. */
  private gangPlaced({ slot, job, parts }: GangClaim, timeSeconds: number, out: Outbox): void {
    const { target, offer } = parts[0] as GangPart;
    this.counters.countPlacement(this.jobs, slot, target);
    this.jobs.since[slot] = timeSeconds;
    out.act(ActionKind.JobPlaced, job, offer, target, -1, FederationReason.None);
  }

  /** Proposes the line's first job to the chooser's pick. @returns True if it could. */
  private tryFirst(line: JobLine, timeSeconds: number, out: Outbox): boolean {
    const { jobs, board, parts } = this;
    const slot = line.waiting[0] as number;
    if (this.sender.proposalsOut >= parts.options.proposalsMax) return this.stay(slot, WaitReason.Queued);
    if (board.size === 0) return this.stay(slot, WaitReason.NoBoard);
    const demand = parts.demands.demands[line.demandId] as Demand;
    if (board.offersFor(demand, line.gangMin, timeSeconds) === 0) {
      if (!board.isKnown(timeSeconds)) return this.stay(slot, WaitReason.NoBoard);
      // Room was shown, but not given: that says more than that no zone is left to ask.
      const reason = jobs.reasons[slot] as WaitReasonCode;
      const wasAsked = reason === WaitReason.Refused || reason === WaitReason.Unanswered;
      return this.stay(slot, wasAsked ? reason : WaitReason.NoRoom);
    }
    const choice = this.sender.asksAll(slot)
      ? parts.random.nextInt(board.offers.count)
      : parts.chooser.choose(board.offers, board.deciders(timeSeconds), line.stream, parts.random);
    line.waiting.shift();
    line.proposed++;
    this.sender.proposalsOut++;
    this.counters.proposals++;
    const age = board.offers.ages[choice] as number;
    this.counters.ageMicros += Math.round(age * 1e6);
    this.counters.ageMax = Math.max(this.counters.ageMax, age);
    jobs.targets[slot] = board.entryOf(choice).id;
    jobs.attempts[slot] = this.sender.nextAttempt();
    jobs.repeats[slot] = 0;
    this.jobs.turn(slot, AgentState.Proposed, timeSeconds);
    this.sender.propose(slot, timeSeconds, out);
    return true;
  }

  private stay(slot: number, reason: WaitReasonCode): boolean {
    this.jobs.reasons[slot] = reason;
    return false;
  }

  private onOffer(m: OfferMessage, timeSeconds: number, out: Outbox): void {
    const { jobs } = this;
    const slot = jobs.slotOf(m.job);
    const isNew = slot >= 0 && m.attempt > (jobs.attemptFloors[slot] as number);
    const waits = isNew && jobs.states[slot] === AgentState.Waiting;
    if (waits || (isNew && jobs.states[slot] === AgentState.Proposed)) {
      const line = jobs.lines[slot] as JobLine;
      if (waits) leaveLine(line, slot);
      else this.endProposal(slot);
      if (!waits && jobs.attempts[slot] === m.attempt) widenWindow(line);
      jobs.probes[slot] = (jobs.probes[slot] as number) + 1;
      this.standing.withdraw(slot, m.from, out);
      jobs.targets[slot] = m.from;
      jobs.offers[slot] = m.offer;
      jobs.repeats[slot] = 0;
      this.jobs.turn(slot, AgentState.Confirming, timeSeconds);
      this.sender.confirm(slot, timeSeconds, out);
      this.advance(line, timeSeconds, out);
      return;
    }
    if (slot >= 0 && this.moves.onOffer(slot, m, timeSeconds, out)) return;
    const bound =
      slot >= 0 &&
      jobs.isBoundTo(slot, m.from, m.offer) &&
      (jobs.states[slot] as number) >= AgentState.Confirming;
    if (bound) return;
    this.counters.declined++;
    this.sender.decline(m.from, m.job, m.offer, out);
  }

  private onRefuse(m: RefuseMessage, timeSeconds: number, out: Outbox): void {
    const { jobs } = this;
    const slot = jobs.slotOf(m.job);
    if (slot < 0 || jobs.attempts[slot] !== m.attempt) return;
    if (jobs.states[slot] === AgentState.Moving) this.moves.failed(slot, timeSeconds);
    if (jobs.states[slot] !== AgentState.Proposed) return;
    this.counters.refusals++;
    const isFinal = m.reason === FederationReason.NoZone;
    this.proposalFailed(slot, WaitReason.Refused, isFinal, timeSeconds, out);
  }

  /** @param isFinal True if the entry that was asked has no other zone to ask. */
  private proposalFailed(
    slot: number,
    reason: WaitReasonCode,
    isFinal: boolean,
    timeSeconds: number,
    out: Outbox,
  ): void {
    const { jobs, board, parts } = this;
    const line = this.endProposal(slot);
    const target = jobs.targets[slot] as number;
    const asksAll = this.sender.asksAll(slot);
    narrowWindow(line);
    jobs.probes[slot] = (jobs.probes[slot] as number) + 1;
    // A group that was asked at random is asked about as often as it has zones.
    const asks = Math.min(GROUP_ASKS_MAX, board.zonesOf(target));
    const again = asksAll && !isFinal && parts.random.nextFloat() * asks >= 1;
    if (!again) board.refuse(target, line.demandId, line.gangMin);
    this.enter(slot, reason, timeSeconds);
    if (line.window >= 1) this.advance(line, timeSeconds, out);
    else if (asksAll) this.tryFirst(line, timeSeconds, out);
  }

  private onStarted(m: StartedMessage, timeSeconds: number, out: Outbox): void {
    const { jobs } = this;
    const slot = jobs.slotOf(m.job);
    if (slot < 0) return;
    const state = jobs.states[slot];
    const confirmed = state === AgentState.Confirming && jobs.isBoundTo(slot, m.from, m.offer);
    const known = state === AgentState.Proposed && jobs.attempts[slot] === m.attempt;
    // A summary node handed the proposal of a moving job to the very zone where it runs.
    if (state === AgentState.Moving && jobs.attempts[slot] === m.attempt) this.moves.stay(slot, timeSeconds);
    if (!confirmed && !known) return;
    if (known) this.endProposal(slot);
    this.placed(slot, m, timeSeconds, out);
  }

  /** The job runs, or has run, in the zone that says so. */
  private placed(slot: number, m: StartedMessage | EndedMessage, timeSeconds: number, out: Outbox): void {
    const { jobs } = this;
    this.counters.countPlacement(this.jobs, slot, m.from);
    jobs.targets[slot] = m.from;
    jobs.offers[slot] = m.offer;
    this.jobs.turn(slot, AgentState.Running, timeSeconds);
    out.act(ActionKind.JobPlaced, m.job, m.offer, m.from, -1, FederationReason.None);
  }

  private addAdopted(running: SubmittedJob, timeSeconds: number): number {
    const line = this.lines.lineOf(running.demandId, running.podCount, running.gangMin);
    return this.jobs.add(running, line, ++this.ranks, timeSeconds);
  }

  private onGone(m: GoneMessage, timeSeconds: number, out: Outbox): void {
    const { jobs } = this;
    const slot = jobs.slotOf(m.job);
    if (slot < 0 || !jobs.isBoundTo(slot, m.from, m.offer)) return;
    if (jobs.states[slot] === AgentState.Stopping) this.finish(slot, FederationReason.Cancelled, out);
    else if (jobs.states[slot] === AgentState.Leaving) {
      this.moves.giveUp(slot, out);
      this.waitAgain(slot, WaitReason.EscrowGone, timeSeconds, out);
    } else if (jobs.states[slot] === AgentState.Confirming) {
      this.counters.gone++;
      this.waitAgain(slot, WaitReason.EscrowGone, timeSeconds, out);
    }
  }

  private onEnded(m: EndedMessage, timeSeconds: number, out: Outbox): void {
    out.send({ kind: MessageKind.EndedAck, from: this.id, to: m.from, job: m.job, offer: m.offer });
    const { jobs } = this;
    const slot = jobs.slotOf(m.job);
    if (slot < 0 || !jobs.isBoundTo(slot, m.from, m.offer)) return;
    // A job that has ended had started: the report of the start was lost, or is late.
    if (jobs.states[slot] === AgentState.Confirming) this.placed(slot, m, timeSeconds, out);
    const state = jobs.states[slot] as number;
    if (state === AgentState.Stopping) this.finish(slot, FederationReason.Cancelled, out);
    else if (state === AgentState.Leaving && m.reason !== FederationReason.Finished) {
      this.moves.left(slot, m.doneSeconds);
      this.jobs.turn(slot, AgentState.Confirming, timeSeconds);
      this.sender.confirm(slot, timeSeconds, out);
    } else if (state >= AgentState.Confirming) {
      if (state >= AgentState.Moving) this.moves.giveUp(slot, out);
      if (m.reason === FederationReason.NodeLost) this.waitAgain(slot, WaitReason.NodeLost, timeSeconds, out);
      else if (m.reason === FederationReason.Moved) {
        // Stopped for a move unknown to this host: it lost its log after it had requested the move.
        jobs.doneSeconds[slot] = m.doneSeconds;
        this.waitAgain(slot, WaitReason.EscrowGone, timeSeconds, out);
      } else this.finish(slot, m.reason, out);
    }
  }

  private onTimer(slot: number, timeSeconds: number, out: Outbox): void {
    const { jobs } = this;
    const repeats = (jobs.repeats[slot] as number) + 1;
    jobs.repeats[slot] = repeats;
    const state = jobs.states[slot];
    if (state === AgentState.Confirming) this.sender.confirm(slot, timeSeconds, out);
    else if (state === AgentState.Stopping) {
      this.sender.stop(slot, FederationReason.Cancelled, timeSeconds, out);
    } else if (state === AgentState.Leaving) this.sender.stop(slot, FederationReason.Moved, timeSeconds, out);
    else if (state === AgentState.Proposed || state === AgentState.Moving) {
      const target = state === AgentState.Moving ? jobs.nextZones[slot] : jobs.targets[slot];
      if (repeats <= this.parts.options.proposeRepeatsMax) {
        this.sender.propose(slot, timeSeconds, out, target as number);
      } else {
        this.counters.unanswered++;
        if (state === AgentState.Moving) this.moves.failed(slot, timeSeconds);
        else this.proposalFailed(slot, WaitReason.Unanswered, true, timeSeconds, out);
      }
    }
  }

  /** The job does not run (any more) and looks for a place again, at its old rank. */
  private waitAgain(
    slot: number,
    reason: WaitReasonCode,
    timeSeconds: number,
    out: Outbox,
    hasRun = (this.jobs.states[slot] as number) >= AgentState.Running,
  ): void {
    if (hasRun) this.jobs.waitingSince[slot] = timeSeconds;
    if (reason === WaitReason.NodeLost) this.jobs.doneSeconds[slot] = 0;
    this.jobs.offers[slot] = 0;
    this.jobs.attemptFloors[slot] = this.sender.lastAttempt;
    this.enter(slot, reason, timeSeconds);
    this.advance(this.jobs.lines[slot] as JobLine, timeSeconds, out);
  }

  /** Puts a job into its line. */
  private enter(slot: number, reason: WaitReasonCode, timeSeconds: number): void {
    this.jobs.turn(slot, AgentState.Waiting, timeSeconds);
    this.jobs.reasons[slot] = reason;
    enterLine(this.jobs.lines[slot] as JobLine, slot, this.isBefore);
  }

  private endProposal(slot: number): JobLine {
    const line = this.jobs.lines[slot] as JobLine;
    line.proposed--;
    this.sender.proposalsOut--;
    return line;
  }

  private finish(slot: number, reason: FederationReasonCode, out: Outbox): void {
    const { jobs } = this;
    const job = jobs.jobs[slot] as number;
    out.act(ActionKind.JobEnded, job, jobs.offers[slot] as number, -1, -1, reason);
    this.standing.withdraw(slot, -1, out);
    jobs.timers[slot] = 0;
    jobs.remove(slot);
  }
}
