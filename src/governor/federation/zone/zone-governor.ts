/**
 * The governor of one zone: the only one that places anything on its nodes.
 *
 * Hosts propose jobs; the governor places them through its `Zone` or refuses. What it places is in *escrow* at first: the
 * capacity is held, nothing runs. The host confirms, and the job starts; or it declines, or the escrow ends, and the
 * capacity is free again. So a host may ask elsewhere when an answer does not come, and no job ever runs twice.
 *
 * Invariants: nothing runs without a confirmed offer; an offer that was sent and has neither ended nor been declined is
 * backed by capacity; an offer's number is never used twice, also across restarts (the incarnation is part of it).
 */
import type { Demand } from '../../../model/demand.ts';
import { assert } from '../../../model/errors.ts';
import type { NodeSpec } from '../../../model/node.ts';
import type { TegPolicy } from '../../policy/teg-policy.ts';
import type { EffectBuffer } from '../../zone/effects.ts';
import type { Zone } from '../../zone/zone.ts';
import {
  EffectKind,
  type JobSubmittedEvent,
  Reason,
  type ZoneEvent,
  ZoneEventKind,
} from '../../zone/zone-events.ts';
import type { FederationOptions } from '../federation-options.ts';
import {
  ActionKind,
  FederationReason,
  type FederationReasonCode,
  type Message,
  MessageKind,
  makeMessage,
  type Outbox,
  type Process,
} from '../messages.ts';
import { type EndedNotice, EndedNotices } from './ended-notices.ts';
import type { PinnedPolicy } from './pinned-policy.ts';
import { StandingQueue } from './standing-queue.ts';
import { HoldState, ZoneLedger } from './zone-ledger.ts';
import { ZoneSummary } from './zone-summary.ts';

/** Offers and versions of one incarnation. */
const PER_INCARNATION = 2 ** 32;

/** What a zone governor is made of. */
export interface ZoneGovernorParts {
  readonly id: number;
  /** Summary node that it publishes to; −1: none. */
  readonly parent: number;
  /** With `onUnplaceable: 'wait'` and `onNodeLost: 'fail'`: standing requests wait in it, lost jobs with their hosts. */
  readonly zone: Zone;
  /** The zone's policy, steered only by `adopt`. */
  readonly steered: PinnedPolicy;
  /** What the steered policy delegates to: its classes and rent are what the hologram shows. */
  readonly policy: TegPolicy;
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
  readonly nodes: readonly number[];
  readonly gpuMasks: readonly number[];
}

/** A zone governor. */
export class ZoneGovernor implements Process {
  readonly id: number;
  readonly zone: Zone;
  readonly ledger: ZoneLedger = new ZoneLedger();
  readonly notices: EndedNotices = new EndedNotices();
  /** Proposals answered, by kind; refusals include those for limits and lateness. */
  readonly counters = { proposals: 0, offers: 0, refusals: 0, starts: 0, expired: 0 };
  /** Of the last summary published; 0 before the first. */
  version: number;
  private readonly parts: ZoneGovernorParts;
  private readonly summary: ZoneSummary;
  private offersMade = 0;
  private publishAt: number;
  /** Escrows in the order in which they end: local number and offer. */
  private escrowQueue: { readonly local: number; readonly offer: number; readonly deadline: number }[] = [];
  private escrowHead = 0;
  private readonly standingQueue: StandingQueue;
  /** Local numbers of jobs that waited in the zone and were placed since the last offers were sent. */
  private readonly granted: number[] = [];
  private readonly submitted: JobSubmittedEvent = {
    kind: ZoneEventKind.JobSubmitted,
    job: 0,
    demandId: 0,
    podCount: 1,
    gangMin: 1,
    priority: 0,
  };

  constructor(parts: ZoneGovernorParts) {
    this.parts = parts;
    this.id = parts.id;
    this.zone = parts.zone;
    this.version = parts.incarnation * PER_INCARNATION;
    this.publishAt = parts.parent < 0 ? Number.POSITIVE_INFINITY : parts.firstPublishSeconds;
    this.standingQueue = new StandingQueue(this.ledger);
    this.summary = new ZoneSummary(parts.zone, parts.policy, this.ledger, parts.options);
  }

  get wakeAt(): number {
    if (this.granted.length > 0 || this.zone.hasPostponed) return this.zone.timeSeconds;
    const escrow = this.escrowQueue[this.escrowHead]?.deadline ?? Number.POSITIVE_INFINITY;
    return Math.min(this.publishAt, escrow, this.notices.dueAt, this.standingQueue.dueAt);
  }

