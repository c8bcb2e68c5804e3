/** Planted bugs of gangs across zones. */
import { isPart } from '../../../governor/federation/federation-limits.ts';
import { AgentHost } from '../../../governor/federation/host/agent-host.ts';
import type { AgentHostParts } from '../../../governor/federation/host/agent-host-parts.ts';
import { ClaimPhase, type GangClaim, type GangPart } from '../../../governor/federation/host/gang-claim.ts';
import { GangClaims } from '../../../governor/federation/host/gang-claims.ts';
import type { HostSender } from '../../../governor/federation/host/host-sender.ts';
import {
  FederationReason,
  type Message,
  MessageKind,
  type Outbox,
} from '../../../governor/federation/messages.ts';
import { ZoneGovernor } from '../../../governor/federation/zone/zone-governor.ts';

/** Bugs of hosts that can be planted. */
export const GANG_PLANTS = {
  'half-gang': 'A gang across zones is confirmed as soon as one zone holds a part of it.',
  'kept-parts': 'A gang that has lost a part leaves the others running.',
  'unrepeated-stop':
    'A gang that has lost a part stops the others, and does not wait until they are stopped.',
  'endless-claim': 'A gang never releases the parts that it has collected.',
  'stale-escrow': 'A gang does not renew what it holds, and believes that it lasts.',
  'greedy-claim': 'A gang asks every zone for all of its pods.',
  'restarted-gang': 'A gang of which a part has finished runs again.',
} as const;

/** A bug's name. */
export type GangPlant = keyof typeof GANG_PLANTS;

/** @returns True if a bug is one of gangs across zones, in a host. */
export function isGangPlant(plant: string | undefined): plant is GangPlant {
  return plant !== undefined && Object.hasOwn(GANG_PLANTS, plant);
}

/** @returns A host with a bug. */
export function plantedGangHost(parts: AgentHostParts, plant: GangPlant): AgentHost {
  const Claims = CLAIMS[plant];
  class PlantedHost extends AgentHost {
    protected override makeClaims(attempts: HostSender): GangClaims {
      return new Claims(this.parts, this.jobs, this.board, attempts, this.claimSink());
    }
  }
  return new PlantedHost(parts);
}

/** Starts a part when its escrow is renewed. */
export class EarlyZoneGovernor extends ZoneGovernor {
  override receive(message: Message, timeSeconds: number, out: Outbox): void {
    const isRenewal = message.kind === MessageKind.Renew;
    super.receive(
      isRenewal ? { ...message, kind: MessageKind.Confirm, doneSeconds: 0 } : message,
      timeSeconds,
      out,
    );
  }
}

class HalfGang extends GangClaims {
  protected override isEnough(claim: GangClaim): boolean {
    return claim.parts.some(({ offer }) => offer !== 0);
  }
}

class KeptParts extends GangClaims {
  protected override stopAll(...args: Parameters<GangClaims['stopAll']>): void {
    const [claim, phase] = args;
    if (claim.phase === ClaimPhase.Running && phase === ClaimPhase.RollingBack) claim.parts.length = 0;
    super.stopAll(...args);
  }
}

class UnrepeatedStop extends GangClaims {
  protected override settle(claim: GangClaim, timeSeconds: number, out: Outbox): void {
    claim.parts.length = 0;
    super.settle(claim, timeSeconds, out);
  }
}

class EndlessClaim extends GangClaims {
  protected override isOverdue(claim: GangClaim, timeSeconds: number): boolean {
    if (super.isOverdue(claim, timeSeconds)) claim.lastGrantAt = timeSeconds;
    return false;
  }
}

class StaleEscrow extends GangClaims {
  protected override renew(claim: GangClaim, part: GangPart, timeSeconds: number, out: Outbox): void {
    part.deadline = Number.POSITIVE_INFINITY;
    part.dueAt = timeSeconds + this.parts.options.escrowSeconds;
    this.confirmIfPrepared(claim, timeSeconds, out);
  }
}

class GreedyClaim extends GangClaims {
  protected override missing(claim: GangClaim): number {
    return claim.podCount;
  }
}

class RestartedGang extends GangClaims {
  override receive(message: Message & { readonly job: number }, timeSeconds: number, out: Outbox): void {
    const hasFinished =
      message.kind === MessageKind.Ended &&
      message.reason === FederationReason.Finished &&
      isPart(message.job);
    super.receive(
      hasFinished ? { ...message, reason: FederationReason.NodeLost } : message,
      timeSeconds,
      out,
    );
  }
}

const CLAIMS: Readonly<Record<GangPlant, typeof GangClaims>> = {
  'half-gang': HalfGang,
  'kept-parts': KeptParts,
  'unrepeated-stop': UnrepeatedStop,
  'endless-claim': EndlessClaim,
  'stale-escrow': StaleEscrow,
  'greedy-claim': GreedyClaim,
  'restarted-gang': RestartedGang,
};
