/** The messages of gangs' parts. */
import type { ChampionBid } from '../../../field/hologram/held-part.ts';
import { type EndedMessage, FederationReason, MessageKind, type Outbox, ProposalMode } from '../messages.ts';
import type { AgentHostParts } from './agent-host-parts.ts';
import type { GangClaim, GangPart } from './gang-claim.ts';
import type { HostJobs } from './host-jobs.ts';

/** Most multiples of `confirmSeconds` between repetitions of a message that must arrive. */
const BACKOFF_MAX = 16;

/** Sends for the claims of one host. */
export class GangSender {
  private readonly parts: AgentHostParts;
  private readonly jobs: HostJobs;

  constructor(parts: AgentHostParts, jobs: HostJobs) {
    this.parts = parts;
    this.jobs = jobs;
  }

  /** Asks for a part: any number of pods up to what is missing. */
  propose({ slot, demandId }: GangClaim, part: GangPart, out: Outbox): void {
    const { jobs, parts } = this;
    const { proposeSeconds, proposeRepeatsMax } = parts.options;
    if (jobs.firstAttempts[slot] === 0) jobs.firstAttempts[slot] = part.attempt;
    out.send({
      kind: MessageKind.Propose,
      from: parts.id,
      to: part.target,
      job: part.number,
      attempt: part.attempt,
      host: parts.id,
      demandId,
      tenant: jobs.tenants[slot] as number,
      podCount: part.pods,
      gangMin: 1,
      deadline: part.askedAt + proposeSeconds * (proposeRepeatsMax + 1),
      hops: 0,
      mode: ProposalMode.Priced,
      isFirst: jobs.firstAttempts[slot] === part.attempt,
    });
  }

  /** Keeps the escrow of a part until then. */
  renew({ target: to, number: job, offer }: GangPart, deadline: number, out: Outbox): void {
    out.send({ kind: MessageKind.Renew, from: this.parts.id, to, job, offer, deadline });
  }

  /** Its gang is stuck: what the part holds is idle. */
  heldIdle({ target: to, number: job, offer }: GangPart, deadline: number, out: Outbox): void {
    out.send({ kind: MessageKind.HeldIdle, from: this.parts.id, to, job, offer, deadline });
  }

  /** The first of the host's gangs that wait for parts. */
  bid(bid: ChampionBid, out: Outbox): void {
    const { id: from, homeZone: to } = this.parts;
    if (to >= 0) out.send({ kind: MessageKind.Champion, from, to, ...bid });
  }

  /** Has a part start. */
  confirm({ target: to, number: job, offer }: GangPart, out: Outbox): void {
    out.send({ kind: MessageKind.Confirm, from: this.parts.id, to, job, offer, doneSeconds: 0 });
  }

  /** Has a part that was confirmed stopped, whether it runs or not. */
  stop({ target: to, number: job, offer }: GangPart, out: Outbox): void {
    const reason = FederationReason.GangOver;
    out.send({ kind: MessageKind.Stop, from: this.parts.id, to, job, offer, reason });
  }

  /** Ends an escrow that was never confirmed. */
  decline(to: number, job: number, offer: number, out: Outbox): void {
    out.send({ kind: MessageKind.Decline, from: this.parts.id, to, job, offer });
  }

  /** The end of a part is known. */
  acknowledge({ from: to, job, offer }: EndedMessage, out: Outbox): void {
    out.send({ kind: MessageKind.EndedAck, from: this.parts.id, to, job, offer });
  }

  /** @returns Seconds until a message that must arrive is repeated: longer each time. */
  patience({ repeats }: GangPart): number {
    return this.parts.options.confirmSeconds * Math.min(BACKOFF_MAX, 2 ** repeats);
  }
}
