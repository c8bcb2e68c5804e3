/**
 * The governor of one zone: the only one that places anything on its nodes.
 *
 * Hosts propose jobs; the governor places them through its arbiter or refuses. A placed job is in *escrow* at first:
 * the capacity is held, nothing runs. The host confirms, and the job starts; or it declines, or the escrow ends, and
 * the capacity is free again. So a host may ask elsewhere when an answer does not come, and no job ever runs twice.
 *
 * Invariants: nothing runs without a confirmed offer; an offer that was sent and has neither ended nor been declined is
 * backed by capacity; an offer's number is never used twice, also across restarts (the incarnation is part of it).
 */

import { assert } from '../../../kernel/assert.ts';
import type { Demand } from '../../../model/demand.ts';
import type { NodeSpec } from '../../../model/node.ts';
import { type Arbiter, type ArbiterOrder, POSTPONED } from '../../arbiter.ts';
import type { ZoneArbiter } from '../../zone/zone-arbiter.ts';
import { numberOfIncarnation } from '../federation-limits.ts';
import type { FederationOptions } from '../federation-options.ts';
import {
  ActionKind,
  type ConfirmMessage,
  type DeclineMessage,
  FederationReason,
  type FederationReasonCode,
  type Message,
  MessageKind,
  type Outbox,
  type Process,
  ProposalMode,
  type ProposeMessage,
  type QuoteMessage,
  type RenewMessage,
  type StopMessage,
} from '../messages.ts';
import { type EndedNotice, EndedNotices } from './ended-notices.ts';
import { StandingQueue } from './standing-queue.ts';
import { ZoneGangs } from './zone-gangs.ts';
import { HoldState, ZoneLedger } from './zone-ledger.ts';
import { type SummarySource, ZoneSummary } from './zone-summary.ts';

/** The dependencies of a zone governor. */
export interface ZoneGovernorParts<A extends Arbiter = ZoneArbiter> {
  readonly id: number;
  /** Summary node that it publishes to; −1: none. */
  readonly parent: number;
  /** Owns the nodes. Standing requests wait with it; this governor is the only one that it reports to. */
  readonly arbiter: A;
  /** Source of the hologram. */
  readonly shown: SummarySource;
  readonly options: FederationOptions;
  /** How often this governor was started; grows with every restart. */
  readonly incarnation: number;
  /** When it publishes first. */
  readonly firstPublishSeconds: number;
}

/** Pods of one job that run already, for a governor that starts over. */
export interface RunningJob {
  readonly job: number;
  readonly offer: number;
  readonly host: number;
  readonly demandId: number;
  /** As in `ProposeMessage`. */
  readonly tenant: number;
  readonly nodes: readonly number[];
  readonly gpuMasks: readonly number[];
}

/** A zone governor. Jobs have the ledger's local numbers with its arbiter. */
export class ZoneGovernor<A extends Arbiter = ZoneArbiter> implements Process {
  readonly id: number;
  readonly arbiter: A;
  readonly ledger: ZoneLedger = new ZoneLedger();
  readonly notices: EndedNotices = new EndedNotices();
  /** Proposals answered, by kind; refusals include those for limits and lateness. */
  readonly counters = { proposals: 0, offers: 0, refusals: 0, starts: 0, expired: 0 };
  /** Of the last summary published; 0 before the first. */
  version: number;
  private readonly parts: ZoneGovernorParts<A>;
  private readonly summary: ZoneSummary;
  /** What it knows of gangs across zones. */
  readonly gangs: ZoneGangs;
  private offersMade = 0;
  private publishAt: number;
  private readonly standingQueue: StandingQueue;
  /** Local numbers of jobs that waited in the zone and were placed since the last offers were sent. */
  private readonly granted: number[] = [];
  /** Local numbers of jobs that have lost their nodes in the current event. */
  private readonly lost: number[] = [];
  private readonly order: ArbiterOrder = {
    demandId: 0,
    podCount: 1,
    gangMin: 1,
    priority: 0,
    tenant: 0,
    counts: false,
    waits: false,
  };

