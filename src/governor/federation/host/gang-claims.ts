/**
 * Gangs across zones: collects escrows zone by zone under one claim, and confirms all of them or none.
 *
 * To a zone each part is a job of its own with the gang's demand, of which any number of pods may start. The host keeps
 * the escrows by `Renew`. When they add up to the gang's minimum, each zone renews once more (phase one: all hold
 * capacity for long enough), then all are confirmed (phase two). A zone that has lost its escrow says `Gone`, and the
 * gang is rolled back whole.
 *
 * Invariants: nothing is confirmed before every escrow of the gang has been renewed; a part that was confirmed leaves
 * its claim only when its zone has said that it is over; parts of two claims of a gang are never confirmed together.
 *
 * Two claims that hold what the other needs: a claim without a new part for `claimSeconds` releases everything and backs
 * off for a random time, which doubles up to `claimRetriesMax` times.
 */
import type { Demand } from '../../../model/demand.ts';
import type { Board } from '../board.ts';
import { gangOf } from '../federation-limits.ts';
import {
  type EndedMessage,
  FederationReason,
  type FederationReasonCode,
  type GoneMessage,
  type Message,
  MessageKind,
  type OfferMessage,
  type Outbox,
  type RefuseMessage,
  type StartedMessage,
} from '../messages.ts';
import type { AgentHostParts } from './agent-host-parts.ts';
import { GangCandidates } from './gang-candidates.ts';
import {
  type AdoptedPart,
  ClaimPhase,
  dropPart,
  freeNumber,
  type GangClaim,
  type GangPart,
  newPart,
  PartState,
  type PartStateCode,
  partOf,
  podsFrom,
  renewalOf,
} from './gang-claim.ts';
import { GangSender } from './gang-sender.ts';
import { type HostJobs, WaitReason, type WaitReasonCode } from './host-jobs.ts';
import type { JobLine } from './host-lines.ts';
import type { HostSender } from './host-sender.ts';

/** What claims ask of their host. */
export interface ClaimSink {
  /** The gang runs: its parts have all started. */
  placed(claim: GangClaim, timeSeconds: number, out: Outbox): void;
  /** The gang holds nothing, and waits again. */
  released(claim: GangClaim, reason: WaitReasonCode, timeSeconds: number, out: Outbox): void;
  /** The gang is over. */
  ended(claim: GangClaim, reason: FederationReasonCode, out: Outbox): void;
}

/** The claims of one host. */
export class GangClaims {
  protected readonly parts: AgentHostParts;
  protected readonly jobs: HostJobs;
  protected readonly board: Board;
  private readonly attempts: HostSender;
  protected readonly sender: GangSender;
  private readonly sink: ClaimSink;
  protected readonly claims = new Map<number, GangClaim>();
  /** Those with something due. */
  protected readonly active = new Set<GangClaim>();
  protected readonly candidates: GangCandidates;
  /** Claims that collect or prepare. */
  private collecting = 0;

  constructor(parts: AgentHostParts, jobs: HostJobs, board: Board, attempts: HostSender, sink: ClaimSink) {
    this.parts = parts;
    this.jobs = jobs;
    this.board = board;
    this.attempts = attempts;
    this.candidates = new GangCandidates(parts, jobs, board);
    this.sender = new GangSender(parts, jobs);
    this.sink = sink;
  }

