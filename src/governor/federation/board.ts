/**
 * A reader's knowledge of the zones: the last summary of each, and their offers to a demand.
 *
 * Memory grows with the zones and groups known, never with nodes. Everything on it is stale: entries carry their age,
 * expire, and refusals since an entry was written are kept until a newer one comes.
 */
import { addHeldParts, type ChampionBid, NO_HELD_PART } from '../../field/hologram/held-part.ts';
import type { Offer, OfferReader } from '../../field/hologram/offer-reader.ts';
import { assert } from '../../kernel/assert.ts';
import type { Random } from '../../kernel/random.ts';
import type { Demand } from '../../model/demand.ts';
import { DEMANDS_MAX } from '../../model/limits.ts';
import { makeOffers, type ZoneOffers } from '../choosers/chooser.ts';
import type { BoardEntry } from './messages.ts';

/** Most refusals kept; beyond it all are dropped, which costs a probe for each that still holds. */
const REFUSALS_MAX = 65_536;

/** A refusal of an entry: its version at that time, and the smallest gang for which it had no room. */
interface Refusal {
  readonly version: number;
  readonly gangMin: number;
}

/** A board. Written by its owner only. */
export class Board {
  /** Of the last `offersFor`. */
  readonly offers: ZoneOffers;
  private readonly reader: OfferReader;
  private readonly expireSeconds: number;
  private readonly entriesMax: number;
  private entries: BoardEntry[] = [];
  /** Refusals of entries, by process and demand. */
  private readonly refusals = new Map<number, Refusal>();
  private readonly offer: Offer = { price: 0, slope: 0, near: 0, slots: 0 };

  constructor(reader: OfferReader, expireSeconds: number, entriesMax: number) {
    this.reader = reader;
    this.expireSeconds = expireSeconds;
    this.entriesMax = entriesMax;
    this.offers = makeOffers(entriesMax);
  }

  /** Entries known, expired ones included. */
  get size(): number {
    return this.entries.length;
  }

  /** Takes a new board; entries older than the known ones are ignored. */
  replace(entries: readonly BoardEntry[]): void {
    const known = new Map(this.entries.map((entry) => [entry.id, entry]));
    this.entries = entries.slice(0, this.entriesMax).map((entry) => {
      const before = known.get(entry.id);
      return before !== undefined && before.version > entry.version ? before : entry;
    });
  }

  /** The entry offered nothing, contrary to its hologram. Kept until a newer version of the entry comes. */
  refuse(id: number, demandId: number, gangMin: number): void {
    const entry = this.entries.find((known) => known.id === id);
    if (entry === undefined) return;
    if (this.refusals.size >= REFUSALS_MAX) this.refusals.clear();
    const key = keyOf(id, demandId);
    const known = this.refusals.get(key);
    const same = known !== undefined && known.version === entry.version;
    const least = same ? Math.min(known.gangMin, gangMin) : gangMin;
    this.refusals.set(key, { version: entry.version, gangMin: least });
  }

  /** @returns Number of zones of an entry; 1 if it is unknown. O(entries). */
  zonesOf(id: number): number {
    return Math.max(1, this.entries.find((known) => known.id === id)?.hologram.sums.zones ?? 1);
  }