  constructor(parts: ZoneGovernorParts<A>) {
    this.parts = parts;
    this.id = parts.id;
    this.arbiter = parts.arbiter;
    this.version = numberOfIncarnation(parts.incarnation, 0);
    this.publishAt = parts.parent < 0 ? Number.POSITIVE_INFINITY : parts.firstPublishSeconds;
    this.standingQueue = new StandingQueue(this.ledger);
    const { shown, options, parent } = parts;
    this.gangs = this.makeGangs(this.ledger, shown.cluster, options, parent, (id) =>
      this.arbiter.demandOf(id),
    );
    this.summary = new ZoneSummary(shown, this.ledger, options, (at) => this.gangs.part(at));
    this.arbiter.attach({
      granted: (local, demand, pods) => this.onGranted(local, demand, pods),
      lost: (local) => this.lost.push(local),
      expired: (local) => this.onExpired(local),
    });
  }

  /** What it knows of gangs across zones, at first. */
  protected makeGangs(...args: ConstructorParameters<typeof ZoneGangs>): ZoneGangs {
    return new ZoneGangs(...args);
  }

  get wakeAt(): number {
    const { arbiter } = this;
    if (this.granted.length > 0) return arbiter.timeSeconds;
    return Math.min(this.publishAt, arbiter.dueSeconds, this.notices.dueAt, this.standingQueue.dueAt);
  }

  receive(message: Message, timeSeconds: number, out: Outbox): void {
    switch (message.kind) {
      case MessageKind.Propose:
        this.onPropose(message, timeSeconds, out);
        break;
      case MessageKind.Confirm:
        this.onConfirm(message, timeSeconds, out);
        break;
      case MessageKind.Renew:
        this.onRenew(message, timeSeconds, out);
        break;
      case MessageKind.HeldIdle:
        this.gangs.heldIdle(message);
        break;
      case MessageKind.Champion:
        this.gangs.hear(message, timeSeconds);
        break;
      case MessageKind.Decline:
        this.withdraw(message, timeSeconds);
        break;
      case MessageKind.EndedAck:
        if (this.notices.acknowledge(message.offer)) {
          out.act(ActionKind.Forget, message.job, message.offer, this.id, -1, FederationReason.None);
        }
        break;
      case MessageKind.Stop:
        this.onStop(message, timeSeconds, out);
        break;
      case MessageKind.Quote:
        this.onQuote(message, out);
        break;
      case MessageKind.HostReport:
        this.summary.hear(message, timeSeconds);
        break;
    }
    this.offerGranted(timeSeconds, out);
  }

  wake(timeSeconds: number, out: Outbox): void {
    this.arbiter.advance(timeSeconds);
    this.standingQueue.expire(timeSeconds, (local) => this.letGo(local, timeSeconds));
    this.offerGranted(timeSeconds, out);
    this.notices.forEachDue(timeSeconds, this.parts.options.noticeSeconds, (notice) => {
      this.tellEnded(notice, notice.host, out);
    });
    if (timeSeconds < this.publishAt) return;
    const { publishSeconds } = this.parts.options;
    this.publishAt += publishSeconds * (1 + Math.floor((timeSeconds - this.publishAt) / publishSeconds));
    this.publish(timeSeconds, out);
  }

  /** A node is added, empty and up. */
  nodeJoined(this: ZoneGovernor, spec: NodeSpec, timeSeconds: number, out: Outbox): void {
    this.arbiter.nodeJoined(spec, timeSeconds);
    this.noticed(timeSeconds, out);
  }

  /** A node takes pods again. */
  nodeUp(this: ZoneGovernor, node: number, timeSeconds: number, out: Outbox): void {
    this.arbiter.nodeUp(node, timeSeconds);
    this.noticed(timeSeconds, out);
  }

  /** A node is lost: running jobs with pods there end, escrows there are gone. */
  nodeDown(this: ZoneGovernor, node: number, timeSeconds: number, out: Outbox): void {
    this.arbiter.nodeDown(node, timeSeconds);
    this.noticed(timeSeconds, out);
  }

  /** The arbiter's nodes changed: jobs that lost their place end, jobs that got one are offered it. */
  noticed(timeSeconds: number, out: Outbox): void {
    for (const local of this.lost) this.end(local, FederationReason.NodeLost, timeSeconds, out);
    this.lost.length = 0;
    this.offerGranted(timeSeconds, out);
  }

  /** The pods of a job ended on their own. Ignored unless that very start runs. */
  podsExited(job: number, offer: number, timeSeconds: number, out: Outbox): void {
    const local = this.runningLocal(job, offer);
    if (local < 0) return;
    this.arbiter.finish(local, timeSeconds);
    this.end(local, FederationReason.Finished, timeSeconds, out);
    this.offerGranted(timeSeconds, out);
  }

