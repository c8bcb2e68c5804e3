/**
 * The tax on held-idle escrows and the champion: who is charged, how much, and when; and that all agree on one champion.
 */

import { isPart } from '../../../governor/federation/federation-limits.ts';
import type { FederationOptions } from '../../../governor/federation/federation-options.ts';
import type { AgentHost } from '../../../governor/federation/host/agent-host.ts';
import { ClaimPhase } from '../../../governor/federation/host/gang-claim.ts';
import { TaxedClaims } from '../../../governor/federation/host/taxed-claims.ts';
import { type Action, ActionKind, MessageKind, type Outbox } from '../../../governor/federation/messages.ts';
import type { ZoneGovernor } from '../../../governor/federation/zone/zone-governor.ts';
import { HoldState } from '../../../governor/federation/zone/zone-ledger.ts';
import { ensure } from './violation.ts';
import type { VoprProcess } from './vopr-process.ts';

/** `claimSeconds` for which a gang may hold parts without a grant, unless it is champion. */
const PATIENT_CLAIMS = 8;
/** Rounding of a purse, micro-tokens. */
const SLACK = 2;

/** What a host's gangs of one tenant have paid since the host lost its log. */
interface Paid {
  readonly since: number;
  micros: number;
}

/** A gang that collects as the champion of its host's board. */
interface Reign {
  readonly rankSeconds: number;
  readonly since: number;
}

/** The checks of one run. */
export class TaxChecks {
  private readonly options: FederationOptions;
  private readonly processes: readonly VoprProcess[];
  private readonly tenantOf: (job: number) => number;
  /** By host, then by tenant. */
  private readonly paid = new Map<number, Map<number, Paid>>();
  /** By gang. */
  private readonly reigns = new Map<number, Reign>();
  /** By zone: since when it has been seen to reserve. */
  private readonly reservedSince = new Map<number, number>();
  /** The first of all gangs by what their hosts know, and since when it is the same. */
  private first = -1;
  private firstSince = 0;

  constructor(
    options: FederationOptions,
    processes: readonly VoprProcess[],
    tenantOf: (job: number) => number,
  ) {
    this.options = options;
    this.processes = processes;
    this.tenantOf = tenantOf;
  }

  /** A host has started with nothing: its tenants' purses are full. */
  forgotten(host: number, timeSeconds: number): void {
    this.paid.delete(host);
    this.firstSince = timeSeconds;
  }

  /** A host has made a step. */
  hostStepped(host: AgentHost, { actions }: Outbox, timeSeconds: number): void {
    const { gangTax } = this.options;
    if (gangTax === undefined || !(host.claims instanceof TaxedClaims)) return;
    for (const action of actions)
      if (action.kind === ActionKind.Tax) this.checkCharge(host, action, timeSeconds);
    this.checkClaims(host, timeSeconds);
    this.noteFirst(timeSeconds);
  }

  /** A zone has made a step. @throws Violation if it publishes more than its gangs have in escrow, or reserves too long. */
  zoneStepped({ id, ledger, gangs }: ZoneGovernor, { messages }: Outbox, timeSeconds: number): void {
    this.checkReservation(id, gangs.isReserving(timeSeconds), timeSeconds);
    for (const message of messages) {
      if (message.kind !== MessageKind.Summary) continue;
      const { gpuMilli, cpuMilli } = message.hologram.held;
      let [gpu, cpu] = [0, 0];
      if (gpuMilli === 0 && cpuMilli === 0) continue;
      ledger.forEach((local) => {
        if (!isPart(ledger.jobs[local] as number) || ledger.states[local] !== HoldState.Escrow) return;
        gpu += ledger.gpuMilli[local] as number;
        cpu += ledger.cpuMilli[local] as number;
      });
      ensure(gpuMilli <= gpu && cpuMilli <= cpu, () => {
        return `zone ${id} says that gangs hold ${gpuMilli} milli-GPU and ${cpuMilli} of CPU idle; they hold ${gpu} and ${cpu} in escrow`;
      });
    }
  }

  /**
   * No fault has happened and no other gang has become the first for long enough for the news to be everywhere.
   *
   * @param staleSeconds How long that takes. @param quietSince When the last fault was over.
   * @throws Violation unless all zones and hosts agree on the champion.
   */
  checkAgreement(timeSeconds: number, quietSince: number, staleSeconds: number): void {
    if (this.options.gangTax === undefined) return;
    if (timeSeconds - Math.max(this.firstSince, quietSince) <= staleSeconds) return;
    for (const process of this.processes) {
      if (process.role === 'summary') continue;
      const named =
        process.role === 'zone'
          ? process.governor.gangs.championAt(timeSeconds)?.gang
          : (process.host.claims as TaxedClaims).champion?.gang;
      ensure(
        (named ?? -1) === this.first,
        () => `${process.name} takes gang ${named ?? 'nobody'} for champion; the first is ${this.first}`,
      );
    }
  }