  /** @returns An entry drawn at random among those that have not expired; undefined if there is none. O(entries). */
  anyEntry(random: Random, timeSeconds: number): BoardEntry | undefined {
    const { entries } = this;
    if (entries.length === 0) return undefined;
    const first = random.nextInt(entries.length);
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[(first + i) % entries.length] as BoardEntry;
      if (timeSeconds - entry.hologram.newestAt <= this.expireSeconds) return entry;
    }
    return undefined;
  }

  /** @returns True if any entry has not expired. O(entries). */
  isKnown(timeSeconds: number): boolean {
    return this.entries.some(({ hologram }) => timeSeconds - hologram.newestAt <= this.expireSeconds);
  }

  /** @returns Seconds since the oldest entry in force was written; 0 without entries. */
  ageSeconds(timeSeconds: number): number {
    let age = 0;
    for (const { hologram } of this.entries) {
      if (timeSeconds - hologram.newestAt > this.expireSeconds) continue;
      age = Math.max(age, timeSeconds - hologram.takenAt);
    }
    return age;
  }

  /** @returns Agents that decide on data of this age at the same time, all zones together; at least 1. */
  deciders(timeSeconds: number): number {
    let sum = 0;
    for (const { hologram } of this.entries) {
      const age = timeSeconds - hologram.newestAt;
      if (age <= this.expireSeconds) sum += hologram.sums.arrivalsPerSecond * age;
    }
    return Math.max(1, sum);
  }

  /**
   * Collects the offers of the entries.
   *
   * @param demand  Of one pod.
   * @param gangMin Pods that have to start together in one zone.
   * @returns       Entries in `offers`: 0 if none shows room.
   * @cost O(entries), each a look into the reader's cache once it was read.
   */
  offersFor(demand: Demand, gangMin: number, timeSeconds: number): number {
    const { offers, offer, entries } = this;
    let count = 0;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as BoardEntry;
      const { hologram } = entry;
      if (timeSeconds - hologram.newestAt > this.expireSeconds) continue;
      if (gangMin * demand.gpuTotalMilli > hologram.maxima.zoneFreeGpuMilli) continue;
      if (!this.reader.read(hologram, demand, gangMin, offer)) continue;
      if (this.isRefused(entry, demand.id, gangMin)) continue;
      offers.entries[count] = i;
      offers.prices[count] = offer.price;
      offers.slopes[count] = offer.slope;
      offers.near[count] = offer.near;
      offers.slots[count] = offer.slots;
      offers.positions[count] = entry.position;
      offers.ages[count] = timeSeconds - hologram.takenAt;
      count++;
    }
    offers.count = count;
    return count;
  }

  /**
   * @returns False if a gang is larger than everything that any entry in force stands for: it can never run there whole.
   *   True does not mean that it can. @cost O(entries).
   */
  mayFitOneEntry(demand: Demand, gangMin: number, timeSeconds: number): boolean {
    const gpuMilli = gangMin * demand.gpuTotalMilli;
    const cpuMilli = gangMin * demand.cpuMilli;
    return this.entries.some(({ hologram: { sums, newestAt } }) => {
      if (timeSeconds - newestAt > this.expireSeconds) return false;
      return gpuMilli <= sums.capacityGpuMilli && cpuMilli <= sums.capacityCpuMilli;
    });
  }

  /** @returns ψ, the larger of GPU and CPU, and the champion, by all entries in force. O(entries). */
  heldIdle(timeSeconds: number): { readonly psi: number; readonly champion: ChampionBid | undefined } {
    let held = NO_HELD_PART;
    let gpuMilli = 0;
    let cpuMilli = 0;
    for (const { hologram } of this.entries) {
      if (timeSeconds - hologram.newestAt > this.expireSeconds) continue;
      held = addHeldParts(held, hologram.held);
      gpuMilli += hologram.sums.capacityGpuMilli;
      cpuMilli += hologram.sums.capacityCpuMilli;
    }
    const psi = Math.max(shareOf(held.gpuMilli, gpuMilli), shareOf(held.cpuMilli, cpuMilli));
    return { psi, champion: held.champion };
  }

  /** @returns False if a gang is larger than everything that all entries in force stand for. O(entries). */
  mayFitAll(demand: Demand, gangMin: number, timeSeconds: number): boolean {
    let gpuMilli = gangMin * demand.gpuTotalMilli;
    let cpuMilli = gangMin * demand.cpuMilli;
    for (const { hologram } of this.entries) {
      if (timeSeconds - hologram.newestAt > this.expireSeconds) continue;
      gpuMilli -= hologram.sums.capacityGpuMilli;
      cpuMilli -= hologram.sums.capacityCpuMilli;
    }
    return gpuMilli <= 0 && cpuMilli <= 0;
  }

  /** @returns Pods that run in a zone according to the board; 1 if it is unknown. */
  podsOf(zone: number): number {
    const entry = this.entries.find((known) => known.id === zone);
    return Math.max(1, entry?.hologram.sums.pods ?? 1);
  }

  /** @returns The board entry of `offers.entries[index]`. */
  entryOf(index: number): BoardEntry {
    return this.entries[this.offers.entries[index] as number] as BoardEntry;
  }

  private isRefused(entry: BoardEntry, demandId: number, gangMin: number): boolean {
    if (this.refusals.size === 0) return false;
    const refusal = this.refusals.get(keyOf(entry.id, demandId));
    return refusal !== undefined && refusal.version >= entry.version && gangMin >= refusal.gangMin;
  }
}

/** A share of capacity, in [0, 1]. */
function shareOf(part: number, all: number): number {
  return all > 0 ? Math.min(1, part / all) : 0;
}

/** One number for an entry and a demand. */
function keyOf(id: number, demandId: number): number {
  assert(
    id <= Math.floor(Number.MAX_SAFE_INTEGER / DEMANDS_MAX) - 1,
    'board: the id of an entry is too large to pack',
  );
  assert(demandId < DEMANDS_MAX, 'board: the id of a demand is too large to pack');
  return id * DEMANDS_MAX + demandId;
}