  /** Adopts a job that runs already: for a governor that lost its log and recovers from its nodes. */
  adopt(running: RunningJob, timeSeconds: number): void {
    const { job, offer, host, demandId, tenant, nodes, gpuMasks } = running;
    const { ledger, arbiter } = this;
    assert(ledger.localOf(job) < 0, 'a job that holds capacity is taken over');
    const podCount = nodes.length;
    const shape = { demandId, podCount, gangMin: podCount };
    const order = Object.assign(this.order, shape, { tenant, counts: true, waits: false });
    const members = arbiter.adopt(ledger.peekLocal(), order, nodes, gpuMasks, timeSeconds);
    assert(members === nodes.length, 'the jobs running on the nodes do not fit them');
    const local = ledger.hold(job, offer, 0, host, arbiter.demandOf(demandId), members);
    ledger.prices[local] = arbiter.costOf(local) ?? 0;
    ledger.confirm(local);
    ledger.workSince[local] = timeSeconds;
  }

  /** Adopts a job that ended and whose host may not know: as `adopt`. */
  adoptEnded(
    job: number,
    offer: number,
    host: number,
    reason: FederationReasonCode,
    timeSeconds: number,
  ): void {
    this.notices.add({ job, offer, host, reason, doneSeconds: 0, dueAt: timeSeconds });
  }

  private onPropose(m: ProposeMessage, timeSeconds: number, out: Outbox): void {
    const stands = m.mode === ProposalMode.Standing;
    if (!stands) {
      this.summary.proposals.count(timeSeconds);
      this.counters.proposals++;
    }
    const local = this.ledger.localOf(m.job);
    if (local >= 0 && this.ledger.states[local] !== HoldState.Standing) this.answerAgain(local, m, out);
    else if (local >= 0) this.askedAgain(local, m, timeSeconds, out);
    else if (timeSeconds > m.deadline) this.refuse(m, FederationReason.Late, out);
    else if (this.isBusy()) this.refuse(m, FederationReason.Busy, out);
    else this.tryToPlace(m, timeSeconds, out);
  }

  private tryToPlace(m: ProposeMessage, timeSeconds: number, out: Outbox): void {
    const { ledger, arbiter } = this;
    const stands = m.mode === ProposalMode.Standing;
    const { demandId, tenant, podCount, gangMin, isFirst: counts } = m;
    const order = Object.assign(this.order, { demandId, podCount, gangMin, tenant, counts, waits: stands });
    const deadline = timeSeconds + this.parts.options.escrowSeconds;
    const local = ledger.peekLocal();
    const reserved = this.gangs.reservedAgainst(m.job, timeSeconds);
    const members = arbiter.hold(local, order, deadline, timeSeconds);
    if (members > 0 && this.gangs.hasTaken(reserved, timeSeconds)) {
      arbiter.release(local, timeSeconds);
      this.refuse(m, FederationReason.NoRoom, out);
    } else if (members > 0) this.offer(m, members, deadline, out);
    else if (members === POSTPONED && ledger.standing < this.parts.options.standingMax) {
      ledger.stand(m.job, m.attempt, m.host);
      this.standingQueue.add(local, timeSeconds + this.parts.options.standingSeconds);
    } else {
      if (members === POSTPONED) arbiter.release(local, timeSeconds);
      this.refuse(m, FederationReason.NoRoom, out);
    }
  }

  /** A job that waits here asks once more: it keeps waiting; a host that requests a place now is refused. */
  private askedAgain(local: number, m: ProposeMessage, timeSeconds: number, out: Outbox): void {
    const { ledger } = this;
    ledger.attempts[local] = Math.max(m.attempt, ledger.attempts[local] as number);
    if (m.mode !== ProposalMode.Standing) this.refuse(m, FederationReason.NoRoom, out);
    else this.standingQueue.add(local, timeSeconds + this.parts.options.standingSeconds);
  }

  /** A job that waited has got a place. */
  private onGranted(local: number, demand: Demand, pods: number): void {
    const { ledger } = this;
    ledger.grant(local, this.nextOffer(), demand, pods);
    ledger.prices[local] = this.arbiter.costOf(local) ?? 0;
    this.granted.push(local);
  }

  private onExpired(local: number): void {
    this.ledger.drop(local);
    this.counters.expired++;
  }

  private nextOffer(): number {
    return numberOfIncarnation(this.parts.incarnation, ++this.offersMade);
  }

