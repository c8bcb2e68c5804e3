/**
 * What a zone knows of gangs across zones: which of its escrows are held idle, which gang goes first, and what is
 * reserved for it.
 *
 * Reserved is every place that the champion could use, up to the pods that it lacks: nobody else gets one. Not for
 * ever: after `championSeconds` at a stretch nothing is reserved for as long, so that a champion for which there is no
 * room cannot keep everybody else waiting.
 */
import {
  type ChampionBid,
  firstBid,
  type HeldPart,
  NO_HELD_PART,
} from '../../../field/hologram/held-part.ts';
import type { ClusterState } from '../../../model/cluster-state.ts';
import type { Demand } from '../../../model/demand.ts';
import { podsFitting } from '../../zone/zone-capacity.ts';
import { gangOf } from '../federation-limits.ts';
import type { FederationOptions } from '../federation-options.ts';
import type { ChampionMessage, HeldIdleMessage } from '../messages.ts';
import { HoldState, type ZoneLedger } from './zone-ledger.ts';

/** Something that was heard, and until when it counts. */
interface Heard<T> {
  readonly value: T;
  readonly untilSeconds: number;
}

/** See the head of the file. */
export class ZoneGangs {
  private readonly ledger: ZoneLedger;
  private readonly cluster: ClusterState;
  private readonly options: FederationOptions;
  private readonly parent: number;
  private readonly demandOf: (demandId: number) => Demand;
  /** By offer: the job of an escrow that is held idle. */
  private readonly idle = new Map<number, Heard<number>>();
  /** By host: the first of its gangs. */
  private readonly bids = new Map<number, Heard<ChampionBid>>();
  private champion: Heard<ChampionBid> | undefined;
  /** Since when something is reserved without a break; NaN: not now. */
  private reservedSince = Number.NaN;

  constructor(
    ledger: ZoneLedger,
    cluster: ClusterState,
    options: FederationOptions,
    parent: number,
    demandOf: (demandId: number) => Demand,
  ) {
    this.ledger = ledger;
    this.cluster = cluster;
    this.options = options;
    this.parent = parent;
    this.demandOf = demandOf;
  }

  /** A host says that an escrow is held idle. One that does not exist (any more) is ignored. */
  heldIdle({ job, offer, deadline }: HeldIdleMessage): void {
    if (this.isHeld(job, offer)) this.idle.set(offer, { value: job, untilSeconds: deadline });
  }

  /** A host bids, or the tree says who is champion. */
  hear(m: ChampionMessage, timeSeconds: number): void {
    const { rankSeconds, gang, demandId, pods } = m;
    const untilSeconds = timeSeconds + this.options.expireSeconds;
    const heard = { value: { rankSeconds, gang, demandId, pods }, untilSeconds };
    if (m.from !== this.parent) {
      if (pods > 0) this.bids.set(m.from, heard);
      else this.bids.delete(m.from);
      return;
    }
    const wasReserved = this.championAt(timeSeconds) !== undefined;
    this.champion = pods > 0 ? heard : undefined;
    if (pods > 0 && !wasReserved) this.reservedSince = timeSeconds;
  }

  /** @returns The champion as far as the zone knows; undefined: none. */
  championAt(timeSeconds: number): ChampionBid | undefined {
    const { champion } = this;
    return champion !== undefined && timeSeconds <= champion.untilSeconds ? champion.value : undefined;
  }

  /** @returns For the zone's summary. O(escrows held idle + hosts). */
  part(timeSeconds: number): HeldPart {
    const { ledger } = this;
    if (this.idle.size === 0 && this.bids.size === 0) return NO_HELD_PART;
    let gpuMilli = 0;
    let cpuMilli = 0;
    for (const [offer, { value: job, untilSeconds }] of this.idle) {
      if (timeSeconds > untilSeconds || !this.isHeld(job, offer)) {
        this.idle.delete(offer);
        continue;
      }
      const local = ledger.localOf(job);
      gpuMilli += ledger.gpuMilli[local] as number;
      cpuMilli += ledger.cpuMilli[local] as number;
    }
    let champion: ChampionBid | undefined;
    for (const [host, { value, untilSeconds }] of this.bids) {
      if (timeSeconds > untilSeconds) this.bids.delete(host);
      else champion = firstBid(champion, value);
    }
    return { gpuMilli, cpuMilli, champion };
  }

  /** @returns Places that are reserved against a job, before it takes any; 0: none. O(nodes) while there is a champion. */
  reservedAgainst(job: number, timeSeconds: number): number {
    const champion = this.championAt(timeSeconds);
    if (champion === undefined || gangOf(job) === champion.gang || this.isResting(timeSeconds)) return 0;
    return Math.min(champion.pods, this.slotsOf(champion));
  }

  /** @returns Places too few for the champion beside a job that has just got its own; 0: none. As `reservedAgainst`. */
  missingFor(job: number, timeSeconds: number): number {
    const champion = this.championAt(timeSeconds);
    if (champion === undefined || gangOf(job) === champion.gang || this.isResting(timeSeconds)) return 0;
    return Math.max(0, champion.pods - this.slotsOf(champion));
  }

  /** @returns True if fewer places are left for the champion than before. @param reserved Of `reservedAgainst`. */
  hasTaken(reserved: number, timeSeconds: number): boolean {
    const champion = this.championAt(timeSeconds);
    return reserved > 0 && champion !== undefined && this.slotsOf(champion) < reserved;
  }

  /** @returns True if there is a champion and places are reserved for it. */
  isReserving(timeSeconds: number): boolean {
    return this.championAt(timeSeconds) !== undefined && !this.isResting(timeSeconds);
  }

  /** Nothing is reserved every other `championSeconds`. */
  protected isResting(timeSeconds: number): boolean {
    const championSeconds = this.options.gangTax?.championSeconds ?? Number.POSITIVE_INFINITY;
    return Math.floor((timeSeconds - this.reservedSince) / championSeconds) % 2 === 1;
  }

  private isHeld(job: number, offer: number): boolean {
    const local = this.ledger.localOf(job);
    return (
      local >= 0 && this.ledger.offers[local] === offer && this.ledger.states[local] === HoldState.Escrow
    );
  }

  private slotsOf({ demandId, pods }: ChampionBid): number {
    const { cluster } = this;
    const demand = this.demandOf(demandId);
    let slots = 0;
    for (let node = 0; node < cluster.nodeCount && slots < pods; node++)
      slots += podsFitting(cluster, node, demand);
    return slots;
  }
}
