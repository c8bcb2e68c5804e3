/**
 * Every offer that a host may still confirm: sent, not expired, neither confirmed nor declined nor stopped, its zone
 * not restarted without its log, no node lost under it. Each has to be backed by capacity.
 */
import { MessageKind, type OfferMessage } from '../../../governor/federation/messages.ts';
import type { ZoneGovernor } from '../../../governor/federation/zone/zone-governor.ts';
import { HoldState } from '../../../governor/federation/zone/zone-ledger.ts';
import { JobState } from '../../../governor/zone/zone-events.ts';
import type { ProcessInput } from './process-input.ts';
import { ensure } from './violation.ts';

/** The offers of all zones. */
export class OffersInForce {
  /** By zone and offer. */
  private readonly offers: Map<number, { readonly job: number; readonly deadline: number }>[];

  constructor(zones: number) {
    this.offers = Array.from({ length: zones }, () => new Map());
  }

  /** A zone is about to take an input. */
  before(governor: ZoneGovernor, input: ProcessInput): void {
    const offers = this.of(governor.id);
    if (input.kind === 'receive') {
      const { message } = input;
      const ends =
        message.kind === MessageKind.Confirm ||
        message.kind === MessageKind.Decline ||
        message.kind === MessageKind.Stop;
      if (ends) offers.delete(message.offer);
    }
    if (input.kind !== 'node-down') return;
    for (const [offer, { job }] of offers) {
      governor.arbiter.zone.forEachPod(governor.ledger.localOf(job), (_, node) => {
        if (node === input.node) offers.delete(offer);
      });
    }
  }

  /** A zone sends an offer. @returns True if it had not sent it before. */
  sent({ from, job, offer, deadline }: OfferMessage): boolean {
    const offers = this.of(from);
    const isNew = !offers.has(offer);
    offers.set(offer, { job, deadline });
    return isNew;
  }

  /** A zone has restarted without its log. */
  forgetAll(zone: number): void {
    this.of(zone).clear();
  }

  /** @throws Violation if an offer of the zone is not backed by capacity. */
  check(governor: ZoneGovernor, timeSeconds: number): void {
    const { id, ledger } = governor;
    const { zone } = governor.arbiter;
    const offers = this.of(id);
    for (const [offer, { job, deadline }] of offers) {
      if (deadline <= timeSeconds) {
        offers.delete(offer);
        continue;
      }
      const local = ledger.localOf(job);
      const held = local >= 0 && ledger.offers[local] === offer && ledger.states[local] === HoldState.Escrow;
      ensure(held, () => `offer ${offer} of zone ${id} for job ${job} is in force without an escrow`);
      const placed = zone.stateOf(local) === JobState.Running;
      ensure(placed, () => `the escrow of offer ${offer} of zone ${id} for job ${job} holds no capacity`);
    }
  }

  private of(zone: number) {
    return this.offers[zone] as Map<number, { readonly job: number; readonly deadline: number }>;
  }
}