  /** Offers their places to the jobs that waited in the zone; at its limits the zone offers nothing more. */
  private offerGranted(timeSeconds: number, out: Outbox): void {
    const { ledger, granted } = this;
    const { escrowsMax, noticesMax } = this.parts.options;
    while (granted.length > 0) {
      const local = granted.pop() as number;
      if (ledger.states[local] !== HoldState.Escrow) continue;
      if (ledger.escrows > escrowsMax || this.notices.size >= noticesMax) this.letGo(local, timeSeconds);
      else if (!this.isReserved(local, timeSeconds)) {
        const deadline = timeSeconds + this.parts.options.escrowSeconds;
        this.arbiter.keep(local, deadline, timeSeconds);
        this.openEscrow(local, deadline);
        this.tellOffer(local, ledger.hosts[local] as number, out);
      }
    }
  }

  /** A job that waited has got a place that is reserved: it is let go. @returns True if it was. */
  private isReserved(local: number, timeSeconds: number): boolean {
    const missing = this.gangs.missingFor(this.ledger.jobs[local] as number, timeSeconds);
    if (missing === 0) return false;
    this.letGo(local, timeSeconds);
    return true;
  }

  /** The host requests a job that holds capacity here: it did not get the answer, or has lost it. */
  private answerAgain(local: number, m: ProposeMessage, out: Outbox): void {
    const { ledger } = this;
    if (m.attempt < (ledger.attempts[local] as number)) return;
    ledger.attempts[local] = m.attempt;
    const offer = ledger.offers[local] as number;
    if (ledger.states[local] === HoldState.Running) {
      this.tellStarted(m.host, m.job, offer, m.attempt, out);
    } else this.tellOffer(local, m.host, out);
  }

  private offer(m: ProposeMessage, members: number, deadline: number, out: Outbox): void {
    const { ledger, arbiter } = this;
    const demand = arbiter.demandOf(m.demandId);
    const local = ledger.hold(m.job, this.nextOffer(), m.attempt, m.host, demand, members);
    ledger.prices[local] = arbiter.costOf(local) ?? 0;
    this.openEscrow(local, deadline);
    this.tellOffer(local, m.host, out);
  }

  private openEscrow(local: number, deadline: number): void {
    this.ledger.deadlines[local] = deadline;
    this.counters.offers++;
  }

  private tellOffer(local: number, host: number, out: Outbox): void {
    const { ledger } = this;
    out.send({
      kind: MessageKind.Offer,
      from: this.id,
      to: host,
      job: ledger.jobs[local] as number,
      offer: ledger.offers[local] as number,
      attempt: ledger.attempts[local] as number,
      priceMilli: ledger.prices[local] as number,
      pods: ledger.pods[local] as number,
      deadline: ledger.deadlines[local] as number,
    });
  }

  private refuse(m: ProposeMessage, reason: FederationReasonCode, out: Outbox): void {
    this.counters.refusals++;
    const { id, version } = this;
    const { host: to, job, attempt } = m;
    out.send({ kind: MessageKind.Refuse, from: id, to, job, attempt, reason, version });
  }

  private onConfirm(m: ConfirmMessage, timeSeconds: number, out: Outbox): void {
    const { ledger, notices } = this;
    const local = ledger.localOf(m.job);
    if (local >= 0 && ledger.offers[local] === m.offer) {
      if (ledger.states[local] === HoldState.Running) {
        this.tellStarted(m.from, m.job, m.offer, 0, out);
        return;
      }
      if (this.arbiter.keep(local, Number.POSITIVE_INFINITY, timeSeconds)) {
        ledger.confirm(local);
        ledger.workSince[local] = timeSeconds - m.doneSeconds;
        this.counters.starts++;
        out.act(ActionKind.Start, m.job, m.offer, this.id, local, FederationReason.None, m.doneSeconds);
        this.tellStarted(m.from, m.job, m.offer, 0, out);
        return;
      }
    }
    const notice = notices.get(m.offer);
    if (notice === undefined) this.tellGone(m, out);
    else this.tellEnded(notice, m.from, out);
  }