  /** When something is due next; Infinity: not until a message. O(claims that do not run). */
  get wakeAt(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const { dueAt } of this.active) at = Math.min(at, dueAt);
    return at;
  }

  /** Claims that collect. At most `claimsMax`. */
  get collectingCount(): number {
    return this.collecting;
  }

  /** @returns The claim of a gang; undefined if it has none. */
  of(job: number): Readonly<GangClaim> | undefined {
    return this.claims.get(job);
  }

  /** @returns Slot of the waiting gang that may collect parts now; −1: none. */
  candidate(lines: readonly JobLine[], timeSeconds: number): number {
    return this.collecting >= this.parts.options.claimsMax ? -1 : this.candidates.next(lines, timeSeconds);
  }

  /** A job that has left its line begins to collect. */
  begin(slot: number, timeSeconds: number, out: Outbox): void {
    const claim = this.add(slot, timeSeconds);
    this.jobs.offers[slot] = 0;
    this.jobs.targets[slot] = -1;
    this.collecting++;
    this.collect(claim, timeSeconds, out);
    this.schedule(claim);
  }

  /** Adopts a part that runs already, for a host that lost its log. @param isOver The gang has finished. */
  adopt(slot: number, { part, zone, offer, pods, isOver }: AdoptedPart, at: number): void {
    const claim = this.claims.get(gangOf(part)) ?? this.add(slot, at);
    claim.parts.push(newPart(part, 0, zone, pods, at));
    const added = claim.parts.at(-1) as GangPart;
    added.offer = offer;
    this.turn(added, PartState.Running, Number.POSITIVE_INFINITY);
    claim.phase = isOver ? ClaimPhase.Ending : ClaimPhase.Running;
    if (isOver) claim.reason = FederationReason.Finished;
    claim.hasRun = true;
    // All parts are adopted before the host acts.
    claim.dueAt = at;
    this.active.add(claim);
  }

  /** New information: every claim that collects may ask. */
  retry(timeSeconds: number, out: Outbox): void {
    for (const claim of [...this.active]) this.act(claim, () => this.collect(claim, timeSeconds, out));
  }

  /** The owner gives a gang up that has a claim. */
  cancel(job: number, timeSeconds: number, out: Outbox): void {
    const claim = this.claims.get(job) as GangClaim;
    this.act(claim, () =>
      this.stopAll(claim, ClaimPhase.Ending, FederationReason.Cancelled, timeSeconds, out),
    );
  }

  /** Takes a message about a part. */
  receive(message: Message & { readonly job: number }, timeSeconds: number, out: Outbox): void {
    if (message.kind === MessageKind.Ended) this.sender.acknowledge(message, out);
    const claim = this.claims.get(gangOf(message.job));
    const part = claim === undefined ? undefined : partOf(claim, message.job);
    if (claim === undefined || part === undefined) {
      if (message.kind === MessageKind.Offer)
        this.sender.decline(message.from, message.job, message.offer, out);
      return;
    }
    this.act(claim, () => this.take(claim, part, message, timeSeconds, out));
  }

  /** Does what is due. */
  wake(timeSeconds: number, out: Outbox): void {
    for (const claim of [...this.active]) {
      if (claim.dueAt > timeSeconds) continue;
      this.act(claim, () => this.onTimer(claim, timeSeconds, out));
    }
  }

  private take(claim: GangClaim, part: GangPart, message: Message, timeSeconds: number, out: Outbox): void {
    switch (message.kind) {
      case MessageKind.Offer:
        this.onOffer(claim, part, message, timeSeconds, out);
        break;
      case MessageKind.Refuse:
        this.onRefuse(claim, part, message, timeSeconds, out);
        break;
      case MessageKind.Started:
        this.onStarted(claim, part, message, timeSeconds, out);
        break;
      case MessageKind.Gone:
        this.onGone(claim, part, message, timeSeconds, out);
        break;
      case MessageKind.Ended:
        this.onEnded(claim, part, message, timeSeconds, out);
        break;
    }
  }

  /** Lets a claim change, then sees whether it is over, and when it is due again. */
  protected act(claim: GangClaim, change: () => void): void {
    change();
    if (this.claims.get(claim.job) === claim) this.schedule(claim);
  }

  private add(slot: number, timeSeconds: number): GangClaim {
    const { jobs } = this;
    const { demandId, podCount, gangMin } = jobs.lines[slot] as JobLine;
    const claim: GangClaim = {
      slot,
      job: jobs.jobs[slot] as number,
      demandId,
      podCount,
      gangMin,
      parts: [],
      phase: ClaimPhase.Collecting,
      lastGrantAt: timeSeconds,
      preparedUntil: 0,
      hasRun: false,
      reason: 0,
      dueAt: timeSeconds,
    };
    this.claims.set(claim.job, claim);
    this.active.add(claim);
    return claim;
  }

  protected schedule(claim: GangClaim): void {
    let dueAt = Number.POSITIVE_INFINITY;
    for (const part of claim.parts) dueAt = Math.min(dueAt, part.dueAt);
    if (claim.phase <= ClaimPhase.Preparing) dueAt = Math.min(dueAt, this.overdueAt(claim));
    claim.dueAt = dueAt;
    if (claim.phase === ClaimPhase.Running) this.active.delete(claim);
    else this.active.add(claim);
  }

  /** Asks the entry that shows most room for all that is missing; one at a time, so that it never asks for too much. */
  protected collect(claim: GangClaim, timeSeconds: number, out: Outbox): void {
    const { board, parts } = this;
    if (claim.phase !== ClaimPhase.Collecting) return;
    if (this.isEnough(claim)) {
      this.prepare(claim, timeSeconds, out);
      return;
    }
    const isAsking = claim.parts.some(({ state }) => state === PartState.Asked);
    if (isAsking || claim.parts.length >= parts.options.gangPartsMax) return;
    const demand = parts.demands.demands[claim.demandId] as Demand;
    const found = board.offersFor(demand, 1, timeSeconds);
    if (found === 0) return;
    let best = 0;
    for (let i = 1; i < found; i++) {
      if ((board.offers.slots[i] as number) > (board.offers.slots[best] as number)) best = i;
    }
    const target = board.entryOf(best).id;
    const number = freeNumber(claim);
    const part = newPart(number, this.attempts.nextAttempt(), target, this.missing(claim), timeSeconds);
    claim.parts.push(part);
    this.sender.propose(claim, part, out);
    part.dueAt = timeSeconds + parts.options.proposeSeconds;
  }

  /** @returns True if the escrows hold the whole gang. */
  protected isEnough(claim: GangClaim): boolean {
    return podsFrom(claim, PartState.Held) >= claim.gangMin;
  }

  /** @returns Pods to ask for. */
  protected missing(claim: GangClaim): number {
    return claim.podCount - podsFrom(claim, PartState.Held);
  }

  /** @returns True if the claim has held nothing more for too long. */
  protected isOverdue(claim: GangClaim, timeSeconds: number): boolean {
    return claim.phase <= ClaimPhase.Preparing && timeSeconds >= this.overdueAt(claim);
  }

  /** @returns When it will have. */
  protected overdueAt({ lastGrantAt }: GangClaim): number {
    return lastGrantAt + this.parts.options.claimSeconds;
  }

  /** The gang runs. */
  protected hasStarted(claim: GangClaim, _timeSeconds: number): void {
    this.candidates.forget(claim.job);
  }

  /** The host's periodic report is due. */
  report(_timeSeconds: number, _out: Outbox): void {}

  /** Phase one: every zone has to say that it holds its escrow for long enough. */
  private prepare(claim: GangClaim, timeSeconds: number, out: Outbox): void {
    for (const part of claim.parts.filter(({ state }) => state === PartState.Asked)) dropPart(claim, part);
    claim.phase = ClaimPhase.Preparing;
    claim.preparedUntil = timeSeconds + this.parts.options.escrowSeconds;
    for (const part of claim.parts) this.renew(claim, part, timeSeconds, out);
  }

  protected renew(claim: GangClaim, part: GangPart, timeSeconds: number, out: Outbox): void {
    const { escrowSeconds, confirmSeconds } = this.parts.options;
    const isRound = claim.phase === ClaimPhase.Preparing;
    const deadline = isRound ? claim.preparedUntil : timeSeconds + escrowSeconds;
    this.sender.renew(part, deadline, out);
    part.dueAt = Math.min(part.deadline, timeSeconds + confirmSeconds);
  }

  private onOffer(claim: GangClaim, part: GangPart, m: OfferMessage, timeSeconds: number, out: Outbox): void {
    const isBound = part.target === m.from && part.offer === m.offer;
    if (part.state === PartState.Asked && part.attempt === m.attempt) {
      part.target = m.from;
      part.offer = m.offer;
      // A zone that gives less has no more, whatever its summary shows.
      if (m.pods < part.pods) this.board.refuse(m.from, claim.demandId, 1);
      part.pods = m.pods;
      part.deadline = m.deadline;
      claim.lastGrantAt = timeSeconds;
      this.turn(part, PartState.Held, renewalOf(part, timeSeconds));
      this.collect(claim, timeSeconds, out);
    } else if (part.state === PartState.Held && isBound) {
      part.deadline = Math.max(part.deadline, m.deadline);
      part.dueAt = renewalOf(part, timeSeconds);
      this.confirmIfPrepared(claim, timeSeconds, out);
    } else if (!isBound) this.sender.decline(m.from, m.job, m.offer, out);
  }

  /** Phase two begins when the last escrow was renewed. */
  protected confirmIfPrepared(claim: GangClaim, timeSeconds: number, out: Outbox): void {
    if (claim.phase !== ClaimPhase.Preparing) return;
    if (claim.parts.some(({ deadline }) => deadline < claim.preparedUntil)) return;
    if (timeSeconds >= claim.preparedUntil) {
      this.collectAgain(claim, timeSeconds, out);
      return;
    }
    claim.phase = ClaimPhase.Confirming;
    this.collecting--;
    for (const part of claim.parts) {
      this.turn(part, PartState.Confirming, 0);
      this.sender.confirm(part, out);
      part.dueAt = timeSeconds + this.sender.patience(part);
    }
  }

  private collectAgain(claim: GangClaim, timeSeconds: number, out: Outbox): void {
    if (claim.phase === ClaimPhase.Preparing) claim.phase = ClaimPhase.Collecting;
    this.collect(claim, timeSeconds, out);
  }

  private onRefuse(
    claim: GangClaim,
    part: GangPart,
    m: RefuseMessage,
    timeSeconds: number,
    out: Outbox,
  ): void {
    if (part.state !== PartState.Asked || part.attempt !== m.attempt) return;
    this.askFailed(claim, part, timeSeconds, out);
  }

  private askFailed(claim: GangClaim, part: GangPart, timeSeconds: number, out: Outbox): void {
    this.board.refuse(part.target, claim.demandId, 1);
    dropPart(claim, part);
    this.collect(claim, timeSeconds, out);
  }

  private onStarted(
    claim: GangClaim,
    part: GangPart,
    m: StartedMessage,
    timeSeconds: number,
    out: Outbox,
  ): void {
    const isBound = part.target === m.from && part.offer === m.offer;
    const isAnswer = part.state === PartState.Asked && part.attempt === m.attempt;
    if (isAnswer || (isBound && part.state === PartState.Held)) {
      // It runs unasked: a mistake of its zone, which must not grow.
      part.target = m.from;
      part.offer = m.offer;
      part.state = PartState.Running;
      this.stopAll(claim, ClaimPhase.RollingBack, WaitReason.EscrowGone, timeSeconds, out);
      return;
    }
    if (!isBound || part.state !== PartState.Confirming) return;
    this.turn(part, PartState.Running, Number.POSITIVE_INFINITY);
    if (claim.phase !== ClaimPhase.Confirming) return;
    if (claim.parts.some(({ state }) => state !== PartState.Running)) return;
    claim.phase = ClaimPhase.Running;
    claim.hasRun = true;
    this.hasStarted(claim, timeSeconds);
    this.jobs.probes[claim.slot] = claim.parts.length;
    this.sink.placed(claim, timeSeconds, out);
  }

  private onGone(claim: GangClaim, part: GangPart, m: GoneMessage, timeSeconds: number, out: Outbox): void {
    if (part.target !== m.from || part.offer !== m.offer) return;
    if (part.state === PartState.Held) {
      dropPart(claim, part);
      this.collectAgain(claim, timeSeconds, out);
    } else if (part.state === PartState.Confirming) {
      dropPart(claim, part);
      this.stopAll(claim, ClaimPhase.RollingBack, WaitReason.EscrowGone, timeSeconds, out);
    } else if (part.state === PartState.Stopping) {
      dropPart(claim, part);
      this.settle(claim, timeSeconds, out);
    }
  }

  private onEnded(claim: GangClaim, part: GangPart, m: EndedMessage, timeSeconds: number, out: Outbox): void {
    if (part.target !== m.from || part.offer !== m.offer) return;
    dropPart(claim, part);
    // The pods of a gang end together: one that has finished ends the gang, also while it is rolled back.
    if (m.reason === FederationReason.Finished) {
      const isEnding = claim.phase === ClaimPhase.Ending;
      const reason = isEnding ? (claim.reason as FederationReasonCode) : FederationReason.Finished;
      this.stopAll(claim, ClaimPhase.Ending, reason, timeSeconds, out);
    } else if (claim.phase === ClaimPhase.Ending || claim.phase === ClaimPhase.RollingBack) {
      this.settle(claim, timeSeconds, out);
    } else this.stopAll(claim, ClaimPhase.RollingBack, WaitReason.NodeLost, timeSeconds, out);
  }

  /** Gives up every part: declines what was not confirmed, and stops what was. */
  protected stopAll(
    claim: GangClaim,
    phase: typeof ClaimPhase.RollingBack | typeof ClaimPhase.Ending,
    reason: number,
    timeSeconds: number,
    out: Outbox,
  ): void {
    if (claim.phase < ClaimPhase.Confirming) this.collecting--;
    claim.phase = phase;
    claim.reason = reason;
    for (const part of [...claim.parts]) {
      if (part.state < PartState.Confirming) this.letGo(claim, part, out);
      else if (part.state !== PartState.Stopping) {
        this.turn(part, PartState.Stopping, 0);
        this.sender.stop(part, out);
        part.dueAt = timeSeconds + this.sender.patience(part);
      }
    }
    this.settle(claim, timeSeconds, out);
  }

  protected letGo(claim: GangClaim, part: GangPart, out: Outbox): void {
    if (part.state === PartState.Held) this.sender.decline(part.target, part.number, part.offer, out);
    dropPart(claim, part);
  }

  /** A claim that gives up is over once no zone has a part of it. */
  protected settle(claim: GangClaim, timeSeconds: number, out: Outbox): void {
    if (claim.parts.length > 0) return;
    this.claims.delete(claim.job);
    this.active.delete(claim);
    if (claim.phase === ClaimPhase.Ending) {
      this.candidates.forget(claim.job);
      this.sink.ended(claim, claim.reason as FederationReasonCode, out);
      return;
    }
    if (claim.reason !== WaitReason.NodeLost) this.candidates.backOff(claim.job, timeSeconds);
    this.sink.released(claim, claim.reason as WaitReasonCode, timeSeconds, out);
  }

  private onTimer(claim: GangClaim, timeSeconds: number, out: Outbox): void {
    const { gangMin, phase, parts } = claim;
    if (phase === ClaimPhase.Ending) this.stopAll(claim, phase, claim.reason, timeSeconds, out);
    else if (phase === ClaimPhase.Running) {
      // Adopted by a host that lost its log: its former self may have got only some parts to run.
      if (podsFrom(claim, PartState.Running) < gangMin)
        this.stopAll(claim, ClaimPhase.RollingBack, WaitReason.NodeLost, timeSeconds, out);
    } else if (this.isOverdue(claim, timeSeconds))
      this.stopAll(claim, ClaimPhase.RollingBack, WaitReason.PartsMissing, timeSeconds, out);
    for (const part of [...parts])
      if (part.dueAt <= timeSeconds) this.onPartDue(claim, part, timeSeconds, out);
  }

  private onPartDue(claim: GangClaim, part: GangPart, timeSeconds: number, out: Outbox): void {
    part.repeats++;
    if (part.state === PartState.Asked) {
      if (part.repeats > this.parts.options.proposeRepeatsMax) this.askFailed(claim, part, timeSeconds, out);
      else {
        this.sender.propose(claim, part, out);
        part.dueAt = timeSeconds + this.parts.options.proposeSeconds;
      }
    } else if (part.state === PartState.Held) {
      if (timeSeconds < part.deadline) this.renew(claim, part, timeSeconds, out);
      else {
        this.letGo(claim, part, out);
        this.collectAgain(claim, timeSeconds, out);
      }
    } else if (part.state !== PartState.Running) {
      if (part.state === PartState.Confirming) this.sender.confirm(part, out);
      else this.sender.stop(part, out);
      part.dueAt = timeSeconds + this.sender.patience(part);
    }
  }

  private turn(part: GangPart, state: PartStateCode, dueAt: number): void {
    part.state = state;
    part.repeats = 0;
    part.dueAt = dueAt;
  }
}
