/** Planted bugs of the tax, of the champion, and of the ledger. */
import { Hologram } from '../../../field/hologram/hologram.ts';
import { AgentHost } from '../../../governor/federation/host/agent-host.ts';
import type { AgentHostParts } from '../../../governor/federation/host/agent-host-parts.ts';
import type { GangClaim } from '../../../governor/federation/host/gang-claim.ts';
import type { GangClaims } from '../../../governor/federation/host/gang-claims.ts';
import type { HostSender } from '../../../governor/federation/host/host-sender.ts';
import { TaxedClaims } from '../../../governor/federation/host/taxed-claims.ts';
import { type Message, MessageKind, type Outbox } from '../../../governor/federation/messages.ts';
import { ZoneGangs } from '../../../governor/federation/zone/zone-gangs.ts';
import { ZoneGovernor, type ZoneGovernorParts } from '../../../governor/federation/zone/zone-governor.ts';
import { Ledger, type LedgerOptions } from '../../../market/ledger.ts';
import { Answer, idText, type Transfer, TransferAction } from '../../../market/transfer.ts';

/** Bugs of hosts. */
export const TAX_PLANTS = {
  'taxed-champion': 'The champion pays tax as the others do.',
  'healthy-tax': 'What gangs hold idle is taxed however little it is.',
  overdraft: 'Gangs pay more tax than their tenant has.',
  'eternal-champion': 'A champion that does not start stays champion for ever.',
  'self-champion': 'A host takes each of its gangs for the champion.',
} as const;

/** Bugs of zones. */
export const RESERVATION_PLANTS = {
  'eternal-reservation': 'A zone reserves for champions without a break.',
  'first-champion': 'A zone takes the first champion that it hears of for the champion for ever.',
  'repeated-idle': 'A zone counts what is held idle again each time that it hears of it.',
} as const;

/** Bugs of the ledger. */
export const LEDGER_PLANTS = {
  'replayed-transfer': 'The ledger carries a transfer out again that is sent again.',
  'kept-reserve': 'The ledger says that it has given a reserve back, and keeps it.',
  'whole-post': 'The ledger spends a whole reserve where a part of it is due.',
  'lost-batch': 'The log of the ledger misses a batch.',
} as const;

/** A host's bug's name. */
export type TaxPlant = keyof typeof TAX_PLANTS;

/** A zone's bug's name. */
export type ReservationPlant = keyof typeof RESERVATION_PLANTS;

/** @returns True if a bug is one of the tax, in a host. */
export function isTaxPlant(plant: string | undefined): plant is TaxPlant {
  return plant !== undefined && Object.hasOwn(TAX_PLANTS, plant);
}

/** @returns True if a bug is one of a zone's reservations. */
export function isReservationPlant(plant: string | undefined): plant is ReservationPlant {
  return plant !== undefined && Object.hasOwn(RESERVATION_PLANTS, plant);
}

/** @returns A host with a bug; without a tax it has none. */
export function plantedTaxHost(parts: AgentHostParts, plant: TaxPlant): AgentHost {
  const Claims = CLAIMS[plant];
  class PlantedHost extends AgentHost {
    protected override makeClaims(attempts: HostSender): GangClaims {
      const { gangTax } = this.parts.options;
      if (gangTax === undefined) return super.makeClaims(attempts);
      return new Claims(this.parts, this.jobs, this.board, attempts, this.claimSink(), gangTax);
    }
  }
  return new PlantedHost(parts);
}

class TaxedChampion extends TaxedClaims {
  protected override isExempt(): boolean {
    return false;
  }
}

class HealthyTax extends TaxedClaims {
  protected override rate(): number {
    return Math.max(0.01, super.rate());
  }
}

class Overdraft extends TaxedClaims {
  private more = 2 ** 30;

  protected override pays(claim: GangClaim, due: number, _timeSeconds: number, out: Outbox): boolean {
    if (due > 0) out.tax(claim.job, ++this.more, due);
    return true;
  }
}

class EternalChampion extends TaxedClaims {
  protected override reignEnd(since: number): number {
    return since + 1e6;
  }
}

class SelfChampion extends TaxedClaims {
  override isChampion(job: number): boolean {
    return this.standings.has(job);
  }
}