  /** A zone starts again. */
  returned(zone: number): void {
    this.reservedSince.delete(zone);
  }

  private checkReservation(zone: number, isReserving: boolean, timeSeconds: number): void {
    const since = this.reservedSince.get(zone) ?? timeSeconds;
    if (isReserving) this.reservedSince.set(zone, since);
    else this.reservedSince.delete(zone);
    // A zone makes a step every period, and would be seen at rest.
    const most = (this.options.gangTax?.championSeconds ?? 0) + 1.1 * this.options.publishSeconds;
    ensure(!isReserving || timeSeconds - since <= most, () => {
      return `zone ${zone} has reserved for champions for ${(timeSeconds - since).toFixed(1)} s without a break`;
    });
  }

  private checkCharge(host: AgentHost, { job, microTokens = 0 }: Action, timeSeconds: number): void {
    const { governor, balance, mintPerSecond } = this.options.gangTax as NonNullable<
      FederationOptions['gangTax']
    >;
    const { psi, champion } = host.board.heldIdle(timeSeconds);
    ensure(
      Number.isInteger(microTokens) && microTokens > 0,
      () => `gang ${job} is charged ${microTokens} micro-tokens`,
    );
    ensure(champion?.gang !== job, () => `gang ${job} is charged tax, and is the champion`);
    ensure(psi >= governor.deadBand.offPsi, () => {
      return `gang ${job} is charged tax while ${psi} of the capacity is held idle, which is below ${governor.deadBand.offPsi}`;
    });
    const tenant = this.tenantOf(job);
    const ofHost = this.paid.get(host.id) ?? new Map<number, Paid>();
    this.paid.set(host.id, ofHost);
    const paid = ofHost.get(tenant) ?? { since: timeSeconds, micros: 0 };
    ofHost.set(tenant, paid);
    paid.micros += microTokens;
    const most = 1e6 * (balance + mintPerSecond * (timeSeconds - paid.since)) + SLACK;
    ensure(paid.micros <= most, () => {
      return `gangs of tenant ${tenant} on host ${host.id} have paid ${paid.micros} micro-tokens of tax; they had ${most}`;
    });
  }

  /** No gang holds parts for ever. */
  private checkClaims(host: AgentHost, timeSeconds: number): void {
    const { claimSeconds, gangTax, publishSeconds } = this.options;
    const { champion } = host.board.heldIdle(timeSeconds);
    for (const gang of this.reigns.keys()) {
      if (host.jobs.slotOf(gang) >= 0 && host.claims.of(gang) === undefined) this.reigns.delete(gang);
    }
    for (const gang of (host.claims as TaxedClaims).waiting()) {
      const claim = host.claims.of(gang);
      const collects = claim !== undefined && claim.phase <= ClaimPhase.Preparing;
      const reigns = collects && champion?.gang === gang;
      const known = this.reigns.get(gang);
      if (!reigns) this.reigns.delete(gang);
      else if (known?.rankSeconds !== champion.rankSeconds)
        this.reigns.set(gang, { rankSeconds: champion.rankSeconds, since: timeSeconds });
      if (!collects || claim.dueAt <= timeSeconds) continue;
      if (!reigns) {
        const held = timeSeconds - claim.lastGrantAt;
        ensure(held <= PATIENT_CLAIMS * claimSeconds + 2 * publishSeconds, () => {
          return `gang ${gang} was granted nothing for ${held.toFixed(1)} s, is not champion, and keeps what it has`;
        });
      } else if (known !== undefined) {
        const most = (gangTax?.championSeconds ?? 0) + 2 * publishSeconds;
        ensure(timeSeconds - known.since <= most, () => {
          return `gang ${gang} has been champion for ${(timeSeconds - known.since).toFixed(1)} s`;
        });
      }
    }
  }

  private noteFirst(timeSeconds: number): void {
    let first: { readonly rankSeconds: number; readonly gang: number } | undefined;
    for (const process of this.processes) {
      if (process.role !== 'host' || !process.isUp) continue;
      const bid = (process.host.claims as TaxedClaims).lastBid;
      if (bid === undefined) continue;
      const difference =
        first === undefined ? -1 : bid.rankSeconds - first.rankSeconds || bid.gang - first.gang;
      if (difference < 0) first = bid;
    }
    const gang = first?.gang ?? -1;
    if (gang === this.first) return;
    this.first = gang;
    this.firstSince = timeSeconds;
  }
}