  receive(message: Message, timeSeconds: number, out: Outbox): void {
    switch (message.kind) {
      case MessageKind.Propose:
        this.onPropose(message, timeSeconds, out);
        break;
      case MessageKind.Confirm:
        this.onConfirm(message, timeSeconds, out);
        break;
      case MessageKind.Decline:
        this.onDecline(message, timeSeconds);
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
    while (this.zone.hasPostponed) this.step({ kind: ZoneEventKind.Tick }, timeSeconds);
    this.expireEscrows(timeSeconds);
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
  nodeJoined(spec: NodeSpec, timeSeconds: number, out: Outbox): void {
    this.step({ kind: ZoneEventKind.NodeJoined, spec }, timeSeconds);
    this.offerGranted(timeSeconds, out);
  }

  /** A node takes pods again. */
  nodeUp(node: number, timeSeconds: number, out: Outbox): void {
    this.step({ kind: ZoneEventKind.NodeUp, node }, timeSeconds);
    this.offerGranted(timeSeconds, out);
  }

  /** A node is lost: running jobs with pods there end, escrows there are gone. */
  nodeDown(node: number, timeSeconds: number, out: Outbox): void {
    const effects = this.step({ kind: ZoneEventKind.NodeDown, node }, timeSeconds);
    const lost: number[] = [];
    for (let i = 0; i < effects.length; i++) {
      if (effects.kinds[i] === EffectKind.JobFailed) lost.push(effects.jobs[i] as number);
    }
    for (const local of lost) this.end(local, FederationReason.NodeLost, timeSeconds, out);
    this.offerGranted(timeSeconds, out);
  }

  /** The pods of a job ended by themselves. Ignored unless that very start runs. */
  podsExited(job: number, offer: number, timeSeconds: number, out: Outbox): void {
    const local = this.runningLocal(job, offer);
    if (local < 0) return;
    this.step({ kind: ZoneEventKind.JobFinished, job: local }, timeSeconds);
    this.end(local, FederationReason.Finished, timeSeconds, out);
    this.offerGranted(timeSeconds, out);
  }

  /** Takes over a job that runs already: for a governor that lost its log and learns from its nodes. */
  adopt(running: RunningJob, timeSeconds: number): void {
    const { job, offer, host, demandId, nodes, gpuMasks } = running;
    this.parts.steered.steer(nodes, gpuMasks);
    const members = this.place(job, demandId, nodes.length, nodes.length, timeSeconds);
    assert(members === nodes.length, 'what runs on the nodes does not fit them');
    const local = this.ledger.hold(job, offer, 0, host, this.demandOf(demandId), members);
    this.ledger.confirm(local);
    this.ledger.workSince[local] = timeSeconds;
  }

  /** Takes over a job that ended and whose host may not know: as `adopt`. */
  adoptEnded(
    job: number,
    offer: number,
    host: number,
    reason: FederationReasonCode,
    timeSeconds: number,
  ): void {
    this.notices.add({ job, offer, host, reason, doneSeconds: 0, dueAt: timeSeconds });
  }

  private onPropose(m: Message, timeSeconds: number, out: Outbox): void {
    const stands = m.reason === FederationReason.Standing;
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

  private tryToPlace(m: Message, timeSeconds: number, out: Outbox): void {
    const { steered } = this.parts;
    steered.counts = m.version === 1;
    const members = this.place(m.job, m.demandId, m.podCount, m.gangMin, timeSeconds);
    steered.counts = true;
    if (members > 0) this.offer(m, members, timeSeconds, out);
    else if (m.reason === FederationReason.Standing && this.canStand()) {
      const local = this.ledger.stand(m.job, m.attempt, m.host);
      this.standingQueue.add(local, timeSeconds + this.parts.options.standingSeconds);
    } else {
      this.step({ kind: ZoneEventKind.JobCancelled, job: this.ledger.peekLocal() }, timeSeconds);
      this.refuse(m, FederationReason.NoRoom, out);
    }
  }

  /** A job that waits here asks once more: it waits on; to a host that asks for a place now there is none to offer. */
  private askedAgain(local: number, m: Message, timeSeconds: number, out: Outbox): void {
    const { ledger } = this;
    ledger.attempts[local] = Math.max(m.attempt, ledger.attempts[local] as number);
    if (m.reason !== FederationReason.Standing) this.refuse(m, FederationReason.NoRoom, out);
    else this.standingQueue.add(local, timeSeconds + this.parts.options.standingSeconds);
  }

  /** Whether the job that was just submitted may wait in the zone: it does, unless all nodes together could not hold it. */
  private canStand(): boolean {
    if (this.ledger.standing >= this.parts.options.standingMax) return false;
    return this.zone.reasonOf(this.ledger.peekLocal()) === Reason.NoFit;
  }

  /** Steps the zone, and notes which of the jobs that wait in it have got a place. */
  private step(event: ZoneEvent, timeSeconds: number): EffectBuffer {
    const effects = this.zone.step(event, timeSeconds);
    const { ledger } = this;
    for (let i = 0; i < effects.length; i++) {
      if (effects.kinds[i] !== EffectKind.JobStarted) continue;
      const local = effects.jobs[i] as number;
      if (ledger.states[local] !== HoldState.Standing) continue;
      const offer = this.parts.incarnation * PER_INCARNATION + ++this.offersMade;
      ledger.grant(local, offer, this.zone.demandOf(local), effects.counts[i] as number);
      ledger.prices[local] = this.priceOf(local);
      this.granted.push(local);
    }
    return effects;
  }

  /** Offers to the jobs that waited in the zone what they have got; at its limits the zone offers nothing more. */
  private offerGranted(timeSeconds: number, out: Outbox): void {
    const { ledger, granted } = this;
    const { escrowsMax, noticesMax } = this.parts.options;
    while (granted.length > 0) {
      const local = granted.pop() as number;
      if (ledger.states[local] !== HoldState.Escrow) continue;
      if (ledger.escrows > escrowsMax || this.notices.size >= noticesMax) this.letGo(local, timeSeconds);
      else {
        this.openEscrow(local, timeSeconds);
        this.tellOffer(local, ledger.hosts[local] as number, out);
      }
    }
  }

  /** The host asks for a job that holds capacity here: it did not get the answer, or has forgotten. */
  private answerAgain(local: number, m: Message, out: Outbox): void {
    const { ledger } = this;
    if (m.attempt < (ledger.attempts[local] as number)) return;
    ledger.attempts[local] = m.attempt;
    const offer = ledger.offers[local] as number;
    if (ledger.states[local] === HoldState.Running) {
      this.tell(MessageKind.Started, m.host, m.job, offer, out).attempt = m.attempt;
    } else this.tellOffer(local, m.host, out);
  }

  private offer(m: Message, members: number, timeSeconds: number, out: Outbox): void {
    const { ledger } = this;
    const offer = this.parts.incarnation * PER_INCARNATION + ++this.offersMade;
    const local = ledger.hold(m.job, offer, m.attempt, m.host, this.demandOf(m.demandId), members);
    ledger.prices[local] = this.priceOf(local);
    this.openEscrow(local, timeSeconds);
    this.tellOffer(local, m.host, out);
  }

  private openEscrow(local: number, timeSeconds: number): void {
    const { ledger } = this;
    const deadline = timeSeconds + this.parts.options.escrowSeconds;
    ledger.deadlines[local] = deadline;
    this.escrowQueue.push({ local, offer: ledger.offers[local] as number, deadline });
    this.counters.offers++;
  }

  private tellOffer(local: number, host: number, out: Outbox): void {
    const { ledger } = this;
    const job = ledger.jobs[local] as number;
    const reply = this.tell(MessageKind.Offer, host, job, ledger.offers[local] as number, out);
    reply.attempt = ledger.attempts[local] as number;
    reply.deadline = ledger.deadlines[local] as number;
    reply.price = ledger.prices[local] as number;
  }

  private refuse(m: Message, reason: FederationReasonCode, out: Outbox): void {
    this.counters.refusals++;
    const reply = this.tell(MessageKind.Refuse, m.host, m.job, 0, out);
    reply.attempt = m.attempt;
    reply.reason = reason;
    reply.version = this.version;
  }

  private onConfirm(m: Message, timeSeconds: number, out: Outbox): void {
    const { ledger, notices } = this;
    const local = ledger.localOf(m.job);
    if (local >= 0 && ledger.offers[local] === m.offer) {
      if (ledger.states[local] === HoldState.Running) {
        this.tell(MessageKind.Started, m.from, m.job, m.offer, out);
        return;
      }
      if (timeSeconds < (ledger.deadlines[local] as number)) {
        ledger.confirm(local);
        ledger.workSince[local] = timeSeconds - m.price;
        this.counters.starts++;
        out.act(ActionKind.Start, m.job, m.offer, this.id, local, FederationReason.None, m.price);
        this.tell(MessageKind.Started, m.from, m.job, m.offer, out);
        return;
      }
      this.letGo(local, timeSeconds);
      this.counters.expired++;
    }
    const notice = notices.get(m.offer);
    if (notice === undefined) this.tell(MessageKind.Gone, m.from, m.job, m.offer, out);
    else this.tellEnded(notice, m.from, out);
  }

  private onDecline(m: Message, timeSeconds: number): void {
    const local = this.ledger.localOf(m.job);
    if (local < 0 || this.ledger.offers[local] !== m.offer) return;
    if (this.ledger.states[local] !== HoldState.Running) this.letGo(local, timeSeconds);
  }

  private onStop(m: Message, timeSeconds: number, out: Outbox): void {
    const local = this.runningLocal(m.job, m.offer);
    if (local >= 0) {
      this.step({ kind: ZoneEventKind.JobCancelled, job: local }, timeSeconds);
      out.act(ActionKind.Stop, m.job, m.offer, this.id, local, m.reason);
      this.end(local, m.reason, timeSeconds, out);
    } else if (this.notices.get(m.offer) === undefined) {
      // An escrow whose confirmation the stop has overtaken: it will find nothing to confirm.
      this.onDecline(m, timeSeconds);
      this.tell(MessageKind.Gone, m.from, m.job, m.offer, out);
    }
  }

  /** Tells what a running one-pod job costs where it is. Jobs of several pods are not quoted: they do not move. */
  private onQuote(m: Message, out: Outbox): void {
    const local = this.runningLocal(m.job, m.offer);
    if (local < 0 || this.ledger.pods[local] !== 1) return;
    const reply = this.tell(MessageKind.Quoted, m.from, m.job, m.offer, out);
    reply.price = this.priceOf(local);
  }

  /** @returns What a job costs where its pods are, milli-GPU. The same measure for offers and quotes: they are compared. */
  private priceOf(local: number): number {
    const nodes: number[] = [];
    const gpuMasks: number[] = [];
    this.zone.forEachPod(local, (_, node, gpuMask) => {
      nodes.push(node);
      gpuMasks.push(gpuMask);
    });
    return this.parts.policy.costWhere(this.zone.demandOf(local), nodes, gpuMasks);
  }

  /** @returns Pods that were placed, under the ledger's next local number; 0: the zone has no room. */
  protected place(
    job: number,
    demandId: number,
    podCount: number,
    gangMin: number,
    timeSeconds: number,
  ): number {
    assert(this.ledger.localOf(job) < 0, 'a job that holds capacity is placed again');
    // What a limit postponed goes first: a job that comes now must neither overtake it nor be refused for its sake.
    while (this.zone.hasPostponed) this.step({ kind: ZoneEventKind.Tick }, timeSeconds);
    const { submitted } = this;
    submitted.job = this.ledger.peekLocal();
    submitted.demandId = demandId;
    submitted.podCount = podCount;
    submitted.gangMin = gangMin;
    const effects = this.step(submitted, timeSeconds);
    for (let i = 0; i < effects.length; i++) {
      if (effects.kinds[i] === EffectKind.JobStarted && effects.jobs[i] === submitted.job) {
        return effects.counts[i] as number;
      }
    }
    return 0;
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

  /** Gives the capacity of an escrow back, or ends a standing request. */
  private letGo(local: number, timeSeconds: number): void {
    this.step({ kind: ZoneEventKind.JobCancelled, job: local }, timeSeconds);
    this.ledger.drop(local);
  }

  /** A job has ended in the zone: an escrow is forgotten, of a run the host is told. */
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
    const message = this.tell(MessageKind.Ended, to, notice.job, notice.offer, out);
    message.reason = notice.reason;
    message.price = notice.reason === FederationReason.Moved ? notice.doneSeconds : 0;
  }

  private expireEscrows(timeSeconds: number): void {
    const { ledger, escrowQueue } = this;
    while (this.escrowHead < escrowQueue.length) {
      const first = escrowQueue[this.escrowHead] as { local: number; offer: number; deadline: number };
      const { local, offer, deadline } = first;
      const waits = ledger.states[local] === HoldState.Escrow && ledger.offers[local] === offer;
      if (waits && deadline > timeSeconds) break;
      if (waits) {
        this.letGo(local, timeSeconds);
        this.counters.expired++;
      }
      this.escrowHead++;
    }
    if (this.escrowHead > 1024 && 2 * this.escrowHead > escrowQueue.length) {
      this.escrowQueue = escrowQueue.slice(this.escrowHead);
      this.escrowHead = 0;
    }
  }

  private publish(timeSeconds: number, out: Outbox): void {
    const message = makeMessage(MessageKind.Summary, this.id, this.parts.parent, 0);
    message.version = ++this.version;
    message.hologram = this.summary.hologramNow(timeSeconds);
    out.send(message);
  }

  private demandOf(demandId: number): Demand {
    const demand = this.zone.cluster.demands.demands[demandId];
    assert(demand !== undefined, 'a demand that nobody interned');
    return demand;
  }

  private tell(kind: Message['kind'], to: number, job: number, offer: number, out: Outbox): Message {
    const message = makeMessage(kind, this.id, to, job);
    message.offer = offer;
    message.zone = this.id;
    out.send(message);
    return message;
  }
}