const CLAIMS: Readonly<Record<TaxPlant, typeof TaxedClaims>> = {
  'taxed-champion': TaxedChampion,
  'healthy-tax': HealthyTax,
  overdraft: Overdraft,
  'eternal-champion': EternalChampion,
  'self-champion': SelfChampion,
};

/** @returns A zone governor with a bug. */
export function plantedReservationZone(parts: ZoneGovernorParts, plant: ReservationPlant): ZoneGovernor {
  if (plant === 'first-champion') return new FirstChampionZone(parts);
  return plant === 'repeated-idle' ? new RepeatedIdleZone(parts) : new EternalReservationZone(parts);
}

class EternalReservations extends ZoneGangs {
  protected override isResting(): boolean {
    return false;
  }
}

class EternalReservationZone extends ZoneGovernor {
  protected override makeGangs(...args: ConstructorParameters<typeof ZoneGangs>): ZoneGangs {
    return new EternalReservations(...args);
  }
}

class FirstChampionZone extends ZoneGovernor {
  private first: Message | undefined;

  override receive(message: Message, timeSeconds: number, out: Outbox): void {
    const isNews = message.kind === MessageKind.Champion && message.pods > 0;
    if (isNews) this.first ??= message;
    const isOther = message.kind === MessageKind.Champion && message.from === this.first?.from;
    super.receive(isOther && this.first !== undefined ? this.first : message, timeSeconds, out);
  }
}

class RepeatedIdleZone extends ZoneGovernor {
  private cpuMilli = 0;

  override receive(message: Message, timeSeconds: number, out: Outbox): void {
    super.receive(message, timeSeconds, out);
    if (message.kind !== MessageKind.HeldIdle) return;
    const local = this.ledger.localOf(message.job);
    if (local >= 0) this.cpuMilli += this.ledger.cpuMilli[local] as number;
  }

  override wake(timeSeconds: number, out: Outbox): void {
    super.wake(timeSeconds, out);
    for (const [i, message] of out.messages.entries()) {
      if (message.kind !== MessageKind.Summary || this.cpuMilli === 0) continue;
      const held = { ...message.hologram.held, cpuMilli: this.cpuMilli };
      out.messages[i] = { ...message, hologram: new Hologram({ ...message.hologram, held }) };
    }
  }
}

/** @returns A ledger with a bug, if the name is one of its bugs. */
export function plantedLedger(plant: string | undefined, options: LedgerOptions): Ledger {
  if (plant === 'replayed-transfer') return new ReplayedTransfers(options);
  if (plant === 'kept-reserve') return new KeptReserves(options);
  if (plant === 'whole-post') return new WholePosts(options);
  if (plant !== 'lost-batch') return new Ledger(options);
  const { onBatch } = options;
  return new Ledger({
    ...options,
    onBatch: (batch) => (batch.number % 20 === 19 ? undefined : onBatch?.(batch)),
  });
}

class ReplayedTransfers extends Ledger {
  private readonly seen = new Set<string>();

  override apply(transfers: readonly Transfer[], timeMicros: number): Uint8Array {
    const fresh = transfers.map((transfer) => {
      const isPost = transfer.action === TransferAction.Post && this.seen.has(idText(transfer.id));
      this.seen.add(idText(transfer.id));
      return isPost ? { ...transfer, id: { ...transfer.id, kind: 99, subject: this.seen.size } } : transfer;
    });
    return super.apply(fresh, timeMicros);
  }
}

class KeptReserves extends Ledger {
  override apply(transfers: readonly Transfer[], timeMicros: number): Uint8Array {
    if (transfers.every(({ action }) => action === TransferAction.VoidPending))
      return new Uint8Array(transfers.length).fill(Answer.Done);
    return super.apply(transfers, timeMicros);
  }
}

class WholePosts extends Ledger {
  private readonly pending = new Map<string, number>();

  override apply(transfers: readonly Transfer[], timeMicros: number): Uint8Array {
    const whole = transfers.map((transfer) => {
      if (transfer.action === TransferAction.Pend) this.pending.set(idText(transfer.id), transfer.amount);
      if (transfer.action !== TransferAction.PostPending || transfer.pending === undefined) return transfer;
      return { ...transfer, amount: this.pending.get(idText(transfer.pending)) ?? transfer.amount };
    });
    return super.apply(whole, timeMicros);
  }
}
