/**
 * A node of the summary tree: keeps the last summary of each child, sends its parent their sum, sends its entries to
 * all nodes below, and routes proposals to its zones.
 *
 * Why the last summary and not a running sum: a duplicate, late or reordered summary then changes nothing, and a silent
 * child drops out when its last summary expires.
 */

import { type ChampionBid, firstBid } from '../../field/hologram/held-part.ts';
import { type Hologram, mergeHolograms } from '../../field/hologram/hologram.ts';
import type { OfferReader } from '../../field/hologram/offer-reader.ts';
import type { Random } from '../../kernel/random.ts';
import type { DemandTable } from '../../model/demand.ts';
import { type ChoiceStream, type Chooser, newStream } from '../choosers/chooser.ts';
import { Board } from './board.ts';
import { numberOfIncarnation } from './federation-limits.ts';
import type { FederationOptions } from './federation-options.ts';
import {
  type BoardEntry,
  FederationReason,
  type Message,
  MessageKind,
  type Outbox,
  type Process,
  ProposalMode,
  type ProposeMessage,
  type SummaryMessage,
} from './messages.ts';

/** Most streams of choices kept. */
const STREAMS_MAX = 4096;

/** No gang waits. */
const NO_BID: ChampionBid = { rankSeconds: 0, gang: 0, demandId: 0, pods: 0 };

/** A child that publishes: a zone, or a summary node. */
export interface SummaryChild {
  readonly id: number;
  readonly isGroup: boolean;
  readonly position: number;
}

/** The dependencies of a summary node. */
export interface SummaryNodeParts {
  readonly id: number;
  /** −1: this is the root. */
  readonly parent: number;
  readonly children: readonly SummaryChild[];
  /** Agent hosts that get its board, beside the children that are summary nodes. */
  readonly readers: readonly number[];
  readonly position: number;
  readonly demands: DemandTable;
  readonly reader: OfferReader;
  readonly chooser: Chooser;
  readonly random: Random;
  readonly options: FederationOptions;
  readonly incarnation: number;
  readonly firstPublishSeconds: number;
}

/** The last summary of a child. */
interface LastSummary {
  readonly child: SummaryChild;
  entry: BoardEntry | undefined;
}

/** A summary node. Its state is all soft: it may start empty at any time, and is complete again after a period. */
export class SummaryNode implements Process {
  readonly id: number;
  /** Of the last summary published. */
  version: number;
  /** Proposals routed, and refused because no zone below showed room. */
  readonly counters = { routed: 0, refused: 0 };
  private readonly parts: SummaryNodeParts;
  private readonly last = new Map<number, LastSummary>();
  /** The parent's entries for zones elsewhere. */
  private above: readonly BoardEntry[] = [];
  private readonly board: Board;
  private readonly streams = new Map<number, ChoiceStream>();
  private publishAt: number;
  /** Its zones know of a champion. */
  private hasChampion = false;

  constructor(parts: SummaryNodeParts) {
    this.parts = parts;
    this.id = parts.id;
    this.version = numberOfIncarnation(parts.incarnation, 0);
    this.publishAt = parts.firstPublishSeconds;
    this.board = new Board(parts.reader, parts.options.expireSeconds, parts.options.boardEntriesMax);
    for (const child of parts.children) this.last.set(child.id, { child, entry: undefined });
  }

  get wakeAt(): number {
    return this.publishAt;
  }

  receive(message: Message, timeSeconds: number, out: Outbox): void {
    switch (message.kind) {
      case MessageKind.Summary:
        this.onSummary(message);
        break;
      case MessageKind.Board:
        this.above = message.entries.filter((entry) => entry.id !== this.id);
        break;
      case MessageKind.Propose:
        this.route(message, timeSeconds, out);
        break;
    }
  }

  wake(timeSeconds: number, out: Outbox): void {
    if (timeSeconds < this.publishAt) return;
    const { publishSeconds } = this.parts.options;
    this.publishAt += publishSeconds * (1 + Math.floor((timeSeconds - this.publishAt) / publishSeconds));
    this.publish(timeSeconds, out);
  }

  /** @returns The last summaries of the children that have not expired. */
  known(timeSeconds: number): BoardEntry[] {
    const entries: BoardEntry[] = [];
    for (const { entry } of this.last.values()) {
      if (entry !== undefined && !this.isExpired(entry.hologram, timeSeconds)) entries.push(entry);
    }
    return entries;
  }