  /** The host keeps the escrow of a gang's part while it collects the others. */
  private onRenew(m: RenewMessage, timeSeconds: number, out: Outbox): void {
    const { ledger, notices } = this;
    const local = ledger.localOf(m.job);
    if (local >= 0 && ledger.offers[local] === m.offer) {
      if (ledger.states[local] === HoldState.Running) {
        this.tellStarted(m.from, m.job, m.offer, 0, out);
        return;
      }
      const deadline = Math.max(m.deadline, ledger.deadlines[local] as number);
      if (this.arbiter.keep(local, deadline, timeSeconds)) {
        ledger.deadlines[local] = deadline;
        this.tellOffer(local, m.from, out);
        return;
      }
    }
    const notice = notices.get(m.offer);
    if (notice === undefined) this.tellGone(m, out);
    else this.tellEnded(notice, m.from, out);
  }

  /** The host wants neither the escrow nor the standing request (any more). */
  private withdraw({ job, offer }: DeclineMessage | StopMessage, timeSeconds: number): void {
    const local = this.ledger.localOf(job);
    if (local < 0 || this.ledger.offers[local] !== offer) return;
    if (this.ledger.states[local] !== HoldState.Running) this.letGo(local, timeSeconds);
  }

  private onStop(m: StopMessage, timeSeconds: number, out: Outbox): void {
    const local = this.runningLocal(m.job, m.offer);
    if (local >= 0) {
      this.arbiter.release(local, timeSeconds);
      out.act(ActionKind.Stop, m.job, m.offer, this.id, local, m.reason);
      this.end(local, m.reason, timeSeconds, out);
    } else if (this.notices.get(m.offer) === undefined) {
      // An escrow whose confirmation the stop has overtaken: the confirmation will find it gone.
      this.withdraw(m, timeSeconds);
      this.tellGone(m, out);
    }
  }

  /** Reports what the place of a running one-pod job costs; while unknown, what it was when offered. Gangs do not move. */
  private onQuote(m: QuoteMessage, out: Outbox): void {
    const local = this.runningLocal(m.job, m.offer);
    if (local < 0 || this.ledger.pods[local] !== 1) return;
    const priceMilli = this.arbiter.costOf(local) ?? (this.ledger.prices[local] as number);
    const { from: to, job, offer } = m;
    out.send({ kind: MessageKind.Quoted, from: this.id, to, job, offer, priceMilli });
  }

  private isBusy(): boolean {
    const { options } = this.parts;
    return this.ledger.escrows >= options.escrowsMax || this.notices.size >= options.noticesMax;
  }

  private runningLocal(job: number, offer: number): number {
    const local = this.ledger.localOf(job);
    if (local < 0 || this.ledger.offers[local] !== offer) return -1;
    return this.ledger.states[local] === HoldState.Running ? local : -1;
  }

  /** Releases the capacity of an escrow, or ends a standing request. */
  private letGo(local: number, timeSeconds: number): void {
    this.arbiter.release(local, timeSeconds);
    this.ledger.drop(local);
  }

  /** A job has ended in the zone: an escrow is dropped, the end of a run is reported to the host. */
  private end(local: number, reason: FederationReasonCode, timeSeconds: number, out: Outbox): void {
    const { ledger } = this;
    const job = ledger.jobs[local] as number;
    const offer = ledger.offers[local] as number;
    const host = ledger.hosts[local] as number;
    const ran = ledger.states[local] === HoldState.Running;
    const doneSeconds = timeSeconds - (ledger.workSince[local] as number);
    ledger.drop(local);
    if (!ran) return;
    const dueAt = timeSeconds + this.parts.options.noticeSeconds;
    const notice = { job, offer, host, reason, doneSeconds, dueAt };
    this.notices.add(notice);
    this.tellEnded(notice, host, out);
  }

  private tellEnded(notice: EndedNotice, to: number, out: Outbox): void {
    const { job, offer, reason } = notice;
    const doneSeconds = reason === FederationReason.Moved ? notice.doneSeconds : 0;
    out.send({ kind: MessageKind.Ended, from: this.id, to, job, offer, reason, doneSeconds });
  }

  /** @param attempt Of the proposal that it answers; 0: none. */
  private tellStarted(to: number, job: number, offer: number, attempt: number, out: Outbox): void {
    out.send({ kind: MessageKind.Started, from: this.id, to, job, offer, attempt });
  }

  private tellGone({ from, job, offer }: ConfirmMessage | RenewMessage | StopMessage, out: Outbox): void {
    out.send({ kind: MessageKind.Gone, from: this.id, to: from, job, offer });
  }

  private publish(timeSeconds: number, out: Outbox): void {
    const version = ++this.version;
    const hologram = this.summary.hologramNow(timeSeconds);
    out.send({ kind: MessageKind.Summary, from: this.id, to: this.parts.parent, version, hologram });
  }
}
