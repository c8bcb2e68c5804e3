/**
 * Gangs across zones: no part runs unless the host has had enough for the whole gang in escrow and confirmed all of it
 * at once; parts of two attempts never run together; never more pods than the gang has; in the end all or nothing.
 */
import { gangOf, isPart } from '../../../governor/federation/federation-limits.ts';
import { type Message, MessageKind, type Outbox } from '../../../governor/federation/messages.ts';
import type { AuditedJob, JobAudit } from './job-audit.ts';
import type { PodTruth } from './pod-truth.ts';
import { ensure } from './violation.ts';

/** An offer of a part, as its host last heard of it. */
interface KnownOffer {
  readonly pods: number;
  readonly deadline: number;
  /** The host's step in which it was confirmed first; 0: not yet. */
  round: number;
}

/** The gangs of one run. */
export class GangChecks {
  private readonly truth: PodTruth;
  private readonly book: JobAudit;
  /** By zone and offer. */
  private readonly offers = new Map<string, KnownOffer>();
  /** By gang: the round of a part that finished. */
  private readonly finished = new Map<number, number>();
  private rounds = 0;

  constructor(truth: PodTruth, book: JobAudit) {
    this.truth = truth;
    this.book = book;
  }

  /** A host receives a message. */
  heard(message: Message): void {
    if (message.kind !== MessageKind.Offer || !isPart(message.job)) return;
    const { from, offer, pods } = message;
    const known = this.offers.get(keyOf(from, offer));
    const deadline = Math.max(message.deadline, known?.deadline ?? 0);
    this.offers.set(keyOf(from, offer), { pods, deadline, round: known?.round ?? 0 });
  }

  /** A host has made its step. @throws Violation if it begins to confirm less than a whole gang, or what it no longer holds. */
  stepped({ messages }: Outbox, timeSeconds: number): void {
    const pods = new Map<number, number>();
    for (const message of messages) {
      if (message.kind !== MessageKind.Confirm || !isPart(message.job)) continue;
      const known = this.offers.get(keyOf(message.to, message.offer));
      const gang = gangOf(message.job);
      ensure(known !== undefined, () => `a part of gang ${gang} is confirmed that was never offered`);
      if (known === undefined || known.round > 0) continue;
      if (!pods.has(gang)) this.rounds++;
      known.round = this.rounds;
      pods.set(gang, (pods.get(gang) ?? 0) + known.pods);
      ensure(
        known.deadline > timeSeconds,
        () => `a part of gang ${gang} is confirmed whose escrow in zone ${message.to} has ended`,
      );
    }
    for (const [gang, sum] of pods) {
      const { gangMin, podCount } = this.book.get(gang);
      ensure(
        sum >= gangMin && sum <= podCount,
        () => `${sum} pods of gang ${gang} are confirmed; it needs ${gangMin} to ${podCount}`,
      );
    }
  }

  /** A part has started. @throws Violation if it may not run. */
  started(part: number, zone: number, offer: number): void {
    const gang = gangOf(part);
    const round = this.roundOf(zone, offer);
    ensure(round > 0, () => `a part of gang ${gang} starts in zone ${zone} unconfirmed`);
    for (const other of this.truth.partsOf(gang)) {
      ensure(
        this.roundOf(other.zone, other.offer) === round,
        () =>
          `a part of gang ${gang} starts in zone ${zone} beside one of an earlier attempt in zone ${other.zone}`,
      );
    }
    const pods = this.truth.podsOf(gang);
    const { podCount } = this.book.get(gang);
    ensure(pods <= podCount, () => `gang ${gang} of ${podCount} pods runs with ${pods}`);
  }

  /** A part is about to start. @returns True if another part of the same attempt has finished: it is stopped soon. */
  isLate(part: number, zone: number, offer: number): boolean {
    return isPart(part) && this.finished.get(gangOf(part)) === this.roundOf(zone, offer);
  }

  /** The pods of a part ended on their own. */
  exited(part: number, zone: number, offer: number): void {
    if (isPart(part)) this.finished.set(gangOf(part), this.roundOf(zone, offer));
  }

  /**
   * The faults are long over.
   *
   * @param isChanging True of a gang whose zones are still answering its host.
   * @throws Violation if less than a gang's minimum runs of any other.
   */
  checkWhole(isChanging: (job: AuditedJob) => boolean): void {
    for (const booked of this.book.jobs) {
      if (isChanging(booked)) continue;
      const { job, gangMin } = booked;
      const pods = this.truth.podsOf(job);
      ensure(
        pods === 0 || pods >= gangMin,
        () => `half a gang is left: ${pods} pods of job ${job}, which needs ${gangMin}`,
      );
    }
  }

  private roundOf(zone: number, offer: number): number {
    return this.offers.get(keyOf(zone, offer))?.round ?? 0;
  }
}

function keyOf(zone: number, offer: number): string {
  return `${zone}:${offer}`;
}