  /** @returns The sum of the children's last summaries. */
  total(timeSeconds: number): Hologram {
    return mergeHolograms(this.known(timeSeconds).map((entry) => entry.hologram));
  }

  private onSummary({ from, version, hologram }: SummaryMessage): void {
    const last = this.last.get(from);
    if (last === undefined) return;
    if (last.entry !== undefined && last.entry.version >= version) return;
    const { id, isGroup, position } = last.child;
    last.entry = { id, isGroup, position, version, hologram };
  }

  private publish(timeSeconds: number, out: Outbox): void {
    const { parent, readers, children } = this.parts;
    const known = this.known(timeSeconds);
    this.board.replace(known);
    const entries = [...known, ...this.above.filter((entry) => !this.isExpired(entry.hologram, timeSeconds))];
    for (const reader of readers) this.tellBoard(reader, entries, out);
    for (const child of children) if (child.isGroup) this.tellBoard(child.id, entries, out);
    this.tellChampion(entries, out);
    if (parent < 0 || known.length === 0) return;
    const hologram = mergeHolograms(known.map((entry) => entry.hologram));
    out.send({ kind: MessageKind.Summary, from: this.id, to: parent, version: ++this.version, hologram });
  }

  /** Its zones learn which gang goes first, and that none does any more. */
  private tellChampion(entries: readonly BoardEntry[], out: Outbox): void {
    let champion: ChampionBid | undefined;
    for (const { hologram } of entries) champion = firstBid(champion, hologram.held.champion);
    if (champion === undefined && !this.hasChampion) return;
    this.hasChampion = champion !== undefined;
    const bid = champion ?? NO_BID;
    for (const { id: to, isGroup } of this.parts.children) {
      if (!isGroup) out.send({ kind: MessageKind.Champion, from: this.id, to, ...bid });
    }
  }

  private tellBoard(to: number, entries: readonly BoardEntry[], out: Outbox): void {
    out.send({ kind: MessageKind.Board, from: this.id, to, entries });
  }

  /** Hands a proposal to the child that the chooser picks on the newest summaries, or refuses it. */
  private route(m: ProposeMessage, timeSeconds: number, out: Outbox): void {
    const { demands, options } = this.parts;
    const demand = demands.demands[m.demandId];
    this.board.replace(this.known(timeSeconds));
    const isLost = demand === undefined || m.hops >= options.hopsMax || timeSeconds > m.deadline;
    const found = isLost ? 0 : this.board.offersFor(demand, m.gangMin, timeSeconds);
    const child = isLost ? undefined : this.childFor(m, found, timeSeconds);
    if (child === undefined) {
      this.counters.refused++;
      const { id, version } = this;
      const { host: to, job, attempt } = m;
      const reason = FederationReason.NoZone;
      out.send({ kind: MessageKind.Refuse, from: id, to, job, attempt, reason, version });
      return;
    }
    this.counters.routed++;
    out.send({ ...m, from: this.id, to: child, hops: m.hops + 1 });
  }

  /** @param found Children that show room. @returns The child that gets the proposal; undefined: none. */
  private childFor(m: ProposeMessage, found: number, timeSeconds: number): number | undefined {
    const { chooser, random } = this.parts;
    // A standing request waits where there is no room yet.
    if (found === 0) {
      return m.mode === ProposalMode.Standing ? this.board.anyEntry(random, timeSeconds)?.id : undefined;
    }
    if (m.mode === ProposalMode.Random) return this.board.entryOf(random.nextInt(found)).id;
    const deciders = this.board.deciders(timeSeconds);
    const choice = chooser.choose(this.board.offers, deciders, this.streamOf(m.demandId), random);
    return this.board.entryOf(choice).id;
  }

  private streamOf(demandId: number): ChoiceStream {
    let stream = this.streams.get(demandId);
    if (stream === undefined) {
      if (this.streams.size >= STREAMS_MAX) this.streams.clear();
      stream = newStream(this.parts.position);
      this.streams.set(demandId, stream);
    }
    return stream;
  }

  private isExpired(hologram: Hologram, timeSeconds: number): boolean {
    // By its newest part: one silent child does not remove a whole group.
    return timeSeconds - hologram.newestAt > this.parts.options.expireSeconds;
  }
}
